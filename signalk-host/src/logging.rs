//! The process's log: one line per event on standard error, so that standard output stays free for what was asked for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// From now on events are printed. `RUST_LOG` decides which; `DEBUG=signalk:*`, known from signalk-server, turns debug lines on.
pub(crate) fn start() {
    let rust_log = std::env::var("RUST_LOG").ok().filter(|text| !text.trim().is_empty());
    let debug = std::env::var("DEBUG").unwrap_or_default();
    let directives = rust_log.unwrap_or_else(|| directives(&debug));
    let filter = EnvFilter::try_new(&directives);
    let complaint = filter.as_ref().err().map(ToString::to_string);
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(false)
        .init();
    if let Some(complaint) = complaint {
        tracing::warn!("RUST_LOG={directives}: {complaint}; logging as without it");
    }
}

const DEFAULT: &str = "info";

/// The names that the reference's users put into `DEBUG`. We have no finer division than ours and everybody's.
fn directives(debug: &str) -> String {
    let mut names = debug.split([',', ' ']).map(str::trim);
    let ours = names.any(|name| name == "*" || name.starts_with("signalk"));
    if ours { format!("{DEFAULT},signalk=debug,signalk_host=debug") } else { DEFAULT.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_reference_turn_debug_lines_on() {
        assert_eq!(directives(""), "info");
        assert_eq!(directives("express:*"), "info");
        assert!(directives("express:*, signalk:wasm:*").contains("signalk=debug"));
        assert!(directives("*").contains("signalk=debug"));
    }
}
