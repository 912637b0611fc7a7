//! PUTs of a plugin on their way: how many, and who waits for which.
//!
//! The server is the world here: it answers each exactly once, by its own deadlines.

use super::{Completed, Net, Outcome, Wait};
use crate::PutId;

/// PUTs of one plugin that may wait for their end.
const MOST: usize = 100;

/// The table.
#[derive(Debug, Default)]
pub(super) struct Puts {
    last: u64,
    waiting: usize,
}

impl Net {
    /// One more begins.
    ///
    /// # Errors
    /// In words: too many wait.
    pub(crate) fn put_begun(&mut self) -> Result<PutId, String> {
        let puts = &mut self.puts;
        if puts.waiting >= MOST {
            return Err(format!("{MOST} PUTs wait for their answer; wait for one of them first"));
        }
        puts.waiting += 1;
        puts.last += 1;
        Ok(PutId(puts.last))
    }

    /// One has come to its end: the calls that have their answer now.
    pub(crate) fn put_done(&mut self, id: PutId, reply: String) -> Vec<Completed> {
        self.puts.waiting = self.puts.waiting.saturating_sub(1);
        self.completed.push(Completed { wait: Wait::Put(id), outcome: Outcome::Json(reply) });
        self.take_completed()
    }
}
