//! Every guest of `test-plugin` beside a plugin that works, in the whole server: whatever it does, the values flow, the
//! neighbour hears each of them, and what went wrong is said under the guest's own name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use signalk_core::{Config, Limits};
use workspace_tests::Sim;

const NEIGHBOUR: &str = "signalk_speed_logger";
const SPEED: &str = "/signalk/v1/api/vessels/self/navigation/speedOverGround/value";
const HEARD: &str = "/signalk/v1/api/vessels/self/test/speed/value/count";
const VALUES: u32 = 40;

/// Guests that do harm by themselves; the others wait for a call that a server never makes (`wasmi-hdk/tests` makes it).
const MUST_END: [&str; 18] = [
    "import_unknown_called",
    "initialize_spins",
    "memory_four_gib_minimum",
    "memory_grow_loop",
    "memory_grow_two_million",
    "no_exports",
    "no_memory",
    "poll_spins",
    "poll_wrong_type",
    "rpc_closes_stdout",
    "rpc_garbage_for_ever",
    "signalk_crash_on_delta",
    "signalk_fails_to_start",
    "signalk_spin_on_delta",
    "stack_recurse_frames",
    "start_section_spins",
    "table_grow_loop",
    "table_grow_two_million",
];

fn guests() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("target/guests");
    let entries = std::fs::read_dir(&dir)
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask guests`", dir.display()));
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "wasm"))
        .collect();
    found.sort();
    assert!(found.len() > 40, "only {} guests: run `cargo xtask guests`", found.len());
    found
}

fn install(sim: &mut Sim, name: &str, path: &Path) {
    let package = json!({
        "name": name, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"],
        "wasmManifest": "plugin.wasm", "wasmInterface": "json-rpc",
        "signalk-plugin-enabled-by-default": true,
    });
    sim.install(&package.to_string(), &std::fs::read(path).unwrap());
}

/// Budgets a hundredth of the usual ones, so that the loops end while one waits.
fn small() -> Limits {
    Limits {
        call_fuel: Some(20_000_000),
        fuel_burst: 50_000_000,
        memory_bytes: 16 << 20,
        stdin_bytes: 1 << 20,
        ..Limits::default()
    }
}

fn beside(guest: &Path) -> (Value, u64, f64) {
    let name = guest.file_stem().unwrap().to_str().unwrap();
    let mut sim = Sim::with_config(Config { plugin_limits: small(), ..Config::default() });
    let neighbour = guest.with_file_name(NEIGHBOUR).with_extension("wasm");
    install(&mut sim, NEIGHBOUR, &neighbour);
    sim.advance(Duration::from_secs(1));
    if name != NEIGHBOUR {
        install(&mut sim, name, guest);
    }
    let feed = sim.open("/signalk/v1/stream?subscribe=none");
    for value in 1..=VALUES {
        let delta = json!({ "updates": [{ "$source": "feed", "values": [{ "path": "navigation.speedOverGround", "value": value }] }] });
        sim.say(feed, &delta.to_string());
        sim.advance(Duration::from_secs(1));
    }
    let status = sim.get_json("/signalk-host/status")["plugins"][name].clone();
    let heard = sim.get_json(HEARD).as_u64().unwrap_or_default();
    (status, heard, sim.get_json(SPEED).as_f64().unwrap_or_default())
}

#[test]
fn every_guest_leaves_the_server_and_its_neighbour_unharmed_and_is_reported_by_name() {
    let mut faults = Vec::new();
    for guest in guests() {
        let name = guest.file_stem().unwrap().to_string_lossy().into_owned();
        let (status, heard, speed) = beside(&guest);
        if speed.to_bits() != f64::from(VALUES).to_bits() || heard != u64::from(VALUES) {
            faults.push(format!("{name}: data at {speed}, the neighbour heard {heard}"));
        }
        let ended = status["state"] != "running";
        if ended == status["lastError"].is_null() || (!ended && MUST_END.contains(&name.as_str())) {
            faults.push(format!("{name}: {} {}", status["state"], status["lastError"]));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
