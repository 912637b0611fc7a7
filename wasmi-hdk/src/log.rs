//! A line that a guest wrote to standard error, with its level.
//!
//! How bytes become lines, and where the level comes from, is in `wasi::stdio`.

use std::fmt;

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Finest detail.
    Trace,
    /// For the author.
    Debug,
    /// The normal course of things; lines without a level are of this one.
    Info,
    /// Something that deserves a look.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// The level's name as it stands in brackets at the start of a line.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line of a guest's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How grave it is.
    pub level: Level,
    /// What it says, without the level and without the line end.
    pub text: String,
}
