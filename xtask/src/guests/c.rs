//! Guests in C, by Zig's C compiler, which brings wasi-libc along.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::fresh::Recipe;
use crate::process;

/// A program with wasi-libc that is called, not run: it has `_initialize`.
const REACTOR: [&str; 3] = ["-target", "wasm32-wasi", "-mexec-model=reactor"];
/// No libc, and so no entry and no WASI.
const LIBRARY: [&str; 5] =
    ["-target", "wasm32-freestanding", "-nostdlib", "-Wl,--no-entry", "-mbulk-memory"];
/// Zig gives a stack of 16 MiB if it is not told otherwise.
const ALL: [&str; 5] = ["-Wl,-z,stack-size=65536", "-Os", "-s", "-Wall", "-Wextra"];

/// Name of the module, source, options.
const GUESTS: [(&str, &str, &[&str]); 6] = [
    ("c_reactor", "test-plugin/c/c_reactor.c", &REACTOR),
    ("c_library", "test-plugin/c/c_library.c", &LIBRARY),
    ("c_everything", "test-plugin/c/c_everything.c", &REACTOR),
    ("c_values", "test-plugin/c/c_values.c", &REACTOR),
    ("c_by_name", "test-plugin/c/c_by_name.c", &REACTOR),
    ("bilge_pump", "examples/bilge-pump/plugin.c", &LIBRARY),
];

/// Builds all.
pub(crate) fn build(zig: &Path, guests: &Path) -> Result<()> {
    for (name, source, options) in GUESTS {
        let output = guests.join(name).with_extension("wasm");
        let source = process::root().join(source);
        let mut command = Command::new(zig);
        command.arg("cc").args(options).args(ALL).arg(&source).arg("-o").arg(&output);
        let how = format!("{command:?}");
        let header = source.with_extension("h");
        let sources = [source, header].into_iter().filter(|path| path.is_file()).collect();
        let recipe = Recipe { sources, how, outputs: vec![output] };
        recipe.make(|| process::run(&mut command))?;
    }
    eprintln!("xtask: {} guests from C", GUESTS.len());
    Ok(())
}
