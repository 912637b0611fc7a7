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

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bytes::{Base64, Decoded};
use super::{SignalK, State};
use crate::{Cx, Error, ErrorCode, Host, Result, Router};

/// The most bytes that the host takes of an answer at once.
const CHUNK: usize = 64 << 10;

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

/// The bodies of one request and of its answer. At most 64 KiB are moved at once; who waits lets the
/// other end wait.
pub struct Exchange {
    host: Host,
    number: u64,
    ended: bool,
}

#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    data: Option<Decoded>,
}

impl Exchange {
    /// The next piece of the request's body, at most 64 KiB; `None`: there are no more.
    ///
    /// # Errors
    /// The exchange is over: the client has gone, or nothing moved for a minute.
    pub async fn read_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        if self.ended {
            return Ok(None);
        }
        let piece = self.host.call::<Piece>("http.read", (self.number,)).await?.data;
        self.ended = piece.is_none();
        Ok(piece.map(|Decoded(bytes)| bytes))
    }

    /// Begins the answer. A `content-length` among the headers is a promise: an answer of another
    /// length is broken off.
    ///
    /// # Errors
    /// It has begun already, or the exchange is over.
    pub async fn respond(&self, status: u16, headers: &[(&str, &str)]) -> Result<()> {
        self.host.call("http.respond", (self.number, status, headers)).await
    }

    /// Writes a part of the answer, of any length; done when the client has taken most of it.
    ///
    /// # Errors
    /// [`Exchange::respond`] was not called, more than the promised length, or the exchange is over.
    pub async fn write(&self, data: &[u8]) -> Result<()> {
        for chunk in data.chunks(CHUNK) {
            self.host.call::<()>("http.write", (self.number, Base64(chunk))).await?;
        }
        Ok(())
    }
}

/// A whole answer, or the end of a streamed one.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<Decoded>,
}

impl Reply {
    /// JSON.
    ///
    /// # Errors
    /// A type that has no form in JSON.
    pub fn json(value: impl Serialize) -> Result<Self> {
        Ok(Reply { body: Some(serde_json::to_value(value)?), ..Reply::default() }
            .header("content-type", "application/json; charset=utf-8"))
    }

    /// Plain text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Reply { body: Some(text.into()), ..Reply::default() }
            .header("content-type", "text/plain; charset=utf-8")
    }

    /// Bytes of a type.
    #[must_use]
    pub fn bytes(kind: &str, bytes: Vec<u8>) -> Self {
        Reply { body_base64: Some(Decoded(bytes)), ..Reply::default() }.header("content-type", kind)
    }

    /// The answer was written with [`Exchange::write`], and is whole.
    #[must_use]
    pub fn streamed() -> Self {
        Reply::default()
    }

    /// Another status than 200.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status_code = Some(status);
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
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
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn endpoints_and_replies_are_what_the_host_reads() {
        let endpoints =
            [Endpoint::get("/a/:b", "a").readonly(), Endpoint::put("/c", "c").streamed()];
        assert_eq!(
            serde_json::to_value(endpoints).unwrap(),
            json!([
                { "method": "GET", "path": "/a/:b", "handler": "a", "access": "readonly" },
                { "method": "PUT", "path": "/c", "handler": "c", "stream": true },
            ])
        );
        let reply = Reply::bytes("image/png", vec![0, 1]).status(201);
        assert_eq!(
            serde_json::to_value(reply).unwrap(),
            json!({ "statusCode": 201, "headers": { "content-type": "image/png" }, "bodyBase64": "AAE=" })
        );
        assert_eq!(serde_json::to_value(Reply::streamed()).unwrap(), json!({}));
    }

    #[test]
    fn a_call_is_read_as_the_host_writes_it() {
        let text = r#"{"handler":"h","request":{"method":"POST","path":"/x","query":{"a":["1","2"]},"params":{"z":"1"},"body":{},"headers":{"accept":"b"},"bodyBase64":"AAE=","user":null},"exchange":7}"#;
        let call: HttpCall = serde_json::from_str(text).unwrap();
        assert_eq!((call.request.bytes(), call.exchange), (&[0_u8, 1][..], Some(7)));
        assert_eq!(call.request.params["z"], "1");
    }
}
