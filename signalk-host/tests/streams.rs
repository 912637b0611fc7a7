//! WebSocket and TCP streams over real sockets: what the core cannot show by itself, because it has no sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use common::{Host, Stream, free_port, values};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

fn delta(path: &str, value: impl Into<Value>) -> Value {
    json!({ "context": "vessels.self", "updates": [{ "$source": "test", "values": [{ "path": path, "value": value.into() }] }] })
}

#[test]
fn a_client_gets_hello_and_what_others_send() {
    let host = Host::start(&[]);
    let mut reader = host.stream("?subscribe=self&sendCachedValues=false");
    let hello = reader.next().unwrap();
    assert_eq!(hello["roles"], json!(["master", "main"]));
    let mut writer = host.stream("?subscribe=none");
    writer.send(&delta("navigation.speedOverGround", 3.5));
    assert_eq!(reader.value_of("navigation.speedOverGround"), 3.5);
}

#[test]
fn an_unknown_path_is_refused_at_the_handshake() {
    let host = Host::start(&[]);
    let wrong =
        tokio_tungstenite::tungstenite::connect(format!("ws://{}/signalk/v9/stream", host.address));
    let Err(Error::Http(response)) = wrong else { panic!("{wrong:?}") };
    assert_eq!(response.status(), 404);
}

#[test]
fn one_address_may_open_so_many_streams_and_gets_them_back() {
    let host = Host::start_with(&[], &[("SIGNALK_MAX_STREAMS_PER_IP", "2")], |_| {});
    let open = || Stream::try_open(&host.address, "");
    let (first, _second) = (open().unwrap(), open().unwrap());
    let Err(Error::Http(response)) = open().map(drop) else { panic!("a third stream") };
    assert_eq!(response.status(), 429);
    drop(first);
    common::eventually("a free place", || open().ok(), || host.log());
}

#[test]
fn the_handshake_is_that_of_rfc_6455_and_other_requests_are_refused() {
    let host = Host::start(&[]);
    let ask = |headers: &[&str]| {
        let mut socket = TcpStream::connect(&host.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let headers = headers.join("\r\n");
        write!(
            socket,
            "GET /signalk/v1/stream HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n{headers}\r\n\r\n",
            host.address
        )
        .unwrap();
        let mut lines = BufReader::new(socket).lines().map_while(Result::ok);
        let status = lines.next().unwrap_or_default();
        let head = lines.by_ref().take_while(|line| !line.is_empty()).collect::<Vec<_>>();
        (status, head.join("\n").to_lowercase())
    };
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let (status, head) = ask(&[key, "Sec-WebSocket-Version: 8"]);
    assert!(status.contains(" 426 ") && head.contains("sec-websocket-version: 13"), "{status}");
    assert!(ask(&["Sec-WebSocket-Version: 13"]).0.contains(" 400 "));
    let (status, head) = ask(&[key, "Sec-WebSocket-Version: 13"]);
    assert!(status.contains(" 101 "), "{status}");
    // RFC 6455, 1.3.
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
}

#[test]
fn a_ping_is_answered_before_the_data_that_waits_and_a_close_is_answered_last() {
    let host = Host::start(&[]);
    let mut client = host.stream("?subscribe=none");
    client.next().unwrap();
    for round in [b"1", b"2"] {
        client.0.send(Message::Ping(Bytes::from_static(round))).unwrap();
        assert_eq!(client.0.read().unwrap(), Message::Pong(Bytes::from_static(round)));
    }
    client.0.close(None).unwrap();
    let close = client.0.read();
    assert!(matches!(close, Ok(Message::Close(None))), "{close:?}");
    assert!(matches!(client.0.read(), Err(Error::ConnectionClosed)), "closed by the server first");
}

#[test]
fn a_message_in_pieces_and_a_long_one_arrive_whole() {
    let host = Host::start(&[]);
    let mut reader = host.stream("?subscribe=self&sendCachedValues=false");
    let mut writer = host.stream("?subscribe=none");
    let long = "x".repeat(300_000);
    let text = delta("test.long", long.clone()).to_string();
    let (begin, end) = text.split_at(70_000);
    let piece = |text: &str, kind, last| {
        Message::Frame(Frame::message(text.to_owned(), OpCode::Data(kind), last))
    };
    writer.0.send(piece(begin, Data::Text, false)).unwrap();
    writer.0.send(piece(end, Data::Continue, true)).unwrap();
    assert_eq!(reader.value_of("test.long"), long);
}

#[test]
fn clients_are_told_when_the_server_stops() {
    let mut host = Host::start(&[]);
    let mut client = host.stream("?subscribe=none");
    client.next().unwrap();
    host.signal("INT");
    while client.next().is_some() {}
    assert_eq!(host.wait().code(), Some(0), "{}", host.log());
}

#[test]
fn the_tcp_stream_speaks_lines() {
    let port = free_port();
    let host = Host::start(&["--tcp-stream-port", &port.to_string()]);
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
    let mut next =
        move || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert!(next()["self"].is_string());
    let subscribe = json!({ "context": "vessels.self", "subscribe": [{ "path": "a.*" }] });
    write!(client, "{subscribe}\r\n{}\r\n", delta("a.b", 1)).unwrap();
    assert_eq!(values(&next()), [("a.b".to_owned(), json!(1))]);
    let discovery = host.json("/signalk");
    assert_eq!(discovery["endpoints"]["v1"]["signalk-tcp"], format!("tcp://127.0.0.1:{port}"));
}

/// server-api.md 3.10: the rule matters.
#[test]
fn clients_that_never_read_harm_nobody() {
    const DELTAS: u32 = 20_000;
    let host = Host::start(&[]);
    let stuck: Vec<Stream> = (0..5).map(|_| host.stream("?subscribe=all")).collect();
    let mut good = host.stream("?subscribe=all");
    let mut writer = host.stream("?subscribe=none");
    let ballast = "x".repeat(500);
    let read = Arc::new(AtomicU32::new(0));
    let progress = Arc::clone(&read);
    let reader = std::thread::spawn(move || {
        let mut next = 0;
        while next < DELTAS {
            let message = good.next().expect("open");
            for (path, value) in values(&message) {
                if path == "test.counter" {
                    assert_eq!(value["n"], next, "nothing is lost and nothing out of order");
                    next += 1;
                    progress.store(next, Ordering::Relaxed);
                }
            }
        }
    });
    for n in 0..DELTAS {
        // The good client is good: it is never half a megabyte behind.
        while n > read.load(Ordering::Relaxed) + 200 && !reader.is_finished() {
            std::thread::yield_now();
        }
        writer.send(&delta("test.counter", json!({ "n": n, "ballast": ballast })));
    }
    reader.join().expect("everything, in order, while the others are stuck");
    // 12 MB went to each; a stuck one may hold about half a megabyte here and the rest is left out.
    assert!(host.memory_kb() < 80_000, "{} kB", host.memory_kb());
    assert_eq!(host.get("/signalk").status, 200);
    drop(stuck);
}
