//! Guests that flood `sk_call`, beside a plugin that works, in the whole server: each call is a way through the core,
//! so it is the guest that pays for it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use signalk_core::{Config, ConfigTexts};
use workspace_tests::Sim;

const NEIGHBOUR: &str = "signalk_speed_logger";
const SPEED: &str = "/signalk/v1/api/vessels/self/navigation/speedOverGround/value";
const HEARD: &str = "/signalk/v1/api/vessels/self/test/speed/value/count";
const VALUES: u64 = 10;
/// What one call of the guest may use.
const FUEL: u64 = 20_000_000;
/// Of one call.
const WAY: u64 = 50_000;

/// Calls this without end, from its first poll on.
fn calls(method: &str, params: &str) -> Vec<u8> {
    let data: String = format!("{method}{params}").bytes().map(|b| format!("\\{b:02x}")).collect();
    let (name, text) = (method.len(), params.len());
    wat::parse_str(format!(
        r#"(module
        (import "env" "sk_call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 3)
        (data (i32.const 1000) "{data}")
        (func (export "allocate") (param i32) (result i32) (i32.const 65536))
        (func (export "delta_handler") (param i32 i32))
        (func (export "on_event") (param i32 i32))
        (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
        (func (export "poll") (result i32)
            (loop
                (drop (call $call (i32.const 1000) (i32.const {name}) (i32.const {}) (i32.const {text}) (i32.const 131072) (i32.const 60000)))
                (br 0))
            (i32.const 0)))"#,
        1000 + name
    ))
    .unwrap()
}

/// Values beside the guest, one a second, each of which the neighbour hears; the guest's diagnostics and log lines.
fn beside(method: &str, params: &str) -> (Value, usize) {
    let mut texts = ConfigTexts::default();
    let options = json!({ "enabled": true, "limits": { "callFuel": FUEL } }).to_string();
    texts.plugin_options.insert("flood".to_owned(), options);
    let mut sim = Sim::with_config(Config::from_texts(texts));
    let path = format!("../target/guests/{NEIGHBOUR}.wasm");
    let neighbour = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path))
        .unwrap_or_else(|error| panic!("{path}: {error}: run `cargo xtask guests`"));
    let package = |name: &str, interface: &str| {
        let rights =
            json!({ "dataRead": true, "dataWrite": true, "network": true, "httpEndpoints": true });
        json!({
            "name": name, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"], "wasmManifest": "plugin.wasm",
            "wasmInterface": interface, "wasmCapabilities": rights, "signalk-plugin-enabled-by-default": true,
        })
        .to_string()
    };
    sim.install(&package(NEIGHBOUR, "json-rpc"), &neighbour);
    sim.advance(Duration::from_secs(1));
    sim.install(&package("flood", "buffer"), &calls(method, params));
    let feed = sim.open("/signalk/v1/stream?subscribe=none");
    for value in 1..=VALUES {
        let values = json!([{ "path": "navigation.speedOverGround", "value": value }]);
        let delta = json!({ "updates": [{ "$source": "feed", "values": values }] });
        sim.say(feed, &delta.to_string());
        sim.advance(Duration::from_secs(1));
    }
    let diagnostics = sim.get_json("/plugins/flood/diagnostics");
    assert_eq!(sim.get_json(SPEED), json!(VALUES), "{method}: {diagnostics:#}");
    assert_eq!(sim.get_json(HEARD), json!(VALUES), "{method}: the neighbour hears every value");
    let lines = sim.log.iter().filter(|line| line.contains("flood")).count();
    (diagnostics, lines)
}

#[test]
fn a_flood_of_calls_is_paid_for_and_the_neighbour_hears_everything() {
    for (method, params) in [
        ("options.read", ""),
        ("no.such", ""),
        ("paths.get", "garbage"),
        ("paths.get", r#"{"path":""}"#),
        ("deltas.subscribe", r#"{"path":"*"}"#),
        ("websocket.register", r#"{"paths":["/a"]}"#),
        ("put.send", r#"{"path":"a.b.meta","value":1}"#),
        ("http.read", "[1]"),
        ("log", r#"{"level":"info","message":"x"}"#),
    ] {
        let (diagnostics, lines) = beside(method, params);
        let error = diagnostics["lastError"].to_string();
        assert!(error.contains("fuel without a rest"), "{method}: {diagnostics:#}");
        let calls = diagnostics["counters"]["hostCalls"].as_u64().unwrap();
        // In each of its lives.
        let lives = 1 + diagnostics["restarts"].as_u64().unwrap_or(VALUES);
        let most = lives * (FUEL / WAY + 1);
        assert!((100..=most).contains(&calls), "{method}: {calls} of {most}: {diagnostics:#}");
        // Its own lines, and one a second of what is refused.
        assert!(lines <= 4000, "{method}: {lines} lines");
    }
}
