//! WebSockets to other servers: messages in order, none lost.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::{Owned, decode, encode};
use crate::signalk::SignalK;
use crate::{Error, ErrorCode, Result};

/// A connection. What is not received waits in the host, and the server is made to wait.
pub struct WebSocket {
    owned: Owned,
    protocol: String,
    closed: RefCell<Option<Closed>>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// UTF-8.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

/// How the other end closed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Closed {
    /// Close code, if it gave one.
    pub code: Option<u16>,
    /// Its reason.
    pub reason: Option<String>,
    /// What broke, if it did not close in good order.
    error: Option<String>,
}

#[derive(Serialize)]
struct Connect<'a> {
    url: &'a str,
    headers: &'a [(&'a str, &'a str)],
    protocols: &'a [&'a str],
}

#[derive(Deserialize)]
struct Connected {
    socket: u64,
    protocol: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Received {
    text: Option<String>,
    data: Option<String>,
    closed: Option<Closed>,
}

#[derive(Serialize)]
struct Send<'a> {
    socket: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
}

impl WebSocket {
    /// Connects to `ws:` or `wss:`, within 30 s.
    ///
    /// # Errors
    /// The capability `network` is missing, or there is nobody.
    pub async fn connect(sk: &SignalK, url: &str) -> Result<Self> {
        WebSocket::connect_with(sk, url, &[], &[]).await
    }

    /// [`WebSocket::connect`] with headers and subprotocols, the best first.
    ///
    /// # Errors
    /// As [`WebSocket::connect`].
    pub async fn connect_with(
        sk: &SignalK,
        url: &str,
        headers: &[(&str, &str)],
        protocols: &[&str],
    ) -> Result<Self> {
        let params = Connect { url, headers, protocols };
        let Connected { socket, protocol } = sk.host().call("ws.connect", params).await?;
        let owned = Owned { host: sk.host().clone(), number: socket, close: "ws.close" };
        Ok(WebSocket { owned, protocol, closed: RefCell::default() })
    }

    /// The subprotocol that the server chose, or `""`.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// Sends a text; done when the system has taken it.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn send_text(&self, text: &str) -> Result<()> {
        self.send(Some(text), None).await
    }

    /// Sends bytes; done when the system has taken them.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn send_binary(&self, data: &[u8]) -> Result<()> {
        self.send(None, Some(encode(data))).await
    }

    async fn send(&self, text: Option<&str>, data: Option<String>) -> Result<()> {
        let params = Send { socket: self.owned.number, text, data };
        self.owned.host.call("ws.send", params).await
    }

    /// The next message; waits for it. `None`: the other end has closed, [`WebSocket::closed`] says
    /// how.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn receive(&self) -> Result<Option<Message>> {
        if self.closed.borrow().is_some() {
            return Ok(None);
        }
        let received = self.owned.host.call::<Received>("ws.receive", (self.owned.number,)).await?;
        if let Some(text) = received.text {
            return Ok(Some(Message::Text(text)));
        }
        if let Some(data) = received.data {
            return Ok(Some(Message::Binary(decode(&data)?)));
        }
        let closed = received.closed.unwrap_or_default();
        let error = closed.error.clone();
        *self.closed.borrow_mut() = Some(closed);
        match error {
            Some(error) => Err(Error::new(ErrorCode::NetworkFailed, error)),
            None => Ok(None),
        }
    }

    /// How the other end closed, when it has and that was received.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.closed.borrow().clone()
    }

    /// Closes it with a code (1000, or 3000 to 4999) and a reason. Dropping closes without.
    ///
    /// # Errors
    /// A code that nobody may send.
    pub async fn close(self, code: u16, reason: &str) -> Result<()> {
        self.owned.host.call("ws.close", (self.owned.number, code, reason)).await
    }
}
