//! Dates as sentences give them: refused where there is no such day. The counting is `signalk_model::calendar`'s,
//! text forms are `signalk_model::Timestamp`'s.

pub(crate) use signalk_model::calendar::civil_from_days as civil;
use signalk_model::calendar::days_from_civil;

/// Milliseconds of one day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// Days since 1970-01-01 of a date of the Gregorian calendar; `None` when there is no such day.
pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1970..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || day < 1
        || day > month_length(year, month)
    {
        return None;
    }
    Some(days_from_civil(year, month, day))
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_days_are_inverse() {
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(2000, 2, 29), Some(11_016));
        assert_eq!(days(2026, 11, 21), Some(20_778));
        for day in 0..80_000 {
            let (y, m, d) = civil(day);
            assert_eq!(days(y, m, d), Some(day));
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for (y, m, d) in [
            (2023, 2, 29),
            (2100, 2, 29),
            (2024, 13, 1),
            (2024, 0, 1),
            (2024, 4, 31),
            (2024, 1, 0),
            (1969, 12, 31),
        ] {
            assert_eq!(days(y, m, d), None, "{y}-{m}-{d}");
        }
    }
}
