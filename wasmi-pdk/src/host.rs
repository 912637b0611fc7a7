//! [`Host`]: calls to the other side, from inside a method or from a task of the plugin's own.

use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasmi_rpc::{CallError, RequestId, RpcError};

use crate::Result;
use crate::runtime::Shared;

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

    /// [`Host::call`] that ends with [`wasmi_rpc::ErrorCode::Timeout`] after this long; a time that
    /// no clock reaches is none.
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
            let deadline = limit.and_then(|limit| now.checked_add(limit));
            let id = shared.peer.borrow_mut().call_with(now, method, params, deadline)?;
            let RequestId::Number(id) = id else { return Err(RpcError::Closed) };
            shared.calls.borrow_mut().begin(id);
            Ok((id, shared))
        });
        let state = match started {
            Ok((id, shared)) => State::Waiting { id, shared },
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
    Waiting { id: u64, shared: Rc<Shared> },
    Failed(Option<RpcError>),
    Done,
}

impl<R: DeserializeOwned> Future for Call<R> {
    type Output = Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &mut self.state {
            State::Waiting { id, shared } => match shared.poll_call(*id, cx.waker()) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => return Poll::Pending,
            },
            State::Failed(error) => Err(error.take().unwrap_or(RpcError::Closed).into()),
            State::Done => Err(CallError::Closed.into()),
        };
        self.state = State::Done;
        Poll::Ready(outcome)
    }
}

impl<R> Drop for Call<R> {
    fn drop(&mut self) {
        if let State::Waiting { id, shared } = &self.state {
            shared.drop_call(*id);
        }
    }
}

/// What a host handle points to, for those who own the runtime.
pub(crate) fn host_of(shared: &Rc<Shared>) -> Host {
    Host(Rc::downgrade(shared))
}
