//! Who awaits? A call its answer, `serve` the end.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::de::DeserializeOwned;
use wasmi_rpc::{ErrorCode, ErrorObject, Params};

use super::Client;
use crate::plugin::{CallId, Exit, Input};

/// A call that is not answered yet.
#[derive(Debug)]
pub struct Call<R> {
    pub(super) client: Client,
    pub(super) stage: Stage,
    pub(super) result: PhantomData<fn() -> R>,
}

#[derive(Debug)]
pub(super) enum Stage {
    New { method: String, params: Params, time: Option<Duration> },
    Refused(ErrorObject),
    Waiting(u64),
    Done,
}

impl<R> Call<R> {
    /// Gives up after this time, counted from the first poll.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        if let Stage::New { time, .. } = &mut self.stage {
            *time = Some(limit);
        }
        self
    }
}

impl<R: DeserializeOwned> Future for Call<R> {
    type Output = Result<R, ErrorObject>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let shared = self.client.shared.clone();
        let id = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::New { method, params, time } => {
                let id = shared.lock().join();
                let now = shared.platform.monotonic();
                let deadline = time.map(|time| now.saturating_add(time));
                shared.input(Input::Call { id: CallId(id), method, params, deadline });
                id
            }
            Stage::Waiting(id) => id,
            Stage::Refused(error) => return Poll::Ready(Err(error)),
            Stage::Done => return Poll::Pending,
        };
        let answered = shared.lock().answers.contains_key(&id);
        if !answered {
            shared.drive(id, cx);
        }
        let mut state = shared.lock();
        let Some(answer) = state.answers.remove(&id) else {
            self.stage = Stage::Waiting(id);
            return Poll::Pending;
        };
        state.leave(id);
        drop(state);
        Poll::Ready(answer.and_then(|answer| {
            serde_json::from_str(answer.get()).map_err(|error| {
                ErrorCode::InternalError.with(format!("the answer does not fit: {error}"))
            })
        }))
    }
}

impl<R> Drop for Call<R> {
    fn drop(&mut self) {
        if let Stage::Waiting(id) = self.stage {
            let shared = &self.client.shared;
            shared.input(Input::Cancel(CallId(id)));
            let mut state = shared.lock();
            state.answers.remove(&id);
            state.leave(id);
        }
    }
}

/// Drives a plugin until it ends.
#[derive(Debug)]
pub struct Serve {
    pub(super) client: Client,
    pub(super) id: Option<u64>,
}

impl Future for Serve {
    type Output = Exit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Exit> {
        let shared = self.client.shared.clone();
        let id = *self.id.get_or_insert_with(|| shared.lock().join());
        shared.drive(id, cx);
        let mut state = shared.lock();
        match state.exit.clone() {
            Some(exit) => {
                state.leave(id);
                self.id = None;
                Poll::Ready(exit)
            }
            None => Poll::Pending,
        }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.client.shared.lock().leave(id);
        }
    }
}
