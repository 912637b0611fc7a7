//! The core as `wasm32-unknown-unknown`: it must ask nothing of its surroundings.
//!
//! `tests/core-in-wasm` is a program over the whole core: the demo boat with plugins
//! in virtual time. It runs natively and under WASI in Node, which must agree to
//! the letter, fuel included; then with an empty import object.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use wasmparser::{Parser, Payload};

use crate::{guests, process, toolchain};

pub(crate) const PROGRAM: &str = "core-in-wasm";
const PROFILE: &str = "portable";
const BARE: &str = "wasm32-unknown-unknown";

pub(crate) fn run() -> Result<()> {
    guests::build()?;
    let native = process::output(&mut with_guests(process::cargo(&["run", "-q", "-p", PROGRAM])))?;
    eprint!("{native}");
    let in_node = process::output(&mut with_guests(toolchain::wasi_cargo(&[
        "run",
        "-q",
        "--profile",
        PROFILE,
        "-p",
        PROGRAM,
    ])?))?;
    if native != in_node {
        bail!("the same run came out otherwise as WebAssembly:\n{in_node}");
    }
    let path = build_bare()?;
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let imports = imports(&bytes)?;
    if !imports.is_empty() {
        bail!("the core imports {} when built for the browser", imports.join(", "));
    }
    eprintln!("xtask: {PROGRAM} imports nothing, {} KiB", bytes.len() / 1024);
    let runner = process::root().join("toolchain/run-bare.mjs");
    process::run(Command::new("node").arg(runner).arg(path))
}

fn build_bare() -> Result<PathBuf> {
    process::run(&mut with_guests(toolchain::wasm_cargo(&[
        "build",
        "--profile",
        PROFILE,
        "--target",
        BARE,
        "-p",
        PROGRAM,
    ])?))?;
    Ok(process::target_dir().join(BARE).join(PROFILE).join(PROGRAM).with_extension("wasm"))
}

/// The plugins of the run are part of the program: a bare one can read no file.
fn with_guests(mut cargo: Command) -> Command {
    cargo.env("GUESTS", process::target_dir().join("guests"));
    cargo
}

fn imports(bytes: &[u8]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        if let Payload::ImportSection(section) = payload? {
            for import in section.into_imports() {
                let import = import?;
                names.push(format!("{}.{}", import.module, import.name));
            }
        }
    }
    Ok(names)
}
