//! Bytes to messages: any split of the stream, bounded size, any length. A message above the bound
//! is skipped to its end and the stream goes on. What the bytes of a message mean is not known here.
//!
//! Two framings: one message per line (JSON text never needs a raw newline), and the header section
//! of the Language Server Protocol (`Content-Length: N`, empty line, N bytes). A reader of both takes
//! for a header section only what begins with `Content-`, in any case of letters: a program that
//! prints `Connected` among its messages has printed a line, which is no message, and goes on.

/// How messages are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// Reads both, decided anew for each message; writes what was last read, lines at first.
    #[default]
    Auto,
    /// One message per line.
    Newline,
    /// `Content-Length` headers.
    ContentLength,
}

/// One piece of the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A whole message.
    Message(&'a [u8]),
    /// A last line without its newline, at the end of the stream: whole or half, who can tell.
    Unterminated(&'a [u8]),
    /// A message above the bound, skipped.
    Oversized {
        /// Bytes of the message.
        size: u64,
        /// Its beginning, for a look at its id.
        head: &'a [u8],
    },
    /// A header section that cannot be followed, skipped.
    BadHeader(&'static str),
    /// The stream ended inside a message.
    Truncated {
        /// Bytes received of it.
        size: u64,
    },
}

/// Receives the pieces, each with the framing it came in.
pub type Sink<'s> = dyn FnMut(Frame<'_>, Framing) + 's;

/// The reading side of one stream.
#[derive(Debug)]
pub struct Decoder {
    framing: Framing,
    max: usize,
    /// Bytes of the current line, header line or body that came with earlier input.
    buffer: Vec<u8>,
    place: Place,
    last_read: Framing,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Between,
    /// What came so far, a part of `content-`, may become a header or a line.
    Either,
    Line,
    LineSkip {
        size: u64,
    },
    Header {
        length: Option<u64>,
    },
    HeaderSkip,
    Body {
        left: usize,
    },
    BodySkip {
        left: u64,
        size: u64,
    },
}

/// Bytes kept of a message that is skipped.
const HEAD: usize = 1024;
/// How every header begins that the protocol knows.
const HEADER_START: &[u8] = b"content-";
/// Bytes of one header line; real ones have 30.
const HEADER_LINE: usize = 4096;
/// A buffer that had to grow beyond this is given back after use.
const KEEP: usize = 64 * 1024;

impl Decoder {
    /// A decoder at the start of a stream; `max` bounds the bytes of one message.
    #[must_use]
    pub fn new(framing: Framing, max: usize) -> Self {
        let last_read = if framing == Framing::Auto { Framing::Newline } else { framing };
        Decoder { framing, max, buffer: Vec::new(), place: Place::Between, last_read }
    }

    /// Whether the next byte begins a message that may be a line.
    pub(crate) fn expects_line(&self) -> bool {
        matches!(self.place, Place::Between) && self.framing != Framing::ContentLength
    }

    /// Takes bytes in and hands out each piece that they complete.
    pub fn feed(&mut self, mut bytes: &[u8], sink: &mut Sink<'_>) {
        while !bytes.is_empty() {
            bytes = match self.place {
                Place::Between => self.between(bytes),
                Place::Either => self.either(bytes),
                Place::Line => self.line(bytes, sink),
                Place::LineSkip { size } => self.line_skip(size, bytes, sink),
                Place::Header { length } => self.header(length, bytes, sink),
                Place::HeaderSkip => match split_line(bytes) {
                    Some((_, rest)) => self.done(rest),
                    None => &[],
                },
                Place::Body { left } => self.body(left, bytes, sink),
                Place::BodySkip { left, size } => self.body_skip(left, size, bytes, sink),
            };
        }
    }

    /// Reports what the end of the stream leaves behind.
    pub fn finish(&mut self, sink: &mut Sink<'_>) {
        match self.place {
            Place::Between => {}
            Place::Either | Place::Line => sink(Frame::Unterminated(&self.buffer), self.last_read),
            Place::LineSkip { size } => sink(Frame::Truncated { size }, self.last_read),
            Place::BodySkip { left, size } => {
                sink(Frame::Truncated { size: size - left }, self.last_read)
            }
            _ => sink(Frame::Truncated { size: u64_of(self.buffer.len()) }, self.last_read),
        }
        self.done(&[]);
    }

    fn done<'b>(&mut self, rest: &'b [u8]) -> &'b [u8] {
        self.place = Place::Between;
        self.buffer.clear();
        if self.buffer.capacity() > KEEP {
            self.buffer = Vec::new();
        }
        rest
    }

    fn between<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(start) = bytes.iter().position(|b| !b.is_ascii_whitespace()) else { return &[] };
        (self.place, self.last_read) = match self.framing {
            Framing::Newline => (Place::Line, Framing::Newline),
            Framing::ContentLength => (Place::Header { length: None }, Framing::ContentLength),
            Framing::Auto => (Place::Either, Framing::Newline),
        };
        &bytes[start..]
    }

    /// Compares with the beginning of a header, byte by byte, because it may come in pieces.
    fn either<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let expected = HEADER_START.get(self.buffer.len()..).unwrap_or_default();
        let same =
            bytes.iter().zip(expected).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
        let (piece, rest) = bytes.split_at(same);
        if same == expected.len() {
            (self.place, self.last_read) = (Place::Header { length: None }, Framing::ContentLength);
        } else if !rest.is_empty() {
            self.place = Place::Line;
            if self.buffer.is_empty() {
                return bytes;
            }
        }
        self.buffer.extend_from_slice(piece);
        rest
    }

    fn line<'b>(&mut self, bytes: &'b [u8], sink: &mut Sink<'_>) -> &'b [u8] {
        let (piece, rest) = match split_line(bytes) {
            Some((piece, rest)) => (piece, Some(rest)),
            None => (bytes, None),
        };
        let size = self.buffer.len().saturating_add(piece.len());
        if size > self.max {
            self.keep_head(piece);
            let size = u64_of(size);
            let Some(rest) = rest else {
                self.place = Place::LineSkip { size };
                return &[];
            };
            sink(Frame::Oversized { size, head: &self.buffer }, self.last_read);
            return self.done(rest);
        }
        match rest {
            Some(rest) if self.buffer.is_empty() => {
                sink(Frame::Message(piece), self.last_read);
                self.done(rest)
            }
            Some(rest) => {
                self.buffer.extend_from_slice(piece);
                sink(Frame::Message(&self.buffer), self.last_read);
                self.done(rest)
            }
            None => {
                self.buffer.extend_from_slice(piece);
                &[]
            }
        }
    }

    fn line_skip<'b>(&mut self, size: u64, bytes: &'b [u8], sink: &mut Sink<'_>) -> &'b [u8] {
        self.keep_head(split_line(bytes).map_or(bytes, |(piece, _)| piece));
        match split_line(bytes) {
            Some((piece, rest)) => {
                let size = size.saturating_add(u64_of(piece.len()));
                sink(Frame::Oversized { size, head: &self.buffer }, self.last_read);
                self.done(rest)
            }
            None => {
                self.place = Place::LineSkip { size: size.saturating_add(u64_of(bytes.len())) };
                &[]
            }
        }
    }

    fn header<'b>(
        &mut self,
        length: Option<u64>,
        bytes: &'b [u8],
        sink: &mut Sink<'_>,
    ) -> &'b [u8] {
        // A message in lines, behind something that only looked like a header: it is not lost.
        if self.framing == Framing::Auto
            && self.buffer.is_empty()
            && matches!(bytes, [b'{' | b'[', ..])
        {
            sink(Frame::BadHeader("a header section ends with an empty line"), self.last_read);
            (self.place, self.last_read) = (Place::Line, Framing::Newline);
            return bytes;
        }
        let (piece, rest) = match split_line(bytes) {
            Some((piece, rest)) => (piece, Some(rest)),
            None => (bytes, None),
        };
        if self.buffer.len() + piece.len() > HEADER_LINE {
            sink(Frame::BadHeader("a header line is too long"), self.last_read);
            self.place = Place::HeaderSkip;
            return bytes;
        }
        self.buffer.extend_from_slice(piece);
        let Some(rest) = rest else { return &[] };
        let next = read_header_line(&self.buffer, length);
        self.buffer.clear();
        match next {
            Ok(Line::More(length)) => self.place = Place::Header { length },
            Ok(Line::End(size)) => match usize::try_from(size) {
                Ok(0) => {
                    sink(Frame::Message(&[]), self.last_read);
                    self.place = Place::Between;
                }
                Ok(left) if left <= self.max => self.place = Place::Body { left },
                _ => self.place = Place::BodySkip { left: size, size },
            },
            Err(reason) => {
                sink(Frame::BadHeader(reason), self.last_read);
                self.place = Place::Between;
            }
        }
        rest
    }

    fn body<'b>(&mut self, left: usize, bytes: &'b [u8], sink: &mut Sink<'_>) -> &'b [u8] {
        let Some((piece, rest)) = bytes.split_at_checked(left) else {
            self.buffer.extend_from_slice(bytes);
            self.place = Place::Body { left: left - bytes.len() };
            return &[];
        };
        if self.buffer.is_empty() {
            sink(Frame::Message(piece), self.last_read);
        } else {
            self.buffer.extend_from_slice(piece);
            sink(Frame::Message(&self.buffer), self.last_read);
        }
        self.done(rest)
    }

    fn body_skip<'b>(
        &mut self,
        left: u64,
        size: u64,
        bytes: &'b [u8],
        sink: &mut Sink<'_>,
    ) -> &'b [u8] {
        let here = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let (piece, rest) = bytes.split_at(here);
        self.keep_head(piece);
        let left = left - u64_of(here);
        if left > 0 {
            self.place = Place::BodySkip { left, size };
            return rest;
        }
        sink(Frame::Oversized { size, head: &self.buffer }, self.last_read);
        self.done(rest)
    }

    fn keep_head(&mut self, piece: &[u8]) {
        let room = HEAD.saturating_sub(self.buffer.len()).min(piece.len());
        self.buffer.extend_from_slice(&piece[..room]);
        self.buffer.truncate(HEAD);
    }
}

enum Line {
    More(Option<u64>),
    End(u64),
}

fn read_header_line(line: &[u8], length: Option<u64>) -> Result<Line, &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "a header line is not text")?.trim();
    if line.is_empty() {
        return length.map(Line::End).ok_or("Content-Length is missing");
    }
    let (name, value) = line.split_once(':').ok_or("a header line has no colon")?;
    if !name.trim_end().eq_ignore_ascii_case("content-length") {
        return Ok(Line::More(length));
    }
    let value = value.trim();
    let number = value.parse::<u64>().ok().filter(|_| value.as_bytes()[0].is_ascii_digit());
    match (number, length) {
        (None, _) => Err("Content-Length is not a number"),
        (Some(new), Some(old)) if new != old => Err("two different Content-Length"),
        (Some(new), _) => Ok(Line::More(Some(new))),
    }
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', bytes)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

fn u64_of(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
