//! AIS messages as VDM sentences: the encoder that is the mirror of `input::ais` (ITU-R M.1371, annex 8).

use super::{geometry::whole, sentence::sentence};

/// A message under construction, as 6-bit groups.
#[derive(Debug, Default)]
pub(super) struct Message {
    groups: Vec<u8>,
    bits: usize,
}

/// Characters of payload per sentence that keep it within 82 characters.
const PAYLOAD: usize = 56;

impl Message {
    /// Starts message `kind` of `mmsi`.
    pub(super) fn new(kind: u32, mmsi: u32) -> Self {
        Self::default().unsigned(kind, 6).unsigned(0, 2).unsigned(mmsi, 30)
    }

    /// Appends the low `len` bits of `value`; beyond 32 they are zero.
    pub(super) fn unsigned(mut self, value: u32, len: u32) -> Self {
        for at in (0..len).rev() {
            let bit = u8::from(value.checked_shr(at).unwrap_or_default() & 1 == 1);
            if self.bits.is_multiple_of(6) {
                self.groups.push(0);
            }
            if let Some(group) = self.groups.last_mut() {
                *group |= bit << (5 - self.bits % 6);
            }
            self.bits += 1;
        }
        self
    }

    /// Appends a two's complement number.
    pub(super) fn signed(self, value: i32, len: u32) -> Self {
        self.unsigned(value.cast_unsigned(), len)
    }

    /// Appends a text of `chars` characters, padded with `@`. Characters that AIS does not have become spaces.
    pub(super) fn text(mut self, text: &str, chars: usize) -> Self {
        let mut given = text.bytes();
        for _ in 0..chars {
            let code = match given.next() {
                None => 0,
                Some(c @ b'@'..=b'_') => u32::from(c - 64),
                Some(c @ b' '..=b'?') => u32::from(c),
                Some(_) => 32,
            };
            self = self.unsigned(code, 6);
        }
        self
    }

    /// Longitude and latitude in 1/10000 minutes.
    pub(super) fn position(self, (latitude, longitude): (f64, f64)) -> Self {
        let units = |degrees: f64| i32::try_from(whole(degrees * 600_000.0)).unwrap_or_default();
        self.signed(units(longitude), 28).signed(units(latitude), 27)
    }

    /// Distances from the antenna to bow, stern, port and starboard in m.
    pub(super) fn dimensions(self, [bow, stern, port, starboard]: [u32; 4]) -> Self {
        self.unsigned(bow, 9).unsigned(stern, 9).unsigned(port, 6).unsigned(starboard, 6)
    }

    /// Writes the message as one or more sentences; `sequence` tells its fragments from those of others.
    pub(super) fn write(&self, channel: char, sequence: u32, out: &mut Vec<u8>) {
        let fill = (6 - self.bits % 6) % 6;
        let armoured: Vec<u8> =
            self.groups.iter().map(|&g| if g < 40 { g + 48 } else { g + 56 }).collect();
        let total = armoured.len().div_ceil(PAYLOAD);
        for (i, part) in armoured.chunks(PAYLOAD).enumerate() {
            let number = i + 1;
            let fill = if number == total { fill } else { 0 };
            let part = String::from_utf8_lossy(part);
            if total == 1 {
                sentence(out, '!', format_args!("AIVDM,1,1,,{channel},{part},{fill}"));
            } else {
                let sequence = sequence % 10;
                sentence(
                    out,
                    '!',
                    format_args!("AIVDM,{total},{number},{sequence},{channel},{part},{fill}"),
                );
            }
        }
    }
}

/// A speed in m/s as the tenths of knots of a position report.
pub(super) fn tenths_of_knots(speed: f64) -> u32 {
    u32::try_from(whole(super::sentence::knots(speed) * 10.0)).unwrap_or_default().min(1022)
}

/// A course in degrees as tenths, never 360.0, which means "not available".
pub(super) fn tenths_of_degrees(course: f64) -> u32 {
    u32::try_from(whole(course * 10.0).rem_euclid(3600)).unwrap_or_default()
}

/// A heading in whole degrees.
pub(super) fn whole_degrees(heading: f64) -> u32 {
    u32::try_from(whole(heading).rem_euclid(360)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::nmea0183::Parser;

    fn read(message: &Message) -> String {
        let (mut sentences, mut deltas) = (Vec::new(), Vec::new());
        message.write('A', 3, &mut sentences);
        assert!(sentences.split(|&b| b == b'\n').all(|line| line.len() <= 81));
        Parser::new("x").push(&sentences, 0, &mut deltas);
        deltas.pop().map(|delta| delta.to_json()).unwrap_or_default()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let position = (-33.987_65, -24.123_45);
        let report = Message::new(1, 244_670_316)
            .unsigned(8, 4)
            .signed(-20, 8)
            .unsigned(123, 10)
            .unsigned(1, 1)
            .position(position)
            .unsigned(tenths_of_degrees(359.96), 12)
            .unsigned(whole_degrees(359.6), 9)
            .unsigned(30, 6)
            .unsigned(1, 2)
            .unsigned(0, 3 + 1 + 19);
        let json = read(&report);
        for part in [
            r#""context":"vessels.urn:mrn:imo:mmsi:244670316""#,
            r#"{"path":"navigation.position","value":{"longitude":-24.12345,"latitude":-33.98765}}"#,
            r#"{"path":"navigation.speedOverGround","value":6.3276682696759625}"#,
            r#"{"path":"navigation.courseOverGroundTrue","value":0}"#,
            r#"{"path":"navigation.headingTrue","value":0}"#,
            r#"{"path":"navigation.rateOfTurn","value":-0.005194133404236515}"#,
            r#"{"path":"navigation.state","value":"sailing"}"#,
            r#"{"path":"navigation.specialManeuver","value":"not engaged"}"#,
        ] {
            assert!(json.contains(part), "{part} in {json}");
        }
    }

    #[test]
    fn texts_and_long_messages_survive() {
        let name = Message::new(24, 1).unsigned(0, 2).text("\u{e9}a Z@ 9?_[", 20).unsigned(0, 8);
        assert!(read(&name).contains(r#""name":"Z""#), "{}", read(&name));
        let voyage = Message::new(5, 244_670_316)
            .unsigned(0, 2)
            .unsigned(9_074_729, 30)
            .text("ABCD12", 7)
            .text("TEST SHIP", 20)
            .unsigned(70, 8)
            .dimensions([100, 20, 8, 9])
            .unsigned(0, 4 + 4 + 5 + 5 + 6)
            .unsigned(75, 8)
            .text("HELSINKI", 20)
            .unsigned(0, 2);
        let json = read(&voyage);
        for part in [
            "TEST SHIP",
            "IMO 9074729",
            "ABCD12",
            "HELSINKI",
            r#"{"overall":120}"#,
            r#"{"current":7.5}"#,
            "Cargo ship",
        ] {
            assert!(json.contains(part), "{part} in {json}");
        }
    }
}
