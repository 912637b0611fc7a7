//! How long a login lasts, as `security.json` writes it: `NEVER`, `1d`, `12h`, ...

use serde_json::Value;

/// Of new tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiration {
    Never,
    /// After so many seconds.
    After(u64),
}

impl Expiration {
    /// `None`: it cannot be read.
    pub(crate) fn from_wire(value: &Value) -> Option<Expiration> {
        match value {
            Value::String(text) if text.trim() == "NEVER" => Some(Expiration::Never),
            Value::String(text) => seconds(text.trim()).map(Expiration::After),
            Value::Number(number) => {
                number.as_u64().filter(|seconds| *seconds <= LONGEST).map(Expiration::After)
            }
            _ => None,
        }
    }

    /// Seconds; `None`: for ever.
    pub(crate) fn seconds(self) -> Option<u64> {
        match self {
            Expiration::Never => None,
            Expiration::After(seconds) => Some(seconds),
        }
    }
}

/// A whole number and a unit, as the reference's library reads them; without a unit these are milliseconds.
fn seconds(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let number: u64 = number.parse().ok()?;
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => {
            return Some(number / 1000);
        }
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7 * DAY,
        "y" | "yr" | "yrs" | "year" | "years" => 365 * DAY + DAY / 4,
        _ => return None,
    };
    number.checked_mul(unit).filter(|seconds| *seconds <= LONGEST)
}

pub(crate) const DAY: u64 = 86_400;
/// A thousand years: a sum with the time of day fits every number.
const LONGEST: u64 = 1000 * 366 * DAY;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_the_reference_reads_them() {
        for (text, expected) in [
            ("NEVER", Some(Expiration::Never)),
            ("1d", Some(Expiration::After(DAY))),
            ("12 hours", Some(Expiration::After(12 * 3600))),
            ("1y", Some(Expiration::After(31_557_600))),
            ("5000", Some(Expiration::After(5))),
            ("", None),
            ("soon", None),
            ("-1d", None),
            ("99999999999y", None),
        ] {
            assert_eq!(Expiration::from_wire(&text.into()), expected, "{text}");
        }
        assert_eq!(Expiration::from_wire(&60.into()), Some(Expiration::After(60)));
        assert_eq!(Expiration::from_wire(&u64::MAX.into()), None);
        assert_eq!(Expiration::from_wire(&Value::Null), None);
    }
}
