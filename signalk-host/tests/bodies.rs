//! Bodies in pieces between real sockets and a plugin: 16 MiB both ways, a client that reads late, one that goes away,
//! one that wants the head only, one that is refused while it sends, and answers that are broken off. What moves when
//! is tested in virtual time (`tests/tests/exchanges.rs`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::Duration,
};

use common::{Host, eventually, guest, http, try_http};
use serde_json::{Value, json};

const MIB: usize = 1 << 20;

fn bodies() -> Host {
    let options = json!({ "enabled": true, "configuration": {}, "limits": { "memoryMiB": 2 } });
    guest::running("bodies", "signalk_bodies", &json!({ "httpEndpoints": true }), &options)
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

/// A connection on which a request begins.
fn ask(host: &Host, method: &str, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(&host.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!(
        "{method} /plugins/bodies{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// Head and what follows, until the server closes; whether it closed in good order.
fn answer(mut stream: TcpStream) -> (String, Vec<u8>, bool) {
    let mut all = Vec::new();
    let closed = stream.read_to_end(&mut all).is_ok();
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let body = all.split_off(end + 4);
    (String::from_utf8_lossy(&all).to_lowercase(), body, closed)
}

#[test]
fn sixteen_mib_go_through_a_plugin_of_two_mib_and_back() {
    let host = bodies();
    let sent = pattern(16 * MIB);
    let stream = ask(&host, "POST", "/echo", &format!("Content-Length: {}\r\n", sent.len()));
    let mut writer = stream.try_clone().unwrap();
    let writing = thread::spawn({
        let sent = sent.clone();
        move || writer.write_all(&sent)
    });
    let (head, got, _) = answer(stream);
    writing.join().unwrap().unwrap();
    assert!(
        head.starts_with("http/1.1 200") && head.contains("content-length: 16777216"),
        "{head}"
    );
    assert!(got == sent, "{} bytes came back", got.len());
    // In chunks of which nobody knows how many come.
    let mut stream = ask(&host, "POST", "/count", "Transfer-Encoding: chunked\r\n");
    for piece in sent.chunks(100_000) {
        stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).unwrap();
        stream.write_all(piece).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let (_, body, _) = answer(stream);
    let counted: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(counted["bytes"], 16 * MIB, "{counted}");
}

#[test]
fn a_client_that_reads_late_gets_everything_and_the_server_does_not_keep_it() {
    let host = bodies();
    let before = host.memory_kb();
    let many: Vec<_> =
        (0..8).map(|_| ask(&host, "GET", &format!("/down?bytes={}", 16 * MIB), "")).collect();
    // Others are answered while these do not read.
    let counted = http(&host.address, "POST", "/plugins/bodies/count", &[], &pattern(1000));
    assert_eq!(counted.status, 200);
    let kept = host.memory_kb().saturating_sub(before);
    assert!(kept < 64 << 10, "{kept} kB for 128 MiB that nobody reads");
    for stream in many {
        let (head, body, _) = answer(stream);
        assert!(head.contains("content-type: image/png"), "{head}");
        assert!(body == pattern(16 * MIB), "{} bytes", body.len());
    }
}

#[test]
fn a_client_that_goes_away_ends_its_handler() {
    let host = bodies();
    let mut down = ask(&host, "GET", &format!("/down?bytes={}", 16 * MIB), "");
    down.read_exact(&mut [0; 1000]).unwrap();
    drop(down);
    host.logged("left /down");
    let mut up = ask(&host, "POST", "/count", "Content-Length: 1000000\r\n");
    up.write_all(&[1; 1000]).unwrap();
    up.shutdown(Shutdown::Both).unwrap();
    host.logged("left /count");
    // And one that waits for a handler that never answers.
    let idle = ask(&host, "POST", "/idle", "Content-Length: 0\r\n");
    // A request whose client has gone before it was read is nobody's.
    host.logged("waits in /idle");
    drop(idle);
    host.logged("left /idle");
}

/// Of the answer only the head goes out, and what the plugin writes is for nobody: not its fault.
#[test]
fn who_asks_for_the_head_gets_it_and_the_plugin_has_not_failed() {
    let host = bodies();
    let (head, body, _) = answer(ask(&host, "HEAD", &format!("/down?bytes={MIB}"), ""));
    assert!(head.starts_with("http/1.1 200") && head.contains("image/png"), "{head}");
    assert_eq!(body.len(), 0, "{head}");
    let counted = http(&host.address, "POST", "/plugins/bodies/count", &[], b"x");
    assert_eq!(counted.status, 200);
    let counters = host.json("/plugins/bodies/diagnostics")["counters"].clone();
    assert_eq!(counters["handlerErrors"], 0, "{counters}");
}

#[test]
fn an_answer_that_is_broken_off_is_not_taken_for_a_whole_one() {
    let host = bodies();
    let (head, body, _) = answer(ask(&host, "GET", "/fails", ""));
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    assert!(!body.ends_with(b"0\r\n\r\n"), "{:?}", String::from_utf8_lossy(&body));
    for path in ["/short", "/much"] {
        let (head, body, _) = answer(ask(&host, "GET", path, ""));
        assert!(head.contains("content-length: 10"), "{head}");
        assert!(body.len() < 10, "{path}: {:?}", String::from_utf8_lossy(&body));
    }
    let (_, body, _) = answer(ask(&host, "GET", "/trap", ""));
    assert!(!body.ends_with(b"0\r\n\r\n"), "{:?}", String::from_utf8_lossy(&body));
    host.logged("the answer is broken off");
}

#[test]
fn who_is_refused_while_it_sends_reads_why() {
    let host = bodies();
    let large = pattern(13 * MIB);
    let kind = ["Content-Type: application/octet-stream"];
    let refused = try_http(&host.address, "POST", "/plugins/bodies/whole", &kind, &large).unwrap();
    let text = String::from_utf8_lossy(&refused.body).into_owned();
    assert_eq!((refused.status, text.contains("http.read")), (413, true), "{text}");
    let open: Vec<_> =
        (0..16).map(|_| ask(&host, "POST", "/idle", "Content-Length: 9\r\n")).collect();
    let busy = || {
        let one_more = try_http(&host.address, "POST", "/plugins/bodies/count", &[], &large)?;
        (one_more.status == 503).then_some(one_more)
    };
    let one_more = eventually("16 streams to be open", busy, || host.log());
    let text = String::from_utf8_lossy(&one_more.body).into_owned();
    assert!(text.contains("has 16 streamed requests open"), "{text}");
    drop(open);
}

#[test]
fn a_head_of_a_streamed_endpoint_is_no_client_that_leaves() {
    let host = bodies();
    let (head, body, _) = answer(ask(&host, "HEAD", "/down?bytes=1000000", ""));
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-length: 1000000") && body.is_empty(), "{head}");
    let whole = host.json("/plugins/bodies/diagnostics")["counters"].clone();
    assert_eq!((&whole["handlerErrors"], &whole["hostCallErrors"]), (&json!(0), &json!(0)));
    assert!(!host.log().contains("left /down"), "{}", host.log());
}
