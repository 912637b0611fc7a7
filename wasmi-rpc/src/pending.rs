//! Who waits for which id: our calls in [`Outgoing`], the other end's requests in [`Incoming`].
//! Both are bounded. What is sent when something ends is decided in `peer.rs`.

use std::collections::VecDeque;
use std::time::Duration;

use crate::RequestId;

/// Our calls. Ids count up, so the table is sorted by itself.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    calls: VecDeque<Call>,
    waiting: usize,
    /// No deadline is earlier. May be too early after an answer: a look at the table mends it.
    earliest: Option<Duration>,
    last_id: u64,
    /// Calls given up lately: their answers may still come and are no fault.
    given_up: VecDeque<u64>,
}

#[derive(Debug)]
struct Call {
    id: u64,
    deadline: Option<Duration>,
    waits: bool,
}

/// How many given-up ids are remembered.
const REMEMBERED: usize = 64;

impl Outgoing {
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.last_id + 1
    }

    pub(crate) fn insert(&mut self, id: u64, deadline: Option<Duration>) {
        self.last_id = id;
        self.waiting += 1;
        self.calls.push_back(Call { id, deadline, waits: true });
        self.earliest = [self.earliest, deadline].into_iter().flatten().min();
    }

    /// Ends the waiting; `false` if nobody waited.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        match self.calls.front() {
            // Most answers are to the oldest call, which always waits.
            Some(oldest) if oldest.id == id => {
                self.calls.pop_front();
            }
            _ => {
                let found = self.calls.binary_search_by_key(&id, |call| call.id);
                let Some(call) = found.ok().and_then(|index| self.calls.get_mut(index)) else {
                    return false;
                };
                if !std::mem::replace(&mut call.waits, false) {
                    return false;
                }
            }
        }
        self.waiting -= 1;
        while self.calls.front().is_some_and(|call| !call.waits) {
            self.calls.pop_front();
        }
        // One call that never ends must not keep the ended ones behind it.
        if self.calls.len() > 2 * self.waiting + 16 {
            self.calls.retain(|call| call.waits);
        }
        if self.waiting == 0 {
            self.earliest = None;
        }
        true
    }

    pub(crate) fn give_up(&mut self, id: u64) -> bool {
        let waited = self.remove(id);
        if waited {
            if self.given_up.len() == REMEMBERED {
                self.given_up.pop_front();
            }
            self.given_up.push_back(id);
        }
        waited
    }

    /// Whether a late answer to this id was to be expected; true once.
    pub(crate) fn forget_given_up(&mut self, id: u64) -> bool {
        let found = self.given_up.iter().position(|known| *known == id);
        found.and_then(|index| self.given_up.remove(index)).is_some()
    }

    pub(crate) fn earliest(&self) -> Option<Duration> {
        self.earliest
    }

    /// The calls whose deadline is reached, oldest first; they go on waiting.
    pub(crate) fn expired(&mut self, now: Duration) -> Vec<u64> {
        if self.earliest.is_none_or(|earliest| earliest > now) {
            return Vec::new();
        }
        let waiting = self.calls.iter().filter(|call| call.waits);
        let (due, later): (Vec<&Call>, Vec<&Call>) =
            waiting.partition(|call| call.deadline.is_some_and(|deadline| deadline <= now));
        self.earliest = later.iter().filter_map(|call| call.deadline).min();
        due.into_iter().map(|call| call.id).collect()
    }

    /// Ends the waiting of all, oldest first.
    pub(crate) fn drain(&mut self) -> Vec<u64> {
        (self.waiting, self.earliest) = (0, None);
        self.calls.drain(..).filter(|call| call.waits).map(|call| call.id).collect()
    }
}

/// The other end's requests, and the batches that some of them belong to.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    requests: Vec<(RequestId, Option<usize>)>,
    batches: Vec<Option<Batch>>,
    /// Bytes of all open batches' answers.
    held: usize,
}

/// The answers of one batch, collected until the last is there (section 6).
#[derive(Debug, Default)]
struct Batch {
    waiting: usize,
    text: Vec<u8>,
}

impl Incoming {
    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(crate) fn contains(&self, id: &RequestId) -> bool {
        self.requests.iter().any(|(known, _)| known == id)
    }

    pub(crate) fn insert(&mut self, id: RequestId, batch: Option<usize>) {
        if let Some(batch) = self.batch(batch) {
            batch.waiting += 1;
        }
        self.requests.push((id, batch));
    }

    /// Ends the waiting; the batch it belongs to, if it waited.
    pub(crate) fn remove(&mut self, id: &RequestId) -> Option<Option<usize>> {
        // Most are answered before the next one comes.
        let (_, batch) = match self.requests.pop_if(|(known, _)| known == id) {
            Some(last) => last,
            None => {
                let index = self.requests.iter().position(|(known, _)| known == id)?;
                self.requests.remove(index)
            }
        };
        if let Some(batch) = self.batch(batch) {
            batch.waiting -= 1;
        }
        Some(batch)
    }

    /// Opens a batch, which counts as waiting until [`Incoming::close_batch`].
    pub(crate) fn open_batch(&mut self) -> usize {
        let batch = Some(Batch { waiting: 1, text: Vec::new() });
        if let Some(index) = self.batches.iter().position(Option::is_none) {
            self.batches[index] = batch;
            return index;
        }
        self.batches.push(batch);
        self.batches.len() - 1
    }

    /// All entries of the batch are seen.
    pub(crate) fn close_batch(&mut self, index: usize) {
        if let Some(batch) = self.batch(Some(index)) {
            batch.waiting -= 1;
        }
    }

    /// Bytes of answers that wait for others of their batch.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Keeps an answer until its batch is complete; `false`, and nothing is kept, if the open
    /// batches would then hold more than `limit` bytes together.
    pub(crate) fn hold(&mut self, index: usize, answer: &[u8], limit: usize) -> bool {
        let bytes = answer.len().saturating_add(1);
        let held = self.held.saturating_add(bytes);
        if held > limit {
            return false;
        }
        if let Some(Batch { text, .. }) = self.batch(Some(index)) {
            text.push(if text.is_empty() { b'[' } else { b',' });
            text.extend_from_slice(answer);
            self.held = held;
        }
        true
    }

    /// The array of answers, if it is complete; empty text if there is nothing to answer.
    pub(crate) fn take_complete(&mut self, index: usize) -> Option<Vec<u8>> {
        let slot = self.batches.get_mut(index)?;
        slot.as_ref().filter(|batch| batch.waiting == 0)?;
        let mut text = slot.take()?.text;
        self.held = self.held.saturating_sub(text.len());
        if !text.is_empty() {
            text.push(b']');
        }
        Some(text)
    }

    fn batch(&mut self, index: Option<usize>) -> Option<&mut Batch> {
        self.batches.get_mut(index?)?.as_mut()
    }
}
