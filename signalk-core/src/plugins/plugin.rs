//! One installed plugin: its package, its options, its life.
//!
//! States are those of plugin ABI 8.1. What drives them is `lifecycle.rs`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use signalk_bridge::{
    Capability, Delivery, Description, Egress, Input, Kept, Manifest, Purpose, Rules, Session,
};
use wasmi_hdk::Supervisor;

use super::PluginSettings;
use super::delta_buffer::DeltaBuffer;
use super::options::{Ahead, Options};
use super::record::Record;
use super::reload::Reload;

/// Own deltas per second that may come back to a `delta_handler` (plugin ABI 7.4).
const MOST_ECHOES: u32 = 1000;
/// How long own deltas are kept from a plugin that answered itself too often.
const ECHO_PAUSE: Duration = Duration::from_secs(10);

/// Where a plugin stands, in the words of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Stopped,
    Starting,
    Running,
    Error,
    Crashed,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            State::Stopped => "stopped",
            State::Starting => "starting",
            State::Running => "running",
            State::Error => "error",
            State::Crashed => "crashed",
        }
    }
}

/// One plugin.
pub(super) struct Plugin {
    pub(super) manifest: Manifest,
    pub(super) dir: String,
    pub(super) options: Options,
    /// The options that are on their way to the disk, as a client posted them.
    pub(super) ahead: Option<Ahead>,
    pub(super) state: State,
    pub(super) supervisor: Supervisor,
    pub(super) session: Option<Session>,
    /// The guest of the life before, for owners who want it to go on.
    pub(super) kept: Option<Kept>,
    /// Its module is being read, for this.
    pub(super) reading: Option<Purpose>,
    /// Reads that were asked for and are not wanted any more; their reports come first.
    pub(super) stale_reads: u32,
    /// It is being loaded anew.
    pub(super) reload: Option<Reload>,
    /// The module that was read last.
    pub(super) module: Option<ModuleInfo>,
    /// What the session is for.
    pub(super) purpose: Purpose,
    /// The session was asked to stop.
    pub(super) stopping: bool,
    /// Start it when the session that stops now has ended.
    pub(super) start_again: bool,
    /// Counts sessions: tells subscriptions of one life from those of the next.
    pub(super) life: u64,
    pub(super) description: Option<Description>,
    /// What was not understood of its package.json.
    pub(super) complaints: Vec<String>,
    pub(super) record: Record,
    pub(super) buffer: DeltaBuffer,
    /// When the session wants to be polled again.
    pub(super) wake: Option<Duration>,
    /// The session got an input.
    pub(super) dirty: bool,
    /// Where it may connect to, in this life.
    pub(super) egress: Arc<Egress>,
    /// How strictly the owner wants it taken, in this life.
    pub(super) rules: Rules,
    /// The edge keeps sockets or requests of this life.
    pub(super) connected: bool,
    /// The life in which its delta input handler was taken off.
    pub(super) inputs_off: Option<u64>,
    /// A notification about it stands.
    pub(super) alarmed: bool,
    echo: Echo,
}

/// Which file was read.
#[derive(Debug, Clone)]
pub(super) struct ModuleInfo {
    pub(super) hash: String,
    pub(super) bytes: usize,
}

/// Watches a plugin that answers its own deltas.
#[derive(Debug, Default)]
struct Echo {
    since: Duration,
    count: u32,
    pause_until: Option<Duration>,
}

impl Plugin {
    pub(super) fn new(manifest: Manifest, dir: String, options: Options) -> Plugin {
        Plugin {
            manifest,
            dir,
            options,
            ahead: None,
            state: State::Stopped,
            supervisor: Supervisor::new(),
            session: None,
            kept: None,
            reading: None,
            stale_reads: 0,
            reload: None,
            module: None,
            purpose: Purpose::Describe,
            stopping: false,
            start_again: false,
            life: 0,
            description: None,
            complaints: Vec::new(),
            record: Record::default(),
            buffer: DeltaBuffer::default(),
            wake: None,
            dirty: false,
            egress: Arc::default(),
            rules: Rules::default(),
            connected: false,
            inputs_off: None,
            alarmed: false,
            echo: Echo::default(),
        }
    }

    pub(super) fn enabled(&self) -> bool {
        self.options.enabled(self.manifest.enabled_by_default)
    }

    /// Whether what was last asked of it (start, stop, start anew) has come to its end.
    pub(super) fn is_settled(&self) -> bool {
        let at_rest = self.session.is_none() || (self.state == State::Running && !self.stopping);
        at_rest && self.reading.is_none() && !self.start_again
    }

    /// The display name: what the module says, else the package.
    pub(super) fn name(&self) -> &str {
        let described = self.description.as_ref().and_then(|d| d.name.as_deref());
        described.or(self.manifest.display_name.as_deref()).unwrap_or(&self.manifest.package_name)
    }

