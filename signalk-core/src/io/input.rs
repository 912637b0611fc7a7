//! What happened in the world. What became of an effect is [`Report`].

use bytes::Bytes;

use super::{ConnectionId, HttpId, Report, StreamId};
#[cfg(doc)]
use super::{Effect, Output};
use crate::{
    guest::{BodyNews, PluginId, PluginReport, Ran},
    http::HttpRequest,
};

/// What happened in the world. Printed for a programmer, payloads are their lengths.
pub enum Input {
    /// A complete HTTP request arrived. Exactly one [`Effect::HttpRespond`] with this id will follow, often at once.
    Http {
        /// Chosen by the edge.
        id: HttpId,
        /// The request with its whole body, at most [`body_limit`](crate::http::body_limit): the edge refuses more.
        request: HttpRequest,
    },
    /// The head of a request whose body waits at the edge, at an address where
    /// [`may_stream`](crate::http::may_stream). [`Effect::HttpReadWhole`] follows, or what follows [`Input::Http`],
    /// possibly after any number of [`Effect::HttpRead`].
    HttpHead {
        /// Chosen by the edge.
        id: HttpId,
        /// The request without its body.
        request: HttpRequest,
    },
    /// Bytes of a streamed request or answer were moved.
    HttpBody {
        /// Which.
        id: HttpId,
        /// What came of [`Effect::HttpRead`] or [`Effect::HttpWrite`].
        news: BodyNews,
    },
    /// The client is gone before it had its whole answer, or its body ended early. Nothing more is answered.
    HttpGone {
        /// Which.
        id: HttpId,
    },
    /// A client asks for a WebSocket. Answered by [`Effect::StreamSend`] or [`Effect::StreamAccept`] (it is accepted),
    /// or by [`Effect::StreamReject`].
    StreamOpened {
        /// Chosen by the edge.
        id: StreamId,
        /// The upgrade request.
        request: HttpRequest,
    },
    /// A text frame of a stream client.
    StreamMessage {
        /// Who sent it.
        id: StreamId,
        /// The frame's text, not yet known to be JSON.
        text: Bytes,
    },
    /// A binary frame of a stream client.
    StreamBinary {
        /// Who sent it.
        id: StreamId,
        /// The frame's bytes.
        data: Bytes,
    },
    /// A stream client is gone. Nothing more is sent to it.
    StreamClosed {
        /// Who.
        id: StreamId,
        /// With this WebSocket close code (1005: with none) and reason; `None`: without a word, or it was the server.
        close: Option<(u16, String)>,
    },
    /// How many bytes of a client's frames wait at the edge. Report it whenever it crosses 512 KiB upwards, when it has
    /// drained to 1 KiB, and about once a second while it is above 512 KiB. Of a client that was accepted by
    /// [`Effect::StreamAccept`]: whenever it rises above that limit, and when it is not above it any more.
    StreamQueue {
        /// Whose queue.
        id: StreamId,
        /// Bytes handed over and not yet taken by the operating system.
        bytes: usize,
    },
    /// News of an input connection.
    Connection {
        /// Which.
        id: ConnectionId,
        /// What.
        event: ConnectionEvent,
    },
    /// The plugin packages that were found on disk; once, at the start, and again whenever the edge looked anew.
    Packages {
        /// Every folder with a readable package.json.
        found: Vec<FoundPackage>,
        /// Folders that could not be read, in words for the log.
        complaints: Vec<String>,
    },
    /// An [`Effect`] was carried out.
    Report(Report),
    /// An [`Output::Run`] came to its end.
    Ran {
        /// Whose.
        plugin: PluginId,
        /// The result of `Run::execute`.
        ran: Ran,
    },
    /// An [`Output::Run`] panicked in the edge's hands, and with it went the guest: a fault of the host.
    RunLost {
        /// Whose.
        plugin: PluginId,
        /// The panic's words.
        reason: String,
    },
    /// News of an [`Effect::Plugin`].
    PluginReport {
        /// As in the effect.
        plugin: PluginId,
        /// As in the effect.
        life: u64,
        /// What happened.
        report: PluginReport,
    },
    /// The time of the last [`Output::Wait`] has come. Harmless at any other time.
    Tick,
    /// Stop everything in good order; [`Effect::Stopped`] follows.
    Shutdown,
}

/// News of an input connection.
pub enum ConnectionEvent {
    /// It is open: connected, or listening.
    Opened,
    /// Bytes in any split; of a listener with several peers: whole lines, so that peers do not mix within a sentence.
    Bytes(Bytes),
    /// The other end closed it. The core asks for it again after a pause.
    Closed {
        /// In words, with the name of the device, file or address.
        reason: String,
    },
    /// It could not be opened, or broke. The core asks for it again after a pause.
    Failed {
        /// In words, with the name of the device, file or address.
        error: String,
    },
    /// A file was read to its end. It is not opened again.
    Finished,
}

/// One plugin package on disk.
#[derive(Debug, Clone)]
pub struct FoundPackage {
    /// The folder, in the edge's own words; handed back in [`Effect::ReadModule`].
    pub dir: String,
    /// The text of its package.json.
    pub package_json: String,
}
