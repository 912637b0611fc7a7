//! Fuel: what host calls cost, and the purse of a guest that fills as time goes by.
//!
//! What the guest's own instructions cost is the engine's business (`engine.rs`).

use std::time::Duration;

/// What every host call costs, whatever it does: about the time of 100 instructions.
pub const HOST_CALL: u64 = 100;

/// What it costs to call an export: a plugin that is called in vain pays for it too.
pub const CALL: u64 = 1000;

/// Bytes that a host call moves for one unit of fuel; the engine asks the same for `memory.copy`.
pub const BYTES_PER_FUEL: u64 = 64;

/// Fuel for moving `bytes` bytes.
pub fn for_bytes(bytes: u64) -> u64 {
    bytes / BYTES_PER_FUEL
}

/// A purse that fills with so much fuel per second, up to a burst.
///
/// Who has spent more than there is rests until the debt is paid: a plugin that computes
/// too much becomes slow before it is stopped.
#[derive(Debug, Clone)]
pub(crate) struct Purse {
    per_second: Option<u64>,
    burst: u64,
    /// Spent and not yet refilled; over `burst` is debt.
    spent: u64,
    filled_at: Option<Duration>,
    /// In debt when last asked.
    rests: bool,
    /// Times that it went into debt.
    rested: u64,
}

impl Purse {
    pub(crate) fn new(per_second: Option<u64>, burst: u64) -> Self {
        let per_second = per_second.filter(|rate| *rate > 0);
        Self { per_second, burst, spent: 0, filled_at: None, rests: false, rested: 0 }
    }

    /// Notes that the guest used `fuel`.
    pub(crate) fn spend(&mut self, now: Duration, fuel: u64) {
        self.fill(now);
        self.spent = self.spent.saturating_add(fuel);
    }

    /// When the guest may run again, if it may not now.
    pub(crate) fn rests_until(&mut self, now: Duration) -> Option<Duration> {
        let rate = self.per_second?;
        self.fill(now);
        let debt = self.spent.saturating_sub(self.burst);
        let rested = std::mem::replace(&mut self.rests, debt > 0);
        if debt == 0 {
            return None;
        }
        self.rested += u64::from(!rested);
        // Rounded up, so that the guest is not woken a moment too early.
        let nanos = (u128::from(debt) * 1_000_000_000).div_ceil(u128::from(rate));
        Some(now.saturating_add(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))))
    }

    /// How often its owner had to rest so far.
    pub(crate) fn rested(&self) -> u64 {
        self.rested
    }

    fn fill(&mut self, now: Duration) {
        let Some(rate) = self.per_second else { return };
        let since = now.saturating_sub(self.filled_at.unwrap_or(now));
        let fuel = flowed(rate, since);
        // Less than one unit is kept for the next time, or many short looks would fill nothing.
        if fuel > 0 || self.filled_at.is_none() {
            self.spent = self.spent.saturating_sub(fuel);
            self.filled_at = Some(now);
        }
    }
}

/// What flows in, in so much time.
fn flowed(rate: u64, since: Duration) -> u64 {
    let nanos = since.as_nanos();
    // Mostly the time between two slices: short enough for half the arithmetic.
    if let Ok(nanos) = u64::try_from(nanos)
        && let Some(product) = rate.checked_mul(nanos)
    {
        return product / 1_000_000_000;
    }
    u64::try_from(u128::from(rate) * nanos / 1_000_000_000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purse_throttles_only_above_the_burst_and_refills_with_time() {
        let second = Duration::from_secs(1);
        let mut purse = Purse::new(Some(1000), 5000);
        purse.spend(second, 5000);
        assert_eq!(purse.rests_until(second), None);
        purse.spend(second, 2500);
        assert_eq!(purse.rests_until(second), Some(Duration::from_millis(3500)));
        assert_eq!(purse.rests_until(Duration::from_millis(3500)), None);
        purse.spend(Duration::from_millis(3500), 1);
        assert!(purse.rests_until(Duration::from_millis(3500)).is_some());
        assert!(purse.rests_until(Duration::from_millis(3500)).is_some());
        assert_eq!(purse.rested(), 2, "asking again is the same rest");
    }

    #[test]
    fn short_and_long_times_are_reckoned_the_same() {
        let rate = 500_000_000;
        assert_eq!(flowed(rate, Duration::from_nanos(3)), 1);
        assert_eq!(flowed(rate, Duration::from_secs(36)), 36 * rate);
        assert_eq!(flowed(rate, Duration::from_secs(37)), 37 * rate);
        assert_eq!(flowed(u64::MAX, Duration::from_secs(2)), u64::MAX);
    }

    #[test]
    fn without_a_rate_there_is_no_throttle() {
        let mut purse = Purse::new(None, 0);
        purse.spend(Duration::ZERO, u64::MAX);
        assert_eq!(purse.rests_until(Duration::ZERO), None);
    }

    #[test]
    fn a_clock_that_goes_backwards_refills_nothing() {
        let mut purse = Purse::new(Some(1000), 0);
        purse.spend(Duration::from_secs(10), 1000);
        assert_eq!(purse.rests_until(Duration::from_secs(5)), Some(Duration::from_secs(6)));
    }
}
