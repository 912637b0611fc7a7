//! [`Host`]: calls to the other side, from inside a method or from a task of the plugin's own.

use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasmi_rpc::{CallError, RawValue, RequestId, RpcError};

use crate::runtime::Shared;
use crate::{Error, Result};

/// The host, as seen by the plugin. Clones are the same host.
#[derive(Clone)]
pub struct Host(pub(crate) Weak<Shared>);

impl Host {
    /// Calls a method of the host. Any number of calls may be under way at once; dropping the
    /// future takes the call back.
    ///
    /// `params` must serialise to an array, an object or null: write one value as `(value,)`.
    pub fn call<R: DeserializeOwned>(&self, method: &str, params: impl Serialize) -> Call<R> {
        self.start(method, &params, None)
    }

    /// [`Host::call`] that ends with [`wasmi_rpc::ErrorCode::Timeout`] after this long.
    pub fn call_within<R: DeserializeOwned>(
        &self,
        limit: Duration,
        method: &str,
        params: impl Serialize,
    ) -> Call<R> {
        self.start(method, &params, Some(limit))
    }

    /// Tells the host something.
    ///
    /// # Errors
    /// When the message cannot be written: `params` of a wrong kind, or too large.
    pub fn notify(&self, method: &str, params: impl Serialize) -> Result<()> {
        let shared = self.0.upgrade().ok_or(RpcError::Closed)?;
        let sent = shared.peer.borrow_mut().notify_with(method, &params);
        Ok(sent?)
    }

    /// Runs a task beside the methods, from the next turn on.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        if let Some(shared) = self.0.upgrade() {
            shared.spawned.borrow_mut().push(Box::pin(task));
        }
    }

    fn start<R>(&self, method: &str, params: &impl Serialize, limit: Option<Duration>) -> Call<R> {
        let started = self.0.upgrade().ok_or(RpcError::Closed).and_then(|shared| {
            let now = shared.time_for(limit);
            let deadline = limit.map(|limit| now + limit);
            let id = shared.peer.borrow_mut().call_with(now, method, params, deadline)?;
            shared.calls.borrow_mut().begin(&id);
            Ok(id)
        });
        let state = match started {
            Ok(id) => State::Waiting { id, shared: self.0.clone() },
            Err(error) => State::Failed(Some(error)),
        };
        Call { state, result: PhantomData }
    }
}

/// The future of [`Host::call`].
#[must_use = "a call whose future is dropped is taken back"]
pub struct Call<R> {
    state: State,
    result: PhantomData<fn() -> R>,
}

enum State {
    Waiting { id: RequestId, shared: Weak<Shared> },
    Failed(Option<RpcError>),
    Done,
}

impl<R: DeserializeOwned> Future for Call<R> {
    type Output = Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_text(cx.waker()).map(|text| Ok(serde_json::from_str(text?.get())?))
    }
}

impl<R> Call<R> {
    fn poll_text(&mut self, waker: &Waker) -> Poll<Result<Box<RawValue>>> {
        let answer = match &mut self.state {
            State::Waiting { id, shared } => match shared.upgrade() {
                Some(shared) => match shared.calls.borrow_mut().poll(id, waker) {
                    Some(result) => result.map_err(Error::from),
                    None => return Poll::Pending,
                },
                None => Err(CallError::Closed.into()),
            },
            State::Failed(error) => Err(error.take().unwrap_or(RpcError::Closed).into()),
            State::Done => Err(CallError::Closed.into()),
        };
        self.state = State::Done;
        Poll::Ready(answer)
    }
}

impl<R> Drop for Call<R> {
    fn drop(&mut self) {
        if let State::Waiting { id, shared } = &self.state
            && let Some(shared) = shared.upgrade()
        {
            shared.calls.borrow_mut().forget(id);
            shared.peer.borrow_mut().cancel(id);
        }
    }
}

/// Calls under way, sorted by id because ids count up.
#[derive(Default)]
pub(crate) struct Calls(Vec<(RequestId, Waiting)>);

enum Waiting {
    New,
    Polled(Waker),
    Answered(Result<Box<RawValue>, CallError>),
}

impl Calls {
    fn begin(&mut self, id: &RequestId) {
        self.0.push((id.clone(), Waiting::New));
    }

    fn find(&self, id: &RequestId) -> Option<usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(id)).ok()
    }

    pub(crate) fn answer(&mut self, id: &RequestId, result: Result<Box<RawValue>, CallError>) {
        let Some(index) = self.find(id) else { return };
        if let Waiting::Polled(waker) =
            std::mem::replace(&mut self.0[index].1, Waiting::Answered(result))
        {
            waker.wake();
        }
    }

    fn poll(&mut self, id: &RequestId, waker: &Waker) -> Option<Result<Box<RawValue>, CallError>> {
        let Some(index) = self.find(id) else { return Some(Err(CallError::Closed)) };
        match &mut self.0[index].1 {
            Waiting::Answered(_) => match self.0.remove(index).1 {
                Waiting::Answered(result) => Some(result),
                _ => None,
            },
            waiting => {
                *waiting = Waiting::Polled(waker.clone());
                None
            }
        }
    }

    fn forget(&mut self, id: &RequestId) {
        if let Some(index) = self.find(id) {
            self.0.remove(index);
        }
    }
}

/// What a host handle points to, for those who own the runtime.
pub(crate) fn host_of(shared: &Rc<Shared>) -> Host {
    Host(Rc::downgrade(shared))
}
