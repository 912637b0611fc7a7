//! A session with a server that remembers, a clock that jumps and a world that answers everything
//! at once: sockets bind and connect, two datagrams, two lines and a message come, requests are answered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use signalk_bridge::{
    Capabilities, Capability, Code, ConnectionId, Counters, Datagram, Effect, FetchHead, FetchNews,
    Handler, HandlerCall, HandlerCallId, HostInfo, Input, Interface, Manifest, Output, Purpose,
    Report, Session, SessionConfig, WebSocketMessage,
};
use wasmi_hdk::vfs::{Fs, MemoryFs, Quota};
use wasmi_hdk::{Engine, FixedPlatform, Limits};

use crate::fake::Fake;

/// One plugin and everything around it.
pub(crate) struct World {
    pub(crate) session: Session,
    pub(crate) server: Fake,
    pub(crate) now: Duration,
    /// What the session said, runs left out.
    pub(crate) said: Vec<String>,
    /// What it wanted of the world.
    pub(crate) effects: Vec<Effect>,
    pub(crate) unknown: Vec<String>,
    /// What `plugin_id` said, each time the session asked for it.
    pub(crate) ids: Vec<String>,
}

/// Everything that a package can ask for.
pub(crate) fn all() -> Capabilities {
    Capability::ALL.into_iter().fold(Capabilities::NONE, Capabilities::with)
}

/// Everything but the capability of this key.
pub(crate) fn without(key: &str) -> Capabilities {
    all().without(Capability::from_key(key).unwrap_or_else(|| panic!("no capability `{key}`")))
}

impl World {
    /// A plugin as far as it comes at time zero.
    pub(crate) fn new(wat: &str, rights: Capabilities, interface: Interface) -> World {
        World::with(wat, rights, interface, |_| {})
    }

