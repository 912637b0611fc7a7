//! How many log lines a plugin may write per second (plugin ABI W25), by whatever call.
//!
//! Lines on standard error are also counted where they are made, in `wasmi-hdk`.

use std::time::Duration;

use wasmi_hdk::Limits;

/// The budget of one plugin.
#[derive(Debug)]
pub(super) struct LogBudget {
    pub(super) per_second: u32,
    since: Duration,
    count: u32,
    /// Lines that were too many, ever.
    pub(super) dropped: u64,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Kept,
    /// The first that is too many: worth a word.
    TooMany,
    Dropped,
}

impl Default for LogBudget {
    fn default() -> Self {
        let per_second = Limits::default().stderr_lines_per_second;
        LogBudget { per_second, since: Duration::ZERO, count: 0, dropped: 0 }
    }
}

impl LogBudget {
    pub(super) fn take(&mut self, now: Duration) -> Verdict {
        if now.saturating_sub(self.since) >= Duration::from_secs(1) {
            (self.since, self.count) = (now, 0);
        }
        self.count = self.count.saturating_add(1);
        if self.count <= self.per_second {
            return Verdict::Kept;
        }
        self.dropped += 1;
        if self.count - 1 == self.per_second { Verdict::TooMany } else { Verdict::Dropped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_lines_and_one_word_about_the_others() {
        let mut budget = LogBudget { per_second: 2, ..LogBudget::default() };
        for second in [5, 6] {
            let taken: Vec<_> = (0..4).map(|_| budget.take(Duration::from_secs(second))).collect();
            let expected = [Verdict::Kept, Verdict::Kept, Verdict::TooMany, Verdict::Dropped];
            assert_eq!(taken, expected);
        }
        assert_eq!(budget.dropped, 4);
    }
}
