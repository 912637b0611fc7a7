//! What one connection has carried, good and bad.

use std::collections::BTreeMap;

/// Counts since the connection was opened. Nothing that comes in is lost without one of these going up.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counters {
    /// Sentences that were whole: with a right checksum, or without any.
    pub sentences: u64,
    /// Deltas made of them. A sentence with empty fields makes none, a fragment neither.
    pub deltas: u64,
    /// Sentences whose checksum was wrong; skipped.
    pub bad_checksum: u64,
    /// Bytes outside of sentences, line ends and spaces not counted.
    pub garbage_bytes: u64,
    /// Sentences or tag blocks that were cut short; skipped.
    pub truncated: u64,
    /// Sentences over 1024 bytes; skipped.
    pub oversized: u64,
    /// Fields that could not be read, or were too few, in sentences that were whole.
    pub bad_fields: u64,
    /// AIS messages given up because a fragment did not come in time.
    pub lost_fragments: u64,
    /// Sentences (and AIS message types) that make no deltas, by sentence; the first 64 kinds, then all others as
    /// `other`.
    pub unsupported: BTreeMap<Box<str>, u64>,
}

const MAX_KINDS: usize = 64;

impl Counters {
    pub(super) fn garbage(&mut self, bytes: usize) {
        self.garbage_bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    pub(super) fn unsupported(&mut self, id: &[u8]) {
        let printable = !id.is_empty() && id.len() <= 8 && id.iter().all(u8::is_ascii_alphanumeric);
        let id = match std::str::from_utf8(id) {
            Ok(id) if printable => id,
            _ => "other",
        };
        if let Some(n) = self.unsupported.get_mut(id) {
            *n += 1;
            return;
        }
        let id = if self.unsupported.len() < MAX_KINDS { id } else { "other" };
        *self.unsupported.entry(id.into()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_cannot_fill_the_table() {
        let mut counters = Counters::default();
        for n in 0..1000u32 {
            counters.unsupported(n.to_string().as_bytes());
        }
        counters.unsupported(b"\xff\x00");
        assert_eq!(counters.unsupported.len(), MAX_KINDS + 1);
        assert_eq!(counters.unsupported["other"], 937);
    }
}
