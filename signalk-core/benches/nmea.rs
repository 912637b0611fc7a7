//! How many sentences a second can a boat send us? One core: parsing alone, and with the store and the text for the
//! clients behind it. Sockets and clients are not here.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use signalk_core::{demo::DemoBoat, input::nmea0183::Parser};
use signalk_model::{Context, SourceRef, Store, Timestamp};
use std::{hint::black_box, time::Duration};

const NOW_MS: i64 = 1_782_043_200_000;

fn sentences(c: &mut Criterion) {
    let yacht = include_bytes!("../tests/data/plaka_100_seconds.log").to_vec();
    let mut demo = Vec::new();
    DemoBoat::new(1, NOW_MS).sentences_until(Duration::from_secs(60), &mut demo);
    let ais: Vec<u8> = demo
        .split_inclusive(|&b| b == b'\n')
        .filter(|line| line.starts_with(b"!"))
        .flatten()
        .copied()
        .collect();
    let mut group = c.benchmark_group("nmea");
    for (name, bytes) in [("recorded_yacht", yacht), ("demo_boat", demo), ("ais_only", ais)] {
        let lines = bytes.iter().filter(|&&b| b == b'\n').count();
        group.throughput(Throughput::Elements(u64::try_from(lines).unwrap_or_default()));
        group.bench_function(name, |b| {
            let mut parser = Parser::new("bench");
            let mut deltas = Vec::new();
            b.iter(|| {
                deltas.clear();
                for line in bytes.chunks(1024) {
                    parser.push(black_box(line), NOW_MS, &mut deltas);
                }
                deltas.len()
            });
        });
    }
    group.finish();
}

/// Everything that one delta costs the core before a socket is touched: read, normalised, stored, written once.
fn into_the_store(c: &mut Criterion) {
    let yacht = include_bytes!("../tests/data/plaka_100_seconds.log");
    let lines = yacht.iter().filter(|&&b| b == b'\n').count();
    let own = Context::from("vessels.urn:mrn:imo:mmsi:230099999");
    let provider = SourceRef::from("bench");
    let now = Timestamp::from_unix_ms(NOW_MS);
    let mut group = c.benchmark_group("nmea");
    group.throughput(Throughput::Elements(u64::try_from(lines).unwrap_or_default()));
    group.bench_function("recorded_yacht_into_the_store", |b| {
        let mut parser = Parser::new("bench");
        let mut store = Store::new("urn:mrn:imo:mmsi:230099999");
        let (mut deltas, mut text, mut clock) = (Vec::new(), Vec::new(), Duration::ZERO);
        b.iter(|| {
            for bytes in yacht.chunks(1024) {
                clock += Duration::from_millis(1);
                parser.push(black_box(bytes), NOW_MS, &mut deltas);
                for mut delta in deltas.drain(..) {
                    delta.normalise(&own, &provider, &now);
                    store.apply(clock, &delta);
                    text.clear();
                    delta.write_json(&mut text);
                    black_box(&text);
                }
            }
        });
    });
    group.finish();
}

criterion_group!(benches, sentences, into_the_store);
criterion_main!(benches);
