//! HTTP and WebSockets of plugins that are called by their exports, in Rust, AssemblyScript, C and Go: guests that know
//! no `async`, whose calls rest until a real server has answered.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message, protocol::CloseFrame};

use super::{Owner, accept, common::Host, port};

const GUESTS: [&str; 4] = ["buffer_everything", "as_everything", "c_everything", "go_everything"];
const ANSWER: &str = "12 knots";

/// Answers one request; what it was asked for, with its body of six bytes.
fn web() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = port(&listener);
    let (asked, seen) = channel();
    thread::spawn(move || {
        let mut stream = accept(&listener, String::new);
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\nbottom") {
            assert_eq!(stream.read(&mut byte).unwrap(), 1);
            request.push(byte[0]);
        }
        asked.send(String::from_utf8(request).unwrap()).unwrap();
        let len = ANSWER.len();
        write!(stream, "HTTP/1.1 201 Created\r\ncontent-length: {len}\r\n\r\n{ANSWER}").unwrap();
    });
    (port, seen)
}

/// Takes two messages, answers the first twice, and closes.
fn talk() -> (u16, Receiver<Vec<Message>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = port(&listener);
    let (heard, seen) = channel();
    thread::spawn(move || {
        let mut socket = tungstenite::accept(accept(&listener, String::new)).unwrap();
        let messages = vec![socket.read().unwrap(), socket.read().unwrap()];
        socket.send(Message::text("")).unwrap();
        socket.send(messages[0].clone()).unwrap();
        socket.send(Message::binary(vec![1, 2, 3])).unwrap();
        let frame = CloseFrame { code: 4001.into(), reason: "enough".into() };
        socket.close(Some(frame)).unwrap();
        while socket.read().is_ok() {}
        heard.send(messages).unwrap();
    });
    (port, seen)
}

/// The guest, asked to make these calls when it starts.
fn started(guest: &'static str, calls: &Value, owner: Owner) -> Host {
    let host = Owner { guest, ..owner }.host(&json!({ "start": calls }), &[]);
    host.logged("start sk_ws_close -> ");
    host
}

/// What each call answered.
fn answers(host: &Host) -> Vec<i32> {
    let log = host.log();
    let calls = log.lines().filter_map(|line| line.split_once("start sk_"));
    let numbers = calls.filter_map(|(_, call)| call.split_once(" -> "));
    numbers.map(|(_, number)| number.split(' ').next().unwrap().parse().unwrap()).collect()
}

fn calls(web: u16, talk: u16) -> Value {
    let url = format!("http://127.0.0.1:{web}/depth");
    let request =
        json!({ "url": url, "method": "POST", "headers": { "x-mine": "1" }, "body": "bottom" });
    let receive = json!(["sk_ws_receive", 1, { "max": 16 }, 60_000, { "out": 1 }]);
    json!([
        ["sk_http_request", request.to_string(), { "max": 4 }],
        ["sk_http_response", { "max": 1000 }],
        ["sk_http_response", { "max": 1000 }],
        ["sk_ws_connect", format!("ws://127.0.0.1:{talk}/"), "{}"],
        ["sk_ws_send", 1, "hello", 0],
        ["sk_ws_send", 1, "bytes", 1],
        receive,
        ["sk_ws_receive", 1, { "max": 2 }, 60_000, { "out": 1 }],
        receive,
        receive,
        ["sk_http_last_error", { "max": 100 }],
        ["sk_ws_close", 1, 1000],
    ])
}

#[test]
fn guests_in_four_languages_fetch_and_talk() {
    for guest in GUESTS {
        let ((web, asked), (talk, heard)) = (web(), talk());
        let host = started(guest, &calls(web, talk), Owner::generous());
        let request = asked.recv().unwrap();
        assert!(request.starts_with("POST /depth HTTP/1.1\r\n"), "{guest}: {request}");
        assert!(request.contains("x-mine: 1\r\n"), "{guest}: {request}");
        assert_eq!(heard.recv().unwrap(), [Message::text("hello"), Message::binary("bytes")]);
        let answer = format!(
            r#"{{"status":201,"headers":[["content-length","8"]],"url":"http://127.0.0.1:{web}/depth","redirected":false,"body":"{ANSWER}"}}"#
        );
        let len = i32::try_from(answer.len()).unwrap();
        let ended = i32::try_from("the other end has closed: 4001 enough".len()).unwrap();
        let expected = [len, len, -1, 1, 5, 5, 5, 3, 3, -1, ended, 0];
        assert_eq!(answers(&host), expected, "{guest}: {}", host.log());
    }
}

