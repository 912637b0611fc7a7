//! Guests in AssemblyScript, with the SDK that plugin authors use. Which there are and how each is
//! built is in `test-plugin/assemblyscript/build.mjs`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::fresh::Recipe;
use crate::process;

/// Builds all, by the packages of this `node_modules`.
pub(crate) fn build(node_modules: &Path, guests: &Path) -> Result<()> {
    let folder = process::root().join("test-plugin/assemblyscript");
    let example = process::root().join("examples/shallow-water/assembly");
    let script = |arguments: &[&str]| {
        let mut command = Command::new("node");
        command.current_dir(&folder).arg("build.mjs").arg(guests).args(arguments);
        command
    };
    let names = process::output(&mut script(&["--list"]))?;
    let outputs: Vec<PathBuf> =
        names.lines().map(|name| guests.join(name).with_extension("wasm")).collect();
    let count = outputs.len();
    let lock = node_modules.with_file_name("package-lock.json");
    let recipe = Recipe {
        sources: vec![folder.join("assembly"), folder.join("build.mjs"), lock, example],
        how: String::new(),
        outputs,
    };
    recipe.make(|| process::run(&mut script(&[])))?;
    eprintln!("xtask: {count} guests from AssemblyScript");
    Ok(())
}
