//! Real plugins in whole runs: they get values and give values, are configured by their owner, and a hostile one harms
//! nobody. The guests are built by `cargo xtask guests`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use serde_json::{Value, json};
use workspace_tests::Sim;

const SPEED: &str = "/signalk/v1/api/vessels/self/navigation/speedOverGround/value";

fn guest(name: &str) -> Vec<u8> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join("target/guests").join(format!("{name}.wasm"));
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask guests`", path.display()))
}

fn install(sim: &mut Sim, name: &str) {
    let package = json!({
        "name": name, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"],
        "wasmManifest": "plugin.wasm", "wasmInterface": "json-rpc",
        "wasmCapabilities": { "dataRead": true, "dataWrite": true },
        "signalk-plugin-enabled-by-default": true,
    });
    sim.install(&package.to_string(), &guest(name));
    sim.advance(Duration::from_millis(100));
}

fn speed(sim: &mut Sim, value: f64) {
    let feed = sim.open("/signalk/v1/stream?subscribe=none");
    let delta = json!({ "updates": [{ "$source": "feed", "values": [{ "path": "navigation.speedOverGround", "value": value }] }] });
    sim.say(feed, &delta.to_string());
    sim.leave(feed);
    sim.advance(Duration::from_millis(50));
}

fn state(sim: &mut Sim, id: &str) -> Value {
    sim.get_json("/signalk-host/status")["plugins"][id].clone()
}

const HELLO: [(&str, &str); 2] = [
    ("rust", include_str!("../../examples/hello/src/lib.rs")),
    ("json", include_str!("../../examples/hello/package.json")),
];

#[test]
fn the_first_plugin_of_the_readme_is_the_example_and_works() {
    let readme = include_str!("../../README.md");
    for (language, text) in HELLO {
        let block = format!("```{language}\n{text}```\n");
        assert!(readme.contains(&block), "README.md has not the {language} of examples/hello");
    }
    let mut sim = Sim::with_vessel("230099999", "A");
    sim.install(HELLO[1].1, &guest("hello"));
    sim.advance(Duration::from_millis(100));
    speed(&mut sim, 3.12);
    sim.advance(Duration::from_millis(100));
    let diagnostics = sim.get_json("/plugins/hello/diagnostics");
    assert_eq!(diagnostics["statusMessage"], "Under way at 3.1 m/s", "{diagnostics:#}");
}

#[test]
fn a_plugin_hears_a_value_and_says_another() {
    let mut sim = Sim::with_vessel("230099999", "A");
    install(&mut sim, "signalk_speed_logger");
    assert_eq!(state(&mut sim, "signalk_speed_logger")["state"], "running", "{:#?}", sim.log);
    let listener = sim.open("/signalk/v1/stream?subscribe=none");
    sim.say(listener, r#"{"context":"vessels.self","subscribe":[{"path":"test.*"}]}"#);
    speed(&mut sim, 3.1);
    speed(&mut sim, 3.2);
    let heard: Vec<Value> =
        sim.heard(listener)[1..].iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let values: Vec<&Value> =
        heard.iter().map(|delta| &delta["updates"][0]["values"][0]["value"]).collect();
    assert_eq!(
        values,
        [&json!({ "speed": 3.1, "count": 1 }), &json!({ "speed": 3.2, "count": 2 })]
    );
    assert_eq!(heard[0]["updates"][0]["$source"], "signalk_speed_logger");
    assert_eq!(state(&mut sim, "signalk_speed_logger")["statusMessage"], "logging");
}

#[test]
fn the_owner_switches_a_plugin_off_and_on_again() {
    let mut sim = Sim::with_vessel("230099999", "A");
    install(&mut sim, "signalk_speed_logger");
    let events = sim.open("/signalk/v1/stream?subscribe=none&serverevents=all");
    for (enabled, expected) in [(false, "stopped"), (true, "running")] {
        let body = json!({ "enabled": enabled, "configuration": {} }).to_string();
        let answer =
            sim.request("POST", "/skServer/plugins/signalk_speed_logger/config", &[], &body);
        assert_eq!(&answer.body[..], b"\"Saved configuration for plugin signalk_speed_logger\"");
        sim.advance(Duration::from_secs(1));
        let state = state(&mut sim, "signalk_speed_logger");
        assert_eq!(
            (&state["enabled"], &state["state"]),
            (&json!(enabled), &json!(expected)),
            "{state:#}"
        );
        let saved: Value =
            serde_json::from_str(&sim.files["plugin-config-data/signalk_speed_logger.json"])
                .unwrap();
        assert_eq!(saved["enabled"], enabled);
        assert!(sim.heard(events).iter().any(|text| text.contains("PLUGINS_CHANGED")));
    }
}

#[test]
fn a_plugin_that_crashes_is_named_and_the_others_go_on() {
    let mut sim = Sim::with_vessel("230099999", "A");
    install(&mut sim, "signalk_crash_on_delta");
    install(&mut sim, "signalk_speed_logger");
    for n in 0..10 {
        speed(&mut sim, f64::from(n));
        sim.advance(Duration::from_secs(5));
    }
    assert_eq!(sim.get_json(SPEED), 9);
    assert_eq!(sim.get_json("/signalk/v1/api/vessels/self/test/speed/value/count"), 10);
    let crashed = state(&mut sim, "signalk_crash_on_delta");
    assert_ne!(crashed["state"], "running");
    assert!(crashed["lastError"].to_string().contains("trapped"), "{crashed:#}");
    assert_eq!(state(&mut sim, "signalk_speed_logger")["state"], "running");
}

#[test]
fn a_plugin_that_computes_for_ever_delays_no_value_and_is_ended() {
    let mut sim = Sim::with_vessel("230099999", "A");
    install(&mut sim, "signalk_speed_logger");
    install(&mut sim, "signalk_spin_on_delta");
    speed(&mut sim, 1.0);
    assert_eq!(sim.get_json(SPEED), 1);
    sim.advance(Duration::from_secs(60));
    assert_eq!(sim.get_json("/signalk/v1/api/vessels/self/test/speed/value/count"), 1);
    let spinning = state(&mut sim, "signalk_spin_on_delta");
    assert!(!spinning["lastError"].is_null(), "{spinning:#}");
}
