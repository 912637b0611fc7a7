//! `wasm-glue MODULE.wasm DIR`: writes the JavaScript with which a page loads a module.
//!
//! The same as the program `wasm-bindgen`, whose version must be that of the crate in the module:
//! as a member of the workspace it is, and nobody has to install it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    // The first is the name of this program.
    let arguments: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, dir] = &arguments[..] else {
        anyhow::bail!("usage: wasm-glue MODULE.wasm DIR");
    };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).web(true)?.typescript(false);
    bindgen.generate(dir).with_context(|| format!("no glue for {}", module.display()))
}
