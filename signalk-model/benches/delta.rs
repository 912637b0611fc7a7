//! What one delta costs on its way in and out: `cargo bench -p signalk-model`.
//!
//! The delta is an ordinary one of about 500 bytes (six values, one of them a position). The fleet is
//! that of performance-goals.md: 500 vessels.

#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
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
        set.subscribe(id, &Subscribe::parse(message).unwrap(), store, |_| {});
    }
    set
}

fn delta(criterion: &mut Criterion) {
    let texts: Vec<String> = (0..1000).map(|at| text(at % 500, at)).collect();
    let mut group = criterion.benchmark_group("delta");
    group.throughput(Throughput::Bytes(u64::try_from(texts[0].len()).unwrap()));
    let mut next = texts.iter().cycle();

    let mut interner = Interner::new();
    group.bench_function("parse", |bench| {
        bench.iter(|| Delta::parse_with(next.next().unwrap().as_bytes(), &mut interner));
    });
    group.bench_function("parse/without_interner", |bench| {
        bench.iter(|| Delta::parse(next.next().unwrap().as_bytes()));
    });

    let mut store = fleet(500);
    let deltas: Vec<Delta> = texts
        .iter()
        .map(|text| {
            let mut delta = Delta::parse_with(text.as_bytes(), &mut interner).unwrap().delta;
            normalise(&mut delta, &store);
            delta
        })
        .collect();
    let mut next_delta = deltas.iter().cycle();
    group.bench_function("apply", |bench| {
        bench.iter(|| store.apply(Duration::ZERO, next_delta.next().unwrap()));
    });
    group.bench_function("normalise", |bench| {
        let now = Timestamp::from("2026-01-02T03:04:05.000Z");
        let provider = SourceRef::from("ws");
        let mut delta = deltas[0].clone();
        bench.iter(|| {
            delta.normalise(store.self_context(), &provider, &now);
            delta.protect_self(store.self_context()).len()
        });
    });
    let mut out = Vec::new();
    group.bench_function("write", |bench| {
        bench.iter(|| {
            out.clear();
            next_delta.next().unwrap().write_json(&mut out);
            out.len()
        });
    });
    for subscribers in [1, 50, 1000] {
        let mut set = subscribed(&store, subscribers);
        group.bench_function(format!("match/{subscribers}_subscribers"), |bench| {
            bench.iter(|| {
                let mut count = 0;
                let delta = next_delta.next().unwrap();
                set.route(Duration::ZERO, delta, Placement::Tree, &store, |_, to| {
                    count += to.len()
                });
                count
            });
        });
    }
    let mut set = subscribed(&store, 50);
    group.bench_function("in_and_out/50_subscribers", |bench| {
        bench.iter(|| {
            let text = next.next().unwrap();
            let mut delta = Delta::parse_with(text.as_bytes(), &mut interner).unwrap().delta;
            normalise(&mut delta, &store);
            store.apply(Duration::ZERO, &delta);
            let mut bytes = 0;
            set.route(Duration::ZERO, &delta, Placement::Tree, &store, |item, to| {
                out.clear();
                item.write_json(&mut out);
                bytes += out.len() * to.len();
            });
            bytes
        });
    });
    group.finish();
}

fn read(criterion: &mut Criterion) {
    let mut store = fleet(500);
    let mut interner = Interner::new();
    let mut group = criterion.benchmark_group("read");
    let mut out = Vec::new();
    let mut read = |store: &Store, segments: &[&str]| {
        out.clear();
        store.get(segments).unwrap().write_json(&mut out);
        black_box(out.len())
    };
    group.bench_function("leaf", |bench| {
        let leaf = ["vessels", "self", "navigation", "speedOverGround"];
        bench.iter(|| read(&store, &leaf));
    });
    let delta = {
        let mut delta = Delta::parse_with(text(0, 7).as_bytes(), &mut interner).unwrap().delta;
        normalise(&mut delta, &store);
        delta
    };
    group.bench_function("self_changed", |bench| {
        bench.iter(|| {
            store.apply(Duration::ZERO, &delta);
            read(&store, &["vessels", "self"])
        });
    });
    group.bench_function("all_500_unchanged", |bench| bench.iter(|| read(&store, &["vessels"])));
    group.bench_function("all_500_all_changed", |bench| {
        bench.iter_batched(
            || fleet(500),
            |store| read(&store, &["vessels"]),
            criterion::BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, delta, read);
criterion_main!(benches);
