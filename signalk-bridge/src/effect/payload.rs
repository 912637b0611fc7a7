//! What effects carry: an HTTP request, a socket's option, a WebSocket's message.

use std::time::Duration;

use bytes::Bytes;

#[cfg(doc)]
use super::{Effect, Report};
use super::{RateLimit, WINDOW};

/// Bytes that the shortest WebSocket message counts as, in either direction.
const LEAST_COST: usize = 64;

/// What a plugin sends by HTTP. Scheme, method, names and sizes were checked.
#[derive(Debug, Clone, Default, PartialEq)]
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
    /// Whether it is sent again; then `timeout` is for each time.
    pub retry: Retry,
    /// Each time waits for its turn; that is no part of `timeout`.
    pub rate: Option<RateLimit>,
    /// A [`Cache`](crate::Cache) may answer it, and keeps what does.
    pub cache: bool,
}

/// Whoever is not ready is not pressed.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// How often a request is sent, and after which pauses: `first`, twice that, four times that, up to `most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Times that it is sent, all together.
    pub attempts: u32,
    /// Pause after the first.
    pub first: Duration,
    /// Longest pause, also when the server asks for a longer one.
    pub most: Duration,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry::ONCE
    }
}

impl Retry {
    /// Sent once.
    pub const ONCE: Retry =
        Retry { attempts: 1, first: Duration::from_secs(1), most: Duration::from_secs(60) };

    /// The pause after an attempt (counted from 1) with this status and `Retry-After` in seconds (RFC 9110, 10.2.3), or
    /// without an answer. `None`: it was the last, or good enough.
    pub fn pause(
        &self,
        attempt: u32,
        status: Option<u16>,
        asked: Option<&str>,
    ) -> Option<Duration> {
        let may_pass = status.is_none_or(|status| matches!(status, 429 | 502..=504));
        if attempt >= self.attempts || !may_pass {
            return None;
        }
        let asked = asked.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let pause = asked.unwrap_or_else(|| self.first.saturating_mul(doubled)).min(self.most);
        Some(pause.max(SHORTEST_PAUSE))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_a_server_is_heard_within_bounds() {
        let most = Duration::from_secs(10);
        let retry = Retry { attempts: 40, most, ..Retry::ONCE };
        let pause = |attempt, asked| retry.pause(attempt, Some(503), asked).map(|it| it.as_secs());
        assert_eq!(
            [1, 2, 3, 4, 5, 39, 40].map(|attempt| pause(attempt, None)),
            [Some(1), Some(2), Some(4), Some(8), Some(10), Some(10), None]
        );
        assert_eq!(pause(1, Some(" 7 ")), Some(7));
        assert_eq!(pause(1, Some("3600")), Some(10));
        assert_eq!(pause(1, Some("Fri, 31 Dec 1999 23:59:59 GMT")), Some(1), "a date is not read");
        for (status, again) in [(200, false), (404, false), (500, false), (429, true), (504, true)]
        {
            assert_eq!(retry.pause(1, Some(status), None).is_some(), again, "{status}");
        }
        assert!(retry.pause(1, None, None).is_some() && Retry::ONCE.pause(1, None, None).is_none());
    }
}
