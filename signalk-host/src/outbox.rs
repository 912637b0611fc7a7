//! What waits for one stream client: filled by the core's task, emptied by the client's task. Pieces are as they go
//! over the wire; one piece may hold many frames and may wait for many clients.
//!
//! It never drops a frame: what to leave out for a slow client is the core's rule, which is told the level. It only has
//! a last bound, far above the core's, so that no fault can fill the memory.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use signalk_core::{HttpResponse, StreamId};
use tokio::sync::Notify;

use crate::stream::wire::{Batch, Framing};

/// Above this the core is told (server-api.md 3.10: it then keeps only the latest values).
pub(crate) const HIGH: usize = 512 << 10;

/// At this the core is told that the client has caught up.
pub(crate) const LOW: usize = 1 << 10;

/// Above this the core's task lets the clients catch up: see `pressure`.
pub(crate) const PRESSED: usize = 256 << 10;

/// One batch. Small enough that the core soon learns that a client catches up.
const CHUNK: usize = 128 << 10;

/// Nothing is taken beyond this: the client is cut off.
const LAST_BOUND: usize = 64 << 20;

/// Answers to pings that a client does not take: so many bytes wait, then none are made.
const ANSWERS: usize = 4 << 10;

/// One client's queue.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// Whose.
    pub(crate) id: StreamId,
    /// How it wants its messages.
    pub(crate) framing: Framing,
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug)]
struct State {
    /// At this level the core is told.
    high: usize,
    /// At this it is told again.
    low: usize,
    /// Somebody waits for it to catch up: see `pressure`.
    waited_for: bool,
    pieces: VecDeque<Bytes>,
    /// In `pieces`, and taken but not yet in the operating system's hands.
    bytes: usize,
    /// Control frames; they go before the next piece.
    answers: Vec<u8>,
    /// The core was told that it is above `high`, and waits for `low`.
    reported_high: bool,
    /// It rose above `PRESSED` and has not yet fallen to half of it.
    pressed: bool,
    ending: Option<Ending>,
    /// The subprotocol that the core has chosen.
    protocol: Option<String>,
    /// Code and reason with which the client closed.
    client_close: Option<(u16, String)>,
}

/// What adding a piece changed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pushed {
    /// Nothing waited before: the client's task must be woken.
    pub(crate) first: bool,
    /// The level has just risen to the high mark: the core must be told.
    pub(crate) risen: bool,
    /// The level has just risen above [`PRESSED`].
    pub(crate) pressed: bool,
}

impl Pushed {
    fn or(self, other: Pushed) -> Pushed {
        Pushed {
            first: self.first || other.first,
            risen: self.risen || other.risen,
            pressed: self.pressed || other.pressed,
        }
    }
}

/// How a stream ends.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    /// It was never accepted.
    Rejected(HttpResponse),
    /// A WebSocket close code, and words.
    Closed(u16, String),
    /// The client has closed it; the answer to that is among the control frames.
    ByClient,
}

/// What a client's task finds.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Something to send, and how many bytes of it to acknowledge.
    Batch(Batch, usize),
    /// Nothing more comes.
    Ended(Ending),
    /// Nothing yet.
    Empty,
}

impl Outbox {
    /// An empty one.
    pub(crate) fn new(id: StreamId, framing: Framing) -> Outbox {
        let state = State {
            high: HIGH,
            low: LOW,
            waited_for: true,
            pieces: VecDeque::new(),
            bytes: 0,
            answers: Vec::new(),
            reported_high: false,
            pressed: false,
            ending: None,
            protocol: None,
            client_close: None,
        };
        Outbox { id, framing, state: Mutex::new(state), wake: Notify::new() }
    }

    /// Accepts the client without a frame. The core wants to know whenever it has more than `limit` unsent, and when no
    /// more. It leaves out frames then, so nobody waits for this client.
    pub(crate) fn accept(&self, limit: usize, protocol: Option<String>) {
        let mut state = self.lock();
        state.protocol = protocol;
        (state.high, state.low, state.waited_for) = (limit.saturating_add(1), limit, false);
        state.pieces.push_back(Bytes::new());
    }

    /// Adds pieces. The client's task is not woken: see [`Outbox::wake`].
    pub(crate) fn push_all(&self, pieces: &[Bytes]) -> Pushed {
        pieces.iter().map(|piece| self.push(piece.clone())).fold(Pushed::default(), Pushed::or)
    }

    /// Adds a piece. The client's task is not woken: see [`Outbox::wake`].
    pub(crate) fn push(&self, piece: Bytes) -> Pushed {
        let mut state = self.lock();
        if state.ending.is_some() {
            return Pushed::default();
        }
        if state.bytes > LAST_BOUND {
            state.pieces.clear();
            state.ending = Some(Ending::Closed(1008, "too slow".into()));
            return Pushed { first: true, ..Pushed::default() };
        }
        let first = state.pieces.is_empty();
        state.bytes += piece.len();
        state.pieces.push_back(piece);
        let risen = state.bytes >= state.high && !state.reported_high;
        state.reported_high |= risen;
        let pressed = state.waited_for && state.bytes >= PRESSED && !state.pressed;
        state.pressed |= pressed;
        Pushed { first, risen, pressed }
    }

    /// Adds control frames and wakes the client's task. False: too many wait already.
    pub(crate) fn answer(&self, frames: &[u8]) -> bool {
        let mut state = self.lock();
        if state.answers.len() > ANSWERS {
            return false;
        }
        state.answers.extend_from_slice(frames);
        drop(state);
        self.wake();
        true
    }

