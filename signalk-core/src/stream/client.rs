//! What is kept of one stream client. Changing it is done by the files that answer the question.

use core::net::IpAddr;
use std::time::Duration;

use signalk_model::hash::NameSet;
use signalk_model::{Context, Path};

use super::backlog::Backlog;
use crate::http::{HttpRequest, query_value, without_token};

/// One open stream.
pub(crate) struct Client {
    /// The upgrade request's path and query, without a token.
    pub(crate) target: String,
    /// So that a person can tell the clients apart.
    pub(crate) agent: String,
    pub(crate) opened: Duration,
    pub(crate) peer: Option<IpAddr>,
    /// What the query asked for.
    pub(crate) live: Live,
    /// `sendMeta=all`: what was announced on this connection.
    pub(crate) announced_meta: Option<NameSet<(Context, Path)>>,
    /// `serverevents=all`.
    pub(crate) wants_events: bool,
    /// It is sent them: it may read.
    pub(crate) events: bool,
    /// Unsent bytes at the edge, as last reported.
    pub(crate) queue_bytes: usize,
    /// While it does not read fast enough.
    pub(crate) backlog: Option<Backlog>,
    /// Frames handed over.
    pub(crate) frames: u64,
    /// Values that a later one replaced while it did not read.
    pub(crate) coalesced: u64,
}

/// What the query of the upgrade request subscribes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Live {
    None,
    Own,
    All,
}

impl Client {
    pub(crate) fn new(now: Duration, request: &HttpRequest) -> Client {
        let target = &request.target;
        let wants_events = query_value(target, "serverevents").as_deref() == Some("all");
        Client {
            target: without_token(target),
            agent: request.header("user-agent").unwrap_or_default().to_owned(),
            opened: now,
            peer: request.peer,
            live: Live::of(target),
            announced_meta: (query_value(target, "sendMeta").as_deref() == Some("all"))
                .then(NameSet::default),
            wants_events,
            events: wants_events,
            queue_bytes: 0,
            backlog: None,
            frames: 0,
            coalesced: 0,
        }
    }

    /// Whether each delta needs a look of its own for this client.
    pub(crate) fn is_special(&self) -> bool {
        self.announced_meta.is_some() || self.backlog.is_some()
    }
}

impl Live {
    /// DIFFERENCE: an unknown value is `none`. The reference sends it, by accident, live deltas of every context.
    fn of(target: &str) -> Live {
        match query_value(target, "subscribe").as_deref() {
            None | Some("self") => Live::Own,
            Some("all") => Live::All,
            Some(_) => Live::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_says_what_is_sent() {
        let live = |target| Live::of(target);
        assert_eq!(live("/signalk/v1/stream"), Live::Own);
        assert_eq!(live("/signalk/v1/stream?subscribe=self&x=1"), Live::Own);
        assert_eq!(live("/signalk/v1/stream?subscribe=all"), Live::All);
        assert_eq!(live("/signalk/v1/stream?subscribe=none"), Live::None);
    }

    /// DIFFERENCE of [`Live::of`].
    #[test]
    fn an_unknown_query_subscription_is_none() {
        assert_eq!(Live::of("/signalk/v1/stream?subscribe=bogus"), Live::None);
    }
}
