//! The WebAssembly targets: found, or installed by `toolchain/install-rust-targets`.

use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Result, bail};

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
