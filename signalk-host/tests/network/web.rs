//! HTTP of plugins: retries and the host's cache by `wasmi-pdk` against a server that fails as told, and who may at
//! all.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

use super::{Owner, accept, host, port, reported};

/// A server that gives one answer of a list to each connection, and keeps what it was asked.
struct Web {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Closes without a word.
const GONE: &str = "";

impl Web {
    /// Answers are a head without its length, an empty line and a body.
    fn new(answers: &'static [&'static str]) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let web = Web { port: port(&listener), asked: Arc::clone(&asked) };
        thread::spawn(move || {
            for answer in answers {
                let mut stream = accept(&listener, String::new);
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                asked.lock().unwrap().push(String::from_utf8(head).unwrap().to_lowercase());
                let Some((head, body)) = answer.split_once("\n\n") else { continue };
                let (head, len) = (head.replace('\n', "\r\n"), body.len());
                let text = format!(
                    "HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {len}\r\n\r\n{body}"
                );
                stream.write_all(text.as_bytes()).unwrap();
            }
        });
        web
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[test]
fn what_may_be_sent_again_is_until_the_server_is_ready() {
    let get = Web::new(&[GONE, "503 Busy\nretry-after: 0\n\n", "200 OK\n\nwind"]);
    let post = Web::new(&[]);
    let host = host(&json!({ "http": [
        { "name": "get", "url": get.url(), "attempts": 3 },
        { "name": "post", "url": post.url(), "attempts": 3, "method": "POST" },
    ] }));
    assert_eq!(reported(&host, "get", "text"), "wind");
    let failed = reported(&host, "post", "failed");
    assert!(failed.as_str().unwrap().contains("may do something twice"), "{failed}");
    assert_eq!((get.asked().len(), post.asked().len()), (3, 0));
}

#[test]
fn a_kept_answer_is_confirmed_and_serves_when_nobody_is_there() {
    let tagged = Web::new(&[
        "200 OK\netag: \"1\"\n\none",
        "304 Not Modified\n\n",
        GONE,
        "200 OK\netag: \"2\"\n\ntwo",
    ]);
    let fresh = Web::new(&["200 OK\ncache-control: max-age=3600\n\nfresh"]);
    let host = host(&json!({ "http": [
        { "name": "tagged", "url": tagged.url(), "cached": true, "times": 4 },
        { "name": "fresh", "url": fresh.url(), "cached": true, "times": 4 },
    ] }));
    let texts = |name: &str| reported(&host, name, "texts");
    assert_eq!(texts("tagged"), json!(["one", "one", "one", "two"]));
    assert_eq!(reported(&host, "tagged", "cached"), json!([null, "Checked", "Stale", null]));
    let asked = tagged.asked();
    assert!(!asked[0].contains("if-none-match"), "{asked:?}");
    assert!(asked[1..].iter().all(|head| head.contains("if-none-match: \"1\"")), "{asked:?}");
    assert_eq!(texts("fresh"), json!(["fresh", "fresh", "fresh", "fresh"]));
    assert_eq!(fresh.asked().len(), 1);
}

/// A body that the plugin never has as a whole; the server says how much of it was `x`.
#[test]
fn a_plugin_sends_16_mib_in_pieces() {
    const ALL: usize = 16 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/", port(&listener));
    thread::spawn(move || {
        let mut stream = accept(&listener, String::new);
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert!(head.contains(&format!("content-length: {ALL}\r\n")), "{head}");
        let mut body = vec![0; ALL];
        stream.read_exact(&mut body).unwrap();
        let count = body.iter().filter(|byte| **byte == b'x').count().to_string();
        let len = count.len();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n{count}").unwrap();
    });
    let part = json!({ "name": "upload", "url": url, "method": "PUT", "upload": ALL });
    let host = host(&json!({ "http": [part] }));
    assert_eq!(reported(&host, "upload", "text"), ALL.to_string(), "{}", host.log());
}

/// A part of each kind, all to a port where nobody is asked.
fn one_of_each(port: u16) -> Value {
    json!({
        "udp": [{ "name": "udp" }],
        "tcp": [{ "name": "tcp", "host": "127.0.0.1", "port": port }],
        "http": [{ "name": "http", "url": format!("http://127.0.0.1:{port}/") }],
        "ws": [{ "name": "ws", "url": format!("ws://127.0.0.1:{port}/") }],
        "listen": [{ "name": "listen", "host": "127.0.0.1", "port": 0 }],
    })
}

#[test]
fn without_capabilities_and_without_the_owners_word_nothing_is_reached() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let configuration = one_of_each(port(&nobody));
    let none = json!({ "rawSockets": false, "network": false });
    let denied = Owner { capabilities: none, ..Owner::generous() }.host(&configuration, &[]);
    for (name, needed) in [
        ("udp", "rawSockets"),
        ("tcp", "rawSockets"),
        ("listen", "rawSockets"),
        ("http", "network"),
        ("ws", "network"),
    ] {
        let failed = reported(&denied, name, "failed");
        assert!(failed.as_str().unwrap().contains(needed), "{name}: {failed}");
    }
    let closed = Owner { egress: json!({}), ..Owner::generous() }.host(&configuration, &[]);
    for name in ["tcp", "http", "ws"] {
        let failed = reported(&closed, name, "failed");
        assert!(failed.as_str().unwrap().contains("closed to plugins"), "{name}: {failed}");
    }
    // F61.
    let egress = json!({ "only": ["api.example.org"], "allow": ["127.0.0.1"] });
    let listed = Owner { egress, ..Owner::generous() }.host(&configuration, &[]);
    for name in ["tcp", "http", "ws"] {
        let failed = reported(&listed, name, "failed");
        let failed = failed.as_str().unwrap();
        let says = |text: &str| assert!(failed.contains(text), "{name}: {failed}");
        says("plugin `net`: `");
        says("is not in the list `only`");
        says("plugin-config-data/net.json");
    }
    nobody.set_nonblocking(true).unwrap();
    assert!(nobody.accept().is_err(), "nobody came");
}
