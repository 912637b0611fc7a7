//! Turns: no more than so many in a time, as the terms of weather services ask (requirement R90).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::sleep;

/// At most `turns` in any stretch of `time`.
#[derive(Debug)]
pub struct RateLimit {
    turns: usize,
    time: Duration,
    /// When the last turns were, or will be.
    taken: RefCell<VecDeque<Instant>>,
}

impl RateLimit {
    /// At least one turn.
    #[must_use]
    pub fn new(turns: usize, time: Duration) -> Self {
        RateLimit { turns: turns.max(1), time, taken: RefCell::default() }
    }

    /// Waits until it is the caller's turn; turns are given in the order in which they are asked for.
    pub async fn turn(&self) {
        let pause = self.book(Instant::now());
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }

    /// Books the next turn; how long it is until then.
    fn book(&self, now: Instant) -> Duration {
        let mut taken = self.taken.borrow_mut();
        let mut turn = now;
        if taken.len() >= self.turns
            && let Some(oldest) = taken.pop_front()
        {
            let Some(next) = oldest.checked_add(self.time) else {
                // Later than any clock goes: nobody has a turn any more.
                taken.push_front(oldest);
                return Duration::MAX;
            };
            turn = turn.max(next);
        }
        taken.push_back(turn);
        turn.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_over_the_limit_come_later() {
        let limit = RateLimit::new(2, Duration::from_secs(10));
        let now = Instant::now();
        let pauses: Vec<u64> = (0..5).map(|_| limit.book(now).as_secs()).collect();
        assert_eq!(pauses, [0, 0, 10, 10, 20]);
        assert_eq!(limit.book(now + Duration::from_secs(60)).as_secs(), 0);
        let never = RateLimit::new(1, Duration::MAX);
        assert_eq!([never.book(now), never.book(now)], [Duration::ZERO, Duration::MAX]);
    }
}
