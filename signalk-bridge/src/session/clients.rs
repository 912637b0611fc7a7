//! What clients do at WebSockets of a plugin, on its way there: in order, when the plugin rests. A JSON-RPC plugin gets
//! notifications, others the export `on_event`. How much may wait is decided by whoever hands it in
//! ([`Session::client_bytes`](crate::Session::client_bytes)).

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::{ClientEnd, ClientNews, WebSocketMessage};

/// Bytes that are handed over at once.
const MOST_BYTES: usize = 256 << 10;

/// Notifications that wait: method and params.
#[derive(Debug, Default)]
pub(super) struct Clients {
    waiting: VecDeque<(&'static str, String)>,
    bytes: usize,
}

impl Clients {
    /// Something happened at a client's WebSocket.
    pub(super) fn push(&mut self, news: &ClientNews) {
        let (method, params) = match news {
            ClientNews::Opened { id, request } => {
                ("websocket.opened", format!(r#"{{"connection":{},"request":{request}}}"#, id.0))
            }
            ClientNews::Message { id, message: WebSocketMessage::Text(text) } => {
                let text = Value::from(text.as_str());
                ("websocket.message", format!(r#"{{"connection":{},"text":{text}}}"#, id.0))
            }
            ClientNews::Message { id, message: WebSocketMessage::Binary(data) } => {
                let data = STANDARD.encode(data);
                ("websocket.message", format!(r#"{{"connection":{},"data":"{data}"}}"#, id.0))
            }
            ClientNews::Closed { id, end } => {
                let end = match end {
                    ClientEnd::Gone => String::new(),
                    ClientEnd::Server(reason) => {
                        format!(r#","reason":{}"#, Value::from(reason.as_str()))
                    }
                    ClientEnd::Client(code, reason) => {
                        format!(r#","code":{code},"reason":{}"#, Value::from(reason.as_str()))
                    }
                };
                ("websocket.closed", format!(r#"{{"connection":{}{end}}}"#, id.0))
            }
        };
        self.bytes = self.bytes.saturating_add(params.len());
        self.waiting.push_back((method, params));
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The next ones, oldest first; always one if there is any.
    pub(super) fn take(&mut self) -> Vec<(&'static str, String)> {
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while bytes < MOST_BYTES
            && let Some(next) = self.waiting.pop_front()
        {
            bytes += next.1.len();
            taken.push(next);
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        taken
    }
}
