//! What an answer says of how long it holds, and how old it is (RFC 9111, 4.2 and 5).
//!
//! Read are `Cache-Control` (`no-store`, `no-cache`, `max-age`), `Expires` with `Date`, `Age` and `Vary: *`. Nothing is
//! guessed from `Last-Modified` (4.2.2 allows it): an answer that says nothing is checked each time. How old it was
//! when it came is its `Age` alone and not its `Date`, because clocks of boats' computers are often wrong.

use std::time::{Duration, UNIX_EPOCH};

/// Until when an answer holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Freshness {
    no_store: bool,
    received: Duration,
    /// Its age when it came.
    age: Duration,
    /// It holds until it is so old.
    lifetime: Duration,
}

/// What `Cache-Control` says, in a request or in an answer.
#[derive(Debug, Default)]
pub(super) struct Control {
    pub(super) no_store: bool,
    no_cache: bool,
    max_age: Option<Duration>,
}

impl Control {
    /// Names in any case. `Pragma: no-cache` counts where there is nothing else (5.4).
    pub(super) fn of(headers: &[(String, String)]) -> Control {
        let mut control = Control::default();
        let mut says = false;
        for value in all(headers, "cache-control") {
            says = true;
            for word in value.split(',') {
                let (name, value) = word.split_once('=').unwrap_or((word, ""));
                match name.trim().to_ascii_lowercase().as_str() {
                    "no-store" => control.no_store = true,
                    "no-cache" => control.no_cache = true,
                    // Of several the shortest; what is no number is none (4.2.1).
                    "max-age" => {
                        let age = seconds(value.trim().trim_matches('"'));
                        control.max_age = Some(control.max_age.map_or(age, |other| other.min(age)));
                    }
                    _ => {}
                }
            }
        }
        let mut pragmas = all(headers, "pragma");
        control.no_cache |=
            !says && pragmas.any(|value| value.to_ascii_lowercase().contains("no-cache"));
        control
    }
}

impl Freshness {
    /// Of an answer that came `now`; `wall` is the time since 1970, for an answer without `Date`.
    pub(super) fn of(headers: &[(String, String)], now: Duration, wall: Duration) -> Freshness {
        let control = Control::of(headers);
        let varies = all(headers, "vary").any(|value| value.split(',').any(|it| it.trim() == "*"));
        let lifetime = match control.max_age {
            _ if control.no_cache || varies => Duration::ZERO,
            Some(age) => age,
            None => expires_after(headers, wall),
        };
        let age = all(headers, "age").next().map_or(Duration::ZERO, |text| seconds(text.trim()));
        Freshness { no_store: control.no_store, received: now, age, lifetime }
    }

    /// Whether the server forbids to keep it.
    pub(super) fn is_never_kept(&self) -> bool {
        self.no_store
    }

    /// How old it is.
    pub(super) fn age(&self, now: Duration) -> Duration {
        self.age.saturating_add(now.saturating_sub(self.received))
    }

    /// Whether it serves without being checked; a request may wish for less (5.2.1).
    pub(super) fn is_fresh(&self, wishes: &Control, now: Duration) -> bool {
        let age = self.age(now);
        let enough = wishes.max_age.is_none_or(|most| age <= most);
        !wishes.no_cache && enough && age < self.lifetime
    }
}

/// The time from `Date` to `Expires` (5.3): what cannot be read is over.
fn expires_after(headers: &[(String, String)], wall: Duration) -> Duration {
    let date = |name| all(headers, name).next().map(http_date);
    let Some(Some(end)) = date("expires") else { return Duration::ZERO };
    end.saturating_sub(date("date").flatten().unwrap_or(wall))
}

/// Since 1970.
fn http_date(text: &str) -> Option<Duration> {
    httpdate::parse_http_date(text.trim()).ok()?.duration_since(UNIX_EPOCH).ok()
}

/// Delta seconds (1.2.2): what is larger than any number is very long, what is none is nothing.
fn seconds(text: &str) -> Duration {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let most = u64::from(u32::MAX);
    let count = if is_number { text.parse().unwrap_or(most).min(most) } else { 0 };
    Duration::from_secs(count)
}

/// Puts the headers of a confirmation in the place of older ones (3.2); what describes the body stays.
pub(super) fn renew(headers: &mut Vec<(String, String)>, news: Vec<(String, String)>) {
    let stays = |name: &str| name.starts_with("content-") || name == "connection";
    let news: Vec<_> = news.into_iter().filter(|(name, _)| !stays(name)).collect();
    headers.retain(|(name, _)| name != "age" && !news.iter().any(|(new, _)| new == name));
    headers.extend(news);
}

/// Says how old it is (5.1).
pub(super) fn put_age(headers: &mut Vec<(String, String)>, age: Duration) {
    headers.retain(|(name, _)| name != "age");
    headers.push(("age".to_owned(), age.as_secs().to_string()));
}

fn all<'a>(headers: &'a [(String, String)], name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);
    /// Fri, 02 Jan 1970 00:00:00 GMT.
    const WALL: Duration = Duration::from_secs(24 * 60 * 60);

    /// Seconds that an answer with these headers holds.
    fn holds(headers: &[(&str, &str)]) -> u64 {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let freshness = Freshness::of(&headers, NOW, WALL);
        let wishes = Control::default();
        (0..10_000)
            .take_while(|after| freshness.is_fresh(&wishes, NOW + Duration::from_secs(*after)))
            .count() as u64
    }

    #[test]
    fn an_answer_holds_as_long_as_it_says() {
        for (headers, seconds) in [
            (&[][..], 0),
            (&[("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT")], 0),
            (&[("cache-control", "private, Max-Age=\"60\"")], 60),
            (&[("cache-control", "max-age=60"), ("age", "20")], 40),
            (&[("cache-control", "max-age=60"), ("age", "70")], 0),
            (&[("cache-control", "max-age=60"), ("cache-control", "max-age=30")], 30),
            (&[("cache-control", "max-age=soon")], 0),
            (&[("cache-control", "max-age=60, no-cache")], 0),
            (&[("cache-control", "max-age=60"), ("vary", "accept, *")], 0),
            (&[("cache-control", "max-age=60"), ("vary", "accept")], 60),
            (&[("pragma", "no-cache"), ("expires", "Fri, 02 Jan 1970 00:01:00 GMT")], 0),
            (&[("expires", "Fri, 02 Jan 1970 00:01:00 GMT")], 60),
            (&[("expires", "0")], 0),
            // The server's own clock counts, not the boat's.
            (
                &[
                    ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                    ("expires", "Sun, 06 Nov 1994 08:50:37 GMT"),
                ],
                60,
            ),
            (&[("cache-control", "max-age=5"), ("expires", "Fri, 02 Jan 2970 00:01:00 GMT")], 5),
            (&[("expires", "Wed, 31 Dec 1969 23:59:59 GMT")], 0),
        ] {
            assert_eq!(holds(headers), seconds, "{headers:?}");
        }
    }

    /// No number of a server's is too large.
    #[test]
    fn ages_without_end_are_very_long_and_do_no_harm() {
        let endless = "9".repeat(40);
        let headers = vec![
            ("age".to_owned(), endless.clone()),
            ("cache-control".to_owned(), format!("max-age={endless}")),
        ];
        let freshness = Freshness::of(&headers, Duration::MAX, Duration::MAX);
        assert!(!freshness.is_fresh(&Control::default(), Duration::MAX));
        assert_eq!(freshness.age(Duration::MAX).as_secs(), u64::from(u32::MAX));
    }
}
