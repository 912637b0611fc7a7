//! The bits of an AIS message behind the printable characters of a VDM payload.
//!
//! ITU-R M.1371 numbers fields by their first bit, so does the code that reads them.

/// A message as the 6-bit groups of its payload. The buffer is reused from message to message.
#[derive(Debug, Default)]
pub(crate) struct Bits {
    groups: Vec<u8>,
    len: usize,
}

/// Longest message: five slots of 256 bits, and some slack for padding.
const MAX_GROUPS: usize = 256;

impl Bits {
    /// Forgets the last message.
    pub(crate) fn clear(&mut self) {
        self.groups.clear();
        self.len = 0;
    }

    /// Appends the characters of one fragment, of which the last `fill` bits mean nothing.
    /// False when it holds a character that no payload has, or is too long.
    pub(crate) fn push_armoured(&mut self, payload: &[u8], fill: usize) -> bool {
        if self.groups.len() + payload.len() > MAX_GROUPS {
            return false;
        }
        for &c in payload {
            match c {
                b'0'..=b'W' => self.groups.push(c - 48),
                b'`'..=b'w' => self.groups.push(c - 56),
                _ => return false,
            }
        }
        self.len = (self.groups.len() * 6).saturating_sub(fill.min(5));
        true
    }

    /// How many bits the message has.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The unsigned number in bits `start..start + len` (at most 32); `None` when the message is shorter.
    pub(crate) fn unsigned(&self, start: usize, len: usize) -> Option<u32> {
        let end = start + len;
        if end > self.len || len > 32 {
            return None;
        }
        let (first, last) = (start / 6, end.div_ceil(6));
        let packed =
            self.groups.get(first..last)?.iter().fold(0u64, |n, &group| n << 6 | u64::from(group));
        let shifted = packed >> (last * 6 - end);
        u32::try_from(shifted & ((1u64 << len) - 1)).ok()
    }

    /// The two's complement number in bits `start..start + len` (at most 31).
    pub(crate) fn signed(&self, start: usize, len: usize) -> Option<i32> {
        let raw = i64::from(self.unsigned(start, len)?);
        let negative = raw >> (len - 1) & 1 == 1;
        i32::try_from(if negative { raw - (1i64 << len) } else { raw }).ok()
    }

    /// Whether bit `at` is set.
    pub(crate) fn flag(&self, at: usize) -> Option<bool> {
        self.unsigned(at, 1).map(|bit| bit == 1)
    }

    /// The 6-bit text of `chars` characters from bit `start`, up to the first `@`, without spaces around it.
    /// A text that the message cuts short is what is there; `None` when that is empty.
    pub(crate) fn text(&self, start: usize, chars: usize) -> Option<String> {
        let mut text = String::with_capacity(chars);
        for i in 0..chars {
            match self.unsigned(start + i * 6, 6).and_then(|c| u8::try_from(c).ok()) {
                None | Some(0) => break,
                Some(c @ 1..32) => text.push(char::from(c + 64)),
                Some(c) => text.push(char::from(c)),
            }
        }
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(payload: &str, fill: usize) -> Bits {
        let mut bits = Bits::default();
        assert!(bits.push_armoured(payload.as_bytes(), fill));
        bits
    }

    #[test]
    fn numbers_cross_the_borders_of_characters() {
        let bits = bits("13aEOK001s1j=TPRJhT3Q2lt0000", 0);
        assert_eq!(bits.len(), 168);
        assert_eq!(bits.unsigned(0, 6), Some(1));
        assert_eq!(bits.unsigned(8, 30), Some(244_670_316));
        assert_eq!(bits.unsigned(50, 10), Some(123));
        assert_eq!(bits.signed(61, 28), Some(14_970_000));
        assert_eq!(bits.unsigned(166, 2), Some(0));
        assert_eq!(bits.unsigned(167, 2), None);
    }

    #[test]
    fn fill_bits_do_not_count() {
        assert_eq!(bits("00", 2).len(), 10);
        assert_eq!(bits("00", 9).len(), 7);
        assert_eq!(bits("", 3).len(), 0);
    }

    #[test]
    fn signed_numbers_and_texts() {
        assert_eq!(bits("w", 0).signed(0, 6), Some(-1));
        assert_eq!(bits("P", 0).signed(0, 6), Some(-32));
        assert_eq!(bits("O", 0).signed(0, 6), Some(31));
        let name = bits("H52K>;i<l4hj08t5@00000000000", 0);
        assert_eq!(name.text(40, 20).as_deref(), Some("SMALL BOAT"));
        assert_eq!(bits("0000", 0).text(0, 4), None);
    }

    #[test]
    fn characters_outside_the_alphabet_are_refused() {
        for payload in ["X", "_", "x", " ", "\u{e9}"] {
            assert!(!Bits::default().push_armoured(payload.as_bytes(), 0), "{payload}");
        }
        assert!(!Bits::default().push_armoured(&[b'0'; 257], 0));
    }
}
