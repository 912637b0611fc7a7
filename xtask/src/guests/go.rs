//! Guests in Go, by the standard toolchain: reactors, which have `_initialize`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::fresh::Recipe;
use crate::process;

/// Name of the module, folder of its sources.
const GUESTS: [(&str, &str); 5] = [
    ("go_reactor", "test-plugin/go"),
    ("go_everything", "test-plugin/go/everything"),
    ("go_values", "test-plugin/go/values"),
    ("go_by_name", "test-plugin/go/byname"),
    ("trip_log", "examples/trip-log"),
];

/// Builds all.
pub(crate) fn build(go: &Path, guests: &Path) -> Result<()> {
    for (name, folder) in GUESTS {
        let output = guests.join(name).with_extension("wasm");
        let folder = process::root().join(folder);
        let mut command = Command::new(go);
        command
            .current_dir(&folder)
            .args(["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o"])
            .arg(&output)
            .arg(".")
            .envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOFLAGS", "")])
            // These guests need nothing but the toolchain that is here.
            .envs([("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOWORK", "off")]);
        let how = format!("{command:?}");
        let recipe = Recipe { sources: vec![folder], how, outputs: vec![output] };
        recipe.make(|| process::run(&mut command))?;
    }
    eprintln!("xtask: {} guests from Go", GUESTS.len());
    Ok(())
}
