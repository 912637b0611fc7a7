//! The one task that owns the core, and the loop rule: after each input, poll until the core says wait.
//!
//! Everything that blocks or waits is elsewhere: requests and streams in `http` and `stream`, files in `files`, inputs in `net`,
//! guest code in `pool`. They hand in messages through one bounded channel, and the task takes as many at once as there are.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use rustc_hash::FxHashMap;
use signalk_core::{
    ConnectionEvent, ConnectionId, Core, Effect, HttpId, HttpRequest, Input, LogLevel, Output,
    Platform, StreamId,
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{
    files::Files,
    http::Answer,
    inbox::{self, Inbox},
    net::Connections,
    outbox::{Ending, Outbox},
    platform::NativePlatform,
    plugin_net::PluginNet,
    pool::Pool,
    pressure,
    storage::Storage,
};

/// What the rest of the edge has for the core.
#[derive(Debug)]
pub(crate) enum ToCore {
    /// A request, and where its answer goes.
    Http(HttpRequest, oneshot::Sender<Answer>),
    /// A client that wants a stream. Its outbox says whether it is accepted.
    Open {
        /// Path and query.
        target: String,
        /// Names in lower case.
        headers: Vec<(String, String)>,
        /// Where its frames go.
        outbox: Arc<Outbox>,
    },
    /// Bytes of an input connection.
    Bytes {
        /// Which.
        id: ConnectionId,
        /// In any split.
        bytes: Bytes,
        /// Given back when the core has taken them.
        _credit: OwnedSemaphorePermit,
    },
    /// Data for a plugin.
    Plugin {
        /// A plugin's report.
        input: Input,
        /// Given back when the core has taken it.
        _credit: Option<OwnedSemaphorePermit>,
    },
    /// Everything else, as it is.
    Input(Input),
}

/// The way to the core. Cheap to clone; waits when the core is behind.
pub(crate) type CoreSender = inbox::Sender<ToCore>;

/// What the core's task works with.
pub(crate) struct Driver {
    /// The server.
    pub(crate) core: Core,
    /// The clocks.
    pub(crate) platform: NativePlatform,
    /// Input connections.
    pub(crate) connections: Connections,
    /// Sockets and requests of plugins.
    pub(crate) plugin_net: PluginNet,
    /// The disk.
    pub(crate) files: Files,
    /// Resources and charts.
    pub(crate) storage: Storage,
    /// For the pool's results.
    pub(crate) sender: CoreSender,
    /// Told when the core has stopped.
    pub(crate) stopped: Option<oneshot::Sender<()>>,
}

/// Messages that wait at most; then whoever has more must wait.
pub(crate) const CHANNEL: usize = 4096;

/// After a flood the memory is given back.
const LARGE_BATCH: usize = 512;

/// In a large batch timers and clients get their turn after so many messages.
const SOME: usize = 64;

/// Or after so many bytes of frames: one piece of NMEA 0183 makes hundreds.
const MUCH: usize = 64 << 10;

/// While deltas and bytes keep coming they are looked at this often: one waking and one write per client serve several. One
/// after a pause is looked at at once, as is everything that is not a flow.
const FLOW: Duration = Duration::from_millis(2);

/// Clients' tasks are woken this often at most, also when questions come between.
const COALESCE: Duration = Duration::from_millis(1);

/// The WebSocket close code of an end that goes away.
const GOING_AWAY: u16 = 1001;

/// A client above the high mark is reported again this often.
const REPORT_EVERY: Duration = Duration::from_secs(1);

impl Driver {
    /// Runs until [`Effect::Stopped`].
    pub(crate) async fn run(self, inbox: Inbox<ToCore>) {
        Running {
            driver: self,
            pool: Pool::new(),
            answers: BTreeMap::new(),
            next_http: 0,
            streams: FxHashMap::default(),
            high: Vec::new(),
            reported_at: Duration::ZERO,
            to_wake: Vec::new(),
            woken_at: Duration::ZERO,
            risen: Vec::new(),
            pressed: Vec::new(),
            bytes_sent: 0,
            until: None,
            done: false,
        }
        .run(inbox)
        .await;
    }
}

struct Running {
    driver: Driver,
    pool: Pool,
    answers: BTreeMap<HttpId, oneshot::Sender<Answer>>,
    next_http: u64,
    streams: FxHashMap<StreamId, Arc<Outbox>>,
    /// Clients above the high mark.
    high: Vec<Arc<Outbox>>,
    reported_at: Duration,
    /// Clients with new frames whose task does not know yet.
    to_wake: Vec<Arc<Outbox>>,
    woken_at: Duration,
    /// Clients that rose above the high mark since the core was told.
    risen: Vec<Arc<Outbox>>,
    /// Clients that fall behind.
    pressed: Vec<Arc<Outbox>>,
    /// In frames since clients last got their turn; a frame for many counts once.
    bytes_sent: usize,
    until: Option<Duration>,
    done: bool,
}

impl Running {
    async fn run(mut self, inbox: Inbox<ToCore>) {
        let mut batch = Vec::new();
        let mut rest = Instant::now();
        self.drain();
        while !self.done {
            self.wake_clients();
            inbox.take(&mut batch, rest, self.deadline()).await;
            rest = Instant::now() + FLOW;
            let large = batch.len() > LARGE_BATCH;
            self.bytes_sent = 0;
            for (at, message) in batch.drain(..).enumerate() {
                self.handle(message);
                if at % SOME == SOME - 1 || self.bytes_sent >= MUCH {
                    self.give_way().await;
                    self.timers();
                }
            }
            if large {
                batch.shrink_to(LARGE_BATCH);
            }
            if inbox.has_more() {
                self.give_way().await;
            }
            self.timers();
        }
        self.wake_all();
    }

    fn now(&self) -> Duration {
        self.driver.platform.monotonic()
    }

    /// The earliest of the core's timer, the clients' waking and the report of slow clients.
    fn deadline(&self) -> Option<Instant> {
        let waking = (!self.to_wake.is_empty()).then(|| self.woken_at + COALESCE);
        let report = (!self.high.is_empty()).then(|| self.reported_at + REPORT_EVERY);
        let earliest = [self.until, waking, report].into_iter().flatten().min()?;
        Some(self.driver.platform.instant(earliest))
    }

    fn handle(&mut self, message: ToCore) {
        let input = match message {
            ToCore::Http(request, answer) => {
                self.next_http += 1;
                let id = HttpId(self.next_http);
                self.answers.insert(id, answer);
                Input::Http { id, request }
            }
            ToCore::Open { target, headers, outbox } => {
                let id = outbox.id;
                self.streams.insert(id, outbox);
                Input::StreamOpened { id, target, headers }
            }
            ToCore::Bytes { id, bytes, .. } => {
                Input::Connection { id, event: ConnectionEvent::Bytes(bytes) }
            }
            ToCore::Plugin { input, .. } => input,
            ToCore::Input(input) => {
                if let Input::StreamClosed { id } = &input {
                    self.forget(*id);
                }
                input
            }
        };
        self.input(input);
        while let Some(outbox) = self.risen.pop() {
            self.input(Input::StreamQueue { id: outbox.id, bytes: outbox.bytes() });
            self.high.push(outbox);
        }
    }

    /// There is more to do: clients get what they have to get first, so that nobody falls behind only because input is fast.
    async fn give_way(&mut self) {
        self.bytes_sent = 0;
        self.woken_at = self.now();
        self.wake_all();
        tokio::task::yield_now().await;
        if !self.pressed.is_empty() {
            pressure::ease(&mut self.pressed).await;
        }
    }

    fn input(&mut self, input: Input) {
        let now = self.now();
        self.driver.core.handle_input(now, input);
        self.drain();
    }

    fn timers(&mut self) {
        let now = self.now();
        if self.until.is_some_and(|until| until <= now) {
            self.input(Input::Tick);
        }
        if !self.high.is_empty() && now >= self.reported_at + REPORT_EVERY {
            self.reported_at = now;
            let mut high = std::mem::take(&mut self.high);
            high.retain(|outbox| {
                self.streams.contains_key(&outbox.id) && outbox.bytes() > crate::outbox::LOW
            });
            for outbox in &high {
                self.input(Input::StreamQueue { id: outbox.id, bytes: outbox.bytes() });
            }
            self.high.append(&mut high);
        }
    }

    fn drain(&mut self) {
        loop {
            let now = self.now();
            match self.driver.core.poll_output(now) {
                Output::Effect(effect) => self.carry_out(effect),
                Output::Run { plugin, run } => {
                    let sender = self.driver.sender.clone();
                    self.pool.run(move || {
                        let ran = run.execute();
                        let urgent = ran.is_urgent();
                        // Fails only after the core has stopped.
                        let _ = sender.send_now(ToCore::Input(Input::Ran { plugin, ran }), urgent);
                    });
                }
                Output::Wait { until } => {
                    self.until = until;
                    return;
                }
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::HttpRespond { id, response } => {
                if let Some(answer) = self.answers.remove(&id) {
                    // The client may have gone.
                    let _ = answer.send(Answer::Whole(response));
                }
            }
            Effect::HttpRespondFile { id, response, file, offset, length } => {
                if let Some(answer) = self.answers.remove(&id) {
                    self.driver.storage.send_file(answer, response, &file, (offset, length));
                }
            }
            Effect::Storage { ticket, task } => self.driver.storage.begin(ticket, task),
            Effect::StreamSend { id, frame } => self.send(&[id], frame),
            Effect::StreamSendMany { ids, frame } => self.send(&ids, frame),
            Effect::StreamClose { id, code, reason } => self.end(id, Ending::Closed(code, reason)),
            Effect::StreamReject { id, response } => self.end(id, Ending::Rejected(response)),
            Effect::OpenConnection { id, endpoint } => self.driver.connections.open(id, endpoint),
            Effect::CloseConnection { id } => self.driver.connections.close(id),
            Effect::ReadModule { plugin, dir, wasm, want_fs } => {
                self.driver.files.read_module(plugin, dir, wasm, want_fs);
            }
            Effect::SaveFile { ticket, name, bytes } => self.driver.files.save(ticket, name, bytes),
            Effect::Plugin { plugin, life, egress, effect } => {
                self.driver.plugin_net.carry_out(plugin, life, egress, effect);
            }
            Effect::PluginEnded { plugin, life } => self.driver.plugin_net.ended(&plugin, life),
            Effect::Log { level, target, text } => log(level, &target, &text),
            Effect::Stopped => {
                self.done = true;
                for (_, outbox) in self.streams.drain() {
                    outbox.end(Ending::Closed(GOING_AWAY, "the server is stopping".into()));
                    self.to_wake.push(outbox);
                }
                if let Some(stopped) = self.driver.stopped.take() {
                    let _ = stopped.send(());
                }
            }
        }
    }

    fn send(&mut self, ids: &[StreamId], frame: Bytes) {
        // The core writes JSON; anything else has no place in a text frame. Looked at once, whoever gets it.
        let Ok(frame) = Utf8Bytes::try_from(frame) else { return };
        self.bytes_sent += frame.len();
        for id in ids {
            let Some(outbox) = self.streams.get(id) else { continue };
            let pushed = outbox.push(frame.clone());
            if pushed.risen {
                self.risen.push(Arc::clone(outbox));
            }
            if pushed.pressed {
                self.pressed.push(Arc::clone(outbox));
            }
            if pushed.first {
                self.to_wake.push(Arc::clone(outbox));
            }
        }
    }

    fn end(&mut self, id: StreamId, ending: Ending) {
        if let Some(outbox) = self.streams.remove(&id) {
            outbox.end(ending);
            self.to_wake.push(outbox);
        }
    }

    fn forget(&mut self, id: StreamId) {
        self.streams.remove(&id);
        self.high.retain(|outbox| outbox.id != id);
        self.pressed.retain(|outbox| outbox.id != id);
    }

    fn wake_clients(&mut self) {
        if self.to_wake.is_empty() {
            return;
        }
        let now = self.now();
        if now >= self.woken_at + COALESCE {
            self.woken_at = now;
            self.wake_all();
        }
    }

    fn wake_all(&mut self) {
        for outbox in self.to_wake.drain(..) {
            outbox.wake();
        }
    }
}

fn log(level: LogLevel, target: &str, text: &str) {
    match level {
        LogLevel::Error => tracing::error!(target: "signalk", "{target}: {text}"),
        LogLevel::Warn => tracing::warn!(target: "signalk", "{target}: {text}"),
        LogLevel::Info => tracing::info!(target: "signalk", "{target}: {text}"),
        LogLevel::Debug => tracing::debug!(target: "signalk", "{target}: {text}"),
    }
}
