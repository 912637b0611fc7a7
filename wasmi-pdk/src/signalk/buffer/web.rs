//! HTTP and WebSockets of buffer plugins: calls that return when they are answered.
//!
//! They are functions of this host only: on signalk-server a module that uses them does not load.
//! They need the capability `network`, and the owner's rules for addresses hold. What a request may wish (`retry`,
//! `cached`,
//! `rate_limit`) is [`Request`]'s; bodies in pieces are `stream.rs`.

use std::time::Duration;

use serde::Serialize;

use super::Server;
use crate::exports::sk;
use crate::signalk::net::{Message, Request, Response};
use crate::{Error, ErrorCode, Result};

/// A WebSocket to another server. Dropping it closes it.
#[derive(Debug)]
pub struct BlockingWebSocket {
    number: u32,
}

/// Options of `sk_ws_connect`.
#[derive(Serialize)]
struct Options<'a> {
    headers: &'a [(&'a str, &'a str)],
    protocols: &'a [&'a str],
}

impl Server {
    /// Sends a request; returns with the whole answer, a body of at most 8 MiB. Statuses from 400 on
    /// are answers, too.
    ///
    /// # Errors
    /// No answer: name, connection, TLS, time, size, the capability or the owner's rules. The text
    /// says which.
    pub fn fetch(&self, request: &Request) -> Result<Response> {
        let request = serde_json::to_string(request)?;
        Response::read(&sk::http_request(&request).map_err(failed)?)
    }

    /// Connects to a WebSocket server; returns when that is done.
    ///
    /// # Errors
    /// No connection within 30 s, or no permission. The text says which.
    pub fn connect(&self, url: &str) -> Result<BlockingWebSocket> {
        self.connect_with(url, &[], &[])
    }

    /// [`Server::connect`] with headers, and with subprotocols, best first.
    ///
    /// # Errors
    /// As there.
    pub fn connect_with(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        protocols: &[&str],
    ) -> Result<BlockingWebSocket> {
        let options = serde_json::to_string(&Options { headers, protocols })?;
        let number = sk::ws_connect(url, &options).map_err(failed)?;
        Ok(BlockingWebSocket { number })
    }
}

impl BlockingWebSocket {
    /// What `message` of the plugin is called with.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Sends a message, which goes out while the plugin goes on.
    ///
    /// # Errors
    /// The connection is over, or 1 MiB waits to be sent already.
    pub fn send(&self, message: &Message) -> Result<()> {
        let sent = match message {
            Message::Text(text) => sk::ws_send(self.number, text.as_bytes(), false),
            Message::Binary(data) => sk::ws_send(self.number, data, true),
        };
        sent.map_err(failed)
    }

    /// The next message; `None`: there is none within this time, zero does not wait. While it waits
    /// nothing else of the plugin runs.
    ///
    /// # Errors
    /// The connection is over; the text says how it ended.
    pub fn receive(&self, within: Duration) -> Result<Option<Message>> {
        let timeout = i32::try_from(within.as_millis()).unwrap_or(i32::MAX);
        let heard = sk::ws_receive(self.number, timeout).map_err(failed)?;
        Ok(heard.map(|(data, binary)| match binary {
            true => Message::Binary(data),
            false => Message::Text(String::from_utf8_lossy(&data).into_owned()),
        }))
    }

    /// Closes it with a code of 1000, or 3000 to 4999.
    pub fn close(self, code: u16) {
        sk::ws_close(self.number, code);
    }
}

impl Drop for BlockingWebSocket {
    fn drop(&mut self) {
        // Closing twice does no harm.
        sk::ws_close(self.number, 0);
    }
}

pub(super) fn failed(text: String) -> Error {
    Error::new(ErrorCode::NetworkFailed, text)
}
