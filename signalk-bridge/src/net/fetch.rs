//! HTTP requests of a plugin: checked, counted, sent, answered.
//!
//! Clause: plugin ABI 5.6. Schemes, sizes and the headers that belong to the
//! host are decided here; addresses by the egress rules at the edge.

use std::time::Duration;

use bytes::Bytes;

use super::{Completed, MOST_EFFECT_BYTES, MOST_EFFECTS, Net, Outcome, Wait};
use crate::effect::{
    Effect, FetchId, FetchNews, FetchRequest, MOST_WAITING, MOST_WAITING_BYTES, RateLimit, Retry,
    Upload,
};
use crate::error::shown;
use crate::exchange::ANSWER_WINDOW;
use crate::shown_url;

/// Requests that may be on their way at once.
pub(crate) const MOST_AT_ONCE: usize = 16;
/// Longest body in either direction.
pub(crate) const MOST_BYTES: usize = 16 << 20;
/// Bytes of a URL with all headers, and of what else a connection is asked for with: many may wait
/// to be made.
const LONGEST_HEAD: usize = 1 << 20;
/// Time until the answer is complete.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
/// As browsers do.
pub(crate) const REDIRECTS: u32 = 20;

/// A request that has not ended.
#[derive(Debug)]
pub(super) struct Fetching {
    pending: Pending,
    /// It waits for turns, and keeps so many bytes meanwhile.
    waits: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    /// The answer is waited for.
    Asked,
    /// The body of the answer comes in pieces; none is waited for.
    Open,
}

/// How a request is made, where it is not as existing plugins make it.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) timeout: Duration,
    pub(crate) redirects: u32,
    pub(crate) most: usize,
    pub(crate) streamed: bool,
    pub(crate) retry: Retry,
    pub(crate) rate: Option<RateLimit>,
    pub(crate) cache: bool,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            timeout: TIMEOUT,
            redirects: REDIRECTS,
            most: MOST_BYTES,
            streamed: false,
            retry: Retry::ONCE,
            rate: None,
            cache: false,
        }
    }
}

impl Net {
    /// Sends a request whose whole answer is waited for.
    ///
    /// # Errors
    /// In words, when it cannot be sent.
    pub(crate) fn fetch(
        &mut self,
        method: &str,
        url: &str,
        headers: Vec<(String, String)>,
        body: Bytes,
    ) -> Result<Wait, String> {
        self.fetch_on(method, url, headers, body, Terms::default()).map(Wait::Fetch)
    }

    /// [`Net::fetch`] on other terms.
    pub(crate) fn fetch_on(
        &mut self,
        method: &str,
        url: &str,
        headers: Vec<(String, String)>,
        body: Bytes,
        terms: Terms,
    ) -> Result<FetchId, String> {
        self.fetch_with(method, url, headers, (body, None), terms)
    }

    /// [`Net::fetch_on`] with a body that is whole, or comes in pieces.
    pub(super) fn fetch_with(
        &mut self,
        method: &str,
        url: &str,
        headers: Vec<(String, String)>,
        (body, upload): (Bytes, Option<Upload>),
        terms: Terms,
    ) -> Result<FetchId, String> {
        self.requests.0 += 1;
        let head = head_bytes(url, &headers);
        let window = upload.map_or(0, |_| ANSWER_WINDOW);
        let waits = terms.rate.is_some().then_some(head + body.len() + window);
        let fits = check(url, body.len()).and_then(|()| check_head(url, &headers, &[]));
        if let Err(text) = fits.and_then(|()| self.room(waits)).and_then(|()| self.asks(head)) {
            self.requests.1 += 1;
            return Err(text);
        }
        self.last_fetch += 1;
        let id = FetchId(self.last_fetch);
        self.fetches.insert(id, Fetching { pending: Pending::Asked, waits });
        let request = FetchRequest {
            method: method.to_ascii_uppercase(),
            url: url.to_owned(),
            headers: headers.into_iter().filter(|(name, _)| !is_the_hosts(name)).collect(),
            body,
            timeout: terms.timeout,
            redirects: terms.redirects,
            most: terms.most,
            streamed: terms.streamed,
            upload,
            retry: terms.retry,
            rate: terms.rate,
            cache: terms.cache,
        };
        self.begin(Effect::Fetch { id, request });
        Ok(id)
    }

    /// Whether one more may be asked of the edge in this slice: a guest may begin and leave requests without end.
    fn asks(&mut self, head: usize) -> Result<(), String> {
        if self.effects.len() >= MOST_EFFECTS || self.effect_bytes + head > MOST_EFFECT_BYTES {
            return Err("too much is asked for at once; ask for less, or later".to_owned());
        }
        self.effect_bytes += head;
        Ok(())
    }

