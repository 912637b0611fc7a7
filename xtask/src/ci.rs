//! Everything that CI runs, in the order in which a mistake is cheapest to find.

use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use crate::{browser, guests, process, tidy, toolchain, wasm_imports};

/// Options of `cargo xtask test`.
#[derive(Args)]
pub(crate) struct Options {
    /// Run only these steps (comma separated).
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// Crates whose tests also run as WebAssembly.
const CORE: [&str; 5] =
    ["wasmi-rpc", "wasmi-hdk", "signalk-model", "signalk-bridge", "signalk-core"];

type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 9] = [
    ("fmt", || process::run(&mut process::cargo(&["fmt", "--all", "--check"]))),
    ("tidy", tidy::run),
    ("guests", || guests::build_all(guests::Missing::Fail).map(drop)),
    ("clippy", clippy),
    ("test", || process::run(&mut process::cargo(&["test", "--no-fail-fast"]))),
    ("wasm-imports", wasm_imports::run),
    ("wasm-test", wasm_test),
    ("doc", doc),
    ("browser", || browser::run(&browser::Options::default())),
];

pub(crate) fn run(options: &Options) -> Result<()> {
    for name in &options.only {
        if !STEPS.iter().any(|(step, _)| step == name) {
            let known: Vec<_> = STEPS.iter().map(|(step, _)| *step).collect();
            bail!("no step is called `{name}`; there are: {}", known.join(", "));
        }
    }
    let mut times = Vec::new();
    for (name, step) in STEPS {
        if !options.only.is_empty() && !options.only.iter().any(|only| only == name) {
            continue;
        }
        eprintln!("xtask: == {name} ==");
        let begun = Instant::now();
        step()?;
        times.push(format!("{name} {:.0} s", begun.elapsed().as_secs_f64()));
    }
    eprintln!("xtask: all steps passed: {}", times.join(", "));
    Ok(())
}

fn clippy() -> Result<()> {
    process::run(&mut process::cargo(&["clippy", "--all-targets", "--", "-D", "warnings"]))
}

/// The same test suites inside a WebAssembly engine (Node), where there are no
/// threads, no clock of the host's and 32-bit sizes.
fn wasm_test() -> Result<()> {
    let mut arguments = vec!["test", "--lib", "--tests"];
    for name in CORE {
        arguments.extend(["-p", name]);
    }
    process::run(&mut toolchain::wasi_cargo(&arguments)?)
}

fn doc() -> Result<()> {
    let mut command = process::cargo(&["doc", "--no-deps"]);
    process::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}
