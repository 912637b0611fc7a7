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

/// The guests' side, which no default member asks for: the kit with every feature, and what is built on
/// it. Calls of their own, because features unite over all that one call builds; none of it needs wasmi.
const KIT: [&str; 9] = [
    "--all-features",
    "-p",
    "wasmi-pdk",
    "-p",
    "hello",
    "-p",
    "derived-data",
    "-p",
    "anchor-watch",
];

/// The crate of the guests for tests. Its programs have no tests inside, and linking each for the
/// machine only to see that would take as long as all others together.
const GUESTS: [&str; 2] = ["-p", "test-plugin"];

/// Guests that export and import by hand: they link as WebAssembly only, so they are linted and not tested.
const BY_HAND: [&str; 2] = ["-p", "buffer-guests"];

/// Programs for tests that no default member asks for, and the tool that makes one of them a page's: linted alone,
/// because features unite. The first one has guests inside.
const PROGRAMS: [&str; 6] = ["-p", "core-in-wasm", "-p", "hdk-in-a-page", "-p", "wasm-glue"];

/// Measurements that are quick to check. The others bring a second wasmi, or build the core anew.
const BENCHES: [&str; 2] = ["benches/counter/Cargo.toml", "benches/server/Cargo.toml"];

type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 9] = [
    ("fmt", || process::run(&mut process::cargo(&["fmt", "--all", "--check"]))),
    ("tidy", tidy::run),
    ("guests", || guests::build_all(guests::Missing::Fail).map(drop)),
    ("clippy", clippy),
    ("doc", doc),
    ("test", test),
    ("wasm-imports", wasm_imports::run),
    ("wasm-test", wasm_test),
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
    let guests: Vec<_> = KIT.iter().chain(&GUESTS).chain(&BY_HAND).copied().collect();
    let benches = BENCHES.map(|manifest| ["--locked", "--manifest-path", manifest]);
    let benches = benches.iter().map(|bench| &bench[..]);
    for which in [&[][..], &guests, &PROGRAMS].into_iter().chain(benches) {
        let arguments =
            [&["clippy", "--all-targets"][..], which, &["--", "-D", "warnings"]].concat();
        let mut command = process::cargo(&arguments);
        process::run(command.env("GUESTS", process::target_dir().join("guests")))?;
    }
    Ok(())
}

fn test() -> Result<()> {
    process::run(&mut process::cargo(&["test", "--no-fail-fast"]))?;
    process::run(&mut process::cargo(&[&["test", "--no-fail-fast"][..], &KIT].concat()))?;
    process::run(&mut process::cargo(&[&["test", "--lib"][..], &GUESTS].concat()))
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
    for which in [&[][..], &KIT[..]] {
        let mut command = process::cargo(&[&["doc", "--no-deps"][..], which].concat());
        process::run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    Ok(())
}
