//! Bodies that come slowly. Over a satellite that is nature, and no harm as long as nobody else wants what they hold:
//! so they are not refused for it. But there is a list of them, and when it is full, or memory is wanted that they
//! hold, the slowest goes. Who sends nothing at all has gone, whoever wants what.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::{Instant, timeout_at},
};

use crate::bodies::SLOWEST;

/// A body is on the list after so long, and one second more for each [`SLOWEST`] bytes that came.
const WHOLE: Duration = Duration::from_secs(60);

/// Or when nothing came for so long.
const PAUSE: Duration = Duration::from_secs(20);

/// A client that sends nothing for so long has gone, or means harm.
pub(crate) const SILENCE: Duration = Duration::from_secs(60);

/// Bodies on the list, each of which holds a connection: half of those that one other machine may have (`listener`).
const MOST: usize = 64;

/// What was waited for does not come, or not before somebody else needs the place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooSlow;

/// The list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slow(Arc<Mutex<List>>);

#[derive(Debug, Default)]
struct List {
    last: u64,
    bodies: BTreeMap<u64, Listed>,
}

#[derive(Debug)]
struct Listed {
    began: Instant,
    length: usize,
    /// Its memory: here, so that it is free at once.
    room: Option<OwnedSemaphorePermit>,
    /// Dropped: it has to go.
    _stay: oneshot::Sender<()>,
}

/// One body on its way.
#[derive(Debug)]
pub(crate) struct Coming {
    slow: Slow,
    began: Instant,
    length: usize,
    /// Its memory, while it is not on the list.
    room: Option<OwnedSemaphorePermit>,
    listed: Option<(u64, oneshot::Receiver<()>)>,
}

impl Slow {
    fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the slowest of those go that hold memory; false: there is none.
    pub(crate) fn displace(&self) -> bool {
        self.list().displace(|body| body.room.is_some())
    }

    /// A body begins to come.
    pub(crate) fn begin(&self) -> Coming {
        let (began, slow) = (Instant::now(), self.clone());
        Coming { slow, began, length: 0, room: None, listed: None }
    }
}

impl List {
    fn displace(&mut self, may: impl Fn(&Listed) -> bool) -> bool {
        let now = Instant::now();
        let pace = |body: &Listed| {
            let waited = now.saturating_duration_since(body.began).as_millis().max(1);
            let length = u128::try_from(body.length).unwrap_or_default();
            length * 1_024_000 / waited
        };
        let slow = self.bodies.iter().filter(|(_, body)| may(body));
        let slowest = slow.map(|(id, body)| (pace(body), *id)).min();
        slowest.is_some_and(|(_, id)| self.bodies.remove(&id).is_some())
    }
}

impl Coming {
    /// Waits for what comes next.
    ///
    /// # Errors
    /// It has gone, or had to go.
    pub(crate) async fn wait<T>(&mut self, next: impl Future<Output = T>) -> Result<T, TooSlow> {
        let mut next = pin!(next);
        let now = Instant::now();
        if self.listed.is_none() {
            let behind = self.behind().min(now + PAUSE);
            if let Ok(came) = timeout_at(behind, &mut next).await {
                return Ok(came);
            }
            self.enlist();
        }
        let Some((_, gone)) = &mut self.listed else { return Err(TooSlow) };
        tokio::select! {
            biased;
            _ = gone => Err(TooSlow),
            came = timeout_at(now + SILENCE, next) => came.map_err(|_| TooSlow),
        }
    }

    /// So many bytes came, which hold this memory besides.
    pub(crate) fn came(&mut self, bytes: usize, more: Option<OwnedSemaphorePermit>) {
        self.length += bytes;
        let is_behind = Instant::now() > self.behind();
        if !is_behind {
            self.delist();
        }
        let mut list = self.slow.list();
        let listed = match &self.listed {
            Some((id, _)) => list.bodies.get_mut(id),
            None => None,
        };
        let room = match listed {
            Some(listed) => {
                listed.length = self.length;
                &mut listed.room
            }
            None => &mut self.room,
        };
        match (room, more) {
            (Some(room), Some(more)) => room.merge(more),
            (room, more) => *room = room.take().or(more),
        }
    }

    /// It is not kept.
    pub(crate) fn forget(&mut self) {
        if let Some((id, _)) = &self.listed
            && let Some(listed) = self.slow.list().bodies.get_mut(id)
        {
            listed.room = None;
        }
        self.room = None;
    }

    /// It is here: what it holds.
    pub(crate) fn finish(mut self) -> Option<OwnedSemaphorePermit> {
        self.delist();
        self.room.take()
    }

    /// When it is behind, if nothing more comes.
    fn behind(&self) -> Instant {
        let earned = u64::try_from(self.length / SLOWEST).unwrap_or_default();
        self.began + WHOLE + Duration::from_secs(earned)
    }

    /// Onto the list; of too many the slowest goes, perhaps this one.
    fn enlist(&mut self) {
        let (stay, gone) = oneshot::channel();
        let (began, length, room) = (self.began, self.length, self.room.take());
        let mut list = self.slow.list();
        list.last += 1;
        let id = list.last;
        list.bodies.insert(id, Listed { began, length, room, _stay: stay });
        if list.bodies.len() > MOST {
            list.displace(|_| true);
        }
        self.listed = Some((id, gone));
    }

    fn delist(&mut self) {
        // Of one that had to go there is nothing to take back, and it hears so at its next wait.
        if let Some((id, gone)) = self.listed.take() {
            match self.slow.list().bodies.remove(&id) {
                Some(listed) => self.room = listed.room,
                None => self.listed = Some((id, gone)),
            }
        }
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        if let Some((id, _)) = &self.listed {
            self.slow.list().bodies.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    /// A body of which a byte comes every ten seconds, until it has to go: how many came.
    async fn drips(slow: Slow, first: usize) -> usize {
        let mut body = slow.begin();
        body.came(first, None);
        let mut count = 0;
        while body.wait(sleep(Duration::from_secs(10))).await.is_ok() {
            body.came(1, None);
            count += 1;
        }
        count
    }

    #[tokio::test(start_paused = true)]
    async fn who_drips_stays_until_there_are_too_many_and_then_the_slowest_goes() {
        let slow = Slow::default();
        let slowest = tokio::spawn(drips(slow.clone(), 0));
        let others: Vec<_> = (1..MOST).map(|at| tokio::spawn(drips(slow.clone(), at))).collect();
        sleep(Duration::from_secs(3600)).await;
        assert!(!slowest.is_finished(), "an hour, as nobody else wants the place");
        let last = tokio::spawn(drips(slow.clone(), 100));
        sleep(WHOLE * 2).await;
        assert!(slowest.await.unwrap() > 360);
        assert!(others.iter().all(|other| !other.is_finished()) && !last.is_finished());
        assert_eq!(slow.list().bodies.len(), MOST);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_silent_is_not_waited_for() {
        let slow = Slow::default();
        let began = Instant::now();
        let mut body = slow.begin();
        assert_eq!(body.wait(pending::<()>()).await, Err(TooSlow));
        assert_eq!(began.elapsed(), SILENCE);
        drop(body);
        assert!(slow.list().bodies.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_caught_up_has_its_place_for_itself() {
        let slow = Slow::default();
        let mut body = slow.begin();
        body.wait(sleep(PAUSE * 2)).await.unwrap();
        assert_eq!(slow.list().bodies.len(), 1);
        body.came(1, None);
        assert!(slow.list().bodies.is_empty(), "a pause, and it is not behind");
    }
}
