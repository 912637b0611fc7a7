//! Times of day and dates of a sentence to milliseconds since the Unix epoch.
//!
//! Most sentences carry a time without a date: the date then is that of `now`, as in the reference.
//! DIFFERENCE: around midnight it is the day that puts the sentence closest to `now`; the reference can be 24 h off.

use super::fields::Fields;
use crate::input::calendar::{DAY_MS, days};

/// The moment that time field `i` (`hhmmss.sss`) names on the day of `now_ms`; `now_ms` in whole seconds when it is
/// empty.
pub(super) fn moment_today(f: &Fields<'_>, i: usize, now_ms: i64) -> i64 {
    let Some(time) = time_of_day(f, i) else { return now_ms - now_ms.rem_euclid(1000) };
    let moment = now_ms - now_ms.rem_euclid(DAY_MS) + time;
    match moment - now_ms {
        ahead if ahead > 23 * HOUR_MS => moment - DAY_MS,
        behind if behind < -23 * HOUR_MS => moment + DAY_MS,
        _ => moment,
    }
}

/// The moment of time field `time` and date field `date` (`ddmmyy`); what is empty is taken from `now_ms`.
pub(super) fn moment(f: &Fields<'_>, time: usize, date: usize, now_ms: i64) -> i64 {
    let Some(day) = date_days(f, date) else { return moment_today(f, time, now_ms) };
    let time = time_of_day(f, time).unwrap_or_else(|| now_ms.rem_euclid(DAY_MS) / 1000 * 1000);
    day * DAY_MS + time
}

/// Milliseconds since midnight of time field `i`; `None` when it is empty or (counted) unreadable.
pub(super) fn time_of_day(f: &Fields<'_>, i: usize) -> Option<i64> {
    let raw = f.raw(i);
    if raw.is_empty() {
        return None;
    }
    let time = read_time(raw);
    if time.is_none() {
        f.count_bad();
    }
    time
}

/// The year of a two- or four-digit year field: GPS began in 1980.
pub(super) fn full_year(year: i64) -> i64 {
    match year {
        0..80 => 2000 + year,
        80..100 => 1900 + year,
        _ => year,
    }
}

/// An unsigned number of at most nine digits.
pub(super) fn digits(raw: &[u8]) -> Option<i64> {
    if raw.is_empty() || raw.len() > 9 {
        return None;
    }
    raw.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

fn date_days(f: &Fields<'_>, i: usize) -> Option<i64> {
    let raw = f.raw(i);
    if raw.is_empty() {
        return None;
    }
    let day = read_date(raw);
    if day.is_none() {
        f.count_bad();
    }
    day
}

fn read_time(raw: &[u8]) -> Option<i64> {
    let (whole, fraction) = raw.split_at_checked(6)?;
    let (hour, minute, second) =
        (digits(&whole[..2])?, digits(&whole[2..4])?, digits(&whole[4..])?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let millis = match fraction {
        [] | [b'.'] => 0,
        [b'.', rest @ ..] => {
            let kept = &rest[..rest.len().min(3)];
            digits(rest.get(..rest.len().min(9))?)?;
            digits(kept)? * [100, 10, 1][kept.len() - 1]
        }
        _ => return None,
    };
    Some(hour * HOUR_MS + minute * 60_000 + second * 1000 + millis)
}

fn read_date(raw: &[u8]) -> Option<i64> {
    if raw.len() != 6 {
        return None;
    }
    days(full_year(digits(&raw[4..])?), digits(&raw[2..4])?, digits(&raw[..2])?)
}

const HOUR_MS: i64 = 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_milliseconds_and_refuse_nonsense() {
        let time = |s: &str| time_of_day(&Fields::split(s.as_bytes()), 0);
        assert_eq!(time("225446"), Some(82_486_000));
        assert_eq!(time("225446.5"), Some(82_486_500));
        assert_eq!(time("225446.1239"), Some(82_486_123));
        assert_eq!(time("000000."), Some(0));
        for bad in ["2254", "250000", "126000", "12000a", "120000,5", "120000.x", "1200000"] {
            let f = Fields::split(bad.as_bytes());
            if bad.contains(',') {
                continue;
            }
            assert_eq!((time_of_day(&f, 0), f.bad()), (None, 1), "{bad}");
        }
    }

    #[test]
    fn a_time_without_a_date_falls_on_the_nearest_day() {
        let today = 20_778 * DAY_MS;
        let at =
            |time: &str, now: i64| moment_today(&Fields::split(time.as_bytes()), 0, now) - today;
        assert_eq!(at("225444", today + 9 * HOUR_MS), 82_484_000);
        assert_eq!(at("235959", today + 1000), -1000);
        assert_eq!(at("000001", today + DAY_MS - 500), DAY_MS + 1000);
        assert_eq!(at("", today + 1234), 1000);
    }

    #[test]
    fn two_digit_years_start_in_1980() {
        let now = 20_778 * DAY_MS;
        let at = |s: &str| moment(&Fields::split(s.as_bytes()), 0, 1, now);
        assert_eq!(at("000000,191194"), days(1994, 11, 19).unwrap() * DAY_MS);
        assert_eq!(at("000001,010179"), days(2079, 1, 1).unwrap() * DAY_MS + 1000);
        assert_eq!(at("000001,320179"), now + 1000);
    }
}
