//! The header `range` of a request for a file (RFC 9110, 14): one range of bytes, or the whole.

/// What of a file a client wants.
pub(crate) enum Asked {
    /// The first and the last byte.
    Bytes(u64, u64),
    /// Several ranges, or no bytes: the whole file is the answer.
    Ignored,
    /// Behind the end.
    Outside,
}

/// The first and last byte of `bytes=a-b`, `bytes=a-` or `bytes=-n` in a file of this length.
pub(crate) fn byte_range(header: &str, length: u64) -> Asked {
    let range = header.strip_prefix("bytes=").filter(|ranges| !ranges.contains(','));
    let Some((from, to)) = range.and_then(|range| range.trim().split_once('-')) else {
        return Asked::Ignored;
    };
    let last = length.saturating_sub(1);
    let (from, to) = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => (from, to.min(last)),
        (Ok(from), Err(_)) if to.is_empty() => (from, last),
        (Err(_), Ok(count)) if from.is_empty() && count > 0 => (length.saturating_sub(count), last),
        (Err(_), Ok(0)) => (length, length),
        _ => return Asked::Ignored,
    };
    if from >= length { Asked::Outside } else { Asked::Bytes(from, to) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_file_or_refused() {
        let range = |header: &str| match byte_range(header, 1000) {
            Asked::Bytes(from, to) => format!("{from}-{to}"),
            Asked::Ignored => "whole".into(),
            Asked::Outside => "416".into(),
        };
        assert_eq!(range("bytes=0-99"), "0-99");
        assert_eq!(range("bytes=900-5000"), "900-999");
        assert_eq!(range("bytes=10-"), "10-999");
        assert_eq!(range("bytes=-100"), "900-999");
        assert_eq!(range("bytes=-5000"), "0-999");
        for outside in ["bytes=1000-", "bytes=5000-6000", "bytes=-0"] {
            assert_eq!(range(outside), "416", "{outside}");
        }
        for odd in ["bytes=5-1", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "bytes="] {
            assert_eq!(range(odd), "whole", "{odd}");
        }
    }
}
