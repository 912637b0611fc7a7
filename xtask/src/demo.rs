//! The README's first command: prepare everything, then run the host on the demo boat.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::{guests, packages, process};

/// Options of `cargo xtask demo`; what follows `--` goes to `signalk-host` itself.
#[derive(Args)]
pub(crate) struct Options {
    /// Port of the web server on 127.0.0.1.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,
    /// Folder for the demo's settings and saved plugin options.
    #[arg(long, default_value = "target/demo-config")]
    config: PathBuf,
    /// Only build; do not start the host.
    #[arg(long)]
    build_only: bool,
    /// Further arguments for `signalk-host serve`.
    #[arg(last = true)]
    more: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    guests::build()?;
    process::run(&mut process::cargo(&["build", "--release", "-p", "signalk-host"]))?;
    if options.build_only {
        return Ok(());
    }
    let mut host = std::process::Command::new(process::target_dir().join("release/signalk-host"));
    host.current_dir(process::root())
        .args(["serve", "--demo", "--port", &options.port.to_string(), "--config"])
        .arg(&options.config);
    for folder in packages::folders() {
        host.arg("--plugin").arg(folder);
    }
    process::run(host.args(&options.more))
}
