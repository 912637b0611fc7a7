//! [`Router`]: names to typed async closures. What a request is and who answers it on the wire is
//! not known here; `runtime.rs` brings both together.

use std::cell::Cell;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasmi_rpc::RequestId;

use crate::executor::Task;
use crate::params::{Unfit, is_json, read_params};
use crate::runtime::Shared;
use crate::{Host, Result};

/// What a method gets besides its parameters.
pub struct Cx<S = ()> {
    /// The host, for calls back.
    pub host: Host,
    /// The plugin's state, shared by all methods.
    pub state: Rc<S>,
}

impl<S> Clone for Cx<S> {
    fn clone(&self) -> Self {
        Cx { host: self.host.clone(), state: Rc::clone(&self.state) }
    }
}

/// The methods of a plugin.
pub struct Router<S = ()> {
    state: Rc<S>,
    methods: Entries<MethodFn<S>>,
    notifications: Entries<NotificationFn<S>>,
}

type MethodFn<S> = dyn Fn(Cx<S>, &str, Answer) -> Started;
type NotificationFn<S> = dyn Fn(Cx<S>, &str) -> Started;

/// What came of a request or notification.
pub(crate) enum Started {
    /// It goes on.
    Task(Task),
    /// It is over.
    Done,
    /// Nobody handles this name.
    Unknown,
    /// The parameters are no JSON; nothing has happened.
    Unread,
}

/// Handlers by name. Who is called is often called again.
struct Entries<F: ?Sized> {
    list: Vec<(&'static str, Box<F>)>,
    last: Cell<usize>,
}

impl<F: ?Sized> Entries<F> {
    fn find(&self, name: &[u8]) -> Option<&F> {
        // Byte by byte: names are short, and a call of `memcmp` costs an interpreter more.
        let is_it = |(known, _): &(&'static str, Box<F>)| {
            known.len() == name.len() && known.bytes().eq(name.iter().copied())
        };
        let index = match self.list.get(self.last.get()) {
            Some(entry) if is_it(entry) => self.last.get(),
            _ => self.list.iter().position(is_it)?,
        };
        self.last.set(index);
        self.list.get(index).map(|(_, handler)| &**handler)
    }
}

impl<F: ?Sized> Default for Entries<F> {
    fn default() -> Self {
        Entries { list: Vec::new(), last: Cell::new(0) }
    }
}

/// Where the answer of one request goes.
pub(crate) struct Answer {
    id: RequestId,
    shared: Rc<Shared>,
}

impl Answer {
    fn give<R: Serialize>(self, result: Result<R>) {
        let mut peer = self.shared.peer.borrow_mut();
        // An id that no longer waits was cancelled meanwhile.
        let _ = match result {
            Ok(result) => peer.respond_with(self.id, &result),
            Err(error) => peer.respond(self.id, Err(error.into())),
        };
    }
}

impl Router<()> {
    /// A router without state.
    #[must_use]
    pub fn new() -> Self {
        Router::with_state(())
    }
}

impl Default for Router<()> {
    fn default() -> Self {
        Router::new()
    }
}

impl<S: 'static> Router<S> {
    /// A router whose methods share this state. It is theirs alone, so a `Cell` or `RefCell`
    /// suffices for what changes.
    pub fn with_state(state: S) -> Self {
        Router {
            state: Rc::new(state),
            methods: Entries::default(),
            notifications: Entries::default(),
        }
    }

    /// Adds a method: `|cx, params| async move { Ok(result) }`.
    ///
    /// `params` is any type that deserialises from the parameters: a tuple from an array, a struct
    /// from an object, `()` from none; a single value also from an array of one.
    #[must_use]
    pub fn method<P, R, F, Fut>(mut self, name: &'static str, run: F) -> Self
    where
        P: DeserializeOwned + 'static,
        R: Serialize + 'static,
        F: Fn(Cx<S>, P) -> Fut + 'static,
        Fut: Future<Output = Result<R>> + 'static,
    {
        let handler = move |cx: Cx<S>, params: &str, answer: Answer| match read_params(params) {
            Ok(params) => {
                let future = run(cx, params);
                Started::Task(Box::pin(async move { answer.give(future.await) }))
            }
            Err(Unfit::Params(error)) => {
                answer.give::<()>(Err(error));
                Started::Done
            }
            Err(Unfit::NotJson) => Started::Unread,
        };
        self.methods.list.push((name, Box::new(handler)));
        self
    }

    /// Adds a handler of a notification: `|cx, params| async move { ... }`. Parameters that do not
    /// fit are logged; nobody waits to hear of them.
    #[must_use]
    pub fn notification<P, F, Fut>(mut self, name: &'static str, run: F) -> Self
    where
        P: DeserializeOwned + 'static,
        F: Fn(Cx<S>, P) -> Fut + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        let handler = move |cx: Cx<S>, params: &str| match read_params(params) {
            Ok(params) => Started::Task(Box::pin(run(cx, params))),
            Err(Unfit::Params(error)) => {
                log::warn!("notification {name}: {error}");
                Started::Done
            }
            Err(Unfit::NotJson) => Started::Unread,
        };
        self.notifications.list.push((name, Box::new(handler)));
        self
    }
}

/// What `plugin!` accepts.
pub trait IntoRouter {
    /// The type of the state.
    type State: 'static;

    /// The router to serve.
    fn into_router(self) -> Router<Self::State>;
}

impl<S: 'static> IntoRouter for Router<S> {
    type State = S;

    fn into_router(self) -> Router<S> {
        self
    }
}

/// A router whose state is out of sight. Empty text stands for no parameters.
pub(crate) trait Service {
    /// Starts a method.
    fn request(&self, shared: &Rc<Shared>, id: &RequestId, method: &[u8], params: &str) -> Started;
    /// Starts the handler of a notification.
    fn notification(&self, shared: &Rc<Shared>, method: &[u8], params: &str) -> Started;
}

impl<S: 'static> Router<S> {
    /// Adds a handler that reads its parameters itself, at once; `None`: they are not what it knows.
    #[cfg(feature = "signalk")]
    pub(crate) fn notification_text<F>(mut self, name: &'static str, run: F) -> Self
    where
        F: Fn(Cx<S>, &str) -> Option<()> + 'static,
    {
        let handler = move |cx: Cx<S>, params: &str| match run(cx, params) {
            Some(()) => Started::Done,
            None if is_json(params) => {
                log::warn!("notification {name}: not in the agreed form");
                Started::Done
            }
            None => Started::Unread,
        };
        self.notifications.list.push((name, Box::new(handler)));
        self
    }

    fn cx(&self, shared: &Rc<Shared>) -> Cx<S> {
        Cx { host: crate::host::host_of(shared), state: Rc::clone(&self.state) }
    }
}

impl<S: 'static> Service for Router<S> {
    fn request(&self, shared: &Rc<Shared>, id: &RequestId, method: &[u8], params: &str) -> Started {
        let Some(run) = self.methods.find(method) else { return unknown(params) };
        let answer = Answer { id: id.clone(), shared: Rc::clone(shared) };
        run(self.cx(shared), params, answer)
    }

    fn notification(&self, shared: &Rc<Shared>, method: &[u8], params: &str) -> Started {
        match self.notifications.find(method) {
            Some(run) => run(self.cx(shared), params),
            None => unknown(params),
        }
    }
}

fn unknown(params: &str) -> Started {
    if params.is_empty() || is_json(params) { Started::Unknown } else { Started::Unread }
}
