//! `ws.*`: WebSocket connections of JSON-RPC plugins (requirement R87).
//!
//! Messages are asked for, one `ws.receive` each: a plugin that does not ask
//! makes its server wait, and no message is lost.

use serde::Deserialize;

use super::Caller;
use super::network::{Give, Headers, Reply, bytes_of, sent};
use super::udp::Named;
use crate::{BridgeError, SocketId, WebSocketMessage};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const connect: &[&str] = &["url", "headers", "protocols"];
    pub(in crate::methods) const send: &[&str] = &["socket", "text", "data"];
    pub(in crate::methods) const receive: &[&str] = &["socket"];
    pub(in crate::methods) const close: &[&str] = &["socket", "code", "reason"];
}

/// Params of `ws.connect`.
#[derive(Debug, Clone, Deserialize)]
pub struct Connect {
    /// `ws:` or `wss:`.
    pub url: String,
    /// Of the handshake.
    #[serde(default)]
    pub headers: Headers,
    /// Subprotocols, best first.
    #[serde(default)]
    pub protocols: Vec<String>,
}

/// Params of `ws.send`: one of `text` and `data`.
#[derive(Debug, Clone, Deserialize)]
pub struct Send {
    /// Which.
    pub socket: u32,
    /// A text message.
    #[serde(default)]
    pub text: Option<String>,
    /// A binary message, in base64.
    #[serde(default)]
    pub data: Option<String>,
}

/// Params of `ws.close`.
#[derive(Debug, Clone, Deserialize)]
pub struct Close {
    /// Which.
    pub socket: u32,
    /// 1000 when only a reason is given.
    #[serde(default)]
    pub code: Option<u16>,
    /// At most 123 bytes.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Connects; answers socket and subprotocol within 30 s.
pub(super) fn connect(caller: &mut Caller<'_>, params: Connect) -> Result<Reply, BridgeError> {
    let Connect { url, headers, protocols } = params;
    let (id, wait) = caller.net(|net| net.ws_connect(&url, headers.pairs(), protocols))?;
    Ok(Reply::later(caller.call, wait, Give::WebSocket(id)))
}

/// Sends a message; answers when the system has taken it.
pub(super) fn send(caller: &mut Caller<'_>, params: Send) -> Result<Reply, BridgeError> {
    let id = SocketId(params.socket);
    let message = match params.text {
        Some(text) if params.data.is_none() => WebSocketMessage::Text(text),
        text => WebSocketMessage::Binary(bytes_of(caller, params.data.as_deref(), text)?),
    };
    sent(caller, id, |net| net.ws_send(id, message))
}

/// Waits for the next message or the end.
pub(super) fn receive(caller: &mut Caller<'_>, params: Named) -> Result<Reply, BridgeError> {
    Ok(Reply::Data { call: caller.call, socket: SocketId(params.socket) })
}

/// Closes it; what was to be sent is sent.
///
/// # Errors
/// [`BridgeError::Network`]: a code that nobody may send, or no such socket.
pub fn close(caller: &mut Caller<'_>, params: Close) -> Result<(), BridgeError> {
    let reason = match (params.code, params.reason) {
        (None, None) => None,
        (code, reason) => Some((code.unwrap_or(1000), reason.unwrap_or_default())),
    };
    caller.net(|net| net.ws_close(SocketId(params.socket), reason))
}
