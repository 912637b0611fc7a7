//! Who sent a sentence: its address, its tag block, and the shared `source` objects made of them.

use std::sync::Arc;

use signalk_model::hash::NameMap;
use signalk_model::{Source, SourceRef};

/// `IIVHW`: talker and sentence formatter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Address {
    pub(super) talker: [u8; 2],
    pub(super) formatter: [u8; 3],
}

impl Address {
    /// `None` for proprietary sentences (`PSMDST`) and for what is no address at all.
    pub(super) fn parse(address: &[u8]) -> Option<Self> {
        let [t0, t1, f0, f1, f2] = *address else { return None };
        let all_known = address.iter().all(u8::is_ascii_alphanumeric);
        (t0 != b'P' && all_known).then_some(Self { talker: [t0, t1], formatter: [f0, f1, f2] })
    }
}

/// What the tag block before a sentence says. Its other parameters (line counts, groups, destinations) change no value.
///
/// Its checksum is not verified, as in the reference: multiplexers in the field write wrong ones.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tag {
    talker: Option<String>,
    moment_ms: Option<i64>,
}

impl Tag {
    /// Reads `s:airmar,c:1438489697*13`.
    pub(super) fn parse(inside: &[u8]) -> Self {
        let mut tag = Self::default();
        let parameters = inside.split(|&b| b == b'*').next().unwrap_or_default();
        for parameter in parameters.split(|&b| b == b',') {
            match parameter {
                [b's', b':', name @ ..] if !name.is_empty() => {
                    tag.talker = Some(String::from_utf8_lossy(name).into_owned());
                }
                [b'c', b':', time @ ..] => tag.moment_ms = unix_time(time),
                _ => {}
            }
        }
        tag
    }

    /// The name of the sender.
    pub(super) fn talker(&self) -> Option<&str> {
        self.talker.as_deref()
    }

    /// When it was received, in ms since the Unix epoch.
    pub(super) fn moment_ms(&self) -> Option<i64> {
        self.moment_ms
    }
}

/// Seconds, or, with more than ten digits, milliseconds.
fn unix_time(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 14 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    Some(if digits.len() > 10 { number } else { number * 1000 })
}

/// The senders of one connection.
pub(super) struct Sources {
    label: String,
    known: NameMap<Address, Sender>,
    tagged: NameMap<(Box<str>, [u8; 3]), Arc<Source>>,
}

#[derive(Default)]
struct Sender {
    source: Option<Arc<Source>>,
    checksum_seen: bool,
}

/// Above this many senders a table starts anew.
const MAX_SENDERS: usize = 1000;

impl Sources {
    pub(super) fn new(label: &str) -> Self {
        Self { label: label.to_owned(), known: NameMap::default(), tagged: NameMap::default() }
    }

    /// Notes whether a sentence had a checksum. False when it had none although the sender's others had.
    pub(super) fn checksum_seen(&mut self, address: Address, has_one: bool) -> bool {
        if self.known.len() >= MAX_SENDERS {
            self.known.clear();
        }
        let sender = self.known.entry(address).or_default();
        sender.checksum_seen |= has_one;
        has_one || !sender.checksum_seen
    }

    /// The source object of a sentence; the tag block's name takes the place of the talker.
    pub(super) fn get(&mut self, address: Address, tagged: Option<&str>) -> Arc<Source> {
        let Self { label, known, tagged: table } = self;
        let formatter = String::from_utf8_lossy(&address.formatter);
        if let Some(name) = tagged.filter(|name| SourceRef::check(name).is_ok()) {
            if table.len() >= MAX_SENDERS {
                table.clear();
            }
            let source = table
                .entry((name.into(), address.formatter))
                .or_insert_with(|| Arc::new(Source::nmea0183(label, name, &formatter)));
            return source.clone();
        }
        let talker = String::from_utf8_lossy(&address.talker);
        let sender = known.entry(address).or_default();
        let source = sender
            .source
            .get_or_insert_with(|| Arc::new(Source::nmea0183(label, &talker, &formatter)));
        source.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_five_letters_and_not_proprietary() {
        assert!(Address::parse(b"IIVHW").is_some());
        for bad in [&b"PSMDS"[..], b"PSMDST", b"VHW", b"", b"II\xffHW", b"IIVHWX"] {
            assert!(Address::parse(bad).is_none());
        }
    }

    #[test]
    fn tag_blocks_give_name_and_time() {
        let tag = Tag::parse(b"g:1-2-1234,s:airmar dst800,c:1438489697*13");
        assert_eq!(
            (tag.talker(), tag.moment_ms()),
            (Some("airmar dst800"), Some(1_438_489_697_000))
        );
        assert_eq!(Tag::parse(b"c:1438489697123").moment_ms(), Some(1_438_489_697_123));
        assert_eq!(Tag::parse(b"c:abc,s:,x"), Tag::default());
    }

    #[test]
    fn a_name_that_would_reach_a_prototype_is_not_used() {
        let mut sources = Sources::new("gps0");
        let address = Address::parse(b"IIVHW").unwrap();
        let source = sources.get(address, Some("__proto__"));
        assert_eq!(source.source_ref().map(|r| r.to_string()).as_deref(), Some("gps0.II"));
    }
}
