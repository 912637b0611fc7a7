//! Bytes per living instance, in a fresh process: asked of the allocator, and resident.
//!
//! `memory ours|peer INSTANCES`. Every instance has answered one call, or rests in it.

use std::alloc::System;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use bench_plugins::{Ours, Peer, guest, limits, peer_guest};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use wasmi_hdk::{Engine, Module};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (host, instances) = match args.as_slice() {
        [host, instances] => (host.as_str(), instances.parse().expect("a number")),
        _ => return eprintln!("memory ours|peer INSTANCES"),
    };
    let bytes = if host == "ours" { guest("rpc_ping") } else { peer_guest() };
    println!("{host}: a module of {} bytes", bytes.len());
    if host == "ours" { ours(bytes, instances) } else { peer(bytes, instances) }
}

fn ours(bytes: Vec<u8>, instances: usize) {
    let start = Use::now(0);
    let limits = limits();
    let module = Module::load(&Engine::new(), "bench", &bytes, &limits).expect("loads");
    start.report("the module", 1);
    let loaded = Use::now(0);
    let mut living = Vec::new();
    for _ in 0..instances {
        let mut ours = Ours::of(&module, limits.clone());
        ours.call("ping", None);
        living.push(ours);
    }
    loaded.report("an instance", instances);
    // Who starts no further instance drops the module, as the server does.
    drop(module);
    start.report("all of it, without the module's data", 1);
}

fn peer(bytes: Vec<u8>, instances: usize) {
    let asked = Arc::new(AtomicUsize::new(0));
    let start = Use::now(bytes.len());
    let peer = Peer::silent(bytes, asked.clone());
    start.report("the module", 1);
    let loaded = Use::now(0);
    // An instance of the peer lives as long as its call: this one waits for the host.
    let mut living = Vec::new();
    for nth in 1..=instances {
        let mut call = peer.begin("many_echo", json!([1]));
        while asked.load(Ordering::Relaxed) < nth {
            assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        living.push(call);
    }
    loaded.report("an instance", instances);
    start.report("all of it", 1);
}

/// What the process holds.
struct Use {
    allocated: usize,
    resident: usize,
}

impl Use {
    /// Without `other` bytes, which go to the host and are dropped there.
    fn now(other: usize) -> Self {
        let stats = ALLOCATOR.stats();
        // Both only ever count up; reallocations are counted on their side.
        let allocated = stats.bytes_allocated - stats.bytes_deallocated;
        let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
        let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok());
        let resident: usize = pages.unwrap_or(0) * 4096;
        Self { allocated: allocated - other, resident }
    }

    fn report(&self, what: &str, count: usize) {
        let now = Self::now(0);
        let each = |now: usize, before: usize| now.saturating_sub(before) / count.max(1);
        let (allocated, resident) =
            (each(now.allocated, self.allocated), each(now.resident, self.resident));
        println!("{what}: {allocated} bytes allocated, {resident} bytes resident");
    }
}
