//! The process's log: one line per event on standard error, so that standard output stays free for what was asked for.
//!
//! What is said is `info` and worse, unless `RUST_LOG` says otherwise; `DEBUG`, known from signalk-server, turns debug lines
//! on besides. Lines of the core have the name of their place: `signalk:wasm:<plugin id>` of a plugin, `signalk:<name>` of
//! everything else, and both variables select by it. Events of this crate are `signalk_host::...`, or `signalk:host`.

use std::io::IsTerminal;

use signalk_core::{LogArea, LogLevel};
use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::debug_names::DebugNames;

/// Which lines of the core are printed.
#[derive(Debug)]
pub(crate) struct LogFilter {
    targets: Targets,
    debug: DebugNames,
}

/// From now on events are printed.
pub(crate) fn start() -> LogFilter {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let rust_log = variable("RUST_LOG");
    let (filter, complaint) = LogFilter::read(&rust_log, &variable("DEBUG"));
    let format = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(false);
    tracing_subscriber::registry().with(format).with(filter.own_events()).init();
    if let Some(complaint) = complaint {
        tracing::warn!("RUST_LOG={rust_log}: {complaint}; logging as without it");
    }
    filter
}

/// The target of lines that [`LogFilter::print`] has let through: the names of the core's are not known to the compiler, as
/// those of `tracing` must be.
const CORE: &str = "signalk";

impl LogFilter {
    /// The filter, and what is wrong with `RUST_LOG`.
    fn read(rust_log: &str, debug: &str) -> (LogFilter, Option<String>) {
        let default = || Targets::new().with_default(LevelFilter::INFO);
        let (targets, complaint) = match rust_log.trim() {
            "" => (default(), None),
            text => match text.parse() {
                Ok(targets) => (targets, None),
                Err(error) => (default(), Some(format!("{error}"))),
            },
        };
        (LogFilter { targets, debug: DebugNames::read(debug) }, complaint)
    }

    /// For events whose target the compiler knows.
    fn own_events(&self) -> Targets {
        let targets = self.targets.clone().with_target(CORE, LevelFilter::TRACE);
        match self.debug.want(&["signalk:host"]) {
            true => targets.with_target("signalk_host", LevelFilter::DEBUG),
            false => targets,
        }
    }

    /// Prints a line of the core if somebody wants it.
    pub(crate) fn print(&self, level: LogLevel, area: LogArea, target: &str, text: &str) {
        if !self.wants(level, area, target) {
            return;
        }
        match level {
            LogLevel::Error => tracing::error!(target: CORE, "{target}: {text}"),
            LogLevel::Warn => tracing::warn!(target: CORE, "{target}: {text}"),
            LogLevel::Info => tracing::info!(target: CORE, "{target}: {text}"),
            LogLevel::Debug => tracing::debug!(target: CORE, "{target}: {text}"),
        }
    }

    fn wants(&self, level: LogLevel, area: LogArea, target: &str) -> bool {
        let name = match area {
            LogArea::Plugin => format!("signalk:wasm:{target}"),
            LogArea::Server => format!("signalk:{target}"),
        };
        let level = match level {
            LogLevel::Error => Level::ERROR,
            LogLevel::Warn => Level::WARN,
            LogLevel::Info => Level::INFO,
            LogLevel::Debug => Level::DEBUG,
        };
        self.targets.would_enable(&name, &level) || self.debug.want(&[&name, target])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLUGIN: (LogArea, &str) = (LogArea::Plugin, "my-plugin");
    const NEIGHBOUR: (LogArea, &str) = (LogArea::Plugin, "_boat_other.one");
    const CONNECTION: (LogArea, &str) = (LogArea::Server, "nmea0183");

    #[test]
    fn either_variable_selects_one_plugin_or_all() {
        for (rust_log, debug, debug_lines_of) in [
            ("", "", vec![]),
            ("", "express:*", vec![]),
            ("", "*", vec![PLUGIN, NEIGHBOUR, CONNECTION]),
            ("", "signalk:*", vec![PLUGIN, NEIGHBOUR, CONNECTION]),
            ("", "signalk:wasm:*", vec![PLUGIN, NEIGHBOUR]),
            ("", "signalk:wasm:my-plugin", vec![PLUGIN]),
            ("", "my-plugin", vec![PLUGIN]),
            ("", "signalk:wasm:*,-signalk:wasm:my-plugin", vec![NEIGHBOUR]),
            ("", "signalk:nmea0183", vec![CONNECTION]),
            ("debug", "", vec![PLUGIN, NEIGHBOUR, CONNECTION]),
            ("info,signalk:wasm=debug", "", vec![PLUGIN, NEIGHBOUR]),
            ("info,signalk:wasm:_boat_other.one=debug", "", vec![NEIGHBOUR]),
            ("warn", "signalk:wasm:my-plugin", vec![PLUGIN]),
        ] {
            let (filter, complaint) = LogFilter::read(rust_log, debug);
            assert_eq!(complaint, None);
            for (area, target) in [PLUGIN, NEIGHBOUR, CONNECTION] {
                let wanted = debug_lines_of.contains(&(area, target));
                let wants = filter.wants(LogLevel::Debug, area, target);
                assert_eq!(wants, wanted, "RUST_LOG={rust_log} DEBUG={debug} {target}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_unless_rust_log_says_otherwise() {
        let wants = |rust_log: &str, level| {
            let (area, target) = PLUGIN;
            LogFilter::read(rust_log, "").0.wants(level, area, target)
        };
        assert!(wants("", LogLevel::Info) && wants("", LogLevel::Error));
        assert!(!wants("warn", LogLevel::Info) && wants("warn", LogLevel::Warn));
        assert!(!wants("info,signalk:wasm:my-plugin=off", LogLevel::Error));
    }

    #[test]
    fn a_rust_log_that_cannot_be_read_is_named_and_changes_nothing() {
        let (filter, complaint) = LogFilter::read("signalk=loudly", "");
        assert!(complaint.is_some());
        assert!(filter.wants(LogLevel::Info, LogArea::Server, "core"));
    }
}
