//! The way to the core's thread: a bounded queue that tasks wait for and that one thread empties at once.
//!
//! Not tokio's channel: its receiver would sleep on the runtime's timer, and every deadline set from another thread wakes a
//! worker. Here the core's thread sleeps on its own, and a message costs one waking at most.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::Semaphore;

/// The core has stopped: nobody listens any more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopped;

/// The sending half.
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// The receiving half. Dropped, nothing more can be sent.
pub(crate) struct Inbox<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
    room: Semaphore,
}

struct State<T> {
    messages: Vec<T>,
    /// How many of them took room.
    took_room: usize,
    /// The receiver sleeps.
    asleep: bool,
    stopped: bool,
}

/// A queue that holds so many messages before senders wait.
pub(crate) fn channel<T>(room: usize) -> (Sender<T>, Inbox<T>) {
    let state = State { messages: Vec::new(), took_room: 0, asleep: false, stopped: false };
    let shared =
        Shared { state: Mutex::new(state), ready: Condvar::new(), room: Semaphore::new(room) };
    let shared = Arc::new(shared);
    (Sender(Arc::clone(&shared)), Inbox(shared))
}

impl<T> Sender<T> {
    /// Waits for room.
    pub(crate) async fn send(&self, message: T) -> Result<(), Stopped> {
        self.0.room.acquire().await.map_err(|_| Stopped)?.forget();
        self.push(message, true)
    }

    /// Does not wait: for the results of the core's own wishes, of which there are few. It has asked for them.
    pub(crate) fn send_now(&self, message: T) -> Result<(), Stopped> {
        self.push(message, false)
    }

    fn push(&self, message: T, took_room: bool) -> Result<(), Stopped> {
        let mut state = self.0.lock();
        if state.stopped {
            return Err(Stopped);
        }
        state.messages.push(message);
        state.took_room += usize::from(took_room);
        let asleep = std::mem::take(&mut state.asleep);
        drop(state);
        if asleep {
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
    /// Everything that waits, into an empty `batch`; sleeps until there is something or it is `until`.
    pub(crate) fn take(&self, batch: &mut Vec<T>, until: Option<Instant>) {
        let mut state = self.0.lock();
        while state.messages.is_empty() {
            let pause = until.map(|until| until.saturating_duration_since(Instant::now()));
            if pause.is_some_and(|pause| pause.is_zero()) {
                break;
            }
            state.asleep = true;
            state = match pause {
                None => self.0.ready.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(pause) => {
                    self.0
                        .ready
                        .wait_timeout(state, pause)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
        state.asleep = false;
        std::mem::swap(&mut state.messages, batch);
        let took_room = std::mem::take(&mut state.took_room);
        drop(state);
        self.0.room.add_permits(took_room);
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.stopped = true;
        // Whoever waits for an answer inside a message learns that none comes.
        let messages = std::mem::take(&mut state.messages);
        drop(state);
        self.0.room.close();
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
            sender.send_now(3).unwrap();
            inbox.take(&mut batch, None);
            assert_eq!(batch, [1, 2, 3]);
            third.await.unwrap().unwrap();
        });
        batch.clear();
        inbox.take(&mut batch, None);
        assert_eq!(batch, [4]);
    }

    #[test]
    fn it_sleeps_until_its_time_and_no_longer() {
        let (sender, inbox) = channel::<u8>(1);
        let mut batch = Vec::new();
        inbox.take(&mut batch, Some(Instant::now()));
        assert!(batch.is_empty());
        let other = std::thread::spawn(move || sender.send_now(7));
        inbox.take(&mut batch, None);
        assert_eq!(batch, [7]);
        other.join().unwrap().unwrap();
    }

    #[test]
    fn senders_learn_that_nobody_listens() {
        let (sender, inbox) = channel(1);
        drop(inbox);
        assert!(sender.send_now(1).is_err());
        assert!(runtime().block_on(sender.send(1)).is_err());
    }
}
