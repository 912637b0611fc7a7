//! Compilers for WebAssembly: found, or installed. Rust's targets by `toolchain/install-rust-targets`,
//! those for guests in Go and C by `toolchain/install-guest-tools`, AssemblyScript's by npm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

use crate::process;

/// A cargo call with the toolchain that has the WebAssembly targets.
///
/// Where rustup cannot download them this is Debian's compiler, so nothing that
/// needs clippy or rustfmt may go through here.
pub(crate) fn wasm_cargo(arguments: &[&str]) -> Result<Command> {
    let mut command = process::cargo(arguments);
    let name = wasm_toolchain()?;
    if name != "system" {
        command.env("RUSTUP_TOOLCHAIN", name);
    }
    Ok(command)
}

/// A cargo call for `wasm32-wasip1` whose programs run in Node.
pub(crate) fn wasi_cargo(arguments: &[&str]) -> Result<Command> {
    let mut command = wasm_cargo(arguments)?;
    let runner = format!("node {}", process::root().join("toolchain/wasi-run.mjs").display());
    command.args(["--target", "wasm32-wasip1"]).env("CARGO_TARGET_WASM32_WASIP1_RUNNER", runner);
    Ok(command)
}

/// The profile of the host's own crates as WebAssembly.
pub(crate) const PORTABLE: &str = "portable";
const BARE: &str = "wasm32-unknown-unknown";

/// A program of the workspace for a browser: its module.
pub(crate) fn build_bare(program: &str) -> Result<PathBuf> {
    let mut cargo = wasm_cargo(&["build", "--profile", PORTABLE, "--target", BARE, "-p", program])?;
    // Where the plugins are that a program has inside: a bare one can read no file.
    cargo.env("GUESTS", process::target_dir().join("guests"));
    process::run(&mut cargo)?;
    Ok(process::target_dir().join(BARE).join(PORTABLE).join(program).with_extension("wasm"))
}

fn wasm_toolchain() -> Result<&'static str> {
    static NAME: OnceLock<String> = OnceLock::new();
    if let Some(name) = NAME.get() {
        return Ok(name);
    }
    let script = process::root().join("toolchain/install-rust-targets");
    let printed = process::output(Command::new("bash").arg(script))?;
    let name = printed.trim();
    if name.is_empty() {
        bail!("toolchain/install-rust-targets named no toolchain");
    }
    Ok(NAME.get_or_init(|| name.to_owned()))
}

/// The folder with Go and Zig in it.
pub(crate) fn guest_tools() -> Result<PathBuf> {
    let script = process::root().join("toolchain/install-guest-tools");
    let printed = process::output(Command::new("bash").arg(script))?;
    Ok(PathBuf::from(printed.trim()))
}

/// The `node_modules` of a folder, as its `package-lock.json` wants it.
pub(crate) fn node_modules(folder: &Path) -> Result<PathBuf> {
    let modules = folder.join("node_modules");
    let installed = modules.join(".installed-from");
    let lock = fs::read(folder.join("package-lock.json"))
        .with_context(|| format!("{} has no package-lock.json", folder.display()))?;
    if fs::read(&installed).is_ok_and(|from| from == lock) {
        return Ok(modules);
    }
    for program in ["node", "npm"] {
        if !process::has_program(program) {
            bail!("no `{program}` found: install Node.js 20 or newer");
        }
    }
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
    process::run(&mut npm)?;
    fs::write(&installed, lock)?;
    Ok(modules)
}
