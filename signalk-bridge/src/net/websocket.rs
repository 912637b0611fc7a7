//! WebSocket connections of a plugin: messages in order, none lost, the other end waits.
//!
//! Requirement R87. The handshake, pings and frames are the edge's; here it is
//! who may, what waits, and the one end of each connection. Messages are taken
//! by the plugin one by one: what it has not taken counts in the edge's window,
//! so a slow plugin slows its server and loses nothing.

use std::collections::VecDeque;

use super::fetch::check_head;
use super::unsent::Unsent;
use super::{Completed, Net, Outcome, Socket, Wait, unknown};
use crate::effect::{Effect, SocketId, WebSocketMessage};
use crate::error::shown;
use crate::shown_url;

/// Longest message in either direction.
const LONGEST: usize = 16 << 20;
/// Bytes that wait to be sent: one message may be longer, when nothing waits before it.
const MOST_UNSENT: usize = 1 << 20;
/// The same for all of a plugin's WebSockets together: two of the longest messages.
const MOST_UNSENT_OF_ALL: usize = 2 * LONGEST;
/// Longest reason of a close (RFC 6455, 5.5).
const LONGEST_REASON: usize = 123;

/// One WebSocket.
#[derive(Debug, Default)]
pub(super) struct WebSocket {
    /// The handshake is done.
    open: bool,
    protocol: String,
    queue: VecDeque<WebSocketMessage>,
    pub(super) unsent: Unsent,
    awaiting: Option<Wait>,
    /// It is over: what is left to be told after the messages.
    end: Option<End>,
}

/// How a WebSocket ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct End {
    /// What broke.
    pub(crate) error: Option<String>,
    /// Code and reason of the other end.
    pub(crate) close: Option<(u16, String)>,
}

/// What [`Net::ws_take`] takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Message(WebSocketMessage),
    End(End),
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.error, &self.close) {
            (Some(error), _) => write!(f, "the connection broke: {error}"),
            (None, Some((code, reason))) if reason.is_empty() => {
                write!(f, "the other end has closed: {code}")
            }
            (None, Some((code, reason))) => write!(f, "the other end has closed: {code} {reason}"),
            (None, None) => f.write_str("the other end has closed"),
        }
    }
}

impl WebSocket {
    /// Whether the handshake is done.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Whether there is something to take.
    pub(super) fn has_news(&self) -> bool {
        !self.queue.is_empty() || self.end.is_some()
    }
}

