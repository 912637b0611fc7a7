//! The one task that owns the core, and the loop rule: after each input, poll until the core says wait.
//!
//! Everything that blocks or waits is elsewhere: requests and streams in `http` and `stream`, files in `files`, inputs
//! in `net`, guest code in `pool`. They hand in messages through one bounded channel, and the task takes as many at
//! once as there are.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use signalk_core::{
    ConnectionEvent, ConnectionId, Core, Effect, HttpId, HttpRequest, Input, Output, Platform,
};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::{
    clients::{Clients, Whose},
    exchanges::{Exchanges, Want},
    files::{Files, Save},
    http::Answer,
    inbox::{self, Inbox},
    logging::LogFilter,
    net::Connections,
    outbox::{Ending, Outbox},
    passwords::Passwords,
    platform::NativePlatform,
    plugin_net::PluginNet,
    pool::{self, Pool},
    static_files::StaticFiles,
    storage::Storage,
    stream::wire::Message,
};

/// What the rest of the edge has for the core.
#[derive(Debug)]
pub(crate) enum ToCore {
    /// A request, and where its answer goes.
    Http {
        /// Its number.
        id: HttpId,
        /// With `body`: without its body.
        request: HttpRequest,
        /// Taken once.
        answer: oneshot::Sender<Answer>,
        /// How its body is asked for.
        body: Option<mpsc::UnboundedSender<Want>>,
    },
    /// A client that wants a stream. Its outbox says whether it is accepted.
    Open {
        /// The upgrade request.
        request: HttpRequest,
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
    /// Web pages of packages.
    pub(crate) static_files: StaticFiles,
    /// Logins.
    pub(crate) passwords: Passwords,
    /// Which lines are printed.
    pub(crate) log: LogFilter,
    /// For the pool's results.
    pub(crate) sender: CoreSender,
}

/// Messages that wait at most; then whoever has more must wait.
pub(crate) const CHANNEL: usize = 4096;

/// After a flood the memory is given back.
const LARGE_BATCH: usize = 512;

/// In a large batch timers and clients get their turn after so many messages.
const SOME: usize = 128;

/// Or after so many bytes of frames: one piece of NMEA 0183 makes hundreds.
const MUCH: usize = 64 << 10;

/// While deltas and bytes keep coming they are looked at this often: one waking and one write per client serve several.
/// One after a pause is looked at at once, as is everything that is not a flow.
const FLOW: Duration = Duration::from_millis(2);

/// The WebSocket close code of an end that goes away.
const GOING_AWAY: u16 = 1001;

impl Driver {
    /// Runs until [`Effect::Stopped`].
    pub(crate) async fn run(self, inbox: Inbox<ToCore>) {
        Running {
            driver: self,
            pool: Pool::new(),
            exchanges: Exchanges::default(),
            clients: Clients::default(),
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
    exchanges: Exchanges,
    clients: Clients,
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
            self.clients.wake(self.now());
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
        self.clients.wake_now(self.now());
    }

    fn now(&self) -> Duration {
        self.driver.platform.monotonic()
    }

    fn deadline(&self) -> Option<Instant> {
        let earliest = self.until.into_iter().chain(self.clients.deadline()).min()?;
        Some(self.driver.platform.instant(earliest))
    }

    fn handle(&mut self, message: ToCore) {
        let input = match message {
            ToCore::Http { id, request, answer, body } => {
                let is_head = body.is_some();
                self.exchanges.open(id, answer, body);
                if is_head { Input::HttpHead { id, request } } else { Input::Http { id, request } }
            }
            ToCore::Open { request, outbox } => {
                let id = outbox.id;
                self.clients.open(outbox);
                Input::StreamOpened { id, request }
            }
            ToCore::Bytes { id, bytes, .. } => {
                Input::Connection { id, event: ConnectionEvent::Bytes(bytes) }
            }
            ToCore::Plugin { input, .. } => input,
            ToCore::Input(input) => {
                if matches!(input, Input::Ran { .. } | Input::RunLost { .. }) {
                    self.report_fallen();
                }
                match &input {
                    Input::StreamClosed { id, .. } => self.clients.forget(*id),
                    Input::HttpGone { id } => self.exchanges.forget(*id),
                    _ => {}
                }
                input
            }
        };
        self.input(input);
        self.report_risen();
    }

    fn report_risen(&mut self) {
        while let Some((id, bytes)) = self.clients.next_risen() {
            self.input(Input::StreamQueue { id, bytes });
        }
    }

    /// A plugin may have emitted frames: who gets them is decided by what is unsent now, not by what was when a
    /// client's task last had its turn.
    fn report_fallen(&mut self) {
        while let Some((id, bytes)) = self.clients.next_fallen() {
            self.input(Input::StreamQueue { id, bytes });
        }
    }

    /// There is more to do: clients get what they have to get first, so that nobody falls behind only because input is
    /// fast.
    async fn give_way(&mut self) {
        self.bytes_sent = 0;
        self.clients.wake_now(self.now());
        self.report_risen();
        tokio::task::yield_now().await;
        self.clients.ease().await;
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
        for (id, bytes) in self.clients.still_high(now) {
            self.input(Input::StreamQueue { id, bytes });
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
                        let (input, urgent) = pool::executed(plugin, || run.execute());
                        // Fails only after the core has stopped.
                        let _ = sender.send_now(ToCore::Input(input), urgent);
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
                if let Some(answer) = self.exchanges.take(id) {
                    // The client may have gone.
                    let _ = answer.send(Answer::Whole(response));
                }
            }
            Effect::HttpRespondFile { id, response, file, offset, length } => {
                if let Some(answer) = self.exchanges.take(id) {
                    self.driver.storage.send_file(answer, response, &file, (offset, length));
                }
            }
            Effect::HttpRespondStatic { id, file } => {
                if let Some(answer) = self.exchanges.take(id) {
                    self.driver.static_files.send(answer, file);
                }
            }
            Effect::HttpReadWhole { id } => self.exchanges.want(id, Want::Whole),
            Effect::HttpRead { id } => self.exchanges.want(id, Want::Piece),
            Effect::HttpRespondStream { id, response, length } => {
                self.exchanges.respond(id, response, length);
            }
            Effect::HttpWrite { id, piece } => self.exchanges.write(id, piece),
            Effect::HttpEnd { id, complete } => self.exchanges.end(id, complete),
            Effect::CheckPassword { ticket, check } => self.driver.passwords.begin(ticket, check),
            Effect::Storage { ticket, task } => self.driver.storage.begin(ticket, task),
            Effect::StreamSend { id, frame } => self.send(Whose::One(id), Message::Text(frame)),
            Effect::StreamSendMany { ids, frame } => {
                self.send(Whose::Many(ids), Message::Text(frame));
            }
            Effect::StreamSendBinary { ids, frame } => {
                self.send(Whose::Many(ids), Message::Binary(frame));
            }
            Effect::StreamAccept { id, limit, protocol } => {
                self.clients.accept(id, limit, protocol);
            }
            Effect::StreamClose { id, code, reason } => {
                self.clients.end(id, Ending::Closed(code, reason));
            }
            Effect::StreamReject { id, response } => {
                self.clients.end(id, Ending::Rejected(response));
            }
            Effect::OpenConnection { id, endpoint } => self.driver.connections.open(id, endpoint),
            Effect::CloseConnection { id } => self.driver.connections.close(id),
            Effect::ReadModule { plugin, dir, wasm, want_code, fs, trust } => {
                let code = want_code.then(|| Path::new(&dir).join(wasm));
                self.driver.files.read_module(plugin, code, fs, trust);
            }
            Effect::ReadPackage { plugin, dir } => {
                self.driver.files.read_package(plugin, &dir);
            }
            Effect::SaveFile { ticket, name, bytes, before } => {
                self.driver.files.save(Save { ticket, name, bytes, before });
            }
            Effect::Plugin { plugin, life, egress, effect } => {
                self.driver.plugin_net.carry_out(plugin, life, egress, effect);
            }
            Effect::PluginEnded { plugin, life } => self.driver.plugin_net.ended(&plugin, life),
            Effect::Log { level, area, target, text } => {
                self.driver.log.print(level, area, &target, &text);
            }
            Effect::Stopped => {
                self.done = true;
                let text = "the server is stopping".to_owned();
                self.clients.end_all(&Ending::Closed(GOING_AWAY, text));
            }
        }
    }

    fn send(&mut self, whose: Whose, message: Message) {
        self.bytes_sent += message.payload().len();
        self.clients.send(whose, message);
    }
}
