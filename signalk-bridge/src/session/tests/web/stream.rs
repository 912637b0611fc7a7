//! Bodies of HTTP in pieces, of library guests: who sends waits for room, who reads for bytes, and everything ends.

use bytes::Bytes;

use super::{drive, granted, said, start};
use crate::session::tests::*;
use crate::{FetchHead, FetchId, FetchNews, PIECE};

const REQUEST: FetchId = FetchId(1);

/// A request whose body follows and whose answer is streamed.
const OPEN: &str = "(call $say (call $open (i32.const 600) (i32.const 34)))";
/// 64 KiB of zeros; whether they were taken.
const SEND: &str = "(call $say (i32.eq (call $http_send (i32.const 1) (i32.const 65536) (i32.const 65536)) (i32.const 65536)))";
const FINISH: &str =
    "(call $debug (i32.const 1000) (call $finish (i32.const 1) (i32.const 1000) (i32.const 500)))";
/// At most four bytes, and how many they were.
const READ: &str = "(call $say (call $read (i32.const 1) (i32.const 1000) (i32.const 4)))";
/// A streamed answer to a request without a body.
const ASK: &str = "(call $debug (i32.const 1000) (call $request (i32.const 600) (i32.const 34) (i32.const 1000) (i32.const 500)))";

fn news(drive: &mut Drive, news: FetchNews) {
    drive.input(Input::Report(Report::Fetch { id: REQUEST, news }));
}

fn head() -> FetchNews {
    FetchNews::Head(FetchHead { status: 200, ..FetchHead::default() })
}

const HEAD: &str =
    r#"p debug: {"status":200,"headers":[],"url":"","redirected":false,"request":1}"#;

fn piece(text: &'static str) -> FetchNews {
    FetchNews::Piece(Bytes::from_static(text.as_bytes()))
}

/// What the guest said, without what its owner reads.
fn told(drive: &mut Drive) -> Vec<String> {
    let mut log = drive.server.take();
    log.retain(|line| line.starts_with("p debug"));
    log
}

fn written(drive: &Drive) -> usize {
    drive.effects.iter().filter(|effect| matches!(effect, Effect::FetchWrite { .. })).count()
}

#[test]
fn who_sends_rests_while_the_window_is_full() {
    let mut drive = drive(&start(&[OPEN, SEND, SEND, SEND, FINISH].concat()), granted());
    let Some(Effect::Fetch { request, .. }) = drive.effects.pop_front() else { panic!("opened") };
    assert_eq!((&*request.method, request.streamed), ("POST", true));
    assert_eq!(request.upload.map(|upload| upload.length), Some(None));
    assert_eq!((drive.server.take(), written(&drive)), (vec![said(1), said(1)], 2), "it rests");
    news(&mut drive, FetchNews::Written(PIECE));
    assert_eq!((drive.server.take(), written(&drive)), (vec![said(1)], 3));
    news(&mut drive, FetchNews::Written(PIECE));
    assert_eq!(drive.effects.pop_back(), Some(Effect::FetchFinish { id: REQUEST }));
    news(&mut drive, FetchNews::Written(PIECE));
    news(&mut drive, head());
    let log = drive.server.take();
    assert_eq!(log, [said(1), HEAD.to_owned()]);
    assert_eq!(drive.said.last().unwrap(), "Started");
}

#[test]
fn an_answer_is_read_as_it_fits_and_asked_for_piece_by_piece() {
    let end = "(call $why)";
    let mut drive = drive(&start(&[ASK, READ, READ, READ, READ, end].concat()), granted());
    drive.effects.clear();
    news(&mut drive, head());
    assert_eq!(drive.server.take(), [HEAD]);
    assert_eq!(drive.effects, [Effect::FetchMore { id: REQUEST }]);
    news(&mut drive, piece("abcdefg"));
    assert_eq!(drive.server.take(), [said(4), said(3)], "the rest was kept");
    assert_eq!(drive.effects.len(), 2, "one more is asked for");
    news(&mut drive, FetchNews::End);
    let over = "p debug: request 1 has no more: it ended, or was none of this plugin";
    assert_eq!(told(&mut drive), [said(0), said(-1), over.to_owned()]);
    assert_eq!(drive.said.last().unwrap(), "Started");
}

#[test]
fn a_transfer_that_breaks_says_so_to_guest_and_owner() {
    let mut reads = drive(&start(&[ASK, READ, "(call $why)"].concat()), granted());
    news(&mut reads, head());
    news(&mut reads, FetchNews::Failed("reset by peer".into()));
    let log = reads.server.take();
    for line in [said(-1), "p debug: reset by peer".into(), "p warn: fetch: reset by peer".into()] {
        assert!(log.contains(&line), "{line}: {log:?}");
    }
    let body = [OPEN, SEND, SEND, SEND, "(call $why)"].concat();
    let mut sends = drive(&start(&body), granted());
    sends.server.take();
    news(&mut sends, FetchNews::Failed("reset by peer".into()));
    assert_eq!(told(&mut sends), [said(1), said(0), "p debug: reset by peer".to_owned()]);
    assert_eq!(sends.session.counters().requests_failed, 1);
}

