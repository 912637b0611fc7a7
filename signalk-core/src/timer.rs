//! Later events: each is a variant of one enum, and the next deadline is their minimum. No clock is read here.

use std::{collections::BTreeMap, time::Duration};

use crate::io::{ConnectionId, StreamId};

/// What happens later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The demo boat's next sentences are due.
    Demo(ConnectionId),
    /// A broken connection is opened again.
    Reconnect(ConnectionId),
    /// A client's queue has been too long for too long.
    Overflow(StreamId),
    /// Server events for the dashboard.
    Statistics,
    /// What plugins say about themselves has changed, but was told a moment ago.
    PluginStatus,
    /// Contexts that fell silent are forgotten, and requests of an hour ago.
    Prune,
}

/// One deadline per timer.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeMap<Timer, Duration>,
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, at: Duration) {
        self.due.insert(timer, at);
    }

    pub(crate) fn clear(&mut self, timer: Timer) {
        self.due.remove(&timer);
    }

    pub(crate) fn clear_all(&mut self) {
        self.due.clear();
    }

    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.due.contains_key(&timer)
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.values().min().copied()
    }

    /// Takes one timer that is due.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<Timer> {
        let timer = self.due.iter().find(|(_, at)| **at <= now).map(|(timer, _)| *timer)?;
        self.due.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_fires_once_and_the_next_deadline_is_the_earliest() {
        let mut timers = Timers::default();
        timers.set(Timer::Prune, Duration::from_secs(60));
        timers.set(Timer::Statistics, Duration::from_secs(5));
        assert_eq!(timers.next(), Some(Duration::from_secs(5)));
        assert_eq!(timers.take_due(Duration::from_secs(4)), None);
        assert_eq!(timers.take_due(Duration::from_secs(6)), Some(Timer::Statistics));
        assert_eq!(timers.take_due(Duration::from_secs(6)), None);
        assert_eq!(timers.next(), Some(Duration::from_secs(60)));
    }
}
