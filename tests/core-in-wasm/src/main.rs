//! Ten minutes at sea with a useful plugin and a hostile one, in virtual time.
//!
//! `cargo xtask wasm-imports` builds this natively, for `wasm32-wasip1` and for
//! `wasm32-unknown-unknown`. The first two print what happened and must agree to
//! the letter, fuel included; the third must link without a single import.

use std::process::ExitCode;
use std::time::Duration;

use signalk_core::{Config, ConnectionConfig, ConnectionKind, Endpoint};
use workspace_tests::Sim;

const DERIVED_DATA: &[u8] = include_bytes!(concat!(env!("GUESTS"), "/derived-data.wasm"));
const CRASHES: &[u8] = include_bytes!(concat!(env!("GUESTS"), "/signalk_crash_on_delta.wasm"));

const VOYAGE: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    let mut sim = Sim::with_config(Config {
        connections: vec![ConnectionConfig {
            label: "demo".into(),
            kind: ConnectionKind::Nmea0183,
            endpoint: Endpoint::Demo { seed: 1 },
            enabled: true,
        }],
        ..Config::default()
    });
    sim.install(&manifest("derived-data"), DERIVED_DATA);
    sim.install(&manifest("crashes"), CRASHES);
    let client = sim.open("/signalk/v1/stream?subscribe=all");
    let (mut frames, mut hash) = (0_usize, FNV_OFFSET);
    let begun = sim.now();
    while sim.now() - begun < VOYAGE {
        sim.advance(Duration::from_secs(1));
        for frame in sim.heard(client) {
            frames += 1;
            hash = frame.bytes().fold(hash, fnv);
        }
    }
    let position = sim.get_json("/signalk/v1/api/vessels/self/navigation/position/value");
    let wind = sim.get_json("/signalk/v1/api/vessels/self/environment/wind/speedTrue/value");
    let status = sim.get_json("/signalk-host/status");
    println!("{frames} frames, hash {hash:016x}");
    println!("position {position}, true wind {wind}");
    for id in ["derived-data", "crashes"] {
        let plugin = &status["plugins"][id];
        println!(
            "{id}: {}, fuel {}, restarts {}",
            plugin["state"], plugin["fuelUsed"], plugin["restarts"]
        );
    }
    let sailed = frames > 1000 && position["latitude"].is_f64() && wind.is_number();
    let stopped = status["plugins"]["crashes"]["state"] == "error";
    if sailed && stopped { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn manifest(name: &str) -> String {
    format!(
        r#"{{"name":"{name}","version":"1.0.0","keywords":["signalk-wasm-plugin"],"wasmManifest":"plugin.wasm","wasmInterface":"json-rpc","wasmCapabilities":{{"dataRead":true,"dataWrite":true}},"signalk-plugin-enabled-by-default":true}}"#
    )
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}
