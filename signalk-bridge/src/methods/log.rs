//! `log`: one line of the plugin's log. Needs no capability.

use serde::Deserialize;
use wasmi_hdk::{Level, LogLine};

use super::Caller;
use crate::BridgeError;

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const log: &[&str] = &["level", "message"];
}

/// Longest line that is kept; the rest is cut.
const LONGEST: usize = 8 << 10;

/// Params of `log`.
#[derive(Debug, Clone, Deserialize)]
pub struct Log {
    /// How loud.
    #[serde(default)]
    pub level: LevelName,
    /// The text; line ends inside make several lines.
    pub message: String,
}

/// The words for a level.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LevelName {
    /// Broken.
    Error,
    /// Suspicious.
    Warn,
    /// Worth reading.
    #[default]
    Info,
    /// For the author.
    Debug,
    /// For the author, in quantity.
    Trace,
}

/// Adds to the plugin's log.
///
/// # Errors
/// None.
pub fn log(caller: &mut Caller<'_>, params: Log) -> Result<(), BridgeError> {
    let level = match params.level {
        LevelName::Error => Level::Error,
        LevelName::Warn => Level::Warn,
        LevelName::Info => Level::Info,
        LevelName::Debug => Level::Debug,
        LevelName::Trace => Level::Trace,
    };
    for text in params.message.lines().take(100) {
        line(caller, LogLine { level, text: cut(text).to_owned() });
    }
    Ok(())
}

/// Adds one line.
pub fn line(caller: &mut Caller<'_>, line: LogLine) {
    let plugin = caller.plugin().clone();
    caller.signalk.log(&plugin, line);
}

fn cut(line: &str) -> &str {
    line.get(..line.floor_char_boundary(LONGEST)).unwrap_or(line)
}
