//! `values_handler` of guests by exports: called instead of `delta_handler`, on the beat, with what came in one block.

use super::*;
use crate::Heads;
use crate::session::values::tests::{Reader, expected};

/// Copies what it is given to its log: as text, because a log is text, so in hex.
const HEX: &str = r#"
    (func $digit (param $at i32) (param $n i32)
        (i32.store8 (local.get $at) (i32.add (local.get $n)
            (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $n) (i32.const 10))))))
    (func $hex (param $p i32) (param $n i32) (local $i i32) (local $b i32)
        (loop $next
            (local.set $b (i32.load8_u (i32.add (local.get $p) (local.get $i))))
            (call $digit (i32.add (i32.const 131072) (i32.shl (local.get $i) (i32.const 1)))
                (i32.shr_u (local.get $b) (i32.const 4)))
            (call $digit (i32.add (i32.const 131073) (i32.shl (local.get $i) (i32.const 1)))
                (i32.and (local.get $b) (i32.const 15)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
        (call $debug (i32.const 131072) (i32.shl (local.get $n) (i32.const 1))))"#;

/// Says the address modulo 8, then what is there. Its blocks begin at odd addresses.
fn listener(more: &str) -> String {
    format!(
        r#"(func (export "plugin_start") (param i32 i32) (result i32)
            (global.set $heap (i32.const 65537)) (i32.const 0))
        {HEX} {more}
        (func (export "values_handler") (param $p i32) (param $n i32)
            (i32.store8 (i32.const 60000) (i32.and (local.get $p) (i32.const 7)))
            (call $hex (i32.const 60000) (i32.const 1))
            (call $hex (local.get $p) (local.get $n)))"#
    )
}

/// The lines of a guest's log that are hex, as bytes.
fn heard(drive: &mut Drive) -> Vec<Vec<u8>> {
    let bytes = |line: String| {
        let digits: Option<Vec<u32>> =
            line.rsplit(' ').next()?.chars().map(|digit| digit.to_digit(16)).collect();
        let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).unwrap();
        Some(digits?.chunks(2).map(byte).collect())
    };
    drive.server.take().into_iter().filter_map(bytes).collect()
}

fn delta(at: u32) -> signalk_model::Delta {
    let update = signalk_model::Update::new()
        .with_source_ref("gps.1")
        .with_value("navigation.log", at)
        .with_value("navigation.position", signalk_model::Value::position(60.0, f64::from(at)));
    signalk_model::Delta::new("vessels.urn:mrn:imo:mmsi:1").with_update(update)
}

fn hand_over(drive: &mut Drive, heads: &mut Heads, deltas: &[signalk_model::Delta]) {
    let whole = |delta| Delivery { subscription: None, delta: heads.whole(delta) };
    drive.input(Input::Deltas(deltas.iter().map(whole).collect()));
}

#[test]
fn what_came_on_a_beat_is_one_call_at_an_address_that_is_aligned() {
    // Its `delta_handler` is for other servers.
    let mut drive =
        Drive::wat(&listener(r#"(func (export "delta_handler") (param i32 i32) unreachable)"#));
    assert!(drive.session.has_values_handler());
    let (mut heads, mut reader) = (Heads::default(), Reader::default());
    let deltas: Vec<_> = (0..6).map(delta).collect();
    drive.at(101);
    hand_over(&mut drive, &mut heads, &deltas[..1]);
    let mut all = heard(&mut drive);
    assert_eq!(all.len(), 2, "the first after a pause does not wait");
    hand_over(&mut drive, &mut heads, &deltas[1..]);
    assert_eq!(heard(&mut drive), Vec::<Vec<u8>>::new(), "before the beat");
    let before = drive.runs;
    drive.at(105);
    assert_eq!(drive.runs - before, 1);
    all.extend(heard(&mut drive));
    assert_eq!((all.len(), &all[0], &all[2]), (4, &vec![0], &vec![0]));
    let mut got = reader.read(&all[1]);
    got.extend(reader.read(&all[3]));
    assert_eq!((got, reader.forgotten), (expected(&deltas), 1));
    // The names were said in the first call.
    assert!(all[3].len() == 32 + 5 * 4 * 32, "{}", all[3].len());
    assert_eq!(
        (drive.session.counters().deltas_in, drive.said.last().unwrap().as_str()),
        (6, "Started")
    );
}

/// Without `dataRead` it is not called.
#[test]
fn denied_without_data_read() {
    let body = listener("");
    let rights = Capabilities::default().without(crate::Capability::DataRead);
    let mut drive = Drive::new(guest(&body), Purpose::Run, rights);
    assert!(!drive.session.has_values_handler());
    hand_over(&mut drive, &mut Heads::default(), &[delta(1)]);
    assert_eq!((heard(&mut drive), drive.session.counters().deltas_in), (vec![], 0));
}

/// A module that took JSON was replaced: what was kept for it is text.
#[test]
fn what_was_kept_as_json_is_told_as_values() {
    let mut drive = Drive::wat(&listener(""));
    drive.deltas(None, &[r#"{"updates":[{"values":[{"path":"a.b","value":1}]}]}"#]);
    let all = heard(&mut drive);
    let got = Reader::default().read(&all[1]);
    assert_eq!((got.len(), got[0].is_own), (1, true));
}

/// And the other way round.
#[test]
fn what_was_kept_as_values_is_told_as_json() {
    let mut drive = Drive::wat(&format!(
        r#"{START} (func (export "delta_handler") (param i32 i32)
            (call $debug (local.get 0) (local.get 1)))"#
    ));
    hand_over(&mut drive, &mut Heads::default(), &[delta(1)]);
    let lines = drive.server.take();
    assert!(lines.iter().any(|line| line.ends_with(&delta(1).to_json())), "{lines:?}");
}

/// A delta that is longer than a block goes on in the same trip or the next, whether more deltas come or not.
#[test]
fn a_long_delta_is_told_to_its_end() {
    let mut drive = Drive::wat(&format!(
        r#"{START} (global $rows (mut i32) (i32.const 0))
        (func (export "poll") (result i32) (global.get $rows))
        (func (export "values_handler") (param $p i32) (param i32)
            (global.set $rows (i32.add (global.get $rows) (i32.load offset=28 (local.get $p)))))"#
    ));
    let update = (0..5000_u32)
        .fold(signalk_model::Update::new(), |update, at| update.with_value(format!("a.b{at}"), at));
    let long = signalk_model::Delta::new("vessels.x").with_update(update);
    hand_over(&mut drive, &mut Heads::default(), &[long]);
    drive.at(1001);
    let lines = drive.server.take();
    assert!(lines.iter().any(|line| line.contains("error code: 5000")), "{lines:?}");
    assert_eq!(drive.session.counters().deltas_in, 1);
}

/// A trap costs the call in which it happens; what was not handed over is there for the next life, in order.
#[test]
fn a_trap_costs_one_call() {
    let mut drive = Drive::wat(&format!(
        r#"{START} (func (export "values_handler") (param i32 i32) unreachable)"#
    ));
    let mut heads = Heads::default();
    let deltas: Vec<_> = (0..500).map(delta).collect();
    // Before the trip begins, so that it takes several blocks.
    hand_over(&mut drive, &mut heads, &deltas);
    assert!(drive.said.last().unwrap().contains("`values_handler` trapped"), "{:?}", drive.said);
    let kept: Vec<_> =
        drive.session.take_waiting().iter().map(|kept| kept.delta.json().to_owned()).collect();
    let wanted: Vec<_> = deltas.iter().map(signalk_model::Delta::to_json).collect();
    assert!(kept.len() > 400 && kept.len() < 500, "{}", kept.len());
    assert_eq!(kept, wanted[500 - kept.len()..]);
}

#[test]
fn an_allocator_that_lies_is_named_and_harms_nobody() {
    for (lie, text) in [
        ("(i32.const 0)", "memory"),
        ("(i32.const -1)", "`allocate("),
        ("(i32.const 262140)", "`allocate("),
    ] {
        let module = format!(
            r#"(module (memory (export "memory") 4) (global $calls (mut i32) (i32.const 0))
            (func (export "allocate") (param i32) (result i32)
                (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                (if (result i32) (i32.gt_u (global.get $calls) (i32.const 1))
                    (then {lie}) (else (i32.const 1024))))
            {START} (func (export "values_handler") (param i32 i32)))"#
        );
        let wasm = wat::parse_str(module).unwrap();
        let mut drive = Drive::new(wasm, Purpose::Run, Capabilities::default());
        assert_eq!(drive.said.last().unwrap(), "Started");
        hand_over(&mut drive, &mut Heads::default(), &[delta(1), delta(2)]);
        let last = drive.said.last().unwrap();
        assert!(last.starts_with("crashed: ") && last.contains(text), "{lie}: {last}");
        assert_eq!(drive.session.counters().deltas_in_dropped, 2, "{lie}");
    }
}

#[test]
fn a_handler_that_never_returns_is_stopped_inside() {
    let mut drive = Drive::wat(&format!(
        r#"{START} (func (export "values_handler") (param i32 i32) (loop (br 0)))"#
    ));
    hand_over(&mut drive, &mut Heads::default(), &[delta(1)]);
    let last = drive.said.last().unwrap();
    assert!(last.contains("`values_handler`") && last.starts_with("crashed: "), "{last}");
}
