//! `Account`: what the host keeps in the books about one running plugin.
//!
//! Rights, the delta budget and counters. Deltas that a plugin sends are
//! limited here, before they are parsed, so that a flood costs the flooder.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::methods::register::Registered;
use crate::{BridgeError, Capabilities, PluginId, Rules, SubscriptionId};

/// The books of one plugin.
#[derive(Debug)]
pub struct Account {
    plugin: PluginId,
    capabilities: Capabilities,
    deltas: Bucket,
    /// For alarms when the other is empty: a plugin that publishes all that it has does not lose them.
    alarms: Bucket,
    next_subscription: u64,
    /// In the order of their numbers.
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) registered: Registered,
    /// As the package is called: another name of its own in sources.
    pub(crate) package: String,
    pub(crate) rules: Rules,
    /// Fuel for work that its calls caused in the server, not yet charged.
    owed: u64,
    /// What has been counted since the session began.
    pub counters: Counters,
}

/// One subscription of a plugin.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) backlog: Option<Backlog>,
    /// Deltas that were dropped because the plugin did not take them in time.
    pub(crate) dropped: u64,
}

/// What is told of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SubscriptionUse {
    /// Which.
    pub subscription: SubscriptionId,
    /// Deltas that wait for the plugin.
    pub waiting: usize,
    /// Deltas that were dropped because the plugin did not take them in time.
    pub dropped: u64,
}

/// What becomes of deltas of one subscription while its plugin is busy (requirement F45).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backlog {
    /// How many wait at most; never more than wait for the plugin in all.
    pub most: usize,
    /// Which one goes for one too many.
    pub drop: WhenFull,
}

/// Which delta goes when one too many waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    /// The plugin reads the newest there is: what has just become old goes.
    #[default]
    Oldest,
    /// The plugin reads the beginning of what happened: what comes now goes.
    Newest,
    /// As `Oldest`, and besides at any time the value that a newer one of the same context, path and source makes old.
    Superseded,
}

impl Default for Backlog {
    fn default() -> Backlog {
        Backlog { most: Backlog::MOST, drop: WhenFull::default() }
    }
}

impl Backlog {
    /// The most that may be asked for.
    pub const MOST: usize = 1000;
}

/// What one session has done. Every number only grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Deltas handed to the guest.
    pub deltas_in: u64,
    /// Deltas from the guest that went to the server.
    pub deltas_out: u64,
    /// Deltas to the guest that were dropped because its queue was full.
    pub deltas_in_dropped: u64,
    /// Deltas from the guest over its limit per second.
    pub deltas_out_dropped: u64,
    /// Deltas from the guest that were no deltas.
    pub bad_deltas: u64,
    /// Calls of host methods, by either ABI.
    pub host_calls: u64,
    /// Calls of host methods that ended in an error.
    pub host_call_errors: u64,
    /// Calls of host methods that found no room: too many, or too many bytes, in one slice.
    pub host_calls_dropped: u64,
    /// `poll` ticks that were missed because the guest was busy.
    pub polls_missed: u64,
    /// Times that a guest pointer or length was out of range.
    pub guest_faults: u64,
    /// Datagrams that the guest did not read in time.
    pub datagrams_dropped: u64,
    /// Datagrams of the guest that were not sent: refused, without room or without an address.
    pub datagrams_not_sent: u64,
    /// Lines and pieces of TCP that the guest did not read in time.
    pub tcp_dropped: u64,
    /// Connections to its listeners that it accepted.
    pub tcp_accepted: u64,
    /// Those that were closed because too many waited, or with their listener.
    pub tcp_refused: u64,
    /// Requests by HTTP that the guest asked for.
    pub requests: u64,
    /// Those that were refused, could not be sent or brought no answer.
    pub requests_failed: u64,
}

impl Counters {
    /// Adds another session's counts.
    pub fn add(&mut self, other: &Counters) {
        self.deltas_in += other.deltas_in;
        self.deltas_out += other.deltas_out;
        self.deltas_in_dropped += other.deltas_in_dropped;
        self.deltas_out_dropped += other.deltas_out_dropped;
        self.bad_deltas += other.bad_deltas;
        self.host_calls += other.host_calls;
        self.host_call_errors += other.host_call_errors;
        self.host_calls_dropped += other.host_calls_dropped;
        self.polls_missed += other.polls_missed;
        self.guest_faults += other.guest_faults;
        self.datagrams_dropped += other.datagrams_dropped;
        self.datagrams_not_sent += other.datagrams_not_sent;
        self.tcp_dropped += other.tcp_dropped;
        self.tcp_accepted += other.tcp_accepted;
        self.tcp_refused += other.tcp_refused;
        self.requests += other.requests;
        self.requests_failed += other.requests_failed;
    }
}

impl Account {
    /// A plugin that has done nothing yet.
    pub fn new(plugin: PluginId, capabilities: Capabilities, deltas_per_second: u32) -> Account {
        Account {
            plugin,
            capabilities,
            deltas: Bucket::new(deltas_per_second),
            alarms: Bucket::new(ALARMS_PER_SECOND),
            next_subscription: 0,
            subscriptions: Vec::new(),
            registered: Registered::default(),
            package: String::new(),
            rules: Rules::default(),
            owed: 0,
            counters: Counters::default(),
        }
    }

