//! Bytes per living instance, in a fresh process: asked of the allocator, and resident.
//!
//! `memory ours|peer INSTANCES`, `memory GUEST INSTANCES` for a guest that is called by its exports. Every instance has
//! answered one call, or rests in it.

use std::alloc::System;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use bench_plugins::{Ours, Peer, Real, guest, limits, peer_guest};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use wasmi_hdk::{
    Engine, FuncType, HostCtx, HostReturn, Imports, Instance, InstanceConfig, Module, Step, Val,
    ValType,
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (host, instances) = match args.as_slice() {
        [host, instances] => (host.as_str(), instances.parse().expect("a number")),
        _ => return eprintln!("memory ours|peer|GUEST INSTANCES"),
    };
    let bytes = match host {
        "ours" => guest("rpc_ping"),
        "peer" => peer_guest(),
        name => guest(name),
    };
    println!("{host}: a module of {} bytes", bytes.len());
    match host {
        "ours" => ours(bytes, instances),
        "peer" => peer(bytes, instances),
        _ => exports(bytes, instances),
    }
}

/// A guest of the buffer ABI or in AssemblyScript: it is started, and gives room for, or says, its name.
fn exports(bytes: Vec<u8>, instances: usize) {
    let start = Use::now(bytes.len());
    let module = Module::load(&Engine::new(), "bench", &bytes, &limits()).expect("loads");
    drop(bytes);
    start.report("the module", 1);
    let loaded = Use::now(0);
    let (entry, call, args): (_, _, &[Val]) = match module.has_export("allocate") {
        true => ("_initialize", "allocate", &[Val::I32(8192)]),
        false => ("_start", "plugin_name", &[]),
    };
    let imports = Arc::new(silent(&module));
    let living: Vec<Instance> = (0..instances)
        .map(|_| {
            let config = InstanceConfig::new(Arc::new(Real::default()));
            let config = InstanceConfig { limits: limits(), imports: imports.clone(), ..config };
            let mut instance = Instance::new(&module, config).expect("starts");
            if module.has_export(entry) {
                finish(&mut instance, entry, &[]);
            }
            finish(&mut instance, call, args);
            instance
        })
        .collect();
    loaded.report("an instance", instances);
    let linear = living.first().map(|instance| instance.stats().memory_bytes);
    println!("of it the guest's memory: {} bytes", linear.unwrap_or_default());
    start.report("all of it", 1);
}

/// A host that answers zero to everything but WASI.
fn silent(module: &Module) -> Imports {
    let mut imports = Imports::new();
    for import in module.imports().filter(|import| !import.module.starts_with("wasi")) {
        let zeros = |_: &mut HostCtx<'_>, ty: &FuncType, _: &[Val]| {
            let zero = |ty: &ValType| match ty {
                ValType::I32 | ValType::Other => Val::I32(0),
                ValType::I64 => Val::I64(0),
                ValType::F32 => Val::F32(0.0),
                ValType::F64 => Val::F64(0.0),
            };
            Ok(HostReturn::Values(ty.results.iter().map(zero).collect()))
        };
        imports.define(&import.module, &import.name, Arc::new(zeros));
    }
    imports
}

fn finish(instance: &mut Instance, export: &str, args: &[Val]) {
    instance.begin(export, args).expect("begins");
    loop {
        match instance.run(1_000_000) {
            Step::Yielded => {}
            Step::Finished(_) => return,
            other => panic!("{export}: {other:?}"),
        }
    }
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