#[test]
fn what_is_closed_is_forgotten_and_may_be_closed_again() {
    let close = "(call $say (call $http_close (i32.const 1)))";
    let mut drive = drive(&start(&[ASK, READ, close, close, READ].concat()), granted());
    news(&mut drive, head());
    drive.effects.clear();
    news(&mut drive, piece("abcdefg"));
    let log = told(&mut drive);
    let last = [said(4), said(0), said(0), said(-1)];
    assert_eq!(log[1..], last, "what was left is gone, too");
    assert_eq!(drive.effects, [Effect::FetchCancel { id: REQUEST }]);
    assert_eq!(drive.said.last().unwrap(), "Started");
}

/// Each with what is wrong with it.
#[test]
fn what_cannot_be_is_refused_in_words() {
    let room = "(i32.const 1000) (i32.const 9)";
    for (call, why) in [
        ("(call $open (i32.const 300) (i32.const 6))".to_owned(), "the request: "),
        ("(call $open (i32.const 400) (i32.const 96))".into(), "the body follows in pieces"),
        ("(call $open (i32.const 400) (i32.const -1))".into(), "out of range"),
        (
            "(call $http_send (i32.const 7) (i32.const 0) (i32.const 1))".into(),
            "request 7 takes no",
        ),
        ("(call $http_send (i32.const 7) (i32.const -9) (i32.const 99))".into(), "out of range"),
        (format!("(call $finish (i32.const 7) {room})"), "request 7 takes no body"),
        ("(call $finish (i32.const 7) (i32.const -1) (i32.const 9))".into(), "out of range"),
        (format!("(call $read (i32.const 7) {room})"), "request 7 has no more"),
        (format!("(call $read (i32.const -7) {room})"), "request 0 has no more"),
        ("(call $read (i32.const 7) (i32.const 1000) (i32.const -1))".into(), "out of range"),
        ("(call $read (i32.const 7) (i32.const 1000) (i32.const 0))".into(), "buffer of no bytes"),
        ("(call $http_close (i32.const 7))".into(), "there was no request 7"),
    ] {
        let mut drive = drive(&start(&format!("(call $say {call}) (call $why)")), granted());
        assert_eq!(drive.said.last().unwrap(), "Started", "{call}");
        let log = drive.server.take();
        assert!(log.contains(&said(-1)), "{call}: {log:?}");
        let told = log.iter().any(|line| line.starts_with("p debug: ") && line.contains(why));
        assert!(told, "{call}: {why}: {log:?}");
        assert!(drive.effects.is_empty(), "{call}: {:?}", drive.effects);
    }
}

/// A hole in a body is no body.
#[test]
fn a_body_with_a_piece_that_is_not_there_is_given_up() {
    let bad = "(drop (call $http_send (i32.const 1) (i32.const -9) (i32.const 99)))";
    let long = "(drop (call $http_send (i32.const 1) (i32.const 65536) (i32.const 65537)))";
    for (piece, why) in
        [(bad, "could not be read"), (long, "65537 bytes at once, the limit is 65536")]
    {
        let body = [OPEN, piece, FINISH, "(call $why)"].concat();
        let mut drive = drive(&start(&body), granted());
        assert_eq!(drive.effects.pop_back(), Some(Effect::FetchCancel { id: REQUEST }));
        let log = drive.server.take();
        let given_up = |line: &String| line.contains(why) && line.contains("is given up");
        assert!(log.iter().any(given_up), "{log:?}");
    }
}

/// A plugin that stops waits for nothing.
#[test]
fn a_stop_ends_every_rest() {
    let stop = r#"(func (export "plugin_stop") (result i32) (call $why) (i32.const 0))"#;
    for calls in [&[OPEN, SEND, SEND][..], &[OPEN, FINISH], &[ASK, READ]] {
        let calls = calls.concat();
        let poll = format!(r#"(func (export "poll") (result i32) {calls} (i32.const 0))"#);
        let mut drive = drive(&format!("{} {poll} {stop}", start("")), granted());
        drive.at(1000);
        if calls.starts_with(ASK) {
            news(&mut drive, head());
        }
        drive.effects.clear();
        drive.input(Input::Stop);
        assert_eq!(drive.said.last().unwrap(), "Stopped", "{calls}");
        assert_eq!(drive.effects, [Effect::FetchCancel { id: REQUEST }], "{calls}");
        let log = drive.server.take();
        assert!(log.iter().any(|line| line.contains("cancelled: the plugin stops")), "{log:?}");
    }
}

#[test]
fn nothing_is_asked_without_the_capability() {
    let all = [OPEN, SEND, FINISH, READ, "(call $say (call $http_close (i32.const 1)))"].concat();
    let drive = drive(&start(&all), Capabilities::default());
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert!(drive.effects.is_empty(), "{:?}", drive.effects);
    assert_eq!(drive.session.counters().host_call_errors, 5);
}
