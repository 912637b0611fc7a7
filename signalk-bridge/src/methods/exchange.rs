//! `http.read`, `http.respond`, `http.write`: streamed bodies of the plugin's own endpoints.
//!
//! An endpoint that was registered with `"stream": true` is asked by `http.handle` with the number
//! of an exchange, and without the request's body. Its handler reads the body in pieces, and either
//! answers as any other or begins an answer, writes it in pieces and ends it by its own answer. An
//! answer whose handler fails is broken off: a client never takes it for a whole one.
//! Requirement R123; the outgoing counterpart is `fetch`.

use serde::Deserialize;

use super::Caller;
use super::network::{Give, Headers, Reply, bytes_of};
use crate::exchange::{MOST_HEADERS, StreamHead};
use crate::{BridgeError, HandlerCallId};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const read: &[&str] = &["exchange"];
    pub(in crate::methods) const respond: &[&str] = &["exchange", "statusCode", "headers"];
    pub(in crate::methods) const write: &[&str] = &["exchange", "data", "text"];
}

/// Params of `http.read`.
#[derive(Debug, Clone, Deserialize)]
pub struct Named {
    /// As `http.handle` said.
    pub exchange: u64,
}

/// Params of `http.respond`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Respond {
    /// As `http.handle` said.
    pub exchange: u64,
    /// 200 when left out.
    #[serde(default)]
    pub status_code: Option<u16>,
    /// A `content-length` among them is a promise that is held.
    #[serde(default)]
    pub headers: Headers,
}

/// Params of `http.write`.
#[derive(Debug, Clone, Deserialize)]
pub struct Write {
    /// As `http.handle` said.
    pub exchange: u64,
    /// Base64.
    #[serde(default)]
    pub data: Option<String>,
    /// UTF-8 instead.
    #[serde(default)]
    pub text: Option<String>,
}

/// The next piece of the request's body.
pub(super) fn read(caller: &mut Caller<'_>, params: Named) -> Result<Reply, BridgeError> {
    still_here(caller, params.exchange)?;
    let wait = caller.net(|net| net.exchange_read(HandlerCallId(params.exchange)))?;
    Ok(Reply::later(caller.call, wait, Give::Piece))
}

/// Begins the answer.
///
/// # Errors
/// [`BridgeError::BadParams`] for a status that ends no exchange, [`BridgeError::Network`] when the
/// answer cannot begin.
pub fn respond(caller: &mut Caller<'_>, params: Respond) -> Result<(), BridgeError> {
    still_here(caller, params.exchange)?;
    let status = params.status_code.unwrap_or(200);
    if !(200..600).contains(&status) {
        return Err(caller.bad_params(format_args!("`statusCode` is {status}, not 200 to 599")));
    }
    let mut length = None;
    let mut headers = params.headers.pairs();
    let count = headers.len();
    if count > MOST_HEADERS {
        return Err(caller
            .bad_params(format_args!("{count} headers, the limit is {MOST_HEADERS}; send fewer")));
    }
    for (name, value) in &headers {
        if name.eq_ignore_ascii_case("content-length") {
            let said = value.trim().parse();
            let said = said.map_err(|_| {
                caller.bad_params(format_args!("content-length is `{value}`, no number of bytes"))
            })?;
            length = Some(said);
        }
    }
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    let head = StreamHead { status, headers, length };
    caller.net(|net| net.exchange_respond(HandlerCallId(params.exchange), head))
}

/// Writes a piece of the answer; answers when there is room for the next.
pub(super) fn write(caller: &mut Caller<'_>, params: Write) -> Result<Reply, BridgeError> {
    still_here(caller, params.exchange)?;
    let data = bytes_of(caller, params.data.as_deref(), params.text);
    if let Err(error) = &data {
        let text = error.to_string();
        caller.net(|net| net.exchange_spoilt(HandlerCallId(params.exchange), text))?;
    }
    let data = data?;
    match caller.net(|net| net.exchange_write(HandlerCallId(params.exchange), data))? {
        Some(wait) => Ok(Reply::later(caller.call, wait, Give::Null)),
        None => Reply::null(caller),
    }
}

/// A plugin that has not heard yet that its client left is told, and not blamed.
fn still_here(caller: &Caller<'_>, exchange: u64) -> Result<(), BridgeError> {
    let net = caller.net.as_deref();
    match net.is_some_and(|net| net.exchange_has_left(HandlerCallId(exchange))) {
        true => {
            let plugin = caller.plugin().clone();
            Err(BridgeError::ClientLeft { plugin, call: caller.call, exchange })
        }
        false => Ok(()),
    }
}
