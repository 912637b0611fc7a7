//! `websocket.register`, `.send`, `.close`: clients' WebSockets below `/plugins/<id>` (requirement F67).
//!
//! The Node server's `registerWebSocket`. What clients do comes as the notifications `websocket.opened`, `.message` and
//! `.closed` (`wit/signalk-plugin.wit`, interface client-sockets). WebSockets that the plugin opens itself are `ws.*`.

use serde::Deserialize;

use super::network::bytes_of;
use super::{Caller, register as registrations, shown};
use crate::{
    Access, BridgeError, ClientDeed, ClientSocketId, LONGEST_MESSAGE, Registration,
    WebSocketMessage,
};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const register: &[&str] = &["paths", "protocols", "access"];
    pub(in crate::methods) const send: &[&str] = &["connection", "text", "data"];
    pub(in crate::methods) const close: &[&str] = &["connection", "code", "reason"];
}

/// Paths of one plugin.
const MOST: usize = 200;
/// Bytes of a path.
const LONGEST: usize = 1000;
/// Subprotocols of one plugin, and bytes of a name.
const MOST_PROTOCOLS: usize = 20;
const LONGEST_PROTOCOL: usize = 100;
/// RFC 6455, 5.5.1.
const LONGEST_REASON: usize = 123;

/// Params of `websocket.register`: all paths of the plugin, in order.
#[derive(Debug, Clone, Deserialize)]
pub struct Register {
    /// Express 4 syntax, as of HTTP endpoints.
    pub paths: Vec<String>,
    /// Subprotocols that the plugin speaks, at all of them: the first of a client's that is among these is spoken.
    #[serde(default)]
    pub protocols: Vec<String>,
    /// Who may open one while security is on: `readonly`, `readwrite`, or `admin`, also when left out.
    #[serde(default)]
    pub access: Access,
}

/// Params of `websocket.send`: one of `text` and `data`.
#[derive(Debug, Clone, Deserialize)]
pub struct Send {
    /// Which.
    pub connection: u64,
    /// A text message.
    #[serde(default)]
    pub text: Option<String>,
    /// A binary message, in base64.
    #[serde(default)]
    pub data: Option<String>,
}

/// Params of `websocket.close`.
#[derive(Debug, Clone, Deserialize)]
pub struct Close {
    /// Which.
    pub connection: u64,
    /// 1000 when left out; or 3000 to 4999.
    #[serde(default)]
    pub code: Option<u16>,
    /// At most 123 bytes.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Clients may open WebSockets at these paths, and no others from now on.
///
/// # Errors
/// [`BridgeError::BadParams`] for more than 200 paths or 20 subprotocols, a path of more than 1000 bytes, or what is no
/// name of a subprotocol.
pub fn register(caller: &mut Caller<'_>, params: Register) -> Result<(), BridgeError> {
    let Register { paths, protocols, access } = params;
    if protocols.len() > MOST_PROTOCOLS {
        let count = protocols.len();
        return Err(
            caller.bad_params(format_args!("{count} subprotocols, the limit is {MOST_PROTOCOLS}"))
        );
    }
    if let Some(wrong) = protocols.iter().find(|name| !is_protocol(name)) {
        let shown = shown(wrong);
        return Err(caller.bad_params(format_args!(
            "`{shown}` is no subprotocol: a name of 1 to {LONGEST_PROTOCOL} letters, digits and signs like . and -"
        )));
    }
    if paths.len() > MOST {
        let count = paths.len();
        return Err(caller.bad_params(format_args!("{count} paths, the limit is {MOST}")));
    }
    if let Some(long) = paths.iter().find(|path| path.len() > LONGEST) {
        let (shown, len) = (shown(long), long.len());
        return Err(
            caller.bad_params(format_args!("`{shown}...` has {len} bytes, the limit is {LONGEST}"))
        );
    }
    registrations::register(caller, Registration::WebSockets { paths, protocols, access })
}

/// RFC 6455, 4.1: a token of HTTP.
fn is_protocol(name: &str) -> bool {
    let is_sign = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=LONGEST_PROTOCOL).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_sign(byte))
}

/// Sends a message to a client.
///
/// # Errors
/// [`BridgeError::BadParams`] when it is too long, the client is gone or does not keep up.
pub fn send(caller: &mut Caller<'_>, params: Send) -> Result<(), BridgeError> {
    let message = match params.text {
        Some(text) if params.data.is_none() => WebSocketMessage::Text(text),
        text => WebSocketMessage::Binary(bytes_of(caller, params.data.as_deref(), text)?),
    };
    if message.len() > LONGEST_MESSAGE {
        let len = message.len();
        return Err(caller.bad_params(format_args!(
            "a message of {len} bytes, the limit is {LONGEST_MESSAGE}; send it in pieces"
        )));
    }
    act(caller, params.connection, ClientDeed::Send(message))
}

/// Closes a client's WebSocket, after what was sent.
///
/// # Errors
/// [`BridgeError::BadParams`] for a code that nobody may send, a long reason, or when the client is gone.
pub fn close(caller: &mut Caller<'_>, params: Close) -> Result<(), BridgeError> {
    let (code, reason) = (params.code.unwrap_or(1000), params.reason.unwrap_or_default());
    if code != 1000 && !(3000..=4999).contains(&code) {
        return Err(caller.bad_params(format_args!("code {code}: use 1000, or 3000 to 4999")));
    }
    if reason.len() > LONGEST_REASON {
        let len = reason.len();
        return Err(caller
            .bad_params(format_args!("a reason of {len} bytes, the limit is {LONGEST_REASON}")));
    }
    act(caller, params.connection, ClientDeed::Close(code, reason))
}

fn act(caller: &mut Caller<'_>, connection: u64, deed: ClientDeed) -> Result<(), BridgeError> {
    let plugin = caller.plugin().clone();
    let done = caller.signalk.client_socket(&plugin, ClientSocketId(connection), deed);
    done.map_err(|reason| caller.bad_params(reason))
}
