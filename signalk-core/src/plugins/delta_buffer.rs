//! Deltas for a plugin that is between two lives: kept in order, bounded, oldest dropped.
//!
//! Clause: plugin ABI 7.6. After a start they are replayed before live ones.

use signalk_bridge::{Delivery, DeltaQueue};

/// Most deltas that are kept; their bytes are bounded by the queue.
pub(super) const MOST: usize = 1000;

/// The buffer of one plugin.
#[derive(Debug)]
pub(super) struct DeltaBuffer {
    kept: DeltaQueue,
    /// How many were dropped, ever.
    pub(super) dropped: u64,
}

impl Default for DeltaBuffer {
    fn default() -> DeltaBuffer {
        DeltaBuffer { kept: DeltaQueue::new(MOST), dropped: 0 }
    }
}

impl DeltaBuffer {
    /// Adds the newest.
    pub(super) fn push(&mut self, delivery: Delivery) {
        self.dropped += u64::try_from(self.kept.push(delivery).len()).unwrap_or(u64::MAX);
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Everything, oldest first.
    pub(super) fn replay(&mut self) -> Vec<Delivery> {
        self.kept.take()
    }

    /// Forgets everything: the start failed, or nobody wants it any more.
    pub(super) fn discard(&mut self) {
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(number: usize) -> Delivery {
        Delivery { subscription: None, delta: number.to_string().into() }
    }

    #[test]
    fn the_oldest_of_1001_is_missing_and_the_order_is_kept() {
        let mut buffer = DeltaBuffer::default();
        for number in 0..1001 {
            buffer.push(delivery(number));
        }
        assert_eq!((buffer.len(), buffer.dropped), (MOST, 1));
        let replayed: Vec<_> = buffer.replay().iter().map(|d| d.delta.json().to_owned()).collect();
        let expected: Vec<_> = (1..1001).map(|number| number.to_string()).collect();
        assert_eq!(replayed, expected);
        assert_eq!(buffer.len(), 0);
    }
}
