//! The frames that wait for one stream client: filled by the core's task, emptied by the client's task.
//!
//! It never drops a frame: what to leave out for a slow client is the core's rule, which is told the level. It only has a last
//! bound, far above the core's, so that no fault can fill the memory.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::extract::ws::Utf8Bytes;
use signalk_core::{HttpResponse, StreamId};
use tokio::sync::Notify;

/// Above this the core is told (server-api.md 3.10: it then keeps only the latest values).
pub(crate) const HIGH: usize = 512 << 10;

/// At this the core is told that the client has caught up.
pub(crate) const LOW: usize = 1 << 10;

/// Above this the core's task lets the clients catch up: see `pressure`.
pub(crate) const PRESSED: usize = 256 << 10;

/// One batch. Small enough that the core soon learns that a client catches up.
const CHUNK: usize = 128 << 10;

/// No frames are taken beyond this: the client is cut off.
const LAST_BOUND: usize = 64 << 20;

/// One client's queue.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// Whose.
    pub(crate) id: StreamId,
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Utf8Bytes>,
    /// In `frames`, and taken but not yet in the operating system's hands.
    bytes: usize,
    /// The core was told that it is above `HIGH`, and waits for `LOW`.
    reported_high: bool,
    /// It rose above `PRESSED` and has not yet fallen to half of it.
    pressed: bool,
    ending: Option<Ending>,
}

/// What adding a frame changed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pushed {
    /// Nothing waited before: the client's task must be woken.
    pub(crate) first: bool,
    /// The level has just risen above [`HIGH`]: the core must be told.
    pub(crate) risen: bool,
    /// The level has just risen above [`PRESSED`].
    pub(crate) pressed: bool,
}

/// How a stream ends.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    /// It was never accepted.
    Rejected(HttpResponse),
    /// A WebSocket close code, and words.
    Closed(u16, String),
}

/// What a client's task finds.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Frames to send, in order, and their bytes.
    Frames(VecDeque<Utf8Bytes>, usize),
    /// Nothing more comes.
    Ended(Ending),
    /// Nothing yet.
    Empty,
}

impl Outbox {
    /// An empty one.
    pub(crate) fn new(id: StreamId) -> Outbox {
        Outbox { id, state: Mutex::default(), wake: Notify::new() }
    }

    /// Adds a frame. The client's task is not woken: see [`Outbox::wake`].
    pub(crate) fn push(&self, frame: Utf8Bytes) -> Pushed {
        let mut state = self.lock();
        if state.ending.is_some() {
            return Pushed::default();
        }
        if state.bytes > LAST_BOUND {
            state.frames.clear();
            state.ending = Some(Ending::Closed(1008, "too slow".into()));
            return Pushed { first: true, ..Pushed::default() };
        }
        let first = state.frames.is_empty();
        state.bytes += frame.len();
        state.frames.push_back(frame);
        let risen = state.bytes >= HIGH && !state.reported_high;
        state.reported_high |= risen;
        let pressed = state.bytes >= PRESSED && !state.pressed;
        state.pressed |= pressed;
        Pushed { first, risen, pressed }
    }

    /// The last word: frames before it are still sent.
    pub(crate) fn end(&self, ending: Ending) {
        self.lock().ending.get_or_insert(ending);
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

    /// Nothing more is taken in.
    pub(crate) fn ended(&self) -> bool {
        self.lock().ending.is_some()
    }

    /// What waits, in order, about [`CHUNK`] bytes at most. Each taken batch is acknowledged with [`Outbox::sent`].
    pub(crate) fn take(&self) -> Taken {
        let mut state = self.lock();
        if state.frames.is_empty() {
            return state.ending.clone().map_or(Taken::Empty, Taken::Ended);
        }
        let mut bytes = 0;
        let mut count = 0;
        while let Some(frame) = state.frames.get(count).filter(|_| bytes < CHUNK) {
            bytes += frame.len();
            count += 1;
        }
        let rest = state.frames.split_off(count);
        Taken::Frames(std::mem::replace(&mut state.frames, rest), bytes)
    }

    /// The operating system took these bytes. Some: the core, which was told that we are above [`HIGH`], must learn this level.
    pub(crate) fn sent(&self, bytes: usize) -> Option<usize> {
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
        state.pressed &= state.bytes > PRESSED / 2;
        let drained = state.reported_high && state.bytes <= LOW;
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

    #[test]
    fn the_core_is_told_once_when_it_rises_and_once_when_it_drains() {
        let outbox = Outbox::new(StreamId(1));
        let frame = Utf8Bytes::from("x".repeat(100 << 10));
        let pushed: Vec<Pushed> = (0..8).map(|_| outbox.push(frame.clone())).collect();
        assert_eq!(pushed.iter().filter(|pushed| pushed.risen).count(), 1);
        assert_eq!(pushed.iter().filter(|pushed| pushed.first).count(), 1);
        for _ in 0..3 {
            let Taken::Frames(frames, bytes) = outbox.take() else { panic!("there are frames") };
            assert_eq!((frames.len(), bytes), (2, 200 << 10));
            assert_eq!(outbox.sent(bytes), None);
        }
        let Taken::Frames(_, bytes) = outbox.take() else { panic!("there are frames") };
        assert_eq!(outbox.bytes(), bytes, "taken is not yet sent");
        assert_eq!(outbox.sent(bytes), Some(0));
        assert_eq!(outbox.sent(0), None);
    }

    #[test]
    fn frames_before_the_end_are_still_sent() {
        let outbox = Outbox::new(StreamId(1));
        outbox.push("a".into());
        outbox.end(Ending::Closed(1000, String::new()));
        outbox.push("late".into());
        assert!(matches!(outbox.take(), Taken::Frames(frames, 1) if frames.len() == 1));
        assert!(matches!(outbox.take(), Taken::Ended(Ending::Closed(1000, _))));
    }
}
