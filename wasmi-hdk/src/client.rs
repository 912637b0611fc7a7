//! `plugin.call("add", (1, 2)).await`: the async convenience over [`Plugin`]'s two functions.
//!
//! No runtime is named here. Whoever awaits a call drives the plugin: a future that is polled
//! takes inputs in, executes guest slices, polls the host's methods, and leaves a waker. With
//! [`Client::serve`] in a task of its own, the plugin's timers and notifications go on while
//! nobody calls. Waiting for a time needs a timer, which the embedder brings: [`Timer`].
//!
//! | File | Question it answers |
//! |---|---|
//! | `call.rs` | who awaits |
//! | `drive.rs` | who drives the plugin |
//! | `block_on.rs` | how does a thread without a runtime wait |

mod block_on;
mod call;
mod drive;

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::to_raw_value;
use wasmi_rpc::{ErrorCode, ErrorObject, Params};

pub use self::block_on::{Woken, block_on};
use self::call::Stage;
pub use self::call::{Call, Serve};
use self::drive::{Shared, State};
use crate::error::LoadError;
use crate::instance::{InstanceConfig, Stats};
use crate::log::LogLine;
use crate::methods::{BoxFuture, HostMethods, MaybeSend, MaybeSync};
use crate::module::Module;
use crate::plugin::{Exit, Input, Plugin};

/// Lets time pass; the embedder's runtime knows how.
pub trait Timer: MaybeSend + MaybeSync {
    /// A future that is done after this time.
    fn sleep(&self, time: Duration) -> BoxFuture<()>;

    /// A future that is done when other work has had its turn; asked for between two runs of a
    /// plugin that computes for long.
    ///
    /// By itself it wakes its task once, which is enough where tasks take turns. In a browser it is
    /// not: tasks are microtasks there, and all of them go before input, drawing and timers. Wait
    /// for a macrotask: `setTimeout(0)`, or a message of a `MessageChannel`, which no browser delays.
    fn yield_now(&self) -> BoxFuture<()> {
        let mut yielded = false;
        Box::pin(poll_fn(move |cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
    }
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

/// A plugin to be called. Cheap to clone; all clones are the same plugin.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
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
            shared: Arc::new(Shared {
                methods,
                platform,
                timer,
                listener: Mutex::new(None),
                state: Mutex::new(State {
                    plugin,
                    requests: FuturesUnordered::new(),
                    aborts: BTreeMap::new(),
                    sleep: None,
                    turn: None,
                    waiting: BTreeMap::new(),
                    answers: BTreeMap::new(),
                    next: 0,
                    exit: None,
                }),
            }),
        })
    }

    /// Hears logs, notifications, faults and the end. Without it they are dropped.
    ///
    /// It may [`notify`](Self::notify) and [`stop`](Self::stop) the plugin; it must not poll a call,
    /// nor name another listener: it is called while the plugin is driven.
    pub fn on_said(&self, listener: impl FnMut(Said) + MaybeSend + 'static) {
        let mut place = self.shared.listener.lock().unwrap_or_else(PoisonError::into_inner);
        *place = Some(Box::new(listener));
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
        self.shared.input(input);
        self.shared.lock().wake_others(None);
    }

    /// What the guest has used so far.
    pub fn stats(&self) -> Stats {
        self.shared.lock().plugin.stats()
    }

    /// Drives the plugin until it ends.
    pub fn serve(&self) -> Serve {
        Serve { client: self.clone(), id: None }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("plugin", &self.shared.lock().plugin.name()).finish()
    }
}

fn write_params(params: &(impl Serialize + ?Sized)) -> Result<Params, ErrorObject> {
    let params = to_raw_value(params).map_err(|error| {
        ErrorCode::InvalidParams.with(format!("the parameters cannot be written: {error}"))
    })?;
    Ok((params.get() != "null").then_some(params))
}
