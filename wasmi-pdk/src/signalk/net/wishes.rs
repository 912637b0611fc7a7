//! What a request may wish of the host: to be sent again, its turn, an answer that is kept. The host does it; the
//! plugin waits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Request;

/// How often, and after which pauses: `first`, twice that, four times that, up to `most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Times that the request is sent, all together; at most 10.
    pub attempts: u32,
    /// Pause after the first.
    pub first: Duration,
    /// Longest pause, also when the server asks for a longer one.
    pub most: Duration,
}

impl Default for Retry {
    /// Four times, with pauses of 1, 2 and 4 s.
    fn default() -> Self {
        Retry { attempts: 4, first: Duration::from_secs(1), most: Duration::from_secs(60) }
    }
}

/// At most `turns` requests in any stretch of `time`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// 1 to 1000.
    pub turns: u32,
    /// At most a day.
    pub time: Duration,
    /// Requests with the same name share their turns; without one those to the same server do.
    pub name: Option<String>,
}

impl RateLimit {
    /// Of the server that is asked.
    #[must_use]
    pub fn new(turns: u32, time: Duration) -> Self {
        RateLimit { turns, time, name: None }
    }

    /// Of all requests with this name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        RateLimit { name: Some(name.into()), ..self }
    }
}

/// How an answer that was kept came to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cached {
    /// It still holds: nobody was asked.
    Fresh,
    /// The server says that it still holds.
    Checked,
    /// It is over, but the server cannot be reached or fails. Its header `age` says how old it is.
    Stale,
    /// In a way that this kit does not know.
    #[serde(other)]
    Otherwise,
}

/// As the host reads them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wishes {
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<Again>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<Turns>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cache: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Again {
    attempts: u32,
    first: u64,
    most: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Turns {
    turns: u32,
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl Request {
    /// Sent again after a failure of the network, also in the middle of the body, and after statuses 429, 502, 503 and
    /// 504; a server's `Retry-After` in seconds is heard. Only a whole request of a method that may be sent twice
    /// without harm (RFC 9110, 9.2.2); the host refuses others. `timeout` is for each time.
    pub fn retry(mut self, retry: Retry) -> Self {
        let Retry { attempts, first, most } = retry;
        self.wishes.retry = Some(Again { attempts, first: ms(first), most: ms(most) });
        self
    }

    /// Each time that it is sent waits for its turn, in the order in which they are asked for. That is no part of
    /// `timeout`. At most 256 wait; one more fails.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        let RateLimit { turns, time, name } = limit;
        self.wishes.rate_limit = Some(Turns { turns, ms: ms(time), name });
        self
    }

    /// An answer that the host has kept may serve, and this one is kept (RFC 9111): a fresh one without asking, an
    /// older one when the server confirms it, or does not answer or fails; [`Response::cached`](super::Response) says
    /// which. Only a whole
    /// `GET`. The host keeps 64 answers of 4 MiB, until the plugin stops.
    pub fn cached(mut self) -> Self {
        self.wishes.cache = true;
        self
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
