//! What a guest has sent and the system has not: how much, and who waits for it.

use std::collections::VecDeque;

use super::Wait;

/// Of one connection.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    bytes: usize,
    /// Bytes that were before them when they began to wait.
    waits: VecDeque<(usize, Wait)>,
}

impl Unsent {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Waits for all that was added; `false`: nothing is left to wait for.
    pub(super) fn wait(&mut self, wait: Wait) -> bool {
        if self.bytes > 0 {
            self.waits.push_back((self.bytes, wait));
        }
        self.bytes > 0
    }

    /// The system took so many: who has waited long enough.
    pub(super) fn sent(&mut self, bytes: usize) -> Vec<Wait> {
        self.bytes = self.bytes.saturating_sub(bytes);
        for (before, _) in &mut self.waits {
            *before = before.saturating_sub(bytes);
        }
        let done = self.waits.partition_point(|(before, _)| *before == 0);
        self.waits.drain(..done).map(|(_, wait)| wait).collect()
    }

    /// The connection is over: who waited in vain.
    pub(super) fn end(self) -> Vec<Wait> {
        self.waits.into_iter().map(|(_, wait)| wait).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_waits_for_what_was_sent_before_it() {
        let mut unsent = Unsent::default();
        assert!(!unsent.wait(Wait::Socket(1)), "nothing was sent");
        unsent.add(10);
        assert!(unsent.wait(Wait::Socket(2)));
        unsent.add(5);
        assert!(unsent.wait(Wait::Socket(3)));
        assert_eq!(unsent.sent(9), []);
        assert_eq!(unsent.sent(3), [Wait::Socket(2)]);
        assert_eq!((unsent.bytes(), unsent.end()), (3, vec![Wait::Socket(3)]));
    }
}
