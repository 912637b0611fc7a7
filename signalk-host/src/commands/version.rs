//! `signalk-host version`

use std::io::Write;

/// Prints what this program is.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "signalk-host {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "serves the API of signalk-server {}", signalk_core::Config::default().version)?;
    Ok(())
}
