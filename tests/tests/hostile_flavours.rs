//! Hostile guests of the buffer ABI and in the shape of AssemblyScript's, beside a plugin that works, in the whole
//! server: each calls the host in a loop without ever giving way, and what it asks for is bounded. Those of JSON-RPC
//! are in `hostile_guests.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use serde_json::Value;
use signalk_core::Config;
use workspace_tests::{Client, Guest, Sim, beside};

const VALUES: u32 = 20;

/// Calls of a guest's loop: far above every bound, and few enough to be done if there were none.
const CALLS: u32 = 20_000;

/// A guest of the buffer ABI: imports, memory in pages, then data and functions.
fn buffer(imports: &str, pages: u32, body: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module {imports} (memory (export "memory") {pages})
        (func (export "allocate") (param i32) (result i32) (i32.const 1024))
        (func (export "deallocate") (param i32 i32))
        {body})"#
    ))
    .unwrap()
}

/// A PUT handler for each of `flood.p00000` to `flood.p19999`.
fn registers() -> Vec<u8> {
    let digit = |at: u32, divisor: u32| {
        format!(
            "(i32.store8 (i32.const {at}) (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $n) (i32.const {divisor})) (i32.const 10))))"
        )
    };
    let digits: String = (0..5).map(|place| digit(127 + place, 10_u32.pow(4 - place))).collect();
    buffer(
        r#"(import "env" "sk_register_put_handler" (func $register (param i32 i32 i32 i32) (result i32)))"#,
        1,
        &format!(
            r#"(data (i32.const 100) "vessels.self") (data (i32.const 120) "flood.p00000")
            (func (export "plugin_start") (param i32 i32) (result i32) (local $n i32)
                (loop {digits}
                    (drop (call $register (i32.const 100) (i32.const 12) (i32.const 120) (i32.const 12)))
                    (local.set $n (i32.add (local.get $n) (i32.const 1)))
                    (br_if 0 (i32.lt_u (local.get $n) (i32.const {CALLS}))))
                (i32.const 0))"#
        ),
    )
}

/// A delta of `head`, then so many bytes of `filling`, then `tail`; again and again.
fn sends(head: &str, filling: &str, bytes: u32, tail: &str, times: u32) -> Vec<u8> {
    let quoted = |text: &str| text.replace('"', "\\\"");
    let (from, step) = (4096, u32::try_from(filling.len()).unwrap());
    let begin = from - u32::try_from(head.len()).unwrap();
    let end = from + bytes / step * step;
    let length = end - begin + u32::try_from(tail.len()).unwrap();
    buffer(
        r#"(import "env" "sk_handle_message" (func $emit (param i32 i32)))"#,
        (end >> 16) + 2,
        &format!(
            r#"(data (i32.const {begin}) "{}") (data (i32.const {from}) "{}") (data (i32.const {end}) "{}")
            (func (export "plugin_start") (param i32 i32) (result i32) (local $n i32)
                ;; Each copy doubles what is there.
                (local.set $n (i32.const {step}))
                (loop
                    (memory.copy (i32.add (i32.const {from}) (local.get $n)) (i32.const {from})
                        (select (local.get $n) (i32.sub (i32.const {end}) (i32.add (i32.const {from}) (local.get $n)))
                            (i32.lt_u (i32.add (i32.const {from}) (i32.shl (local.get $n) (i32.const 1))) (i32.const {end}))))
                    (local.set $n (i32.shl (local.get $n) (i32.const 1)))
                    (br_if 0 (i32.lt_u (i32.add (i32.const {from}) (local.get $n)) (i32.const {end}))))
                (local.set $n (i32.const 0))
                (loop
                    (call $emit (i32.const {begin}) (i32.const {length}))
                    (local.set $n (i32.add (local.get $n) (i32.const 1)))
                    (br_if 0 (i32.lt_u (local.get $n) (i32.const {times}))))
                (i32.const 0))"#,
            quoted(head),
            quoted(filling),
            quoted(tail)
        ),
    )
}

