//! Effects against real sockets on loopback: what is done, what is refused, what is reported.

mod again;
mod listen;
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

#[test]
fn redirects_are_followed_and_the_last_answer_is_reported() {
    let mut world = World::open();
    let (port, asked) =
        server(vec![answer("302 Found\r\nlocation: /b", b""), answer("404 Not Found", b"gone")]);
    world.fetch(format!("http://127.0.0.1:{port}/a"), 100, false);
    let FetchNews::Whole(head, body) = world.fetched() else { panic!("an answer") };
    assert_eq!((head.status, &body[..], head.redirected), (404, &b"gone"[..], true));
    assert_eq!(head.url, format!("http://127.0.0.1:{port}/b"));
    let first = asked.recv().unwrap();
    assert!(first.starts_with("GET /a HTTP/1.1") && first.contains("x-mine: 1"), "{first}");
    assert!(first.contains("accept-encoding: ") && first.contains("gzip"), "{first}");
}

/// W26: by address, by name, by redirect, and spelled otherwise.
#[test]
fn w26_own_services_are_out_of_reach_however_they_are_named() {
    let (closed_port, _asked) = server(vec![answer("200 OK", b"secret")]);
    for host in
        ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0"]
    {
        let mut world = World::new(Egress::default());
        world.fetch(format!("http://{host}:{closed_port}/"), 100, false);
        let text = world.failure();
        assert!(text.contains("is closed to plugins"), "{host}: {text}");
    }
    // The owner opened one port; its server sends elsewhere.
    let (open_port, _asked) = server(vec![answer(
        &format!("302 Found\r\nlocation: http://localhost:{closed_port}/"),
        b"",
    )]);
    let rules = json!({ "allow": [format!("127.0.0.1:{open_port}")] });
    let mut world = World::new(Egress::read(&rules).0);
    world.fetch(format!("http://127.0.0.1:{open_port}/"), 100, false);
    let text = world.failure();
    assert!(text.contains("is closed to plugins"), "{text}");
    // Sockets obey the same rules.
    let mut world = World::new(Egress::default());
    world.please(Effect::TcpConnect {
        socket: SOCKET,
        host: "localhost".into(),
        port: closed_port,
        tls: false,
    });
    let Report::Connected { result: Err(text), .. } = world.report() else { panic!("refused") };
    assert!(text.contains("is closed to plugins"), "{text}");
    let url = format!("ws://127.0.0.1:{closed_port}/");
    world.please(Effect::WebSocketConnect {
        socket: SOCKET,
        url,
        headers: vec![],
        protocols: vec![],
    });
    let Report::Connected { result: Err(text), .. } = world.report() else { panic!("refused") };
    assert!(text.contains("is closed to plugins"), "{text}");
    world.please(Effect::UdpBind { socket: SocketId(2), ipv6: false, port: 0, options: vec![] });
    assert!(matches!(world.report(), Report::UdpBound { result: Ok(_), .. }));
    let data = Bytes::from_static(b"x");
    world.please(Effect::UdpSend { socket: SocketId(2), host: "127.0.0.1".into(), port: 9, data });
    let Report::SocketTrouble { text, .. } = world.report() else { panic!("refused") };
    assert!(text.contains("is closed to plugins"), "{text}");
}

/// F61: each way out asks the list, each redirect too, and being listed opens no address.
#[test]
fn f61_what_is_not_listed_is_out_of_reach_by_every_way() {
    let (other, _asked) = server(vec![answer("200 OK", b"secret")]);
    let (listed, asked) = server(vec![
        answer("200 OK", b"here"),
        answer(&format!("302 Found\r\nlocation: http://127.0.0.1:{other}/"), b""),
    ]);
    let (here, there) =
        (format!("http://localhost:{listed}/"), format!("http://localhost:{other}/"));
    let rules =
        json!({ "only": [format!("http://localhost:{listed}")], "allow": ["127.0.0.1", "::1"] });
    let mut world = World::new(Egress::read(&rules).0);
    world.fetch(here.clone(), 100, false);
    assert!(matches!(world.fetched(), FetchNews::Whole(_, body) if &body[..] == b"here"));
    world.fetch(here.clone(), 100, false);
    let text = world.failure();
    let expected = format!("http://127.0.0.1:{other} is not in the list `only`");
    assert!(text.contains(&expected), "{text}");
    assert_eq!(asked.iter().take(2).count(), 2, "the redirect was seen");
    world.fetch(there, 100, false);
    let text = world.failure();
    assert!(text.contains("is not in the list `only`"), "{text}");
    // Another scheme than the listed one.
    let refused = |world: &mut World, effect| {
        world.please(effect);
        let text = match world.report() {
            Report::Connected { result: Err(text), .. } | Report::SocketTrouble { text, .. } => {
                text
            }
            other => panic!("{other:?}"),
        };
        assert!(text.contains("is not in the list `only`"), "{text}");
    };
    let tcp = |host: &str| Effect::TcpConnect {
        socket: SOCKET,
        host: host.into(),
        port: listed,
        tls: false,
    };
    refused(&mut world, tcp("localhost"));
    refused(&mut world, tcp("127.0.0.1"));
    // It is not even looked up: a name server is told nothing.
    refused(&mut world, tcp("c2VjcmV0.evil.invalid"));
    let url = format!("ws://localhost:{listed}/");
    let (headers, protocols) = (vec![], vec![]);
    refused(&mut world, Effect::WebSocketConnect { socket: SOCKET, url, headers, protocols });
    world.please(Effect::UdpBind { socket: SocketId(2), ipv6: false, port: 0, options: vec![] });
    assert!(matches!(world.report(), Report::UdpBound { result: Ok(_), .. }));
    for host in ["127.0.0.1", "localhost", "c2VjcmV0.evil.invalid"] {
        let (host, data) = (host.into(), Bytes::from_static(b"x"));
        refused(&mut world, Effect::UdpSend { socket: SocketId(2), host, port: listed, data });
    }
    // Listed, but it stands for a closed address.
    let rules = json!({ "only": ["localhost"] });
    let mut world = World::new(Egress::read(&rules).0);
    world.fetch(here, 100, false);
    let text = world.failure();
    assert!(text.contains("is closed to plugins"), "{text}");
}

