//! The plugins that are measured. `cargo xtask guests` builds them.

use serde_json::{Value, json};

use crate::boat::Kind;

/// Name, guest, members of package.json, configuration.
type Row = (&'static str, &'static str, fn() -> Value, fn() -> Value);

const ALL: &[Row] = &[
    // Our kit, buffer ABI: each delta becomes a typed `Delta` in the guest.
    ("buffer", "anchor_watch", none, none),
    ("buffer-miss", "anchor_watch", || filter("electrical.*"), none),
    // AssemblyScript: looks for a text in each delta.
    ("as", "shallow_water", none, none),
    ("as-miss", "shallow_water", || filter("electrical.*"), none),
    // JSON-RPC, our kit: every value; one of four; none.
    ("rpc", "signalk_taker", none, || paths(&["*"])),
    ("rpc-one", "signalk_taker", none, || paths(&["navigation.speedOverGround"])),
    ("rpc-miss", "signalk_taker", none, || paths(&["electrical.*"])),
];

pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, ..)| *name)
}

/// One of the table, or a file of the buffer ABI: `path/plugin.wasm`, `path/plugin.wasm-miss`.
pub fn kind(name: &str) -> Kind {
    if let Some((_, guest, package, options)) = ALL.iter().find(|(known, ..)| *known == name) {
        let file = format!("{}/../../target/guests/{guest}.wasm", env!("CARGO_MANIFEST_DIR"));
        return Kind { wasm: read(&file), package: package(), options: options() };
    }
    let (file, package) = match name.strip_suffix("-miss") {
        Some(file) => (file, filter("electrical.*")),
        None => (name, none()),
    };
    Kind { wasm: read(file), package, options: none() }
}

fn read(file: &str) -> Vec<u8> {
    std::fs::read(file).unwrap_or_else(|error| panic!("{file}: {error}; run `cargo xtask guests`"))
}

fn none() -> Value {
    json!({})
}

fn filter(path: &str) -> Value {
    json!({ "signalk": { "wasmSubscribe": [path] } })
}

fn paths(paths: &[&str]) -> Value {
    json!({ "paths": paths })
}
