//! The process's log: one line per event on standard error, so that standard output stays free for what was asked for.
//!
//! What is said is `info` and worse, unless `RUST_LOG` says otherwise; `DEBUG`, known from signalk-server, turns debug
//! lines on besides. Lines of the core have the name of their place: `signalk:wasm:<plugin id>` of a plugin,
//! `signalk:<name>` of everything else, and both variables select by it. What the server says about a plugin has a
//! second name, by its kind: `signalk:wasm:loader`, `:runtime`, `:lifecycle` or `:api` (R132); the longest directive of
//! `RUST_LOG` that fits either holds. A plugin whose id is one of these words leaves it to the kind and is
//! `signalk:wasm:plugin:<plugin id>`. Events of this crate are `signalk_host::...`, or `signalk:host`.

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

/// The target of lines that [`LogFilter::print`] has let through: the names of the core's are not known to the
/// compiler, as those of `tracing` must be.
const CORE: &str = "signalk";

/// What the second name of a line about a plugin ends in.
const KINDS: [&str; 4] = ["loader", "runtime", "lifecycle", "api"];

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
            LogArea::Server => format!("signalk:{target}"),
            _ if KINDS.contains(&target) => format!("signalk:wasm:plugin:{target}"),
            _ => format!("signalk:wasm:{target}"),
        };
        let kind = match area {
            LogArea::Loader => "signalk:wasm:loader",
            LogArea::Runtime => "signalk:wasm:runtime",
            LogArea::Lifecycle => "signalk:wasm:lifecycle",
            LogArea::Api => "signalk:wasm:api",
            LogArea::Plugin | LogArea::Server => "",
        };
        let names = [name.as_str(), kind];
        let level = match level {
            LogLevel::Error => Level::ERROR,
            LogLevel::Warn => Level::WARN,
            LogLevel::Info => Level::INFO,
            LogLevel::Debug => Level::DEBUG,
        };
        // An empty name would match `DEBUG=*` once more, and nothing else.
        self.highest(names) >= level || self.debug.want(&[&name, kind, target])
    }

    /// What `RUST_LOG` lets through of a thing with these names.
    fn highest(&self, names: [&str; 2]) -> LevelFilter {
        let fits = |(target, _): &(&str, LevelFilter)| {
            let within =
                |rest: &str| rest.is_empty() || rest.starts_with(':') || target.ends_with(':');
            names.iter().any(|name| name.strip_prefix(target).is_some_and(within))
        };
        let longest = self.targets.iter().filter(fits).max_by_key(|(target, _)| target.len());
        longest.map(|(_, level)| level).or(self.targets.default_level()).unwrap_or(LevelFilter::OFF)
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

    /// R132: what is said about plugins goes by its kind as well as by its plugin.
    #[test]
    fn a_kind_of_lines_about_plugins_is_selected_or_left_out() {
        let loader = (LogArea::Loader, "my-plugin");
        let crash = (LogArea::Runtime, "my-plugin");
        let own = PLUGIN;
        for (rust_log, debug, debug_lines_of) in [
            ("", "signalk:wasm:loader", vec![loader]),
            ("", "signalk:wasm:{loader}", vec![]),
            ("", "signalk:wasm:my-plugin", vec![loader, crash, own]),
            ("", "signalk:wasm:*,-signalk:wasm:runtime", vec![loader, own]),
            ("info,signalk:wasm:runtime=debug", "", vec![crash]),
            ("debug,signalk:wasm:loader=info", "", vec![crash, own]),
        ] {
            let (filter, _) = LogFilter::read(rust_log, debug);
            for (area, target) in [loader, crash, own] {
                let wanted = debug_lines_of.contains(&(area, target));
                let wants = filter.wants(LogLevel::Debug, area, target);
                assert_eq!(wants, wanted, "RUST_LOG={rust_log} DEBUG={debug} {area:?}");
            }
        }
        let (filter, _) = LogFilter::read("info,signalk:wasm:loader=off", "");
        assert!(!filter.wants(LogLevel::Error, loader.0, loader.1));
        assert!(filter.wants(LogLevel::Error, crash.0, crash.1));
    }

    /// Whatever a plugin is called, the kinds keep their lines, and it can be named.
    #[test]
    fn a_plugin_with_the_name_of_a_kind_has_another_one() {
        let (own, about) = ((LogArea::Plugin, "api"), (LogArea::Runtime, "api"));
        let (answers, longer) = ((LogArea::Api, "my-plugin"), (LogArea::Plugin, "api-weather"));
        for (rust_log, debug, debug_lines_of) in [
            ("", "signalk:wasm:api", vec![answers]),
            ("", "signalk:wasm:plugin:api", vec![own, about]),
            ("", "api", vec![own, about]),
            ("info,signalk:wasm:api=debug", "", vec![answers]),
            ("debug,signalk:wasm:api=info", "", vec![own, about, longer]),
            ("info,signalk:wasm:plugin:api=debug", "", vec![own, about]),
            ("info,signalk:wasm:runtime=debug", "", vec![about]),
            ("info,signalk:wasm:api-weather=debug", "", vec![longer]),
        ] {
            let (filter, _) = LogFilter::read(rust_log, debug);
            for (area, target) in [own, about, answers, longer] {
                let wanted = debug_lines_of.contains(&(area, target));
                let wants = filter.wants(LogLevel::Debug, area, target);
                assert_eq!(wants, wanted, "RUST_LOG={rust_log} DEBUG={debug} {area:?} {target}");
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
