//! What all network methods share: answers that come later, bytes in JSON, headers.
//!
//! Nothing here is a method. A call that the world answers is a [`Reply::Later`];
//! `later.rs` makes the answer of it when it comes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::Caller;
use crate::net::{Heard, Net, Outcome, Received, Wait};
use crate::{BridgeError, FetchHead, FetchId, PluginId, SocketId, WebSocketMessage};

/// What comes of a call.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The answer.
    Now(Box<RawValue>),
    /// The answer comes when this wait ends.
    Later(Wait, Later),
    /// The answer comes when this socket has something.
    Data { call: &'static str, socket: SocketId },
}

/// How the end of a wait is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Later {
    pub(crate) call: &'static str,
    pub(crate) give: Give,
}

/// What the answer of a wait is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Give {
    Null,
    /// The port that a UDP socket is bound to.
    Port(SocketId),
    /// The socket that is connected.
    Socket(SocketId),
    /// The listener, with its address.
    Listener(SocketId),
    /// The same, with its subprotocol.
    WebSocket(SocketId),
    /// What a request brought.
    Answer(FetchId),
    /// A piece of the body of a client's request.
    Piece,
    /// What became of a PUT.
    Put,
}

impl Reply {
    pub(super) fn later(call: &'static str, wait: Wait, give: Give) -> Reply {
        Reply::Later(wait, Later { call, give })
    }

    pub(super) fn null(caller: &Caller<'_>) -> Result<Reply, BridgeError> {
        caller.answer(()).map(Reply::Now)
    }
}

/// Headers: pairs in their order, or an object.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Headers {
    /// `[["accept", "text/plain"]]`.
    Pairs(Vec<(String, String)>),
    /// `{"accept": "text/plain"}`.
    Named(indexmap::IndexMap<String, String>),
}

impl Default for Headers {
    fn default() -> Headers {
        Headers::Pairs(Vec::new())
    }
}

impl Headers {
    pub(crate) fn pairs(self) -> Vec<(String, String)> {
        match self {
            Headers::Pairs(pairs) => pairs,
            Headers::Named(named) => named.into_iter().collect(),
        }
    }
}

/// The bytes of a call: base64, or a text.
pub(super) fn bytes_of(
    caller: &Caller<'_>,
    data: Option<&str>,
    text: Option<String>,
) -> Result<Bytes, BridgeError> {
    decoded(data, text).map_err(|reason| caller.bad_params(reason))
}

/// As [`bytes_of`], where there is no caller.
pub(crate) fn decoded(data: Option<&str>, text: Option<String>) -> Result<Bytes, String> {
    match (data, text) {
        (Some(data), None) => {
            STANDARD.decode(data).map(Bytes::from).map_err(|error| format!("no base64: {error}"))
        }
        (None, Some(text)) => Ok(text.into_bytes().into()),
        _ => Err("give the bytes once: as text, or in base64".to_owned()),
    }
}

/// Sends over a connection; answers when the system has taken it.
pub(super) fn sent(
    caller: &mut Caller<'_>,
    id: SocketId,
    send: impl FnOnce(&mut Net) -> Result<(), String>,
) -> Result<Reply, BridgeError> {
    let wait = caller.net(|net| {
        send(net)?;
        Ok(net.when_sent(id))
    })?;
    match wait {
        Some(wait) => Ok(Reply::later(caller.call, wait, Give::Null)),
        None => Reply::null(caller),
    }
}

impl Caller<'_> {
    /// One call of the plugin's network.
    pub(super) fn net<T>(
        &mut self,
        run: impl FnOnce(&mut Net) -> Result<T, String>,
    ) -> Result<T, BridgeError> {
        let done = match self.net.as_deref_mut() {
            Some(net) => run(net),
            None => Err("there is no network here".to_owned()),
        };
        done.map_err(|reason| failed(self.plugin(), self.call, reason))
    }
}

pub(crate) fn failed(plugin: &PluginId, call: &'static str, reason: String) -> BridgeError {
    BridgeError::Network { plugin: plugin.clone(), call, reason }
}

