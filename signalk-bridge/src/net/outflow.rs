//! A body that a plugin writes in pieces: how much is on its way, who waits for room, whether it is whole.
//!
//! The same for the answer to a client (`exchange`) and for the body of a request (`upload`). A
//! refused piece leaves a hole, so the body is not ended as if it were whole: it is broken off.

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
    /// Why it cannot be a whole one any more.
    broken: Option<String>,
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

    /// Takes a piece of so many bytes: whether who wrote it waits for room for the next.
    pub(super) fn write(&mut self, bytes: usize) -> Result<bool, String> {
        if let Err(text) = self.take(bytes) {
            self.broken.get_or_insert_with(|| text.clone());
            return Err(text);
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

    fn take(&mut self, bytes: usize) -> Result<(), String> {
        let written = self.written.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if bytes > PIECE {
            return Err(format!(
                "{bytes} bytes at once, the limit is {PIECE}; write less at a time"
            ));
        }
        if self.waits() {
            return Err("a write waits for room already; wait for its answer".to_owned());
        }
        if self.unsent + bytes > MOST_LEFT {
            let unsent = self.unsent;
            return Err(format!(
                "{unsent} bytes of writes that were taken back wait to be sent, the limit is {MOST_LEFT}; wait for the answer of a write"
            ));
        }
        if let Some(promised) = self.promised.filter(|promised| written > *promised) {
            return Err(format!(
                "{written} bytes are more than the content-length of {promised}; it is broken off"
            ));
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
            (None, Some(promised)) if promised != self.written => Err(format!(
                "{} bytes were written of a content-length of {promised}",
                self.written
            )),
            _ => Ok(()),
        }
    }
}
