//! What one delta costs in the core, from the text of a WebSocket frame to the frames of its subscribers, and what a
//! REST read costs: performance-goals.md B1, B2, B6, without the edge. `cargo bench -p signalk-core`.

#![allow(clippy::unwrap_used, missing_docs)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use signalk_core::{Config, Core, Effect, HttpId, HttpRequest, Input, Output, Platform, StreamId};
use wasmi_hdk::FixedPlatform;

/// An ordinary delta of about 500 bytes.
fn text(vessel: u32, at: u32) -> Bytes {
    let mmsi = 230_000_000 + vessel;
    Bytes::from(format!(
        concat!(
            r#"{{"context":"vessels.urn:mrn:imo:mmsi:{}","updates":[{{"source":{{"label":"gps0","#,
            r#""type":"NMEA0183","talker":"GP","sentence":"RMC"}},"$source":"gps0.GP","#,
            r#""timestamp":"2026-01-02T03:04:05.{:03}Z","values":[{{"path":"navigation.position","#,
            r#""value":{{"latitude":60.{},"longitude":24.9}}}},{{"path":"navigation.speedOverGround","#,
            r#""value":3.{}}},{{"path":"navigation.courseOverGroundTrue","value":1.57}},"#,
            r#"{{"path":"navigation.datetime","value":"2026-01-02T03:04:05.000Z"}},"#,
            r#"{{"path":"environment.depth.belowTransducer","value":12.3}}]}}]}}"#
        ),
        mmsi,
        at % 1000,
        at % 1000,
        at % 10
    ))
}

fn core() -> Core {
    let platform: Arc<dyn Platform> = Arc::new(FixedPlatform::default());
    Core::new(Config::default(), platform)
}

/// Drains the core as an edge does; counts what would be sent.
fn drain(core: &mut Core) -> usize {
    let mut sent = 0;
    loop {
        match core.poll_output(Duration::ZERO) {
            Output::Effect(Effect::StreamSend { .. }) => sent += 1,
            Output::Effect(Effect::StreamSendMany { ids, frame }) => {
                // What any edge does at least: one clone per receiver.
                for _ in ids.iter() {
                    std::hint::black_box(frame.clone());
                    sent += 1;
                }
            }
            Output::Wait { .. } => return sent,
            _ => {}
        }
    }
}

fn open(core: &mut Core, id: u64, query: &str) -> StreamId {
    let id = StreamId(id);
    let request = HttpRequest::get(&format!("/signalk/v1/stream?{query}"));
    core.handle_input(Duration::ZERO, Input::StreamOpened { id, request });
    drain(core);
    id
}

fn fanout(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fanout");
    for (name, query, message) in [
        ("query", "subscribe=all", ""),
        ("rows", "subscribe=none", r#"{"context":"*","subscribe":[{"path":"navigation.*"}]}"#),
    ] {
        for subscribers in [0, 1, 10, 50] {
            let mut core = core();
            let feed = open(&mut core, 1, "subscribe=none");
            for subscriber in 0..subscribers {
                let id = open(&mut core, 2 + subscriber, query);
                let text = Bytes::from_static(message.as_bytes());
                core.handle_input(Duration::ZERO, Input::StreamMessage { id, text });
                drain(&mut core);
            }
            let texts: Vec<Bytes> = (0..1000).map(|at| text(0, at)).collect();
            let mut at = 0;
            group.bench_function(BenchmarkId::new(name, subscribers), |bench| {
                bench.iter(|| {
                    at = (at + 1) % texts.len();
                    let text = texts[at].clone();
                    core.handle_input(Duration::ZERO, Input::StreamMessage { id: feed, text });
                    drain(&mut core)
                });
            });
        }
    }
    group.finish();
}

fn rest(criterion: &mut Criterion) {
    let mut core = core();
    let feed = open(&mut core, 1, "subscribe=none");
    for vessel in 0..500 {
        let text = text(vessel, vessel);
        core.handle_input(Duration::ZERO, Input::StreamMessage { id: feed, text });
        drain(&mut core);
    }
    let mut group = criterion.benchmark_group("rest");
    for (name, target) in [
        ("leaf", "/signalk/v1/api/vessels/urn:mrn:imo:mmsi:230000000/navigation/speedOverGround"),
        ("vessel", "/signalk/v1/api/vessels/urn:mrn:imo:mmsi:230000000"),
        ("500_vessels", "/signalk/v1/api/vessels"),
    ] {
        let request = HttpRequest::get(target);
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let input = Input::Http { id: HttpId(1), request: request.clone() };
                core.handle_input(Duration::ZERO, input);
                drain(&mut core)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, fanout, rest);
criterion_main!(benches);
