//! The tree against recordings of signalk-server 2.32.0: the same deltas in, the same bytes out for
//! every read. `fixtures/golden/deltas.txt` is what was sent, one message a line;
//! `fixtures/golden/rest.txt` is each path with its answer, `404` where there was none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use signalk_model::{Delta, Interner, SourceRef, Store, Timestamp};

const DELTAS: &str = include_str!("fixtures/golden/deltas.txt");
const READS: &str = include_str!("fixtures/golden/rest.txt");

fn recorded_store() -> Store {
    let mut store = Store::new("urn:mrn:imo:mmsi:230099999");
    let mut interner = Interner::new();
    let now = Timestamp::from("2026-11-21T02:31:06.615Z");
    for line in DELTAS.lines() {
        let Ok(parsed) = Delta::parse_with(line.as_bytes(), &mut interner) else { continue };
        let mut delta = parsed.delta;
        delta.normalise(store.self_context(), &SourceRef::from("ws"), &now);
        delta.protect_self(store.self_context());
        store.apply(Duration::ZERO, &delta);
    }
    store
}

#[test]
fn every_recorded_read_is_answered_byte_for_byte() {
    let store = recorded_store();
    let mut wrong = Vec::new();
    for line in READS.lines() {
        let (path, expected) = line.split_once('\t').unwrap();
        let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let got = store.get(&segments).map_or("404".to_owned(), |node| node.to_json());
        if got != expected {
            wrong.push(format!("{path}\n  expected {expected}\n  got      {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_read_of_the_whole_is_the_same_before_and_after_other_reads() {
    let store = recorded_store();
    let first = store.get(&[]).unwrap().to_json();
    store.get(&["vessels", "self"]).unwrap().to_json();
    assert_eq!(store.get(&[]).unwrap().to_json(), first);
}
