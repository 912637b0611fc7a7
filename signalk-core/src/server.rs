//! The state of the server without its plugins, and the few things that every part of it does: respond, send, log.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use signalk_bridge::PutRequest;
use signalk_model::{
    Context, Delta, Interner, Placement, SourcePolicy, SourceRef, Store, Timestamp,
};

use crate::{
    api::DefaultProviders,
    binary::BinaryStreams,
    config::{self, Config},
    connection::Connections,
    devices::Devices,
    guest::{Platform, PluginId},
    http::{HttpRequest, HttpResponse},
    identity::{self, uuid_v4},
    intake::Intake,
    io::{Effect, HttpId, LogArea, LogLevel, Output, StreamId, Ticket},
    notifications::Notifications,
    plugins::{OwnSave, PluginPut},
    providers::Providers,
    requests::Requests,
    resources::Resources,
    saving::{SavedPost, Saves, Saving},
    security::Security,
    stream::Streams,
    timer::{Timer, Timers},
    webapps::WebApps,
    zones::Zones,
};

/// Everything but the plugins: they are beside it in `Core`, because they are driven with it in hand.
pub(crate) struct Server {
    pub(crate) config: Config,
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) self_context: Context,
    /// New at each start: clients notice a restart by it.
    pub(crate) start_id: String,
    pub(crate) store: Store,
    /// Shares the names of all deltas that are parsed here.
    pub(crate) interner: Interner,
    pub(crate) streams: Streams,
    pub(crate) binary: BinaryStreams,
    pub(crate) connections: Connections,
    pub(crate) requests: Requests,
    pub(crate) devices: Devices,
    pub(crate) providers: Providers,
    pub(crate) resources: Resources,
    pub(crate) default_providers: DefaultProviders,
    /// Deltas that plugins look at before they are in the model.
    pub(crate) intake: Intake,
    pub(crate) notifications: Notifications,
    pub(crate) zones: Zones,
    pub(crate) webapps: WebApps,
    pub(crate) timers: Timers,
    pub(crate) names: Names,
    pub(crate) outputs: VecDeque<Output>,
    /// Deltas of this turn that were let through; `Core` hands them to the plugins.
    pub(crate) accepted: Vec<(Delta, Placement)>,
    /// The list of plugins looks different now; `Core` tells clients.
    pub(crate) plugins_changed: bool,
    /// What plugins say about themselves, as rows of PROVIDERSTATUS.
    pub(crate) plugin_status: Vec<Value>,
    /// Those rows are older than what plugins say.
    pub(crate) plugin_status_changed: bool,
    /// When those rows were last told because they changed.
    pub(crate) plugin_status_told: Option<Duration>,
    /// Options that plugins saved themselves and that the disk refused, with the reason; `Core` tells them.
    pub(crate) own_saves: Vec<(OwnSave, Result<(), String>)>,
    /// Settings that were changed and that only the next start follows.
    pub(crate) needs_restart: BTreeSet<&'static str>,
    /// Options files with what their owners wrote into them by hand: name, text, and whether it was an owner who saved.
    pub(crate) foreign_options: Vec<(String, String, bool)>,
    /// Configurations that clients have posted, and what the disk said; `Core` tells the plugins.
    pub(crate) posted_options: Vec<SavedPost>,
    /// Saved configurations whose clients wait for the plugin; `Core` answers them.
    pub(crate) saved_options: Vec<(HttpId, String)>,
    /// Frames of plugins that went nowhere: whose, how many, and why if that was not said in this life; `Core` tells
    /// the plugins.
    pub(crate) lost_frames: Vec<(PluginId, u64, Option<String>)>,
    /// Replies of handlers that are garbage, in words; `Core` tells the plugins' logs.
    pub(crate) garbage: Vec<(PluginId, String)>,
    /// PUTs of plugins that have not begun: at most a hundred of each, which wait for their answers.
    pub(crate) plugin_puts: VecDeque<(PluginPut, PutRequest)>,
    /// Those that have ended, with the reply; `Core` tells them.
    pub(crate) plugin_puts_done: Vec<(PluginPut, String)>,
    pub(crate) saves: Saves,
    /// Who may do what.
    pub(crate) security: Security,
    next_ticket: u64,
    /// When the first input came.
    started: Option<Duration>,
    /// The text of this millisecond: many deltas share it.
    written: Cell<Option<(i64, Timestamp)>>,
}