    /// Whether there is room for one more request; one that waits for a turn keeps so many bytes meanwhile.
    fn room(&self, waits: Option<usize>) -> Result<(), String> {
        let waiting = self.fetches.values().filter_map(|fetching| fetching.waits);
        let (count, bytes) = waiting.fold((0, 0), |(count, sum), bytes| (count + 1, sum + bytes));
        match waits {
            None if self.fetches.len() - count >= MOST_AT_ONCE => {
                Err(format!("{MOST_AT_ONCE} requests are on their way; wait for one of them"))
            }
            Some(_) if count >= MOST_WAITING => Err(format!(
                "busy: {MOST_WAITING} requests with `rateLimit` are on their way or wait for their turn; wait for one of them"
            )),
            Some(more) if bytes + more > MOST_WAITING_BYTES => Err(format!(
                "busy: {bytes} bytes of requests with `rateLimit` wait for their turn, the limit is {MOST_WAITING_BYTES}; wait for one of them, or send the body in pieces"
            )),
            _ => Ok(()),
        }
    }

    /// Whether this life of the plugin has had such a request.
    pub(crate) fn has_fetched(&self, id: FetchId) -> bool {
        (self.first_fetch..=self.last_fetch).contains(&id.0)
    }

    /// Asks for the next piece of a streamed body.
    pub(crate) fn fetch_more(&mut self, id: FetchId) -> Result<Wait, String> {
        let fetching = self.fetches.get_mut(&id);
        let fetching = fetching.ok_or_else(|| {
            format!("request {} has no more: it ended, or was none of this plugin", id.0)
        })?;
        if fetching.pending != Pending::Open {
            return Err(format!("a piece of request {} is waited for already", id.0));
        }
        fetching.pending = Pending::Asked;
        self.effects.push_back(Effect::FetchMore { id });
        Ok(Wait::Fetch(id))
    }

    /// Forgets one request; who waited for it is told.
    pub(crate) fn fetch_cancel(&mut self, id: FetchId) {
        let Some(Fetching { pending, .. }) = self.fetches.remove(&id) else { return };
        self.effects.push_back(Effect::FetchCancel { id });
        self.upload_ended(id, "cancelled");
        if pending == Pending::Asked {
            self.complete(Some(Wait::Fetch(id)), Err("cancelled".to_owned()));
        }
    }

    /// Forgets a request: its plugin stops.
    pub(crate) fn cancel_fetches(&mut self) -> Vec<Completed> {
        for id in self.uploads.keys().copied().collect::<Vec<_>>() {
            self.upload_ended(id, "cancelled: the plugin stops");
        }
        let ids = std::mem::take(&mut self.fetches).into_keys();
        let cancelled = ids.map(|id| {
            self.effects.push_back(Effect::FetchCancel { id });
            let outcome = Outcome::Failed("cancelled: the plugin stops".to_owned());
            Completed { wait: Wait::Fetch(id), outcome }
        });
        cancelled.collect()
    }

    pub(super) fn fetch_news(&mut self, id: FetchId, news: FetchNews) -> Option<Completed> {
        let news = match self.upload_news(id, news) {
            Ok(done) => return done,
            Err(news) => news,
        };
        let open = Fetching { pending: Pending::Open, ..self.fetches.remove(&id)? };
        let outcome = match news {
            FetchNews::Whole(head, body) => Outcome::Answer(head, body),
            FetchNews::Failed(text) => {
                self.requests.1 += 1;
                Outcome::Failed(text)
            }
            FetchNews::Head(head) => {
                self.fetches.insert(id, open);
                Outcome::Head(head)
            }
            FetchNews::Piece(piece) => {
                self.fetches.insert(id, open);
                Outcome::Piece(Some(piece))
            }
            // Of these `upload` has taken care.
            FetchNews::Written(_) => return None,
            FetchNews::End => Outcome::Piece(None),
        };
        Some(Completed { wait: Wait::Fetch(id), outcome })
    }
}

/// Refuses a request whose head is longer than any server takes.
pub(super) fn check_head(
    url: &str,
    headers: &[(String, String)],
    more: &[String],
) -> Result<(), String> {
    let bytes = head_bytes(url, headers) + more.iter().map(String::len).sum::<usize>();
    if bytes > LONGEST_HEAD {
        return Err(format!("a URL and headers of {bytes} bytes, the limit is {LONGEST_HEAD}"));
    }
    Ok(())
}

fn head_bytes(url: &str, headers: &[(String, String)]) -> usize {
    url.len() + headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
}

fn check(url: &str, body: usize) -> Result<(), String> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        let shown = shown(&shown_url(url));
        return Err(format!("`{shown}`: only http: and https: are fetched"));
    }
    if body > MOST_BYTES {
        return Err(format!("a body of {body} bytes, the limit is {MOST_BYTES}"));
    }
    Ok(())
}

