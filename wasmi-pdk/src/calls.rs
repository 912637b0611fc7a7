//! Calls to the host that are under way: who waits for which answer, and where the answer is.
//! An answer that has just been read stays where it is in the input, so that who waits for it reads
//! it once, without a copy; what nobody takes in the same turn is copied by [`Shared::settle`].

use std::ops::Range;
use std::task::{Poll, Waker};

use serde::de::DeserializeOwned;
use wasmi_rpc::{CallError, RawValue};

use crate::runtime::Shared;
use crate::{Error, Result};

/// Sorted by id because ids count up.
#[derive(Default)]
pub(crate) struct Calls {
    waiting: Vec<(u64, Waiting)>,
    /// How many have arrived.
    arrived: usize,
}

enum Waiting {
    New,
    Polled(Waker),
    Arrived(Arrival),
    Answered(Result<Box<RawValue>, CallError>),
}

/// Where in the input an answer is.
#[derive(Clone)]
pub(crate) struct Arrival {
    pub(crate) line: Range<usize>,
    pub(crate) result: Range<usize>,
}

/// What a call comes to.
enum Answer {
    /// Nobody has read it, and the peer has not accepted it.
    Arrived(Arrival),
    Read(Result<Box<RawValue>, CallError>),
}

impl Calls {
    pub(crate) fn begin(&mut self, id: u64) {
        self.waiting.push((id, Waiting::New));
    }

    fn find(&self, id: u64) -> Option<usize> {
        // Most of the time one call waits, or the oldest is answered first.
        match self.waiting.first() {
            Some((oldest, _)) if *oldest == id => Some(0),
            _ => self.waiting.binary_search_by_key(&id, |(known, _)| *known).ok(),
        }
    }

    /// Notes where the answer is, and wakes who waits for it; `false` if it has one already.
    pub(crate) fn arrive(&mut self, id: u64, arrival: Arrival) -> bool {
        let Some(index) = self.find(id) else { return false };
        let waiting = &mut self.waiting[index].1;
        if matches!(waiting, Waiting::Arrived(_) | Waiting::Answered(_)) {
            return false;
        }
        if let Waiting::Polled(waker) = std::mem::replace(waiting, Waiting::Arrived(arrival)) {
            waker.wake();
        }
        self.arrived += 1;
        true
    }

    /// Any end of a call but an arrival.
    pub(crate) fn answer(&mut self, id: u64, result: Result<Box<RawValue>, CallError>) {
        let Some(index) = self.find(id) else { return };
        let waiting = std::mem::replace(&mut self.waiting[index].1, Waiting::Answered(result));
        if let Waiting::Polled(waker) = waiting {
            waker.wake();
        }
    }

    /// The answer, if there is one; the call is over then.
    fn poll(&mut self, id: u64, waker: &Waker) -> Option<Answer> {
        let Some(index) = self.find(id) else { return Some(Answer::Read(Err(CallError::Closed))) };
        let waiting = &mut self.waiting[index].1;
        if matches!(waiting, Waiting::New | Waiting::Polled(_)) {
            *waiting = Waiting::Polled(waker.clone());
            return None;
        }
        self.end(index)
    }

    /// Forgets a call; its answer, if it has one.
    fn forget(&mut self, id: u64) -> Option<Answer> {
        let index = self.find(id)?;
        self.end(index)
    }

    fn end(&mut self, index: usize) -> Option<Answer> {
        match self.waiting.remove(index).1 {
            Waiting::Arrived(arrival) => {
                self.arrived -= 1;
                Some(Answer::Arrived(arrival))
            }
            Waiting::Answered(result) => Some(Answer::Read(result)),
            Waiting::New | Waiting::Polled(_) => None,
        }
    }

    /// Puts a call back whose answer was none.
    fn go_on(&mut self, id: u64, waiting: Waiting) {
        let index = self.waiting.partition_point(|(known, _)| *known < id);
        self.waiting.insert(index, (id, waiting));
    }

    fn next_arrived(&self) -> Option<u64> {
        let arrived = |waiting: &Waiting| matches!(waiting, Waiting::Arrived(_));
        self.waiting.iter().find(|(_, waiting)| arrived(waiting)).map(|(id, _)| *id)
    }
}

impl Shared {
    /// The answer of a call, read as what it should be; the call is over then.
    pub(crate) fn poll_call<R: DeserializeOwned>(&self, id: u64, waker: &Waker) -> Poll<Result<R>> {
        let answer = self.calls.borrow_mut().poll(id, waker);
        match answer {
            None => Poll::Pending,
            Some(Answer::Arrived(arrival)) => {
                let read = serde_json::from_slice(part(&self.input.borrow(), &arrival.result));
                match read {
                    Ok(result) => {
                        self.peer.borrow_mut().accept(id);
                        Poll::Ready(Ok(result))
                    }
                    Err(error) => self.misread(id, &arrival, waker).map(|()| Err(error.into())),
                }
            }
            Some(Answer::Read(Ok(result))) => {
                // From bytes as above: the code for reading a type is there once.
                Poll::Ready(serde_json::from_slice(result.get().as_bytes()).map_err(Error::from))
            }
            Some(Answer::Read(Err(error))) => Poll::Ready(Err(error.into())),
        }
    }

    /// An answer is not what it should be. If it is no JSON either, the call may go on.
    fn misread(&self, id: u64, arrival: &Arrival, waker: &Waker) -> Poll<()> {
        if self.settle_one(id, arrival).is_some() {
            return Poll::Ready(());
        }
        self.calls.borrow_mut().go_on(id, Waiting::Polled(waker.clone()));
        Poll::Pending
    }

    /// Takes a call back, unless it is over.
    pub(crate) fn drop_call(&self, id: u64) {
        let answer = self.calls.borrow_mut().forget(id);
        if let Some(Answer::Arrived(arrival)) = answer {
            self.settle_one(id, &arrival);
        }
        self.peer.borrow_mut().cancel(&id.into());
    }

    /// Takes out of the input what has arrived and nobody has read.
    #[inline]
    pub(crate) fn settle(&self) {
        if self.calls.borrow().arrived > 0 {
            self.settle_all();
        }
    }

    fn settle_all(&self) {
        loop {
            let mut calls = self.calls.borrow_mut();
            let Some(id) = calls.next_arrived() else { return };
            let Some(Answer::Arrived(arrival)) = calls.forget(id) else { return };
            let waiting = match self.settle_one(id, &arrival) {
                Some(result) => Waiting::Answered(Ok(result)),
                None => Waiting::New,
            };
            calls.go_on(id, waiting);
        }
    }

    /// Ends a call whose answer nobody has read. `None` if that is not even JSON: then the peer
    /// decides what the line means.
    fn settle_one(&self, id: u64, arrival: &Arrival) -> Option<Box<RawValue>> {
        let input = self.input.borrow();
        let mut peer = self.peer.borrow_mut();
        match serde_json::from_slice::<&RawValue>(part(&input, &arrival.result)) {
            Ok(result) => {
                peer.accept(id);
                Some(result.to_owned())
            }
            Err(_) => {
                peer.refuse(part(&input, &arrival.line));
                None
            }
        }
    }
}

fn part<'a>(input: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    input.get(range.clone()).unwrap_or_default()
}
