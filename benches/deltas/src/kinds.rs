//! The plugins that are measured: guests of `cargo xtask guests`, and `benches/counter`, which is built by itself.
//!
//! None answers what others say: ten plugins that do hear ten answers to every delta, and what is measured then
//! grows with the square of their number. `anchor_watch` does, and is here to show it.

use serde_json::{Value, json};

use crate::boat::Kind;

/// Name, guest, members of package.json, configuration.
type Row = (&'static str, &'static str, fn() -> Value, fn() -> Value);

const COUNTER: &str = "benches/counter/target/wasm32-wasip1/release/counter";

/// The same with the feature `values`.
const VALUES: &str = "benches/counter/target/values/wasm32-wasip1/release/counter";

const ALL: &[Row] = &[
    // Buffer ABI, the usual libraries: each delta into borrowing types; into `Value`; one path looked for; not read.
    ("typed", COUNTER, none, || read("typed")),
    ("value", COUNTER, none, || read("value")),
    ("text", COUNTER, none, || read("text")),
    ("nothing", COUNTER, none, || read("nothing")),
    ("typed-miss", COUNTER, || filter("electrical.*"), || read("typed")),
    // Values without JSON, by `values_handler`: all four looked at; one of them; none.
    ("values", VALUES, none, || read("typed")),
    ("values-one", VALUES, || filter("navigation.speedOverGround"), || read("typed")),
    ("values-miss", VALUES, || filter("electrical.*"), || read("typed")),
    // The same with our kit; in AssemblyScript; in C. (Go waits for a clock that moves while it runs.)
    ("kit-values", "target/guests/buffer_values", none, none),
    ("as-values", "target/guests/as_values", none, none),
    ("as-values-one", "target/guests/as_values", || filter("navigation.speedOverGround"), none),
    ("as-values-miss", "target/guests/as_values", || filter("electrical.*"), none),
    ("c-values", "target/guests/c_values", none, none),
    // AssemblyScript: each delta as JSON; one path looked for; not read.
    ("as-value", "target/guests/as_counter", none, || read("value")),
    ("as-text", "target/guests/as_counter", none, || read("text")),
    ("as-nothing", "target/guests/as_counter", none, || read("nothing")),
    // The example in AssemblyScript: looks for a text in each delta.
    ("as", "target/guests/shallow_water", none, none),
    ("as-miss", "target/guests/shallow_water", || filter("electrical.*"), none),
    // Buffer ABI, our kit: each delta becomes a typed `Delta` in the guest. Every position is answered.
    ("answers", "target/guests/anchor_watch", none, none),
    ("answers-miss", "target/guests/anchor_watch", || filter("electrical.*"), none),
    // JSON-RPC, our kit: every value; one of four; none.
    ("rpc", "target/guests/signalk_taker", none, || paths(&["*"])),
    ("rpc-one", "target/guests/signalk_taker", none, || paths(&["navigation.speedOverGround"])),
    ("rpc-miss", "target/guests/signalk_taker", none, || paths(&["electrical.*"])),
    // A delta input handler, which is asked about every delta before it is in the model, and about none.
    ("input", "target/guests/signalk_correct", input, || correct("navigation.speedOverGround")),
    ("input-miss", "target/guests/signalk_correct", input, || correct("electrical.voltage")),
];

pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, ..)| *name)
}

/// One of the table; or a file of the buffer ABI, with what its package or its configuration says if that is
/// not nothing: `path/plugin.wasm`, `path/plugin.wasm-miss`, `path/plugin.wasm=typed`.
pub fn kind(name: &str) -> Kind {
    if let Some((_, guest, package, options)) = ALL.iter().find(|(known, ..)| *known == name) {
        let file = format!("{}/../../{guest}.wasm", env!("CARGO_MANIFEST_DIR"));
        return Kind { wasm: file_of(&file), package: package(), options: options() };
    }
    if let Some((file, how)) = name.split_once('=') {
        return Kind { wasm: file_of(file), package: none(), options: read(how) };
    }
    let (file, package) = match name.strip_suffix("-miss") {
        Some(file) => (file, filter("electrical.*")),
        None => (name, none()),
    };
    Kind { wasm: file_of(file), package, options: none() }
}

fn file_of(file: &str) -> Vec<u8> {
    let remedy = "run `cargo xtask guests`, or build benches/counter";
    std::fs::read(file).unwrap_or_else(|error| panic!("{file}: {error}; {remedy}"))
}

fn none() -> Value {
    json!({})
}

/// Of the counters: they report seldom, and share a name, so that what they say is taken for the same.
fn read(how: &str) -> Value {
    json!({ "name": "counter", "read": how, "every": 100_000, "mark": 0 })
}

fn filter(path: &str) -> Value {
    json!({ "signalk": { "wasmSubscribe": [path] } })
}

fn input() -> Value {
    json!({ "wasmCapabilities": { "deltaInputHandler": true } })
}

fn correct(path: &str) -> Value {
    json!({ "path": path, "offset": 0.1 })
}

fn paths(paths: &[&str]) -> Value {
    json!({ "paths": paths })
}