/// Headers that the host sets itself.
fn is_the_hosts(name: &str) -> bool {
    ["host", "content-length", "connection", "transfer-encoding"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::FetchHead;

    #[test]
    fn a_request_is_sent_once_and_completed_once() {
        let mut net = Net::new();
        let headers = vec![("Host".into(), "x".into()), ("X-A".into(), "1".into())];
        let wait = net.fetch("post", "http://a.b/", headers, Bytes::from_static(b"{}")).unwrap();
        let effects = net.take_effects();
        let [Effect::Fetch { id, request }] = effects.iter().collect::<Vec<_>>()[..] else {
            panic!("{effects:?}")
        };
        assert_eq!((request.method.as_str(), request.headers.len()), ("POST", 1));
        let news = FetchNews::Whole(FetchHead::default(), Bytes::new());
        let done = net.fetch_news(*id, news.clone()).unwrap();
        assert_eq!(done.wait, wait);
        assert_eq!(net.fetch_news(*id, news), None);
    }

    #[test]
    fn a_streamed_body_is_asked_for_piece_by_piece_and_may_be_left() {
        let mut net = Net::new();
        let terms = Terms { streamed: true, ..Terms::default() };
        let mut ask =
            || net.fetch_on("GET", "http://a.b/", vec![], Bytes::new(), terms.clone()).unwrap();
        let (id, left) = (ask(), ask());
        assert!(net.fetch_more(id).unwrap_err().contains("already"));
        let head = net.fetch_news(id, FetchNews::Head(FetchHead::default())).unwrap();
        assert_eq!(head.outcome, Outcome::Head(FetchHead::default()));
        net.take_effects();
        let wait = net.fetch_more(id).unwrap();
        assert_eq!(net.take_effects(), [Effect::FetchMore { id }]);
        let piece = Bytes::from_static(b"x");
        let got = net.fetch_news(id, FetchNews::Piece(piece.clone())).unwrap();
        assert_eq!(got, Completed { wait, outcome: Outcome::Piece(Some(piece)) });
        net.fetch_more(id).unwrap();
        let end = net.fetch_news(id, FetchNews::End).unwrap();
        assert_eq!(end.outcome, Outcome::Piece(None));
        assert!(net.fetch_more(id).unwrap_err().contains("has no more"));
        net.fetch_cancel(left);
        assert_eq!(net.take_completed().len(), 1, "who waits for the head is told");
        assert_eq!(net.take_effects().pop_back(), Some(Effect::FetchCancel { id: left }));
    }

    #[test]
    fn other_schemes_and_too_many_requests_are_refused() {
        let mut net = Net::new();
        let mut fetch = |url: &str| net.fetch("GET", url, vec![], Bytes::new());
        assert!(fetch("file:///etc/passwd").unwrap_err().contains("only http"));
        for _ in 0..MOST_AT_ONCE {
            fetch("https://a.b").unwrap();
        }
        assert!(fetch("https://a.b").unwrap_err().contains("on their way"));
        net.fetch_news(FetchId(1), FetchNews::Failed("no route".to_owned()));
        let asked = u64::try_from(MOST_AT_ONCE).unwrap() + 2;
        assert_eq!(net.take_requests(), (asked, 3));
        assert!(net.fetch("GET", "https://a.b", vec![], Bytes::new()).is_ok());
        assert_eq!(net.cancel_fetches().len(), MOST_AT_ONCE);
    }
    fn in_turns() -> Terms {
        let rate = RateLimit { turns: 1, time: Duration::from_secs(1), name: None };
        Terms { rate: Some(rate), ..Terms::default() }
    }

    /// They do not take the places of others, and are bounded by number and by bytes.
    #[test]
    fn requests_that_wait_for_a_turn_are_many_but_bounded() {
        let mut net = Net::new();
        let body = |bytes: usize| Bytes::from(vec![7; bytes]);
        let mut ask = |bytes, terms| net.fetch_on("PUT", "http://a.b", vec![], body(bytes), terms);
        for _ in 0..MOST_WAITING {
            ask(1000, in_turns()).unwrap();
        }
        let busy = ask(1, in_turns()).unwrap_err();
        assert!(busy.starts_with("busy: 256 requests with `rateLimit`"), "{busy}");
        assert!(ask(1, Terms::default()).is_ok());
        let mut net = Net::new();
        let mut ask = |bytes, terms| net.fetch_on("PUT", "http://a.b", vec![], body(bytes), terms);
        ask(MOST_WAITING_BYTES / 2, in_turns()).unwrap();
        let busy = ask(MOST_WAITING_BYTES / 2, in_turns()).unwrap_err();
        assert!(busy.contains("the limit is 16777216"), "{busy}");
        net.fetch_news(FetchId(1), FetchNews::Failed("no route".to_owned()));
        assert!(net.fetch_on("PUT", "http://a.b", vec![], body(1 << 20), in_turns()).is_ok());
    }

    #[test]
    fn what_is_begun_and_left_in_one_slice_is_bounded() {
        let mut net = Net::new();
        let header = vec![("x".to_owned(), "y".repeat(LONGEST_HEAD - 100))];
        let mut begun = 0;
        let text = loop {
            match net.upload("PUT", "http://a.b", header.clone(), None, Terms::default()) {
                Ok(id) => net.fetch_cancel(id),
                Err(text) => break text,
            }
            begun += 1;
        };
        assert_eq!(
            (begun, text.as_str()),
            (8, "too much is asked for at once; ask for less, or later")
        );
        net.take_effects();
        assert!(net.upload("PUT", "http://a.b", header, None, Terms::default()).is_ok());
    }
}
