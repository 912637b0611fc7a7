//! What goes in and what comes out, as closed enums. A new variant makes the compiler list every edge that must learn
//! it.
//!
//! Here: how things are named, and what the core wants next. `io/`: what happened ([`Input`]), what is to be done
//! ([`Effect`]), what became of it ([`Report`]).

mod debug;
mod effect;
mod input;
mod report;

use std::time::Duration;

pub use self::{
    effect::Effect,
    input::{ConnectionEvent, FoundPackage, Input},
    report::{ModuleFiles, Report},
};
use crate::guest::{PluginId, Run};

/// One HTTP exchange. The edge draws the numbers; the core only hands them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpId(pub u64);

/// One open WebSocket (or TCP) stream client, named by the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// One input connection, named by the core in [`Effect::OpenConnection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// One file to be saved; comes back in [`Report::Saved`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What the core wants next.
#[derive(Debug)]
pub enum Output {
    /// Please do this; never blocks the core.
    Effect(Effect),
    /// Please execute this slice of guest work, on any thread; its result returns as [`Input::Ran`].
    Run {
        /// Whose.
        plugin: PluginId,
        /// Owned and `Send`.
        run: Run,
    },
    /// Nothing more until an input, or until this time on the clock of `now`.
    Wait {
        /// `None`: until an input.
        until: Option<Duration>,
    },
}

/// What a line in the log is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogArea {
    /// The server itself or one of its connections.
    Server,
    /// A plugin, by its id: what it said itself.
    Plugin,
    /// About a plugin: its package and options, reading and describing its module.
    Loader,
    /// About a plugin: what it used, and how it fell.
    Runtime,
    /// About a plugin: started, stopped, started again, given up.
    Lifecycle,
    /// About a plugin: what it asked of the server, and the server of it.
    Api,
}

/// Of a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something failed that the user must repair.
    Error,
    /// Something is odd; the server goes on.
    Warn,
    /// What a user wants to see.
    Info,
    /// What a developer wants to see.
    Debug,
}
