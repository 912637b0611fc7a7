//! The log that the reference server writes of all its inputs, `MILLISECONDS;KIND;LINE`, and files of mixed lines
//! without times. Sentences and deltas of it become deltas dated by the log (`providers/multiplexedlog` of
//! `@signalk/streams`).
//!
//! Kinds `N`, `C`, `G` and `M` are NMEA 0183; `A` is NMEA 2000 as an Actisense gateway writes it, which is counted and
//! skipped; `I` and every other kind is a delta as JSON. When a line is due is the edge's.

use signalk_model::{Delta, Interner, Timestamp};

use super::{
    lines::Lines,
    nmea0183::{self, Parser as Nmea0183},
};

/// Longest line: that of a delta.
const MAX_LINE: usize = 4 << 20;

/// One log, from its start.
pub struct Parser {
    lines: Lines,
    reader: Reader,
}

struct Reader {
    nmea0183: Nmea0183,
    interner: Interner,
    counters: Counters,
}

/// What a log has carried, besides the counters of its sentences.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counters {
    /// Lines with something in them.
    pub lines: u64,
    /// Lines read as deltas.
    pub deltas: u64,
    /// Lines that should be a delta and are none; skipped.
    pub not_deltas: u64,
    /// Lines over 4 MiB; skipped.
    pub oversized: u64,
    /// Lines of NMEA 2000; skipped.
    pub nmea2000: u64,
}

impl Parser {
    /// A parser at the start of a log; `label` names it in `source` and `$source`.
    pub fn new(label: &str) -> Self {
        let reader = Reader {
            nmea0183: Nmea0183::new(label),
            interner: Interner::default(),
            counters: Counters::default(),
        };
        Self { lines: Lines::new(MAX_LINE), reader }
    }

    /// Takes the next bytes, in any split, and appends the deltas of all lines that they complete. `now_wall_ms` dates
    /// the lines that have no time.
    pub fn push(&mut self, bytes: &[u8], now_wall_ms: i64, out: &mut Vec<Delta>) {
        let Parser { lines, reader } = self;
        lines.push(bytes, |line| reader.line(line.trim_ascii(), now_wall_ms, out));
        reader.counters.oversized = lines.oversized();
    }

    /// The log broke off: half a line and half messages are forgotten.
    pub fn disconnected(&mut self) {
        if self.lines.forget_rest() {
            self.reader.counters.not_deltas += 1;
        }
        self.reader.nmea0183.disconnected();
    }

    /// What the log has carried.
    pub fn counters(&self) -> &Counters {
        &self.reader.counters
    }

    /// What its sentences were.
    pub fn nmea0183(&self) -> &nmea0183::Counters {
        self.reader.nmea0183.counters()
    }
}

impl Reader {
    fn line(&mut self, line: &[u8], now_wall_ms: i64, out: &mut Vec<Delta>) {
        if line.is_empty() {
            return;
        }
        self.counters.lines += 1;
        let (stamp, kind, rest) = match stamped(line) {
            Some((stamp, kind, rest)) => (Some(stamp), kind, rest),
            None => (None, mixed(line), line),
        };
        match kind {
            Kind::Sentence => self.sentence(rest, stamp, now_wall_ms, out),
            Kind::Nmea2000 => self.counters.nmea2000 += 1,
            Kind::Delta => self.delta(rest, stamp, out),
        }
    }

    fn sentence(&mut self, line: &[u8], stamp: Option<i64>, now: i64, out: &mut Vec<Delta>) {
        let before = out.len();
        let now = stamp.unwrap_or(now);
        self.nmea0183.push(line, now, out);
        self.nmea0183.push(b"\r\n", now, out);
        date(out.get_mut(before..).unwrap_or_default(), stamp);
    }