/// Asks for `x`, which is no URL, and does not come back to hear that: what the compiler of AssemblyScript makes of a
/// loop.
fn asks() -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module (import "as-fetch" "_fetchGET" (func $get (param i32 i32 i32 i32)))
        (memory (export "memory") 4)
        ;; Strings: class, bytes, UTF-16.
        (data (i32.const 92) "\02\00\00\00\08\00\00\00N\00a\00m\00e\00")
        (data (i32.const 192) "\02\00\00\00\02\00\00\00x\00")
        (func (export "__new") (param i32 i32) (result i32) (i32.const 65536))
        (func (export "__pin") (param i32) (result i32) (local.get 0))
        (func (export "__unpin") (param i32))
        (func (export "plugin_name") (result i32) (i32.const 100))
        (func (export "responseHandler") (param i32 i32 i32 i32))
        (func (export "plugin_start") (param i32 i32) (result i32) (local $n i32)
            (loop
                (call $get (i32.const 200) (i32.const 1) (i32.const 0) (i32.const 0))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if 0 (i32.lt_u (local.get $n) (i32.const {CALLS}))))
            (i32.const 0)))"#
    ))
    .unwrap()
}

/// What the values and a client beside a guest saw.
struct Outcome {
    sim: Sim,
    status: Value,
    client: Client,
}

/// Twenty values beside the guest, each of which the neighbour hears.
fn run(name: &str, wasm: &[u8]) -> Outcome {
    let mut sim = Sim::with_config(Config::default());
    let client = sim.open("/signalk/v1/stream?subscribe=all&sendMeta=all");
    let rights = &["dataRead", "dataWrite", "network", "putHandlers"];
    let guest = Guest { name, interface: "buffer", rights, wasm };
    let outcome = beside(sim, guest, VALUES, |_| ()).unwrap();
    assert!(outcome.is_unharmed(VALUES), "{name}: {} heard: {:#}", outcome.heard, outcome.status);
    Outcome { sim: outcome.sim, status: outcome.status, client }
}

#[test]
fn a_plugin_that_registers_in_a_loop_has_a_thousand_handlers_and_no_more() {
    let mut outcome = run("registers", &registers());
    let heard = outcome.sim.heard(outcome.client);
    let announced: usize = heard.iter().map(|text| text.matches("flood.p").count()).sum();
    assert!((1..=1000).contains(&announced), "{announced} paths: {:#}", outcome.status);
}

#[test]
fn a_plugin_that_asks_the_web_in_a_loop_and_never_listens_is_ended_by_name() {
    let Outcome { status, sim, .. } = run("asks", &asks());
    assert_ne!(status["state"], "running", "{status:#}");
    let error = status["lastError"].as_str().unwrap();
    assert!(error.contains("asks") && error.contains("responseHandler"), "{error}");
    let said = sim.log.iter().filter(|line| line.contains("asks")).count();
    assert!(said < 1000, "{said} lines");
}

#[test]
fn a_delta_of_megabytes_reaches_nobody() {
    let wasm = sends(
        r#"{"updates":[{"values":[{"path":"flood.text","value":""#,
        "x",
        4 << 20,
        "\"}]}]}",
        100,
    );
    let mut outcome = run("sends", &wasm);
    assert_eq!(outcome.sim.get("/signalk/v1/api/vessels/self/flood").status, 404);
    let largest = outcome.sim.heard(outcome.client).iter().map(String::len).max().unwrap();
    assert!(largest < 1 << 20, "{largest} bytes went to a client");
}

#[test]
fn a_delta_of_nothing_but_faults_is_a_few_lines_in_the_log() {
    let wasm = sends(r#"{"updates":["#, "0,", 512 << 10, "0]}", 10);
    let mut outcome = run("sends", &wasm);
    let counters = outcome.sim.get_json("/plugins/sends/diagnostics")["counters"].clone();
    let count = |name: &str| counters[name].as_u64().unwrap();
    assert!(count("badDeltas") > 10 * (256 << 10), "each fault is counted: {counters}");
    // The budget of the log would hide a line for each: what it left out counts, too.
    let said = outcome.sim.log.iter().filter(|line| line.contains("sends")).count() as u64;
    let said = said + count("logLinesDropped");
    assert!(said <= 10 * 101 + 50, "{said} lines");
}
