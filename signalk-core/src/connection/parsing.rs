//! What an input's bytes mean: the parser of its kind behind one face. The parsers themselves are `input`'s.

use serde_json::{Value, json};
use signalk_model::Delta;

use crate::{
    config::ConnectionKind,
    input::{multiplexed, nmea0183, signalk},
};

/// The parser of one connection.
pub(super) enum Parsing {
    Nmea0183(Box<nmea0183::Parser>),
    SignalK(Box<signalk::Parser>),
    Multiplexed(Box<multiplexed::Parser>),
}

impl Parsing {
    pub(super) fn new(kind: ConnectionKind, label: &str) -> Parsing {
        match kind {
            ConnectionKind::Nmea0183 => Parsing::Nmea0183(Box::new(nmea0183::Parser::new(label))),
            ConnectionKind::SignalK => Parsing::SignalK(Box::default()),
            ConnectionKind::Multiplexed => {
                Parsing::Multiplexed(Box::new(multiplexed::Parser::new(label)))
            }
        }
    }

    /// The deltas of what these bytes complete.
    pub(super) fn push(&mut self, bytes: &[u8], now_wall_ms: i64, out: &mut Vec<Delta>) {
        match self {
            Parsing::Nmea0183(parser) => parser.push(bytes, now_wall_ms, out),
            Parsing::SignalK(parser) => {
                let mut parsed = Vec::new();
                parser.push(bytes, &mut parsed);
                out.extend(parsed.into_iter().map(|parsed| parsed.delta));
            }
            Parsing::Multiplexed(parser) => parser.push(bytes, now_wall_ms, out),
        }
    }

    /// The end of a datagram or of a file: a last line without an end is read as if it had one.
    pub(super) fn end(&mut self, now_wall_ms: i64, out: &mut Vec<Delta>) {
        match self {
            Parsing::Nmea0183(parser) => parser.end_of_datagram(now_wall_ms, out),
            Parsing::SignalK(_) | Parsing::Multiplexed(_) => self.push(b"\n", now_wall_ms, out),
        }
    }

    /// The connection broke: what was half read is counted, and is no use after a reconnect.
    pub(super) fn disconnected(&mut self) {
        match self {
            Parsing::Nmea0183(parser) => parser.disconnected(),
            Parsing::SignalK(parser) => parser.disconnected(),
            Parsing::Multiplexed(parser) => parser.disconnected(),
        }
    }

    pub(super) fn counters_json(&self) -> Value {
        match self {
            Parsing::Nmea0183(parser) => nmea0183_json(parser.counters()),
            Parsing::SignalK(parser) => {
                let counters = parser.counters();
                json!({ "deltas": counters.deltas, "notDeltas": counters.not_deltas, "oversized": counters.oversized })
            }
            Parsing::Multiplexed(parser) => {
                let counters = parser.counters();
                let mut all = nmea0183_json(parser.nmea0183());
                if let Some(all) = all.as_object_mut() {
                    all.insert("lines".into(), counters.lines.into());
                    all.insert("deltas".into(), counters.deltas.into());
                    all.insert("notDeltas".into(), counters.not_deltas.into());
                    all.insert("oversizedLines".into(), counters.oversized.into());
                    all.insert("nmea2000Lines".into(), counters.nmea2000.into());
                }
                all
            }
        }
    }
}

fn nmea0183_json(counters: &nmea0183::Counters) -> Value {
    json!({
        "sentences": counters.sentences, "badChecksum": counters.bad_checksum, "garbageBytes": counters.garbage_bytes,
        "truncated": counters.truncated, "oversized": counters.oversized, "badFields": counters.bad_fields,
        "lostFragments": counters.lost_fragments, "unsupported": counters.unsupported,
    })
}
