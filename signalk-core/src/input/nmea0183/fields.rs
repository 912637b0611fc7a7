//! The comma-separated fields of one sentence, and the reading of numbers and positions from them.
//!
//! DIFFERENCE: the reference reads an unreadable number (`1x.5`) as 0. Here it counts as a bad field and reads as if it
//! were empty. A field that is missing at the end of a sentence also reads as empty.

use std::cell::Cell;

/// Most fields that any supported sentence has (MDA: 20, GSV: 20); what follows is ignored.
const MAX_FIELDS: usize = 24;

/// The fields after the address (`IIVHW,`), without leading and trailing spaces.
pub(in crate::input) struct Fields<'a> {
    fields: [&'a [u8]; MAX_FIELDS],
    len: usize,
    bad: Cell<u64>,
}

impl<'a> Fields<'a> {
    /// Splits what follows the address.
    pub(in crate::input) fn split(body: &'a [u8]) -> Self {
        let mut fields: [&[u8]; MAX_FIELDS] = [&[]; MAX_FIELDS];
        let mut len = 0;
        let mut start = 0;
        for (i, &b) in body.iter().enumerate() {
            if b == b',' && len < MAX_FIELDS {
                fields[len] = &body[start..i];
                len += 1;
                start = i + 1;
            }
        }
        if len < MAX_FIELDS {
            fields[len] = &body[start..];
            len += 1;
        }
        Self { fields, len, bad: Cell::new(0) }
    }

    /// How many fields the sentence has.
    pub(in crate::input) fn len(&self) -> usize {
        self.len
    }

    /// How many fields could not be read so far.
    pub(in crate::input) fn bad(&self) -> u64 {
        self.bad.get()
    }

    /// Marks one more field as unreadable.
    pub(in crate::input) fn count_bad(&self) {
        self.bad.set(self.bad.get() + 1);
    }

    /// The bytes of field `i`; empty when the sentence is shorter.
    pub(in crate::input) fn raw(&self, i: usize) -> &'a [u8] {
        match self.fields.get(i) {
            Some(field) => field.trim_ascii(),
            None => &[],
        }
    }

    /// Whether field `i` is empty or missing.
    pub(in crate::input) fn is_empty(&self, i: usize) -> bool {
        self.raw(i).is_empty()
    }

    /// Whether field `i` is exactly this letter.
    pub(in crate::input) fn is(&self, i: usize, letter: u8) -> bool {
        self.raw(i) == [letter]
    }

    /// Whether every field is empty.
    pub(in crate::input) fn all_empty(&self) -> bool {
        (0..self.len).all(|i| self.is_empty(i))
    }

    /// How many of the fields that are there are empty.
    pub(in crate::input) fn empty_count(&self) -> usize {
        (0..self.len).filter(|&i| self.is_empty(i)).count()
    }

    /// Field `i` as text; bytes that are not UTF-8 are replaced. `None` when empty.
    pub(in crate::input) fn text(&self, i: usize) -> Option<String> {
        let raw = self.raw(i);
        (!raw.is_empty()).then(|| String::from_utf8_lossy(raw).into_owned())
    }

    /// Field `i` as a finite decimal number; `None` when it is empty or (counted) unreadable.
    pub(in crate::input) fn number(&self, i: usize) -> Option<f64> {
        let raw = self.raw(i);
        if raw.is_empty() {
            return None;
        }
        let number = decimal(raw);
        if number.is_none() {
            self.count_bad();
        }
        number
    }

    /// Field `i`, or 0 where the reference reads 0 from an empty field.
    pub(in crate::input) fn number_or_zero(&self, i: usize) -> f64 {
        self.number(i).unwrap_or(0.0)
    }

    /// The position in fields `i`..`i + 4` (`ddmm.mm,N,dddmm.mm,E`) in degrees: latitude, longitude.
    ///
    /// DIFFERENCE: an empty coordinate beside a hemisphere letter is no position; the reference reads 0 degrees.
    pub(in crate::input) fn position(&self, i: usize) -> Option<(f64, f64)> {
        let latitude = self.coordinate(i, b'N', b'S', 90.0)?;
        let longitude = self.coordinate(i + 2, b'E', b'W', 180.0)?;
        Some((latitude, longitude))
    }

    fn coordinate(&self, i: usize, positive: u8, negative: u8, max: f64) -> Option<f64> {
        let hemisphere = self.raw(i + 1);
        if hemisphere.is_empty() {
            return None;
        }
        let raw = self.raw(i);
        if raw.is_empty() {
            return None;
        }
        let degrees = degrees_and_minutes(raw);
        let sign = match hemisphere {
            [h] if *h == positive => 1.0,
            [h] if *h == negative => -1.0,
            _ => 0.0,
        };
        match degrees {
            Some(degrees) if sign != 0.0 && degrees <= max => Some(degrees * sign),
            _ => {
                self.count_bad();
                None
            }
        }
    }
}

/// `dddmm.mm` in degrees; fewer than three digits are minutes only.
fn degrees_and_minutes(raw: &[u8]) -> Option<f64> {
    let whole = raw.iter().position(|&b| b == b'.').unwrap_or(raw.len());
    let (degrees, minutes) = raw.split_at(whole.saturating_sub(2));
    let degrees = match degrees {
        [] => 0,
        digits => super::time::digits(digits)?,
    };
    let minutes = decimal(minutes).filter(|&m| m >= 0.0)?;
    Some(f64::from(u32::try_from(degrees).ok()?) + minutes / 60.0)
}

/// A decimal number as NMEA writes it: sign, digits, one point. No exponent, no `inf`.
fn decimal(raw: &[u8]) -> Option<f64> {
    if !raw.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+')) {
        return None;
    }
    std::str::from_utf8(raw).ok()?.parse::<f64>().ok().filter(|n| n.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_plain_decimals() {
        let f = Fields::split(b"12.5, 7 ,-.5,+3.,,1e3,inf,-,abc,1.2.3");
        assert_eq!(
            (0..5).map(|i| f.number(i)).collect::<Vec<_>>(),
            [Some(12.5), Some(7.0), Some(-0.5), Some(3.0), None]
        );
        assert_eq!(f.bad(), 0);
        assert!((5..10).all(|i| f.number(i).is_none()));
        assert_eq!(f.bad(), 5);
        assert_eq!(f.number(23), None);
        assert_eq!(f.bad(), 5);
    }

    #[test]
    fn positions_are_whole_or_nothing() {
        let position = |s: &str| Fields::split(s.as_bytes()).position(0);
        assert_eq!(position("6009.123,N,02456.789,E"), Some((60.15205, 24.946483333333333)));
        assert_eq!(
            position("4916.45,S,12311.12,W"),
            Some((-49.274166666666666, -123.18533333333333))
        );
        for bad in [
            "4916.45,N,,W",
            ",N,12311.12,W",
            "4916.45,,12311.12,W",
            "9916.45,N,12311.12,W",
            "4916.45,X,12311.12,W",
            "-4916.45,N,12311.12,W",
        ] {
            assert_eq!(position(bad), None, "{bad}");
        }
    }

    #[test]
    fn fields_beyond_the_limit_are_ignored() {
        let f = Fields::split(&[b','; 100]);
        assert_eq!(f.len(), MAX_FIELDS);
        assert!(f.all_empty());
    }
}
