//! WebSockets of clients to a plugin (requirement F67): what it is told of them, and what it may do with one.
//!
//! Which client may open which, and what waits for whom, is `signalk-core/src/plugins/sockets.rs`; sockets that the
//! plugin opens itself are `net/websocket.rs`.

use crate::WebSocketMessage;

/// One client's WebSocket, named by the server; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientSocketId(pub u64);

/// Bytes of a message, in either direction.
pub const LONGEST_MESSAGE: usize = 1 << 20;

/// What happened at one of them.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientNews {
    /// It is open. `request` is a JSON object: `{"path", "query", "params", "headers", "protocol"?}`, as an HTTP
    /// endpoint gets them, and the subprotocol that both speak.
    Opened {
        /// Which.
        id: ClientSocketId,
        /// Compact JSON.
        request: String,
    },
    /// The client says something.
    Message {
        /// Which.
        id: ClientSocketId,
        /// What.
        message: WebSocketMessage,
    },
    /// The client is gone, or was closed by the server; the plugin's own closing is not told.
    Closed {
        /// Which.
        id: ClientSocketId,
        /// Who ended it, and in which words.
        end: ClientEnd,
    },
}

/// How a client's WebSocket came to its end, where it was not the plugin that closed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEnd {
    /// The server closed it, for this reason.
    Server(String),
    /// The client closed it with this code (1005: with none) and reason.
    Client(u16, String),
    /// The client is gone without a word.
    Gone,
}

/// What a plugin does with one of them.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientDeed {
    /// Says something.
    Send(WebSocketMessage),
    /// Closes it, with a code and a reason.
    Close(u16, String),
}