impl Net {
    /// Connects to a WebSocket server.
    ///
    /// # Errors
    /// In words, as all calls here.
    pub(crate) fn ws_connect(
        &mut self,
        url: &str,
        headers: Vec<(String, String)>,
        protocols: Vec<String>,
    ) -> Result<(SocketId, Wait), String> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        if !scheme.eq_ignore_ascii_case("ws") && !scheme.eq_ignore_ascii_case("wss") {
            let shown = shown(&shown_url(url));
            return Err(format!("`{shown}`: a WebSocket has a URL with ws: or wss:"));
        }
        check_head(url, &headers, &protocols)?;
        let wait = self.next_wait();
        let socket = WebSocket { awaiting: Some(wait), ..WebSocket::default() };
        let socket = self.add(Socket::WebSocket(socket))?;
        self.begin(Effect::WebSocketConnect {
            socket,
            url: url.to_owned(),
            headers: headers.into_iter().filter(|(name, _)| !is_the_hosts(name)).collect(),
            protocols,
        });
        Ok((socket, wait))
    }

    /// Queues a message to be sent.
    pub(crate) fn ws_send(
        &mut self,
        id: SocketId,
        message: WebSocketMessage,
    ) -> Result<(), String> {
        let socket = self.ws(id)?;
        let bytes = message.len();
        if !socket.open || socket.end.is_some() {
            return Err(format!("socket {} is not connected", id.0));
        }
        if bytes > LONGEST {
            return Err(format!("a message of {bytes} bytes, the limit is {LONGEST}"));
        }
        let (unsent, weight) = (socket.unsent.bytes(), message.weight());
        if unsent > 0 && unsent + weight > MOST_UNSENT {
            return Err(format!(
                "{unsent} bytes wait to be sent; await each send, or send less at a time"
            ));
        }
        let all = self.ws_unsent();
        if all + weight > MOST_UNSENT_OF_ALL {
            return Err(format!(
                "{all} bytes wait to be sent by all WebSockets, the limit is {MOST_UNSENT_OF_ALL}; await each send"
            ));
        }
        self.work += super::SENDING;
        self.effects.push_back(Effect::WebSocketSend { socket: id, message });
        self.ws(id)?.unsent.add(weight);
        Ok(())
    }

    fn ws_unsent(&self) -> usize {
        let of = |socket: &Socket| match socket {
            Socket::WebSocket(socket) => socket.unsent.bytes(),
            _ => 0,
        };
        self.sockets.values().map(of).sum()
    }

    /// The oldest message; `None`: none yet. The end comes last, and once.
    pub(crate) fn ws_take(&mut self, id: SocketId) -> Result<Option<Heard>, String> {
        let socket = self.ws(id)?;
        if let Some(message) = socket.queue.pop_front() {
            let bytes = message.cost();
            if socket.end.is_none() {
                self.effects.push_back(Effect::Taken { socket: id, bytes });
            }
            return Ok(Some(Heard::Message(message)));
        }
        let Some(end) = socket.end.take() else { return Ok(None) };
        self.sockets.remove(&id);
        Ok(Some(Heard::End(end)))
    }

    /// Bytes of the oldest message that has any: empty ones say nothing, and are passed over.
    pub(crate) fn ws_next_len(&mut self, id: SocketId) -> Result<Option<usize>, String> {
        while self.ws(id)?.queue.front().is_some_and(WebSocketMessage::is_empty) {
            self.ws_take(id)?;
        }
        Ok(self.ws(id)?.queue.front().map(WebSocketMessage::len))
    }

    /// Gives up the connections that are being made: the plugin stops.
    pub(crate) fn ws_give_up(&mut self) -> Vec<Completed> {
        let waits = |(id, socket): (&SocketId, &mut Socket)| match socket {
            Socket::WebSocket(socket) => socket.awaiting.take().map(|wait| (*id, wait)),
            _ => None,
        };
        let awaited: Vec<_> = self.sockets.iter_mut().filter_map(waits).collect();
        let given_up = awaited.into_iter().map(|(socket, wait)| {
            self.sockets.remove(&socket);
            self.effects.push_back(Effect::Close { socket, reason: None });
            let outcome = Outcome::Failed("cancelled: the plugin stops".to_owned());
            Completed { wait, outcome }
        });
        given_up.collect()
    }

    /// The subprotocol that the server chose, or `""`.
    pub(crate) fn ws_protocol(&mut self, id: SocketId) -> String {
        self.ws(id).map(|socket| socket.protocol.clone()).unwrap_or_default()
    }

    /// Closes it; what was to be sent is sent. Closing twice does no harm.
    pub(crate) fn ws_close(
        &mut self,
        id: SocketId,
        reason: Option<(u16, String)>,
    ) -> Result<(), String> {
        if let Some((code, text)) = &reason {
            // RFC 6455, 7.4: what an endpoint may send.
            if !(matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)) {
                return Err(format!("close code {code}: use 1000, or 3000 to 4999"));
            }
            if text.len() > LONGEST_REASON {
                return Err(format!("a reason has at most {LONGEST_REASON} bytes"));
            }
        }
        if self.ws(id).is_err() {
            return Ok(());
        }
        let Some(Socket::WebSocket(socket)) = self.sockets.remove(&id) else { return Ok(()) };
        if socket.end.is_none() {
            self.effects.push_back(Effect::Close { socket: id, reason });
        }
        for wait in socket.awaiting.into_iter().chain(socket.unsent.end()) {
            self.complete(Some(wait), Err(format!("socket {} was closed", id.0)));
        }
        Ok(())
    }

    fn ws(&mut self, id: SocketId) -> Result<&mut WebSocket, String> {
        match self.sockets.get_mut(&id) {
            Some(Socket::WebSocket(socket)) => Ok(socket),
            _ => Err(unknown(id)),
        }
    }

    pub(super) fn ws_was_connected(&mut self, id: SocketId, result: Result<String, String>) {
        let Ok(socket) = self.ws(id) else { return };
        let wait = socket.awaiting.take();
        match result {
            Ok(protocol) => {
                socket.protocol = protocol;
                socket.open = true;
                self.complete(wait, Ok(()));
            }
            Err(text) => {
                self.sockets.remove(&id);
                self.complete(wait, Err(text));
            }
        }
    }

    pub(super) fn ws_received(&mut self, id: SocketId, message: WebSocketMessage) {
        let Ok(socket) = self.ws(id) else { return };
        socket.queue.push_back(message);
        self.fresh.insert(id);
    }

    pub(super) fn ws_was_closed(
        &mut self,
        id: SocketId,
        error: Option<String>,
        close: Option<(u16, String)>,
    ) {
        let Ok(socket) = self.ws(id) else { return };
        let waits = std::mem::take(&mut socket.unsent).end();
        let text = error.clone().unwrap_or_else(|| "the other end has closed".to_owned());
        socket.end = Some(End { error, close });
        self.fresh.insert(id);
        for wait in waits {
            self.complete(Some(wait), Err(text.clone()));
        }
    }
}

/// Headers of the handshake, which is the host's.
fn is_the_hosts(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("sec-websocket-") || ["host", "connection", "upgrade"].contains(&&*name)
}

#[cfg(test)]
mod tests;
