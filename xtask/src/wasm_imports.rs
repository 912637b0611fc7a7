//! The core as `wasm32-unknown-unknown`: it must ask nothing of its surroundings.
//!
//! `tests/core-in-wasm` is a program over the whole core. It is linked, its
//! imports are read, and it runs in Node with an empty import object: an hour of
//! the demo boat, with a plugin, in virtual time.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use wasmparser::{Parser, Payload};

use crate::{process, toolchain};

const PROGRAM: &str = "core-in-wasm";

pub(crate) fn run() -> Result<()> {
    process::run(&mut toolchain::wasm_cargo(&[
        "build",
        "--profile",
        "guest",
        "--target",
        "wasm32-unknown-unknown",
        "-p",
        PROGRAM,
    ])?)?;
    let path = process::target_dir()
        .join("wasm32-unknown-unknown/guest")
        .join(PROGRAM)
        .with_extension("wasm");
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let imports = imports(&bytes)?;
    if !imports.is_empty() {
        bail!("the core imports {} when built for the browser", imports.join(", "));
    }
    eprintln!("xtask: {PROGRAM} imports nothing, {} KiB", bytes.len() / 1024);
    process::run(Command::new("node").arg(process::root().join("toolchain/run-bare.mjs")).arg(path))
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
