//! Deltas that plugins look at before they are in the model: delta input handlers (requirement F49).
//!
//! Each running plugin with `deltas.intercept` is one stage, in the owner's order (`inputOrder` of its options file,
//! then by id). A delta of a connection, a client or another plugin that a stage wants goes through all stages, whole,
//! one after the other; what is held keeps its order, and what shares a path and a source with something held waits
//! behind it. Everything else is not delayed, and without a handler [`Intake::is_idle`] is all that a delta costs.
//!
//! Nothing is lost: what a stage cannot answer within its budget passes as it is. `stage.rs`: one handler and its
//! queue; `busy.rs`: what is held; `drive.rs`: asking the plugins and following their answers. What an answer means is
//! `signalk_bridge::verdicts`, who has a handler is `plugins/inputs.rs`.

mod busy;
mod drive;
mod stage;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, time::Duration};

use signalk_bridge::HandlerCallId;
use signalk_model::{Context, Delta, Placement, SourceRef};

use self::{busy::Busy, stage::Stage};
pub(crate) use self::{
    drive::drive,
    stage::{InputHandler, Note},
};
use crate::io::StreamId;

/// Who sent a delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The server itself: its alarms and the owner's words wait for nobody.
    Server,
    Connection,
    Client(StreamId),
    /// The one that the provider names: it is not asked about its own.
    Plugin,
}

/// A delta on its way in, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    pub(crate) delta: Delta,
    pub(crate) provider: SourceRef,
    pub(crate) placement: Placement,
    pub(crate) origin: Origin,
}

/// A delta in a queue.
#[derive(Debug)]
struct Waiting {
    held: Held,
    /// What of it is in `busy`.
    keys: Vec<busy::Key>,
    /// As JSON.
    text: String,
    /// When it came to this stage.
    since: Duration,
}

/// All stages, and what they hold.
#[derive(Debug)]
pub(crate) struct Intake {
    self_context: Context,
    stages: Vec<Stage>,
    busy: Busy,
    /// Through all stages, oldest first.
    released: VecDeque<Waiting>,
    last_flight: u64,
    /// Calls that nobody waits for any more.
    given_up: Vec<HandlerCallId>,
    notes: Vec<Note>,
}

impl Intake {
    pub(crate) fn new(self_context: Context) -> Intake {
        Intake {
            self_context,
            stages: Vec::new(),
            busy: Busy::default(),
            released: VecDeque::new(),
            last_flight: 0,
            given_up: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Nobody looks at anything.
    pub(crate) fn is_idle(&self) -> bool {
        self.stages.is_empty()
    }

    /// Takes a delta that a stage wants, or that may not overtake one that is held; gives back any other.
    pub(crate) fn offer(&mut self, now: Duration, held: Held) -> Option<Held> {
        let wanted = self.stages.iter().any(|stage| stage.wants(&held, &self.self_context));
        if self.stages.is_empty() || !(wanted || self.busy.shares(&held.delta)) {
            return Some(held);
        }
        let (keys, text) = (self.busy.hold(&held.delta), held.delta.to_json());
        self.put(now, 0, Waiting { held, keys, text, since: now });
        None
    }

    /// The next delta that has been through all stages.
    pub(crate) fn pop_released(&mut self) -> Option<Held> {
        let waiting = self.released.pop_front()?;
        self.busy.release(&waiting.keys);
        Some(waiting.held)
    }

    /// When the first stage is late.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.stages.iter().filter_map(Stage::deadline).min()
    }

    /// Who looks at what from now on, in their order. What a stage holds that is no more goes on as it is.
    pub(crate) fn set(&mut self, now: Duration, mut wanted: Vec<InputHandler>) {
        wanted.sort_by(|a, b| (a.order, &a.plugin).cmp(&(b.order, &b.plugin)));
        self.remove(now, |stage| !wanted.iter().any(|handler| stage.is_of(handler)));
        let staying: Vec<_> =
            wanted.iter().filter(|handler| self.stages.iter().any(|s| s.is_of(handler))).collect();
        if !self.stages.iter().zip(staying).all(|(stage, handler)| stage.is_of(handler)) {
            self.remove(now, |_| true);
        }
        for (at, handler) in wanted.into_iter().enumerate() {
            match self.stages.get_mut(at).filter(|stage| stage.is_of(&handler)) {
                Some(stage) => stage.handler = handler,
                None => self.stages.insert(at, Stage::new(handler)),
            }
        }
    }

    fn remove(&mut self, now: Duration, gone: impl Fn(&Stage) -> bool) {
        // Backwards: what later stages hold came first.
        for at in (0..self.stages.len()).rev() {
            if self.stages.get(at).is_some_and(&gone) {
                self.pass_all(now, at, None);
                self.stages.remove(at);
            }
        }
    }

    /// To a stage, or out behind the last.
    fn put(&mut self, now: Duration, at: usize, mut waiting: Waiting) {
        if let Some(why) = self.stages.get(at).and_then(|stage| stage.is_full(&waiting)) {
            self.pass_all(now, at, Some(why));
        }
        waiting.since = now;
        match self.stages.get_mut(at) {
            Some(stage) => stage.push(waiting),
            None => self.released.push_back(waiting),
        }
    }

    /// All that a stage holds goes on as it is; `why`: the plugin's fault, in words.
    fn pass_all(&mut self, now: Duration, at: usize, why: Option<String>) {
        let Some(stage) = self.stages.get_mut(at) else { return };
        let (passing, call) = stage.give_up();
        let wanted = passing.iter().filter(|w| stage.wants(&w.held, &self.self_context)).count();
        let mut note = Note::new(&stage.handler.plugin);
        note.skipped = u64::try_from(wanted).unwrap_or(u64::MAX);
        if let Some(why) = why {
            stage.failed(why, &mut note);
        }
        self.notes.push(note);
        self.given_up.extend(call);
        for waiting in passing {
            self.put(now, at + 1, waiting);
        }
    }
}
