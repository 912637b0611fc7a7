//! The network of one plugin: its sockets and requests as a state machine without I/O.
//!
//! Calls change it and leave [`Effect`]s to be taken; [`Report`]s come back in.
//! A call that has to wait for the world gets a [`Wait`]; the report that ends
//! it gives a [`Completed`]. One `Net` lives as long as one life of a plugin and
//! is the same for all conventions: in a library guest it is part of what the
//! host functions share, so that receiving costs no trip to the core.

pub(crate) mod fetch;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::effect::{Effect, FetchHead, FetchId, Report, SocketId};
use crate::{Capabilities, Capability};

/// What a suspended call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wait {
    /// A bind, an option or a connection.
    Socket(SocketId),
    /// An answer by HTTP.
    Fetch(FetchId),
}

/// The end of a wait.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Completed {
    pub(crate) wait: Wait,
    pub(crate) outcome: Outcome,
}

/// What the world said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Done; a number where there is one (the port that was bound).
    Number(i32),
    /// A whole answer.
    Answer(FetchHead, Bytes),
    /// It failed, in words.
    Failed(String),
}

/// The network of one life of a plugin.
#[derive(Debug)]
pub(crate) struct Net {
    capabilities: Capabilities,
    effects: VecDeque<Effect>,
    /// Things that the author should read.
    troubles: Vec<String>,
    fetches: BTreeMap<FetchId, fetch::Pending>,
    last_fetch: u64,
}

impl Net {
    pub(crate) fn new(capabilities: Capabilities) -> Net {
        Net {
            capabilities,
            effects: VecDeque::new(),
            troubles: Vec::new(),
            fetches: BTreeMap::new(),
            last_fetch: 0,
        }
    }

    /// Whether there is nothing to take.
    pub(crate) fn is_quiet(&self) -> bool {
        self.effects.is_empty() && self.troubles.is_empty()
    }

    /// What the edge is to do, in order.
    pub(crate) fn take_effects(&mut self) -> VecDeque<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// What went wrong where nobody waited.
    pub(crate) fn take_troubles(&mut self) -> Vec<String> {
        std::mem::take(&mut self.troubles)
    }

    /// News of the world; perhaps somebody waited for it.
    pub(crate) fn handle_report(&mut self, report: Report) -> Option<Completed> {
        match report {
            Report::Fetch { id, news } => self.fetch_news(id, news),
            Report::SocketTrouble { text, .. } => {
                self.troubles.push(text);
                None
            }
            // Sockets follow.
            _ => None,
        }
    }

    /// Whether the plugin may; without, a call has its failure value.
    pub(crate) fn may(&self, capability: Capability) -> bool {
        self.capabilities.has(capability)
    }
}
