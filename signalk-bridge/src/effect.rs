//! The outside world of a plugin as two enums: [`Effect`], please do, and [`Report`], was done.
//!
//! Sockets and HTTP of plugins (plugin ABI 5 and 6). The numbers are the
//! plugin's own, so one plugin cannot name another's socket; an edge keeps its
//! table per life of a plugin and drops the whole of it when that life ends.
//! Effects of one plugin are carried out in the order given. Whether a plugin
//! may do it was decided before (`net/`), except for whom it may talk to: which
//! address a name stands for, and where a redirect leads, only the edge learns.
//! It asks [`Egress::check`](crate::Egress::check) before it looks a name up, and
//! [`Egress::check_address`](crate::Egress::check_address) before it connects.

use core::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

/// Bytes of one TCP or WebSocket connection that may be on their way to the plugin at once.
pub const WINDOW: usize = 256 << 10;

/// Connections to one listener that wait for the plugin to accept them.
pub const BACKLOG: usize = 16;

/// Bytes that the shortest WebSocket message counts as, in either direction.
const LEAST_COST: usize = 64;

/// One socket of one plugin: UDP, TCP or WebSocket; counted from 1, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

/// One connection that came to a listener: counted by the edge, for each listener anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// One HTTP request of one plugin; counted from 1, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchId(pub u64);

/// Please do. None of these blocks; what can fail or bring data is reported.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send an HTTP request; [`Report::Fetch`] follows, once or more.
    Fetch {
        /// Names it from now on.
        id: FetchId,
        /// What to send.
        request: FetchRequest,
    },
    /// A streamed body: one more piece is wanted (pieces come only when asked for).
    FetchMore {
        /// Which.
        id: FetchId,
    },
    /// The next piece of the body of a request with an [`Upload`], not empty;
    /// [`FetchNews::Written`] follows when it is on its way.
    FetchWrite {
        /// Which.
        id: FetchId,
        /// The piece.
        data: Bytes,
    },
    /// The body has ended. Without it a request with an [`Upload`] is broken off, never ended.
    FetchFinish {
        /// Which.
        id: FetchId,
    },
    /// Forget the request. Nothing more is reported about it.
    FetchCancel {
        /// Which.
        id: FetchId,
    },
    /// Make a UDP socket with address reuse, set the options in their order, bind it to all
    /// interfaces; [`Report::UdpBound`] follows. A failing option is reported by
    /// [`Report::SocketTrouble`] and does not stop the rest.
    UdpBind {
        /// Names it from now on.
        socket: SocketId,
        /// IPv6, else IPv4.
        ipv6: bool,
        /// 0: any.
        port: u16,
        /// In call order; groups are joined after binding.
        options: Vec<UdpOption>,
    },
    /// Set one option of a bound socket; [`Report::UdpSet`] follows.
    UdpSet {
        /// Which.
        socket: SocketId,
        /// What.
        option: UdpOption,
    },
    /// Send a datagram from a socket whose bind was asked for before. A failure is
    /// [`Report::SocketTrouble`].
    UdpSend {
        /// Which.
        socket: SocketId,
        /// Address literal or name.
        host: String,
        /// Where to.
        port: u16,
        /// The datagram.
        data: Bytes,
    },
    /// Connect; [`Report::Connected`] follows, within 30 s.
    TcpConnect {
        /// Names it from now on.
        socket: SocketId,
        /// Address literal or name.
        host: String,
        /// Where to.
        port: u16,
        /// With TLS: the server has to prove that it is `host`, or hold a certificate that the owner
        /// trusts ([`Egress::trusts`](crate::Egress::trusts)).
        tls: bool,
    },
    /// Listen for TCP connections, if [`Egress::check_listen`](crate::Egress::check_listen) permits it;
    /// [`Report::Listening`] follows, and [`Report::Accepted`] for each connection. Each
    /// waits for one of the next two effects; of those, the edge takes twice [`BACKLOG`] from the system.
    TcpListen {
        /// Names the listener from now on.
        socket: SocketId,
        /// Where; port 0: any.
        at: SocketAddr,
    },
    /// A connection that came becomes a socket, connected as after [`Effect::TcpConnect`].
    TcpAccept {
        /// Where it came.
        listener: SocketId,
        /// Which.
        connection: ConnectionId,
        /// Names it from now on.
        socket: SocketId,
    },
    /// A connection that came is closed at once: too many wait.
    TcpRefuse {
        /// Where it came.
        listener: SocketId,
        /// Which.
        connection: ConnectionId,
    },
    /// Send bytes on a connected TCP socket; [`Report::Sent`] follows when the system took them.
    TcpSend {
        /// Which.
        socket: SocketId,
        /// What.
        data: Bytes,
    },
    /// Of [`Report::TcpData`] and [`Report::WebSocketMessage`] so many bytes were taken: the edge
    /// may read on.
    Taken {
        /// Which.
        socket: SocketId,
        /// How many.
        bytes: usize,
    },
    /// Connect to a WebSocket server; [`Report::Connected`] follows.
    WebSocketConnect {
        /// Names it from now on.
        socket: SocketId,
        /// `ws:` or `wss:`.
        url: String,
        /// Of the upgrade request.
        headers: Vec<(String, String)>,
        /// Subprotocols, best first.
        protocols: Vec<String>,
    },
    /// Send a message; [`Report::Sent`] follows when the system took it.
    WebSocketSend {
        /// Which.
        socket: SocketId,
        /// What.
        message: WebSocketMessage,
    },
    /// Close a socket of any kind, after what was to be sent. Nothing more is reported about it.
    Close {
        /// Which.
        socket: SocketId,
        /// Of a WebSocket: close code and reason.
        reason: Option<(u16, String)>,
    },
}

