//! NMEA 0183: bytes of one connection to Signal K deltas.
//!
//! The sentences, paths, units and values are those of the reference's `@signalk/nmea0183-signalk` 3.20.1; where we
//! differ on purpose, the place says DIFFERENCE. One file per family of sentences; AIS has a folder of its own beside
//! this one. What no sentence says (configuration, source priorities) is not here.
//!
//! ```
//! use signalk_core::input::nmea0183::Parser;
//!
//! let mut parser = Parser::new("gps0");
//! let mut deltas = Vec::new();
//! parser.push(b"$SDDBT,17.0,f,5.1,M,2.8,F*3E\r\n$SDDBT,", 1_767_323_045_000, &mut deltas);
//! assert_eq!(
//!     deltas[0].to_json(),
//!     concat!(
//!         r#"{"updates":[{"source":{"label":"gps0","type":"NMEA0183","talker":"SD","sentence":"DBT"},"#,
//!         r#""$source":"gps0.SD","timestamp":"2026-01-02T03:04:05.000Z","#,
//!         r#""values":[{"path":"environment.depth.belowTransducer","value":5.1}]}]}"#
//!     )
//! );
//! assert_eq!(parser.counters().sentences, 1);
//! ```

mod counters;
pub(in crate::input) mod draft;
pub(in crate::input) mod fields;
mod heading;
pub(in crate::input) mod paths;
mod position;
mod route;
mod satellites;
mod scanner;
mod sources;
mod time;
pub(in crate::input) mod units;
mod water;
mod wind;

use signalk_model::{Delta, Timestamp, Update};

pub use self::counters::Counters;
use self::{
    draft::Draft,
    fields::Fields,
    paths::Paths,
    satellites::Satellites,
    scanner::{Checksum, Token, next_token},
    sources::{Address, Sources, Tag},
};
use super::ais::Ais;

/// The stream of one connection. Memory is bounded whatever comes in.
pub struct Parser {
    rest: Vec<u8>,
    tag: Option<Tag>,
    paths: Paths,
    sources: Sources,
    satellites: Satellites,
    ais: Ais,
    times: Times,
    counters: Counters,
}

impl Parser {
    /// A parser at the start of a stream; `label` names the connection in `source` and `$source`.
    pub fn new(label: &str) -> Self {
        Self {
            rest: Vec::new(),
            tag: None,
            paths: Paths::new(),
            sources: Sources::new(label),
            satellites: Satellites::default(),
            ais: Ais::default(),
            times: Times::default(),
            counters: Counters::default(),
        }
    }

    /// Takes the next bytes, in any split, and appends the deltas of all sentences that they complete.
    ///
    /// `now_wall_ms` (ms since the Unix epoch) dates the sentences that do not say when they were measured.
    pub fn push(&mut self, bytes: &[u8], now_wall_ms: i64, out: &mut Vec<Delta>) {
        if self.rest.is_empty() {
            let used = self.drain(bytes, now_wall_ms, out);
            self.rest.extend_from_slice(&bytes[used..]);
        } else {
            let mut buf = std::mem::take(&mut self.rest);
            buf.extend_from_slice(bytes);
            let used = self.drain(&buf, now_wall_ms, out);
            buf.drain(..used);
            self.rest = buf;
        }
    }

    /// The end of a datagram or file: a sentence whose line has not ended is read as if it had.
    pub fn end_of_datagram(&mut self, now_wall_ms: i64, out: &mut Vec<Delta>) {
        if !self.rest.is_empty() {
            self.push(b"\n", now_wall_ms, out);
        }
    }

    /// The connection broke: half a sentence is counted and forgotten, and so are half messages.
    pub fn disconnected(&mut self) {
        if !self.rest.is_empty() {
            self.counters.truncated += 1;
            self.rest.clear();
        }
        self.tag = None;
        self.satellites = Satellites::default();
        self.ais = Ais::default();
    }

