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
//!
//! Here: the names of things and [`Effect`]; what effects carry is `effect/payload.rs`, what is told of them
//! `effect/report.rs`; turns that requests wait for `effect/turns.rs`.

mod payload;
mod report;
mod turns;

use core::net::SocketAddr;

use bytes::Bytes;

pub use self::payload::{FetchRequest, Retry, UdpOption, Upload, WebSocketMessage};
pub use self::report::{Cached, Datagram, FetchHead, FetchNews, Report};
pub(crate) use self::turns::{MOST_WAITING, MOST_WAITING_BYTES};
pub use self::turns::{RateLimit, Turns};

/// Bytes of one TCP or WebSocket connection that may be on their way to the plugin at once.
pub const WINDOW: usize = 256 << 10;

/// Connections to one listener that wait for the plugin to accept them.
pub const BACKLOG: usize = 16;

/// One socket of one plugin: UDP, TCP or WebSocket; counted from 1, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

/// One connection that came to a listener: counted by the edge, for each listener anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// One HTTP request of one plugin; counted from 1, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchId(pub u64);

/// One save of one plugin's options; numbers are the plugin's own, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaveId(pub u64);

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
