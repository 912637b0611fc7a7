//! A correction plugin in a whole server: what the compass says is right before anybody hears of it. The guest is built
//! by `cargo xtask guests`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use signalk_core::{
    Config, ConnectionConfig, ConnectionEvent, ConnectionId, ConnectionKind, Endpoint,
};
use workspace_tests::Sim;

const COMPASS: ConnectionId = ConnectionId(1);
const HEADING: &str = "/signalk/v1/api/vessels/self/navigation/headingMagnetic";

fn with_correction(offset: f64) -> Sim {
    let mut config = Config::default();
    config.connections.push(ConnectionConfig {
        label: "compass".into(),
        kind: ConnectionKind::Nmea0183,
        endpoint: Endpoint::TcpClient { host: "10.0.0.1".into(), port: 10110 },
        enabled: true,
    });
    let options = json!({ "enabled": true, "configuration": { "offset": offset } });
    config.plugin_options.insert("signalk_correct".into(), options.to_string());
    let mut sim = Sim::with_config(config);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join("target/guests/signalk_correct.wasm");
    let wasm = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask guests`", path.display()));
    let package = json!({
        "name": "signalk_correct", "version": "1.0.0", "keywords": ["signalk-wasm-plugin"],
        "wasmManifest": "plugin.wasm", "wasmInterface": "json-rpc",
        "wasmCapabilities": { "deltaInputHandler": true },
    });
    sim.install(&package.to_string(), &wasm);
    sim.advance(Duration::from_millis(100));
    sim.connection(COMPASS, ConnectionEvent::Opened);
    sim
}

/// `$HCHDM` of whole degrees.
fn heading(sim: &mut Sim, degrees: u32) {
    let body = format!("HCHDM,{degrees}.0,M");
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    let line = format!("${body}*{sum:02X}\r\n");
    sim.connection(COMPASS, ConnectionEvent::Bytes(Bytes::from(line)));
}

#[test]
fn a_compass_is_corrected_before_anybody_hears_of_it() {
    let mut sim = with_correction(0.25);
    let listener = sim.open("/signalk/v1/stream?subscribe=self");
    for degrees in 0..20 {
        heading(&mut sim, degrees * 10);
        sim.advance(Duration::from_millis(100));
    }
    let near =
        |found: f64, degrees: u32| (found - (f64::from(degrees).to_radians() + 0.25)).abs() < 1e-3;
    let node = sim.get_json(HEADING);
    assert_eq!(node["$source"], "compass.HC", "{node}");
    assert!(near(node["value"].as_f64().unwrap(), 190), "{node}");
    let heard: Vec<f64> = sim
        .heard(listener)
        .iter()
        .map(|text| serde_json::from_str::<Value>(text).unwrap())
        .flat_map(|delta| delta["updates"].as_array().cloned().unwrap_or_default())
        .filter(|update| update["$source"] == "compass.HC")
        .flat_map(|update| update["values"].as_array().cloned().unwrap_or_default())
        .filter(|entry| entry["path"] == "navigation.headingMagnetic")
        .map(|entry| entry["value"].as_f64().unwrap())
        .collect();
    assert_eq!(heard.len(), 20, "{heard:?}");
    assert!((0..20).zip(&heard).all(|(n, found)| near(*found, n * 10)), "{heard:?}");
    let counters = sim.get_json("/plugins/signalk_correct/diagnostics")["counters"].clone();
    assert_eq!(
        (&counters["inputsChanged"], &counters["inputsSkipped"], &counters["inputFailures"]),
        (&json!(20), &json!(0), &json!(0))
    );
}