/// A server of two connections: it gives a body, then takes one; what it was sent, head and all.
fn files(given: Vec<u8>, taken: usize) -> (u16, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = port(&listener);
    let (sent, seen) = channel();
    thread::spawn(move || {
        for _ in 0..2 {
            let mut stream = accept(&listener, String::new);
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") {
                assert_eq!(stream.read(&mut byte).unwrap(), 1);
                head.push(byte[0]);
            }
            let length = if head.starts_with(b"GET") { given.len() } else { 0 };
            let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ";
            let mut answer = format!("{answer}{length}\r\n\r\n").into_bytes();
            if length > 0 {
                answer.extend_from_slice(&given);
            } else {
                let mut body = vec![0; taken];
                stream.read_exact(&mut body).unwrap();
                head.extend(body);
                sent.send(head).unwrap();
            }
            stream.write_all(&answer).unwrap();
        }
    });
    (port, seen)
}

/// R88, by imports: bytes as they are.
#[test]
fn guests_in_four_languages_send_and_read_bodies_in_pieces() {
    for guest in GUESTS {
        let (port, seen) = files(b"0123456789".to_vec(), 10);
        let url = format!("http://127.0.0.1:{port}/");
        let ask = json!({ "url": url, "stream": true }).to_string();
        let open = json!({ "url": url, "method": "PUT", "length": 10 }).to_string();
        let calls = json!([
            ["sk_http_request", ask, { "max": 1000 }],
            ["sk_http_read", 1, { "max": 4 }],
            ["sk_http_read", 1, { "max": 16 }],
            ["sk_http_read", 1, { "max": 16 }],
            ["sk_http_close", 1],
            ["sk_http_open", open],
            ["sk_http_send", 2, "bottom"],
            ["sk_http_send", 2, "line"],
            ["sk_http_finish", 2, { "max": 1000 }],
            ["sk_http_read", 2, { "max": 16 }],
            ["sk_http_close", 99],
            ["sk_ws_close", 1, 1000],
        ]);
        let host = started(guest, &calls, Owner::generous());
        let sent = String::from_utf8(seen.recv().unwrap()).unwrap();
        assert!(sent.starts_with("PUT / HTTP/1.1\r\n"), "{guest}: {sent}");
        assert!(sent.contains("content-length: 10\r\n"), "{guest}: {sent}");
        assert!(sent.ends_with("\r\n\r\nbottomline"), "{guest}: {sent}");
        let answers = answers(&host);
        let log = host.log();
        assert_eq!(answers[1..8], [4, 6, 0, 0, 2, 6, 4], "{guest}: {log}");
        assert!(answers[0] > 0 && answers[8] > 0, "{guest}: {log}");
        assert_eq!(answers[9..11], [-1, -1], "{guest}: {log}");
        // Those in C and Go show no buffers.
        let shows = log.contains(r#""request":1}"#) && log.contains("456789");
        assert!(shows || ["c_everything", "go_everything"].contains(&guest), "{guest}: {log}");
    }
}

/// By the kit, and as many bytes as neither it nor the host has at once.
#[test]
fn a_plugin_by_the_kit_reads_and_sends_16_mib_in_pieces() {
    const ALL: usize = 16 << 20;
    let (port, seen) = files(vec![b'y'; ALL], ALL);
    let url = format!("http://127.0.0.1:{port}/");
    let owner = Owner { guest: "buffer_web", ..Owner::generous() };
    let host = owner.host(&json!({ "stream": url, "bytes": ALL }), &[]);
    host.logged("sent 200 ");
    let sent = seen.recv().unwrap();
    assert_eq!(sent.iter().rev().take_while(|byte| **byte == b'x').count(), ALL);
    host.logged(&format!("read 200 {ALL}"));
}

/// The kit for authors in Rust: no `async`, and woken by `on_ws_message`.
#[test]
fn a_plugin_by_the_kit_fetches_and_talks() {
    let ((web, asked), (talk, heard)) = (web(), talk());
    let (url, ws) = (format!("http://127.0.0.1:{web}/"), format!("ws://127.0.0.1:{talk}/"));
    let owner = Owner { guest: "buffer_web", ..Owner::generous() };
    let host = owner.host(&json!({ "url": url, "ws": ws }), &[]);
    host.logged(&format!("fetched 201 {ANSWER}"));
    assert!(asked.recv().unwrap().contains("x-mine: 1\r\n"));
    host.logged(r#"heard Text("hello")"#);
    host.logged("heard Binary([1, 2, 3])");
    host.logged("over: the other end has closed: 4001 enough");
    assert_eq!(heard.recv().unwrap(), [Message::text("hello"), Message::binary("bytes")]);
}

#[test]
fn without_the_capability_or_the_owners_word_they_reach_nobody() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = port(&nobody);
    for guest in GUESTS {
        let none = Owner { capabilities: json!({}), ..Owner::generous() };
        let host = started(guest, &calls(port, port), none);
        assert_eq!(answers(&host), [-1; 12], "{guest}: {}", host.log());
        host.logged("`sk_http_request` needs the capability `network`");
        let closed = Owner { egress: json!({}), ..Owner::generous() };
        let host = started(guest, &calls(port, port), closed);
        assert_eq!(answers(&host)[..6], [-1; 6], "{guest}: {}", host.log());
        host.logged("is closed to plugins");
    }
    nobody.set_nonblocking(true).unwrap();
    assert!(nobody.accept().is_err(), "nobody came");
}
