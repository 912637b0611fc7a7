//! What one delta costs on its way in and out: `cargo bench -p signalk-model`.
//!
//! The delta is an ordinary one of about 500 bytes (six values, one of them a position). The fleet is
//! that of performance-goals.md: 500 vessels. Each line is the median of 31 runs, with the fastest
//! beside it: on a busy machine the fastest says more. Timed by hand, because criterion compiles C and
//! would be built for every `cargo test`, for wasm too.

#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use signalk_model::{
    Delta, Interner, Placement, SourceRef, Store, Subscribe, SubscriptionSet, Timestamp,
};

fn text(vessel: u32, at: u32) -> String {
    format!(
        concat!(
            r#"{{"context":"vessels.urn:mrn:imo:mmsi:{}","updates":[{{"source":{{"label":"gps0","#,
            r#""type":"NMEA0183","talker":"GP","sentence":"RMC"}},"$source":"gps0.GP","#,
            r#""timestamp":"2026-01-02T03:04:05.{:03}Z","values":[{{"path":"navigation.position","#,
            r#""value":{{"latitude":60.{},"longitude":24.9}}}},{{"path":"navigation.speedOverGround","#,
            r#""value":3.{}}},{{"path":"navigation.courseOverGroundTrue","value":1.57}},"#,
            r#"{{"path":"navigation.datetime","value":"2026-01-02T03:04:05.000Z"}},"#,
            r#"{{"path":"environment.depth.belowTransducer","value":12.3}}]}}]}}"#
        ),
        230_000_000 + vessel,
        at % 1000,
        at % 1000,
        at % 10
    )
}

fn fleet(vessels: u32) -> Store {
    let mut store = Store::new("urn:mrn:imo:mmsi:230000000");
    let mut interner = Interner::new();
    for vessel in 0..vessels {
        let mut delta = Delta::parse_with(text(vessel, 0).as_bytes(), &mut interner).unwrap().delta;
        normalise(&mut delta, &store);
        store.apply(Duration::ZERO, &delta);
    }
    store
}

fn normalise(delta: &mut Delta, store: &Store) {
    let now = Timestamp::from("2026-01-02T03:04:05.000Z");
    delta.normalise(store.self_context(), &SourceRef::from("ws"), &now);
    delta.protect_self(store.self_context());
}

fn subscribed(store: &Store, subscribers: u32) -> SubscriptionSet<u32> {
    let mut set = SubscriptionSet::new(store.self_context().clone());
    let message = br#"{"context":"*","subscribe":[{"path":"*"},{"path":"navigation.*"}]}"#;
    for id in 0..subscribers {
        let _ = set.subscribe(id, &Subscribe::parse(message).unwrap(), store, |_| {});
    }
    set
}

/// Runs `work` for about 20 ms, 31 times; prints the time of one call.
fn bench(name: &str, mut work: impl FnMut() -> usize) {
    let start = Instant::now();
    let mut calls = 0u32;
    while start.elapsed() < Duration::from_millis(20) {
        black_box(work());
        calls += 1;
    }
    let mut runs: Vec<Duration> = (0..31)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..calls {
                black_box(work());
            }
            start.elapsed() / calls
        })
        .collect();
    runs.sort_unstable();
    println!(
        "{name:38} {:>12} fastest {:>12}",
        format!("{:?}", runs[15]),
        format!("{:?}", runs[0])
    );
}

fn main() {
    one_delta();
    reads();
}

fn one_delta() {
    let texts: Vec<String> = (0..1000).map(|at| text(at % 500, at)).collect();
    let mut next = texts.iter().cycle();
    let mut interner = Interner::new();
    bench("delta/parse", || {
        let text = next.next().unwrap().as_bytes();
        Delta::parse_with(text, &mut interner).unwrap().delta.updates.len()
    });
    bench("delta/parse/without_interner", || {
        Delta::parse(next.next().unwrap().as_bytes()).unwrap().delta.updates.len()
    });

    let mut store = fleet(500);
    let mut parsed = |text: &String, store: &Store| {
        let mut delta = Delta::parse_with(text.as_bytes(), &mut interner).unwrap().delta;
        normalise(&mut delta, store);
        delta
    };
    let deltas: Vec<Delta> = texts.iter().map(|text| parsed(text, &store)).collect();
    let mut next_delta = deltas.iter().cycle();
    let mut first = deltas[0].clone();
    bench("delta/normalise", || {
        normalise(&mut first, &store);
        first.updates.len()
    });
    bench("delta/apply", || {
        store.apply(Duration::ZERO, next_delta.next().unwrap());
        0
    });
    let mut out = Vec::new();
    bench("delta/write", || {
        out.clear();
        next_delta.next().unwrap().write_json(&mut out);
        out.len()
    });
    for subscribers in [1, 50, 1000] {
        let mut set = subscribed(&store, subscribers);
        bench(&format!("delta/match/{subscribers}_subscribers"), || {
            let mut count = 0;
            let delta = next_delta.next().unwrap();
            set.route(Duration::ZERO, delta, Placement::Tree, &store, |_, to| count += to.len());
            count
        });
    }
    let mut set = subscribed(&store, 50);
    bench("delta/in_and_out/50_subscribers", || {
        let delta = parsed(next.next().unwrap(), &store);
        store.apply(Duration::ZERO, &delta);
        let mut bytes = 0;
        set.route(Duration::ZERO, &delta, Placement::Tree, &store, |item, to| {
            out.clear();
            item.write_json(&mut out);
            bytes += out.len() * to.len();
        });
        bytes
    });
}

fn reads() {
    let mut store = fleet(500);
    let mut delta = Delta::parse(text(0, 7).as_bytes()).unwrap().delta;
    normalise(&mut delta, &store);
    let others: Vec<Delta> = (0..500)
        .map(|vessel| {
            let mut delta = Delta::parse(text(vessel, 8).as_bytes()).unwrap().delta;
            normalise(&mut delta, &store);
            delta
        })
        .collect();
    let mut out = Vec::new();
    let mut read = |store: &Store, segments: &[&str]| {
        out.clear();
        store.get(segments).unwrap().write_json(&mut out);
        out.len()
    };
    let leaf = ["vessels", "self", "navigation", "speedOverGround"];
    bench("read/leaf", || read(&store, &leaf));
    bench("read/self/changed_each_time", || {
        store.apply(Duration::ZERO, &delta);
        read(&store, &["vessels", "self"])
    });
    bench("read/all_500/unchanged", || read(&store, &["vessels"]));
    bench("read/all_500/changed_each_time", || {
        for delta in &others {
            store.apply(Duration::ZERO, delta);
        }
        read(&store, &["vessels"])
    });
}
