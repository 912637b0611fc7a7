//! Answers by HTTP that are kept for a plugin: fresh ones are not asked for again, older ones are checked (requirement
//! R89).
//!
//! A private cache of `GET` answers with status 200 (RFC 9111). What an answer says of itself, and how old it is, is
//! `http_cache/freshness.rs`. Only requests that are equal in everything share an answer, headers included, so what
//! `Vary` may name is equal, too; `Vary: *` is checked each time. A request with a `range` or a condition of its own
//! goes past it. DIFFERENCE from RFC 9111, 4.2.4: when the server cannot be reached or fails (429, 500 and above), what
//! is kept serves, however old and whatever the server wished: at sea that is the rule. The answer says so, and its
//! `age`.
//!
//! Pure values: `now` is a time since any origin. The edge keeps one per life of a plugin and does the asking; what
//! `egress` refuses is refused whatever is kept, and that is the edge's, too.
//!
//! Not the crate `http-cache-semantics` (looked at: 3.0): it takes the time as `SystemTime`, which the core does not
//! name, and is one crate more with one for dates; an `Age` near 2^64 seconds overflows in it, which ends the host; of
//! headers with one name it keeps the last; and an answer 304 without the validators of the first is no confirmation to
//! it.

mod freshness;

use std::time::Duration;

use bytes::Bytes;

use self::freshness::{Control, Freshness};
use crate::effect::{Cached, FetchHead, FetchRequest};

/// Answers that are kept for one plugin.
const MOST: usize = 64;
/// Bytes of them, with what was asked.
const MOST_BYTES: usize = 4 << 20;

/// The answers of one life of a plugin, the latest used last.
#[derive(Debug, Default)]
pub struct Cache {
    kept: Vec<Kept>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Kept {
    asked: Asked,
    head: FetchHead,
    body: Bytes,
    freshness: Freshness,
}

/// What a request has to have in common with another to share its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    url: String,
    /// Names in lower case. Without what only says how a cache is to be used.
    headers: Vec<(String, String)>,
}

/// What is there for a request.
#[derive(Debug)]
pub enum Found {
    /// The answer: nobody has to be asked.
    Fresh(FetchHead, Bytes),
    /// An older one: the server is asked with its [`Kept::conditions`].
    Older(Kept),
    /// None, or the request is none that is kept.
    Nothing,
}

impl Cache {
    /// Looks for an answer to a request that wants one of the cache.
    pub fn look(&mut self, request: &FetchRequest, now: Duration) -> Found {
        let Some(asked) = Asked::of(request) else { return Found::Nothing };
        let Some(at) = self.kept.iter().position(|kept| kept.asked == asked) else {
            return Found::Nothing;
        };
        let kept = self.kept.remove(at);
        self.kept.push(kept.clone());
        if kept.body.len() > request.most {
            return Found::Nothing;
        }
        let wishes = Control::of(&request.headers);
        if !kept.freshness.is_fresh(&wishes, now) {
            return Found::Older(kept);
        }
        let (head, body) = kept.answer(Cached::Fresh, now);
        Found::Fresh(head, body)
    }

    /// Takes what the server answered, whose wall clock (since 1970) is asked where it has none; what the plugin gets.
    pub fn answered(
        &mut self,
        request: &FetchRequest,
        known: Option<Kept>,
        (head, body): (FetchHead, Bytes),
        now: Duration,
        wall: Duration,
    ) -> (FetchHead, Bytes) {
        match known {
            Some(kept) if head.status == 304 => self.confirmed(kept, head, now, wall),
            Some(kept) if head.status == 429 || head.status >= 500 => {
                kept.answer(Cached::Stale, now)
            }
            _ => {
                self.put(request, &head, &body, now, wall);
                (head, body)
            }
        }
    }

    /// A request that changes something has succeeded: what is kept of its URL may not hold (RFC 9111, 4.4).
    pub fn changed(&mut self, url: &str) {
        self.kept.retain(|kept| kept.asked.url != url);
    }

    /// The server says that it still holds (RFC 9111, 4.3.4).
    fn confirmed(
        &mut self,
        mut kept: Kept,
        news: FetchHead,
        now: Duration,
        wall: Duration,
    ) -> (FetchHead, Bytes) {
        freshness::renew(&mut kept.head.headers, news.headers);
        kept.freshness = Freshness::of(&kept.head.headers, now, wall);
        self.keep(kept.clone());
        kept.answer(Cached::Checked, now)
    }

    fn put(
        &mut self,
        request: &FetchRequest,
        head: &FetchHead,
        body: &Bytes,
        now: Duration,
        wall: Duration,
    ) {
        let Some(asked) = Asked::of(request) else { return };
        let freshness = Freshness::of(&head.headers, now, wall);
        self.keep(Kept { asked, head: head.clone(), body: body.clone(), freshness });
    }

    /// Keeps it in place of what was kept for an equal request, if it may be kept.
    fn keep(&mut self, new: Kept) {
        self.kept.retain(|kept| kept.asked != new.asked);
        if new.head.status != 200 || new.freshness.is_never_kept() || new.bytes() > MOST_BYTES {
            return;
        }
        self.kept.push(new);
        let mut bytes: usize = self.kept.iter().map(Kept::bytes).sum();
        while self.kept.len() > MOST || bytes > MOST_BYTES {
            bytes -= self.kept.remove(0).bytes();
        }
    }
}

impl Kept {
    /// Headers by which the server can say that it still holds (RFC 9111, 4.3.1).
    pub fn conditions(&self) -> Vec<(String, String)> {
        let tags = [("etag", "if-none-match"), ("last-modified", "if-modified-since")];
        let tags = tags.iter().filter_map(|(has, asks)| {
            let (_, tag) = self.head.headers.iter().find(|(name, _)| name == has)?;
            Some(((*asks).to_owned(), tag.clone()))
        });
        tags.collect()
    }

    /// It serves although it may not hold: there is nothing better.
    pub fn stale(self, now: Duration) -> (FetchHead, Bytes) {
        self.answer(Cached::Stale, now)
    }

    fn answer(self, cached: Cached, now: Duration) -> (FetchHead, Bytes) {
        let Kept { mut head, body, freshness, .. } = self;
        freshness::put_age(&mut head.headers, freshness.age(now));
        head.cached = Some(cached);
        (head, body)
    }

    fn bytes(&self) -> usize {
        let pairs = |all: &[(String, String)]| {
            all.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
        };
        let heads = pairs(&self.asked.headers) + pairs(&self.head.headers);
        self.asked.url.len() + self.head.url.len() + heads + self.body.len()
    }
}

impl Asked {
    /// `None`: the cache is not for it.
    fn of(request: &FetchRequest) -> Option<Asked> {
        let headers = request.headers.iter();
        let mut headers: Vec<_> =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        let own = |name: &str| name == "range" || name.starts_with("if-");
        let fits = request.cache && request.method == "GET" && request.body.is_empty();
        if !fits || headers.iter().any(|(name, _)| own(name)) {
            return None;
        }
        if Control::of(&headers).no_store {
            return None;
        }
        headers.retain(|(name, _)| name != "cache-control" && name != "pragma");
        Some(Asked { url: request.url.clone(), headers })
    }
}

#[cfg(test)]
mod tests;
