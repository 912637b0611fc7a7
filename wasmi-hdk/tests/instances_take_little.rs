//! What a module and its instances keep of the host's memory. Counted, not measured: how much is
//! resident depends on the allocator; the table is in `benches/plugins/README.md`, A5.

#![allow(clippy::unwrap_used)]

#[path = "common/rpc.rs"]
mod rpc;

use std::alloc::System;

use rpc::{Conversation, guest, strict};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use wasmi_hdk::Module;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that are allocated now.
fn held() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

fn warm(module: &Module) -> Conversation {
    let mut plugin = Conversation::with(module, strict());
    for _ in 0..16 {
        assert_eq!(plugin.call("ping", "").unwrap(), "\"pong\"");
    }
    plugin
}

// One test: the allocator counts for the whole process.
#[test]
fn a_plugin_keeps_its_memory_and_its_code_and_little_else() {
    drop(warm(&guest("rpc_ping")));
    let before = held();
    let module = guest("rpc_ping");
    let size = module.size();
    let plugin = warm(&module);
    let linear = linear_memory(&plugin);
    let with_module = held() - before;

    // Code as it came and code as it was translated, about twice the module; not the buffers of
    // the translator, which would make it 2.5 times.
    let code = with_module - linear;
    assert!(code < size * 11 / 5, "{code} bytes beside the guest's memory, its module has {size}");

    // Data segments are in the guest's memory already.
    drop(module);
    let alone = held() - before;
    let segments = with_module - alone;
    assert!(segments > 16 << 10, "only {segments} bytes were given back with the module");

    // A further instance shares the code.
    let module = guest("rpc_ping");
    let first = warm(&module);
    let one = held();
    let second = warm(&module);
    let further = held() - one - linear_memory(&second);
    assert!(further < 48 << 10, "{further} bytes beside the guest's memory");
    drop((first, second, plugin));
}

fn linear_memory(plugin: &Conversation) -> usize {
    match &plugin.plugin {
        rpc::Either::Stateful(plugin) => plugin.stats().memory_bytes.try_into().unwrap(),
        rpc::Either::PerCall(_) => 0,
    }
}