    /// Whether deltas for it are worth keeping: it runs, or will again soon.
    pub(super) fn takes_deltas(&self) -> bool {
        matches!(self.state, State::Running | State::Starting | State::Crashed)
    }

    /// True when the plugin has answered itself too often: the own delta is kept from it.
    /// The first time, also a text for its owner.
    pub(super) fn is_echo_too_much(&mut self, now: Duration) -> (bool, Option<String>) {
        let echo = &mut self.echo;
        if let Some(until) = echo.pause_until {
            if now < until {
                return (true, None);
            }
            *echo = Echo::default();
        }
        if now.saturating_sub(echo.since) >= Duration::from_secs(1) {
            (echo.since, echo.count) = (now, 0);
        }
        echo.count += 1;
        if echo.count <= MOST_ECHOES {
            return (false, None);
        }
        echo.pause_until = Some(now.saturating_add(ECHO_PAUSE));
        let id = &self.manifest.id;
        let pause = ECHO_PAUSE.as_secs();
        let text = format!(
            "plugin `{id}`: more than {MOST_ECHOES} of its own deltas per second reached its own delta_handler: a feedback loop; its own deltas are kept from it for {pause} s. Do not answer deltas whose $source is `{id}`"
        );
        (true, Some(text))
    }

    /// Whether a delta was sent by this plugin.
    pub(super) fn sent(&self, delta: &signalk_model::Delta) -> bool {
        let own = self.rules.source_name.as_deref().unwrap_or(self.manifest.id.as_str());
        delta.updates.iter().any(|update| {
            update
                .source_ref
                .as_ref()
                .and_then(|name| name.strip_prefix(own))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Between two lives deltas wait; otherwise they go to the session.
    pub(super) fn keeps_deltas(&self) -> bool {
        self.state != State::Running
    }

    pub(super) fn keep(&mut self, delivery: Delivery) {
        self.buffer.push(delivery);
    }

    /// What the session needs to be told at once.
    pub(super) fn replay(&mut self) -> Option<Input> {
        let kept = self.buffer.replay();
        (!kept.is_empty()).then_some(Input::Deltas(kept))
    }

    /// One entry of `GET /plugins` (plugin ABI 8.4).
    pub(super) fn list_entry(&self, settings: &PluginSettings) -> Value {
        let schema = self.description.as_ref().map_or("{}", |description| &description.schema);
        let schema: Value = serde_json::from_str(schema).unwrap_or_else(|_| json!({}));
        let (state, status) = match settings.enabled {
            false => ("disabled", "WASM interface disabled"),
            true => (self.state.as_str(), self.record.status_text()),
        };
        let mut entry = json!({
            "id": self.manifest.id,
            "name": self.name(),
            "packageName": self.manifest.package_name,
            "keywords": self.manifest.keywords,
            "version": self.manifest.version,
            "description": self.manifest.description,
            "schema": schema,
            "statusMessage": status,
            "state": state,
            "data": self.options.data(),
            "type": "wasm",
            "bundled": false,
        });
        let ui_schema = self.description.as_ref().and_then(|said| said.ui_schema.as_deref());
        if let Some(schema) = ui_schema.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            entry["uiSchema"] = schema;
        }
        entry
    }

    /// `GET /plugins/:id`.
    pub(super) fn info(&self) -> Value {
        json!({
            "enabled": self.enabled(),
            "enabledByDefault": self.manifest.enabled_by_default,
            "id": self.manifest.id,
            "name": self.name(),
            "version": self.manifest.version,
        })
    }

    /// The capabilities that it holds, by their keys.
    pub(super) fn held(&self) -> Vec<&'static str> {
        self.manifest.capabilities.iter().map(Capability::key).collect()
    }

    /// What was not understood of its package.json and its options file.
    pub(super) fn all_complaints(&self) -> Vec<&str> {
        self.complaints.iter().chain(&self.record.complaints).map(String::as_str).collect()
    }

    /// Keeps what the session knows about the module.
    pub(super) fn learn(&mut self) {
        if let Some(session) = self.session.as_ref().filter(|session| session.module().is_some()) {
            self.record.unknown_imports = session.unknown_imports().to_vec();
        }
    }

    /// At the end of a life that another follows at once: the owner may want the same guest in it (plugin ABI W20, D5).
    pub(super) fn keep_guest(&mut self) {
        let wanted = self.start_again
            && self.purpose == Purpose::Run
            && self.options.flag("keepInstanceOnRestart");
        self.kept = self.session.as_mut().filter(|_| wanted).and_then(Session::take_kept);
    }

    /// The module that is being read is not wanted any more. True: it was being read.
    pub(super) fn forget_reading(&mut self) -> bool {
        let was_reading = self.reading.take().is_some();
        self.stale_reads += u32::from(was_reading);
        was_reading
    }
}
