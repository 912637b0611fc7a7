//! Effects against real sockets on loopback: what is done, what is refused, what is reported.

mod again;
mod fetch;
mod listen;
mod rules;
mod sockets;
mod tls;
mod uploads;
mod urls;

use std::{
    collections::VecDeque,
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use serde_json::json;
use signalk_bridge::{
    Effect, Egress, FetchId, FetchNews, FetchRequest, PluginId, Report, Retry, SocketId, UdpOption,
    WebSocketMessage,
};
use signalk_core::Input;
use tokio::runtime::Runtime;

use super::PluginNet;
use crate::{
    driver::ToCore,
    inbox::{self, Inbox},
};

/// A plugin's network without a core.
struct World {
    runtime: Runtime,
    net: PluginNet,
    inbox: Inbox<ToCore>,
    egress: Arc<Egress>,
    reports: VecDeque<Report>,
}

const SOCKET: SocketId = SocketId(1);
const FETCH: FetchId = FetchId(1);

impl World {
    fn new(egress: Egress) -> World {
        let runtime = Runtime::new().unwrap();
        let (sender, inbox) = inbox::channel(64);
        let net = PluginNet::new(runtime.handle().clone(), sender);
        World { runtime, net, inbox, egress: Arc::new(egress), reports: VecDeque::new() }
    }

    /// With these members of an options file.
    fn of(options: serde_json::Value) -> World {
        let members = serde_json::from_value(options).unwrap();
        let (egress, complaints) = Egress::of(&PluginId::from_package("p"), &members, None);
        assert_eq!(complaints, Vec::<String>::new());
        World::new(egress)
    }

    fn open() -> World {
        World::new(Egress::open())
    }

    fn please(&mut self, effect: Effect) {
        self.net.carry_out(PluginId::from_package("p"), 1, Arc::clone(&self.egress), effect);
    }

    fn fetch(&mut self, url: String, most: usize, streamed: bool) {
        let request = FetchRequest {
            method: "GET".into(),
            url,
            headers: vec![("x-mine".into(), "1".into())],
            timeout: Duration::from_secs(5),
            redirects: 20,
            most,
            streamed,
            ..FetchRequest::default()
        };
        self.please(Effect::Fetch { id: FETCH, request });
    }

    fn report(&mut self) -> Report {
        let end = Instant::now() + Duration::from_secs(10);
        while self.reports.is_empty() {
            let mut batch = Vec::new();
            let now = Instant::now();
            assert!(now < end, "no report came");
            let step = now + Duration::from_millis(500);
            self.runtime.block_on(self.inbox.take(&mut batch, now, Some(step)));
            let reports = batch.into_iter().filter_map(|message| match message {
                ToCore::Input(Input::PluginReport { report, .. })
                | ToCore::Plugin { input: Input::PluginReport { report, .. }, .. } => Some(report),
                _ => None,
            });
            self.reports.extend(reports);
        }
        self.reports.pop_front().unwrap()
    }

    fn fetched(&mut self) -> FetchNews {
        match self.report() {
            Report::Fetch { id: FETCH, news } => news,
            other => panic!("{other:?}"),
        }
    }

    fn failure(&mut self) -> String {
        match self.fetched() {
            FetchNews::Failed(text) => text,
            other => panic!("{other:?}"),
        }
    }
}

/// A server that gives each connection the next answer, and hands out what it was asked.
fn server(answers: Vec<Vec<u8>>) -> (u16, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, seen) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                request.push(byte[0]);
            }
            let _ = asked.send(String::from_utf8_lossy(&request).into_owned());
            let _ = stream.write_all(&answer);
        }
    });
    (port, seen)
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let mut all = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {len}\r\n\r\n")
        .into_bytes();
    all.extend_from_slice(body);
    all
}
