//! A server with one guest as its plugin, as `cargo xtask guests` built it.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::Host;

/// The guest `signalk_...` (by JSON-RPC) or another (by its exports) as plugin `id`, with this options file.
pub(crate) fn host(
    id: &str,
    guest: &str,
    capabilities: &Value,
    options: &Value,
    env: &[(&str, &str)],
) -> Host {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests").join(guest);
    let mut manifest = json!({
        "name": id, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"], "wasmManifest": "plugin.wasm",
        "wasmCapabilities": capabilities,
    });
    if guest.starts_with("signalk_") {
        manifest["wasmInterface"] = "json-rpc".into();
    }
    Host::start_with(&[], env, |config| {
        let folder = config.join("node_modules").join(id);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(built.with_extension("wasm"), folder.join("plugin.wasm"))
            .expect("run `cargo xtask guests`");
        fs::write(folder.join("package.json"), manifest.to_string()).unwrap();
        let folder = config.join("plugin-config-data");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{id}.json")), options.to_string()).unwrap();
    })
}
