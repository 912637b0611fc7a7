//! HTTP of library guests, call by call, and what the edge is asked for; `web/stream.rs`: bodies in pieces;
//! `web/websocket.rs`: WebSockets.

use bytes::Bytes;

use super::*;
use crate::{FetchHead, FetchId, FetchNews, FetchRequest};

mod stream;
mod websocket;

/// Requests at 400, 500 and 600; answers go to 1000, errors to 8000.
const IMPORTS: &str = r#"
    (import "env" "sk_http_request" (func $request (param i32 i32 i32 i32) (result i32)))
    (import "env" "sk_http_response" (func $response (param i32 i32) (result i32)))
    (import "env" "sk_http_last_error" (func $error (param i32 i32) (result i32)))
    (import "env" "sk_http_open" (func $open (param i32 i32) (result i32)))
    (import "env" "sk_http_send" (func $http_send (param i32 i32 i32) (result i32)))
    (import "env" "sk_http_finish" (func $finish (param i32 i32 i32) (result i32)))
    (import "env" "sk_http_read" (func $read (param i32 i32 i32) (result i32)))
    (import "env" "sk_http_close" (func $http_close (param i32) (result i32)))
    (import "env" "sk_ws_connect" (func $connect (param i32 i32 i32 i32) (result i32)))
    (import "env" "sk_ws_send" (func $send (param i32 i32 i32 i32) (result i32)))
    (import "env" "sk_ws_receive" (func $receive (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "sk_ws_close" (func $close (param i32 i32) (result i32)))
    ---
    (data (i32.const 400) "{\"url\":\"http://a.b/c\",\"method\":\"put\",\"headers\":{\"x-a\":\"1\"},\"bodyBase64\":\"AP8=\",\"timeoutMs\":2500}")
    (data (i32.const 500) "ws://a.b/c")
    (data (i32.const 520) "{\"protocols\":[\"v1\"]}")
    (data (i32.const 600) "{\"url\":\"http://a.b\",\"stream\":true}")
    (data (i32.const 640) "file:///etc/passwd")
    (data (i32.const 660) "\ff\fe")
    (func $say (param i32)
        (if (i32.lt_s (local.get 0) (i32.const 0))
            (then (i32.store8 (i32.const 900) (i32.const 45)))
            (else (i32.store8 (i32.const 900) (i32.add (i32.div_u (local.get 0) (i32.const 64)) (i32.const 48)))))
        (i32.store8 (i32.const 901) (i32.add (i32.and (local.get 0) (i32.const 63)) (i32.const 48)))
        (call $debug (i32.const 900) (i32.const 2)))
    (func $why (call $debug (i32.const 8000) (call $error (i32.const 8000) (i32.const 300))))
"#;

/// `$say` as it is read in the trace.
fn said(number: i32) -> String {
    let digit = |number: i32| char::from(u8::try_from(number + 48).unwrap());
    let high = if number < 0 { '-' } else { digit(number / 64) };
    format!("p debug: {high}{}", digit(number & 63))
}

fn start(body: &str) -> String {
    format!(
        r#"{IMPORTS} (func (export "plugin_start") (param i32 i32) (result i32) {body} (i32.const 0))"#
    )
}

fn granted() -> Capabilities {
    Capabilities::default().with(Capability::Network)
}

fn drive(body: &str, rights: Capabilities) -> Drive {
    Drive::new(guest(body), Purpose::Run, rights)
}

/// Name of the request, as the guest's configuration has it at 400.
const ASK: &str = "(call $request (i32.const 400) (i32.const 96) (i32.const 1000)";

fn fetched(drive: &mut Drive) -> (FetchId, FetchRequest) {
    match drive.effects.pop_front() {
        Some(Effect::Fetch { id, request }) => (id, request),
        other => panic!("{other:?} {:?} {:?}", drive.said, drive.server.trace),
    }
}

fn answer(drive: &mut Drive, id: FetchId, body: &'static [u8]) {
    let head = FetchHead {
        status: 200,
        headers: vec![("a".into(), "b".into())],
        url: "http://a.b/c".into(),
        redirected: false,
        cached: None,
    };
    let news = FetchNews::Whole(head, Bytes::from_static(body));
    drive.input(Input::Report(Report::Fetch { id, news }));
}

const TEXT: &str =
    r#"{"status":200,"headers":[["a","b"]],"url":"http://a.b/c","redirected":false,"body":"hi"}"#;

fn len() -> i32 {
    i32::try_from(TEXT.len()).unwrap()
}

#[test]
fn a_request_rests_until_it_is_answered() {
    let body = format!(
        "(local $n i32) (local.set $n {ASK} (i32.const 500)))
         (call $say (local.get $n)) (call $debug (i32.const 1000) (local.get $n))"
    );
    let mut drive = drive(&start(&body), granted());
    let (id, request) = fetched(&mut drive);
    assert_eq!((&*request.method, &*request.url), ("PUT", "http://a.b/c"));
    assert_eq!(request.headers, [("x-a".to_owned(), "1".to_owned())]);
    assert_eq!((&request.body[..], request.timeout.as_millis()), (&[0, 255][..], 2500));
    assert!(!drive.said.contains(&"Started".to_owned()), "it rests");
    answer(&mut drive, id, b"hi");
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert_eq!(drive.server.take(), [said(len()), format!("p debug: {TEXT}")]);
    assert_eq!(drive.session.counters().requests, 1);
}

/// Plugin ABI 2.6: the call says how much it needs; the answer is read again, not asked for again.
#[test]
fn a_response_that_does_not_fit_is_kept_and_read_once() {
    let body = format!(
        "(call $say {ASK} (i32.const 10)))
         (call $say (call $response (i32.const 1000) (i32.const 20)))
         (call $say (i32.load8_u (i32.const 1000)))
         (call $say (call $response (i32.const -4) (i32.const 500)))
         (call $debug (i32.const 1000) (call $response (i32.const 1000) (i32.const 500)))
         (call $say (call $response (i32.const 1000) (i32.const 500)))
         (call $why)"
    );
    let mut drive = drive(&start(&body), granted());
    let (id, _) = fetched(&mut drive);
    answer(&mut drive, id, b"hi");
    assert!(drive.effects.is_empty(), "nothing is asked for twice");
    let mut log = drive.server.take();
    log.retain(|line| line.starts_with("p debug"));
    let expected = [
        said(len()),
        said(len()),
        said(0),
        said(-1),
        format!("p debug: {TEXT}"),
        said(-1),
        "p debug: no response waits: it was read, or there was none".to_owned(),
    ];
    assert_eq!(log, expected);
    assert_eq!(drive.session.counters().guest_faults, 1);
}

#[test]
fn what_is_no_text_comes_in_base64() {
    let body = format!("(call $debug (i32.const 1000) {ASK} (i32.const 500)))");
    let mut drive = drive(&start(&body), granted());
    let (id, _) = fetched(&mut drive);
    answer(&mut drive, id, &[0, 255]);
    assert!(drive.server.take()[0].ends_with(r#""bodyBase64":"AP8="}"#));
}

#[test]
fn a_failure_can_be_read_by_guest_and_owner() {
    let body = format!("(call $say {ASK} (i32.const 500))) (call $why)");
    let mut drive = drive(&start(&body), granted());
    let (id, _) = fetched(&mut drive);
    let news = FetchNews::Failed("10.0.0.1:80 is closed to plugins".to_owned());
    drive.input(Input::Report(Report::Fetch { id, news }));
    let log = drive.server.take();
    for line in [
        said(-1),
        "p debug: 10.0.0.1:80 is closed to plugins".to_owned(),
        "p warn: fetch: 10.0.0.1:80 is closed to plugins".to_owned(),
        r#"p Error("fetch: 10.0.0.1:80 is closed to plugins")"#.to_owned(),
    ] {
        assert!(log.contains(&line), "{line}: {log:?}");
    }
    assert_eq!(drive.session.counters().requests_failed, 1);
    assert_eq!(drive.said.last().unwrap(), "Started");
}

#[test]
fn after_a_failure_the_first_answer_is_told_to_the_owner() {
    let ask = format!("(drop {ASK} (i32.const 500)))");
    let mut drive = drive(&start(&ask.repeat(3)), granted());
    let (id, _) = fetched(&mut drive);
    let news = FetchNews::Failed("no route".to_owned());
    drive.input(Input::Report(Report::Fetch { id, news }));
    for _ in 0..2 {
        let (id, _) = fetched(&mut drive);
        answer(&mut drive, id, b"hi");
    }
    let expected = ["p warn: fetch: no route", r#"p Error("fetch: no route")"#, "p fetches again"];
    assert_eq!(drive.server.take(), expected);
}

/// Each with what is wrong with it; nothing leaves the host.
#[test]
fn what_cannot_be_sent_is_refused_in_words() {
    let out = "(i32.const 1000) (i32.const 500)";
    let calls = [
        (format!("(call $request (i32.const 300) (i32.const 6) {out})"), "the request: "),
        (format!("(call $request (i32.const -9) (i32.const 96) {out})"), "out of range"),
        (format!("(call $request (i32.const 400) (i32.const -1) {out})"), "out of range"),
        (
            "(call $request (i32.const 400) (i32.const 96) (i32.const -1) (i32.const 500))".into(),
            "out of range",
        ),
        (
            "(call $request (i32.const 400) (i32.const 96) (i32.const 1000) (i32.const -1))".into(),
            "out of range",
        ),
        (
            "(call $connect (i32.const 640) (i32.const 18) (i32.const 0) (i32.const 0))".into(),
            "`file:///etc/passwd`: a WebSocket has a URL with ws: or wss:",
        ),
        (
            "(call $connect (i32.const 500) (i32.const 10) (i32.const 300) (i32.const 6))".into(),
            "the options: ",
        ),
        (
            "(call $connect (i32.const 500) (i32.const 10) (i32.const 0) (i32.const -1))".into(),
            "out of range",
        ),
        (
            "(call $send (i32.const 7) (i32.const 300) (i32.const 6) (i32.const 0))".into(),
            "socket 7 not found",
        ),
        (
            "(call $send (i32.const 7) (i32.const 660) (i32.const 2) (i32.const 0))".into(),
            "a text message is UTF-8",
        ),
        (
            "(call $receive (i32.const 7) (i32.const 1000) (i32.const 9) (i32.const 9) (i32.const 0))"
                .into(),
            "socket 7 not found",
        ),
        (
            "(call $receive (i32.const 7) (i32.const 1000) (i32.const -9) (i32.const 0) (i32.const 0))"
                .into(),
            "out of range",
        ),
        ("(call $close (i32.const 7) (i32.const 99999))".into(), "close code 0"),
        ("(call $close (i32.const 7) (i32.const 1006))".into(), "close code 1006"),
    ];
    for (call, why) in calls {
        let mut drive = drive(&start(&format!("(call $say {call}) (call $why)")), granted());
        assert_eq!(drive.said.last().unwrap(), "Started", "{call}");
        let log = drive.server.take();
        assert!(log.contains(&said(-1)), "{call}: {log:?}");
        let told = log.iter().any(|line| line.starts_with("p debug: ") && line.contains(why));
        assert!(told, "{call}: {why}: {log:?}");
        assert!(drive.effects.is_empty(), "{call}: {:?}", drive.effects);
    }
}

#[test]
fn nothing_is_waited_for_inside_allocate() {
    let body = format!(
        r#"{IMPORTS} (global $once (mut i32) (i32.const 0))
        (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
        (func (export "delta_handler") (param i32 i32) (call $why))"#
    );
    let asks = format!(
        r#"(if (i32.eqz (global.get $once)) (then (global.set $once (i32.const 1))
            (call $say {ASK} (i32.const 500)))
            (call $say (call $connect (i32.const 500) (i32.const 10) (i32.const 0) (i32.const 0)))))
            (global.get $heap)"#
    );
    let (imports, body) = body.split_once("---").unwrap();
    let wasm = wat_with(imports, body, &asks);
    let mut drive = Drive::new(wasm, Purpose::Run, granted());
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert!(drive.effects.is_empty(), "{:?}", drive.effects);
    drive.deltas(None, &[r#"{"updates":[]}"#]);
    let log = drive.server.take().join("\n");
    assert!(log.contains(&said(-1)) && log.contains("nothing can be waited for inside"), "{log}");
}

/// As `guest`, with more in `allocate`.
fn wat_with(imports: &str, body: &str, asks: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module
            (import "env" "sk_debug" (func $debug (param i32 i32)))
            {imports}
            (memory (export "memory") 4)
            (global $heap (mut i32) (i32.const 65536))
            (func (export "allocate") (param $n i32) (result i32) {asks})
            {body})"#
    ))
    .unwrap()
}
