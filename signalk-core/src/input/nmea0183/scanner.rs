//! Bytes to sentences: where one starts, where it ends, whether its checksum holds.
//!
//! [`next_token`] is a pure function over the bytes that have not been used yet, so any split of a stream yields the
//! same tokens. What a sentence means is decided in the files next to this one.
//!
//! A sentence ends at its checksum (`*HH`), at the end of its line, or where the next one starts: a receiver that loses
//! bytes, or two talkers on one wire, cost the sentence they damaged and none of its neighbours.

/// Longest sentence, start character included. NMEA 0183 says 82; real talkers (AIS, proprietary) write more.
pub(super) const MAX_SENTENCE: usize = 1024;
/// Longest NMEA 4 tag block, both backslashes included.
pub(super) const MAX_TAG: usize = 256;

/// What a sentence says about its own integrity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checksum {
    /// The line ended without one.
    Absent,
    Good,
    Bad,
}

/// The next thing in the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// The bytes between the start character and `*` (or the end of the line).
    Sentence { body: &'a [u8], checksum: Checksum },
    /// The inside of a tag block (`\...\`), checksum included. It belongs to the sentence that follows at once.
    Tag(&'a [u8]),
    /// Line ends and spaces between sentences.
    Blank,
    /// This many bytes that belong to no sentence.
    Garbage(usize),
    /// A sentence or tag block that the next one cut short.
    Truncated,
    /// A sentence or tag block that did not end within its limit; its rest follows as garbage.
    Oversized,
}

/// The token at the start of `buf` and how many bytes it takes; `None` when more bytes are needed to tell.
pub(super) fn next_token(buf: &[u8]) -> Option<(Token<'_>, usize)> {
    match *buf.first()? {
        b'$' | b'!' => sentence(buf),
        b'\\' => tag(buf),
        b if is_blank(b) => {
            let n = buf.iter().take_while(|&&b| is_blank(b)).count();
            Some((Token::Blank, n))
        }
        _ => {
            let noise = |b: u8| !is_blank(b) && !matches!(b, b'$' | b'!' | b'\\');
            let n = buf.iter().take_while(|&&b| noise(b)).count();
            Some((Token::Garbage(n), n))
        }
    }
}

fn is_blank(b: u8) -> bool {
    matches!(b, b'\r' | b'\n' | b' ' | b'\t')
}

fn sentence(buf: &[u8]) -> Option<(Token<'_>, usize)> {
    let limit = buf.len().min(MAX_SENTENCE);
    let mut sum = 0u8;
    for (i, &b) in buf[..limit].iter().enumerate().skip(1) {
        match b {
            b'*' => return checksum(buf, i, sum),
            b'\r' | b'\n' => {
                return Some((Token::Sentence { body: &buf[1..i], checksum: Checksum::Absent }, i));
            }
            b'$' | b'!' | b'\\' => return Some((Token::Truncated, i)),
            _ => sum ^= b,
        }
    }
    (limit == MAX_SENTENCE).then_some((Token::Oversized, limit))
}

/// The two digits after the `*` at `star`.
fn checksum(buf: &[u8], star: usize, sum: u8) -> Option<(Token<'_>, usize)> {
    let bad = Token::Sentence { body: &buf[1..star], checksum: Checksum::Bad };
    let Some(high) = hex(*buf.get(star + 1)?) else { return Some((bad, star + 1)) };
    let Some(low) = hex(*buf.get(star + 2)?) else { return Some((bad, star + 2)) };
    let checksum = if high << 4 | low == sum { Checksum::Good } else { Checksum::Bad };
    Some((Token::Sentence { body: &buf[1..star], checksum }, star + 3))
}

fn hex(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'A'..=b'F' => Some(b - b'A' + 10),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    }
}

fn tag(buf: &[u8]) -> Option<(Token<'_>, usize)> {
    let limit = buf.len().min(MAX_TAG);
    for (i, &b) in buf[..limit].iter().enumerate().skip(1) {
        match b {
            b'\\' => return Some((Token::Tag(&buf[1..i]), i + 1)),
            b'\r' | b'\n' | b'$' | b'!' => return Some((Token::Truncated, i)),
            _ => {}
        }
    }
    (limit == MAX_TAG).then_some((Token::Oversized, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(mut buf: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        while let Some((token, used)) = next_token(buf) {
            out.push(match token {
                Token::Sentence { body, checksum } => {
                    format!("{} {checksum:?}", String::from_utf8_lossy(body))
                }
                Token::Tag(tag) => format!("tag {}", String::from_utf8_lossy(tag)),
                other => format!("{other:?}"),
            });
            buf = &buf[used..];
        }
        if !buf.is_empty() {
            out.push(format!("rest {}", String::from_utf8_lossy(buf)));
        }
        out.retain(|t| t != "Blank");
        out
    }

    #[test]
    fn a_sentence_ends_at_its_checksum_its_line_or_the_next_start() {
        assert_eq!(
            tokens(b"$IIHDT,,T*0C\r\n$IIHDT,,T*0c$IIHDT,,T\n"),
            ["IIHDT,,T Good", "IIHDT,,T Good", "IIHDT,,T Absent"]
        );
        assert_eq!(tokens(b"$IIHD$IIHDT,,T*0C\r\n"), ["Truncated", "IIHDT,,T Good"]);
        assert_eq!(tokens(b"$IIHDT,,T*0"), ["rest $IIHDT,,T*0"]);
    }

    #[test]
    fn a_wrong_or_unreadable_checksum_is_bad() {
        assert_eq!(tokens(b"$IIHDT,,T*0D\r\n"), ["IIHDT,,T Bad"]);
        assert_eq!(tokens(b"$IIHDT,,T*\r\n$IIHDT,,T*0C"), ["IIHDT,,T Bad", "IIHDT,,T Good"]);
        assert_eq!(tokens(b"$IIHDT,,T*0$IIHDT,,T*0C"), ["IIHDT,,T Bad", "IIHDT,,T Good"]);
    }

    #[test]
    fn garbage_and_oversized_lines_do_not_lose_the_next_sentence() {
        let mut stream = b"\x00\xffnoise$".to_vec();
        stream.extend([b'x'; 3000]);
        stream.extend(b"\r\n$IIHDT,,T*0C\r\n");
        assert_eq!(tokens(&stream), ["Garbage(7)", "Oversized", "Garbage(1977)", "IIHDT,,T Good"]);
    }

    #[test]
    fn tag_blocks_stand_before_a_sentence() {
        assert_eq!(tokens(b"\\s:x,c:1*13\\$IIHDT,,T*0C\r\n"), ["tag s:x,c:1*13", "IIHDT,,T Good"]);
        assert_eq!(tokens(b"\\s:x$IIHDT,,T*0C\r\n"), ["Truncated", "IIHDT,,T Good"]);
    }
}
