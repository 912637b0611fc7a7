//! The README's first command: prepare everything, then run the host on the demo boat.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
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
    guests::build_rust()?;
    process::run(&mut process::cargo(&["build", "--release", "-p", "signalk-host"]))?;
    if options.build_only {
        return Ok(());
    }
    let config = process::root().join(&options.config);
    prepare(&config)?;
    let mut host = std::process::Command::new(process::target_dir().join("release/signalk-host"));
    host.current_dir(process::root())
        .args(["serve", "--demo", "--port", &options.port.to_string(), "--config"])
        .arg(&config);
    for folder in packages::folders() {
        host.arg("--plugin").arg(folder);
    }
    process::run(host.args(&options.more))
}

/// What the demo needs beside the boat: a name, and the second plugin switched on. It watches an anchor, so it is
/// off unless its owner says otherwise; the demo boat is under way and leaves the circle after some minutes, which
/// raises the alarm.
const SETTINGS: [(&str, &str); 2] = [
    (
        "baseDeltas.json",
        r#"[{"context":"vessels.self","updates":[{"values":[{"path":"","value":{"name":"Tuuletar"}}]}]}]"#,
    ),
    (
        "plugin-config-data/_signalk-host_anchor-watch.json",
        r#"{"enabled":true,"configuration":{"radius":500}}"#,
    ),
];

/// Writes the settings; what the user changed stays.
fn prepare(config: &Path) -> Result<()> {
    for (name, text) in SETTINGS {
        let file = config.join(name);
        if file.exists() {
            continue;
        }
        let folder = file.parent().unwrap_or(config);
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
