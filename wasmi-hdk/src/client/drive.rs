//! Who drives the plugin? Whoever is polled; who stops driving wakes another.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::stream::{FuturesUnordered, Stream};
use wasmi_rpc::{ErrorCode, RequestId, RpcResult};

use super::{Said, Timer};
use crate::methods::{BoxFuture, HostMethods};
use crate::platform::Platform;
use crate::plugin::{CallId, Exit, Input, Output, Plugin};

type Listener = Box<dyn FnMut(Said) + Send>;

/// What all clones of a client share.
pub(super) struct Shared {
    pub(super) plugin: Plugin,
    pub(super) methods: HostMethods,
    pub(super) platform: Arc<dyn Platform>,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) listener: Option<Listener>,
    pub(super) requests: FuturesUnordered<BoxFuture<(RequestId, RpcResult)>>,
    pub(super) sleep: Option<(Duration, BoxFuture<()>)>,
    /// Everyone who waits for something; each is woken when another stops driving.
    pub(super) waiting: BTreeMap<u64, Option<Waker>>,
    pub(super) answers: BTreeMap<u64, RpcResult>,
    pub(super) next: u64,
    pub(super) exit: Option<Exit>,
}

impl Shared {
    pub(super) fn join(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.waiting.insert(self.next, None);
        self.next
    }

    /// Someone no longer drives: another must.
    pub(super) fn leave(&mut self, id: u64) {
        self.waiting.remove(&id);
        self.wake_others(Some(id));
    }

    pub(super) fn wake_others(&mut self, me: Option<u64>) {
        for (id, waker) in &mut self.waiting {
            if me != Some(*id)
                && let Some(waker) = waker.take()
            {
                waker.wake();
            }
        }
    }

    /// The loop rule: after each input, poll until the plugin says wait. Gives the thread
    /// back after each run that used up its budget.
    pub(super) fn drive(&mut self, me: u64, cx: &mut Context<'_>) {
        if let Some(waker) = self.waiting.get_mut(&me) {
            *waker = Some(cx.waker().clone());
        }
        loop {
            let now = self.platform.monotonic();
            match self.plugin.poll_output(now) {
                Output::Run(run) => {
                    let ran = run.execute();
                    let busy = matches!(ran.step, crate::Step::Yielded);
                    let now = self.platform.monotonic();
                    self.plugin.handle_input(now, Input::Ran(ran));
                    if busy {
                        cx.waker().wake_by_ref();
                        return;
                    }
                }
                Output::Answer { id: CallId(id), result } => {
                    if let Some(waker) = self.waiting.get_mut(&id) {
                        self.answers.insert(id, result);
                        if id != me
                            && let Some(waker) = waker.take()
                        {
                            waker.wake();
                        }
                    }
                }
                Output::Request { id, method, params } => {
                    let answer = self.methods.call(&method, params);
                    self.requests.push(Box::pin(async move { (id, answer.await) }));
                }
                Output::Cancelled { id } => {
                    let result = Err(ErrorCode::Cancelled.object());
                    self.plugin.handle_input(now, Input::Respond { id, result });
                }
                Output::Notification { method, params } => {
                    self.say(Said::Notification { method, params });
                }
                // Host functions of `Imports` that suspend need the sans-IO interface.
                Output::HostCall(_) => self.plugin.handle_input(now, Input::Stop),
                Output::Log(line) => self.say(Said::Log(line)),
                Output::Fault(error) => self.say(Said::Fault(error)),
                Output::Stopped(exit) => {
                    self.exit = Some(exit.clone());
                    self.say(Said::Stopped(exit));
                    self.wake_others(Some(me));
                }
                Output::Wait { until } => {
                    if !self.wait(now, until, cx) {
                        return;
                    }
                }
            }
        }
    }

    /// True when something has come that the plugin must hear.
    fn wait(&mut self, now: Duration, until: Option<Duration>, cx: &mut Context<'_>) -> bool {
        let mut came = false;
        while let Poll::Ready(Some((id, result))) = Pin::new(&mut self.requests).poll_next(cx) {
            self.plugin.handle_input(now, Input::Respond { id, result });
            came = true;
        }
        if came {
            return true;
        }
        let Some(until) = until else {
            self.sleep = None;
            return false;
        };
        if self.sleep.as_ref().is_none_or(|(at, _)| *at != until) {
            self.sleep = Some((until, self.timer.sleep(until.saturating_sub(now))));
        }
        if let Some((_, sleep)) = &mut self.sleep
            && sleep.as_mut().poll(cx).is_ready()
        {
            self.sleep = None;
            self.plugin.handle_input(self.platform.monotonic(), Input::Tick);
            return true;
        }
        false
    }

    fn say(&mut self, said: Said) {
        if let Some(listener) = &mut self.listener {
            listener(said);
        }
    }
}
