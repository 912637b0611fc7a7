//! A body that a plugin writes in pieces: how much is on its way, who waits for room, whether it is whole.
//!
//! The same for the answer to a client (`exchange`) and for the body of a request (`upload`). A
//! refused piece leaves a hole, so the body is not ended as if it were whole: it is broken off. One
//! that was refused only because there was no room may be written again.

use bytes::{Buf, Bytes};

use crate::exchange::{ANSWER_WINDOW, PIECE};

/// One such body.
#[derive(Debug, Default)]
pub(super) struct Outflow {
    /// Bytes that were said to come.
    promised: Option<u64>,
    written: u64,
    /// Bytes that the edge has not sent on.
    unsent: usize,
    writer: Writer,
    /// What found no room and has not been written again; never empty.
    owed: Option<Bytes>,
    /// Why it cannot be a whole one any more.
    broken: Option<String>,
}

/// Why a piece was refused.
enum Refused {
    /// For good.
    Wrong(String),
    /// Until something was sent.
    NoRoom(String),
}

/// Who wrote the last piece.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// It has its answer.
    #[default]
    Answered,
    /// It waits for room.
    Waits,
    /// It took its call back while it waited: what it wrote goes out all the same, and the next
    /// one takes its place.
    Left,
}

/// Why a body is broken off of which a piece is missing.
const LOST: &str = "a piece that found no room was not written again";

/// What may be unsent when writers took their calls back, each with a piece in the window.
const MOST_LEFT: usize = 2 * ANSWER_WINDOW;

impl Outflow {
    pub(super) fn new(promised: Option<u64>) -> Outflow {
        Outflow { promised, ..Outflow::default() }
    }

    /// Whether a write waits for room.
    pub(super) fn waits(&self) -> bool {
        self.writer == Writer::Waits
    }

    /// Who waits for room does not any more.
    pub(super) fn leave(&mut self) {
        if self.waits() {
            self.writer = Writer::Left;
        }
    }

    /// Takes a piece: whether who wrote it waits for room for the next.
    pub(super) fn write(&mut self, piece: &Bytes) -> Result<bool, String> {
        let bytes = piece.len();
        match self.take(bytes) {
            Ok(()) => self.written_again(piece),
            Err(Refused::Wrong(text)) => {
                self.broken.get_or_insert_with(|| text.clone());
                return Err(text);
            }
            Err(Refused::NoRoom(text)) => {
                self.owed.get_or_insert_with(|| piece.clone());
                return Err(text);
            }
        }
        if bytes > 0 {
            let behind = self.unsent > ANSWER_WINDOW - PIECE;
            self.writer = if behind { Writer::Waits } else { Writer::Answered };
        }
        Ok(self.waits())
    }

    /// A piece of it could not be read: what follows would close up to what went before.
    pub(super) fn spoil(&mut self, text: String) {
        self.broken.get_or_insert(text);
    }

    /// A piece was taken: what is owed must be it, in as many parts as the plugin likes.
    fn written_again(&mut self, piece: &Bytes) {
        let Some(owed) = &mut self.owed else { return };
        if owed.starts_with(piece) {
            owed.advance(piece.len());
        } else if piece.starts_with(owed) {
            owed.clear();
        } else {
            self.broken.get_or_insert_with(|| LOST.to_owned());
        }
        if owed.is_empty() {
            self.owed = None;
        }
    }

    fn take(&mut self, bytes: usize) -> Result<(), Refused> {
        let written = self.written.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if bytes > PIECE {
            let text = format!("{bytes} bytes at once, the limit is {PIECE}; write less at a time");
            return Err(Refused::Wrong(text));
        }
        if self.waits() {
            let text = "a write waits for room already; wait for its answer";
            return Err(Refused::Wrong(text.to_owned()));
        }
        if self.unsent + bytes > MOST_LEFT {
            let unsent = self.unsent;
            return Err(Refused::NoRoom(format!(
                "{unsent} bytes of writes that were taken back wait to be sent, the limit is {MOST_LEFT}; write this piece again later, and wait for the answer"
            )));
        }
        if let Some(promised) = self.promised.filter(|promised| written > *promised) {
            return Err(Refused::Wrong(format!(
                "{written} bytes are more than the content-length of {promised}; it is broken off"
            )));
        }
        self.written = written;
        self.unsent += bytes;
        Ok(())
    }

    /// So many bytes were sent on: whether a write that waited has its room now.
    pub(super) fn sent(&mut self, bytes: usize) -> bool {
        self.unsent = self.unsent.saturating_sub(bytes);
        let room = self.unsent <= ANSWER_WINDOW - PIECE;
        let told = room && self.waits();
        if room {
            self.writer = Writer::Answered;
        }
        told
    }

    /// Its end: whether it is whole, or why not.
    pub(super) fn whole(self) -> Result<(), String> {
        match (self.broken, self.promised) {
            (Some(text), _) => Err(text),
            (None, _) if self.owed.is_some() => Err(LOST.to_owned()),
            (None, Some(promised)) if promised != self.written => Err(format!(
                "{} bytes were written of a content-length of {promised}",
                self.written
            )),
            _ => Ok(()),
        }
    }
}
