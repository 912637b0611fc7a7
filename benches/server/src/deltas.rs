//! The load: deltas and sentences that carry their sequence number.

use std::fmt::Write;

/// How the server is fed.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Feed {
    /// Deltas over a WebSocket.
    Ws,
    /// NMEA 0183 sentences over TCP.
    Nmea,
}

impl Feed {
    /// The text before the sequence number in what the server sends out.
    pub fn key(self) -> &'static [u8] {
        match self {
            Self::Ws => br#""path":"navigation.log","value":"#,
            Self::Nmea => br#""path":"environment.depth.belowTransducer","value":"#,
        }
    }

    /// First sequence number: high enough never to be another value by chance.
    pub fn base(self) -> u64 {
        match self {
            Self::Ws => 10_000_000 + (std::process::id() as u64 % 1000) * 10_000_000,
            Self::Nmea => 1_000_000,
        }
    }
}

/// A delta of four values, about 420 bytes: what a GPS and a log give together. Speed carries
/// the sequence number too, for plugins that send it on.
pub fn delta(out: &mut String, sequence: u64, timestamp: &str) {
    out.clear();
    let (six, four) = (sequence % 1_000_000, sequence % 10_000);
    let _ = write!(
        out,
        r#"{{"context":"vessels.self","updates":[{{"$source":"bench.1","timestamp":"{timestamp}","values":[{{"path":"navigation.log","value":{sequence}}},{{"path":"navigation.position","value":{{"latitude":60.{six:06},"longitude":24.7654321}}}},{{"path":"navigation.speedOverGround","value":{sequence}.5}},{{"path":"navigation.courseOverGroundTrue","value":1.{four:04}}}]}}]}}"#
    );
}

/// A depth sentence whose depth is the sequence number.
pub fn sentence(out: &mut String, sequence: u64) {
    out.clear();
    let _ = write!(out, "$SDDPT,{sequence},0.0");
    let sum = out.bytes().skip(1).fold(0, |sum, byte| sum ^ byte);
    let _ = write!(out, "*{sum:02X}\r\n");
}