    /// Whose books.
    pub fn plugin(&self) -> &PluginId {
        &self.plugin
    }

    /// What it may do.
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    pub(crate) fn next_subscription(&mut self, backlog: Option<Backlog>) -> SubscriptionId {
        self.next_subscription += 1;
        let id = SubscriptionId(self.next_subscription);
        self.subscriptions.push(Subscription { id, backlog, dropped: 0 });
        id
    }

    /// What the plugin said about deltas of this subscription that it does not take in time.
    pub(crate) fn backlog(&self, id: SubscriptionId) -> Option<Backlog> {
        let at = self.subscriptions.binary_search_by_key(&id, |held| held.id).ok()?;
        self.subscriptions.get(at)?.backlog
    }

    /// A delta to the guest was dropped.
    pub(crate) fn dropped(&mut self, subscription: Option<SubscriptionId>) {
        self.counters.deltas_in_dropped += 1;
        let Some(id) = subscription else { return };
        if let Ok(at) = self.subscriptions.binary_search_by_key(&id, |held| held.id)
            && let Some(held) = self.subscriptions.get_mut(at)
        {
            held.dropped += 1;
        }
    }

    /// So many bytes were parsed or written down for it by the server: a byte costs one fuel, about
    /// the time that it takes.
    pub(crate) fn owe(&mut self, bytes: usize) {
        self.owed = self.owed.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// What is to be charged to the guest.
    pub(crate) fn take_owed(&mut self) -> u64 {
        std::mem::take(&mut self.owed)
    }

    /// Takes one delta out of the budget, or counts it as dropped.
    pub(crate) fn charge_delta(
        &mut self,
        now: Duration,
        call: &'static str,
    ) -> Result<(), BridgeError> {
        if self.deltas.take(now) { Ok(()) } else { self.too_many(call) }
    }

    /// The same for an alarm, which has a reserve of its own.
    pub(crate) fn charge_alarm(
        &mut self,
        now: Duration,
        call: &'static str,
    ) -> Result<(), BridgeError> {
        if self.deltas.take(now) || self.alarms.take(now) { Ok(()) } else { self.too_many(call) }
    }

    /// How many deltas and alarms it can still send, as of now.
    pub(crate) fn budget(&mut self, now: Duration) -> Budget {
        Budget { deltas: self.deltas.left(now), alarms: self.alarms.left(now) }
    }

    fn too_many(&mut self, call: &'static str) -> Result<(), BridgeError> {
        self.counters.deltas_out_dropped += 1;
        Err(BridgeError::TooManyDeltas {
            plugin: self.plugin.clone(),
            call,
            limit: self.deltas.per_second,
        })
    }
}

/// What is left of an account while its guest runs: a host call that answers at once reckons with it, and what it
/// promises is kept when the account is charged. Time that passes only adds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    deltas: u64,
    alarms: u64,
}

impl Default for Budget {
    /// Before the first look into the account: the reserve.
    fn default() -> Budget {
        Budget { deltas: 0, alarms: ALARMS_PER_SECOND.into() }
    }
}

impl Budget {
    /// A delta goes out, if there is room for it.
    pub(crate) fn take_delta(&mut self) {
        self.deltas = self.deltas.saturating_sub(1);
    }

    /// An alarm goes out; false: it will be dropped.
    pub(crate) fn take_alarm(&mut self) -> bool {
        let from = if self.deltas > 0 { &mut self.deltas } else { &mut self.alarms };
        let before = *from;
        *from = before.saturating_sub(1);
        before > 0
    }
}

/// The reserve of alarms: more than a person takes note of, and nothing to the server.
const ALARMS_PER_SECOND: u32 = 100;

/// A token bucket that holds one second's worth.
#[derive(Debug)]
struct Bucket {
    per_second: u32,
    /// In billionths of a token, so that no fraction is lost.
    tokens: u128,
    filled: Option<Duration>,
}

const TOKEN: u128 = 1_000_000_000;

impl Bucket {
    fn new(per_second: u32) -> Bucket {
        Bucket { per_second, tokens: u128::from(per_second) * TOKEN, filled: None }
    }

    fn take(&mut self, now: Duration) -> bool {
        self.fill(now);
        let enough = self.tokens >= TOKEN;
        if enough {
            self.tokens -= TOKEN;
        }
        enough
    }

    /// Whole tokens.
    fn left(&mut self, now: Duration) -> u64 {
        self.fill(now);
        u64::try_from(self.tokens / TOKEN).unwrap_or(u64::MAX)
    }

    fn fill(&mut self, now: Duration) {
        let since = now.saturating_sub(self.filled.unwrap_or(now));
        self.filled = Some(now);
        let full = u128::from(self.per_second) * TOKEN;
        self.tokens = (self.tokens + since.as_nanos() * u128::from(self.per_second)).min(full);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_deltas_at_once_then_as_they_flow_in() {
        let mut bucket = Bucket::new(10);
        let start = Duration::from_secs(5);
        assert_eq!((0..50).filter(|_| bucket.take(start)).count(), 10);
        assert!(!bucket.take(start + Duration::from_millis(99)));
        assert!(bucket.take(start + Duration::from_millis(100)));
        assert_eq!((0..50).filter(|_| bucket.take(start + Duration::from_secs(60))).count(), 10);
    }
}