#[test]
fn a_body_over_the_limit_fails_while_it_is_read() {
    let mut world = World::open();
    let (port, _asked) = server(vec![answer("200 OK", &[7; 101])]);
    world.fetch(format!("http://127.0.0.1:{port}/"), 100, false);
    assert!(world.failure().contains("longer than its limit"));
}

/// More names than a `HeaderMap` can hold.
#[test]
fn a_request_with_too_many_headers_fails_and_says_so() {
    let headers: Vec<_> = (0..=32_768).map(|at| (format!("x{at}"), String::new())).collect();
    let mut world = World::open();
    let request = FetchRequest {
        method: "GET".into(),
        url: "http://127.0.0.1:1/".into(),
        headers: headers.clone(),
        timeout: Duration::from_secs(5),
        most: 1,
        ..FetchRequest::default()
    };
    world.please(Effect::Fetch { id: FETCH, request });
    let text = world.failure();
    assert!(text.contains("32769 headers, the limit is 200"), "{text}");
    let url = "ws://127.0.0.1:1/".into();
    world.please(Effect::WebSocketConnect { socket: SOCKET, url, headers, protocols: vec![] });
    let Report::Connected { result: Err(text), .. } = world.report() else { panic!("refused") };
    assert!(text.contains("32769 headers, the limit is 200"), "{text}");
}

#[test]
fn no_answer_is_a_failure_in_time_and_nobody_there_at_once() {
    let mut world = World::open();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let request = FetchRequest {
        method: "GET".into(),
        url,
        headers: vec![],
        timeout: Duration::from_millis(200),
        most: 1,
        ..FetchRequest::default()
    };
    world.please(Effect::Fetch { id: FETCH, request });
    assert!(world.failure().contains("within 200ms"));
    drop(listener);
    world.fetch("http://127.0.0.1:1/".into(), 1, false);
    let text = world.failure();
    assert!(text.contains("cannot connect to 127.0.0.1:1"), "{text}");
}

