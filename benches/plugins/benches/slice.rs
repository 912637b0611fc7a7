//! What do slices cost, and how long does a computing guest keep a thread.

use std::sync::Arc;
use std::time::Instant;

use bench_plugins::{Ours, Real, guest, limits};
use criterion::{Criterion, criterion_group, criterion_main};
use wasmi_hdk::{Engine, Instance, InstanceConfig, Limits, Module, Run};

fn slice(c: &mut Criterion) {
    for slice_fuel in [1_000, 10_000, 100_000, 1_000_000] {
        let limits = Limits { slice_fuel, run_fuel: u64::MAX, ..limits() };
        let mut ours = Ours::new(&guest("rpc_prime_sieve"), limits);
        ours.call("prime_sieve", Some("[300000]"));
        c.bench_function(&format!("prime_sieve_300000/slice_{slice_fuel}"), |b| {
            b.iter(|| ours.call("prime_sieve", Some("[300000]")));
        });
    }
    let limits = limits();
    let module = Module::load(&Engine::new(), "spin", &guest("poll_spins"), &limits);
    let config = InstanceConfig { limits, ..InstanceConfig::new(Arc::new(Real::default())) };
    let mut instance = Box::new(Instance::new(&module.expect("loads"), config).expect("starts"));
    instance.begin("rpc_poll", &[]).expect("begins");
    let mut longest = std::time::Duration::ZERO;
    let start = Instant::now();
    let runs = 1000;
    for _ in 0..runs {
        let start = Instant::now();
        instance = Run::new(instance).execute().instance;
        longest = longest.max(start.elapsed());
    }
    println!("a run of a spinning guest: {:?} on average, {longest:?} at most", start.elapsed() / runs);
    println!("fuel per second: {:.0}", 1000.0 * 500_000.0 / start.elapsed().as_secs_f64());
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(2)).warm_up_time(std::time::Duration::from_millis(500)); targets = slice }
criterion_main!(benches);
