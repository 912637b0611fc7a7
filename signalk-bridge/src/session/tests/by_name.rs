//! `sk_call` of library guests: what becomes of one call, whatever the method; each method is called in
//! `tests/conformance/by_name.rs`, and by real guests in `guests.rs`.

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::{
    ClientEnd, ClientNews, ClientSocketId, ExchangeNews, ExchangeWish, FetchNews, Handler,
    WebSocketMessage,
};

mod events;
mod exchanges;

/// `$call` asks a call of [`guest_of`] by its number, with room for so many bytes at 2000, and logs the number, and
/// what is there or what `sk_call_error` says.
const IMPORTS: &str = r#"
    (import "env" "sk_call" (func $sk_call (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "env" "sk_call_answer" (func $answer (param i32 i32) (result i32)))
    (import "env" "sk_call_error" (func $error (param i32 i32) (result i32)))
    ---
    (func $number (param $n i32) (local $at i32) (local $rest i32)
        (local.set $at (i32.const 1919))
        (local.set $rest (select (i32.sub (i32.const 0) (local.get $n)) (local.get $n) (i32.lt_s (local.get $n) (i32.const 0))))
        (loop $next
            (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $rest) (i32.const 10))))
            (local.set $at (i32.sub (local.get $at) (i32.const 1)))
            (br_if $next (local.tee $rest (i32.div_u (local.get $rest) (i32.const 10)))))
        (if (i32.lt_s (local.get $n) (i32.const 0))
            (then (i32.store8 (local.get $at) (i32.const 45)) (local.set $at (i32.sub (local.get $at) (i32.const 1)))))
        (call $debug (i32.add (local.get $at) (i32.const 1)) (i32.sub (i32.const 1919) (local.get $at))))
    (func $why (call $debug (i32.const 2000) (call $error (i32.const 2000) (i32.const 4000))))
    (func $told (param $n i32) (param $max i32) (result i32)
        (call $number (local.get $n))
        (if (i32.lt_s (local.get $n) (i32.const 0)) (then (call $why)))
        (if (i32.le_u (local.get $n) (local.get $max)) (then (call $debug (i32.const 2000) (local.get $n))))
        (local.get $n))
"#;

/// A module with these calls as data, and `$call n max`.
fn module(calls: &[(&str, &str)], body: &str) -> String {
    // Long ones stand where the guest's allocator gives room that nobody writes to.
    let is_long = calls.iter().any(|(_, params)| params.len() > 4000);
    let (mut data, mut rows) = (String::new(), String::new());
    let mut at = if is_long { 131_072 } else { 8000 };
    for (number, (method, params)) in calls.iter().enumerate() {
        let escaped: String =
            format!("{method}{params}").bytes().map(|b| format!("\\{b:02x}")).collect();
        data += &format!("(data (i32.const {at}) \"{escaped}\")");
        let (name, len) = (method.len(), params.len());
        rows += &format!(
            "(if (i32.eq (local.get $which) (i32.const {number})) (then (local.set $n (call $sk_call (i32.const {at}) (i32.const {name}) (i32.const {}) (i32.const {len}) (i32.const 2000) (local.get $max)))))",
            at + name
        );
        at += name + len;
    }
    format!(
        "{IMPORTS}{data} (func $call (param $which i32) (param $max i32) (local $n i32) {rows}
            (drop (call $told (local.get $n) (local.get $max)))) {body}"
    )
}

fn every_right() -> Capabilities {
    Capability::ALL.into_iter().fold(Capabilities::NONE, Capabilities::with)
}

/// A guest whose start does this.
fn starting(calls: &[(&str, &str)], body: &str) -> Drive {
    starting_with(calls, body, "", every_right())
}

fn starting_with(calls: &[(&str, &str)], body: &str, more: &str, rights: Capabilities) -> Drive {
    let start = format!(
        r#"(func (export "plugin_start") (param i32 i32) (result i32) {body} (i32.const 0)) {more}"#
    );
    Drive::new(guest(&module(calls, &start)), Purpose::Run, rights)
}