#[test]
fn a_streamed_body_comes_in_pieces_as_asked_for() {
    let mut world = World::open();
    let body: Vec<u8> = (0..200_000).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let (port, _asked) = server(vec![answer("200 OK", &body)]);
    world.fetch(format!("http://127.0.0.1:{port}/"), 1 << 20, true);
    assert!(matches!(world.fetched(), FetchNews::Head(head) if head.status == 200));
    let mut all = Vec::new();
    loop {
        world.please(Effect::FetchMore { id: FETCH });
        match world.fetched() {
            FetchNews::Piece(piece) if piece.len() <= 64 << 10 => all.extend_from_slice(&piece),
            FetchNews::End => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(all, body);
}

#[test]
fn tcp_data_stops_at_the_window_until_it_is_taken() {
    let mut world = World::open();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    world.please(Effect::TcpConnect { socket: SOCKET, host: "127.0.0.1".into(), port, tls: false });
    let (mut peer, _) = listener.accept().unwrap();
    assert_eq!(world.report(), Report::Connected { socket: SOCKET, result: Ok(String::new()) });
    let sent = std::thread::spawn(move || {
        peer.write_all(&vec![5; 1 << 20]).unwrap();
        let mut answer = String::new();
        peer.read_to_string(&mut answer).unwrap();
        answer
    });
    let (mut got, mut open) = (0, 0);
    while got < 1 << 20 {
        let Report::TcpData { data, .. } = world.report() else { panic!("data") };
        got += data.len();
        open += data.len();
        assert!(open <= signalk_bridge::WINDOW, "{open} bytes that nobody took");
        if open > 200_000 {
            world.please(Effect::Taken { socket: SOCKET, bytes: std::mem::take(&mut open) });
        }
    }
    world.please(Effect::TcpSend { socket: SOCKET, data: Bytes::from_static(b"bye") });
    world.please(Effect::Close { socket: SOCKET, reason: None });
    assert_eq!(sent.join().unwrap(), "bye");
}

/// W19: whatever was open when a plugin ends is closed.
#[test]
fn w19_everything_closes_when_a_life_ends() {
    let mut world = World::open();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    world.please(Effect::TcpConnect { socket: SOCKET, host: "127.0.0.1".into(), port, tls: false });
    let (mut peer, _) = listener.accept().unwrap();
    assert!(matches!(world.report(), Report::Connected { result: Ok(_), .. }));
    world.please(Effect::UdpBind { socket: SocketId(2), ipv6: false, port: 0, options: vec![] });
    let Report::UdpBound { result: Ok(udp), .. } = world.report() else { panic!("bound") };
    world.net.ended(&PluginId::from_package("p"), 1);
    assert_eq!(peer.read(&mut [0]).unwrap(), 0, "the connection is closed");
    let end = Instant::now() + Duration::from_secs(5);
    while UdpSocket::bind(("0.0.0.0", udp)).is_err() {
        assert!(Instant::now() < end, "the port is still in use");
        // Another thread closes the socket, and the system tells nobody when a port is free.
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_other_end_may_close_or_never_be_there() {
    let mut world = World::open();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    world.please(Effect::TcpConnect { socket: SOCKET, host: "127.0.0.1".into(), port, tls: false });
    drop(listener.accept().unwrap());
    assert!(matches!(world.report(), Report::Connected { result: Ok(_), .. }));
    assert!(matches!(world.report(), Report::Closed { error: None, .. }));
    drop(listener);
    world.please(Effect::TcpConnect {
        socket: SocketId(2),
        host: "127.0.0.1".into(),
        port,
        tls: false,
    });
    assert!(matches!(world.report(), Report::Connected { result: Err(_), .. }));
}

#[test]
fn datagrams_come_in_batches_and_options_that_fail_are_said() {
    let mut world = World::open();
    let bad = UdpOption::Join { group: "10.0.0.1".into(), interface: "127.0.0.1".into() };
    let options = vec![UdpOption::Broadcast(true), bad];
    world.please(Effect::UdpBind { socket: SOCKET, ipv6: false, port: 0, options });
    let Report::SocketTrouble { text, .. } = world.report() else { panic!("no such group") };
    assert!(text.contains("10.0.0.1"), "{text}");
    let Report::UdpBound { result: Ok(port), .. } = world.report() else { panic!("bound") };
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in 0..200_u8 {
        peer.send_to(&[number], ("127.0.0.1", port)).unwrap();
    }
    let mut got = Vec::new();
    while got.len() < 200 {
        let Report::Datagrams { datagrams, dropped: 0, .. } = world.report() else { panic!() };
        assert!(datagrams.iter().all(|d| d.from == peer.local_addr().unwrap()));
        got.extend(datagrams.iter().map(|d| d.data[0]));
    }
    assert_eq!(got, (0..200).collect::<Vec<u8>>());
    let (host, port) = ("localhost".to_owned(), peer.local_addr().unwrap().port());
    let data = Bytes::from_static(b"answer");
    world.please(Effect::UdpSend { socket: SOCKET, host, port, data });
    let mut buffer = [0; 9];
    assert_eq!(peer.recv(&mut buffer).unwrap(), 6);
}

#[test]
fn a_web_socket_talks_both_ways_and_says_how_it_was_closed() {
    let mut world = World::open();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}/x");
    world.please(Effect::WebSocketConnect {
        socket: SOCKET,
        url,
        headers: vec![],
        protocols: vec![],
    });
    let server = std::thread::spawn(move || {
        use tokio_tungstenite::tungstenite::{self, Message, protocol::CloseFrame};
        let (stream, _): (TcpStream, _) = listener.accept().unwrap();
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.send(Message::text("hello")).unwrap();
        let heard = socket.read().unwrap();
        let frame = CloseFrame { code: 4001.into(), reason: "enough".into() };
        socket.close(Some(frame)).unwrap();
        while socket.read().is_ok() {}
        heard.into_data()
    });
    assert!(matches!(world.report(), Report::Connected { result: Ok(_), .. }));
    let hello = WebSocketMessage::Text("hello".into());
    assert_eq!(world.report(), Report::WebSocketMessage { socket: SOCKET, message: hello });
    let message = WebSocketMessage::Binary(Bytes::from_static(&[1, 2]));
    let bytes = message.weight();
    world.please(Effect::WebSocketSend { socket: SOCKET, message });
    assert_eq!(world.report(), Report::Sent { socket: SOCKET, bytes });
    let close = Some((4001, "enough".to_owned()));
    assert_eq!(world.report(), Report::Closed { socket: SOCKET, error: None, close });
    assert_eq!(&server.join().unwrap()[..], [1, 2]);
}
