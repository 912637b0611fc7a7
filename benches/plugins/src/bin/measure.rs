//! One piece of work of one host, for `valgrind --tool=callgrind` and for fresh processes.
//!
//! What criterion cannot do: instructions and percentiles. `README.md` says how to read it.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench_plugins::{Ours, Peer, Real, guest, limits, peer_guest, synthetic};
use serde_json::json;
use wasmi_hdk::{Engine, Instance, InstanceConfig, Limits, Module, Run, Step};

const USAGE: &str = "measure load ours|peer GUEST|peer|synthetic:BYTES:EXPORTS TIMES
measure sieve ours|both|peer LIMIT TIMES [SLICE_FUEL]
measure runaway RUN_FUEL RUNS
measure slices LIMIT ROUNDS";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |text: &str| -> u64 { text.parse().expect("a number") };
    match args.as_slice() {
        ["load", host, module, times] => load(host, module, number(times)),
        ["sieve", host, limit, times] => sieve(host, limit, number(times), limits()),
        ["sieve", host, limit, times, slice] => {
            sieve(host, limit, number(times), sliced(number(slice)));
        }
        ["runaway", fuel, runs] => runaway(number(fuel), number(runs)),
        ["slices", limit, rounds] => slices(limit, number(rounds)),
        _ => eprintln!("{USAGE}"),
    }
}

fn load(host: &str, module: &str, times: u64) {
    let number = |text: &str| text.parse().expect("a number");
    let bytes = match module.split(':').collect::<Vec<_>>().as_slice() {
        ["peer"] => peer_guest(),
        ["synthetic", size, exports] => synthetic(number(size), number(exports)),
        _ => guest(module),
    };
    let limits = limits();
    let mut took = Vec::new();
    for _ in 0..times {
        // The peer takes the bytes: their copy is not its work.
        let copy = bytes.clone();
        let start = Instant::now();
        if host == "ours" {
            black_box(Module::load(&Engine::new(), "bench", &copy, &limits).expect("loads"));
        } else {
            black_box(Peer::new(copy));
        }
        took.push(start.elapsed());
    }
    report(&format!("load {host} {module}, {} bytes", bytes.len()), took);
}

/// `both`: our host with the guest of the peer.
fn sieve(host: &str, limit: &str, times: u64, limits: Limits) {
    let mut took = Vec::new();
    let params = format!("[{limit}]");
    if host == "ours" {
        let mut ours = Ours::new(&guest("rpc_methods"), limits);
        ours.call("ping", None);
        for _ in 0..times {
            took.push(time(|| drop(ours.call("prime_sieve", Some(&params)))));
        }
    } else if host == "both" {
        // The guest of the peer serves one call.
        let module = Module::load(&Engine::new(), "bench", &peer_guest(), &limits);
        let module = module.expect("loads");
        for _ in 0..times {
            let mut once = Ours::of(&module, limits.clone());
            took.push(time(|| drop(once.call("prime_sieve", Some(&params)))));
        }
    } else {
        let peer = Peer::new(peer_guest());
        peer.call("ping", json!(null));
        let limit: u64 = limit.parse().expect("a number");
        for _ in 0..times {
            took.push(time(|| drop(peer.call("prime_sieve", json!([limit])))));
        }
    }
    report(&format!("sieve {host} {limit}"), took);
}

/// The whole call is one run, so that only the slices differ.
fn sliced(slice_fuel: u64) -> Limits {
    Limits { slice_fuel, run_fuel: u64::MAX, ..limits() }
}

/// The same call in slices of 10k, 100k and 1M, in turns.
fn slices(limit: &str, rounds: u64) {
    let sizes = [10_000, 100_000, 1_000_000];
    let bytes = guest("rpc_prime_sieve");
    let mut hosts = sizes.map(|size| (size, Ours::new(&bytes, sliced(size)), Vec::new()));
    let params = format!("[{limit}]");
    for _ in 0..rounds {
        for (_, ours, took) in &mut hosts {
            took.push(time(|| drop(ours.call("prime_sieve", Some(&params)))));
        }
    }
    for (size, _, took) in hosts {
        report(&format!("sieve {limit} in slices of {size}"), took);
    }
}

/// How long a guest that never ends keeps its thread.
fn runaway(run_fuel: u64, runs: u64) {
    let limits = Limits { run_fuel, ..limits() };
    let module = Module::load(&Engine::new(), "spin", &guest("poll_spins"), &limits);
    let config = InstanceConfig { limits, ..InstanceConfig::new(Arc::new(Real::default())) };
    let mut instance = Box::new(Instance::new(&module.expect("loads"), config).expect("starts"));
    instance.begin("rpc_poll", &[]).expect("begins");
    let mut took = Vec::new();
    for _ in 0..runs {
        let start = Instant::now();
        let ran = Run::new(instance).execute();
        took.push(start.elapsed());
        assert!(matches!(ran.step, Step::Yielded), "spins");
        instance = ran.instance;
    }
    report(&format!("one run of a runaway guest, {run_fuel} fuel"), took);
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn report(what: &str, mut took: Vec<Duration>) {
    took.sort();
    let at = |percent: usize| took[took.len() * percent / 100];
    println!("{what}: p50 {:?}, p99 {:?}, of {}", at(50), at(99), took.len());
}
