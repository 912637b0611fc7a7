//! The core as `wasm32-unknown-unknown`: it must ask nothing of its surroundings.
//!
//! `tests/core-in-wasm` is a program over the whole core: the demo boat with plugins
//! in virtual time. It runs natively and under WASI in Node, which must agree to
//! the letter, fuel included; then with an empty import object.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use crate::{guests, process, toolchain};

pub(crate) const PROGRAM: &str = "core-in-wasm";

pub(crate) fn run() -> Result<()> {
    guests::build()?;
    let native = process::output(&mut with_guests(process::cargo(&["run", "-q", "-p", PROGRAM])))?;
    eprint!("{native}");
    let in_node = process::output(&mut with_guests(toolchain::wasi_cargo(&[
        "run",
        "-q",
        "--profile",
        toolchain::PORTABLE,
        "-p",
        PROGRAM,
    ])?))?;
    if native != in_node {
        bail!("the same run came out otherwise as WebAssembly:\n{in_node}");
    }
    let path = toolchain::build_bare(PROGRAM)?;
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let imports = imports(&bytes)?;
    if !imports.is_empty() {
        bail!("the core imports {} when built for the browser", imports.join(", "));
    }
    without_tail_calls(&bytes)?;
    eprintln!("xtask: {PROGRAM} imports nothing, {} KiB", bytes.len() / 1024);
    let runner = process::root().join("toolchain/run-bare.mjs");
    process::run(Command::new("node").arg(runner).arg(path))
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

/// Trap 3 of the engine (`tidy/traps.rs`), also when a caller's RUSTFLAGS asked for it.
fn without_tail_calls(bytes: &[u8]) -> Result<()> {
    let features = WasmFeatures::default().difference(WasmFeatures::TAIL_CALL);
    let validated = Validator::new_with_features(features).validate_all(bytes);
    validated.map(drop).context(
        "with tail calls a guest's loop overflows the stack of a browser: leave them out of RUSTFLAGS",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_with_tail_calls_is_refused() {
        let module = |body: &str| wat::parse_str(format!("(module (func $f {body}))")).unwrap();
        assert!(without_tail_calls(&module("(call $f)")).is_ok());
        let error = without_tail_calls(&module("(return_call $f)")).unwrap_err();
        assert!(format!("{error:#}").contains("tail calls"), "{error:#}");
    }
}
