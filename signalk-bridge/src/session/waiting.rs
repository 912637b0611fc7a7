//! `DeltaQueue`: deltas that wait for a plugin, in order, bounded in number and in bytes.
//!
//! A delta may be as long as a client's message: a thousand of them would be gigabytes. Over a
//! bound the oldest goes, so what a plugin reads after a pause is the newest there is (requirement
//! R43, plugin ABI 7.4).

use std::collections::VecDeque;

use super::Delivery;

/// Bytes of text that may wait for one plugin.
const WAITING_BYTES: usize = 8 << 20;

/// The queue of one plugin.
#[derive(Debug)]
pub struct DeltaQueue {
    kept: VecDeque<(usize, Delivery)>,
    bytes: usize,
    most: usize,
}

impl DeltaQueue {
    /// An empty one for at most so many deltas.
    pub fn new(most: usize) -> DeltaQueue {
        DeltaQueue { kept: VecDeque::new(), bytes: 0, most }
    }

    /// Adds the newest; how many were dropped for it. One that alone is over the bound is dropped itself.
    pub fn push(&mut self, delivery: Delivery) -> u64 {
        let weight = delivery.delta.weight();
        self.bytes = self.bytes.saturating_add(weight);
        self.kept.push_back((weight, delivery));
        let mut dropped = 0;
        while self.kept.len() > self.most || (self.bytes > WAITING_BYTES && !self.kept.is_empty()) {
            self.pop_front();
            dropped += 1;
        }
        dropped
    }

    /// Puts back what was taken out last: it is not dropped for want of room.
    pub(super) fn push_front(&mut self, delivery: Delivery) {
        let weight = delivery.delta.weight();
        self.bytes = self.bytes.saturating_add(weight);
        self.kept.push_front((weight, delivery));
    }

    /// The oldest.
    pub fn front(&self) -> Option<&Delivery> {
        self.kept.front().map(|(_, delivery)| delivery)
    }

    /// Takes the oldest out.
    pub fn pop_front(&mut self) -> Option<Delivery> {
        let (weight, delivery) = self.kept.pop_front()?;
        self.bytes = self.bytes.saturating_sub(weight);
        Some(delivery)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.bytes = 0;
    }

    /// Takes everything out, oldest first.
    pub fn take(&mut self) -> Vec<Delivery> {
        self.bytes = 0;
        std::mem::take(&mut self.kept).into_iter().map(|(_, delivery)| delivery).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(text: &str) -> Delivery {
        Delivery { subscription: None, delta: text.into() }
    }

    fn texts(queue: &mut DeltaQueue) -> Vec<String> {
        queue.take().iter().map(|kept| kept.delta.json().to_owned()).collect()
    }

    #[test]
    fn the_oldest_goes_first_by_number() {
        let mut queue = DeltaQueue::new(2);
        assert_eq!(["a", "b", "c"].map(|text| queue.push(delivery(text))), [0, 0, 1]);
        assert_eq!(texts(&mut queue), ["b", "c"]);
        assert!(queue.is_empty());
    }

    /// A client of the boat's network that sends 9 MB again and again costs a slow plugin 8 MiB.
    #[test]
    fn the_oldest_goes_first_by_bytes_and_what_never_fits_is_dropped() {
        let mut queue = DeltaQueue::new(1000);
        let third = "x".repeat(WAITING_BYTES / 3);
        let dropped: u64 = (0..100).map(|_| queue.push(delivery(&third))).sum();
        assert_eq!((queue.len(), dropped), (3, 97));
        assert_eq!(queue.push(delivery(&"x".repeat(WAITING_BYTES + 1))), 4);
        assert_eq!(queue.push(delivery("small")), 0);
        assert_eq!(texts(&mut queue), ["small"]);
    }

    #[test]
    fn what_leaves_gives_its_room_back() {
        let mut queue = DeltaQueue::new(1000);
        let half = "x".repeat(WAITING_BYTES / 2);
        for _ in 0..10 {
            assert_eq!(queue.push(delivery(&half)) + queue.push(delivery(&half)), 0);
            let last = queue.pop_front().unwrap();
            queue.push_front(last);
            assert_eq!(queue.take().len(), 2);
            assert_eq!(queue.push(delivery(&half)), 0);
            queue.clear();
        }
    }
}
