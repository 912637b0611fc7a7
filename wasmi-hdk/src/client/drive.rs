//! Who drives the plugin? Whoever is polled; who stops driving wakes another.
//!
//! Nothing that the embedder wrote is called while the lock is held, timers aside: a method of the
//! host may call the plugin, and a listener may tell it something.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::future::{AbortHandle, Aborted, abortable};
use futures::stream::{FuturesUnordered, Stream};
use wasmi_rpc::{ErrorCode, RequestId, RpcResult};

use super::{Said, Timer};
use crate::methods::{BoxFuture, HostMethods};
use crate::platform::Platform;
use crate::plugin::{CallId, Exit, Input, Output, Plugin};

#[cfg(not(target_family = "wasm"))]
type Listener = Box<dyn FnMut(Said) + Send>;
#[cfg(target_family = "wasm")]
type Listener = Box<dyn FnMut(Said)>;
type Requests = FuturesUnordered<BoxFuture<(RequestId, Result<RpcResult, Aborted>)>>;

/// What all clones of a client share.
pub(super) struct Shared {
    pub(super) methods: HostMethods,
    pub(super) platform: Arc<dyn Platform>,
    pub(super) timer: Arc<dyn Timer>,
    /// Apart from the state, which it may use.
    pub(super) listener: Mutex<Option<Listener>>,
    pub(super) state: Mutex<State>,
}

/// What changes.
pub(super) struct State {
    pub(super) plugin: Plugin,
    /// What the plugin asked for; whoever polls it takes it out meanwhile.
    pub(super) requests: Requests,
    /// Ends the work for a request that the plugin no longer wants answered.
    pub(super) aborts: BTreeMap<RequestId, AbortHandle>,
    pub(super) sleep: Option<(Duration, BoxFuture<()>)>,
    /// Set after a run that used up its budget: others have their turn before the next one.
    pub(super) turn: Option<BoxFuture<()>>,
    /// Everyone who waits for something; each is woken when another stops driving.
    pub(super) waiting: BTreeMap<u64, Option<Waker>>,
    pub(super) answers: BTreeMap<u64, RpcResult>,
    pub(super) next: u64,
    pub(super) exit: Option<Exit>,
}

/// What is to be done without the lock.
enum Next {
    /// It has been done.
    Poll,
    /// Nothing until a waker is called.
    Rest,
    Run(crate::Run),
    Tick,
    Handle {
        id: RequestId,
        method: String,
        params: wasmi_rpc::Params,
    },
    Say(Said),
    PollRequests(Requests),
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn input(&self, input: Input) {
        let now = self.platform.monotonic();
        self.lock().plugin.handle_input(now, input);
    }

    /// The loop rule: after each input, poll until the plugin says wait. Gives the thread
    /// back after each run that used up its budget.
    pub(super) fn drive(&self, me: u64, cx: &mut Context<'_>) {
        self.lock().remember(me, cx);
        // Whether what the plugin asked for has been polled since the last thing that happened.
        let mut polled = false;
        loop {
            let now = self.platform.monotonic();
            let next = self.lock().next(me, now, &*self.timer, polled, cx);
            polled = false;
            match next {
                Next::Poll => {}
                Next::Rest => return,
                Next::Run(run) => self.execute(run),
                Next::Tick => self.input(Input::Tick),
                Next::Handle { id, method, params } => {
                    let (answer, abort) = abortable(self.methods.call(&method, params));
                    let mut state = self.lock();
                    state.aborts.insert(id.clone(), abort);
                    state.requests.push(Box::pin(async move { (id, answer.await) }));
                }
                Next::Say(said) => self.say(said),
                Next::PollRequests(requests) => polled = self.poll_requests(requests, cx),
            }
        }
    }

    fn execute(&self, run: crate::Run) {
        let ran = run.execute();
        let busy = matches!(ran.step, crate::Step::Yielded);
        let turn = busy.then(|| self.timer.yield_now());
        let now = self.platform.monotonic();
        let mut state = self.lock();
        state.plugin.handle_input(now, Input::Ran(ran));
        state.turn = turn;
    }