/// What a plugin sends by HTTP. Scheme, method, names and sizes were checked.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchRequest {
    /// In capitals.
    pub method: String,
    /// `http:` or `https:`.
    pub url: String,
    /// Without `host`, `content-length` and `connection`: those are the edge's.
    pub headers: Vec<(String, String)>,
    /// Empty: none.
    pub body: Bytes,
    /// Until the body is complete; the head of a streamed one.
    pub timeout: Duration,
    /// Redirects that are followed at most; each target is checked like the first.
    pub redirects: u32,
    /// Longest body; a longer one fails.
    pub most: usize,
    /// The body comes in pieces of at most 64 KiB, each after an [`Effect::FetchMore`].
    pub streamed: bool,
    /// `body` is empty: what is sent follows by [`Effect::FetchWrite`]. `timeout` is then for each
    /// step: until something moves, and from the end of the body to the answer.
    pub upload: Option<Upload>,
}

/// A body that is sent in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload {
    /// Bytes of all pieces, if they are known before: its `content-length`.
    pub length: Option<u64>,
}

/// One UDP option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UdpOption {
    /// `SO_BROADCAST`.
    Broadcast(bool),
    /// Hops of multicast datagrams.
    MulticastTtl(u32),
    /// Whether own multicast datagrams come back.
    MulticastLoopback(bool),
    /// Join a group, on the interface with this address (`""`: the system chooses).
    Join {
        /// Group address.
        group: String,
        /// Address of a local interface.
        interface: String,
    },
    /// Leave a group.
    Leave {
        /// Group address.
        group: String,
        /// Address of a local interface.
        interface: String,
    },
}

/// One WebSocket message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebSocketMessage {
    /// UTF-8.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

/// One save of one plugin's options; numbers are the plugin's own, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaveId(pub u64);

/// Was done, or happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// The options that the plugin saved ([`SignalK::save_options`](crate::SignalK::save_options)) are on the disk, or why not.
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
    /// Something failed that nobody waits for: an option at bind, a datagram that could not be sent.
    SocketTrouble {
        /// Which.
        socket: SocketId,
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
}

impl WebSocketMessage {
    /// Length in bytes.
    pub fn len(&self) -> usize {
        match self {
            WebSocketMessage::Text(text) => text.len(),
            WebSocketMessage::Binary(data) => data.len(),
        }
    }

    /// What it takes of [`WINDOW`]: its bytes, but neither nothing, so that empty messages cannot
    /// pile up, nor more than there is.
    pub fn cost(&self) -> usize {
        self.len().clamp(LEAST_COST, WINDOW)
    }

    /// What it counts while it waits to be sent: its bytes, but never nothing, so that empty
    /// messages cannot pile up. [`Report::Sent`] tells the same number.
    pub fn weight(&self) -> usize {
        self.len().max(LEAST_COST)
    }

    /// True for a message of no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Effect {
    /// The socket that it is about.
    pub fn socket(&self) -> Option<SocketId> {
        match self {
            Effect::Fetch { .. }
            | Effect::FetchMore { .. }
            | Effect::FetchWrite { .. }
            | Effect::FetchFinish { .. }
            | Effect::FetchCancel { .. } => None,
            Effect::UdpBind { socket, .. }
            | Effect::UdpSet { socket, .. }
            | Effect::UdpSend { socket, .. }
            | Effect::TcpConnect { socket, .. }
            | Effect::TcpListen { socket, .. }
            | Effect::TcpAccept { socket, .. }
            | Effect::TcpRefuse { listener: socket, .. }
            | Effect::TcpSend { socket, .. }
            | Effect::Taken { socket, .. }
            | Effect::WebSocketConnect { socket, .. }
            | Effect::WebSocketSend { socket, .. }
            | Effect::Close { socket, .. } => Some(*socket),
        }
    }
}
