//! What the server holds while bodies of 16 MiB go through it (R123): counted by its allocator, not measured by a
//! clock.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::alloc::System;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use workspace_tests::Sim;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The most that was held at any look.
static MOST: AtomicUsize = AtomicUsize::new(0);

const MIB: usize = 1 << 20;
const PIECE: usize = 64 << 10;

/// Bytes that are allocated now.
fn held() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

fn look() {
    MOST.fetch_max(held(), Ordering::Relaxed);
}

fn guest(name: &str) -> Vec<u8> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join("target/guests").join(format!("{name}.wasm"));
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask guests`", path.display()))
}

/// A plugin with at most 2 MiB of memory.
fn boat() -> Sim {
    let mut config = signalk_core::Config::default();
    let options = json!({ "enabled": true, "configuration": {}, "limits": { "memoryMiB": 2 } });
    config.plugin_options.insert("bodies".to_owned(), options.to_string());
    let mut sim = Sim::with_config(config);
    let package = json!({
        "name": "bodies", "version": "1.0.0", "keywords": ["signalk-wasm-plugin"],
        "wasmManifest": "plugin.wasm", "wasmInterface": "json-rpc",
        "wasmCapabilities": { "httpEndpoints": true },
    });
    sim.install(&package.to_string(), &guest("signalk_bodies"));
    sim.advance(Duration::from_millis(500));
    let plugin = sim.get_json("/signalk-host/status")["plugins"]["bodies"].clone();
    assert_eq!(plugin["state"], "running", "{:?}", sim.log);
    sim
}

/// So many bytes there and back through one request; the client takes what comes before it sends on.
fn echo(sim: &mut Sim, bytes: usize) {
    let length = bytes.to_string();
    let id = sim.begin("POST", "/plugins/bodies/echo", &[("content-length", &length)]);
    let (mut sent, mut got, mut waiting) = (0, 0, 0);
    while sim.exchange(id).ended.is_none() || waiting > 0 {
        waiting = sim.exchange(id).waiting();
        assert!(waiting <= 2 * PIECE, "{waiting} bytes wait for the client");
        if let Some(piece) = sim.take(id) {
            for (at, byte) in piece.iter().enumerate() {
                assert_eq!(usize::from(*byte), (got + at) % 251);
            }
            got += piece.len();
        } else if sim.exchange(id).wanted > 0 {
            let end = bytes.min(sent + PIECE);
            let piece: Bytes = (sent..end).map(|at| u8::try_from(at % 251).unwrap()).collect();
            sim.send(id, (!piece.is_empty()).then_some(piece));
            sent = end;
        } else {
            break;
        }
    }
    assert_eq!((sent, got, sim.exchange(id).ended), (bytes, bytes, Some(true)), "{:?}", sim.log);
    assert_eq!(sim.exchange(id).head.clone().unwrap().1, Some(u64::try_from(bytes).unwrap()));
}

/// A plugin of the buffer ABI, whose bodies are in one JSON text: `/up` takes one, `/down` gives one of 16 MiB.
fn boat_of_whole_bodies() -> Sim {
    let endpoints = r#"[{"method":"POST","path":"/up","handler":"h_up"},{"method":"POST","path":"/down","handler":"h_down","maxResponse":23000000}]"#;
    let (head, base64) = (r#"{"bodyBase64":""#, 16 * MIB / 3 * 4 + 4);
    let text = |at: usize, text: &str| {
        let bytes: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        format!(r#"(data (i32.const {at}) "{bytes}")"#)
    };
    let module = format!(
        r#"(module
            (memory (export "memory") 1024)
            (global $heap (mut i32) (i32.const 65536))
            {} {} {}
            (func (export "allocate") (param $n i32) (result i32)
                (global.get $heap)
                (global.set $heap (i32.add (global.get $heap) (local.get $n))))
            (func (export "deallocate") (param $p i32) (param $n i32)
                (global.set $heap (i32.sub (global.get $heap) (local.get $n))))
            (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
            (func (export "http_endpoints") (param $out i32) (param $max i32) (result i32)
                (memory.copy (local.get $out) (i32.const 1000) (i32.const {listed})) (i32.const {listed}))
            (func (export "h_up") (param $p i32) (param $n i32) (param $out i32) (param $max i32) (result i32)
                (i32.store16 (local.get $out) (i32.const 0x7d7b)) (i32.const 2))
            (func (export "h_down") (param $p i32) (param $n i32) (param $out i32) (param $max i32) (result i32)
                (memory.copy (local.get $out) (i32.const 2000) (i32.const {begins}))
                (memory.fill (i32.add (local.get $out) (i32.const {begins})) (i32.const 65) (i32.const {base64}))
                (memory.copy (i32.add (local.get $out) (i32.const {ends})) (i32.const 3000) (i32.const 2))
                (i32.const {whole})))"#,
        text(1000, endpoints),
        text(2000, head),
        text(3000, "\"}"),
        listed = endpoints.len(),
        begins = head.len(),
        ends = head.len() + base64,
        whole = head.len() + base64 + 2,
    );
    let mut sim = Sim::default();
    let package = json!({
        "name": "whole", "version": "1.0.0", "keywords": ["signalk-wasm-plugin"],
        "wasmManifest": "plugin.wasm", "wasmCapabilities": { "httpEndpoints": true },
        "signalk-plugin-enabled-by-default": true,
    });
    sim.install(&package.to_string(), &wat::parse_str(module).unwrap());
    sim.advance(Duration::from_millis(500));
    sim
}

/// The most that was held while `work` went on, beside what was there before.
fn most_during(sim: &mut Sim, work: impl FnOnce(&mut Sim)) -> usize {
    sim.probe = look;
    let before = held();
    MOST.store(before, Ordering::Relaxed);
    work(sim);
    sim.probe = || ();
    MOST.load(Ordering::Relaxed).saturating_sub(before)
}

// One test: the allocator counts for the whole process.
#[test]
fn bodies_of_sixteen_mib_take_a_window_in_pieces_and_few_copies_as_a_whole() {
    let mut sim = boat();
    // Once before: buffers and the guest's memory have their size then.
    echo(&mut sim, MIB);
    let most = most_during(&mut sim, |sim| echo(sim, 16 * MIB));
    println!("16 MiB each way in pieces: {most} bytes at most beside what was there");
    assert!(most < 256 << 10, "{most} bytes were held at once");
    let memory = sim.get_json("/plugins/bodies/diagnostics")["memory"]["bytes"].clone();
    assert!(memory.as_u64().is_some_and(|bytes| bytes <= 2 << 20), "{memory}");
    drop(sim);

    let mut sim = boat_of_whole_bodies();
    let kind = [("content-type", "application/octet-stream")];
    let body = "x".repeat(16 * MIB);
    // Between two turns of the core one JSON text is there; while it is made of the body, or the body of it, both are.
    for (path, body) in [("/up", body.as_str()), ("/down", "")] {
        let mut status = 0;
        let most = most_during(&mut sim, |sim| {
            status = sim.request("POST", &format!("/plugins/whole{path}"), &kind, body).status;
        });
        println!("16 MiB {path} as a whole: {most} bytes at most");
        assert_eq!(status, 200, "{:?}", sim.log);
        // A third more than 16 MiB: base64.
        assert!(most < 22 * MIB, "{path}: {most} bytes were held at once");
    }
    drop(sim);

    // What is looked into becomes values, of which a small text can be many: refused, or few enough. All that was
    // allocated counts, because they live within one step of the core.
    let mut sim = Sim::default();
    let kind = [("content-type", "application/json")];
    for (values, status) in [(5_000_000, 413), (240_000, 400)] {
        let body = format!("[{}0]", "0,".repeat(values - 1));
        let before = ALLOCATOR.stats();
        let answer = sim.request("POST", "/signalk/v2/api/resources/notes", &kind, &body);
        let taken = ALLOCATOR.stats() - before;
        let bytes = taken.bytes_allocated.saturating_add_signed(taken.bytes_reallocated);
        println!("a resource of {values} values: {bytes} bytes with its text");
        assert_eq!(answer.status, status);
        assert!(bytes < body.len() + 40 * MIB, "{values} values: {bytes} bytes");
    }
}
