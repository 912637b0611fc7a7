//! Who pays for a slice, and has a call had enough?
//!
//! Fuel is counted twice: in the purse, which throttles, and in the burst since the last rest,
//! which ends a call that never rests.

use std::time::Duration;

use super::Instance;
use crate::error::Fault;

/// What was used since the last rest.
#[derive(Default, Clone, Copy)]
pub(super) struct Burst {
    pub(super) fuel: u64,
    pub(super) time: Duration,
}

impl Instance {
    /// All fuel that the guest has used: [`Stats::fuel_used`](super::Stats::fuel_used), without
    /// the rest of them.
    pub fn fuel_used(&self) -> u64 {
        self.guest.fuel_used()
    }

    /// Charges the guest for work that it caused outside of its calls: an answer that was written
    /// down for it. Its next slice pays.
    pub fn charge(&mut self, fuel: u64) {
        self.guest.spend(fuel);
        self.unpaid = self.unpaid.saturating_add(fuel);
    }

    /// Until when it pays for fuel that it has used and may not run, if it does. Then
    /// [`Instance::run`] answers [`Step::Waiting`](super::Step::Waiting) at once, although the
    /// guest waits for nothing.
    pub fn throttled_until(&mut self) -> Option<Duration> {
        let now = self.now();
        self.purse.rests_until(now)
    }

    pub(super) fn account(&mut self, start: Duration, end: Duration, before: u64) {
        let used = self.guest.fuel_used().saturating_sub(before);
        self.purse.spend(end, used.saturating_add(std::mem::take(&mut self.unpaid)));
        self.burst.fuel = self.burst.fuel.saturating_add(used);
        self.burst.time = self.burst.time.saturating_add(end.saturating_sub(start));
    }

    /// The budget of a call, looked at when a slice is over and the call is not.
    pub(super) fn overrun(&self) -> Option<Fault> {
        if let Some(limit) = self.limits.call_fuel
            && self.burst.fuel > limit
        {
            return Some(Fault::OutOfFuel {
                plugin: self.name.to_string(),
                call: self.call.to_string(),
                used: self.burst.fuel,
                limit,
            });
        }
        let limit = self.limits.call_deadline?;
        (self.burst.time > limit).then(|| Fault::Deadline {
            plugin: self.name.to_string(),
            call: self.call.to_string(),
            ran: self.burst.time,
            limit,
        })
    }
}
