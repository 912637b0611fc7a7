//! What was done or happened in a plugin's world. What it means for the guest is `net/`.

use core::net::SocketAddr;

use bytes::Bytes;

use super::{ConnectionId, FetchId, SaveId, SocketId, WebSocketMessage};
#[cfg(doc)]
use super::{Effect, WINDOW};

/// Was done, or happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// The options that the plugin saved ([`SignalK::save_options`](crate::SignalK::save_options)) are on the disk, or
    /// why not.
    Saved {
        /// Which.
        save: SaveId,
        /// Why not.
        result: Result<(), String>,
    },
    /// News of an HTTP request.
    Fetch {
        /// Which.
        id: FetchId,
        /// What.
        news: FetchNews,
    },
    /// [`Effect::UdpBind`] was done: the port, or why not.
    UdpBound {
        /// Which.
        socket: SocketId,
        /// The port that it has now.
        result: Result<u16, String>,
    },
    /// [`Effect::UdpSet`] was done.
    UdpSet {
        /// Which.
        socket: SocketId,
        /// Why not.
        result: Result<(), String>,
    },
    /// Datagrams that came, oldest first.
    Datagrams {
        /// Which.
        socket: SocketId,
        /// None when only `dropped` is news.
        datagrams: Vec<Datagram>,
        /// Datagrams that the edge or the system had to drop before these, because nobody took them.
        dropped: u64,
    },
    /// A TCP or WebSocket connection is there, or could not be made. On failure the socket is gone.
    Connected {
        /// Which.
        socket: SocketId,
        /// Subprotocol of a WebSocket, else `""`; or why not.
        result: Result<String, String>,
    },
    /// [`Effect::TcpListen`] was done: where it listens, or why not; then the listener is gone.
    Listening {
        /// Which.
        socket: SocketId,
        /// With the port that it has now.
        result: Result<SocketAddr, String>,
    },
    /// A connection came to a listener and waits for [`Effect::TcpAccept`].
    Accepted {
        /// Where.
        listener: SocketId,
        /// Names it until it is a socket.
        connection: ConnectionId,
        /// Who.
        from: SocketAddr,
    },
    /// Bytes of a TCP connection as they came. At most [`WINDOW`] bytes come before
    /// [`Effect::Taken`] says that some were taken.
    TcpData {
        /// Which.
        socket: SocketId,
        /// One piece.
        data: Bytes,
    },
    /// Bytes of [`Effect::TcpSend`] that the system took, or the
    /// [`weight`](WebSocketMessage::weight) of an [`Effect::WebSocketSend`].
    Sent {
        /// Which.
        socket: SocketId,
        /// How many.
        bytes: usize,
    },
    /// A WebSocket message; it counts in [`WINDOW`] with its [`cost`](WebSocketMessage::cost).
    WebSocketMessage {
        /// Which.
        socket: SocketId,
        /// What.
        message: WebSocketMessage,
    },
    /// The other end closed, or the connection broke. The socket is gone.
    Closed {
        /// Which.
        socket: SocketId,
        /// `None`: in good order; else what broke.
        error: Option<String>,
        /// Close code and reason that the other end of a WebSocket gave.
        close: Option<(u16, String)>,
    },
    /// The edge lost the socket by a fault of its own: it is gone, whatever was asked of it.
    Lost {
        /// Which.
        socket: SocketId,
        /// In words.
        text: String,
    },
    /// Something failed that nobody waits for: an option at bind, a datagram that could not be sent.
    SocketTrouble {
        /// Which.
        socket: SocketId,
        /// Datagrams that were not sent for it.
        unsent: u64,
        /// In words.
        text: String,
    },
}

/// One datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// Who sent it.
    pub from: SocketAddr,
    /// Its bytes, possibly none.
    pub data: Bytes,
}

/// News of an HTTP request. Not streamed: [`FetchNews::Whole`] or [`FetchNews::Failed`], once.
/// Streamed: a head, pieces as asked for, an end; or a failure anywhere.
#[derive(Debug, Clone, PartialEq)]
pub enum FetchNews {
    /// The answer with its body.
    Whole(FetchHead, Bytes),
    /// The answer of a streamed request.
    Head(FetchHead),
    /// So many bytes of [`Effect::FetchWrite`] are on their way to the server.
    Written(usize),
    /// The next piece of a streamed body.
    Piece(Bytes),
    /// The end of a streamed body.
    End,
    /// No answer: name, connection, TLS, time, size, or the egress rules.
    Failed(String),
}

/// Status line and headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchHead {
    /// 200, 404, ...
    pub status: u16,
    /// Names in lower case, in their order.
    pub headers: Vec<(String, String)>,
    /// The last URL.
    pub url: String,
    /// Whether it is another one than asked for.
    pub redirected: bool,
    /// From a [`Cache`](crate::Cache); `None`: as the server answered.
    pub cached: Option<Cached>,
}

/// How an answer that was kept came to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cached {
    /// It still holds: nobody was asked.
    Fresh,
    /// The server says that it still holds.
    Checked,
    /// It is over, but the server cannot be reached or fails.
    Stale,
}

impl Cached {
    /// As plugins read it.
    pub fn name(self) -> &'static str {
        match self {
            Cached::Fresh => "fresh",
            Cached::Checked => "checked",
            Cached::Stale => "stale",
        }
    }
}
