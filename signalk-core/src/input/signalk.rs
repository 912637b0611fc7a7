//! Deltas as JSON, one a line, in any split of the stream.
//!
//! Lines that are no deltas (the hello of another server, noise) are counted and skipped.

use signalk_model::{Delta, Interner, Parsed};

use super::lines::Lines;

/// Longest line; what is longer is skipped to its end. The largest deltas of real servers carry a few hundred values.
const MAX_LINE: usize = 4 << 20;

/// A stream of deltas from one connection.
#[derive(Debug)]
pub struct Parser {
    lines: Lines,
    reader: Reader,
}

/// Everything but the lines' ends.
#[derive(Debug, Default)]
struct Reader {
    interner: Interner,
    counters: Counters,
}

/// What a connection has carried since it was opened.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counters {
    /// Lines read as deltas.
    pub deltas: u64,
    /// Lines that are no delta, and halves of lines that a broken connection left.
    pub not_deltas: u64,
    /// Lines over 4 MiB, skipped.
    pub oversized: u64,
    /// Why the last line was no delta.
    pub last_error: Option<String>,
}

impl Parser {
    /// A parser at the start of a stream.
    pub fn new() -> Self {
        Self { lines: Lines::new(MAX_LINE), reader: Reader::default() }
    }

    /// Takes the next bytes and appends the deltas of all lines that they complete. A delta is as it was sent:
    /// `Delta::normalise` fills in context, time and source.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Parsed>) {
        let Parser { lines, reader } = self;
        lines.push(bytes, |line| reader.line(line, out));
        reader.counters.oversized = lines.oversized();
    }

    /// The connection broke: half a line is no delta, even where it reads like one, and is no use after a reconnect.
    pub fn disconnected(&mut self) {
        if self.lines.forget_rest() {
            self.reader.counters.not_deltas += 1;
        }
    }

    /// What the connection has carried.
    pub fn counters(&self) -> &Counters {
        &self.reader.counters
    }
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    fn line(&mut self, line: &[u8], out: &mut Vec<Parsed>) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        match Delta::parse_with(line, &mut self.interner) {
            Ok(parsed) => {
                self.counters.deltas += 1;
                out.push(parsed);
            }
            Err(error) => {
                self.counters.not_deltas += 1;
                self.counters.last_error = Some(error.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"updates":[{"values":[{"path":"a.b","value":1}]}]}"#;

    #[test]
    fn any_split_of_the_stream_gives_the_same_deltas() {
        let stream =
            [r#"{"name":"hello"}"#, "\r\n", LINE, "\n\nnoise\n", LINE, "\n", LINE].concat();
        let read = |step: usize| {
            let mut parser = Parser::new();
            let mut out = Vec::new();
            stream.as_bytes().chunks(step).for_each(|bytes| parser.push(bytes, &mut out));
            (out, parser.counters().clone())
        };
        let (out, counters) = read(stream.len());
        assert_eq!((counters.deltas, counters.not_deltas), (2, 2));
        assert_eq!(out[0].delta.to_json(), LINE);
        for step in 1..stream.len() {
            assert_eq!(read(step), (out.clone(), counters.clone()), "{step}");
        }
    }

    #[test]
    fn half_a_line_of_a_broken_connection_is_not_counted_as_a_delta() {
        let (mut parser, mut out) = (Parser::new(), Vec::new());
        parser.push([LINE, "\n", LINE].concat().as_bytes(), &mut out);
        parser.disconnected();
        parser.push([LINE, "\n"].concat().as_bytes(), &mut out);
        let counters = parser.counters();
        assert_eq!((out.len(), counters.deltas, counters.not_deltas), (2, 2, 1));
    }

    #[test]
    fn a_line_without_end_is_skipped() {
        let mut parser = Parser::new();
        let mut out = Vec::new();
        for _ in 0..20 {
            parser.push(&[b' '; 1 << 20], &mut out);
        }
        parser.push(["\n", LINE, "\n"].concat().as_bytes(), &mut out);
        assert_eq!((out.len(), parser.counters().oversized), (1, 1));
    }
}
