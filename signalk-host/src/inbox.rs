//! The way to the core: a bounded queue that tasks wait for and that the core's task empties at once.
//!
//! Not tokio's channel: here a flow can wait until it is worth a waking, and a question cannot.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::{Notify, Semaphore};

/// So many messages of a flow are not kept waiting for the rest to end.
const MANY: usize = 64;

/// Bytes of large messages that wait at most: four of the largest frames. Those that come later wait outside.
const MUCH: u32 = 40 << 20;

/// A message of so many bytes is not counted by them: 4096 of these are 16 MiB.
const SMALL: usize = 4 << 10;

/// The core has stopped: nobody listens any more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopped;

/// The sending half.
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// The receiving half. Dropped, nothing more can be sent.
pub(crate) struct Inbox<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    ready: Notify,
    room: Semaphore,
    /// In bytes.
    large: Semaphore,
}

struct State<T> {
    messages: Vec<T>,
    /// How many of them took room.
    took_room: usize,
    /// How many bytes the large ones took.
    took_large: usize,
    asleep: Asleep,
    /// Among the messages is one that shall not wait.
    urgent: bool,
    stopped: bool,
}

/// What a message took of the bounds.
struct Took {
    room: usize,
    large: usize,
}

/// What the receiver is woken by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Asleep {
    #[default]
    Awake,
    /// It rests between two batches.
    UntilUrgent,
    UntilAny,
}

/// A queue that holds so many messages before senders wait.
pub(crate) fn channel<T>(room: usize) -> (Sender<T>, Inbox<T>) {
    let state = State {
        messages: Vec::new(),
        took_room: 0,
        took_large: 0,
        asleep: Asleep::Awake,
        urgent: false,
        stopped: false,
    };
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        ready: Notify::new(),
        room: Semaphore::new(room),
        large: Semaphore::new(usize::try_from(MUCH).unwrap_or(usize::MAX)),
    });
    (Sender(Arc::clone(&shared)), Inbox(shared))
}

impl<T> Sender<T> {
    /// Waits for room.
    pub(crate) async fn send(&self, message: T) -> Result<(), Stopped> {
        self.0.room.acquire().await.map_err(|_| Stopped)?.forget();
        self.push(message, Took { room: 1, large: 0 }, true)
    }

    /// Waits for room. Of a flow: while it flows, several are taken at once.
    pub(crate) async fn send_flow(&self, message: T) -> Result<(), Stopped> {
        self.0.room.acquire().await.map_err(|_| Stopped)?.forget();
        self.push(message, Took { room: 1, large: 0 }, false)
    }

    /// The same for a message that a client made as large as it liked: it also waits for room for its bytes.
    pub(crate) async fn send_flow_of(&self, bytes: usize, message: T) -> Result<(), Stopped> {
        if bytes <= SMALL {
            return self.send_flow(message).await;
        }
        let bytes = u32::try_from(bytes).unwrap_or(MUCH).min(MUCH);
        // Kept, not forgotten, before all is there: whoever waits here may be dropped.
        let large = self.0.large.acquire_many(bytes).await.map_err(|_| Stopped)?;
        self.0.room.acquire().await.map_err(|_| Stopped)?.forget();
        let took = Took { room: 1, large: large.num_permits() };
        large.forget();
        self.push(message, took, false)
    }

    /// Does not wait: for the results of the core's own wishes, of which there are few. It has asked for them. Not
    /// urgent: as of a flow.
    pub(crate) fn send_now(&self, message: T, urgent: bool) -> Result<(), Stopped> {
        self.push(message, Took { room: 0, large: 0 }, urgent)
    }

    fn push(&self, message: T, took: Took, urgent: bool) -> Result<(), Stopped> {
        let mut state = self.0.lock();
        if state.stopped {
            return Err(Stopped);
        }
        state.messages.push(message);
        state.took_room += took.room;
        state.took_large += took.large;
        state.urgent |= urgent;
        let wake = match state.asleep {
            Asleep::Awake => false,
            Asleep::UntilUrgent => urgent || state.messages.len() == MANY,
            Asleep::UntilAny => true,
        };
        if wake {
            state.asleep = Asleep::Awake;
        }
        drop(state);
        if wake {
            self.0.ready.notify_one();
        }
        Ok(())
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender(Arc::clone(&self.0))
    }
}

impl<T> Inbox<T> {
    /// Everything that waits, into an empty `batch`; sleeps until there is something or it is `until`. Messages of a
    /// flow are not looked at before `rest` is over, unless there are many.
    pub(crate) async fn take(&self, batch: &mut Vec<T>, rest: Instant, until: Option<Instant>) {
        loop {
            let Some(end) = self.take_now(batch, rest, until) else { return };
            let ready = self.0.ready.notified();
            match end {
                Sleep::Ever => ready.await,
                // Whether it was the time or a message is seen in the next turn.
                Sleep::Until(end) => drop(tokio::time::timeout_at(end.into(), ready).await),
            }
        }
    }

