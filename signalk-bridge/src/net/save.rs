//! Saves of a plugin's options on their way to the disk: how many, and who waits for which.
//!
//! The server's disk answers each exactly once.

use super::{Completed, Net, Outcome, Wait};
use crate::effect::SaveId;

/// Saves of one plugin that may wait for the disk.
const MOST: usize = 100;

/// The table.
#[derive(Debug, Default)]
pub(super) struct Saves {
    last: u64,
    waiting: usize,
}

impl Net {
    /// One more begins.
    ///
    /// # Errors
    /// In words: too many wait.
    pub(crate) fn save_begun(&mut self) -> Result<SaveId, String> {
        let saves = &mut self.saves;
        if saves.waiting >= MOST {
            return Err(format!("{MOST} saves wait for the disk; wait for one of them first"));
        }
        saves.waiting += 1;
        saves.last += 1;
        Ok(SaveId(saves.last))
    }

    /// One has come to its end, or never began.
    pub(crate) fn save_ended(&mut self, save: SaveId, result: Result<(), String>) {
        self.saves.waiting = self.saves.waiting.saturating_sub(1);
        let outcome = result.map_or_else(Outcome::Failed, |()| Outcome::Number(0));
        self.completed.push(Completed { wait: Wait::Save(save), outcome });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_saves_wait_and_each_ends_once() {
        let mut net = Net::new();
        let saves: Vec<_> = (0..MOST).map(|_| net.save_begun().unwrap()).collect();
        assert!(net.save_begun().unwrap_err().contains("100 saves"));
        net.save_ended(saves[1], Err("full".to_owned()));
        let done = net.take_completed();
        assert_eq!(done[0].wait, Wait::Save(saves[1]));
        assert_eq!((done.len(), &done[0].outcome), (1, &Outcome::Failed("full".to_owned())));
        assert!(net.save_begun().is_ok());
    }
}
