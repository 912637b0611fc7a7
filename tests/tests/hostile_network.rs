//! Guests that loop over the network, beside a plugin that works, in the whole server: what they ask the edge for is
//! bounded by the fuel that it costs, whatever is refused, fails or never answers. What the edge makes of it is
//! `signalk-host/src/plugin_net`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use serde_json::Value;
use signalk_core::{Config, Input, Limits, PluginEffect, PluginReport};
use workspace_tests::{Guest, Sim, beside};

const VALUES: u32 = 20;
/// Of one call: then the guest is ended. It is ten seconds of its time.
const CALL_FUEL: usize = 5_000_000_000;

/// A guest of the buffer ABI with these imports, data and functions.
fn buffer(imports: &str, body: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module {imports} (memory (export "memory") 2)
        (func (export "allocate") (param i32) (result i32) (i32.const 4096))
        (func (export "deallocate") (param i32 i32))
        {body})"#
    ))
    .unwrap()
}

/// Opens, connects to a name and closes, without end.
fn connects() -> Vec<u8> {
    buffer(
        r#"(import "env" "sk_tcp_create" (func $create (result i32)))
        (import "env" "sk_tcp_connect" (func $connect (param i32 i32 i32 i32) (result i32)))
        (import "env" "sk_tcp_close" (func $close (param i32)))"#,
        r#"(data (i32.const 100) "beacon.example")
        (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
        (func (export "poll") (result i32) (local $id i32)
            (loop
                (local.set $id (call $create))
                (drop (call $connect (local.get $id) (i32.const 100) (i32.const 14) (i32.const 80)))
                (call $close (local.get $id))
                (br 0))
            (i32.const 0))"#,
    )
}

/// Sends datagrams of one byte, without end.
fn sends() -> Vec<u8> {
    buffer(
        r#"(import "env" "sk_udp_create" (func $create (param i32) (result i32)))
        (import "env" "sk_udp_send" (func $send (param i32 i32 i32 i32 i32 i32) (result i32)))"#,
        r#"(data (i32.const 100) "10.0.0.1")
        (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
        (func (export "poll") (result i32) (local $id i32)
            (local.set $id (call $create (i32.const 0)))
            (loop
                (drop (call $send (local.get $id) (i32.const 100) (i32.const 8) (i32.const 9) (i32.const 100) (i32.const 1)))
                (br 0))
            (i32.const 0))"#,
    )
}

/// Asks the web about each delta: `url` of so many bytes.
fn asks_in_delta_handler(url: &str) -> Vec<u8> {
    let request = format!(r#"{{"url":"{url}"}}"#);
    let data = request.replace('"', "\\22");
    buffer(
        r#"(import "env" "sk_http_request" (func $ask (param i32 i32 i32 i32) (result i32)))"#,
        &format!(
            r#"(data (i32.const 100) "{data}")
            (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
            (func (export "delta_handler") (param i32 i32)
                (drop (call $ask (i32.const 100) (i32.const {}) (i32.const 65536) (i32.const 60000))))"#,
            request.len()
        ),
    )
}

/// The same, again and again, of what is refused at once.
fn asks_in_vain() -> Vec<u8> {
    buffer(
        r#"(import "env" "sk_http_request" (func $ask (param i32 i32 i32 i32) (result i32)))"#,
        r#"(data (i32.const 100) "{\22url\22:\22file:///etc\22}")
        (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
        (func (export "poll") (result i32)
            (loop
                (drop (call $ask (i32.const 100) (i32.const 21) (i32.const 65536) (i32.const 60000)))
                (br 0))
            (i32.const 0))"#,
    )
}

/// A JSON-RPC plugin that starts as it should and then calls these methods without end, each with an id of its own, and
/// reads no answer. The digits of the ids are where each line has its `#####`.
fn calls_without_end(first: &str, calls: &[(&str, &str)]) -> Vec<u8> {
    let answer = |id: u32| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}\n");
    let request = |(method, params): &(&str, &str)| {
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":\"{method}#####\",\"method\":\"{method}\",\"params\":{params}}}\n"
        )
    };
    let calls: String = calls.iter().map(request).collect();
    let (ready, started) = (answer(1), format!("{}{first}", answer(2)));
    let digits: String = calls
        .match_indices("#####")
        .flat_map(|(at, _)| (0..5).map(move |place| (2048 + at + place, 10_u32.pow(4 - u32::try_from(place).unwrap()))))
        .map(|(at, divisor)| format!(
            "(i32.store8 (i32.const {at}) (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $n) (i32.const {divisor})) (i32.const 10))))"
        ))
        .collect();
    let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let iovec = |at: usize, from: usize, length: usize| {
        format!(
            "(i32.store (i32.const {at}) (i32.const {from})) (i32.store (i32.const {}) (i32.const {length}))",
            at + 4
        )
    };
    wat::parse_str(format!(
        r#"(module
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 512) "{}") (data (i32.const 1024) "{}") (data (i32.const 2048) "{}")
        (func (export "_start") (local $n i32)
            {} {} {} {}
            (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 8)))
            (drop (call $write (i32.const 1) (i32.const 24) (i32.const 1) (i32.const 8)))
            (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 8)))
            (drop (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 8)))
            (loop {digits}
                (drop (call $write (i32.const 1) (i32.const 40) (i32.const 1) (i32.const 8)))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br 0))))"#,
        escape(&ready),
        escape(&started),
        escape(&calls),
        iovec(16, 16384, 16384),
        iovec(24, 512, ready.len()),
        iovec(32, 1024, started.len()),
        iovec(40, 2048, calls.len()),
    ))
    .unwrap()
}

