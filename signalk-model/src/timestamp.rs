//! Timestamps: the text as it was given, since clients get it back unchanged. Reading it as a
//! point of time happens only where values are sorted. No clock is read here.

use crate::calendar::{civil_from_days, days_from_civil};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// When a value was measured, as the sender wrote it: `2026-01-02T03:04:05.000Z`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Timestamp(Arc<str>);

impl Timestamp {
    /// Keeps the text as it is.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text JavaScript gives for that time: `2026-01-02T03:04:05.000Z`.
    pub fn from_unix_ms(ms: i64) -> Self {
        let days = ms.div_euclid(MS_PER_DAY);
        let in_day = ms.rem_euclid(MS_PER_DAY);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
        let (second, milli) = (in_day / 1000 % 60, in_day % 1000);
        let year = match year {
            0..=9999 => format!("{year:04}"),
            _ if year < 0 => format!("-{:06}", -year),
            _ => format!("+{year:06}"),
        };
        Self(Arc::from(format!(
            "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
        )))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Milliseconds since the Unix epoch; `None` when the text is no ISO 8601 date and time. A
    /// time without zone counts as UTC.
    pub fn unix_ms(&self) -> Option<i64> {
        let (date, rest) = self.0.split_once(['T', 't', ' '])?;
        let mut parts = date.splitn(3, '-');
        let year = digits(parts.next()?, 4)?;
        let month = digits(parts.next()?, 2)?;
        let day = digits(parts.next()?, 2)?;
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
        let (time, zone) = rest.split_at(zone_at);
        let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
        let mut parts = time.splitn(3, ':');
        let hour = digits(parts.next()?, 2)?;
        let minute = digits(parts.next()?, 2)?;
        let second = parts.next().map_or(Some(0), |text| digits(text, 2))?;
        if hour > 24 || minute > 59 || second > 60 {
            return None;
        }
        let seconds = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
        Some(seconds * 1000 + fraction_ms(fraction)? - zone_ms(zone)?)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl From<&str> for Timestamp {
    fn from(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

const MS_PER_DAY: i64 = 86_400_000;

fn digits(text: &str, len: usize) -> Option<i64> {
    (text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn fraction_ms(text: &str) -> Option<i64> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut ms = 0;
    for at in 0..3 {
        ms = ms * 10 + i64::from(text.as_bytes().get(at).map_or(0, |digit| digit - b'0'));
    }
    Some(ms)
}

fn zone_ms(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first() {
        None | Some(b'Z' | b'z') => return (zone.len() <= 1).then_some(0),
        Some(b'+') => 1,
        Some(_) => -1,
    };
    let text: String = zone.get(1..)?.chars().filter(|&c| c != ':').collect();
    let (hours, minutes) = match text.len() {
        2 => (digits(&text, 2)?, 0),
        4 => (digits(text.get(..2)?, 2)?, digits(text.get(2..)?, 2)?),
        _ => return None,
    };
    Some(sign * (hours * 60 + minutes) * 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_and_prints_as_in_javascript() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_767_323_045_000, "2026-01-02T03:04:05.000Z"),
            (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::from_unix_ms(ms).as_str(), text);
            if text.starts_with(|c: char| c.is_ascii_digit()) {
                assert_eq!(Timestamp::from(text).unix_ms(), Some(ms));
            }
        }
    }

    #[test]
    fn other_spellings_are_read_and_nonsense_is_not() {
        let at = |text: &str| Timestamp::from(text).unix_ms();
        assert_eq!(at("1970-01-01T00:00:01Z"), Some(1000));
        assert_eq!(at("1970-01-01T02:00:00.5+02:00"), Some(500));
        assert_eq!(at("1970-01-01T00:00"), Some(0));
        for text in ["", "yesterday", "1970-13-01T00:00:00Z", "1970-01-01", "1970-01-01T00:00:00.x"]
        {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
