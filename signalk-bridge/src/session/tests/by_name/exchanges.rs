//! Streamed endpoints of plugins by exports: `"stream": true` in a row of `http_endpoints`.

use super::*;

const ID: HandlerCallId = HandlerCallId(7);
/// The exchange is one digit, so that the calls are constants.
const CALLS: [(&str, &str); 4] = [
    ("http.read", "[7]"),
    ("http.respond", r#"{"exchange":7,"headers":{"content-length":"5"}}"#),
    ("http.write", r#"{"exchange":7,"text":"hello"}"#),
    ("http.write", "[7]"),
];

/// A guest with a handler that logs its request and does this.
fn handler(calls: &[(&str, &str)], body: &str) -> Drive {
    let rows = r#"[{"method":"POST","path":"/up","handler":"up","stream":true}]"#;
    let (len, rows) = (rows.len(), rows.replace('"', "\\22"));
    let more = format!(
        r#"(data (i32.const 1000) "{rows}")
        (func (export "http_endpoints") (param $out i32) (param $max i32) (result i32)
            (memory.copy (local.get $out) (i32.const 1000) (i32.const {len})) (i32.const {len}))
        (func (export "up") (param $p i32) (param $n i32) (param $out i32) (param $max i32) (result i32)
            (call $debug (local.get $p) (local.get $n)) {body}
            (i32.store16 (local.get $out) (i32.const 0x7d7b)) (i32.const 2))"#
    );
    let mut drive = starting_with(calls, "", &more, every_right());
    let trace = drive.server.take();
    assert!(trace[0].contains("stream: true"), "{trace:?}");
    assert_eq!(trace.len(), 1, "nothing is complained of: {trace:?}");
    drive
}

fn ask(drive: &mut Drive) {
    let handler = Handler::Http {
        handler: "up".into(),
        repeatable: true,
        largest_reply: None,
        streamed: true,
    };
    let request = r#"{"method":"POST"}"#.to_owned();
    drive.input(Input::Handle(HandlerCall { id: ID, handler, request }));
}

fn news(drive: &mut Drive, news: ExchangeNews) {
    drive.input(Input::Exchange { id: ID, news });
}

/// Wishes and replies since last asked.
fn said(drive: &mut Drive) -> Vec<String> {
    drive.said.drain(..).filter(|said| said != STARTED && !said.starts_with("described")).collect()
}

fn wish(wish: &ExchangeWish) -> String {
    format!("Exchange {{ id: HandlerCallId(7), wish: {wish:?} }}")
}

fn handled(reply: &str) -> String {
    format!("Handled {{ id: HandlerCallId(7), reply: {reply} }}")
}

#[test]
fn a_body_is_read_and_an_answer_written_in_pieces() {
    let calls: String =
        [0, 0, 1, 2].map(|n| format!("(call $call (i32.const {n}) (i32.const 4000))")).concat();
    let mut drive = handler(&CALLS, &calls);
    ask(&mut drive);
    assert_eq!(told(&mut drive), [r#"{"method":"POST","exchange":7}"#]);
    assert_eq!(said(&mut drive), [wish(&ExchangeWish::Read)]);
    news(&mut drive, ExchangeNews::Piece(Bytes::from_static(&[1, 2])));
    assert_eq!(told(&mut drive)[1], r#"{"data":"AQI="}"#);
    news(&mut drive, ExchangeNews::End);
    let all = said(&mut drive);
    assert!(all[1].contains("Respond(StreamHead { status: 200, headers: [], length: Some(5) })"));
    assert_eq!(all[2], wish(&ExchangeWish::Write(Bytes::from_static(b"hello"))));
    assert_eq!(all[3..], [handled(r#"Ok("{}")"#)], "a small piece is not waited for");
}

#[test]
fn an_answer_that_is_not_whole_is_broken_off() {
    let mut drive = handler(&CALLS, "(call $call (i32.const 1) (i32.const 4000))");
    ask(&mut drive);
    let last = said(&mut drive).pop().unwrap();
    assert!(last.contains("0 bytes were written of a content-length of 5"), "{last}");
}

/// What is written does not fit a window: the guest rests, and a client that leaves ends that. News that come while the
/// guest computes wait for it.
#[test]
fn who_writes_waits_for_its_client_and_hears_when_it_leaves() {
    let piece = format!(r#"{{"exchange":7,"text":"{}"}}"#, "x".repeat(64 << 10));
    let calls = [("http.respond", "[7]"), ("http.write", &*piece)];
    let calls_of = |numbers: &[u8]| -> String {
        numbers.iter().map(|n| format!("(call $call (i32.const {n}) (i32.const 4000))")).collect()
    };
    let mut drive = handler(&calls, &calls_of(&[0, 1, 1, 1, 1]));
    ask(&mut drive);
    assert_eq!(told(&mut drive)[1..], ["4", "null", "4", "null"], "the second rests");
    news(&mut drive, ExchangeNews::Written(64 << 10));
    assert_eq!(told(&mut drive), ["4", "null"], "and so does the third");
    drive.input(Input::Cancel(ID));
    let log = told(&mut drive);
    assert_eq!((&*log[0], &*log[2]), ("-1", "-1"), "{log:?}");
    for error in [&log[1], &log[3]] {
        let text = json_of(error)["message"].as_str().unwrap().to_owned();
        assert!(text.contains("exchange 7 is over: its client has left"), "{text}");
    }
    assert_eq!(drive.session.counters().host_call_errors, 0, "not the plugin's fault");
    // It does other things again.
    drive.said.clear();
    ask(&mut drive);
    assert!(!said(&mut drive).is_empty());
}

#[test]
fn a_handler_that_waits_in_line_is_forgotten_with_its_client() {
    let mut drive = handler(&CALLS, "(call $call (i32.const 0) (i32.const 4000))");
    ask(&mut drive);
    let other = HandlerCallId(8);
    let handler = Handler::Http {
        handler: "up".into(),
        repeatable: false,
        largest_reply: None,
        streamed: true,
    };
    drive.input(Input::Handle(HandlerCall { id: other, handler, request: "{}".into() }));
    drive.input(Input::Cancel(other));
    news(&mut drive, ExchangeNews::End);
    let log = drive.server.take();
    let asked = log.iter().filter(|line| line.contains("exchange\":")).count();
    assert_eq!((asked, said(&mut drive).len()), (1, 2), "{log:?}");
}

#[test]
fn an_exchange_of_nobody_is_said() {
    let mut drive = starting(&CALLS, ALL_ROOM);
    let error = json_of(&told(&mut drive)[1]);
    let text = error["message"].as_str().unwrap();
    assert!(text.contains("there is no exchange 7"), "{text}");
}