    /// With another configuration of the session.
    pub(crate) fn with(
        wat: &str,
        rights: Capabilities,
        interface: Interface,
        change: impl FnOnce(&mut SessionConfig),
    ) -> World {
        let wasm = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
        let package = r#"{"name":"p","version":"1","keywords":["signalk-wasm-plugin"],"wasmManifest":"p.wasm"}"#;
        let mut manifest = Manifest::read(package.as_bytes()).unwrap().manifest;
        (manifest.capabilities, manifest.interface) = (rights, interface);
        let mut config = SessionConfig {
            engine: ENGINE.with(Clone::clone),
            limits: Limits { call_fuel: Some(20_000_000), ..Limits::default() },
            call_time: None,
            platform: Arc::new(FixedPlatform::default()),
            fs: Some(files()),
            host: HostInfo { name: "test".into(), version: "0".into() },
            options: r#"{"radius":30}"#.into(),
            enable_debug: false,
            deltas_per_second: 1000,
            queue: 1000,
            rules: signalk_bridge::Rules::default(),
            wants_id: false,
            purpose: Purpose::Run,
        };
        change(&mut config);
        let mut server = Fake { options: Some(r#"{"radius":30}"#.into()), ..Fake::default() };
        let path = "vessels.urn:x.navigation.speedOverGround";
        server.values.insert(path.into(), r#"{"value":3.1}"#.into());
        server.values.insert(format!("{path}.meta"), r#"{"units":"m/s"}"#.into());
        let session = Session::new(&manifest, Code::Bytes(wasm.into()), config);
        let mut world = World {
            session,
            server,
            now: Duration::ZERO,
            said: vec![],
            effects: vec![],
            unknown: vec![],
            ids: vec![],
        };
        world.settle();
        world
    }

    /// Polls until everybody waits; the world answers at once.
    pub(crate) fn settle(&mut self) {
        let mut reports = VecDeque::new();
        for _ in 0..10_000 {
            match self.session.poll_output(self.now, &mut self.server) {
                Output::Run(run) => {
                    let ran = Input::Ran(run.execute());
                    self.session.handle_input(self.now, ran, &mut self.server);
                }
                Output::Wait { .. } if !self.server.puts.is_empty() => {
                    for id in std::mem::take(&mut self.server.puts) {
                        let reply = r#"{"state":"COMPLETED","statusCode":200}"#.to_owned();
                        let done = Input::PutDone { id, reply };
                        self.session.handle_input(self.now, done, &mut self.server);
                    }
                }
                Output::Wait { .. } => match reports.pop_front() {
                    Some(report) => {
                        let report = Input::Report(report);
                        self.session.handle_input(self.now, report, &mut self.server);
                    }
                    None => return,
                },
                Output::Effect(effect) => {
                    reports.extend(news(&effect));
                    self.effects.push(effect);
                }
                Output::Started => {
                    self.unknown = self.session.unknown_imports().to_vec();
                    self.said.push("Started".into());
                }
                Output::Crashed(crash) => self.said.push(format!("crashed: {crash}")),
                Output::Described(described) => self.ids.extend(described.id),
                Output::Handled { reply, .. } => self.said.push(format!("{reply:?}")),
                other => self.said.push(format!("{other:?}")),
            }
        }
        panic!("never waits: {:?}", self.said);
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.session.handle_input(self.now, input, &mut self.server);
        self.settle();
    }

    pub(crate) fn at(&mut self, ms: u64) {
        self.now = Duration::from_millis(ms);
        self.input(Input::Tick);
    }

    /// Asks a handler; its reply as the session gives it.
    pub(crate) fn ask(&mut self, handler: Handler, request: &str) -> String {
        let call = HandlerCall { id: HandlerCallId(1), handler, request: request.into() };
        let before = self.said.len();
        self.input(Input::Handle(call));
        self.said.get(before).cloned().unwrap_or_else(|| "no reply".into())
    }

    pub(crate) fn counters(&self) -> Counters {
        self.session.counters()
    }

    pub(crate) fn last(&self) -> &str {
        self.said.last().map_or("", String::as_str)
    }
}

thread_local! {
    static ENGINE: Engine = Engine::new();
}

fn files() -> Box<dyn Fs> {
    let mut files = MemoryFs::with_quota(Quota::default());
    files.write_file("data/a", b"four").unwrap();
    Box::new(files)
}

/// What the world says to an effect.
fn news(effect: &Effect) -> Vec<Report> {
    let text = Bytes::from_static;
    match effect {
        Effect::UdpBind { socket, .. } => {
            let from = "172.31.3.4:10010".parse().unwrap();
            let datagrams = [b"first", b"other"].map(|data| Datagram { from, data: text(data) });
            vec![
                Report::UdpBound { socket: *socket, result: Ok(5000) },
                Report::Datagrams { socket: *socket, datagrams: datagrams.into(), dropped: 0 },
            ]
        }
        Effect::UdpSet { socket, .. } => vec![Report::UdpSet { socket: *socket, result: Ok(()) }],
        Effect::TcpConnect { socket, .. } => vec![
            Report::Connected { socket: *socket, result: Ok(String::new()) },
            Report::TcpData { socket: *socket, data: text(b"one\r\ntwo\r\n") },
        ],
        Effect::TcpListen { socket, at } => {
            let (connection, from) = (ConnectionId(1), "172.31.3.4:40000".parse().unwrap());
            vec![
                Report::Listening { socket: *socket, result: Ok(*at) },
                Report::Accepted { listener: *socket, connection, from },
            ]
        }
        Effect::TcpSend { socket, data } => {
            vec![Report::Sent { socket: *socket, bytes: data.len() }]
        }
        Effect::Fetch { id, request } if request.streamed => {
            let head = FetchHead { status: 200, url: request.url.clone(), ..Default::default() };
            vec![Report::Fetch { id: *id, news: FetchNews::Head(head) }]
        }
        // Its answer comes when its body has ended.
        Effect::Fetch { request, .. } if request.upload.is_some() => vec![],
        Effect::FetchWrite { id, data } => {
            vec![Report::Fetch { id: *id, news: FetchNews::Written(data.len()) }]
        }
        Effect::FetchFinish { id } => {
            let head = FetchHead { status: 201, ..Default::default() };
            vec![Report::Fetch { id: *id, news: FetchNews::Whole(head, text(b"kept")) }]
        }
        Effect::FetchMore { id } => {
            vec![Report::Fetch { id: *id, news: FetchNews::Piece(text(b"piece")) }]
        }
        Effect::WebSocketConnect { socket, protocols, .. } => {
            let protocol = protocols.first().cloned().unwrap_or_default();
            let message = WebSocketMessage::Text("first".to_owned());
            vec![
                Report::Connected { socket: *socket, result: Ok(protocol) },
                Report::WebSocketMessage { socket: *socket, message },
            ]
        }
        Effect::WebSocketSend { socket, message } => {
            vec![Report::Sent { socket: *socket, bytes: message.weight() }]
        }
        Effect::Fetch { id, request } => {
            let head = FetchHead { status: 201, url: request.url.clone(), ..Default::default() };
            let body = Bytes::from(format!("{} {:?}", request.method, request.body));
            vec![Report::Fetch { id: *id, news: FetchNews::Whole(head, body) }]
        }
        _ => vec![],
    }
}
