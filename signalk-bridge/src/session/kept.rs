//! A guest that stopped in good order and is started again as it is: for owners who say `keepInstanceOnRestart`.
//!
//! Clauses: plugin ABI 2.4, W20, D5. Without that every start has an instance of its own. What a life has besides the
//! guest (its sockets, requests, registrations, books) ends with it in either case; only the guest's memory goes on.

use wasmi_hdk::{Module, Stats};

use super::{Output, Session, State};
use crate::abi::library::Library;

/// A sound guest between two lives.
pub struct Kept {
    pub(super) library: Box<Library>,
    pub(super) module: Module,
    /// What it had used when the new life began.
    pub(super) before: Stats,
}

impl Session {
    /// The guest of a session that has ended: only of one by exports whose `plugin_stop` answered 0, or that has none.
    pub fn take_kept(&mut self) -> Option<Kept> {
        self.kept.take()
    }

    /// The last moment at which the guest is there.
    pub(super) fn keep(&mut self, output: &Output) {
        if let (Output::Stopped, State::Exports(exports)) = (output, &mut self.state)
            && let (Some(library), Some(module)) = (exports.take_sound(), &self.common.module)
        {
            let (module, before) = (module.clone(), self.common.stats.after(&exports.before));
            self.kept = Some(Kept { library, module, before });
        }
    }
}

/// What a guest used, apart from what it had used before.
pub(super) trait Since {
    /// Since then.
    fn since(&self, before: &Stats) -> Stats;
    /// With that.
    fn after(&self, before: &Stats) -> Stats;
}

impl Since for Stats {
    fn since(&self, before: &Stats) -> Stats {
        Stats {
            fuel_used: self.fuel_used.saturating_sub(before.fuel_used),
            host_calls: self.host_calls.saturating_sub(before.host_calls),
            slices: self.slices.saturating_sub(before.slices),
            throttled: self.throttled.saturating_sub(before.throttled),
            log_lines_dropped: self.log_lines_dropped.saturating_sub(before.log_lines_dropped),
            ..*self
        }
    }

    fn after(&self, before: &Stats) -> Stats {
        Stats {
            fuel_used: self.fuel_used.saturating_add(before.fuel_used),
            host_calls: self.host_calls.saturating_add(before.host_calls),
            slices: self.slices.saturating_add(before.slices),
            throttled: self.throttled.saturating_add(before.throttled),
            log_lines_dropped: self.log_lines_dropped.saturating_add(before.log_lines_dropped),
            ..*self
        }
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kept").field(&self.library).finish()
    }
}