struct Outcome {
    status: Value,
    log: Vec<String>,
    /// Of guests, in virtual time.
    seconds: u64,
    /// What the edge was asked for.
    wanted: Vec<PluginEffect>,
}

/// Twenty values beside the guest, each of which the neighbour hears. `answer`: what the edge has for the guest in each
/// second.
fn run(
    (name, interface): (&str, &str),
    wasm: &[u8],
    answer: fn(&PluginEffect) -> Option<PluginReport>,
) -> Outcome {
    let mut wanted = Vec::new();
    let rights = &["dataRead", "dataWrite", "network", "rawSockets"];
    let guest = Guest { name, interface, rights, wasm };
    // The answers that nobody reads: a thirtieth of what there may usually be.
    let config = Config::default();
    let plugin_limits = Limits { stdin_bytes: 1 << 20, ..config.plugin_limits.clone() };
    let sim = Sim::with_config(Config { plugin_limits, ..config });
    let outcome = beside(sim, guest, VALUES, |sim| {
        for (plugin, life, effect) in std::mem::take(&mut sim.wanted) {
            if let Some(report) = answer(&effect) {
                sim.input(Input::PluginReport { plugin, life, report });
            }
            wanted.push(effect);
        }
    });
    let outcome = outcome.unwrap();
    assert!(outcome.is_unharmed(VALUES), "{name}: {} heard: {:#}", outcome.heard, outcome.status);
    let seconds = outcome.sim.runs / 100;
    let log = outcome.sim.log.into_iter().filter(|line| line.contains(name)).collect();
    Outcome { status: outcome.status, log, seconds, wanted }
}

fn never(_: &PluginEffect) -> Option<PluginReport> {
    None
}

#[test]
fn a_plugin_that_opens_and_closes_without_end_gives_the_edge_little_to_do() {
    let Outcome { status, log, wanted, .. } = run(("connects", "buffer"), &connects(), never);
    let opened = wanted.iter().filter(|it| matches!(it, PluginEffect::TcpConnect { .. })).count();
    println!("{opened} connections, {} effects, {} lines: {status:#}", wanted.len(), log.len());
    assert!((1..=CALL_FUEL / 250_000).contains(&opened), "{opened} connections: {status:#}");
    assert!(log.len() < 100, "{} lines", log.len());
}

#[test]
fn a_plugin_that_sends_without_end_pays_for_each_datagram() {
    let Outcome { status, log, wanted, .. } = run(("sends", "buffer"), &sends(), never);
    println!("{} effects, {} lines: {status:#}", wanted.len(), log.len());
    assert!((1..=CALL_FUEL / 20_000).contains(&wanted.len()), "{}: {status:#}", wanted.len());
    assert!(log.len() < 100, "{} lines", log.len());
}

