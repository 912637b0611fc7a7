//! Answers that are kept: fresh ones are not asked for again, older ones are checked by their tag.
//!
//! A private cache of `GET` answers in the plugin's memory (RFC 9111): `Cache-Control: no-store`,
//! `no-cache` and `max-age`, `ETag` with `If-None-Match`, `Last-Modified` with `If-Modified-Since`.
//! `Expires` is not read: an answer without `max-age` is checked each time. Nor is `Vary`: only
//! requests that are equal in everything, headers included, share an answer.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Request, Response, Retry};
use crate::Result;
use crate::signalk::SignalK;

/// Kept answers, the latest last.
#[derive(Debug)]
pub struct Cache {
    kept: RefCell<Vec<Kept>>,
    most: usize,
    most_bytes: usize,
    retry: Retry,
}

#[derive(Debug, Clone)]
struct Kept {
    request: Request,
    response: Rc<Response>,
    /// Until then it is not asked for again.
    fresh_until: Instant,
}

impl Cache {
    /// Keeps at most so many answers, and so many bytes of their bodies; the oldest go.
    #[must_use]
    pub fn new(most: usize, most_bytes: usize) -> Self {
        Cache { kept: RefCell::default(), most, most_bytes, retry: Retry::ONCE }
    }

    /// The same, which asks a server that is not ready again.
    #[must_use]
    pub fn retrying(self, retry: Retry) -> Self {
        Cache { retry, ..self }
    }

    /// The answer to a request: kept, confirmed by the server, or new. When the server cannot be
    /// reached or fails (429, 500 and above), a kept answer serves, however old it is: at sea that
    /// is the rule, and a warning in the log. Other methods than `GET` are sent and not kept.
    ///
    /// # Errors
    /// As [`Request::send`], when nothing is kept.
    pub async fn send(&self, sk: &SignalK, request: &Request) -> Result<Rc<Response>> {
        if !request.is_get() {
            return request.send_retrying(sk, &self.retry).await.map(Rc::new);
        }
        let known = self.find(request);
        if let Some(kept) = known.as_ref().filter(|kept| Instant::now() < kept.fresh_until) {
            return Ok(Rc::clone(&kept.response));
        }
        let asked = conditional(request, known.as_ref());
        let answer = asked.send_retrying(sk, &self.retry).await;
        let (response, until) = match (answer, known) {
            (Ok(news), Some(kept)) if news.status == 304 => {
                let is_said = news.header("cache-control").is_some();
                let until = fresh_until(if is_said { &news } else { &kept.response });
                (kept.response, until)
            }
            (Ok(news), Some(kept)) if news.status == 429 || news.status >= 500 => {
                log::warn!("{}: status {}; the kept answer serves", request.url(), news.status);
                return Ok(kept.response);
            }
            (Err(error), Some(kept)) => {
                log::warn!("{}: {error}; the kept answer serves", request.url());
                return Ok(kept.response);
            }
            (Ok(new), _) => {
                let until = fresh_until(&new).filter(|_| new.status == 200);
                (Rc::new(new), until)
            }
            (Err(error), None) => return Err(error),
        };
        self.put(request, &response, until);
        Ok(response)
    }

    fn find(&self, request: &Request) -> Option<Kept> {
        self.kept.borrow().iter().find(|kept| kept.request == *request).cloned()
    }

    /// Keeps it instead of what was kept for the same request; `None`: keeps none.
    fn put(&self, request: &Request, response: &Rc<Response>, until: Option<Instant>) {
        let mut all = self.kept.borrow_mut();
        all.retain(|kept| kept.request != *request);
        let fits = |_: &Instant| response.body.len() <= self.most_bytes;
        let Some(fresh_until) = until.filter(fits) else { return };
        let (request, response) = (request.clone(), Rc::clone(response));
        all.push(Kept { request, response, fresh_until });
        let bytes = |all: &[Kept]| all.iter().map(|kept| kept.response.body.len()).sum::<usize>();
        while all.len() > self.most || bytes(&all) > self.most_bytes {
            all.remove(0);
        }
    }
}

/// The request that a server answers with 304 when what is kept still holds.
fn conditional(request: &Request, known: Option<&Kept>) -> Request {
    let tags = [("etag", "if-none-match"), ("last-modified", "if-modified-since")];
    tags.iter().fold(request.clone(), |asked, (had, asks)| {
        match known.and_then(|kept| kept.response.header(had)) {
            Some(tag) => asked.header(asks, tag),
            None => asked,
        }
    })
}

/// Until when it need not be checked; `None`: it may not be kept.
fn fresh_until(response: &Response) -> Option<Instant> {
    let control = response.header("cache-control").unwrap_or_default().to_ascii_lowercase();
    let words = || control.split(',').map(str::trim);
    if words().any(|word| word == "no-store") {
        return None;
    }
    let age = words().find_map(|word| word.strip_prefix("max-age=")?.parse().ok());
    let age = age.filter(|_| !words().any(|word| word == "no-cache"));
    Instant::now().checked_add(Duration::from_secs(age.unwrap_or(0)))
}
