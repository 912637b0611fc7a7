//! One piece of work of one host, for `valgrind --tool=callgrind` and for fresh processes.
//!
//! What criterion cannot do: instructions and percentiles. `README.md` says how to read it.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench_plugins::{Ours, Peer, Real, guest, limits, peer_guest, synthetic};
use serde_json::{Value, json};
use wasmi_hdk::{Engine, Instance, InstanceConfig, Limits, Module, Run, Step};

const USAGE: &str = "measure call ours|peer METHOD PARAMS TIMES
measure beside METHOD PARAMS TIMES ROUNDS [PER]
measure load ours|peer GUEST|peer|synthetic:BYTES:EXPORTS TIMES
measure sieve ours|both|peer LIMIT TIMES [SLICE_FUEL]
measure runaway RUN_FUEL RUNS
measure slices LIMIT ROUNDS";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |text: &str| -> u64 { text.parse().expect("a number") };
    match args.as_slice() {
        ["call", host, method, params, times] => {
            call(host, method, params, number(times));
        }
        ["beside", method, params, times, rounds] => {
            beside(method, params, number(times), number(rounds), 1);
        }
        ["beside", method, params, times, rounds, per] => {
            beside(method, params, number(times), number(rounds), number(per));
        }
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

/// One host's calls, for counting instructions.
fn call(host: &str, method: &str, params: &str, times: u64) {
    if host == "ours" {
        let mut ours = Ours::new(&guest("rpc_methods"), limits());
        for _ in 0..times {
            black_box(ours.call(method, given(params)));
        }
    } else {
        let peer = Peer::new(peer_guest());
        let params: Value = serde_json::from_str(params).expect("JSON");
        for _ in 0..times {
            black_box(peer.call(method, params.clone()));
        }
    }
}

/// Both hosts in turns A B B A; each figure is the median of the rounds, divided by `per`: how
/// often the work of interest happens in one call.
fn beside(method: &str, params: &str, times: u64, rounds: u64, per: u64) {
    let mut ours = Ours::new(&guest("rpc_methods"), limits());
    let peer = Peer::new(peer_guest());
    let value: Value = serde_json::from_str(params).expect("JSON");
    let (mut of_ours, mut of_peer) = (Vec::new(), Vec::new());
    // The peer is slower: so many of its calls take about as long.
    let fewer = times.div_ceil(20);
    for round in 0..2 * rounds {
        let mut a = || {
            let took = time(|| (0..times).for_each(|_| drop(ours.call(method, given(params)))));
            of_ours.push(took.as_secs_f64() * 1e6 / count(times * per));
        };
        let mut b = || {
            let took = time(|| (0..fewer).for_each(|_| drop(peer.call(method, value.clone()))));
            of_peer.push(took.as_secs_f64() * 1e6 / count(fewer * per));
        };
        if round % 2 == 0 {
            a();
            b();
        } else {
            b();
            a();
        }
    }
    let (ours, peer) = (quartiles(of_ours), quartiles(of_peer));
    println!(
        "{method} ours {:.2} us ({:.2} to {:.2}), peer {:.1} us ({:.1} to {:.1}), ratio {:.1}",
        ours[1],
        ours[0],
        ours[2],
        peer[1],
        peer[0],
        peer[2],
        peer[1] / ours[1]
    );
}

fn given(params: &str) -> Option<&str> {
    (params != "null").then_some(params)
}

fn count(number: u64) -> f64 {
    f64::from(u32::try_from(number).expect("a small number"))
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
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

/// How long a guest that never ends keeps its thread: by the clock, and in the thread's processor
/// time, which other programs of the machine lengthen less.
fn runaway(run_fuel: u64, runs: u64) {
    let limits = Limits { run_fuel, ..limits() };
    let module = Module::load(&Engine::new(), "spin", &guest("poll_spins"), &limits);
    let config = InstanceConfig { limits, ..InstanceConfig::new(Arc::new(Real::default())) };
    let mut instance = Box::new(Instance::new(&module.expect("loads"), config).expect("starts"));
    instance.begin("rpc_poll", &[]).expect("begins");
    let (mut took, mut worked) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let (start, before) = (Instant::now(), processor_time());
        let ran = Run::new(instance).execute();
        worked.push(processor_time().saturating_sub(before));
        took.push(start.elapsed());
        assert!(matches!(ran.step, Step::Yielded), "spins");
        instance = ran.instance;
    }
    report(&format!("one run of a runaway guest, {run_fuel} fuel"), took);
    report("the same in processor time", worked);
}

/// Of this thread.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.try_into().expect("not before the start")
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