    /// None: taken. Otherwise how long to sleep.
    fn take_now(&self, batch: &mut Vec<T>, rest: Instant, until: Option<Instant>) -> Option<Sleep> {
        let mut state = self.0.lock();
        let now = Instant::now();
        let resting = now < rest && !state.urgent && state.messages.len() < MANY;
        if (state.messages.is_empty() || resting) && until.is_none_or(|until| now < until) {
            state.asleep = if resting { Asleep::UntilUrgent } else { Asleep::UntilAny };
            return Some(match until {
                Some(until) if resting => Sleep::Until(until.min(rest)),
                None if resting => Sleep::Until(rest),
                Some(until) => Sleep::Until(until),
                None => Sleep::Ever,
            });
        }
        state.asleep = Asleep::Awake;
        state.urgent = false;
        std::mem::swap(&mut state.messages, batch);
        let took_room = std::mem::take(&mut state.took_room);
        let took_large = std::mem::take(&mut state.took_large);
        drop(state);
        self.0.room.add_permits(took_room);
        self.0.large.add_permits(took_large);
        None
    }

    /// Whether there is more to take.
    pub(crate) fn has_more(&self) -> bool {
        !self.0.lock().messages.is_empty()
    }
}

enum Sleep {
    Ever,
    Until(Instant),
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.stopped = true;
        // Whoever waits for an answer inside a message learns that none comes.
        let messages = std::mem::take(&mut state.messages);
        drop(state);
        self.0.room.close();
        self.0.large.close();
        drop(messages);
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn a_full_queue_makes_senders_wait_and_results_never() {
        let (sender, inbox) = channel(2);
        let mut batch = Vec::new();
        runtime().block_on(async {
            sender.send(1).await.unwrap();
            sender.send(2).await.unwrap();
            let third = tokio::spawn({
                let sender = sender.clone();
                async move { sender.send(4).await }
            });
            tokio::task::yield_now().await;
            assert!(!third.is_finished());
            sender.send_now(3, true).unwrap();
            inbox.take(&mut batch, Instant::now(), None).await;
            assert_eq!(batch, [1, 2, 3]);
            third.await.unwrap().unwrap();
        });
        batch.clear();
        runtime().block_on(inbox.take(&mut batch, Instant::now(), None));
        assert_eq!(batch, [4]);
    }

    /// 4096 frames of 10 MiB would be 40 GB while the core is busy.
    #[test]
    fn large_messages_wait_for_room_for_their_bytes_and_small_ones_pass() {
        let (sender, inbox) = channel(100);
        let mut batch = Vec::new();
        runtime().block_on(async {
            for number in 0..4 {
                sender.send_flow_of(10 << 20, number).await.unwrap();
            }
            let fifth = tokio::spawn({
                let sender = sender.clone();
                async move { sender.send_flow_of(10 << 20, 5).await }
            });
            let dropped = tokio::spawn({
                let sender = sender.clone();
                async move { sender.send_flow_of(usize::MAX, 6).await }
            });
            tokio::task::yield_now().await;
            assert!(!fifth.is_finished() && !dropped.is_finished());
            dropped.abort();
            sender.send_flow_of(100, 4).await.unwrap();
            inbox.take(&mut batch, Instant::now(), None).await;
            assert_eq!(batch, [0, 1, 2, 3, 4]);
            fifth.await.unwrap().unwrap();
            batch.clear();
            inbox.take(&mut batch, Instant::now(), None).await;
            assert_eq!(batch, [5]);
            sender.send_flow_of(usize::MAX, 7).await.unwrap();
        });
    }

    #[test]
    fn it_sleeps_until_its_time_and_no_longer() {
        let (sender, inbox) = channel::<u8>(1);
        let mut batch = Vec::new();
        runtime().block_on(inbox.take(&mut batch, Instant::now(), Some(Instant::now())));
        assert!(batch.is_empty());
        let other = std::thread::spawn(move || sender.send_now(7, true));
        runtime().block_on(inbox.take(&mut batch, Instant::now(), None));
        assert_eq!(batch, [7]);
        other.join().unwrap().unwrap();
    }

    #[test]
    fn a_flow_waits_for_the_rest_and_a_question_does_not() {
        let (sender, inbox) = channel(9);
        let mut batch = Vec::new();
        let began = Instant::now();
        let rest = began + std::time::Duration::from_millis(20);
        runtime().block_on(sender.send_flow(1)).unwrap();
        runtime().block_on(inbox.take(&mut batch, rest, None));
        assert!(batch == [1] && Instant::now() >= rest);
        batch.clear();
        runtime().block_on(sender.send_flow(2)).unwrap();
        runtime().block_on(sender.send(3)).unwrap();
        runtime().block_on(inbox.take(
            &mut batch,
            Instant::now() + std::time::Duration::from_secs(60),
            None,
        ));
        assert_eq!(batch, [2, 3]);
    }

    #[test]
    fn senders_learn_that_nobody_listens() {
        let (sender, inbox) = channel(1);
        drop(inbox);
        assert!(sender.send_now(1, true).is_err());
        assert!(runtime().block_on(sender.send(1)).is_err());
    }
}
