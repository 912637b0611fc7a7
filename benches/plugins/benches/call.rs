//! How long does a call take: ping, calls back into the host, computing.

use bench_plugins::{Ours, Peer, guest, limits, peer_guest};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

fn call(c: &mut Criterion) {
    let mut ours = Ours::new(&guest("rpc_methods"), limits());
    let mut small = Ours::new(&guest("rpc_ping"), limits());
    let peer = Peer::new(peer_guest());
    assert_eq!(ours.call("ping", None).get(), "\"pong\"");
    assert_eq!(peer.call("ping", Value::Null), json!("pong"));
    c.bench_function("ping/ours", |b| b.iter(|| ours.call("ping", None)));
    c.bench_function("ping/ours_small_guest", |b| b.iter(|| small.call("ping", None)));
    c.bench_function("ping/peer", |b| b.iter(|| peer.call("ping", Value::Null)));

    assert_eq!(ours.call("many_echo", Some("[200]")).get(), "200");
    assert_eq!(peer.call("many_echo", json!([200])), json!(200));
    c.bench_function("many_echo_200/ours", |b| b.iter(|| ours.call("many_echo", Some("[200]"))));
    c.bench_function("many_echo_200/peer", |b| b.iter(|| peer.call("many_echo", json!([200]))));

    for limit in [1_000, 1_000_000] {
        let params = format!("[{limit}]");
        let answer = peer.call("prime_sieve", json!([limit]));
        assert_eq!(ours.call("prime_sieve", Some(&params)).get(), answer.to_string());
        c.bench_function(&format!("prime_sieve_{limit}/ours"), |b| {
            b.iter(|| ours.call("prime_sieve", Some(&params)));
        });
        c.bench_function(&format!("prime_sieve_{limit}/peer"), |b| {
            b.iter(|| peer.call("prime_sieve", json!([limit])));
        });
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(2)).warm_up_time(std::time::Duration::from_millis(500)); targets = call }
criterion_main!(benches);
