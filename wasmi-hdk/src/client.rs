//! `plugin.call("add", (1, 2)).await`: the async convenience over [`Plugin`]'s two functions.
//!
//! No runtime is named here. Whoever awaits a call drives the plugin: a future that is polled
//! takes inputs in, executes guest slices, polls the host's methods, and leaves a waker. With
//! [`Client::serve`] in a task of its own, the plugin's timers and notifications go on while
//! nobody calls. Waiting for a time needs a timer, which the embedder brings: [`Timer`].

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::stream::{FuturesUnordered, Stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::to_raw_value;
use wasmi_rpc::{ErrorCode, ErrorObject, Params, RequestId, RpcResult};

use crate::error::LoadError;
use crate::instance::{InstanceConfig, Stats};
use crate::log::LogLine;
use crate::methods::{BoxFuture, HostMethods};
use crate::module::Module;
use crate::platform::Platform;
use crate::plugin::{CallId, Exit, Input, Output, Plugin};

/// Lets time pass; the embedder's runtime knows how.
pub trait Timer: Send + Sync {
    /// A future that is done after this time.
    fn sleep(&self, time: Duration) -> BoxFuture<()>;
}

/// What a plugin says without being asked.
#[derive(Debug)]
pub enum Said {
    /// A line of its log.
    Log(LogLine),
    /// A notification.
    Notification {
        /// The method.
        method: String,
        /// Array, object or nothing.
        params: Params,
    },
    /// It broke the protocol.
    Fault(wasmi_rpc::RpcError),
    /// It has ended.
    Stopped(Exit),
}

type Listener = Box<dyn FnMut(Said) + Send>;

/// A plugin to be called. Cheap to clone; all clones are the same plugin.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    plugin: Plugin,
    methods: HostMethods,
    platform: Arc<dyn Platform>,
    timer: Arc<dyn Timer>,
    listener: Option<Listener>,
    requests: FuturesUnordered<BoxFuture<(RequestId, RpcResult)>>,
    sleep: Option<(Duration, BoxFuture<()>)>,
    /// Everyone who waits for something; each is woken when another stops driving.
    waiting: BTreeMap<u64, Option<Waker>>,
    answers: BTreeMap<u64, RpcResult>,
    next: u64,
    exit: Option<Exit>,
}

impl Client {
    /// Starts a plugin with these methods of the host.
    ///
    /// # Errors
    ///
    /// When the guest cannot be started, or is no JSON-RPC plugin.
    pub fn new(
        module: &Module,
        config: InstanceConfig,
        methods: HostMethods,
        timer: Arc<dyn Timer>,
    ) -> Result<Self, LoadError> {
        let platform = config.platform.clone();
        let plugin = Plugin::new(module.name(), module, config)?;
        Ok(Self {
            shared: Arc::new(Mutex::new(Shared {
                plugin,
                methods,
                platform,
                timer,
                listener: None,
                requests: FuturesUnordered::new(),
                sleep: None,
                waiting: BTreeMap::new(),
                answers: BTreeMap::new(),
                next: 0,
                exit: None,
            })),
        })
    }

