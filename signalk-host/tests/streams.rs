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
    time::{Duration, Instant},
};

use common::{Host, Stream, free_port, values};
use serde_json::{Value, json};

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
    let Err(tokio_tungstenite::tungstenite::Error::Http(response)) = wrong else {
        panic!("{wrong:?}")
    };
    assert_eq!(response.status(), 404);
}

#[test]
fn one_address_may_open_so_many_streams_and_gets_them_back() {
    let host = Host::start_with(&[], &[("SIGNALK_MAX_STREAMS_PER_IP", "2")], |_| {});
    let open = || Stream::try_open(&host.address, "");
    let (first, _second) = (open().unwrap(), open().unwrap());
    let Err(tokio_tungstenite::tungstenite::Error::Http(response)) = open().map(drop) else {
        panic!("a third stream")
    };
    assert_eq!(response.status(), 429);
    drop(first);
    common::eventually("a free place", || open().ok(), || host.log());
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
        let mut slowest = Duration::ZERO;
        let mut before = Instant::now();
        while next < DELTAS {
            let message = good.next().expect("open");
            for (path, value) in values(&message) {
                if path == "test.counter" {
                    assert_eq!(value["n"], next, "nothing is lost and nothing out of order");
                    next += 1;
                    progress.store(next, Ordering::Relaxed);
                }
            }
            slowest = slowest.max(before.elapsed());
            before = Instant::now();
        }
        slowest
    });
    for n in 0..DELTAS {
        // The good client is good: it is never half a megabyte behind.
        while n > read.load(Ordering::Relaxed) + 200 && !reader.is_finished() {
            std::thread::yield_now();
        }
        writer.send(&delta("test.counter", json!({ "n": n, "ballast": ballast })));
    }
    let slowest = reader.join().unwrap();
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    // 12 MB went to each; a stuck one may hold about half a megabyte here and the rest is left out.
    assert!(host.memory_kb() < 80_000, "{} kB", host.memory_kb());
    assert_eq!(host.get("/signalk").status, 200);
    drop(stuck);
}
