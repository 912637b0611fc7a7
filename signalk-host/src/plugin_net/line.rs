//! Requests that wait for their turn (`rateLimit`): one queue for each name, of one life of a plugin.
//!
//! How many turns there are is `signalk_bridge::Turns`. Who is first in the queue waits for the next one; who goes away
//! while it waits takes none. Who has a turn finds at most so many others on their way, so that a slow server does not
//! pile them up.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, PoisonError},
};

use futures::FutureExt;
use signalk_bridge::{RateLimit, Turns};
use tokio::{
    sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

/// Names of one plugin whose turns are counted at once.
const MOST_NAMES: usize = 64;
/// Requests with turns that are on their way at once; as many without.
const AT_ONCE: usize = 16;

/// The queues.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    began: Instant,
    by_name: Arc<std::sync::Mutex<BTreeMap<String, Arc<Mutex<Turns>>>>>,
    at_once: Arc<Semaphore>,
}

/// A place in a queue.
pub(super) struct Line {
    limit: RateLimit,
    began: Instant,
    turns: Arc<Mutex<Turns>>,
    /// The first turn: its place was taken when the request was made.
    first: Option<First>,
    at_once: Arc<Semaphore>,
}

type First = Pin<Box<dyn Future<Output = OwnedMutexGuard<Turns>> + Send>>;

/// A turn: while it lives, one of few.
pub(super) struct Turn(#[expect(dead_code, reason = "gives its place back")] OwnedSemaphorePermit);

impl Lines {
    /// Nobody waits.
    pub(super) fn new() -> Lines {
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        Lines { began: Instant::now(), by_name: Arc::default(), at_once }
    }

    /// The last place of a queue; `server` names it when the plugin has not.
    ///
    /// # Errors
    ///
    /// In words: there are too many queues.
    pub(super) fn place(&self, limit: RateLimit, server: &str) -> Result<Line, String> {
        let mut all = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.began.elapsed();
        let is_over = |turns: &Arc<Mutex<Turns>>| {
            Arc::strong_count(turns) == 1 && turns.try_lock().is_ok_and(|turns| turns.is_over(now))
        };
        let name = limit.name.clone().unwrap_or_else(|| server.to_owned());
        if !all.contains_key(&name) {
            all.retain(|_, turns| !is_over(turns));
            if all.len() >= MOST_NAMES {
                return Err(format!(
                    "busy: the turns of {MOST_NAMES} names or servers are counted; give several of them one name in `rateLimit`, or wait"
                ));
            }
        }
        let turns = Arc::clone(all.entry(name).or_default());
        let mut first: First = Box::pin(Arc::clone(&turns).lock_owned());
        // It is in the queue from its first look on; a lock that it got at once would be lost with that look.
        let first = match first.as_mut().now_or_never() {
            Some(lock) => Box::pin(std::future::ready(lock)),
            None => first,
        };
        let at_once = Arc::clone(&self.at_once);
        Ok(Line { limit, began: self.began, turns, first: Some(first), at_once })
    }
}

impl Line {
    /// Waits for a turn, and takes it.
    pub(super) async fn turn(&mut self) -> Option<Turn> {
        let mut turns = match self.first.take() {
            Some(first) => first.await,
            None => Arc::clone(&self.turns).lock_owned().await,
        };
        sleep_until(self.began + turns.due(&self.limit)).await;
        let place = Arc::clone(&self.at_once).acquire_owned().await.ok()?;
        turns.take(&self.limit, self.began.elapsed());
        Some(Turn(place))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::*;

    fn limit(turns: usize, seconds: u64) -> RateLimit {
        RateLimit { turns, time: Duration::from_secs(seconds), name: None }
    }

    /// The second in which each has its turn.
    async fn seconds(lines: Vec<Line>, began: Instant) -> Vec<(usize, u64)> {
        let (sender, mut told) = mpsc::unbounded_channel();
        for (number, mut line) in lines.into_iter().enumerate() {
            let sender = sender.clone();
            tokio::spawn(async move {
                let _turn = line.turn().await;
                let _ = sender.send((number, began.elapsed().as_secs()));
            });
        }
        drop(sender);
        let mut all = Vec::new();
        while let Some(turn) = told.recv().await {
            all.push(turn);
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_in_the_order_in_which_they_are_asked_for() {
        let lines = Lines::new();
        let all: Vec<_> = (0..5).map(|_| lines.place(limit(2, 10), "a").unwrap()).collect();
        assert_eq!(seconds(all, lines.began).await, [(0, 0), (1, 0), (2, 10), (3, 10), (4, 20)]);
        let other = vec![lines.place(limit(2, 10), "b").unwrap()];
        assert_eq!(seconds(other, lines.began).await, [(0, 20)], "another name waits for nobody");
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_takes_no_turn() {
        let lines = Lines::new();
        let mut all: Vec<_> = (0..4).map(|_| lines.place(limit(1, 10), "a").unwrap()).collect();
        drop((all.remove(0), all.remove(1)));
        assert_eq!(seconds(all, lines.began).await, [(0, 0), (1, 10)]);
    }

    #[tokio::test(start_paused = true)]
    async fn few_are_on_their_way_at_once_and_names_are_bounded() {
        let lines = Lines::new();
        let mut first = lines.place(limit(1000, 1), "a").unwrap();
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
            held.push(first.turn().await.unwrap());
        }
        assert!(first.turn().now_or_never().is_none());
        held.pop();
        let mut next = lines.place(limit(1000, 1), "a").unwrap();
        assert!(next.turn().await.is_some());
        for number in 1..MOST_NAMES {
            let mut line = lines.place(limit(1, 60), &number.to_string()).unwrap();
            held.pop();
            drop(line.turn().await);
        }
        let refused = lines.place(limit(1, 1), "one more").err().unwrap();
        assert!(refused.starts_with("busy: the turns of 64 names"), "{refused}");
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert!(lines.place(limit(1, 1), "one more").is_ok(), "those before do not count any more");
    }
}