    fn delta(&mut self, line: &[u8], stamp: Option<i64>, out: &mut Vec<Delta>) {
        let Ok(parsed) = Delta::parse_with(line, &mut self.interner) else {
            self.counters.not_deltas += 1;
            return;
        };
        self.counters.deltas += 1;
        out.push(parsed.delta);
        let last = out.len().saturating_sub(1);
        date(out.get_mut(last..).unwrap_or_default(), stamp);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sentence,
    Nmea2000,
    Delta,
}

/// The time of the log replaces what the lines say, as in the reference: a replay is of that hour.
fn date(deltas: &mut [Delta], stamp: Option<i64>) {
    let Some(stamp) = stamp.map(Timestamp::from_unix_ms) else { return };
    for update in deltas.iter_mut().flat_map(|delta| &mut delta.updates) {
        update.timestamp = Some(stamp.clone());
    }
}

/// `1516133443123;N;$GPRMC,...`: thirteen digits, the kind, the rest.
fn stamped(line: &[u8]) -> Option<(i64, Kind, &[u8])> {
    let (time, rest) = line.split_at_checked(DIGITS)?;
    let rest = rest.strip_prefix(b";")?;
    let (kind, rest) = rest.split_at_checked(memchr::memchr(b';', rest)?)?;
    let stamp = std::str::from_utf8(time).ok()?.parse().ok()?;
    let rest = rest.strip_prefix(b";")?;
    let kind = match kind {
        b"N" | b"C" | b"G" | b"M" => Kind::Sentence,
        b"A" => Kind::Nmea2000,
        _ => Kind::Delta,
    };
    Some((stamp, kind, rest))
}

/// Of a line without a time.
fn mixed(line: &[u8]) -> Kind {
    match line.first() {
        Some(b'{') => Kind::Delta,
        Some(b'$' | b'!' | b'\\') if !line.starts_with(b"!PDGY") => Kind::Sentence,
        _ => Kind::Nmea2000,
    }
}

/// Of milliseconds since 1970, from 2001 to 2286.
const DIGITS: usize = 13;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_323_045_000;

    fn read(text: &str) -> (Vec<String>, Parser) {
        let mut parser = Parser::new("log");
        let mut out = Vec::new();
        for bytes in text.as_bytes().chunks(7) {
            parser.push(bytes, NOW, &mut out);
        }
        (out.iter().map(Delta::to_json).collect(), parser)
    }

    #[test]
    fn sentences_and_deltas_are_dated_by_the_log() {
        let (deltas, parser) = read(concat!(
            "1516133443123;N;$HEHDT,090.0,T*26\r\n",
            r#"1516133444000;I;{"updates":[{"timestamp":"2001-01-01T00:00:00.000Z","values":[{"path":"a.b","value":1}]}]}"#,
            "\n",
        ));
        assert!(deltas[0].contains(r#""timestamp":"2018-01-16T20:10:43.123Z""#), "{}", deltas[0]);
        assert!(deltas[0].contains(r#""$source":"log.HE""#), "{}", deltas[0]);
        assert_eq!(
            deltas[1],
            r#"{"updates":[{"timestamp":"2018-01-16T20:10:44.000Z","values":[{"path":"a.b","value":1}]}]}"#
        );
        assert_eq!((parser.counters().lines, parser.counters().deltas), (2, 1));
        assert_eq!(parser.nmea0183().sentences, 1);
    }

    #[test]
    fn what_is_not_supported_is_counted_by_name() {
        let (deltas, parser) = read(concat!(
            "1516133443123;A;2018-01-16T20:10:43.123Z,2,127250,204,255,8,00,9a,2b,ff,7f,ff,7f,fd\n",
            "2018-01-16T20:10:43.123Z,2,127250,204,255,8,00\n",
            "!PDGY,127250,2,204,255,0,x\n",
            "1516133443123;I;no delta\n",
            "1516133443123;Z;{\"updates\":[{\"values\":[{\"path\":\"a\",\"value\":1}]}]}\n",
            "\n",
        ));
        assert_eq!(deltas.len(), 1, "every other kind is a delta, as in the reference");
        let Counters { lines, nmea2000, not_deltas, .. } = *parser.counters();
        assert_eq!((lines, nmea2000, not_deltas), (5, 3, 1));
    }

    #[test]
    fn lines_without_times_are_of_now() {
        let (deltas, parser) = read("$HEHDT,090.0,T*26\n{\"updates\":[]}\nhalf a li");
        assert!(deltas[0].contains("2026-01-02T03:04:05.000Z"), "{}", deltas[0]);
        assert_eq!(deltas.len(), 2);
        let mut parser = parser;
        parser.disconnected();
        assert_eq!(parser.counters().not_deltas, 1);
    }
}