#[test]
fn a_plugin_that_asks_a_host_that_never_answers_about_each_delta_waits_alone() {
    let wasm = asks_in_delta_handler("http://beacon.example/");
    let Outcome { status, log, wanted, .. } = run(("asks", "buffer"), &wasm, never);
    println!("{} effects, {} lines: {status:#}", wanted.len(), log.len());
    // It rests over the first; what comes meanwhile waits in its queue.
    assert!((1..=16).contains(&wanted.len()), "{}: {status:#}", wanted.len());
    assert!(log.len() < 100, "{log:#?}");
}

#[test]
fn a_plugin_whose_requests_all_fail_is_told_and_goes_on() {
    let wasm = asks_in_delta_handler("http://beacon.example/");
    let fails = |effect: &PluginEffect| match effect {
        PluginEffect::Fetch { id, .. } => {
            let news = signalk_bridge::FetchNews::Failed("no route".to_owned());
            Some(PluginReport::Fetch { id: *id, news })
        }
        _ => None,
    };
    let Outcome { status, log, wanted, .. } = run(("asks", "buffer"), &wasm, fails);
    assert_eq!(status["state"], "running", "{status:#}");
    assert!((5..=40).contains(&wanted.len()), "{}: {status:#}", wanted.len());
    assert!(log.iter().any(|line| line.contains("no route")) && log.len() < 100, "{log:#?}");
}

#[test]
fn a_plugin_that_is_refused_without_end_reaches_nobody() {
    let Outcome { status, log, seconds, wanted } =
        run(("in_vain", "buffer"), &asks_in_vain(), never);
    println!("{} lines: {status:#}", log.len());
    assert!(wanted.is_empty(), "{}", wanted.len());
    // Those that its log may have.
    let lines = u64::try_from(log.len()).unwrap();
    assert!(lines <= 101 * (seconds + 1), "{lines} lines in {seconds} s");
    let error = status["lastError"].as_str().unwrap_or_default();
    assert!(error.contains("fuel without a rest"), "{error}");
}

/// Of a plugin that floods the network by JSON-RPC: what the edge is asked for, and how it ends.
fn flood(name: &str, first: &str, calls: &[(&str, &str)]) -> Outcome {
    let wasm = calls_without_end(first, calls);
    let outcome = run((name, "json-rpc"), &wasm, |effect| match effect {
        PluginEffect::Fetch { id, .. } => {
            let news = signalk_bridge::FetchNews::Failed("refused".to_owned());
            Some(PluginReport::Fetch { id: *id, news })
        }
        _ => None,
    });
    let Outcome { status, log, wanted, .. } = &outcome;
    println!("{name}: {} effects, {} lines: {status:#}", wanted.len(), log.len());
    outcome
}

#[test]
fn a_plugin_by_json_rpc_that_floods_the_network_is_bounded_and_ended() {
    let request = ("http.request", r#"{"url":"http://127.0.0.1:9/"}"#);
    let socket = ("ws.connect", r#"{"url":"ws://127.0.0.1:9/"}"#);
    let create = "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"udp.create\",\"params\":{}}\n";
    let datagram = ("udp.send", r#"{"socket":1,"host":"127.0.0.1","port":9,"text":"x"}"#);
    for (name, first, calls) in [
        ("requests", "", &[request][..]),
        ("sockets", "", &[socket]),
        ("datagrams", create, &[datagram]),
        ("everything", create, &[request, socket, datagram]),
    ] {
        let Outcome { status, log, seconds, wanted } = flood(name, first, calls);
        assert!(wanted.len() <= CALL_FUEL / 20_000, "{name}: {}: {status:#}", wanted.len());
        let lines = u64::try_from(log.len()).unwrap();
        // Those that its log may have, while it is started again and again.
        let seconds = seconds + u64::from(VALUES);
        assert!(lines <= 101 * seconds, "{name}: {lines} lines in {seconds} s");
        assert_ne!(status["state"], "running", "{name}: {status:#}");
        let error = status["lastError"].as_str().unwrap_or_default();
        assert!(error.contains("unread on its standard input"), "{name}: {status:#}");
    }
}
