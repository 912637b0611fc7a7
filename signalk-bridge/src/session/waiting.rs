//! `DeltaQueue`: deltas that wait for a plugin, in order, bounded in number and in bytes.
//!
//! A delta may be as long as a client's message: a thousand of them would be gigabytes. Over a
//! bound the oldest goes, so what a plugin reads after a pause is the newest there is (requirement
//! R43, plugin ABI 7.4).

use std::collections::VecDeque;

use super::Delivery;
use crate::SubscriptionId;
use crate::account::{Backlog, WhenFull};

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

    /// Adds the newest; the subscriptions of those that were dropped for it. One that alone is over the bound is
    /// dropped itself.
    pub fn push(&mut self, delivery: Delivery) -> Vec<Option<SubscriptionId>> {
        let weight = delivery.delta.weight();
        self.bytes = self.bytes.saturating_add(weight);
        self.kept.push_back((weight, delivery));
        let mut dropped = Vec::new();
        while self.kept.len() > self.most || (self.bytes > WAITING_BYTES && !self.kept.is_empty()) {
            dropped.extend(self.pop_front().map(|oldest| oldest.subscription));
        }
        dropped
    }

    /// Adds the newest of a subscription that says itself what waits for it.
    pub(super) fn push_within(
        &mut self,
        delivery: Delivery,
        backlog: Backlog,
    ) -> Vec<Option<SubscriptionId>> {
        let mut dropped = Vec::new();
        if backlog.drop == WhenFull::Superseded {
            dropped.extend(self.remove(|older| delivery.supersedes(older)));
        }
        let own = |kept: &Delivery| kept.subscription == delivery.subscription;
        if self.kept.iter().filter(|(_, kept)| own(kept)).count() >= backlog.most {
            if backlog.drop == WhenFull::Newest {
                return vec![delivery.subscription];
            }
            dropped.extend(self.remove(own));
        }
        dropped.extend(self.push(delivery));
        dropped
    }

    /// Takes out the oldest of which this is true; its subscription.
    fn remove(&mut self, is_it: impl Fn(&Delivery) -> bool) -> Option<Option<SubscriptionId>> {
        let at = self.kept.iter().position(|(_, kept)| is_it(kept))?;
        let (weight, delivery) = self.kept.remove(at)?;
        self.bytes = self.bytes.saturating_sub(weight);
        Some(delivery.subscription)
    }

    /// How many of one subscription wait.
    pub(super) fn of(&self, id: SubscriptionId) -> usize {
        self.kept.iter().filter(|(_, kept)| kept.subscription == Some(id)).count()
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
    use signalk_model::{Body, Context, Item, Path, Value};

    use super::*;
    use crate::{Handed, Heads};

    fn delivery(text: &str) -> Delivery {
        Delivery { subscription: None, delta: text.into() }
    }

    fn texts(queue: &mut DeltaQueue) -> Vec<String> {
        queue.take().iter().map(|kept| kept.delta.json().to_owned()).collect()
    }

    #[test]
    fn the_oldest_goes_first_by_number() {
        let mut queue = DeltaQueue::new(2);
        assert_eq!(["a", "b", "c"].map(|text| queue.push(delivery(text)).len()), [0, 0, 1]);
        assert_eq!(texts(&mut queue), ["b", "c"]);
        assert!(queue.is_empty());
    }

    fn value(heads: &mut Heads, id: u64, path: &str, value: f64) -> Delivery {
        let (context, path) = (Context::from("vessels.self"), Path::from(path));
        let value = Value::from(value);
        let item = Item {
            context: &context,
            source: None,
            source_ref: None,
            timestamp: None,
            path: &path,
            body: Body::Value(&value),
        };
        Delivery { subscription: Some(SubscriptionId(id)), delta: heads.piece(&item) }
    }

    /// F45: what a subscription says about its backlog holds for it, and for no other.
    #[test]
    fn a_subscription_says_what_goes_for_one_too_many() {
        let left = |drop| {
            let (mut queue, mut heads) = (DeltaQueue::new(1000), Heads::default());
            let backlog = Backlog { most: 3, drop };
            let mut dropped = Vec::new();
            for (number, path) in ["a", "b", "a", "b", "c"].into_iter().enumerate() {
                let number = f64::from(u8::try_from(number).unwrap());
                dropped.extend(queue.push(value(&mut heads, 1, path, number)));
                dropped.extend(queue.push_within(value(&mut heads, 2, path, number), backlog));
            }
            assert_eq!((queue.of(SubscriptionId(1)), queue.of(SubscriptionId(2))), (5, 3));
            assert_eq!(dropped, [Some(SubscriptionId(2)); 2]);
            let (all, bytes) = (queue.take(), queue.bytes);
            assert_eq!(bytes, 0);
            let own = all.iter().filter(|kept| kept.subscription == Some(SubscriptionId(2)));
            let number = |kept: &Delivery| match &kept.delta {
                Handed::Piece(piece) => piece.row().to_owned(),
                other => panic!("{other:?}"),
            };
            own.map(number).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(left(WhenFull::Oldest), "2 3 4");
        assert_eq!(left(WhenFull::Newest), "0 1 2");
        assert_eq!(left(WhenFull::Superseded), "2 3 4");
        let (mut queue, mut heads) = (DeltaQueue::new(1000), Heads::default());
        let backlog = Backlog { drop: WhenFull::Superseded, ..Backlog::default() };
        for number in 0..50_u8 {
            let path = if number % 10 == 0 { "rare" } else { "often" };
            queue.push_within(value(&mut heads, 2, path, f64::from(number)), backlog);
        }
        let rows = queue.take().into_iter().map(|kept| match kept.delta {
            Handed::Piece(piece) => piece.row().to_owned(),
            other => panic!("{other:?}"),
        });
        assert_eq!(rows.collect::<Vec<_>>(), ["40", "49"], "of each path the newest");
    }

    /// A client of the boat's network that sends 9 MB again and again costs a slow plugin 8 MiB.
    #[test]
    fn the_oldest_goes_first_by_bytes_and_what_never_fits_is_dropped() {
        let mut queue = DeltaQueue::new(1000);
        let third = "x".repeat(WAITING_BYTES / 3);
        let dropped: usize = (0..100).map(|_| queue.push(delivery(&third)).len()).sum();
        assert_eq!((queue.len(), dropped), (3, 97));
        assert_eq!(queue.push(delivery(&"x".repeat(WAITING_BYTES + 1))).len(), 4);
        assert!(queue.push(delivery("small")).is_empty());
        assert_eq!(texts(&mut queue), ["small"]);
    }

    #[test]
    fn what_leaves_gives_its_room_back() {
        let mut queue = DeltaQueue::new(1000);
        let half = "x".repeat(WAITING_BYTES / 2);
        for _ in 0..10 {
            assert!(
                queue.push(delivery(&half)).is_empty() && queue.push(delivery(&half)).is_empty()
            );
            let last = queue.pop_front().unwrap();
            queue.push_front(last);
            assert_eq!(queue.take().len(), 2);
            assert!(queue.push(delivery(&half)).is_empty());
            queue.clear();
        }
    }
}
