//! [`Router`]: names to typed async closures. What a request is and who answers it on the wire is
//! not known here; `runtime.rs` brings both together.

use std::rc::Rc;

use serde::Serialize;
use serde::de::value::UnitDeserializer;
use serde::de::{self, DeserializeOwned};
use wasmi_rpc::RequestId;

use crate::executor::Task;
use crate::runtime::Shared;
use crate::{Error, ErrorCode, Host, Result};

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
    entries: Vec<(&'static str, Handler<S>)>,
}

type MethodFn<S> = dyn Fn(Cx<S>, &str, Answer) -> Task;
type NotificationFn<S> = dyn Fn(Cx<S>, &str) -> Option<Task>;

enum Handler<S> {
    Method(Box<MethodFn<S>>),
    Notification(Box<NotificationFn<S>>),
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
        Router { state: Rc::new(state), entries: Vec::new() }
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
        let handler = move |cx: Cx<S>, params: &str, answer: Answer| -> Task {
            match read_params(params) {
                Ok(params) => {
                    let future = run(cx, params);
                    Box::pin(async move { answer.give(future.await) })
                }
                Err(error) => {
                    answer.give::<()>(Err(error));
                    Box::pin(std::future::ready(()))
                }
            }
        };
        self.entries.push((name, Handler::Method(Box::new(handler))));
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
        let handler = move |cx: Cx<S>, params: &str| -> Option<Task> {
            match read_params(params) {
                Ok(params) => Some(Box::pin(run(cx, params))),
                Err(error) => {
                    log::warn!("notification {name}: {error}");
                    None
                }
            }
        };
        self.entries.push((name, Handler::Notification(Box::new(handler))));
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

/// A router whose state is out of sight.
pub(crate) trait Service {
    /// Starts a method; `None` if there is no such method.
    fn request(
        &self,
        shared: &Rc<Shared>,
        id: &RequestId,
        method: &str,
        params: &str,
    ) -> Option<Task>;
    /// Starts the handler of a notification, if there is one.
    fn notification(&self, shared: &Rc<Shared>, method: &str, params: &str) -> Option<Task>;
}

impl<S: 'static> Router<S> {
    fn cx(&self, shared: &Rc<Shared>) -> Cx<S> {
        Cx { host: crate::host::host_of(shared), state: Rc::clone(&self.state) }
    }
}

impl<S: 'static> Service for Router<S> {
    fn request(
        &self,
        shared: &Rc<Shared>,
        id: &RequestId,
        method: &str,
        params: &str,
    ) -> Option<Task> {
        self.entries.iter().find_map(|(name, handler)| match handler {
            Handler::Method(run) if *name == method => {
                let answer = Answer { id: id.clone(), shared: Rc::clone(shared) };
                Some(run(self.cx(shared), params, answer))
            }
            _ => None,
        })
    }

    fn notification(&self, shared: &Rc<Shared>, method: &str, params: &str) -> Option<Task> {
        self.entries.iter().find_map(|(name, handler)| match handler {
            Handler::Notification(run) if *name == method => run(self.cx(shared), params),
            _ => None,
        })
    }
}

/// Parameters as the method wants them; empty text stands for none.
fn read_params<P: DeserializeOwned>(text: &str) -> Result<P> {
    // Most methods without parameters take `()`: that needs no JSON. Other types keep their code short.
    if text.is_empty()
        && size_of::<P>() == 0
        && let Ok(none) = P::deserialize(UnitDeserializer::<de::value::Error>::new())
    {
        return Ok(none);
    }
    let mut parsed = None;
    let mut attempt = |text: &str| match serde_json::from_str(text) {
        Ok(value) => {
            parsed = Some(value);
            None
        }
        Err(error) => Some(error),
    };
    match read_forms(text, &mut attempt) {
        None => parsed.ok_or_else(|| Error::new(ErrorCode::InternalError, "no parameters read")),
        Some(error) => {
            Err(Error::new(ErrorCode::InvalidParams, format!("Invalid params: {error}")))
        }
    }
}

type Attempt<'a> = dyn FnMut(&str) -> Option<serde_json::Error> + 'a;

/// Tries the forms in which the same parameters may be meant; the error of the first form counts.
fn read_forms(text: &str, attempt: &mut Attempt<'_>) -> Option<serde_json::Error> {
    let (first, others): (&str, &[&str]) = match text {
        "" => ("null", &["[]", "{}"]),
        "[]" | "{}" => (text, &["null"]),
        text => (text, &[]),
    };
    let error = attempt(first)?;
    for other in others {
        attempt(other)?;
    }
    let single = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(single) = single.filter(|single| !single.is_empty()) {
        attempt(single)?;
    }
    Some(error)
}
