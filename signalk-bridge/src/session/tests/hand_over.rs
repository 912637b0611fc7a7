//! In which form deltas reach a JSON-RPC plugin: the one that it asks for in `initialize`, JSON when it asks for none.

use serde_json::{Value, json};
use signalk_model::{Delta, Update};

use super::*;
use crate::Heads;
use crate::session::rows::tests::{Reader, pieces};

/// A guest that answers two requests, `initialize` with these members, and writes to its log whatever it reads.
fn listener(answer: &str) -> Drive {
    let line = |result: &str| {
        let line = format!(r#"{{"jsonrpc":"2.0","id":0,"result":{result}}}"#);
        (line.len() + 1, format!("{line}\n").replace('"', "\\22").replace('\n', "\\0a"))
    };
    let initialized = line(&format!(r#"{{"protocolVersion":"1.0"{answer}}}"#));
    let started = line("null");
    let wasm = wat::parse_str(format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_read"
                (func $read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write"
                (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 4)
            (data (i32.const 64) "{}")
            (data (i32.const 512) "{}")
            (global $answer (mut i32) (i32.const 64))
            (func $io (param $at i32) (param $bytes i32)
                (i32.store (i32.const 0) (local.get $at))
                (i32.store (i32.const 4) (local.get $bytes)))
            (func (export "rpc_poll") (result i64)
                (call $io (i32.const 1024) (i32.const 200000))
                (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))
                    (then (return (i64.const -1))))
                (call $io (i32.const 1024) (i32.load (i32.const 8)))
                (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
                (if (i32.eqz (global.get $answer)) (then (return (i64.const -1))))
                ;; The id is one digit, at the same place in a request and in its answer.
                (i32.store8 (i32.add (global.get $answer) (i32.const 22))
                    (i32.load8_u (i32.const 1046)))
                (if (i32.eq (global.get $answer) (i32.const 64))
                    (then
                        (call $io (i32.const 64) (i32.const {}))
                        (global.set $answer (i32.const 512)))
                    (else
                        (call $io (i32.const 512) (i32.const {}))
                        (global.set $answer (i32.const 0))))
                (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
                (i64.const -1)))"#,
        initialized.1, started.1, initialized.0, started.0
    ))
    .unwrap();
    let drive = Drive::new(wasm, Purpose::Run, Capabilities::default());
    assert_eq!(drive.said.last().unwrap(), "Started", "{:?} {:?}", drive.said, drive.server.trace);
    drive
}

impl Drive {
    /// Messages that the guest read since it was last asked.
    fn heard(&mut self) -> Vec<(String, Value)> {
        let lines = self.server.take();
        let messages = lines.iter().filter_map(|line| line.strip_prefix("p info: "));
        messages
            .map(|text| {
                let message: Value = serde_json::from_str(text).unwrap();
                (message["method"].as_str().unwrap().to_owned(), message["params"].clone())
            })
            .collect()
    }

    /// Values for subscriptions, as the core hands them out.
    fn hand_over(&mut self, heads: &mut Heads, deltas: &[(u64, Delta)]) {
        let mut all = Vec::new();
        for (id, delta) in deltas {
            let subscription = Some(SubscriptionId(*id));
            all.extend(
                pieces(heads, delta).into_iter().map(|delta| Delivery { subscription, delta }),
            );
        }
        self.input(Input::Deltas(all));
    }
}

/// Two subscriptions, two sources, one value without source and time, metadata.
fn some() -> Vec<(u64, Delta)> {
    let delta =
        |update: Update| Delta::new("vessels.urn:mrn:imo:mmsi:230099999").with_update(update);
    let update = |source: &str| {
        let time = "2026-01-02T03:04:05.000Z".into();
        Update::new().with_source_ref(source).with_timestamp(time)
    };
    let place = json!({ "latitude": 60.25, "longitude": -24.5 });
    vec![
        (1, delta(update("gps.1").with_value("navigation.speedOverGround", 3.25))),
        (
            1,
            delta(
                update("gps.2")
                    .with_value("navigation.position", signalk_model::Value::from_json(place)),
            ),
        ),
        (2, delta(Update::new().with_value("environment.mode", "day"))),
        (
            1,
            delta(
                update("gps.1")
                    .with_value("navigation.speedOverGround", 3.5)
                    .with_meta("a", json!({ "units": "m" })),
            ),
        ),
    ]
}

/// What a plugin without rows is told of `some`.
fn as_json() -> Vec<(u64, Value)> {
    let head =
        |rest: Value| json!({ "context": "vessels.urn:mrn:imo:mmsi:230099999", "updates": [rest] });
    let from = |source: &str, path: &str, value: Value| {
        head(
            json!({ "$source": source, "timestamp": "2026-01-02T03:04:05.000Z", "values": [{ "path": path, "value": value }] }),
        )
    };
    let place = json!({ "latitude": 60.25, "longitude": -24.5 });
    let meta = json!({ "$source": "gps.1", "timestamp": "2026-01-02T03:04:05.000Z", "meta": [{ "path": "a", "value": { "units": "m" } }] });
    vec![
        (1, from("gps.1", "navigation.speedOverGround", json!(3.25))),
        (1, from("gps.2", "navigation.position", place)),
        (2, head(json!({ "values": [{ "path": "environment.mode", "value": "day" }] }))),
        (1, from("gps.1", "navigation.speedOverGround", json!(3.5))),
        (1, head(meta)),
    ]
}

#[test]
fn both_ways_are_offered_and_who_asks_for_none_gets_json() {
    for answer in ["", r#","handOver":"json""#, r#","handOver":null"#] {
        let mut drive = listener(answer);
        let heard = drive.heard();
        let [(initialize, params), (start, _)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!((&**initialize, &**start), ("initialize", "start"));
        assert_eq!(params["handOver"], json!(["json", "rows"]));
        drive.hand_over(&mut Heads::default(), &some());
        let mut told = Vec::new();
        for (method, params) in drive.heard() {
            assert_eq!(method, "deltas");
            let id = params["subscription"].as_u64().unwrap();
            told.extend(
                params["deltas"].as_array().unwrap().iter().map(|delta| (id, delta.clone())),
            );
        }
        assert_eq!(told, as_json(), "{answer}");
    }
}

#[test]
fn rows_mean_the_same_in_the_same_order_and_names_are_said_once() {
    let (mut drive, mut heads) = (listener(r#","handOver":"rows""#), Heads::default());
    drive.heard();
    let mut reader = Reader::default();
    for turn in 0..3 {
        drive.at(100 * (turn + 1));
        drive.hand_over(&mut heads, &some());
        let heard = drive.heard();
        assert_eq!(heard.len(), 1, "{heard:?}");
        let (method, params) = &heard[0];
        assert_eq!(method, "rows");
        let known = if turn == 0 { 4 } else { 0 };
        assert_eq!(params[0].as_array().unwrap().len(), known, "{params}");
        assert_eq!(reader.read(&params.to_string()), as_json());
    }
    assert_eq!(drive.session.counters().deltas_in, 15);
}

#[test]
fn a_text_among_the_values_keeps_its_place() {
    let (mut drive, mut heads) = (listener(r#","handOver":"rows""#), Heads::default());
    drive.heard();
    let mut all: Vec<_> = some()
        .iter()
        .flat_map(|(_, delta)| pieces(&mut heads, delta))
        .map(|delta| Delivery { subscription: Some(SubscriptionId(1)), delta })
        .collect();
    let text = r#"{"updates":[]}"#.into();
    all.insert(1, Delivery { subscription: Some(SubscriptionId(1)), delta: text });
    drive.input(Input::Deltas(all));
    let heard = drive.heard();
    // What follows it goes with it.
    let [(rows, first), (deltas, rest)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((&**rows, &**deltas), ("rows", "deltas"));
    assert_eq!(Reader::default().read(&first.to_string()), as_json()[..1]);
    let mut expected: Vec<_> = as_json().into_iter().map(|(_, delta)| delta).collect();
    expected[0] = json!({ "updates": [] });
    assert_eq!(rest, &json!({ "subscription": 1, "deltas": expected }));
}

#[test]
fn a_form_that_nobody_knows_is_complained_of_and_json_is_used() {
    let mut drive = listener(r#","handOver":"columns""#);
    let trace = drive.server.trace.join("\n");
    assert!(trace.contains("handOver `columns` is not among"), "{trace}");
    drive.server.take();
    drive.hand_over(&mut Heads::default(), &some()[..1]);
    assert_eq!(drive.heard()[0].0, "deltas");
}

#[test]
fn a_flow_waits_for_the_beat_and_is_bounded() {
    let (mut drive, mut heads) = (listener(r#","handOver":"rows""#), Heads::default());
    drive.at(101);
    drive.heard();
    let one = &some()[..1];
    drive.hand_over(&mut heads, one);
    assert_eq!(drive.heard().len(), 1, "the first after a pause does not wait");
    drive.hand_over(&mut heads, one);
    drive.hand_over(&mut heads, one);
    assert_eq!((drive.poll(), drive.heard().len()), (Some(Duration::from_millis(105)), 0));
    drive.at(105);
    assert_eq!((drive.heard().len(), drive.session.counters().deltas_in), (1, 3));
    // While nobody polls, the oldest go.
    let piece = pieces(&mut heads, &one[0].1).remove(0);
    for at in 1..=1200 {
        let delivery = Delivery { subscription: Some(SubscriptionId(1)), delta: piece.clone() };
        assert_eq!(drive.session.deliver(delivery), at == 1 || at == 64, "{at}");
    }
    drive.at(110);
    let counters = drive.session.counters();
    assert_eq!((counters.deltas_in, counters.deltas_in_dropped), (1003, 200));
}
