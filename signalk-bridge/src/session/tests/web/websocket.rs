//! WebSockets of library guests: messages that wake them or are waited for, the end, and a stop.

use bytes::Bytes;

use super::{ASK, drive, granted, said, start};
use crate::session::tests::*;
use crate::{FetchId, SocketId, WebSocketMessage};

const CONNECT: &str =
    "(drop (call $connect (i32.const 500) (i32.const 10) (i32.const 520) (i32.const 20)))";

/// A guest whose socket 1 is open.
fn connected(body: &str) -> Drive {
    let mut drive = drive(&format!("{} {body}", start(CONNECT)), granted());
    let asked = drive.effects.pop_front();
    let Some(Effect::WebSocketConnect { socket, url, protocols, .. }) = asked else {
        panic!("{asked:?}")
    };
    assert_eq!((&*url, &protocols[..]), ("ws://a.b/c", &["v1".to_owned()][..]));
    assert!(!drive.said.contains(&"Started".to_owned()), "it rests");
    drive.input(Input::Report(Report::Connected { socket, result: Ok("v1".into()) }));
    assert_eq!(drive.said.last().unwrap(), "Started");
    drive.server.take();
    drive
}

fn heard(drive: &mut Drive, message: WebSocketMessage) -> Vec<String> {
    drive.input(Input::Report(Report::WebSocketMessage { socket: SocketId(1), message }));
    drive.server.take()
}

fn text(text: &str) -> WebSocketMessage {
    WebSocketMessage::Text(text.to_owned())
}

/// Reads everything there is, and why there will be no more.
const READ_ALL: &str = r#"
    (func (export "on_ws_message") (param $s i32) (local $n i32)
        (block $out (loop $more
            (local.set $n (call $receive (local.get $s) (i32.const 1000) (i32.const 8) (i32.const 0) (i32.const 990)))
            (br_if $out (i32.le_s (local.get $n) (i32.const 0)))
            (call $debug (i32.const 1000) (local.get $n))
            (call $say (i32.load8_u (i32.const 990)))
            (br $more)))
        (if (i32.lt_s (local.get $n) (i32.const 0)) (then (call $why))))"#;

#[test]
fn a_guest_is_woken_by_messages_and_told_of_the_end() {
    let mut drive = connected(READ_ALL);
    let one = |text: &str| format!("p debug: {text}");
    assert_eq!(heard(&mut drive, text("one")), [one("one"), said(0)]);
    assert_eq!(heard(&mut drive, text("")), [""; 0], "an empty message says nothing");
    let binary = WebSocketMessage::Binary(Bytes::from_static(b"\x01two"));
    assert_eq!(heard(&mut drive, binary), [one("\u{1}two"), said(1)]);
    let taken = drive.effects.iter().filter(|effect| matches!(effect, Effect::Taken { .. }));
    assert_eq!(taken.count(), 3, "also of the empty one: {:?}", drive.effects);
    let close = Some((4001, "enough".to_owned()));
    let closed = Report::Closed { socket: SocketId(1), error: None, close };
    drive.input(Input::Report(closed));
    assert_eq!(drive.server.take(), [one("the other end has closed: 4001 enough")]);
}

/// Not cut, unlike a datagram: half a message of JSON is none.
#[test]
fn a_message_that_does_not_fit_stays_and_says_what_it_needs() {
    let mut drive = connected(
        r#"(func $get (param $max i32) (result i32)
            (call $receive (i32.const 1) (i32.const 1000) (local.get $max) (i32.const 9000) (i32.const 0)))
        (func (export "on_ws_message") (param $s i32) (local $n i32)
            (call $say (call $get (i32.const 4)))
            (call $say (i32.load8_u (i32.const 1000)))
            (call $debug (i32.const 1000) (call $get (i32.const 5))))"#,
    );
    let log = heard(&mut drive, text("hello"));
    assert_eq!(log, [said(5), said(0), "p debug: hello".to_owned()]);
}