    /// The last word: what waits before it is still sent.
    pub(crate) fn end(&self, ending: Ending) {
        self.lock().ending.get_or_insert(ending);
    }

    /// The client wants no more.
    pub(crate) fn ended_by_client(&self) {
        let mut state = self.lock();
        state.pieces.clear();
        state.ending.get_or_insert(Ending::ByClient);
        drop(state);
        self.wake();
    }

    /// The client says why it closes.
    pub(crate) fn client_closes(&self, code: u16, reason: String) {
        self.lock().client_close = Some((code, reason));
    }

    /// Why the client closed, if it said so.
    pub(crate) fn take_client_close(&self) -> Option<(u16, String)> {
        self.lock().client_close.take()
    }

    /// The subprotocol of an accepted client.
    pub(crate) fn protocol(&self) -> Option<String> {
        self.lock().protocol.clone()
    }

    /// Wakes the client's task.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for [`Outbox::wake`].
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// It has not caught up with what the core was told.
    pub(crate) fn is_high(&self) -> bool {
        let state = self.lock();
        state.bytes > state.low
    }

    /// The core was told that it is high, and it has a limit of its own and is below it.
    pub(crate) fn has_fallen(&self) -> bool {
        let state = self.lock();
        !state.waited_for && state.bytes <= state.low
    }

    /// Nothing more is taken in.
    pub(crate) fn ended(&self) -> bool {
        self.lock().ending.is_some()
    }

    /// What waits, in order, about [`CHUNK`] bytes at most. Each taken batch is acknowledged with [`Outbox::sent`].
    pub(crate) fn take(&self) -> Taken {
        let mut state = self.lock();
        if state.pieces.is_empty() && state.answers.is_empty() {
            return state.ending.clone().map_or(Taken::Empty, Taken::Ended);
        }
        let mut bytes = 0;
        let mut count = 0;
        while let Some(piece) = state.pieces.get(count).filter(|_| bytes < CHUNK) {
            bytes += piece.len();
            count += 1;
        }
        let rest = state.pieces.split_off(count);
        let mut pieces = std::mem::replace(&mut state.pieces, rest);
        if !state.answers.is_empty() {
            pieces.push_front(std::mem::take(&mut state.answers).into());
        }
        Taken::Batch(Batch(pieces), bytes)
    }

    /// The operating system took these bytes. Some: the core, which was told that we are high, must learn this level.
    pub(crate) fn sent(&self, bytes: usize) -> Option<usize> {
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
        state.pressed &= state.bytes > PRESSED / 2;
        let drained = state.reported_high && state.bytes <= state.low;
        if drained {
            state.reported_high = false;
        }
        drained.then_some(state.bytes)
    }

    /// A panic elsewhere leaves a queue in order: every change above is one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox() -> Outbox {
        Outbox::new(StreamId(1), Framing::WebSocket)
    }

    #[test]
    fn the_core_is_told_once_when_it_rises_and_once_when_it_drains() {
        let outbox = outbox();
        let piece = Bytes::from("x".repeat(100 << 10));
        let pushed: Vec<Pushed> = (0..8).map(|_| outbox.push(piece.clone())).collect();
        assert_eq!(pushed.iter().filter(|pushed| pushed.risen).count(), 1);
        assert_eq!(pushed.iter().filter(|pushed| pushed.first).count(), 1);
        for _ in 0..3 {
            let Taken::Batch(batch, bytes) = outbox.take() else { panic!("there are pieces") };
            assert_eq!((batch.0.len(), bytes), (2, 200 << 10));
            assert_eq!(outbox.sent(bytes), None);
        }
        let Taken::Batch(_, bytes) = outbox.take() else { panic!("there are pieces") };
        assert_eq!(outbox.bytes(), bytes, "taken is not yet sent");
        assert_eq!(outbox.sent(bytes), Some(0));
        assert_eq!(outbox.sent(0), None);
    }

    #[test]
    fn what_waits_before_the_end_is_still_sent() {
        let outbox = outbox();
        outbox.push("a".into());
        outbox.end(Ending::Closed(1000, String::new()));
        outbox.push("late".into());
        assert!(matches!(outbox.take(), Taken::Batch(batch, 1) if batch.0.len() == 1));
        assert!(matches!(outbox.take(), Taken::Ended(Ending::Closed(1000, _))));
    }

    #[test]
    fn an_answer_goes_before_what_waits_and_a_flood_of_them_is_bounded() {
        let outbox = outbox();
        outbox.push("data".into());
        assert!(outbox.answer(b"pong"));
        let Taken::Batch(batch, 4) = outbox.take() else {
            panic!("data is counted, control is not")
        };
        assert_eq!(batch.0, ["pong", "data"]);
        assert!(outbox.answer(&[0; ANSWERS + 1]));
        assert!(!outbox.answer(b"one more"));
    }

    #[test]
    fn a_client_that_has_closed_gets_the_answer_to_that_and_nothing_else() {
        let outbox = outbox();
        outbox.push("data".into());
        outbox.answer(b"close");
        outbox.ended_by_client();
        assert!(matches!(outbox.take(), Taken::Batch(batch, 0) if batch.0 == ["close"]));
        assert!(matches!(outbox.take(), Taken::Ended(Ending::ByClient)));
    }
}
