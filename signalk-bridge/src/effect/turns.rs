//! Turns: no more requests than so many in a time, as the terms of weather services ask (requirement R90).
//!
//! Pure values: `now` is a time since any origin. Who waits, and in which order, is the edge's.

use std::collections::VecDeque;
use std::time::Duration;

/// Requests that may wait for a turn, of one plugin.
pub(crate) const MOST_WAITING: usize = 256;
/// Bytes of their bodies together.
pub(crate) const MOST_WAITING_BYTES: usize = 16 << 20;

/// At most so many requests in any stretch of so much time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// At least one, at most [`RateLimit::MOST_TURNS`].
    pub turns: usize,
    /// At most [`RateLimit::LONGEST`].
    pub time: Duration,
    /// Requests with the same name share their turns; without one those to the same server do.
    pub name: Option<String>,
}

impl RateLimit {
    /// Turns that are remembered.
    pub const MOST_TURNS: usize = 1000;
    /// Time that they are remembered for.
    pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
}

/// The turns that were taken, oldest first.
#[derive(Debug, Default)]
pub struct Turns {
    taken: VecDeque<Duration>,
    /// The longest time that was asked about.
    longest: Duration,
}

impl Turns {
    /// When the next turn is; `now` or before: it may be taken.
    pub fn due(&self, limit: &RateLimit) -> Duration {
        let counted = self.taken.len().checked_sub(limit.turns.max(1));
        let oldest = counted.and_then(|at| self.taken.get(at));
        oldest.map_or(Duration::ZERO, |oldest| oldest.saturating_add(limit.time))
    }

    /// Takes it.
    pub fn take(&mut self, limit: &RateLimit, now: Duration) {
        if self.taken.len() >= RateLimit::MOST_TURNS {
            self.taken.pop_front();
        }
        self.taken.push_back(now);
        self.longest = self.longest.max(limit.time);
    }

    /// Whether nothing that was taken counts any more: it may be forgotten.
    pub fn is_over(&self, now: Duration) -> bool {
        self.taken.back().is_none_or(|last| last.saturating_add(self.longest) <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(turns: usize, seconds: u64) -> RateLimit {
        RateLimit { turns, time: Duration::from_secs(seconds), name: None }
    }

    /// Who asks again and again gets turns at these seconds.
    fn turns(limit: &RateLimit, count: usize) -> Vec<u64> {
        let (mut turns, mut now) = (Turns::default(), Duration::ZERO);
        let one = |_| {
            now = now.max(turns.due(limit));
            turns.take(limit, now);
            now.as_secs()
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn turns_over_the_limit_come_later() {
        assert_eq!(turns(&limit(2, 10), 5), [0, 0, 10, 10, 20]);
        assert_eq!(turns(&limit(1, 3), 3), [0, 3, 6]);
        assert_eq!(turns(&limit(3, 0), 5), [0; 5]);
    }

    #[test]
    fn no_stretch_of_the_time_has_more_turns_however_they_are_asked_for() {
        let limit = limit(3, 10);
        let (mut turns, mut now, mut taken) = (Turns::default(), Duration::ZERO, Vec::new());
        for step in (0..500_u64).map(|at| at * 7919 % 6) {
            now = (now + Duration::from_secs(step)).max(turns.due(&limit));
            turns.take(&limit, now);
            taken.push(now);
        }
        assert!(taken.windows(4).all(|four| four[3] - four[0] >= limit.time));
    }

    #[test]
    fn requests_with_other_numbers_count_the_same_turns() {
        let mut turns = Turns::default();
        let (few, many) = (limit(1, 60), limit(3, 60));
        turns.take(&many, Duration::from_secs(1));
        assert_eq!((turns.due(&few).as_secs(), turns.due(&many).as_secs()), (61, 0));
        assert!(!turns.is_over(Duration::from_secs(60)) && turns.is_over(Duration::from_secs(61)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut turns = Turns::default();
        let limit = limit(RateLimit::MOST_TURNS, 10);
        (0..5000).for_each(|second| turns.take(&limit, Duration::from_secs(second)));
        assert_eq!(turns.taken.len(), RateLimit::MOST_TURNS);
        assert_eq!(turns.due(&limit).as_secs(), 4010);
    }
}