    /// True when none of them is ready, so that only a waker brings news.
    fn poll_requests(&self, mut requests: Requests, cx: &mut Context<'_>) -> bool {
        let mut answers = Vec::new();
        while let Poll::Ready(Some(answer)) = Pin::new(&mut requests).poll_next(cx) {
            answers.push(answer);
        }
        let now = self.platform.monotonic();
        let mut state = self.lock();
        // What came in meanwhile has not been polled yet.
        let news = !answers.is_empty() || !state.requests.is_empty();
        requests.extend(std::mem::take(&mut state.requests));
        state.requests = requests;
        for (id, result) in answers {
            // Who was cancelled has been answered already, and the id may be another request's by now.
            if let Ok(result) = result {
                state.aborts.remove(&id);
                state.plugin.handle_input(now, Input::Respond { id, result });
            }
        }
        !news
    }

    fn say(&self, said: Said) {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listener) = &mut *listener {
            listener(said);
        }
    }
}

impl State {
    pub(super) fn join(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.waiting.insert(self.next, None);
        self.next
    }

    fn remember(&mut self, me: u64, cx: &Context<'_>) {
        if let Some(waker) = self.waiting.get_mut(&me) {
            *waker = Some(cx.waker().clone());
        }
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

    fn next(
        &mut self,
        me: u64,
        now: Duration,
        timer: &dyn Timer,
        polled: bool,
        cx: &mut Context<'_>,
    ) -> Next {
        if let Some(turn) = &mut self.turn {
            if turn.as_mut().poll(cx).is_pending() {
                return Next::Rest;
            }
            self.turn = None;
        }
        match self.plugin.poll_output(now) {
            Output::Run(run) => return Next::Run(run),
            Output::Answer { id: CallId(id), result } => self.answer(me, id, result),
            Output::Request { id, method, params } => return Next::Handle { id, method, params },
            Output::Cancelled { id } => {
                if let Some(abort) = self.aborts.remove(&id) {
                    abort.abort();
                }
                let result = Err(ErrorCode::Cancelled.object());
                self.plugin.handle_input(now, Input::Respond { id, result });
            }
            Output::Notification { method, params } => {
                return Next::Say(Said::Notification { method, params });
            }
            // Host functions of `Imports` that suspend need the sans-IO interface.
            Output::HostCall(_) => self.plugin.handle_input(now, Input::Stop),
            Output::Log(line) => return Next::Say(Said::Log(line)),
            Output::Fault(error) => return Next::Say(Said::Fault(error)),
            Output::Stopped(exit) => {
                self.exit = Some(exit.clone());
                self.wake_others(Some(me));
                return Next::Say(Said::Stopped(exit));
            }
            Output::Wait { .. } if !polled && !self.requests.is_empty() => {
                return Next::PollRequests(std::mem::take(&mut self.requests));
            }
            Output::Wait { until } => return self.rest(now, until, timer, cx),
        }
        Next::Poll
    }

    fn answer(&mut self, me: u64, id: u64, result: RpcResult) {
        let Some(waker) = self.waiting.get_mut(&id) else { return };
        self.answers.insert(id, result);
        if id != me
            && let Some(waker) = waker.take()
        {
            waker.wake();
        }
    }

    fn rest(
        &mut self,
        now: Duration,
        until: Option<Duration>,
        timer: &dyn Timer,
        cx: &mut Context<'_>,
    ) -> Next {
        let Some(until) = until else {
            self.sleep = None;
            return Next::Rest;
        };
        if self.sleep.as_ref().is_none_or(|(at, _)| *at != until) {
            self.sleep = Some((until, timer.sleep(until.saturating_sub(now))));
        }
        if let Some((_, sleep)) = &mut self.sleep
            && sleep.as_mut().poll(cx).is_ready()
        {
            self.sleep = None;
            return Next::Tick;
        }
        Next::Rest
    }
}
