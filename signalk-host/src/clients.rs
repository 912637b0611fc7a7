//! The clients as the core's task sees them: who gets a message, who must be woken for it, who falls behind.
//!
//! Messages that follow each other and go to the same clients are gathered and handed over as one piece: at full load
//! that is one pointer per client for hundreds of messages, and one write.

use std::{sync::Arc, time::Duration};

use rustc_hash::FxHashMap;
use signalk_core::StreamId;

use crate::{
    outbox::{Ending, Outbox},
    pressure,
    stream::wire::{Framing, Message},
};

/// Clients' tasks are woken this often at most, also when questions come between.
const COALESCE: Duration = Duration::from_millis(1);

/// A client above the high mark is reported again this often.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// A piece is not made larger on purpose.
const PIECE: usize = 64 << 10;

/// All open streams.
#[derive(Default)]
pub(crate) struct Clients {
    open: FxHashMap<StreamId, Arc<Outbox>>,
    /// Messages that are not handed over yet, and whose they are.
    gathered: Vec<Message>,
    gathered_bytes: usize,
    whose: Whose,
    /// Clients with something new whose task does not know yet.
    to_wake: Vec<Arc<Outbox>>,
    woken_at: Duration,
    /// Clients that rose above the high mark since the core was told.
    risen: Vec<Arc<Outbox>>,
    /// Clients above the high mark.
    high: Vec<Arc<Outbox>>,
    reported_at: Duration,
    /// Clients that fall behind.
    pressed: Vec<Arc<Outbox>>,
}

/// Who gets a message.
#[derive(Default)]
pub(crate) enum Whose {
    #[default]
    Nobody,
    One(StreamId),
    Many(Arc<[StreamId]>),
}

impl Whose {
    fn ids(&self) -> &[StreamId] {
        match self {
            Whose::Nobody => &[],
            Whose::One(id) => std::slice::from_ref(id),
            Whose::Many(ids) => ids,
        }
    }

    fn is(&self, other: &Whose) -> bool {
        match (self, other) {
            (Whose::Many(a), Whose::Many(b)) if Arc::ptr_eq(a, b) => true,
            _ => self.ids() == other.ids(),
        }
    }
}

impl Clients {
    /// A client came.
    pub(crate) fn open(&mut self, outbox: Arc<Outbox>) {
        self.open.insert(outbox.id, outbox);
    }

    /// A client is accepted before there is a frame for it; from now on its level is told at this limit.
    pub(crate) fn accept(&mut self, id: StreamId, limit: usize, protocol: Option<String>) {
        if let Some(outbox) = self.open.get(&id) {
            outbox.accept(limit, protocol);
            self.to_wake.push(Arc::clone(outbox));
        }
    }

    /// A message for these.
    pub(crate) fn send(&mut self, whose: Whose, message: Message) {
        // The core writes JSON; anything else has no place in a text frame. Looked at once, whoever gets it.
        if let Message::Text(text) = &message
            && std::str::from_utf8(text).is_err()
        {
            return;
        }
        if !self.whose.is(&whose) {
            self.hand_over();
            self.whose = whose;
        }
        self.gathered_bytes += message.payload().len();
        self.gathered.push(message);
        if self.gathered_bytes >= PIECE {
            self.hand_over();
        }
    }

    /// What was gathered goes into the outboxes.
    fn hand_over(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let (mut frames, mut lines) = (None, None);
        for id in self.whose.ids() {
            let Some(outbox) = self.open.get(id) else { continue };
            let made = match outbox.framing {
                Framing::WebSocket => &mut frames,
                Framing::Lines => &mut lines,
            };
            let pieces = made.get_or_insert_with(|| outbox.framing.pieces(&self.gathered));
            let pushed = outbox.push_all(pieces);
            if pushed.risen {
                self.risen.push(Arc::clone(outbox));
            }
            if pushed.pressed {
                self.pressed.push(Arc::clone(outbox));
            }
            if pushed.first {
                self.to_wake.push(Arc::clone(outbox));
            }
        }
        self.gathered.clear();
        self.gathered_bytes = 0;
    }

    /// The core ends a stream; what it said before is still sent.
    pub(crate) fn end(&mut self, id: StreamId, ending: Ending) {
        self.hand_over();
        if let Some(outbox) = self.open.remove(&id) {
            outbox.end(ending);
            self.to_wake.push(outbox);
        }
    }

    /// The core ends all streams.
    pub(crate) fn end_all(&mut self, ending: &Ending) {
        let ids: Vec<StreamId> = self.open.keys().copied().collect();
        for id in ids {
            self.end(id, ending.clone());
        }
    }

    /// A client is gone.
    pub(crate) fn forget(&mut self, id: StreamId) {
        self.open.remove(&id);
        self.high.retain(|outbox| outbox.id != id);
        self.pressed.retain(|outbox| outbox.id != id);
    }

    /// One that has just risen above the high mark, and its level.
    pub(crate) fn next_risen(&mut self) -> Option<(StreamId, usize)> {
        let outbox = self.risen.pop()?;
        let report = (outbox.id, outbox.bytes());
        if !self.high.iter().any(|known| known.id == outbox.id) {
            self.high.push(outbox);
        }
        Some(report)
    }

    /// One that has a limit of its own and is not above it any more: the core decides by that what it is sent next.
    pub(crate) fn next_fallen(&mut self) -> Option<(StreamId, usize)> {
        let at = self.high.iter().position(|outbox| outbox.has_fallen())?;
        let outbox = self.high.swap_remove(at);
        Some((outbox.id, outbox.bytes()))
    }

    /// Levels of those that are still above the mark, if it is time to say so again.
    pub(crate) fn still_high(&mut self, now: Duration) -> Vec<(StreamId, usize)> {
        if self.high.is_empty() || now < self.reported_at + REPORT_EVERY {
            return Vec::new();
        }
        self.reported_at = now;
        let open = &self.open;
        self.high.retain(|outbox| open.contains_key(&outbox.id) && outbox.is_high());
        self.high.iter().map(|outbox| (outbox.id, outbox.bytes())).collect()
    }

    /// The earliest of waking and report.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let waits = !self.gathered.is_empty() || !self.to_wake.is_empty();
        let waking = waits.then(|| self.woken_at + COALESCE);
        let report = (!self.high.is_empty()).then(|| self.reported_at + REPORT_EVERY);
        waking.into_iter().chain(report).min()
    }

    /// Hands over and wakes, unless that was done a moment ago.
    pub(crate) fn wake(&mut self, now: Duration) {
        if now >= self.woken_at + COALESCE && !(self.gathered.is_empty() && self.to_wake.is_empty())
        {
            self.wake_now(now);
        }
    }

    /// Hands over and wakes.
    pub(crate) fn wake_now(&mut self, now: Duration) {
        self.hand_over();
        self.woken_at = now;
        for outbox in self.to_wake.drain(..) {
            outbox.wake();
        }
    }

    /// Waits a little for those that fall behind, if they do not by themselves.
    pub(crate) async fn ease(&mut self) {
        if !self.pressed.is_empty() {
            pressure::ease(&mut self.pressed).await;
        }
    }
}
