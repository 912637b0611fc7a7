//! Messages that come in several sentences, until their last one is there.
//!
//! The table is bounded, and a fragment waits neither long nor for many sentences: sequence numbers are reused after
//! ten messages, so a late fragment belongs to another message.

use super::bits::Bits;

/// Fragments of the messages that are not complete yet.
#[derive(Default)]
pub(super) struct Fragments {
    waiting: Vec<Waiting>,
    /// AIS sentences seen so far.
    seen: u64,
}

struct Waiting {
    key: Key,
    parts: Vec<Option<Part>>,
    since_ms: i64,
    since_seen: u64,
}

struct Part {
    payload: Vec<u8>,
    fill: usize,
}

/// What the fragments of one message have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) talker: [u8; 2],
    pub(super) own: bool,
    pub(super) total: usize,
    pub(super) sequence: Option<u8>,
    pub(super) channel: Option<u8>,
}

/// Ten sequence numbers on two channels, own messages and others'.
const MAX_WAITING: usize = 40;
const MAX_AGE_MS: i64 = 30_000;
const MAX_AGE_SENTENCES: u64 = 200;
/// Fragments of one message: the field has one digit.
pub(super) const MAX_TOTAL: usize = 9;

impl Fragments {
    /// Counts a sentence and drops what has waited too long. Returns how many messages that cost.
    pub(super) fn tick(&mut self, now_ms: i64) -> u64 {
        self.seen += 1;
        if self.waiting.is_empty() {
            return 0;
        }
        let (before, seen) = (self.waiting.len(), self.seen);
        self.waiting.retain(|w| {
            (now_ms - w.since_ms).abs() <= MAX_AGE_MS && seen - w.since_seen <= MAX_AGE_SENTENCES
        });
        count(before - self.waiting.len())
    }

    /// Adds fragment `number` (from 1). Fills `bits` and answers true when it was the last that was missing.
    pub(super) fn add(
        &mut self,
        key: Key,
        number: usize,
        payload: &[u8],
        fill: usize,
        now_ms: i64,
        bits: &mut Bits,
    ) -> Added {
        let mut lost = 0;
        let known = self.waiting.iter().position(|w| w.key == key);
        let mut entry = match known.map(|at| self.waiting.remove(at)) {
            // A fragment that is there already: the sequence number is in use again.
            Some(w) if w.parts.get(number - 1).is_none_or(Option::is_some) => {
                lost += 1;
                Waiting::new(key, now_ms, self.seen)
            }
            Some(w) => w,
            None => Waiting::new(key, now_ms, self.seen),
        };
        if let Some(slot) = entry.parts.get_mut(number - 1) {
            *slot = Some(Part { payload: payload.to_vec(), fill });
        }
        if entry.parts.iter().any(Option::is_none) {
            if self.waiting.len() >= MAX_WAITING {
                self.waiting.remove(0);
                lost += 1;
            }
            self.waiting.push(entry);
            return Added { complete: false, readable: true, lost };
        }
        bits.clear();
        let readable =
            entry.parts.iter().flatten().all(|part| bits.push_armoured(&part.payload, part.fill));
        Added { complete: true, readable, lost }
    }

    /// How many messages wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

/// What a fragment did.
pub(super) struct Added {
    /// The message is whole.
    pub(super) complete: bool,
    /// Its characters could be read.
    pub(super) readable: bool,
    /// Messages given up to make room.
    pub(super) lost: u64,
}

impl Waiting {
    fn new(key: Key, since_ms: i64, since_seen: u64) -> Self {
        Self { key, parts: (0..key.total).map(|_| None).collect(), since_ms, since_seen }
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key =
        Key { talker: *b"AI", own: false, total: 2, sequence: Some(b'1'), channel: Some(b'A') };

    fn add(f: &mut Fragments, key: Key, number: usize, now_ms: i64) -> bool {
        f.tick(now_ms);
        f.add(key, number, b"0", 0, now_ms, &mut Bits::default()).complete
    }

    #[test]
    fn fragments_may_come_in_any_order_and_interleave() {
        let mut f = Fragments::default();
        let other = Key { channel: Some(b'B'), ..KEY };
        assert!(!add(&mut f, KEY, 2, 0));
        assert!(!add(&mut f, other, 1, 0));
        assert!(add(&mut f, KEY, 1, 0));
        assert!(add(&mut f, other, 2, 0));
        assert_eq!(f.waiting(), 0);
    }

    #[test]
    fn an_old_fragment_is_not_joined_to_a_new_one() {
        let mut f = Fragments::default();
        assert!(!add(&mut f, KEY, 1, 0));
        assert!(!add(&mut f, KEY, 2, 31_000));
        assert!(add(&mut f, KEY, 1, 31_000));
        assert!(!add(&mut f, KEY, 1, 40_000));
        for _ in 0..201 {
            f.tick(40_000);
        }
        assert_eq!(f.waiting(), 0);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut f = Fragments::default();
        for n in 0..=255u8 {
            add(&mut f, Key { channel: Some(n), ..KEY }, 1, 0);
        }
        assert_eq!(f.waiting(), MAX_WAITING);
    }
}
