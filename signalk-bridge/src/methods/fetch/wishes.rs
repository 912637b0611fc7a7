//! What a request may wish besides: to be sent again (`retry`), its turn (`rateLimit`), an answer that is kept
//! (`cache`).
//!
//! Requirements R89 to R91. What is done about them: [`Retry`], [`RateLimit`](crate::RateLimit),
//! [`Cache`](crate::Cache).

use std::time::Duration;

use serde::Deserialize;

use super::{PATIENCE, Request};
use crate::{RateLimit, Retry};

/// Times that a request may be sent.
const MOST_ATTEMPTS: u32 = 10;
/// Bytes of the name of turns.
const LONGEST_NAME: usize = 100;

/// `retry` of a request.
#[derive(Debug, Clone, Deserialize)]
pub struct Again {
    /// 4 when left out, at most 10.
    #[serde(default)]
    pub attempts: Option<u32>,
    /// Milliseconds of the first pause, 1000 when left out; each next one is twice as long.
    #[serde(default)]
    pub first: Option<u64>,
    /// Milliseconds of the longest pause, 60000 when left out, at most 300000.
    #[serde(default)]
    pub most: Option<u64>,
}

/// `rateLimit` of a request: at most so many in any stretch of so much time.
#[derive(Debug, Clone, Deserialize)]
pub struct TurnsIn {
    /// 1 to 1000.
    pub turns: usize,
    /// Milliseconds, at most a day.
    pub ms: u64,
    /// Requests with the same name share their turns; left out: those to the same server.
    #[serde(default)]
    pub name: Option<String>,
}

impl Request {
    /// How often it is sent.
    pub(super) fn retry(&self, method: &str) -> Result<Retry, String> {
        match &self.retry {
            None => Ok(Retry::ONCE),
            Some(_) if self.stream => {
                Err("a streamed answer is not asked for twice; leave `retry` out".to_owned())
            }
            Some(retry) => retry.of(method),
        }
    }

    /// The turns that it waits for.
    pub(super) fn rate(&self) -> Result<Option<RateLimit>, String> {
        self.rate_limit.as_ref().map(TurnsIn::of).transpose()
    }

    /// Whether a kept answer may serve.
    pub(super) fn may_be_kept(&self, method: &str) -> Result<bool, String> {
        if self.cache && self.stream {
            return Err("a streamed answer is not kept; leave `cache` out".to_owned());
        }
        if self.cache && !method.eq_ignore_ascii_case("GET") {
            return Err(format!("answers to `{method}` are not kept; leave `cache` out"));
        }
        Ok(self.cache)
    }
}

impl Again {
    fn of(&self, method: &str) -> Result<Retry, String> {
        let harmless = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];
        if !harmless.iter().any(|safe| method.eq_ignore_ascii_case(safe)) {
            return Err(format!("`{method}` may do something twice; leave `retry` out"));
        }
        let attempts = self.attempts.unwrap_or(4);
        if !(1..=MOST_ATTEMPTS).contains(&attempts) {
            return Err(format!("`retry.attempts` is {attempts}, at most {MOST_ATTEMPTS}"));
        }
        let first = self.first.map_or(Retry::ONCE.first, Duration::from_millis);
        let most = self.most.map_or(Retry::ONCE.most, Duration::from_millis).min(PATIENCE);
        Ok(Retry { attempts, first, most })
    }
}

impl TurnsIn {
    fn of(&self) -> Result<RateLimit, String> {
        let (most, longest) = (RateLimit::MOST_TURNS, RateLimit::LONGEST);
        if !(1..=most).contains(&self.turns) {
            return Err(format!("`rateLimit.turns` is {}, from 1 to {most}", self.turns));
        }
        let time = Duration::from_millis(self.ms);
        if time > longest {
            let longest = longest.as_millis();
            return Err(format!("`rateLimit.ms` is {}, at most {longest}", self.ms));
        }
        let name = self.name.clone();
        if name.as_ref().is_some_and(|name| name.len() > LONGEST_NAME) {
            return Err(format!("`rateLimit.name` has at most {LONGEST_NAME} bytes"));
        }
        Ok(RateLimit { turns: self.turns, time, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::fetch::Terms;

    fn terms(more: &str) -> Result<Terms, String> {
        let text = format!(r#"{{"url":"http://a.b"{more}}}"#);
        serde_json::from_str::<Request>(&text).unwrap().ask().map(|ask| ask.terms)
    }

    #[test]
    fn a_request_is_sent_again_only_where_that_does_no_harm() {
        assert_eq!(terms("").unwrap().retry, Retry::ONCE);
        let retry = terms(r#","retry":{}"#).unwrap().retry;
        assert_eq!(retry, Retry { attempts: 4, ..Retry::ONCE });
        let retry = terms(r#","method":"put","retry":{"first":5,"most":900000}"#).unwrap().retry;
        assert_eq!((retry.first, retry.most), (Duration::from_millis(5), PATIENCE));
    }

    #[test]
    fn turns_have_a_name_or_are_the_servers() {
        let rate = |more| terms(more).unwrap().rate.unwrap();
        let limit = rate(r#","rateLimit":{"turns":2,"ms":1500}"#);
        assert_eq!(limit, RateLimit { turns: 2, time: Duration::from_millis(1500), name: None });
        let named = rate(r#","rateLimit":{"turns":1,"ms":0,"name":"wind"},"stream":true"#);
        assert_eq!(named.name.as_deref(), Some("wind"));
    }

    #[test]
    fn what_cannot_be_is_refused_in_words() {
        let long = format!(r#","rateLimit":{{"turns":1,"ms":1,"name":"{}"}}"#, "x".repeat(101));
        for (more, says) in [
            (r#","method":"POST","retry":{}"#, "may do something twice"),
            (r#","stream":true,"retry":{}"#, "is not asked for twice"),
            (r#","retry":{"attempts":11}"#, "at most 10"),
            (r#","retry":{"attempts":0}"#, "at most 10"),
            (r#","rateLimit":{"turns":0,"ms":1}"#, "from 1 to 1000"),
            (r#","rateLimit":{"turns":1001,"ms":1}"#, "from 1 to 1000"),
            (r#","rateLimit":{"turns":1,"ms":86400001}"#, "at most 86400000"),
            (long.as_str(), "at most 100 bytes"),
            (r#","cache":true,"stream":true"#, "a streamed answer is not kept"),
            (r#","cache":true,"method":"HEAD""#, "answers to `HEAD` are not kept"),
        ] {
            let error = terms(more).err().unwrap_or_default();
            assert!(error.contains(says), "{more}: {error}");
        }
        for (more, says) in [("cache", "is not kept"), ("retry", "cannot be sent again")] {
            let value = if more == "cache" { "true" } else { "{}" };
            let text = format!(r#"{{"url":"http://a.b","method":"GET","{more}":{value}}}"#);
            let open = serde_json::from_str::<super::super::Open>(&text).unwrap();
            let error = open.ask().err().unwrap_or_default();
            assert!(error.contains(says), "{more}: {error}");
        }
    }
}
