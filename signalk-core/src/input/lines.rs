//! Lines of a stream in any split, with a bound on their length.

/// Cuts a stream into lines. What is longer than the bound is skipped to its end and counted.
#[derive(Debug)]
pub(super) struct Lines {
    rest: Vec<u8>,
    /// The line in `rest` was too long and its end has not come yet.
    skipping: bool,
    longest: usize,
    oversized: u64,
}

impl Lines {
    pub(super) fn new(longest: usize) -> Lines {
        Lines { rest: Vec::new(), skipping: false, longest, oversized: 0 }
    }

    /// Hands on every line that these bytes complete, without its line feed.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut line: impl FnMut(&[u8])) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (head, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            if self.rest.len() + head.len() > self.longest {
                self.rest.clear();
                self.oversized += 1;
            } else if self.rest.is_empty() {
                line(head);
            } else {
                let mut whole = std::mem::take(&mut self.rest);
                whole.extend_from_slice(head);
                line(&whole);
            }
        }
        if self.skipping {
            return;
        }
        if self.rest.len() + bytes.len() > self.longest {
            self.rest = Vec::new();
            self.skipping = true;
            self.oversized += 1;
        } else {
            self.rest.extend_from_slice(bytes);
        }
    }

    /// Forgets a line that has not ended; true when there was one.
    pub(super) fn forget_rest(&mut self) -> bool {
        self.skipping = false;
        !std::mem::take(&mut self.rest).is_empty()
    }

    /// Lines that were too long.
    pub(super) fn oversized(&self) -> u64 {
        self.oversized
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_split_gives_the_same_lines_and_a_long_one_costs_no_memory() {
        let stream = b"one\r\n\nmuch too long a line\ntwo\nhalf";
        let read = |step: usize| {
            let mut lines = Lines::new(8);
            let mut out = Vec::new();
            for bytes in stream.chunks(step) {
                lines.push(bytes, |line| out.push(String::from_utf8_lossy(line).into_owned()));
                assert!(lines.rest.len() <= 8);
            }
            (out, lines.oversized(), lines.forget_rest())
        };
        let whole = read(stream.len());
        assert_eq!(whole, (vec!["one\r".into(), String::new(), "two".into()], 1, true));
        for step in 1..stream.len() {
            assert_eq!(read(step), whole, "{step}");
        }
    }
}
