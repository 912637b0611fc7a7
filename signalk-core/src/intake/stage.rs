//! One delta input handler: what it wants, what waits for it, what it has in hand, how often it failed.

use std::{collections::VecDeque, time::Duration};

use signalk_bridge::{HandlerCallId, PluginId, Rules};
use signalk_model::{Context, ContextSelector, Pattern};

use super::{Held, Origin, Waiting};

/// Deltas that may wait for one handler; with one more all of them pass.
const MOST_WAITING: usize = 1000;
/// Bytes of them as JSON.
const MOST_WAITING_BYTES: usize = 4 << 20;
/// Deltas and bytes of one batch: `signalk_correct` of `test-plugin` uses 90,000 fuel for each delta when they come one
/// by one (22 November 2026), so that a full batch is a seventh of the budget.
const MOST: usize = 32;
const MOST_BYTES: usize = 64 << 10;
/// Failures in a row after which a handler is taken off.
const MOST_FAILURES: u32 = 10;
/// Fuel that a plugin may use for each millisecond of its budget.
const FUEL_PER_MS: u64 = 1_000_000;

/// A plugin that wants to look at deltas.
#[derive(Debug, Clone)]
pub(crate) struct InputHandler {
    pub(crate) plugin: PluginId,
    /// Its package's name: also a name of its own in sources.
    pub(crate) package: String,
    /// How its owner wants its data called.
    pub(crate) rules: Rules,
    pub(crate) life: u64,
    /// The owner's; lower is earlier.
    pub(crate) order: i64,
    /// How long a delta may wait for it.
    pub(crate) budget: Duration,
    pub(crate) contexts: ContextSelector,
    pub(crate) paths: Vec<Pattern>,
}

/// What the plugin's record and its owner are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) plugin: PluginId,
    /// Deltas: asked about, changed, dropped; passed as they are because there was no answer.
    pub(crate) handed: u64,
    pub(crate) changed: u64,
    pub(crate) dropped: u64,
    pub(crate) skipped: u64,
    /// In words.
    pub(crate) failure: Option<String>,
    /// It added more than its plugin may send: in words.
    pub(crate) too_much: Option<String>,
    /// It failed too often in a row: in words, with the remedy.
    pub(crate) taken_off: Option<String>,
}

impl Note {
    pub(super) fn new(plugin: &PluginId) -> Note {
        Note {
            plugin: plugin.clone(),
            handed: 0,
            changed: 0,
            dropped: 0,
            skipped: 0,
            failure: None,
            too_much: None,
            taken_off: None,
        }
    }
}

/// A batch that the plugin has in hand.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) number: u64,
    /// With what the plugin was not asked about and only keeps its place.
    pub(super) deltas: Vec<(Waiting, bool)>,
    until: Duration,
    pub(super) call: Option<HandlerCallId>,
    /// What the plugin had used when it was asked.
    fuel: u64,
}

/// One handler.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) handler: InputHandler,
    queue: VecDeque<Waiting>,
    bytes: usize,
    flight: Option<Flight>,
    failures: u32,
}

impl Stage {
    pub(super) fn new(handler: InputHandler) -> Stage {
        Stage { handler, queue: VecDeque::new(), bytes: 0, flight: None, failures: 0 }
    }

    /// The same life of the same plugin.
    pub(super) fn is_of(&self, handler: &InputHandler) -> bool {
        (&self.handler.plugin, self.handler.life) == (&handler.plugin, handler.life)
    }

    /// Whether the plugin is to be asked: one of its paths fits, and it is not its own delta.
    pub(super) fn wants(&self, held: &Held, own: &Context) -> bool {
        if held.origin == Origin::Plugin && *held.provider == *self.handler.plugin.as_str() {
            return false;
        }
        let Some(context) = &held.delta.context else { return false };
        let fits = |path: &str| self.handler.paths.iter().any(|pattern| pattern.matches(path));
        self.handler.contexts.matches(context, own, || None)
            && held.delta.updates.iter().any(|update| {
                update.values.iter().any(|entry| fits(&entry.path))
                    || update.meta.iter().any(|entry| fits(&entry.path))
            })
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.flight.as_ref().map(|flight| flight.until)
    }