    /// Hears logs, notifications, faults and the end. Without it they are dropped.
    /// It must not use this client: it is called while the plugin is driven.
    pub fn on_said(&self, listener: impl FnMut(Said) + Send + 'static) {
        self.lock().listener = Some(Box::new(listener));
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls a method. Nothing happens before the future is polled. A future that is dropped
    /// cancels the call.
    pub fn call<R: DeserializeOwned>(&self, method: &str, params: impl Serialize) -> Call<R> {
        let stage = match write_params(&params) {
            Ok(params) => Stage::New { method: method.to_owned(), params, time: None },
            Err(error) => Stage::Refused(error),
        };
        Call { client: self.clone(), stage, result: PhantomData }
    }

    /// Tells the plugin something, when it is driven next.
    ///
    /// # Errors
    ///
    /// When the parameters cannot be written as JSON.
    pub fn notify(&self, method: &str, params: impl Serialize) -> Result<(), ErrorObject> {
        let params = write_params(&params)?;
        let method = method.to_owned();
        self.input(Input::Notify { method, params });
        Ok(())
    }

    /// Asks the plugin to end.
    pub fn stop(&self) {
        self.input(Input::Stop);
    }

    fn input(&self, input: Input) {
        let mut shared = self.lock();
        let now = shared.platform.monotonic();
        shared.plugin.handle_input(now, input);
        shared.wake_others(None);
    }

    /// What the guest has used so far.
    pub fn stats(&self) -> Stats {
        self.lock().plugin.stats()
    }

    /// Drives the plugin until it ends.
    pub fn serve(&self) -> Serve {
        Serve { client: self.clone(), id: None }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("plugin", &self.lock().plugin.name()).finish()
    }
}

fn write_params(params: &(impl Serialize + ?Sized)) -> Result<Params, ErrorObject> {
    let params = to_raw_value(params).map_err(|error| {
        ErrorCode::InvalidParams.with(format!("the parameters cannot be written: {error}"))
    })?;
    Ok((params.get() != "null").then_some(params))
}

/// A call that is not answered yet.
#[derive(Debug)]
pub struct Call<R> {
    client: Client,
    stage: Stage,
    result: PhantomData<fn() -> R>,
}

#[derive(Debug)]
enum Stage {
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
        let client = self.client.clone();
        let mut shared = client.lock();
        let id = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::New { method, params, time } => {
                let id = shared.join();
                let now = shared.platform.monotonic();
                let deadline = time.map(|time| now.saturating_add(time));
                let call = Input::Call { id: CallId(id), method, params, deadline };
                shared.plugin.handle_input(now, call);
                id
            }
            Stage::Waiting(id) => id,
            Stage::Refused(error) => return Poll::Ready(Err(error)),
            Stage::Done => return Poll::Pending,
        };
        if !shared.answers.contains_key(&id) {
            shared.drive(id, cx);
        }
        let Some(answer) = shared.answers.remove(&id) else {
            self.stage = Stage::Waiting(id);
            return Poll::Pending;
        };
        shared.leave(id);
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
            let mut shared = self.client.lock();
            let now = shared.platform.monotonic();
            shared.plugin.handle_input(now, Input::Cancel(CallId(id)));
            shared.answers.remove(&id);
            shared.leave(id);
        }
    }
}

/// Drives a plugin until it ends.
#[derive(Debug)]
pub struct Serve {
    client: Client,
    id: Option<u64>,
}

impl Future for Serve {
    type Output = Exit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Exit> {
        let client = self.client.clone();
        let mut shared = client.lock();
        let id = *self.id.get_or_insert_with(|| shared.join());
        shared.drive(id, cx);
        match shared.exit.clone() {
            Some(exit) => {
                shared.leave(id);
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
            self.client.lock().leave(id);
        }
    }
}

impl Shared {
    fn join(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.waiting.insert(self.next, None);
        self.next
    }

    /// Someone no longer drives: another must.
    fn leave(&mut self, id: u64) {
        self.waiting.remove(&id);
        self.wake_others(Some(id));
    }

    fn wake_others(&mut self, me: Option<u64>) {
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
    fn drive(&mut self, me: u64, cx: &mut Context<'_>) {
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

/// Runs a future to its end on this thread. `park` is called when there is nothing to do until
/// a waker is called: it may sleep a little, or turn an event loop.
pub fn block_on<F: Future>(future: F, mut park: impl FnMut(&Woken)) -> F::Output {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        while !woken.take() {
            park(&woken);
        }
    }
}

/// Says whether a future that [`block_on`] runs has been woken.
#[derive(Debug, Default)]
pub struct Woken(std::sync::atomic::AtomicBool);

impl Woken {
    /// True when the future wants to be polled.
    pub fn is_set(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Acquire)
    }

    fn take(&self) -> bool {
        self.0.swap(false, std::sync::atomic::Ordering::AcqRel)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, std::sync::atomic::Ordering::Release);
    }
}
