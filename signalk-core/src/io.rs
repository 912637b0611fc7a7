//! What goes in and what comes out, as closed enums. A new variant makes the compiler list every edge that must learn it.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::{
    config::Endpoint,
    guest::{BodyNews, Egress, PluginEffect, PluginId, PluginReport, Quota, Ran, Run},
    http::{HttpRequest, HttpResponse},
    resources::{StorageDone, StorageTask},
    webapps::StaticFile,
};

/// One HTTP exchange. The edge draws the numbers; the core only hands them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpId(pub u64);

/// One open WebSocket (or TCP) stream client, named by the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// One input connection, named by the core in [`Effect::OpenConnection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// One file to be saved; comes back in [`Report::Saved`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What happened in the world.
#[derive(Debug)]
pub enum Input {
    /// A complete HTTP request arrived. Exactly one [`Effect::HttpRespond`] with this id will follow, often at once.
    Http {
        /// Chosen by the edge.
        id: HttpId,
        /// The request with its whole body, at most [`body_limit`](crate::http::body_limit): the edge refuses more.
        request: HttpRequest,
    },
    /// The head of a request whose body waits at the edge, at an address where
    /// [`may_stream`](crate::http::may_stream). [`Effect::HttpReadWhole`] follows, or what follows [`Input::Http`], possibly
    /// after any number of [`Effect::HttpRead`].
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
    /// A client asks for a WebSocket. Answered by [`Effect::StreamSend`] or [`Effect::StreamAccept`] (it is accepted), or
    /// by [`Effect::StreamReject`].
    StreamOpened {
        /// Chosen by the edge.
        id: StreamId,
        /// Path and query of the upgrade request.
        target: String,
        /// Names in lower case.
        headers: Vec<(String, String)>,
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
#[derive(Debug)]
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

/// An effect was carried out, or failed.
pub enum Report {
    /// The answer to [`Effect::ReadModule`].
    Module {
        /// As asked.
        plugin: PluginId,
        /// The files, or why not: names the file and the remedy.
        result: Result<ModuleFiles, String>,
    },
    /// The answer to [`Effect::ReadPackage`].
    Package {
        /// As asked.
        plugin: PluginId,
        /// The file's text, or why not.
        result: Result<String, String>,
    },
    /// The answer to [`Effect::SaveFile`].
    Saved {
        /// As asked.
        ticket: Ticket,
        /// Durable on disk, or why not.
        result: Result<(), String>,
    },
    /// The answer to [`Effect::Storage`].
    Storage {
        /// As asked.
        ticket: Ticket,
        /// What became of it, or why nothing: names the file and the remedy.
        result: Result<StorageDone, String>,
    },
}

/// What a plugin's start needs from the disk.
pub struct ModuleFiles {
    /// The module; empty when it was not wanted.
    pub wasm: Bytes,
    /// Names the bytes: descriptions of plugins are remembered by it.
    pub(crate) hash: String,
    /// Its folder, when [`Effect::ReadModule`] wanted one and the platform has it.
    pub fs: Option<Box<dyn wasmi_hdk::vfs::Fs>>,
}

impl ModuleFiles {
    /// Best made where reading is done, off the core's thread: hashing takes a while.
    pub fn new(wasm: Bytes, fs: Option<Box<dyn wasmi_hdk::vfs::Fs>>) -> ModuleFiles {
        let digest = Sha256::digest(&wasm);
        let hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        ModuleFiles { wasm, hash, fs }
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Module { plugin, result } => {
                let result = result.as_ref().map(|files| files.wasm.len());
                f.debug_struct("Module").field("plugin", plugin).field("result", &result).finish()
            }
            Report::Package { plugin, result } => {
                let result = result.as_ref().map(String::len);
                f.debug_struct("Package").field("plugin", plugin).field("result", &result).finish()
            }
            Report::Saved { ticket, result } => {
                f.debug_struct("Saved").field("ticket", ticket).field("result", result).finish()
            }
            Report::Storage { ticket, result } => {
                f.debug_struct("Storage").field("ticket", ticket).field("result", result).finish()
            }
        }
    }
}

/// What the core wants next.
#[derive(Debug)]
pub enum Output {
    /// Please do this; never blocks the core.
    Effect(Effect),
    /// Please execute this slice of guest work, on any thread; its result returns as [`Input::Ran`].
    Run {
        /// Whose.
        plugin: PluginId,
        /// Owned and `Send`.
        run: Run,
    },
    /// Nothing more until an input, or until this time on the clock of `now`.
    Wait {
        /// `None`: until an input.
        until: Option<Duration>,
    },
}

/// What the edge does for the core.
#[derive(Debug)]
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
    /// Begin to answer an HTTP request; the body follows in pieces, and [`Effect::HttpEnd`]. What the client sends meanwhile
    /// may still be asked for.
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
    /// Open an input connection and report with [`Input::Connection`]. Of a connection that is still open: open it anew.
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
    },
    /// Save a file atomically and durably; [`Report::Saved`] follows.
    SaveFile {
        /// Comes back.
        ticket: Ticket,
        /// Relative to the configuration directory, `/` between names.
        name: String,
        /// The whole content.
        bytes: Bytes,
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

/// What a line in the log is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogArea {
    /// The server itself or one of its connections.
    Server,
    /// A plugin, by its id: what it said, or what the server says about it.
    Plugin,
}

/// Of a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something failed that the user must repair.
    Error,
    /// Something is odd; the server goes on.
    Warn,
    /// What a user wants to see.
    Info,
    /// What a developer wants to see.
    Debug,
}
