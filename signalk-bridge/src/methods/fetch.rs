//! `http.request` and its like: HTTP of JSON-RPC plugins (plugin ABI 5.6).
//!
//! Requirements R82, R85, R86, R88. An answer comes whole, at most 8 MiB, or in
//! pieces of at most 64 KiB, each when it is asked for (`http.next`). A body is sent whole with
//! `http.request`, or in such pieces between `http.open` and `http.finish`, which has the answer. What a request may
//! wish besides is `fetch/wishes.rs`. The same requests are those of plugins by exports (`abi/env/web/http.rs`).

mod wishes;

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

pub use self::wishes::{Again, TurnsIn};
use super::Caller;
use super::network::{Give, Headers, Reply, bytes_of, decoded};
use crate::net::fetch::{REDIRECTS, TIMEOUT, Terms};
use crate::net::{Net, Wait};
use crate::{BridgeError, FetchId};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const request: &[&str] = &[
        "url",
        "method",
        "headers",
        "body",
        "bodyBase64",
        "timeout",
        "redirects",
        "maxBytes",
        "stream",
        "retry",
        "rateLimit",
        "cache",
    ];
    pub(in crate::methods) const next: &[&str] = &["request"];
    pub(in crate::methods) const open: &[&str] = &[
        "url",
        "method",
        "headers",
        "length",
        "timeout",
        "redirects",
        "maxBytes",
        "stream",
        "rateLimit",
    ];
    pub(in crate::methods) const send: &[&str] = &["request", "data", "text"];
    pub(in crate::methods) const finish: &[&str] = next;
    pub(in crate::methods) const cancel: &[&str] = next;
}

/// Longest whole body: in base64 it fits a message of 16 MiB.
const WHOLE: usize = 8 << 20;
/// Longest streamed body, unless said otherwise.
const STREAMED: usize = 1 << 30;
/// Longest time that a plugin may ask for.
const PATIENCE: Duration = Duration::from_secs(300);

/// Params of `http.request`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// `http:` or `https:`.
    pub url: String,
    /// `GET` when left out.
    #[serde(default)]
    pub method: Option<String>,
    /// `host`, `content-length`, `connection` and `transfer-encoding` are the host's.
    #[serde(default)]
    pub headers: Headers,
    /// UTF-8.
    #[serde(default)]
    pub body: Option<String>,
    /// Bytes instead.
    #[serde(default)]
    pub body_base64: Option<String>,
    /// Milliseconds until the body is complete; streamed: until the head, and for each piece.
    #[serde(default, alias = "timeoutMs")]
    pub timeout: Option<u64>,
    /// At most; 20 when left out.
    #[serde(default)]
    pub redirects: Option<u32>,
    /// A longer body fails.
    #[serde(default)]
    pub max_bytes: Option<usize>,
    /// The body comes in pieces, by `http.next`.
    #[serde(default)]
    pub stream: bool,
    /// Sent again after a failure of the network and statuses 429, 502, 503 and 504; only a whole request of a method
    /// that may be sent twice without harm (RFC 9110, 9.2.2).
    #[serde(default)]
    pub retry: Option<Again>,
    /// Each time that it is sent waits for its turn.
    #[serde(default)]
    pub rate_limit: Option<TurnsIn>,
    /// An answer that was kept may serve, and this one is kept; only a whole `GET`.
    #[serde(default)]
    pub cache: bool,
}

/// Params of `http.open`: those of `http.request` without a body.
#[derive(Debug, Clone, Deserialize)]
pub struct Open {
    /// Bytes of the body, when they are known: a promise that is held.
    #[serde(default)]
    pub length: Option<u64>,
    /// `POST` when its method is left out.
    #[serde(flatten)]
    pub request: Request,
}

/// Params of `http.send`.
#[derive(Debug, Clone, Deserialize)]
pub struct Send {
    /// The number in the answer of `http.open`.
    pub request: u64,
    /// Base64.
    #[serde(default)]
    pub data: Option<String>,
    /// UTF-8 instead.
    #[serde(default)]
    pub text: Option<String>,
}

/// Params of `http.next`, `http.finish` and `http.cancel`.
#[derive(Debug, Clone, Deserialize)]
pub struct Named {
    /// The number in the answer of `http.request` or `http.open`.
    pub request: u64,
}

/// A request as the network takes it.
pub(crate) struct Ask {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    terms: Terms,
}

/// A request whose body follows, as the network takes it.
pub(crate) struct Opening {
    ask: Ask,
    length: Option<u64>,
}

