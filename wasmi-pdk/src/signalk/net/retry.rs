//! Requests that are sent again when the network or the server was not ready.
//!
//! Only what may be sent twice without harm is: RFC 9110, 9.2.2. A server that says `Retry-After` in
//! seconds is heard (10.2.3); its form as a date is not read.

use std::time::Duration;

use super::{Request, Response};
use crate::signalk::SignalK;
use crate::{Error, ErrorCode, Result, sleep};

/// How often, and after which pauses: `first`, twice that, four times that, up to `most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Times that the request is sent, all together.
    pub attempts: u32,
    /// Pause after the first.
    pub first: Duration,
    /// Longest pause, also when the server asks for a longer one.
    pub most: Duration,
}

impl Retry {
    /// Sent once: no retry.
    pub const ONCE: Retry =
        Retry { attempts: 1, first: Duration::from_secs(1), most: Duration::from_secs(60) };
}

impl Default for Retry {
    /// Four times, with pauses of 1, 2 and 4 s.
    fn default() -> Self {
        Retry { attempts: 4, ..Retry::ONCE }
    }
}

impl Retry {
    /// The pause after an attempt (counted from 1); `None`: it was the last.
    pub(super) fn pause(&self, attempt: u32, asked: Option<&str>) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let asked = asked.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let own = self.first.saturating_mul(doubled);
        Some(asked.unwrap_or(own).min(self.most))
    }
}

impl Request {
    /// [`Request::send`], again after a failure of the network and after statuses 429, 502, 503 and
    /// 504. A method that is not idempotent (`POST`, `PATCH`) is sent once.
    ///
    /// # Errors
    /// That of the last attempt. A capability that is missing is not tried twice.
    pub async fn send_retrying(&self, sk: &SignalK, retry: &Retry) -> Result<Response> {
        let mut attempt = 1;
        loop {
            let answer = self.send(sk).await;
            let pause = match &answer {
                _ if !self.is_idempotent() => None,
                Ok(response) if matches!(response.status, 429 | 502..=504) => {
                    retry.pause(attempt, response.header("retry-after"))
                }
                Err(error) if is_passing(error) => retry.pause(attempt, None),
                _ => None,
            };
            let Some(pause) = pause else { return answer };
            log::debug!("{}: attempt {attempt} failed, the next in {pause:?}", self.url());
            sleep(pause).await;
            attempt += 1;
        }
    }
}

/// Whether it may go better next time.
fn is_passing(error: &Error) -> bool {
    [ErrorCode::NetworkFailed, ErrorCode::Busy, ErrorCode::Timeout]
        .iter()
        .any(|code| code.number() == error.code())
}
