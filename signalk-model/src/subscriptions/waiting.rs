//! Values that wait for the end of a period: `fixed` rows, and what `minPeriod` held back. Time is
//! an argument; who receives what was decided before.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::hash::{NameMap, Seeded};
use indexmap::IndexMap;

use super::{NameId, SubscriberId};
use crate::item::{Item, OwnedItem};
use crate::names::SourceRef;
use crate::value::Value;

#[derive(Debug, Default)]
pub(super) struct Waiting {
    min: NameMap<MinKey, MinWindow>,
    fixed: NameMap<FixedKey, FixedWindow>,
    /// May hold times of windows that are gone: waking up for nothing is harmless.
    timers: BinaryHeap<Reverse<(Duration, Timer)>>,
    sweep_at: usize,
}

type MinKey = (SubscriberId, NameId, NameId);
/// All rows of a subscriber with one period share a window, so their values leave together.
type FixedKey = (SubscriberId, Duration);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Min(MinKey),
    Fixed(FixedKey),
}

#[derive(Debug)]
struct MinWindow {
    ends: Duration,
    period: Duration,
    held: Option<OwnedItem>,
}

#[derive(Debug, Default)]
struct FixedWindow {
    ends: Duration,
    /// The last value per context, path and source, in the order of first arrival.
    items: IndexMap<(NameId, NameId, Option<SourceRef>), OwnedItem, Seeded>,
}

/// Below this many `minPeriod` windows nobody looks for old ones.
const SWEEP_FROM: usize = 1024;

impl Waiting {
    /// Whether the value may go at once; else it is held back until the period ends.
    pub(super) fn min_period(
        &mut self,
        now: Duration,
        key: MinKey,
        period: Duration,
        item: &Item<'_>,
        value: &Value,
    ) -> bool {
        let ends = now.saturating_add(period);
        let Some(window) = self.min.get_mut(&key) else {
            self.sweep(now);
            self.min.insert(key, MinWindow { ends, period, held: None });
            return true;
        };
        if window.held.is_none() {
            if now >= window.ends {
                *window = MinWindow { ends, period, held: None };
                return true;
            }
            self.timers.push(Reverse((window.ends, Timer::Min(key))));
        }
        // DIFFERENCE: the reference drops what comes within the period for good; here the last
        // value is delivered when it ends (server-api.md 11, 2).
        window.held = Some(OwnedItem::new(item, value));
        false
    }

    /// Keeps the value for the end of the period.
    pub(super) fn fixed(
        &mut self,
        now: Duration,
        key: FixedKey,
        names: (NameId, NameId),
        item: &Item<'_>,
        value: &Value,
    ) {
        let window = self.fixed.entry(key).or_default();
        if window.items.is_empty() {
            window.ends = now.saturating_add(key.1);
            self.timers.push(Reverse((window.ends, Timer::Fixed(key))));
        }
        let name = (names.0, names.1, item.source_ref.cloned());
        window.items.insert(name, OwnedItem::new(item, value));
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    pub(super) fn handle_timeout(
        &mut self,
        now: Duration,
        mut deliver: impl FnMut(SubscriberId, &Item<'_>),
    ) {
        while let Some(Reverse((at, timer))) = self.timers.peek().copied() {
            if at > now {
                return;
            }
            self.timers.pop();
            match timer {
                Timer::Min(key) => {
                    let Some(window) = self.min.get_mut(&key) else { continue };
                    if window.ends > now {
                        continue;
                    }
                    if let Some(held) = window.held.take() {
                        window.ends = now.saturating_add(window.period);
                        deliver(key.0, &held.item());
                    }
                }
                Timer::Fixed(key) => {
                    let due = self.fixed.get(&key).is_some_and(|window| window.ends <= now);
                    let window = if due { self.fixed.remove(&key) } else { None };
                    for item in window.into_iter().flat_map(|window| window.items.into_values()) {
                        deliver(key.0, &item.item());
                    }
                }
            }
        }
    }

    /// Drops what a subscriber does not want any more.
    pub(super) fn keep(
        &mut self,
        subscriber: SubscriberId,
        mut wanted: impl FnMut(&Item<'_>) -> bool,
    ) {
        for (key, window) in &mut self.min {
            if key.0 == subscriber && window.held.as_ref().is_some_and(|held| !wanted(&held.item()))
            {
                window.held = None;
            }
        }
        for (key, window) in &mut self.fixed {
            if key.0 == subscriber {
                window.items.retain(|_, item| wanted(&item.item()));
            }
        }
        // A window without items would never be opened again by its first value.
        self.fixed.retain(|_, window| !window.items.is_empty());
    }

    pub(super) fn remove(&mut self, subscriber: SubscriberId) {
        self.min.retain(|key, _| key.0 != subscriber);
        self.fixed.retain(|key, _| key.0 != subscriber);
    }

    /// Forgets `minPeriod` windows that ended; runs once per doubling, so its cost is shared.
    fn sweep(&mut self, now: Duration) {
        if self.min.len() >= self.sweep_at.max(SWEEP_FROM) {
            self.min.retain(|_, window| window.held.is_some() || window.ends > now);
            self.sweep_at = self.min.len() * 2;
        }
    }
}
