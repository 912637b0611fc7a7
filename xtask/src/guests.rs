//! Builds the guests into `target/guests`: Rust programs, WebAssembly text, AssemblyScript, C and Go.
//!
//! Every guest is built from its source by its real toolchain; none is committed. A language has a
//! file of its own; what has not changed is not built again.

mod assemblyscript;
mod c;
mod fresh;
mod go;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{packages, process, toolchain, wasm_imports};

/// Crates whose programs, libraries and examples are guests.
const CRATES: [&str; 5] = ["test-plugin", "buffer-guests", "hello", "derived-data", "anchor-watch"];

/// A 64 KiB stack instead of 1 MiB: an instance takes 227 KiB instead of 1185 KiB
/// and starts three times faster (measured with wasmi 2.0.0).
const FLAGS: &str = "-Clink-arg=-zstack-size=65536";

/// What becomes of guests whose compiler cannot be had.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Missing {
    /// They are left out, with a message.
    Skip,
    /// They are a fault: what is tested must not depend on the machine.
    Fail,
}

/// Builds all guests and packages, and gives the folder of the `.wasm` files. In CI nothing may be
/// missing.
pub(crate) fn build() -> Result<PathBuf> {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    build_all(if in_ci { Missing::Fail } else { Missing::Skip })
}

/// Builds all guests and packages.
pub(crate) fn build_all(missing: Missing) -> Result<PathBuf> {
    let guests = build_rust()?;
    let node = toolchain::node_modules(&process::root().join("test-plugin/assemblyscript"));
    if let Some(node) = found("AssemblyScript", node, missing)? {
        assemblyscript::build(&node, &guests)?;
        packages::lay_out(&guests, &packages::ASSEMBLYSCRIPT)?;
    }
    if let Some(tools) = found("C and Go", toolchain::guest_tools(), missing)? {
        c::build(&tools.join("ziglang/zig"), &guests)?;
        packages::lay_out(&guests, &packages::C)?;
        go::build(&tools.join("go/bin/go"), &guests)?;
        packages::lay_out(&guests, &packages::GO)?;
    }
    Ok(guests)
}

/// Builds what needs nothing but cargo: all that `cargo xtask demo` shows.
pub(crate) fn build_rust() -> Result<PathBuf> {
    let mut arguments = vec!["build", "--profile", "guest", "--target", "wasm32-wasip1"];
    arguments.extend(["--lib", "--bins", "--examples"]);
    for name in CRATES {
        arguments.extend(["-p", name]);
    }
    process::run(
        toolchain::wasm_cargo(&arguments)?
            .env("CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS", FLAGS)
            .env_remove("RUSTFLAGS"),
    )?;
    let guests = process::target_dir().join("guests");
    fs::create_dir_all(&guests).with_context(|| format!("cannot make {}", guests.display()))?;
    let modules = process::target_dir().join("wasm32-wasip1/guest");
    let built =
        copy_modules(&modules, &guests)? + copy_modules(&modules.join("examples"), &guests)?;
    let texts = assemble(&process::root().join("test-plugin/wat"), &guests)?;
    packages::lay_out(&guests, &packages::RUST)?;
    eprintln!("xtask: {built} guests from Rust and {texts} from text in {}", guests.display());
    Ok(guests)
}

fn found(what: &str, tool: Result<PathBuf>, missing: Missing) -> Result<Option<PathBuf>> {
    match tool {
        Ok(tool) => Ok(Some(tool)),
        Err(error) if missing == Missing::Fail => {
            Err(error.context(format!("the guests in {what} cannot be built")))
        }
        Err(error) => {
            eprintln!("xtask: SKIPPED: the guests in {what}, and tests of them fail: {error:#}");
            Ok(None)
        }
    }
}

fn copy_modules(from: &Path, to: &Path) -> Result<usize> {
    let mut count = 0;
    for path in files(from, "wasm")? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        // Cargo keeps each example under a second name with a hash.
        if name == wasm_imports::PROGRAM || (name.contains('-') && from.ends_with("examples")) {
            continue;
        }
        fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
        count += 1;
    }
    Ok(count)
}

/// Some hostile guests cannot be written in Rust without `unsafe`; they are text.
fn assemble(from: &Path, to: &Path) -> Result<usize> {
    let mut count = 0;
    for path in files(from, "wat")? {
        let bytes = wat::parse_file(&path).with_context(|| format!("in {}", path.display()))?;
        let name = path.file_stem().unwrap_or_default();
        fs::write(to.join(name).with_extension("wasm"), bytes)?;
        count += 1;
    }
    Ok(count)
}

fn files(dir: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