    /// Why one more has no place, in words.
    pub(super) fn is_full(&self, more: &Waiting) -> Option<String> {
        let full = self.queue.len() >= MOST_WAITING
            || self.bytes.saturating_add(more.text.len()) > MOST_WAITING_BYTES;
        (full && !self.queue.is_empty()).then(|| {
            let (deltas, bytes) = (self.queue.len(), self.bytes);
            format!(
                "{deltas} deltas of {bytes} bytes wait for it, the limit is {MOST_WAITING} of {MOST_WAITING_BYTES}"
            )
        })
    }

    pub(super) fn push(&mut self, waiting: Waiting) {
        self.bytes = self.bytes.saturating_add(waiting.text.len());
        self.queue.push_back(waiting);
    }

    fn pop(&mut self) -> Option<Waiting> {
        let waiting = self.queue.pop_front()?;
        self.bytes = self.bytes.saturating_sub(waiting.text.len());
        Some(waiting)
    }

    /// The first that waits, if nobody is to be asked about it and nothing is in hand.
    pub(super) fn pop_unwanted(&mut self, own: &Context) -> Option<Waiting> {
        let front = self.queue.front().filter(|_| self.flight.is_none())?;
        if self.wants(&front.held, own) { None } else { self.pop() }
    }

    /// Takes the next batch in hand: the params of the call. The budget began when its first delta came.
    pub(super) fn take_batch(&mut self, number: u64, own: &Context) -> Option<String> {
        let since = self.queue.front().filter(|_| self.flight.is_none())?.since;
        let (mut deltas, mut request) = (Vec::new(), r#"{"deltas":["#.to_owned());
        while deltas.len() < MOST && request.len() < MOST_BYTES {
            let Some(waiting) = self.pop() else { break };
            let wanted = self.wants(&waiting.held, own);
            if wanted {
                if !request.ends_with('[') {
                    request.push(',');
                }
                request.push_str(&waiting.text);
            }
            deltas.push((waiting, wanted));
        }
        request.push_str("]}");
        let until = since.saturating_add(self.handler.budget);
        self.flight = Some(Flight { number, deltas, until, call: None, fuel: 0 });
        Some(request)
    }

    /// The batch was handed over.
    pub(super) fn handed(&mut self, call: Option<HandlerCallId>, fuel: u64) {
        if let Some(flight) = &mut self.flight {
            (flight.call, flight.fuel) = (call, fuel);
        }
    }

    /// What is late about the batch in hand, in words.
    pub(super) fn is_late(&self, now: Duration, fuel_used: u64) -> Option<String> {
        let flight = self.flight.as_ref()?;
        let budget = self.handler.budget;
        if flight.until <= now {
            return Some(format!("no answer within {budget:?}"));
        }
        let most =
            FUEL_PER_MS.saturating_mul(u64::try_from(budget.as_millis()).unwrap_or(u64::MAX));
        let used = fuel_used.saturating_sub(flight.fuel);
        (used > most).then(|| format!("no answer within {most} fuel ({budget:?} of computing)"))
    }

    /// Whether the plugin has computed anything since it was handed the batch.
    pub(super) fn has_begun(&self, fuel_used: u64) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.fuel < fuel_used)
    }

    /// Takes the batch of this number back.
    pub(super) fn land(&mut self, number: u64) -> Option<Flight> {
        self.flight.take_if(|flight| flight.number == number)
    }

    /// Everything, oldest first, and the call that nobody waits for any more.
    pub(super) fn give_up(&mut self) -> (Vec<Waiting>, Option<HandlerCallId>) {
        let flight = self.flight.take();
        let call = flight.as_ref().and_then(|flight| flight.call);
        let in_hand = flight.into_iter().flat_map(|flight| flight.deltas);
        self.bytes = 0;
        (in_hand.map(|(waiting, _)| waiting).chain(self.queue.drain(..)).collect(), call)
    }

    /// The batch came back in good order.
    pub(super) fn worked(&mut self) {
        self.failures = 0;
    }

    /// The plugin did not do what it is for.
    pub(super) fn failed(&mut self, why: String, note: &mut Note) {
        self.failures += 1;
        if self.failures == MOST_FAILURES {
            let id = &self.handler.plugin;
            note.taken_off = Some(format!(
                "plugin `{id}`: its delta input handler failed {MOST_FAILURES} times in a row, the last time: {why}. It is taken off: deltas pass unchanged until the plugin is started again. Let it do less in its handler, or ask for fewer paths when it registers it; or raise `inputMillis` in \"limits\" of plugin-config-data/{id}.json"
            ));
        }
        note.failure = Some(why);
    }
}
