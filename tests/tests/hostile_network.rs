//! Guests that loop over the network, beside a plugin that works, in the whole server: what they ask the edge for is bounded by the
//! fuel that it costs, whatever is refused, fails or never answers. What the edge makes of it is `signalk-host/src/plugin_net`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use signalk_core::{Config, Input, PluginEffect, PluginReport};
use workspace_tests::Sim;

const NEIGHBOUR: &str = "signalk_speed_logger";
const SPEED: &str = "/signalk/v1/api/vessels/self/navigation/speedOverGround/value";
const HEARD: &str = "/signalk/v1/api/vessels/self/test/speed/value/count";
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

struct Outcome {
    status: Value,
    log: Vec<String>,
    /// Of guests, in virtual time.
    seconds: u64,
    /// What the edge was asked for.
    wanted: Vec<PluginEffect>,
}

/// Twenty values beside the guest, each of which the neighbour hears. `answer`: what the edge has for the guest in each second.
fn beside(name: &str, wasm: &[u8], answer: fn(&PluginEffect) -> Option<PluginReport>) -> Outcome {
    let mut sim = Sim::with_config(Config::default());
    let path = format!("../target/guests/{NEIGHBOUR}.wasm");
    let neighbour = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path))
        .unwrap_or_else(|error| panic!("{path}: {error}: run `cargo xtask guests`"));
    let package = |name: &str, interface: &str| {
        let rights =
            json!({ "dataRead": true, "dataWrite": true, "network": true, "rawSockets": true });
        json!({
            "name": name, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"], "wasmManifest": "plugin.wasm",
            "wasmInterface": interface, "wasmCapabilities": rights, "signalk-plugin-enabled-by-default": true,
        })
        .to_string()
    };
    sim.install(&package(NEIGHBOUR, "json-rpc"), &neighbour);
    sim.advance(Duration::from_secs(1));
    sim.install(&package(name, "buffer"), wasm);
    let feed = sim.open("/signalk/v1/stream?subscribe=none");
    let mut wanted = Vec::new();
    for value in 1..=VALUES {
        let delta = json!({ "updates": [{ "$source": "feed", "values": [{ "path": "navigation.speedOverGround", "value": value }] }] });
        sim.say(feed, &delta.to_string());
        sim.advance(Duration::from_secs(1));
        for (plugin, life, effect) in std::mem::take(&mut sim.wanted) {
            if let Some(report) = answer(&effect) {
                sim.input(Input::PluginReport { plugin, life, report });
            }
            wanted.push(effect);
        }
    }
    let status = sim.get_json("/signalk-host/status")["plugins"][name].clone();
    assert_eq!(sim.get_json(SPEED), json!(VALUES), "{name}: {status:#}");
    assert_eq!(sim.get_json(HEARD), json!(VALUES), "{name}: the neighbour hears every value");
    let seconds = sim.runs / 100;
    let log = sim.log.into_iter().filter(|line| line.contains(name)).collect();
    Outcome { status, log, seconds, wanted }
}

fn never(_: &PluginEffect) -> Option<PluginReport> {
    None
}

#[test]
fn a_plugin_that_opens_and_closes_without_end_gives_the_edge_little_to_do() {
    let Outcome { status, log, wanted, .. } = beside("connects", &connects(), never);
    let opened = wanted.iter().filter(|it| matches!(it, PluginEffect::TcpConnect { .. })).count();
    println!("{opened} connections, {} effects, {} lines: {status:#}", wanted.len(), log.len());
    assert!((1..=CALL_FUEL / 250_000).contains(&opened), "{opened} connections: {status:#}");
    assert!(log.len() < 100, "{} lines", log.len());
}

#[test]
fn a_plugin_that_sends_without_end_pays_for_each_datagram() {
    let Outcome { status, log, wanted, .. } = beside("sends", &sends(), never);
    println!("{} effects, {} lines: {status:#}", wanted.len(), log.len());
    assert!((1..=CALL_FUEL / 20_000).contains(&wanted.len()), "{}: {status:#}", wanted.len());
    assert!(log.len() < 100, "{} lines", log.len());
}

#[test]
fn a_plugin_that_asks_a_host_that_never_answers_about_each_delta_waits_alone() {
    let wasm = asks_in_delta_handler("http://beacon.example/");
    let Outcome { status, log, wanted, .. } = beside("asks", &wasm, never);
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
    let Outcome { status, log, wanted, .. } = beside("asks", &wasm, fails);
    assert_eq!(status["state"], "running", "{status:#}");
    assert!((5..=40).contains(&wanted.len()), "{}: {status:#}", wanted.len());
    assert!(log.iter().any(|line| line.contains("no route")) && log.len() < 100, "{log:#?}");
}

#[test]
fn a_plugin_that_is_refused_without_end_reaches_nobody() {
    let Outcome { status, log, seconds, wanted } = beside("in_vain", &asks_in_vain(), never);
    println!("{} lines: {status:#}", log.len());
    assert!(wanted.is_empty(), "{}", wanted.len());
    // Those that its log may have.
    let lines = u64::try_from(log.len()).unwrap();
    assert!(lines <= 101 * (seconds + 1), "{lines} lines in {seconds} s");
    let error = status["lastError"].as_str().unwrap_or_default();
    assert!(error.contains("fuel without a rest"), "{error}");
}
