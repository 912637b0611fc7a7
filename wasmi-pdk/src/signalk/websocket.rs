//! WebSockets of clients below `/plugins/<id>`. Sockets that the plugin opens itself are in [`net`](super::net).
//!
//! ```
//! # use wasmi_pdk::signalk::{SignalK, websocket::Event};
//! # async fn start(sk: SignalK) -> wasmi_pdk::Result<()> {
//! sk.serve_websockets(&["/live/:name"], |client, event| match event {
//!     Event::Opened(request) => client.send_text(&format!("hello {}", request.params["name"])),
//!     Event::Text(text) => client.send_text(&text),
//!     Event::Binary(data) => client.send_binary(&data),
//!     Event::Closed(_) => log::info!("client {} is gone", client.number()),
//! })
//! .await
//! # }
//! ```

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SignalK;
use super::bytes::{Base64, Decoded};
use crate::{Host, Result};

/// Where clients may open WebSockets, and which clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mount {
    paths: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    protocols: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'static str>,
}

impl Mount {
    /// Paths below `/plugins/<id>`: `:name` is any one part, `*` anything.
    #[must_use]
    pub fn at(paths: &[&str]) -> Self {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        Mount { paths, protocols: Vec::new(), access: None }
    }

    /// Subprotocols of the plugin: the first of a client's that is among these is spoken.
    #[must_use]
    pub fn speaking(mut self, protocols: &[&str]) -> Self {
        self.protocols = protocols.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Whoever may read may open one; else only the owner.
    #[must_use]
    pub fn readonly(mut self) -> Self {
        self.access = Some("readonly");
        self
    }

    /// Whoever may write may open one; else only the owner.
    #[must_use]
    pub fn readwrite(mut self) -> Self {
        self.access = Some("readwrite");
        self
    }
}

impl<const N: usize> From<&[&str; N]> for Mount {
    fn from(paths: &[&str; N]) -> Self {
        Mount::at(paths)
    }
}

/// One client's WebSocket. Clones are the same one.
#[derive(Clone)]
pub struct Client {
    host: Host,
    number: u64,
}

/// What a client asked for when it opened its WebSocket, as an HTTP endpoint is told it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Opening {
    /// Below `/plugins/<id>`.
    pub path: String,
    /// Of the address.
    pub query: Map<String, Value>,
    /// Parts of the path: `name` of `/live/:name`.
    pub params: Map<String, Value>,
    /// Names in lower case, without credentials.
    pub headers: Map<String, Value>,
    /// The subprotocol that both speak, of those of [`Mount::speaking`].
    pub protocol: Option<String>,
}

/// What happened at a WebSocket.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// It is open.
    Opened(Box<Opening>),
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// It is closed. Not told after [`Client::close`].
    Closed(End),
}

/// How it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// The client's own word: 1000, 1001 when its page is left, 1005 when it gave none. `None`: it is gone without a
    /// word, or the server closed it.
    pub code: Option<u16>,
    /// The client's words, or, without a code, the server's.
    pub reason: Option<String>,
}

impl Client {
    /// Tells it from other clients; never used again.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Sends a text message, at most 1 MiB; a refusal is in the plugin's log.
    pub fn send_text(&self, text: &str) {
        #[derive(Serialize)]
        struct Params<'a> {
            connection: u64,
            text: &'a str,
        }
        self.tell("websocket.send", Params { connection: self.number, text });
    }

    /// Sends a binary message, at most 1 MiB; a refusal is in the plugin's log.
    pub fn send_binary(&self, data: &[u8]) {
        #[derive(Serialize)]
        struct Params<'a> {
            connection: u64,
            data: Base64<'a>,
        }
        self.tell("websocket.send", Params { connection: self.number, data: Base64(data) });
    }

    /// Closes it after what was sent. `code` is 1000, or 3000 to 4999.
    pub fn close(&self, code: u16, reason: &str) {
        self.tell("websocket.close", (self.number, code, reason));
    }

    fn tell(&self, method: &'static str, params: impl Serialize) {
        let call = self.host.call::<Value>(method, params);
        self.host.spawn(async move {
            if let Err(error) = call.await {
                log::warn!("{method}: {error}");
            }
        });
    }
}

impl SignalK {
    /// Clients may open WebSockets at these paths; `handle` is told what they do. Takes the place of what was served
    /// before; at most 100 are open at a time.
    ///
    /// # Errors
    /// What the server says: the capability `httpEndpoints` is missing, too many paths, what is no name of a
    /// subprotocol.
    pub async fn serve_websockets(
        &self,
        mount: impl Into<Mount>,
        handle: impl Fn(Client, Event) + 'static,
    ) -> Result<()> {
        self.set_client_handler(handle);
        self.host().call("websocket.register", mount.into()).await
    }

    /// Hands a notification to the handler.
    pub(super) fn client_event(&self, number: u64, event: Event) {
        if let Some(handle) = self.client_handler() {
            handle(Client { host: self.host().clone(), number }, event);
        }
    }
}

/// Params of `websocket.opened`.
#[derive(Deserialize)]
pub(super) struct Opened {
    pub(super) connection: u64,
    pub(super) request: Box<Opening>,
}

/// What `on_event` of the buffer ABI says of a client: its number, and what happened.
pub(super) fn told(method: &str, params: &str) -> serde_json::Result<Option<(u64, Event)>> {
    Ok(Some(match method {
        "websocket.opened" => {
            let opened: Opened = serde_json::from_str(params)?;
            (opened.connection, Event::Opened(opened.request))
        }
        "websocket.message" => {
            let message: Message = serde_json::from_str(params)?;
            (message.connection, message.event())
        }
        "websocket.closed" => {
            let closed: Closed = serde_json::from_str(params)?;
            (closed.connection, Event::Closed(closed.end()))
        }
        _ => return Ok(None),
    }))
}

/// Params of `websocket.message`.
#[derive(Deserialize)]
pub(super) struct Message {
    pub(super) connection: u64,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    data: Option<Decoded>,
}

impl Message {
    pub(super) fn event(self) -> Event {
        match (self.text, self.data) {
            (Some(text), _) => Event::Text(text),
            (None, data) => Event::Binary(data.map(|Decoded(bytes)| bytes).unwrap_or_default()),
        }
    }
}

/// Params of `websocket.closed`.
#[derive(Deserialize)]
pub(super) struct Closed {
    pub(super) connection: u64,
    #[serde(default)]
    code: Option<u16>,
    #[serde(default)]
    reason: Option<String>,
}

impl Closed {
    pub(super) fn end(self) -> End {
        End { code: self.code, reason: self.reason }
    }
}
