//! The process is killed at any moment while a plugin's options are saved: afterwards they are the old ones or the new
//! ones, never empty or mixed, and never older than what was answered.
//!
//! What this proves is the order: a new file beside the old one, then one rename, then the answer. What it cannot prove
//! is that the bytes are on the disk when the power goes: the system keeps what a killed process has written. That
//! rests on the fsync of each file and folder in `src/disk.rs`, and on a disk that tells the truth about it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{fs, path::Path};

use common::{Host, try_http};
use serde_json::{Value, json};

/// A night run sets 500.
fn cuts() -> u64 {
    std::env::var("SIGNALK_POWER_CUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(15)
}

#[test]
fn options_survive_a_kill_at_any_moment() {
    let plugin = tempfile::tempdir().unwrap();
    let package = json!({ "name": "anchor", "version": "1.0.0", "keywords": ["signalk-wasm-plugin"], "wasmManifest": "none.wasm" });
    fs::write(plugin.path().join("package.json"), package.to_string()).unwrap();
    let config = tempfile::tempdir().unwrap();
    let saved = config.path().join("plugin-config-data/anchor.json");
    let (mut acknowledged, mut answered) = (0, 0);
    for cut in 0..cuts() {
        let before = acknowledged;
        acknowledged = save_until_cut(config.path(), plugin.path(), cut, before);
        answered += acknowledged - before;
        if acknowledged == 0 && !saved.exists() {
            continue;
        }
        let text = fs::read_to_string(&saved).unwrap();
        let options: Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("cut {cut}: {error}: {text}"));
        let radius = options["configuration"]["radius"].as_u64().unwrap();
        assert!(
            radius == acknowledged || radius == acknowledged + 1,
            "cut {cut}: {radius}, acknowledged {acknowledged}"
        );
        let ballast = options["configuration"]["ballast"].as_str().unwrap();
        assert!(ballast.len() == 20_000 && ballast.bytes().all(|byte| byte == b'x'), "cut {cut}");
        acknowledged = radius;
    }
    assert!(answered > 0, "no save was answered before its kill: this has proved nothing");
}

/// Saves one radius after the other until the process is killed after a few of them; the last one that was answered.
fn save_until_cut(config: &Path, plugin: &Path, cut: u64, before: u64) -> u64 {
    let host = Host::start_in(config, &["--plugin", plugin.to_str().unwrap()]);
    host.json("/skServer/plugins/anchor");
    let ballast = "x".repeat(20_000);
    let mut acknowledged = before;
    // Spread over the first milliseconds of a save, whatever a save takes here.
    let killer =
        host.kill_after(std::time::Duration::from_micros(500 + cut.wrapping_mul(7919) % 20_000));
    loop {
        let options = json!({ "enabled": false, "configuration": { "radius": acknowledged + 1, "ballast": ballast } });
        let body = options.to_string();
        let headers = &["Content-Type: application/json"];
        let path = "/skServer/plugins/anchor/config";
        match try_http(&host.address, "POST", path, headers, body.as_bytes()) {
            Some(answer) if answer.status == 200 => acknowledged += 1,
            _ => break,
        }
    }
    killer.join().unwrap();
    acknowledged
}
