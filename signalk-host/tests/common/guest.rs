//! A server with one guest or several as its plugins, as `cargo xtask guests` built it.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{Host, eventually};

/// A package with one guest.
pub(crate) struct Package<'a> {
    pub(crate) id: &'a str,
    /// `signalk_...` (by JSON-RPC) or another (by its exports).
    pub(crate) guest: &'a str,
    pub(crate) capabilities: Value,
    /// The options file.
    pub(crate) options: Value,
}

impl Package<'_> {
    fn install(&self, config: &Path) {
        let Package { id, guest, capabilities, options } = self;
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests").join(guest);
        let mut manifest = json!({
            "name": id, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"], "wasmManifest": "plugin.wasm",
            "wasmCapabilities": capabilities,
        });
        if guest.starts_with("signalk_") {
            manifest["wasmInterface"] = "json-rpc".into();
        }
        let folder = config.join("node_modules").join(id);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(built.with_extension("wasm"), folder.join("plugin.wasm"))
            .expect("run `cargo xtask guests`");
        fs::write(folder.join("package.json"), manifest.to_string()).unwrap();
        let folder = config.join("plugin-config-data");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{id}.json")), options.to_string()).unwrap();
    }
}

/// A server with these.
pub(crate) fn hosts(packages: &[Package<'_>]) -> Host {
    Host::start_with(&[], &[], |config| packages.iter().for_each(|package| package.install(config)))
}

/// A server with this guest as its only plugin, with this options file.
pub(crate) fn host(
    id: &str,
    guest: &str,
    capabilities: &Value,
    options: &Value,
    env: &[(&str, &str)],
) -> Host {
    let (capabilities, options) = (capabilities.clone(), options.clone());
    let package = Package { id, guest, capabilities, options };
    Host::start_with(&[], env, |config| package.install(config))
}

/// [`host`] whose plugin runs.
pub(crate) fn running(id: &str, guest: &str, capabilities: &Value, options: &Value) -> Host {
    let host = host(id, guest, capabilities, options, &[]);
    let runs = || {
        let status = host.json("/signalk-host/status")["plugins"][id].clone();
        (status["state"] == "running").then_some(())
    };
    eventually("the plugin to run", runs, || host.log());
    host
}