/// What the guest logged.
fn told(drive: &mut Drive) -> Vec<String> {
    let all = drive.server.take();
    all.iter().filter_map(|line| line.strip_prefix("p debug: ")).map(str::to_owned).collect()
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

const ALL_ROOM: &str = "(call $call (i32.const 0) (i32.const 4000))";
const STARTED: &str = "Started";

#[test]
fn an_answer_that_is_known_comes_at_once_and_deeds_keep_their_order() {
    let calls = [
        ("meta.get", r#"{"path":"a.b"}"#),
        ("log", r#"{"level":"info","message":"second"}"#),
        ("options.save", r#"{"options":{"radius":40}}"#),
        ("options.read", ""),
    ];
    let body = "(call $debug (i32.const 300) (i32.const 6))
        (call $call (i32.const 0) (i32.const 4000)) (call $call (i32.const 1) (i32.const 4000))
        (call $call (i32.const 2) (i32.const 4000)) (call $call (i32.const 3) (i32.const 4000))";
    let mut drive = starting(&calls, body);
    assert_eq!(drive.said.last().unwrap(), STARTED, "{:?}", drive.server.trace);
    let trace = drive.server.take();
    let expected = [
        "p debug: polled",
        "p debug: 4",
        "p debug: null",
        "p info: second",
        "p debug: 4",
        "p debug: null",
        "p save {\"radius\":40}",
        "p debug: 4",
        "p debug: null",
        "p debug: 13",
        "p debug: {\"radius\":40}",
    ];
    assert_eq!(trace, expected);
    assert_eq!(drive.session.counters().host_call_errors, 0);
    assert!(drive.session.counters().host_calls >= 4);
}

#[test]
fn what_was_saved_by_name_is_read_by_the_import_as_well() {
    let more = r#"(import "env" "sk_read_config" (func $read (param i32 i32) (result i32)))"#;
    let text = module(
        &[("options.save", r#"[{"radius":41}]"#)],
        &format!(
            r#"(func (export "plugin_start") (param i32 i32) (result i32) {ALL_ROOM}
            (call $debug (i32.const 2000) (call $read (i32.const 2000) (i32.const 400))) (i32.const 0))"#
        ),
    );
    let mut drive = Drive::wat(&format!("{more}{text}"));
    assert_eq!(told(&mut drive).last().unwrap(), r#"{"radius":41}"#);
}

#[test]
fn a_refusal_is_minus_one_and_says_what_json_rpc_says() {
    let calls = [
        ("put.send", r#"{"path":"a.b","value":1}"#),
        ("no.such", "{}"),
        ("paths.get", "garbage"),
        ("paths.get", r#"{"path":7}"#),
        ("", ""),
    ];
    let body: String =
        (0..5).map(|n| format!("(call $call (i32.const {n}) (i32.const 4000))")).collect();
    let rights = every_right().without(Capability::DataWrite);
    let mut drive = starting_with(&calls, &body, "", rights);
    let log = drive.server.take();
    let warned = log.iter().filter(|line| line.starts_with("p warn")).count();
    assert_eq!(warned, 5, "each is said: {log:?}");
    let said: Vec<_> = log.iter().filter_map(|line| line.strip_prefix("p debug: ")).collect();
    assert!(said.iter().step_by(2).all(|number| *number == "-1"), "{said:?}");
    let errors: Vec<Value> = said.iter().skip(1).step_by(2).map(|text| json_of(text)).collect();
    let codes: Vec<_> = errors.iter().map(|error| error["code"].as_i64().unwrap()).collect();
    assert_eq!(codes, [-32040, -32601, -32602, -32602, -32601]);
    let text = errors[0]["message"].as_str().unwrap();
    assert!(text.contains("`put.send` needs the capability `dataWrite`; add"), "{text}");
    assert_eq!(errors[0]["data"]["capability"], "dataWrite");
    assert_eq!(drive.session.counters().host_call_errors, 5);
    assert!(drive.effects.is_empty() && drive.server.puts.is_empty());
}

/// Plugin ABI 2.6: the length is answered and nothing written; the answer is read, not asked for again.
#[test]
fn an_answer_that_does_not_fit_is_kept_and_read_once() {
    let body = "(call $call (i32.const 0) (i32.const 3))
        (call $number (i32.load8_u (i32.const 2000)))
        (drop (call $told (call $answer (i32.const -4) (i32.const 4000)) (i32.const 0)))
        (drop (call $told (call $answer (i32.const 2000) (i32.const 5)) (i32.const 5)))
        (drop (call $told (call $answer (i32.const 2000) (i32.const 4000)) (i32.const 4000)))
        (drop (call $told (call $answer (i32.const 2000) (i32.const 4000)) (i32.const 4000)))";
    let calls = [("options.read", "{}")];
    let server = Fake { options: Some(r#"{"radius":30}"#.to_owned()), ..Fake::default() };
    let start = format!(
        r#"(func (export "plugin_start") (param i32 i32) (result i32) {body} (i32.const 0))"#
    );
    let mut drive =
        Drive::with_server(server, guest(&module(&calls, &start)), Purpose::Run, every_right());
    let log = told(&mut drive);
    assert_eq!(log[..4], ["13", "0", "-1", &log[3]], "{log:?}");
    assert_eq!(json_of(&log[3])["code"], -32024);
    assert_eq!(log[4..8], ["13", "13", r#"{"radius":30}"#, "-1"], "{log:?}");
    assert_eq!(json_of(&log[8])["code"], -32043, "{log:?}");
    assert_eq!(drive.session.counters().guest_faults, 1);
}

#[test]
fn addresses_that_are_not_there_are_counted_and_nothing_is_called() {
    let texts = "(i32.const 8000) (i32.const 3) (i32.const 8003) (i32.const 2)";
    for arguments in [
        "(i32.const -8) (i32.const 3) (i32.const 8003) (i32.const 2) (i32.const 2000) (i32.const 9)",
        "(i32.const 8000) (i32.const -1) (i32.const 8003) (i32.const 2) (i32.const 2000) (i32.const 9)",
        "(i32.const 8000) (i32.const 3) (i32.const -8) (i32.const 64) (i32.const 2000) (i32.const 9)",
        &format!("{texts} (i32.const -8) (i32.const 64)"),
        &format!("{texts} (i32.const 2000) (i32.const -1)"),
    ] {
        let body =
            format!("(drop (call $told (call $sk_call {arguments}) (i32.const 0))) (call $why)");
        let mut drive = starting(&[("log", "{}")], &body);
        let log = told(&mut drive);
        assert_eq!((&*log[0], json_of(&log[1])["code"].as_i64()), ("-1", Some(-32024)), "{log:?}");
        let counters = drive.session.counters();
        assert_eq!((counters.guest_faults, counters.host_call_errors), (1, 0), "{arguments}");
    }
}

#[test]
fn a_put_rests_until_it_has_ended() {
    let mut drive = starting(&[("put.send", r#"{"path":"a.b","value":true}"#)], ALL_ROOM);
    assert!(!drive.said.contains(&STARTED.to_owned()), "it rests");
    let id = drive.server.puts.remove(0);
    let reply = r#"{"state":"COMPLETED","statusCode":200}"#;
    drive.input(Input::PutDone { id, reply: reply.to_owned() });
    assert_eq!(drive.said.last().unwrap(), STARTED);
    assert_eq!(told(&mut drive)[1..], [reply]);
}

#[test]
fn a_failure_that_comes_later_is_counted_and_said() {
    let calls = [("http.request", r#"{"url":"http://a.b/"}"#)];
    let mut drive = starting(&calls, ALL_ROOM);
    let Some(Effect::Fetch { id, .. }) = drive.effects.pop_front() else { panic!() };
    let news = FetchNews::Failed("refused by a.b".into());
    drive.input(Input::Report(Report::Fetch { id, news }));
    assert_eq!(drive.said.last().unwrap(), STARTED);
    let trace = drive.server.take();
    let warned = "p warn: plugin `p`: `http.request`: refused by a.b";
    assert!(trace.iter().any(|line| line.starts_with(warned)), "{trace:?}");
    assert!(trace.iter().any(|line| line.contains(r#""code":-32060"#)), "{trace:?}");
    let counters = drive.session.counters();
    assert_eq!((counters.host_call_errors, counters.requests_failed), (1, 1));
}

#[test]
fn data_of_a_socket_are_waited_for_and_its_end_ends_the_wait() {
    let calls = [("tcp.connect", r#"["a.b",10110]"#), ("tcp.receive", "[1]")];
    let body = "(call $call (i32.const 0) (i32.const 4000))
        (call $call (i32.const 1) (i32.const 4000)) (call $call (i32.const 1) (i32.const 4000))
        (call $call (i32.const 1) (i32.const 4000))";
    let mut drive = starting(&calls, body);
    let Some(Effect::TcpConnect { socket, .. }) = drive.effects.pop_front() else { panic!() };
    drive.input(Input::Report(Report::Connected { socket, result: Ok(String::new()) }));
    assert_eq!(told(&mut drive), ["1", "1"]);
    let data = Bytes::from_static(&[1, 2]);
    drive.input(Input::Report(Report::TcpData { socket, data }));
    assert_eq!(told(&mut drive)[1], r#"{"data":"AQI="}"#);
    drive.input(Input::Report(Report::Closed { socket, error: None, close: None }));
    let log = told(&mut drive);
    assert_eq!(log[1], r#"{"closed":{"error":null}}"#, "{log:?}");
    assert_eq!(log[2], "-1", "it is gone: {log:?}");
    assert_eq!(drive.said.last().unwrap(), STARTED);
}

/// Every kind of wait, in `poll`; then `plugin_stop` calls, too.
#[test]
fn a_stop_ends_every_wait_and_the_next_one_and_the_stop_itself_may_call() {
    for (method, params) in [
        ("put.send", r#"{"path":"a.b","value":1}"#),
        ("http.request", r#"{"url":"http://a.b/"}"#),
        ("tcp.connect", r#"["a.b",1]"#),
        ("ws.connect", r#"["ws://a.b/"]"#),
        ("tcp.listen", "[10111]"),
        ("tcp.receive", "[2]"),
    ] {
        let calls = [
            ("udp.create", ""),
            ("tcp.connect", r#"["a.b",1]"#),
            (method, params),
            ("status.set", r#"{"message":"bye"}"#),
        ];
        let more = r#"(func (export "poll") (result i32)
                (call $call (i32.const 2) (i32.const 4000)) (call $call (i32.const 2) (i32.const 4000)) (i32.const 0))
            (func (export "plugin_stop") (result i32) (call $call (i32.const 3) (i32.const 4000)) (i32.const 0))"#;
        let body = "(call $call (i32.const 0) (i32.const 4000)) (call $call (i32.const 1) (i32.const 4000))";
        let mut drive = starting_with(&calls, body, more, every_right());
        let Some(Effect::TcpConnect { socket, .. }) = drive.effects.pop_front() else { panic!() };
        drive.input(Input::Report(Report::Connected { socket, result: Ok(String::new()) }));
        drive.at(1000);
        told(&mut drive);
        drive.input(Input::Stop);
        assert_eq!(drive.said.last().unwrap(), "Stopped", "{method}");
        let trace = drive.server.take();
        let stops = format!("`{method}`: the plugin stops");
        let ended = trace.iter().filter(|line| line.contains(&stops)).count();
        assert!(ended == 2, "{method}: {trace:?}");
        assert!(trace.contains(&"p Ok(\"bye\")".to_owned()), "{method}: {trace:?}");
        assert_eq!(drive.session.counters().host_call_errors, 0, "{method}: nobody's fault");
    }
}

#[test]
fn nothing_is_called_inside_of_allocate() {
    let wasm = wat::parse_str(
        r#"(module
            (import "env" "sk_debug" (func $debug (param i32 i32)))
            (import "env" "sk_call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
            (import "env" "sk_call_error" (func $error (param i32 i32) (result i32)))
            (memory (export "memory") 4)
            (data (i32.const 0) "options.read")
            (func (export "allocate") (param $n i32) (result i32)
                (drop (call $call (i32.const 0) (i32.const 12) (i32.const 0) (i32.const 0) (i32.const 100) (i32.const 100)))
                (call $debug (i32.const 300) (call $error (i32.const 300) (i32.const 400)))
                (i32.const 65536))
            (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0)))"#,
    )
    .unwrap();
    let mut drive = Drive::new(wasm, Purpose::Run, every_right());
    assert_eq!(drive.said.last().unwrap(), STARTED);
    let error = json_of(&told(&mut drive)[0]);
    assert_eq!(error["code"], -32600);
    assert!(error["message"].as_str().unwrap().contains("inside `allocate`"), "{error}");
}

/// The limit of a message of JSON-RPC.
#[test]
fn an_answer_over_the_limit_of_a_message_is_none() {
    let calls = [("options.read", "")];
    let start = format!(
        r#"(func (export "plugin_start") (param i32 i32) (result i32) {ALL_ROOM} (i32.const 0))"#
    );
    let options = json!({ "text": "x".repeat(2000) }).to_string();
    let server = Fake { options: Some(options), ..Fake::default() };
    let wasm = guest(&module(&calls, &start));
    let mut drive = Drive::with_config(server, wasm, Purpose::Run, every_right(), |config| {
        config.limits.message_bytes = 1000;
    });
    let error = json_of(&told(&mut drive)[1]);
    assert_eq!(error["code"], -32008);
    let text = error["message"].as_str().unwrap();
    assert!(
        text.contains("2011 bytes, the limit is 1000") && text.contains("messageMiB"),
        "{text}"
    );
}

#[test]
fn what_nobody_would_hear_of_is_refused_after_the_rights() {
    let calls = [
        ("deltas.subscribe", r#"{"path":"a.*"}"#),
        ("deltas.intercept", r#"{"paths":["a.*"]}"#),
        ("websocket.register", r#"{"paths":["/x"]}"#),
    ];
    let body: String =
        (0..3).map(|n| format!("(call $call (i32.const {n}) (i32.const 4000))")).collect();
    for (rights, code) in [(every_right(), -32602), (Capabilities::NONE, -32040)] {
        let mut drive = starting_with(&calls, &body, "", rights);
        let log = told(&mut drive);
        let errors: Vec<Value> = log.iter().skip(1).step_by(2).map(|text| json_of(text)).collect();
        let exports = ["values_handler` or `delta_handler", "delta_input_handler", "on_event"];
        for (error, export) in errors.iter().zip(exports) {
            assert_eq!(error["code"], code, "{error}");
            let named = error["message"].as_str().unwrap().contains(&format!("export `{export}`"));
            assert_eq!(named, code == -32602, "{error}");
        }
        assert_eq!((errors.len(), drive.session.counters().host_call_errors), (3, 3));
    }
}

/// The way to the core and back is the guest's to pay.
#[test]
fn each_call_costs_fuel_also_one_that_fails() {
    let fuel = |method: &'static str, times: usize| {
        let drive = starting(&[(method, "")], &ALL_ROOM.repeat(times));
        assert_eq!(drive.said.last().unwrap(), STARTED);
        drive.session.stats().fuel_used
    };
    for method in ["options.read", "no.such"] {
        let more = fuel(method, 11) - fuel(method, 1);
        assert!(more >= 100_000, "{method}: {more}");
    }
}

#[test]
fn what_is_subscribed_comes_to_the_delta_handler() {
    let more = r#"(func (export "delta_handler") (param i32 i32) (call $debug (local.get 0) (local.get 1)))"#;
    let calls = [("deltas.subscribe", r#"{"path":"a.*","period":500}"#)];
    let mut drive = starting_with(&calls, ALL_ROOM, more, every_right());
    let trace = drive.server.take();
    assert!(trace[0].starts_with("p subscribe 1 vessels.self"), "{trace:?}");
    assert!(trace.contains(&r#"p debug: {"subscription":1,"warnings":[]}"#.to_owned()));
    drive.deltas(Some(1), &[r#"{"updates":[]}"#]);
    assert_eq!(told(&mut drive), [r#"{"updates":[]}"#]);
    assert_eq!(drive.session.counters().deltas_in, 1);
}

/// F45: who is busy says itself what of a subscription it can do without, and sees how much that was.
#[test]
fn a_subscription_keeps_what_its_backlog_says() {
    let more = r#"(func (export "delta_handler") (param i32 i32) (call $debug (local.get 0) (local.get 1)))"#;
    for (backlog, left) in
        [(r#"{"most":2}"#, ["4", "5"]), (r#"{"most":2,"drop":"newest"}"#, ["1", "2"])]
    {
        let params = format!(r#"{{"path":"a.*","backlog":{backlog}}}"#);
        let mut drive =
            starting_with(&[("deltas.subscribe", &params)], ALL_ROOM, more, every_right());
        drive.server.take();
        drive.deltas(Some(1), &["1", "2", "3", "4", "5"]);
        assert_eq!(told(&mut drive), left, "{backlog}");
        let counters = drive.session.counters();
        assert_eq!((counters.deltas_in, counters.deltas_in_dropped), (2, 3));
        let of = crate::SubscriptionUse { subscription: SubscriptionId(1), waiting: 0, dropped: 3 };
        assert_eq!(drive.session.subscriptions(), [of]);
    }
}
