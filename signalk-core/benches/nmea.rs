//! How many sentences a second can a boat send us? One core, parse only; the store and the clients come after.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use signalk_core::{demo::DemoBoat, input::nmea0183::Parser};
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

criterion_group!(benches, sentences);
criterion_main!(benches);
