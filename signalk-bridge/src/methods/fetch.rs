//! `http.request`, `http.next`, `http.cancel`: HTTP of JSON-RPC plugins (plugin ABI 5.6).
//!
//! Requirements R82, R85, R86, R88. An answer comes whole, at most 8 MiB, or in
//! pieces of at most 64 KiB, each when it is asked for. Retries and caches are
//! the plugin's own: `wasmi_pdk::signalk::net`.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use super::Caller;
use super::network::{Give, Headers, Reply, decoded};
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
    ];
    pub(in crate::methods) const next: &[&str] = &["request"];
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
}

/// Params of `http.next` and `http.cancel`.
#[derive(Debug, Clone, Deserialize)]
pub struct Named {
    /// The number in the answer of `http.request`.
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

impl Request {
    /// Params as the network takes them.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub(crate) fn ask(self) -> Result<Ask, String> {
        let body = match (&self.body_base64, self.body) {
            (None, None) => Bytes::new(),
            (data, text) => decoded(data.as_deref(), text)?,
        };
        let bound = if self.stream { STREAMED } else { WHOLE };
        let most = self.max_bytes.unwrap_or(bound);
        if most > bound {
            let remedy = if self.stream { "" } else { "; take the body in pieces with `stream`" };
            return Err(format!("`maxBytes` is {most}, at most {bound}{remedy}"));
        }
        let terms = Terms {
            timeout: self.timeout.map_or(TIMEOUT, Duration::from_millis).min(PATIENCE),
            redirects: self.redirects.unwrap_or(REDIRECTS).min(REDIRECTS),
            most,
            streamed: self.stream,
        };
        let method = self.method.unwrap_or_else(|| "GET".to_owned());
        Ok(Ask { method, url: self.url, headers: self.headers.pairs(), body, terms })
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

/// The rest of a streamed body is not wanted.
///
/// # Errors
/// None: one that has ended is left alone.
pub fn cancel(caller: &mut Caller<'_>, params: Named) -> Result<(), BridgeError> {
    caller.net(|net| {
        net.fetch_cancel(FetchId(params.request));
        Ok(())
    })
}