    /// What the connection has carried since it was opened.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    fn drain(&mut self, buf: &[u8], now_ms: i64, out: &mut Vec<Delta>) -> usize {
        let mut used = 0;
        while let Some((token, len)) = next_token(&buf[used..]) {
            used += len;
            match token {
                Token::Sentence { body, checksum } => {
                    let tag = self.tag.take();
                    self.sentence(body, checksum, tag.as_ref(), now_ms, out);
                    continue;
                }
                Token::Tag(inside) => {
                    self.tag = Some(Tag::parse(inside));
                    continue;
                }
                Token::Blank => {}
                Token::Garbage(n) => self.counters.garbage(n),
                Token::Truncated => self.counters.truncated += 1,
                Token::Oversized => self.counters.oversized += 1,
            }
            self.tag = None;
        }
        used
    }

    fn sentence(
        &mut self,
        body: &[u8],
        checksum: Checksum,
        tag: Option<&Tag>,
        now_ms: i64,
        out: &mut Vec<Delta>,
    ) {
        if checksum == Checksum::Bad {
            self.counters.bad_checksum += 1;
            return;
        }
        let (address, rest) = match body.iter().position(|&b| b == b',') {
            Some(comma) => (&body[..comma], &body[comma + 1..]),
            None => (body, &body[body.len()..]),
        };
        let Some(address) = Address::parse(address) else {
            self.counters.sentences += 1;
            self.counters.unsupported(address);
            return;
        };
        if !self.sources.checksum_seen(address, checksum == Checksum::Good) {
            // This talker sends checksums with this sentence, so here the end of the line was lost.
            self.counters.truncated += 1;
            return;
        }
        self.counters.sentences += 1;
        let fields = Fields::split(rest);
        let mut draft = Draft::new(now_ms);
        if !self.read(address, &fields, &mut draft) {
            self.counters.unsupported(&address.formatter);
        }
        self.counters.bad_fields += fields.bad();
        self.counters.lost_fragments = self.ais.lost();
        if draft.values.is_empty() {
            return;
        }
        self.counters.deltas += 1;
        let moment = draft.moment_ms.or_else(|| tag.and_then(Tag::moment_ms)).unwrap_or(now_ms);
        let source = self.sources.get(address, tag.and_then(Tag::talker));
        let update = Update {
            source_ref: source.source_ref().cloned(),
            source: Some(source),
            timestamp: Some(self.times.text(moment)),
            values: draft.values,
            meta: Vec::new(),
        };
        out.push(Delta { context: draft.context, updates: vec![update] });
    }

    /// The table of sentences; false for one that is not in it.
    fn read(&mut self, address: Address, f: &Fields<'_>, out: &mut Draft) -> bool {
        let p = &self.paths;
        match &address.formatter {
            b"APB" => route::apb(f, p, out),
            b"BOD" => route::bod(f, p, out),
            b"BWC" => route::bwc(f, p, out),
            b"BWR" => route::bwr(f, p, out),
            b"DBK" => water::depth_in_metres(f, &p.below_keel, out),
            b"DBS" => water::depth_in_metres(f, &p.below_surface, out),
            b"DBT" => water::dbt(f, p, out),
            b"DPT" => water::dpt(f, p, out),
            b"GGA" => position::gga(f, p, out),
            b"GLL" => position::gll(f, p, out),
            b"GNS" => position::gns(f, p, out),
            b"GSA" => position::gsa(f, p, out),
            b"GSV" => self.satellites.gsv(&address.talker, f, p, out),
            b"HDG" => heading::hdg(f, p, out),
            b"HDM" => heading::hdm(f, p, out),
            b"HDT" => heading::hdt(f, p, out),
            b"HSC" => heading::hsc(f, p, out),
            b"MDA" => wind::mda(f, p, out),
            b"MTA" => wind::mta(f, p, out),
            b"MTW" => water::mtw(f, p, out),
            b"MWD" => wind::mwd(f, p, out),
            b"MWV" => wind::mwv(f, p, out),
            b"RMB" => route::rmb(f, p, out),
            b"RMC" => position::rmc(f, p, out),
            b"ROT" => heading::rot(f, p, out),
            b"RPM" => heading::rpm(f, out),
            b"RSA" => heading::rsa(f, p, out),
            b"VDM" => return self.ais.vdm(address.talker, false, f, p, out),
            b"VDO" => return self.ais.vdm(address.talker, true, f, p, out),
            b"VDR" => water::vdr(f, p, out),
            b"VHW" => water::vhw(f, p, out),
            b"VLW" => water::vlw(f, p, out),
            b"VPW" => water::vpw(f, p, out),
            b"VTG" => position::vtg(f, p, out),
            b"VWR" => wind::vwr(f, p, out),
            b"VWT" => wind::vwt(f, p, out),
            b"XTE" => route::xte(f, p, out),
            b"ZDA" => position::zda(f, p, out),
            // Known, but Signal K has no place for what it says that others do not say too.
            b"WCV" => {}
            _ => return false,
        }
        true
    }
}

/// Texts of the last two moments: many sentences share one.
#[derive(Default)]
struct Times {
    last: Option<(i64, Timestamp)>,
    before: Option<(i64, Timestamp)>,
}

impl Times {
    fn text(&mut self, ms: i64) -> Timestamp {
        if !matches!(&self.last, Some((known, _)) if *known == ms) {
            std::mem::swap(&mut self.last, &mut self.before);
            if !matches!(&self.last, Some((known, _)) if *known == ms) {
                self.last = Some((ms, Timestamp::from_unix_ms(ms)));
            }
        }
        match &self.last {
            Some((_, text)) => text.clone(),
            None => Timestamp::from_unix_ms(ms),
        }
    }
}
