//! A configuration directory with the same plugin many times over, for either server: what one more
//! plugin costs is measured by starting a server on directories that differ only in their number.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

#[derive(Args)]
pub struct Options {
    /// The directory that is written; what is there stays.
    #[arg(long)]
    config: PathBuf,
    /// The package to copy: a folder with package.json and a module.
    #[arg(long)]
    package: PathBuf,
    /// How many.
    #[arg(long)]
    count: usize,
}

/// Copies the package under names of its own, enables each, and leaves out what narrows the deltas
/// that it hears, because not every server looks at that.
pub fn run(options: &Options) -> Result<()> {
    let text = fs::read_to_string(options.package.join("package.json"))
        .with_context(|| format!("{}: no package.json", options.package.display()))?;
    let package: Value = serde_json::from_str(&text).context("package.json is not JSON")?;
    let wasm = package["wasmManifest"].as_str().context("package.json: no wasmManifest")?;
    let data = options.config.join("plugin-config-data");
    fs::create_dir_all(&data)?;
    for number in 1..=options.count {
        let name = format!("bench-plugin-{number}");
        let folder = options.config.join("node_modules").join(&name);
        let module = folder.join(wasm);
        fs::create_dir_all(module.parent().unwrap_or(&folder))?;
        fs::copy(options.package.join(wasm), &module)?;
        let mut own = package.clone();
        own["name"] = json!(name);
        own["keywords"] = json!(["signalk-wasm-plugin", "signalk-node-server-plugin"]);
        if let Some(signalk) = own["signalk"].as_object_mut() {
            signalk.remove("wasmSubscribe");
            signalk.insert("displayName".to_owned(), json!(name));
        }
        fs::write(folder.join("package.json"), serde_json::to_vec_pretty(&own)?)?;
        let enabled = json!({ "enabled": true, "enableDebug": false, "configuration": {} });
        fs::write(data.join(format!("{name}.json")), serde_json::to_vec_pretty(&enabled)?)?;
    }
    println!("{} packages in {}", options.count, options.config.display());
    Ok(())
}
