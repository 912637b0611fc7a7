//! Looking for single bytes in short texts, eight at a time: an interpreter pays for each step.
//! Where texts are long and the code is native, `framing.rs` uses `memchr`.
//!
//! The last few bytes of a text are looked at together with those before them, which are known.

/// Every byte of a word set to this one.
const fn all(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The highest bit of every byte.
const HIGH: u64 = all(0x80);

/// The first newline, and whether all from `from` to there is ASCII. There is none before `from`,
/// which is 8 at least.
#[inline]
pub(crate) fn line_end(bytes: &[u8], from: usize) -> Option<(usize, bool)> {
    let mut seen = 0;
    let mut at = from;
    loop {
        // The last word overlaps the one before.
        let start = if at + 8 <= bytes.len() { at } else { bytes.len().checked_sub(8)? };
        let word = word(bytes, start)?;
        let other = word ^ all(b'\n');
        // The lowest bit set is that of the first byte that is zero now.
        let found = other.wrapping_sub(all(1)) & !other & HIGH;
        if found != 0 {
            let before = (found & found.wrapping_neg()) - 1;
            let place = usize::try_from(found.trailing_zeros() / 8).ok()?;
            return Some((start + place, (seen | (word & before)) & HIGH == 0));
        }
        seen |= word;
        at += 8;
        if at >= bytes.len() {
            return None;
        }
    }
}

/// Whether there may be a control character from `from` on: never missed, but one among the seven
/// bytes before counts, too. In JSON text that can only be white space between tokens.
pub(crate) fn has_control(bytes: &[u8], from: usize) -> bool {
    let mut at = from;
    while at < bytes.len() {
        let start = if at + 8 <= bytes.len() { at } else { bytes.len().saturating_sub(8) };
        if word(bytes, start).is_none_or(|word| below(word, b' ') != 0) {
            return true;
        }
        at += 8;
    }
    false
}

/// Whether the text stands between quotes as it is: nothing in it needs an escape.
pub(crate) fn is_plain(text: &str) -> bool {
    words_of(text.as_bytes(), |word| unfit(word) & HIGH == 0)
}

/// Whether the text is plain, and ASCII.
pub(crate) fn is_plain_ascii(bytes: &[u8]) -> bool {
    words_of(bytes, |word| (unfit(word) | word) & HIGH == 0)
}

/// Whether all words of the text pass. The last ones overlap, and spaces fill the shortest.
#[inline]
fn words_of(bytes: &[u8], pass: impl Fn(u64) -> bool) -> bool {
    if let Some(last) = bytes.last_chunk::<8>() {
        let (words, _) = bytes.as_chunks::<8>();
        return pass(u64::from_le_bytes(*last))
            && words.iter().all(|word| pass(u64::from_le_bytes(*word)));
    }
    pass(match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => bytes.iter().fold(all(b' '), |word, byte| (word << 8) | u64::from(*byte)),
    })
}

/// High bits where there is a control character, a quote or a backslash.
fn unfit(word: u64) -> u64 {
    below(word, b' ') | below(word ^ all(b'"'), 1) | below(word ^ all(b'\\'), 1)
}

/// Not zero when a byte of the word is below `limit`, which is at most 128.
fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(all(limit)) & !word & HIGH
}

/// Eight bytes from here on.
pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_find_what_bytes_find(known in "[ -~]{8,20}", text in "[ -~\n\t\"\\\\äö€]{0,40}") {
            let both = format!("{known}{text}");
            let (bytes, from) = (both.as_bytes(), known.len());
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let expected = end.map(|end| (end, bytes[from..end].is_ascii()));
            prop_assert_eq!(super::line_end(bytes, from), expected);
            let control = bytes.iter().any(|byte| *byte < b' ');
            prop_assert_eq!(super::has_control(bytes, from), control);
            let quoted = serde_json::to_string(&text).unwrap();
            let plain = quoted[1..quoted.len() - 1] == text;
            prop_assert_eq!(super::is_plain(&text), plain);
            prop_assert_eq!(super::is_plain_ascii(text.as_bytes()), plain && text.is_ascii());
        }
    }
}
