//! What the guests of `examples/` share. They speak the buffer ABI of signalk-server as plugins in
//! the field do: exports and imports written out, `wasmi-pdk` not used, so that the host is tested
//! with a second opinion of what the ABI is.
//!
//! `imports.rs` has every import by its name, `abi.rs` what crosses the border, `script.rs` a list of
//! calls from a configuration, `world.rs` what Rust's standard library asks of WASI.

pub mod abi;
pub mod imports;
pub mod script;
mod world;

use serde_json::{Value, json};

/// What `plugin_id`, `plugin_name` and `plugin_schema` answer, for a plugin without options.
#[must_use]
pub fn described(export: &str, id: &str, name: &str) -> String {
    match export {
        "plugin_id" => id.to_owned(),
        "plugin_name" => name.to_owned(),
        _ => r#"{"type":"object","properties":{}}"#.to_owned(),
    }
}

/// Sends one value of the own vessel.
pub fn emit_value(path: &str, value: &Value) {
    let delta = json!({ "updates": [{ "values": [{ "path": path, "value": value }] }] });
    abi::emit(&delta.to_string());
}
