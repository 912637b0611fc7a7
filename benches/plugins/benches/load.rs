//! How long does it take until a module can be instantiated, and until it runs.

use std::sync::Arc;

use bench_plugins::{Peer, Real, guest, limits, peer_guest, synthetic};
use criterion::{Criterion, criterion_group, criterion_main};
use wasmi_hdk::{Engine, Instance, InstanceConfig, Module};

fn load(c: &mut Criterion) {
    let modules = [
        ("rpc_methods", guest("rpc_methods")),
        ("peer_guest", peer_guest()),
        ("synthetic_0_5_mb", synthetic(500_000, 10)),
        ("synthetic_0_5_mb_1700_exports", synthetic(500_000, 1700)),
        ("synthetic_3_5_mb", synthetic(3_500_000, 10)),
    ];
    let limits = limits();
    for (name, bytes) in modules {
        println!("{name}: {} bytes", bytes.len());
        c.bench_function(&format!("load_{name}/ours"), |b| {
            b.iter(|| Module::load(&Engine::new(), "bench", &bytes, &limits).expect("loads"));
        });
        c.bench_function(&format!("load_{name}/peer"), |b| b.iter(|| Peer::new(bytes.clone())));
    }
    let module = Module::load(&Engine::new(), "bench", &guest("rpc_methods"), &limits);
    let module = module.expect("loads");
    let platform = Arc::new(Real::default());
    let start = || {
        let config =
            InstanceConfig { limits: limits.clone(), ..InstanceConfig::new(platform.clone()) };
        Instance::new(&module, config).expect("starts")
    };
    c.bench_function("instantiate_rpc_methods/ours", |b| b.iter(start));
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(2)).warm_up_time(std::time::Duration::from_millis(500)); targets = load }
criterion_main!(benches);