/// Source references that are used again and again.
pub(crate) struct Names {
    pub(crate) ws: SourceRef,
    pub(crate) defaults: SourceRef,
    pub(crate) server: SourceRef,
    pub(crate) zones: SourceRef,
}

impl Server {
    pub(crate) fn new(mut config: Config, platform: Arc<dyn Platform>) -> Server {
        let (self_id, save_base_deltas) = identity::self_id(&mut config, &*platform);
        let store = Store::new(&self_id);
        let (resources, complaints) = Resources::new(&config);
        config.complaints.extend(complaints);
        let mut server = Server {
            streams: Streams::new(store.self_context().clone()),
            binary: BinaryStreams::default(),
            self_context: store.self_context().clone(),
            intake: Intake::new(store.self_context().clone()),
            store,
            interner: Interner::new(),
            start_id: uuid_v4(&*platform),
            connections: Connections::new(&config.connections, config::refused(&config.settings)),
            needs_restart: BTreeSet::new(),
            requests: Requests::default(),
            devices: Devices::default(),
            providers: Providers::default(),
            resources,
            default_providers: DefaultProviders::new(),
            notifications: Notifications::default(),
            zones: Zones::default(),
            webapps: WebApps::default(),
            timers: Timers::default(),
            names: Names {
                ws: SourceRef::from("ws"),
                defaults: SourceRef::from("defaults"),
                server: SourceRef::from("server"),
                zones: SourceRef::from("self.notificationhandler"),
            },
            outputs: VecDeque::new(),
            accepted: Vec::new(),
            plugins_changed: false,
            plugin_status: Vec::new(),
            plugin_status_changed: false,
            plugin_status_told: None,
            own_saves: Vec::new(),
            foreign_options: Vec::new(),
            posted_options: Vec::new(),
            saved_options: Vec::new(),
            lost_frames: Vec::new(),
            garbage: Vec::new(),
            plugin_puts: VecDeque::new(),
            plugin_puts_done: Vec::new(),
            saves: Saves::new(&config.plugin_options),
            security: Security::new(config.security.clone(), &*platform),
            next_ticket: 0,
            started: None,
            written: Cell::new(None),
            config,
            platform,
        };
        for complaint in server.config.complaints.clone() {
            server.log_line(LogLevel::Warn, "core".into(), complaint);
        }
        if save_base_deltas {
            server.save(
                "baseDeltas.json".into(),
                server.config.base_deltas.to_text(),
                Saving::Quiet,
            );
        }
        server
    }

    /// The first turn: what is known from the configuration enters the model, and connections are opened.
    pub(crate) fn start(&mut self, now: Duration) {
        if self.started.is_some() {
            return;
        }
        self.started = Some(now);
        self.apply_base_deltas(now);
        self.open_connections(now);
        self.look_for_charts();
        self.timers.set(Timer::Prune, now + PRUNE_EVERY);
    }

