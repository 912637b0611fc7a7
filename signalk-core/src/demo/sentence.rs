//! NMEA 0183 as text: checksums, positions, and numbers with the digits that real instruments send.

use std::fmt::{self, Write};

use super::geometry::whole;

/// Writes one sentence: start character, body, checksum, line end.
pub(super) fn sentence(out: &mut Vec<u8>, start: char, body: fmt::Arguments<'_>) {
    let mut text = String::with_capacity(96);
    text.push(start);
    // Writing to a String cannot fail.
    let _ = text.write_fmt(body);
    let sum = text.bytes().skip(1).fold(0, |sum, b| sum ^ b);
    let _ = write!(text, "*{sum:02X}\r\n");
    out.extend_from_slice(text.as_bytes());
}

/// `6001.2345,N,02453.2100,E`.
pub(super) struct Position(pub(super) (f64, f64));

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (latitude, longitude) = self.0;
        let north = if latitude < 0.0 { 'S' } else { 'N' };
        let east = if longitude < 0.0 { 'W' } else { 'E' };
        coordinate(f, latitude, 2)?;
        write!(f, ",{north},")?;
        coordinate(f, longitude, 3)?;
        write!(f, ",{east}")
    }
}

fn coordinate(f: &mut fmt::Formatter<'_>, degrees: f64, width: usize) -> fmt::Result {
    // Ten-thousandths of a minute, so that 59.99996 minutes do not become 60.
    let units = whole(degrees.abs() * 600_000.0);
    let (degrees, minutes) = (units / 600_000, units % 600_000);
    write!(f, "{degrees:0width$}{:02}.{:04}", minutes / 10_000, minutes % 10_000)
}

/// m/s as knots.
pub(super) fn knots(speed: f64) -> f64 {
    speed * (3600.0 / 1852.0)
}

/// m as nautical miles.
pub(super) fn miles(metres: f64) -> f64 {
    metres / 1852.0
}

/// Degrees with one digit, never `360.0`.
pub(super) struct Bearing(pub(super) f64);

impl fmt::Display for Bearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = whole(self.0 * 10.0).rem_euclid(3600);
        write!(f, "{:03}.{}", tenths / 10, tenths % 10)
    }
}

/// The moment as `hhmmss.ss` and as `ddmmyy`, from milliseconds since the Unix epoch.
pub(super) struct Clock {
    pub(super) time: String,
    pub(super) date: String,
    pub(super) zda: String,
}

impl Clock {
    pub(super) fn at(unix_ms: i64) -> Self {
        use crate::input::calendar::{DAY_MS, civil};
        let (year, month, day) = civil(unix_ms.div_euclid(DAY_MS));
        let ms = unix_ms.rem_euclid(DAY_MS);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        let hundredths = ms % 1000 / 10;
        Self {
            time: format!("{hour:02}{minute:02}{second:02}.{hundredths:02}"),
            date: format!("{day:02}{month:02}{:02}", year.rem_euclid(100)),
            zda: format!("{day:02},{month:02},{year:04}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_carry_their_checksum() {
        let mut out = Vec::new();
        sentence(&mut out, '$', format_args!("IIHDT,,T"));
        assert_eq!(out, b"$IIHDT,,T*0C\r\n");
    }

    #[test]
    fn numbers_do_not_round_up_to_what_does_not_exist() {
        assert_eq!(Position((59.999_999_99, -0.000_001)).to_string(), "6000.0000,N,00000.0001,W");
        assert_eq!(Bearing(359.97).to_string(), "000.0");
        assert_eq!(Bearing(7.25).to_string(), "007.3");
    }

    #[test]
    fn clocks_read_utc() {
        let clock = Clock::at(1_767_323_045_670);
        assert_eq!(
            (&*clock.time, &*clock.date, &*clock.zda),
            ("030405.67", "020126", "02,01,2026")
        );
    }
}