impl Request {
    /// Params as the network takes them.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub(crate) fn ask(self) -> Result<Ask, String> {
        let bound = if self.stream { STREAMED } else { WHOLE };
        let most = self.max_bytes.unwrap_or(bound);
        if most > bound {
            let remedy = if self.stream { "" } else { "; take the body in pieces with `stream`" };
            return Err(format!("`maxBytes` is {most}, at most {bound}{remedy}"));
        }
        let method = self.method.clone().unwrap_or_else(|| "GET".to_owned());
        let terms = Terms {
            retry: self.retry(&method)?,
            rate: self.rate()?,
            cache: self.may_be_kept(&method)?,
            timeout: self.timeout.map_or(TIMEOUT, Duration::from_millis).min(PATIENCE),
            redirects: self.redirects.unwrap_or(REDIRECTS).min(REDIRECTS),
            most,
            streamed: self.stream,
        };
        let body = match (&self.body_base64, self.body) {
            (None, None) => Bytes::new(),
            (data, text) => decoded(data.as_deref(), text)?,
        };
        Ok(Ask { method, url: self.url, headers: self.headers.pairs(), body, terms })
    }
}

impl Open {
    /// Params as the network takes them.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub(crate) fn ask(self) -> Result<Opening, String> {
        let Open { length, mut request } = self;
        if request.body.is_some() || request.body_base64.is_some() {
            return Err("the body follows in pieces; leave it out".to_owned());
        }
        if request.retry.is_some() {
            return Err("a body in pieces cannot be sent again; leave `retry` out".to_owned());
        }
        if request.cache {
            return Err("the answer to it is not kept; leave `cache` out".to_owned());
        }
        request.method.get_or_insert_with(|| "POST".to_owned());
        Ok(Opening { ask: request.ask()?, length })
    }
}

impl Opening {
    /// Begins it.
    ///
    /// # Errors
    /// In words, when it cannot be sent.
    pub(crate) fn begin(self, net: &mut Net) -> Result<FetchId, String> {
        let Ask { method, url, headers, terms, .. } = self.ask;
        net.upload(&method, &url, headers, self.length, terms)
    }
}

impl Ask {
    /// Sends it.
    ///
    /// # Errors
    /// In words, when it cannot be sent.
    pub(crate) fn send(self, net: &mut Net) -> Result<FetchId, String> {
        net.fetch_on(&self.method, &self.url, self.headers, self.body, self.terms)
    }
}

/// Sends a request; answers the response, or its head.
pub(super) fn request(caller: &mut Caller<'_>, params: Request) -> Result<Reply, BridgeError> {
    let ask = params.ask().map_err(|reason| caller.bad_params(reason))?;
    let id = caller.net(|net| ask.send(net))?;
    Ok(Reply::later(caller.call, Wait::Fetch(id), Give::Answer(id)))
}

/// The next piece of a streamed body.
pub(super) fn next(caller: &mut Caller<'_>, params: Named) -> Result<Reply, BridgeError> {
    let id = FetchId(params.request);
    let wait = caller.net(|net| net.fetch_more(id))?;
    Ok(Reply::later(caller.call, wait, Give::Answer(id)))
}

/// Begins a request whose body follows in pieces; answers its number.
pub(super) fn open(caller: &mut Caller<'_>, params: Open) -> Result<Reply, BridgeError> {
    let opening = params.ask().map_err(|reason| caller.bad_params(reason))?;
    let id = caller.net(|net| opening.begin(net))?;
    caller.answer(json!({ "request": id.0 })).map(Reply::Now)
}

/// Sends a piece of the body; answers when there is room for the next.
pub(super) fn send(caller: &mut Caller<'_>, params: Send) -> Result<Reply, BridgeError> {
    let data = bytes_of(caller, params.data.as_deref(), params.text);
    if let Err(error) = &data {
        let text = error.to_string();
        caller.net(|net| {
            net.upload_spoilt(FetchId(params.request), text);
            Ok(())
        })?;
    }
    let data = data?;
    match caller.net(|net| net.upload_write(FetchId(params.request), data))? {
        Some(wait) => Ok(Reply::later(caller.call, wait, Give::Null)),
        None => Reply::null(caller),
    }
}

/// Ends the body; answers the response, or its head.
pub(super) fn finish(caller: &mut Caller<'_>, params: Named) -> Result<Reply, BridgeError> {
    let id = FetchId(params.request);
    let wait = caller.net(|net| net.upload_finish(id))?;
    Ok(Reply::later(caller.call, wait, Give::Answer(id)))
}

/// The rest of a streamed body is not wanted, or a request whose body has not ended.
///
/// # Errors
/// None: one that has ended is left alone.
pub fn cancel(caller: &mut Caller<'_>, params: Named) -> Result<(), BridgeError> {
    caller.net(|net| {
        net.fetch_cancel(FetchId(params.request));
        Ok(())
    })
}
