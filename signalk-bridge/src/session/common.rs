//! What a session needs in every state: its account, what it says, and the deltas that wait for the beat. What is done
//! with them is `library.rs` and `rpc.rs`.

use std::collections::VecDeque;
use std::time::Duration;

use wasmi_hdk::{Level, LogLine, Module, Stats};

use super::{Delivery, DeltaQueue, Output, Purpose};
use crate::account::{Subscription, SubscriptionUse};
use crate::{Account, HandlerCallId, HandlerReply, Manifest, PluginId, SignalK, Usage};

/// Deltas that are enough to be taken before the beat: a trip is cheap then.
pub(super) const BATCH: usize = 64;

/// While deltas keep coming a plugin takes them on this beat, the same for all plugins: one waking of the core and of
/// the pool serves several deltas and every plugin. The first after a pause does not wait. What a plugin costs per
/// delta: `benches/deltas`.
const BEAT: Duration = Duration::from_millis(5);

/// What every state needs.
pub(super) struct Common {
    pub(super) manifest: Manifest,
    pub(super) account: Account,
    pub(super) purpose: Purpose,
    pub(super) outputs: VecDeque<Output>,
    /// Deltas that the guest has not taken yet.
    pub(super) waiting: DeltaQueue,
    /// Fewer deltas than a batch wait until then.
    pub(super) next_beat: Duration,
    /// Kept for a reload that fails: the code from before runs again (plugin ABI 8.3).
    pub(super) module: Option<Module>,
    pub(super) stats: Stats,
    pub(super) usage: Usage,
    pub(super) unknown_imports: Vec<String>,
    /// The last complaint about a host call, so that a flood is one line.
    pub(super) complained: Option<(String, Duration)>,
}

impl Common {
    pub(super) fn id(&self) -> &PluginId {
        &self.manifest.id
    }

    pub(super) fn end(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Why the owner's `strict` keeps a module from starting (plugin ABI 2.3).
    pub(super) fn refused_imports(&self) -> Option<String> {
        let refuses = self.account.rules.strict && self.purpose == Purpose::Run;
        (refuses && !self.unknown_imports.is_empty()).then(|| {
            format!(
                "plugin `{}`: {} imports what this server does not have: {}; with `\"strict\": true` in its options file that refuses it: take it out there, or install a newer version of the plugin",
                self.manifest.id,
                self.manifest.wasm,
                self.unknown_imports.join(", ")
            )
        })
    }

    pub(super) fn handled(&mut self, id: HandlerCallId, reply: HandlerReply) {
        self.outputs.push_back(Output::Handled { id, reply });
    }

    pub(super) fn take(&mut self, deltas: Vec<Delivery>) {
        deltas.into_iter().for_each(|delta| self.take_one(delta));
    }

    /// Queues a delta; over the bound the oldest is dropped and counted.
    pub(super) fn take_one(&mut self, delta: Delivery) {
        let backlog = delta.subscription.and_then(|id| self.account.backlog(id));
        let dropped = match backlog {
            Some(backlog) => self.waiting.push_within(delta, backlog),
            None => self.waiting.push(delta),
        };
        dropped.into_iter().for_each(|subscription| self.account.dropped(subscription));
    }

    /// What waits of each subscription, and what of it was dropped.
    pub(super) fn subscriptions(&self) -> Vec<SubscriptionUse> {
        let all = self.account.subscriptions.iter();
        let row = |held: &Subscription| SubscriptionUse {
            subscription: held.id,
            waiting: self.waiting.of(held.id),
            dropped: held.dropped,
        };
        all.map(row).collect()
    }

    /// When waiting deltas are to be handed over, if any wait.
    pub(super) fn beat(&self) -> Option<Duration> {
        (!self.waiting.is_empty()).then_some(self.next_beat)
    }

    /// Whether waiting deltas are to be handed over now; then the next beat is another.
    pub(super) fn is_beat(&mut self, now: Duration) -> bool {
        if self.waiting.is_empty() || (now < self.next_beat && self.waiting.len() < BATCH) {
            return false;
        }
        self.next_beat = beat_after(now);
        true
    }

    /// Shows a problem in the plugin's log; the same one at most once a second.
    pub(super) fn complain(&mut self, text: String, now: Duration, signalk: &mut dyn SignalK) {
        if let Some((last, at)) = &self.complained
            && *last == text
            && now.saturating_sub(*at) < Duration::from_secs(1)
        {
            return;
        }
        signalk.log(self.id(), LogLine { level: Level::Warn, text: text.clone() });
        self.complained = Some((text, now));
    }
}

/// The first beat after `now`.
fn beat_after(now: Duration) -> Duration {
    let into = u64::try_from(now.as_nanos() % BEAT.as_nanos()).unwrap_or(0);
    now.saturating_add(BEAT).saturating_sub(Duration::from_nanos(into))
}