    /// The earliest of everything that waits for its time.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let waiting =
            [self.timers.next(), self.streams.next_deadline(), self.requests.next_unanswered()];
        waiting.into_iter().flatten().min()
    }

    /// Forgets contexts that fell silent, and requests of an hour ago.
    pub(crate) fn prune(&mut self, now: Duration) {
        self.requests.prune(now);
        let minutes = self.config.settings.prune_contexts_minutes();
        let Some(older_than) = now
            .checked_sub(Duration::from_secs(minutes.saturating_mul(60)))
            .filter(|_| minutes > 0)
        else {
            return;
        };
        let gone = self.store.prune(older_than);
        if !gone.is_empty() {
            self.streams.forget(&gone);
            self.notifications.forget(&gone);
        }
    }

    pub(crate) fn uptime(&self, now: Duration) -> Duration {
        now.saturating_sub(self.started.unwrap_or(now))
    }

    pub(crate) fn unix_ms(&self) -> i64 {
        i64::try_from(self.platform.wall_clock().as_millis()).unwrap_or(i64::MAX)
    }

    /// Seconds since 1970: what tokens are measured by.
    pub(crate) fn unix_seconds(&self) -> u64 {
        self.platform.wall_clock().as_secs()
    }

    pub(crate) fn timestamp(&self) -> Timestamp {
        let now = self.unix_ms();
        let text = match self.written.take() {
            Some((at, text)) if at == now => text,
            _ => Timestamp::from_unix_ms(now),
        };
        self.written.set(Some((now, text.clone())));
        text
    }

    /// Answers an HTTP request; CORS and the entity tag are the same for all.
    pub(crate) fn respond(&mut self, id: HttpId, request: &HttpRequest, response: HttpResponse) {
        let response = response.with_etag(request);
        self.respond_plainly(id, response);
    }

    /// Pages of other servers may read every answer.
    pub(crate) fn allow_everybody(&self, response: &mut HttpResponse) {
        response.headers.push(("access-control-allow-origin".into(), "*".into()));
        response.headers.push(("access-control-allow-credentials".into(), "true".into()));
    }

    /// The same for an answer that comes later, without an entity tag.
    pub(crate) fn respond_plainly(&mut self, id: HttpId, mut response: HttpResponse) {
        self.allow_everybody(&mut response);
        self.outputs.push_back(Output::Effect(Effect::HttpRespond { id, response }));
    }

    /// One text frame to one stream client, whatever the state of its queue: answers and warnings are few.
    pub(crate) fn send(&mut self, id: StreamId, text: impl Into<Bytes>) {
        if self.streams.count_frame(id) {
            self.outputs.push_back(Output::Effect(Effect::StreamSend { id, frame: text.into() }));
        }
    }

    /// Several frames to one stream client.
    pub(crate) fn send_all(&mut self, id: StreamId, frames: Vec<Bytes>) {
        frames.into_iter().for_each(|frame| self.send(id, frame));
    }

    pub(crate) fn log_line(&mut self, level: LogLevel, target: String, text: String) {
        let area = LogArea::Server;
        self.outputs.push_back(Output::Effect(Effect::Log { level, area, target, text }));
    }

    /// Names a new wish for the disk.
    pub(crate) fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }

    /// Settings were changed that are read at the start only: said in the log and on the host's page.
    pub(crate) fn need_restart(&mut self, settings: Vec<&'static str>) {
        if settings.is_empty() {
            return;
        }
        let names = settings.join(", ");
        self.needs_restart.extend(settings);
        let text = format!("{names}: changed; restart the server for it to take effect");
        self.log_line(LogLevel::Warn, "core".into(), text);
    }

    /// Files that are still on their way to the disk.
    pub(crate) fn is_saving(&self) -> bool {
        !self.saves.is_empty() || self.resources.is_writing()
    }

    /// The members of a leaf (`value`, `$source`, `timestamp` ...) of a context.
    pub(crate) fn leaf(&self, context: &str, path: &str) -> Option<Value> {
        let (group, id) = context.split_once('.')?;
        let segments: Vec<&str> = [group, id].into_iter().chain(path.split('.')).collect();
        serde_json::from_str(&self.store.get(&segments)?.to_json()).ok()
    }

    /// Own paths with more than one source.
    pub(crate) fn multi_source_paths(&self) -> Value {
        let mut by_path: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for cached in self.store.cached(|context| *context == self.self_context, SourcePolicy::All)
        {
            if let (false, Some(source)) = (cached.path.is_root(), cached.source_ref) {
                by_path.entry(cached.path.to_string()).or_default().push(source.to_string());
            }
        }
        let several = by_path.into_iter().filter(|(_, sources)| sources.len() > 1).map(
            |(path, mut sources)| {
                sources.sort();
                (path, json!(sources))
            },
        );
        Value::Object(several.collect::<Map<_, _>>())
    }
}

/// The reference looks once a minute too.
pub(crate) const PRUNE_EVERY: Duration = Duration::from_secs(60);
