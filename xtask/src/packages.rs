//! Lays out the example plugins as packages a server can load: `target/plugins/<name>`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process;

/// An example that is a complete plugin: folder of the source, name of the built module.
type Plugin = (&'static str, &'static str);

/// What `cargo xtask demo` shows: cargo alone builds it.
pub(crate) const RUST: [Plugin; 2] =
    [("derived-data", "derived_data"), ("anchor-watch", "anchor_watch")];

/// In AssemblyScript.
pub(crate) const ASSEMBLYSCRIPT: [Plugin; 1] = [("shallow-water", "shallow_water")];
/// In C.
pub(crate) const C: [Plugin; 1] = [("bilge-pump", "bilge_pump")];
/// In Go.
pub(crate) const GO: [Plugin; 1] = [("trip-log", "trip_log")];

/// The folders of the example packages in Rust.
pub(crate) fn folders() -> Vec<PathBuf> {
    RUST.iter().map(folder).collect()
}

fn folder((name, _): &Plugin) -> PathBuf {
    process::target_dir().join("plugins").join(name)
}

/// Copies manifest and module of each example into its package folder.
pub(crate) fn lay_out(guests: &Path, plugins: &[Plugin]) -> Result<()> {
    for plugin @ (source, module) in plugins {
        let package = folder(plugin);
        let manifest = process::root().join("examples").join(source).join("package.json");
        let text = fs::read_to_string(&manifest)
            .with_context(|| format!("cannot read {}", manifest.display()))?;
        let value: serde_json::Value = serde_json::from_str(&text)
            .with_context(|| format!("{} is not JSON", manifest.display()))?;
        let Some(wasm) = value["wasmManifest"].as_str() else {
            bail!("{}: `wasmManifest` is missing", manifest.display());
        };
        let target = package.join(wasm);
        let parent = target.parent().unwrap_or(&package);
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        fs::write(package.join("package.json"), &text)?;
        let built = built_module(guests, source, module)?;
        fs::copy(&built, &target).with_context(|| format!("cannot copy {}", built.display()))?;
    }
    Ok(())
}

/// A library's file has underscores where a program's keeps the hyphens of its name.
fn built_module(guests: &Path, program: &str, library: &str) -> Result<PathBuf> {
    let names = [program, library].map(|name| guests.join(name).with_extension("wasm"));
    match names.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => bail!("neither {} nor {} was built", names[0].display(), names[1].display()),
    }
}
