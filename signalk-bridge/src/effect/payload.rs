//! What effects carry: an HTTP request, a socket's option, a WebSocket's message.

use std::time::Duration;

use bytes::Bytes;

use super::WINDOW;
#[cfg(doc)]
use super::{Effect, Report};

/// Bytes that the shortest WebSocket message counts as, in either direction.
const LEAST_COST: usize = 64;

/// What a plugin sends by HTTP. Scheme, method, names and sizes were checked.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchRequest {
    /// In capitals.
    pub method: String,
    /// `http:` or `https:`.
    pub url: String,
    /// Without `host`, `content-length` and `connection`: those are the edge's.
    pub headers: Vec<(String, String)>,
    /// Empty: none.
    pub body: Bytes,
    /// Until the body is complete; the head of a streamed one.
    pub timeout: Duration,
    /// Redirects that are followed at most; each target is checked like the first.
    pub redirects: u32,
    /// Longest body; a longer one fails.
    pub most: usize,
    /// The body comes in pieces of at most 64 KiB, each after an [`Effect::FetchMore`].
    pub streamed: bool,
    /// `body` is empty: what is sent follows by [`Effect::FetchWrite`]. `timeout` is then for each
    /// step: until something moves, and from the end of the body to the answer.
    pub upload: Option<Upload>,
}

/// A body that is sent in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload {
    /// Bytes of all pieces, if they are known before: its `content-length`.
    pub length: Option<u64>,
}

/// One UDP option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UdpOption {
    /// `SO_BROADCAST`.
    Broadcast(bool),
    /// Hops of multicast datagrams.
    MulticastTtl(u32),
    /// Whether own multicast datagrams come back.
    MulticastLoopback(bool),
    /// Join a group, on the interface with this address (`""`: the system chooses).
    Join {
        /// Group address.
        group: String,
        /// Address of a local interface.
        interface: String,
    },
    /// Leave a group.
    Leave {
        /// Group address.
        group: String,
        /// Address of a local interface.
        interface: String,
    },
}

/// One WebSocket message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebSocketMessage {
    /// UTF-8.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

impl WebSocketMessage {
    /// Length in bytes.
    pub fn len(&self) -> usize {
        match self {
            WebSocketMessage::Text(text) => text.len(),
            WebSocketMessage::Binary(data) => data.len(),
        }
    }

    /// What it takes of [`WINDOW`]: its bytes, but neither nothing, so that empty messages cannot
    /// pile up, nor more than there is.
    pub fn cost(&self) -> usize {
        self.len().clamp(LEAST_COST, WINDOW)
    }

    /// What it counts while it waits to be sent: its bytes, but never nothing, so that empty
    /// messages cannot pile up. [`Report::Sent`] tells the same number.
    pub fn weight(&self) -> usize {
        self.len().max(LEAST_COST)
    }

    /// True for a message of no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