/// The answer to a call whose wait has ended.
pub(crate) fn answer(give: Give, outcome: Outcome, net: &mut Net) -> Result<Value, String> {
    Ok(match (give, outcome) {
        (_, Outcome::Failed(text)) => return Err(text),
        (Give::Put, Outcome::Json(text)) => {
            serde_json::from_str(&text).map_err(|error| error.to_string())?
        }
        (Give::Port(id), _) => net.udp_port(id).into(),
        (Give::Socket(id), _) => id.0.into(),
        (Give::Listener(id), _) => {
            let at = net.tcp_listens_at(id);
            let (address, port) = (at.map(|at| at.ip()), at.map(|at| at.port()));
            json!({ "listener": id.0, "address": address, "port": port })
        }
        (Give::WebSocket(id), _) => json!({ "socket": id.0, "protocol": net.ws_protocol(id) }),
        (Give::Answer(_), Outcome::Answer(head, body)) => whole(head, &body),
        (Give::Answer(id), Outcome::Head(head)) => streamed(head, id),
        (Give::Answer(_) | Give::Piece, Outcome::Piece(Some(piece))) => {
            json!({ "data": STANDARD.encode(piece) })
        }
        (Give::Answer(_) | Give::Piece, Outcome::Piece(None)) => json!({ "end": true }),
        (Give::Null | Give::Put | Give::Answer(_) | Give::Piece, _) => Value::Null,
    })
}

/// An answer by HTTP with its body.
pub(crate) fn whole(head: FetchHead, body: &[u8]) -> Value {
    let mut answer = head_of(head);
    put_body(&mut answer, body);
    answer.into()
}

/// The head of one whose body comes in pieces.
pub(crate) fn streamed(head: FetchHead, id: FetchId) -> Value {
    let mut answer = head_of(head);
    answer.insert("request".to_owned(), id.0.into());
    answer.into()
}

fn head_of(head: FetchHead) -> Map<String, Value> {
    let FetchHead { status, headers, url, redirected, cached } = head;
    let mut members = Map::new();
    members.insert("status".to_owned(), status.into());
    members.insert("headers".to_owned(), json!(headers));
    members.insert("url".to_owned(), url.into());
    members.insert("redirected".to_owned(), redirected.into());
    if let Some(cached) = cached {
        members.insert("cached".to_owned(), cached.name().into());
    }
    members
}

/// As `body` when it is text that does not grow much as JSON, else as `bodyBase64`.
fn put_body(answer: &mut Map<String, Value>, body: &[u8]) {
    let is_plain = |text: &&str| {
        let rare = text.bytes().filter(|byte| *byte < b' ' && !b"\n\r\t".contains(byte)).count();
        rare <= text.len() / 32
    };
    match std::str::from_utf8(body).ok().filter(is_plain) {
        Some(text) => answer.insert("body".to_owned(), text.into()),
        None => answer.insert("bodyBase64".to_owned(), STANDARD.encode(body).into()),
    };
}

/// What a socket has for who receives; `None`: nothing yet.
pub(crate) fn take(net: &mut Net, call: &str, id: SocketId) -> Result<Option<Value>, String> {
    if call == "ws.receive" {
        return Ok(net.ws_take(id)?.map(|heard| match heard {
            Heard::Message(WebSocketMessage::Text(text)) => json!({ "text": text }),
            Heard::Message(WebSocketMessage::Binary(data)) => {
                json!({ "data": STANDARD.encode(data) })
            }
            Heard::End(end) => {
                let (code, reason) = end.close.unzip();
                json!({ "closed": { "error": end.error, "code": code, "reason": reason } })
            }
        }));
    }
    if call == "tcp.accept" {
        let accepted = net.tcp_accept(id)?;
        return Ok(accepted.map(|(socket, from)| {
            json!({ "socket": socket.0, "address": from.ip().to_canonical(), "port": from.port() })
        }));
    }
    Ok(net.tcp_take(id)?.map(|received| match received {
        Received::Lines(lines) => {
            let lines = lines.iter().map(|line| String::from_utf8_lossy(line));
            json!({ "lines": lines.collect::<Vec<_>>() })
        }
        Received::Bytes(data) => json!({ "data": STANDARD.encode(data) }),
        Received::End(error) => json!({ "closed": { "error": error } }),
    }))
}

/// Params of `udp.received`: what came to one socket.
pub(crate) fn received(id: SocketId, datagrams: &[crate::Datagram], dropped: u64) -> String {
    let rows = datagrams.iter().map(|datagram| {
        format!(
            r#"{{"address":"{}","port":{},"data":"{}"}}"#,
            datagram.from.ip().to_canonical(),
            datagram.from.port(),
            STANDARD.encode(&datagram.data)
        )
    });
    let rows: Vec<String> = rows.collect();
    format!(r#"{{"socket":{},"dropped":{dropped},"datagrams":[{}]}}"#, id.0, rows.join(","))
}
