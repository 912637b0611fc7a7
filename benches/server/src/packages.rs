//! A configuration directory with the same plugin many times over, for either server: what one more
//! plugin costs is measured by starting a server on directories that differ only in their number.

use std::fs;
use std::path::{Path, PathBuf};

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

pub fn run(options: &Options) -> Result<()> {
    lay_out(
        &options.config,
        &options.package,
        options.count,
        |_| json!({ "enabled": true, "enableDebug": false, "configuration": {} }),
    )?;
    println!("{} packages in {}", options.count, options.config.display());
    Ok(())
}

/// Copies the package under names of its own, configures each, and leaves out what narrows the deltas
/// that it hears, because not every server looks at that.
pub fn lay_out(
    config: &Path,
    package: &Path,
    count: usize,
    configured: impl Fn(usize) -> Value,
) -> Result<()> {
    let text = fs::read_to_string(package.join("package.json"))
        .with_context(|| format!("{}: no package.json", package.display()))?;
    let described: Value = serde_json::from_str(&text).context("package.json is not JSON")?;
    let wasm = described["wasmManifest"].as_str().context("package.json: no wasmManifest")?;
    let data = config.join("plugin-config-data");
    fs::create_dir_all(&data)?;
    for number in 1..=count {
        let name = format!("bench-plugin-{number}");
        let folder = config.join("node_modules").join(&name);
        let module = folder.join(wasm);
        fs::create_dir_all(module.parent().unwrap_or(&folder))?;
        fs::copy(package.join(wasm), &module)
            .with_context(|| format!("{}: no {wasm}", package.display()))?;
        let mut own = described.clone();
        own["name"] = json!(name);
        own["keywords"] = json!(["signalk-wasm-plugin", "signalk-node-server-plugin"]);
        if let Some(signalk) = own["signalk"].as_object_mut() {
            signalk.remove("wasmSubscribe");
            signalk.insert("displayName".to_owned(), json!(name));
        }
        fs::write(folder.join("package.json"), serde_json::to_vec_pretty(&own)?)?;
        fs::write(
            data.join(format!("{name}.json")),
            serde_json::to_vec_pretty(&configured(number))?,
        )?;
    }
    Ok(())
}
