//! Endpoints below `/plugins/<id>`: what a plugin answers to clients.
//!
//! ```
//! use std::rc::Rc;
//! use wasmi_pdk::{Result, Router};
//! use wasmi_pdk::signalk::http::{Endpoint, HttpCall, Reply, handle};
//! use wasmi_pdk::signalk::{Plugin, SignalK, State};
//!
//! struct Echo;
//!
//! impl Plugin for Echo {
//!     const NAME: &'static str = "Echo";
//!     type Options = serde_json::Map<String, serde_json::Value>;
//!
//!     async fn start(sk: SignalK, _: Self::Options) -> Result<Self> {
//!         let endpoints = [Endpoint::get("/hello", "hello"), Endpoint::post("/echo", "echo").streamed()];
//!         sk.serve_http(&endpoints).await?;
//!         Ok(Echo)
//!     }
//!
//!     fn methods(router: Router<State<Self>>) -> Router<State<Self>> {
//!         handle(router, Self::answer)
//!     }
//! }
//!
//! impl Echo {
//!     async fn answer(sk: SignalK, _: Rc<Echo>, call: HttpCall) -> Result<Reply> {
//!         let Some(mut exchange) = call.exchange(&sk) else {
//!             return Ok(Reply::text("hello"));
//!         };
//!         exchange.respond(200, &[("content-type", "text/plain")]).await?;
//!         while let Some(chunk) = exchange.read_chunk().await? {
//!             exchange.write(&chunk).await?;
//!         }
//!         Ok(Reply::streamed())
//!     }
//! }
//! ```
//!
//! Capability: `httpEndpoints`. A client that goes away ends its handler: the future is dropped.
//! `exchange.rs`: bodies in pieces; `reply.rs`: answers in one message.

mod exchange;
mod reply;

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use exchange::Exchange;
pub use reply::Reply;

use super::bytes::Decoded;
use super::{SignalK, State};
use crate::{Cx, Error, ErrorCode, Result, Router};

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    method: &'static str,
    path: String,
    handler: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

impl Endpoint {
    fn new(method: &'static str, path: &str, handler: &str) -> Self {
        let (path, handler) = (path.to_owned(), handler.to_owned());
        Endpoint { method, path, handler, access: None, stream: false }
    }

    /// `path` is below `/plugins/<id>`: `/tiles/:z/:x/:y`, `/files/*`. `handler` comes back in [`HttpCall`].
    #[must_use]
    pub fn get(path: &str, handler: &str) -> Self {
        Endpoint::new("GET", path, handler)
    }

    /// See [`Endpoint::get`].
    #[must_use]
    pub fn post(path: &str, handler: &str) -> Self {
        Endpoint::new("POST", path, handler)
    }

    /// See [`Endpoint::get`].
    #[must_use]
    pub fn put(path: &str, handler: &str) -> Self {
        Endpoint::new("PUT", path, handler)
    }

    /// See [`Endpoint::get`].
    #[must_use]
    pub fn patch(path: &str, handler: &str) -> Self {
        Endpoint::new("PATCH", path, handler)
    }

    /// See [`Endpoint::get`].
    #[must_use]
    pub fn delete(path: &str, handler: &str) -> Self {
        Endpoint::new("DELETE", path, handler)
    }

    /// Whoever may read may call it; else only the owner.
    #[must_use]
    pub fn readonly(mut self) -> Self {
        self.access = Some("readonly");
        self
    }

    /// Whoever may write may call it; else only the owner.
    #[must_use]
    pub fn readwrite(mut self) -> Self {
        self.access = Some("readwrite");
        self
    }

    /// Asked by this export or name.
    pub(super) fn handled_by(mut self, handler: &str) -> Self {
        handler.clone_into(&mut self.handler);
        self
    }

    /// Bodies come and go in pieces, of any length: [`HttpCall::exchange`].
    #[must_use]
    pub fn streamed(mut self) -> Self {
        self.stream = true;
        self
    }
}

/// A client's request to one of the endpoints.
#[derive(Debug, Clone, Deserialize)]
pub struct HttpCall {
    /// As in the [`Endpoint`].
    pub handler: String,
    /// What was asked.
    pub request: HttpRequest,
    #[serde(default)]
    exchange: Option<u64>,
}

/// What was asked (plugin ABI 8.5).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRequest {
    /// `GET`, `HEAD`, `POST`, ...
    pub method: String,
    /// Below the plugin's mount.
    pub path: String,
    /// Of the query; several of one name are an array.
    #[serde(default)]
    pub query: Map<String, Value>,
    /// Of the path.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A JSON body or a form, else `{}`.
    #[serde(default)]
    pub body: Value,
    #[serde(default)]
    body_base64: Option<Decoded>,
}

impl HttpRequest {
    /// The body of any other type than JSON and forms.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.body_base64.as_ref().map_or(&[], |Decoded(bytes)| bytes)
    }

    /// The body, or a part of the query or the path, as the plugin's own type.
    ///
    /// # Errors
    /// It has another form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(T::deserialize(&self.body)?)
    }
}

impl HttpCall {
    /// The bodies of a [streamed](Endpoint::streamed) endpoint; `None` for others.
    #[must_use]
    pub fn exchange(&self, sk: &SignalK) -> Option<Exchange> {
        let number = self.exchange?;
        Some(Exchange { host: sk.host().clone(), number, ended: false })
    }
}

impl SignalK {
    /// Says which endpoints the plugin answers: all of them, in order; the first that fits is asked.
    ///
    /// # Errors
    /// The capability `httpEndpoints` is missing.
    pub async fn serve_http(&self, endpoints: &[Endpoint]) -> Result<()> {
        self.host().call("http.register", (endpoints,)).await
    }
}

/// Lets `answer` answer the endpoints, from [`super::Plugin::methods`].
#[must_use]
pub fn handle<P: 'static, F>(
    router: Router<State<P>>,
    answer: impl Fn(SignalK, Rc<P>, HttpCall) -> F + 'static,
) -> Router<State<P>>
where
    F: Future<Output = Result<Reply>> + 'static,
{
    let answer = Rc::new(answer);
    router.method("http.handle", move |cx: Cx<State<P>>, call: HttpCall| {
        let answer = Rc::clone(&answer);
        async move {
            let (sk, plugin) = cx
                .state
                .started()
                .ok_or_else(|| Error::new(ErrorCode::NotRunning, "the plugin is not started"))?;
            answer(sk, plugin, call).await
        }
    })
}

#[cfg(test)]
mod tests;
