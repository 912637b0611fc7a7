//! `cargo xtask`: the commands of this workspace, one file each.
//!
//! Nothing here is needed to use the product; everything here is needed to
//! build, check and show it. CI calls `cargo xtask test` and nothing else.

mod browser;
mod ci;
mod codegen;
mod demo;
mod guests;
mod packages;
mod process;
mod tidy;
mod toolchain;
mod wasm_imports;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Builds, checks and shows the Signal K plugin host.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prepare everything and start the host on the built-in demo boat with two plugins.
    Demo(demo::Options),
    /// Run everything that CI runs; installs what is missing first.
    Test(ci::Options),
    /// The same as `test`.
    Ci(ci::Options),
    /// Build the guests (test plugins and examples) into target/guests and target/plugins.
    Guests,
    /// Check the habits that no compiler checks: arrows, headers, clocks, unsafe, licences.
    Tidy,
    /// Build the core for wasm32-unknown-unknown, refuse foreign imports, run it in Node.
    WasmImports,
    /// Generate the table of metadata from npm's copy of the specification's.
    Codegen,
    /// Drive the web page in headless Chromium.
    Browser(browser::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo(options) => demo::run(&options),
        Command::Test(options) | Command::Ci(options) => ci::run(&options),
        Command::Guests => guests::build().map(drop),
        Command::Tidy => tidy::run(),
        Command::WasmImports => wasm_imports::run(),
        Command::Codegen => codegen::codegen(&process::root()),
        Command::Browser(options) => browser::run(&options),
    }
}
