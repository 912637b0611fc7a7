//! What the edge does for the core. When the core wants it is [`Output`].

use std::sync::Arc;

use bytes::Bytes;

use super::{ConnectionId, HttpId, LogArea, LogLevel, StreamId, Ticket};
#[cfg(doc)]
use super::{FoundPackage, Input, Output, Report};
use crate::{
    config::Endpoint,
    guest::{Egress, PluginEffect, PluginId, Quota},
    http::HttpResponse,
    resources::StorageTask,
    security::PasswordCheck,
    webapps::StaticFile,
};

/// What the edge does for the core. Printed for a programmer, payloads are their lengths.
pub enum Effect {
    /// Answer an HTTP request.
    HttpRespond {
        /// Of [`Input::Http`].
        id: HttpId,
        /// The whole answer.
        response: HttpResponse,
    },
    /// Read the whole body of [`Input::HttpHead`], and hand it in as [`Input::Http`] under the same id.
    HttpReadWhole {
        /// Of [`Input::HttpHead`].
        id: HttpId,
    },
    /// Read on in the body of [`Input::HttpHead`]: one piece, or its end, is [`Input::HttpBody`].
    HttpRead {
        /// Of [`Input::HttpHead`].
        id: HttpId,
    },
    /// Begin to answer an HTTP request; the body follows in pieces, and [`Effect::HttpEnd`]. What the client sends
    /// meanwhile may still be asked for.
    HttpRespondStream {
        /// Of the request.
        id: HttpId,
        /// Everything but the body.
        response: HttpResponse,
        /// Bytes of the body, if that is known.
        length: Option<u64>,
    },
    /// The next piece of a streamed answer; when the client's connection has taken it, [`Input::HttpBody`] says so.
    HttpWrite {
        /// Of the request.
        id: HttpId,
        /// At most 64 KiB.
        piece: Bytes,
    },
    /// A streamed answer has ended.
    HttpEnd {
        /// Of the request.
        id: HttpId,
        /// False: break the connection, so that the client does not take it for a whole one.
        complete: bool,
    },
    /// Send one text frame. The first one accepts the stream.
    StreamSend {
        /// To whom.
        id: StreamId,
        /// JSON text; cheap to clone.
        frame: Bytes,
    },
    /// Send the same text frame to many clients. The list is shared between calls until membership changes, so an edge
    /// may keep what it derives from it under the pointer of the `Arc`. A client may already be gone: skip it.
    StreamSendMany {
        /// To whom, in ascending order.
        ids: Arc<[StreamId]>,
        /// JSON text; cheap to clone.
        frame: Bytes,
    },
    /// Accept a stream whose first frame may be long in coming.
    StreamAccept {
        /// Whose.
        id: StreamId,
        /// Bytes: see [`Input::StreamQueue`].
        limit: usize,
        /// The WebSocket subprotocol to answer, one of the client's; `None`: none is spoken.
        protocol: Option<String>,
    },
    /// Send the same binary frame to many clients; otherwise as [`Effect::StreamSendMany`].
    StreamSendBinary {
        /// To whom, in ascending order.
        ids: Arc<[StreamId]>,
        /// The frame's payload; cheap to clone.
        frame: Bytes,
    },
    /// Send what is queued, then close. No [`Input::StreamClosed`] is needed afterwards (one does no harm).
    StreamClose {
        /// Whom.
        id: StreamId,
        /// A WebSocket close code.
        code: u16,
        /// In words.
        reason: String,
    },
    /// Answer the upgrade request by this response instead of opening a stream.
    StreamReject {
        /// Whose.
        id: StreamId,
        /// For example 404.
        response: HttpResponse,
    },
    /// Open an input connection and report with [`Input::Connection`]. Of a connection that is still open: open it
    /// anew.
    OpenConnection {
        /// Names it from now on.
        id: ConnectionId,
        /// Where to.
        endpoint: Endpoint,
    },
    /// Close an input connection. Nothing more is reported about it.
    CloseConnection {
        /// Which.
        id: ConnectionId,
    },
    /// Read the package.json of a plugin anew; [`Report::Package`] follows.
    ReadPackage {
        /// Whose.
        plugin: PluginId,
        /// [`FoundPackage::dir`].
        dir: String,
    },
    /// Read a plugin's module; [`Report::Module`] follows.
    ReadModule {
        /// Whose.
        plugin: PluginId,
        /// [`FoundPackage::dir`].
        dir: String,
        /// Relative to `dir`, `/` between names, checked by the core to stay inside.
        wasm: String,
        /// False: only the folder is needed, the code is known.
        want_code: bool,
        /// The plugin has the storage capability: it needs its folder, and may keep so much in it.
        fs: Option<Quota>,
        /// Names of files in `plugin-config-data`, checked by the core to be plain ones: certificates of authorities in
        /// PEM, for [`ModuleFiles::authorities`](crate::ModuleFiles).
        trust: Vec<String>,
    },
    /// Save a file atomically and durably; [`Report::Saved`] follows.
    SaveFile {
        /// Comes back.
        ticket: Ticket,
        /// Relative to the configuration directory, `/` between names.
        name: String,
        /// The whole content.
        bytes: Bytes,
        /// Of a file that its owner may write by hand meanwhile: what is believed to be in it. What is there otherwise
        /// goes through [`keep_foreign_changes`](crate::keep_foreign_changes) before it is saved.
        before: Option<Bytes>,
    },
    /// Do this in the world for a plugin; news of it is [`Input::PluginReport`].
    Plugin {
        /// Whose.
        plugin: PluginId,
        /// Which life of the plugin: numbers of sockets and requests count anew in each.
        life: u64,
        /// Where it may connect to; asked for each address before connecting.
        egress: Arc<Egress>,
        /// What.
        effect: PluginEffect,
    },
    /// A life of a plugin has ended: close its sockets, cancel its requests, report nothing more.
    PluginEnded {
        /// Whose.
        plugin: PluginId,
        /// Which.
        life: u64,
    },
    /// Work with resource or chart files; [`Report::Storage`] follows.
    Storage {
        /// Comes back.
        ticket: Ticket,
        /// What to do.
        task: StorageTask,
    },
    /// Execute this where it may take a second, a few at a time; [`Report::PasswordChecked`] follows.
    CheckPassword {
        /// Comes back.
        ticket: Ticket,
        /// Owned and `Send`.
        check: PasswordCheck,
    },
    /// Answer an HTTP request by a piece of a chart file, without the whole of it in memory.
    HttpRespondFile {
        /// Of [`Input::Http`].
        id: HttpId,
        /// Everything but the body.
        response: HttpResponse,
        /// [`RawFile::name`](crate::resources::RawFile::name) of a chart that was found.
        file: String,
        /// The first byte.
        offset: u64,
        /// How many bytes.
        length: u64,
    },
    /// Answer an HTTP request by a file of a package's web pages, without the whole of it in memory:
    /// look the file up as [`StaticFile`] says, and answer as [`StaticFile::answer`] says.
    HttpRespondStatic {
        /// Of [`Input::Http`].
        id: HttpId,
        /// Which file, and what the client wants of it.
        file: StaticFile,
    },
    /// A line for the log of the process.
    Log {
        /// How bad.
        level: LogLevel,
        /// Whose name `target` is.
        area: LogArea,
        /// What it is about: `core`, a connection's or a plugin's id.
        target: String,
        /// The line, without an end.
        text: String,
    },
    /// Everything is stopped; the process may end.
    Stopped,
}