const POLL: &str = r#"(func (export "poll") (result i32)
    (call $say (call $receive (i32.const 1) (i32.const 1000) (i32.const 8) (i32.const 2500) (i32.const 0)))
    (i32.const 0))"#;

#[test]
fn who_waits_for_a_message_gets_it_or_goes_on_without_one() {
    let mut drive = connected(POLL);
    drive.at(1000);
    assert_eq!(drive.server.take(), [""; 0], "it rests");
    assert_eq!(heard(&mut drive, text("one")), [said(3)]);
    assert_eq!(drive.at(2000), Some(Duration::from_millis(4500)));
    drive.at(4499);
    assert_eq!(drive.server.take(), [""; 0], "it rests");
    drive.at(4500);
    // The poll of 3 s is late; those in between are not made up for.
    assert_eq!(drive.server.take(), [said(0)]);
    let error = Some("reset".to_owned());
    drive.input(Input::Report(Report::Closed { socket: SocketId(1), error, close: None }));
    assert_eq!(drive.server.take(), [said(-1)]);
}

#[test]
fn a_guest_sends_and_closes_and_a_closed_socket_is_none() {
    let mut drive = connected(
        r#"(func (export "poll") (result i32)
            (call $say (call $send (i32.const 1) (i32.const 300) (i32.const 6) (i32.const 0)))
            (call $say (call $send (i32.const 1) (i32.const 660) (i32.const 2) (i32.const 1)))
            (call $say (call $close (i32.const 1) (i32.const 4000)))
            (call $say (call $close (i32.const 1) (i32.const 0)))
            (call $say (call $send (i32.const 1) (i32.const 300) (i32.const 6) (i32.const 0)))
            (call $why)
            (i32.const 0))"#,
    );
    drive.at(1000);
    let socket = SocketId(1);
    let expected = [
        Effect::WebSocketSend { socket, message: text("polled") },
        Effect::WebSocketSend {
            socket,
            message: WebSocketMessage::Binary(Bytes::from_static(b"\xff\xfe")),
        },
        Effect::Close { socket, reason: Some((4000, String::new())) },
    ];
    assert_eq!(drive.effects, expected);
    let mut log = drive.server.take();
    log.retain(|line| line.starts_with("p debug"));
    let numbers = [6, 2, 0, 0, -1].map(said);
    assert_eq!(log[..5], numbers);
    assert_eq!(log[5], "p debug: socket 1 not found");
}

/// A plugin that stops waits for nothing, and `plugin_stop` is called in time.
#[test]
fn a_stop_ends_every_rest() {
    let stop = r#"(func (export "plugin_stop") (result i32) (call $why) (i32.const 0))"#;
    let connect =
        "(call $say (call $connect (i32.const 500) (i32.const 10) (i32.const 0) (i32.const 0)))";
    let request = format!("(call $say {ASK} (i32.const 500)))");
    for (call, cancel) in [
        (connect, Effect::Close { socket: SocketId(2), reason: None }),
        (&*request, Effect::FetchCancel { id: FetchId(1) }),
    ] {
        let poll = format!(r#"(func (export "poll") (result i32) {call} (i32.const 0))"#);
        let mut drive = connected(&format!("{poll} {stop}"));
        drive.at(1000);
        drive.effects.clear();
        drive.input(Input::Stop);
        assert_eq!(drive.said.last().unwrap(), "Stopped", "{call}");
        assert_eq!(drive.effects, [cancel]);
        let log = drive.server.take();
        assert!(log.contains(&said(-1)), "{call}: {log:?}");
        assert!(log.iter().any(|line| line.contains("cancelled: the plugin stops")), "{log:?}");
    }
    let mut drive = connected(&format!("{POLL} {stop}"));
    drive.at(1000);
    drive.input(Input::Stop);
    assert_eq!(drive.said.last().unwrap(), "Stopped");
    let log = drive.server.take();
    assert_eq!(log, [said(-1), "p debug: the plugin stops".to_owned()]);
}
