//! One call of a library guest and what comes of it, whatever the guest's convention.
//!
//! Clauses: plugin ABI 3.1 to 3.6. How texts go in and out is the convention's
//! (`buffer.rs`, `assemblyscript.rs`).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::handler::{HANDLER_DEADLINE, Handler, HandlerCall, HandlerCallId, HandlerReply};
use crate::session::{Delivery, START_DEADLINE};

/// First size of an output buffer for metadata, and the largest for anything (plugin ABI 2.6).
pub(crate) const FIRST_BUFFER: u32 = 8 << 10;
pub(crate) const LARGEST_BUFFER: u32 = 16 << 20;
/// The same for handlers that may be asked again, and for those that may not.
const FIRST_REPLY: u32 = 64 << 10;
const ONLY_REPLY: u32 = 1 << 20;
/// The largest for a handler: a body of 16 MiB in base64, and what is around it.
pub(crate) const LARGEST_REPLY: u32 = 24 << 20;

/// This host's own: takes values in binary, instead of `delta_handler`.
pub(crate) const VALUES_HANDLER: &str = "values_handler";

/// One call of the guest.
#[derive(Debug)]
pub(crate) enum Work {
    /// `_start` or `_initialize`, once before everything else.
    Entry(&'static str),
    /// A text of the guest; in the buffer ABI `size` grows until it fits.
    Read { export: &'static str, size: u32 },
    /// `plugin_start` with the configuration text.
    Start(String),
    /// `plugin_stop`.
    Stop,
    /// `poll`.
    Poll,
    /// `delta_handler` with one delta.
    Delta(Arc<str>),
    /// `values_handler` with what came on a beat.
    Values(Batch),
    /// `responseHandler` with the answer to a request of as-fetch.
    Response(Response),
    /// `__collect`: nobody wants anything.
    Collect,
    /// `on_datagram`, `on_tcp_data` or `on_ws_message`: there is something to read in this socket.
    Woken { export: &'static str, socket: u32 },
    /// `on_event` with what other plugins get as a notification: `{"method", "params"}`.
    Event(String),
    /// A handler, by the export that it has.
    Handle { call: HandlerCall, export: Arc<str>, size: u32 },
}

/// Values in binary (`session/values`).
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    /// What begins in them.
    pub(crate) deltas: Vec<Delivery>,
}

/// The answer to a request that nobody rests for (plugin ABI 5.5).
#[derive(Debug)]
pub(crate) struct Response {
    /// Names the request.
    pub(crate) callback: i32,
    /// The request went out.
    pub(crate) sent: bool,
    /// 0: it failed.
    pub(crate) status: i32,
    pub(crate) redirected: bool,
    pub(crate) body: Bytes,
}

impl Work {
    /// A text that the guest gives, as first asked for.
    pub(crate) fn read(export: &'static str) -> Work {
        Work::Read { export, size: FIRST_BUFFER }
    }

    /// An event, as a notification.
    pub(crate) fn event(method: &str, params: &str) -> Work {
        Work::Event(format!(r#"{{"method":"{method}","params":{params}}}"#))
    }

    /// A handler as first asked.
    pub(crate) fn handle(call: HandlerCall, export: Arc<str>) -> Work {
        let size = match call.handler.largest_reply() {
            // An answer is about as long as the question, and it is asked often.
            _ if call.handler == Handler::DeltaInput => {
                let len = u32::try_from(call.request.len()).unwrap_or(u32::MAX);
                len.saturating_mul(2).clamp(FIRST_REPLY, ONLY_REPLY)
            }
            _ if call.handler.repeatable() => FIRST_REPLY,
            Some(said) => said.saturating_add(1).clamp(ONLY_REPLY, LARGEST_REPLY),
            None => ONLY_REPLY,
        };
        Work::Handle { call, export, size }
    }

    pub(crate) fn export(&self) -> &str {
        match self {
            Work::Entry(export) | Work::Read { export, .. } => export,
            Work::Start(_) => "plugin_start",
            Work::Stop => "plugin_stop",
            Work::Poll => "poll",
            Work::Delta(_) => "delta_handler",
            Work::Values(_) => VALUES_HANDLER,
            Work::Response(_) => "responseHandler",
            Work::Collect => "__collect",
            Work::Woken { export, .. } => export,
            Work::Event(_) => "on_event",
            Work::Handle { export, .. } => export,
        }
    }

    /// Deltas in it.
    pub(crate) fn deltas(&self) -> u64 {
        match self {
            Work::Delta(_) => 1,
            Work::Values(batch) => u64::try_from(batch.deltas.len()).unwrap_or(u64::MAX),
            _ => 0,
        }
    }

    /// Guest time that it may take: plugin ABI W12, unless the owner says otherwise. A start
    /// may take longer than other calls, never less.
    pub(crate) fn deadline(&self, call_time: Option<Duration>) -> Duration {
        match self {
            Work::Entry(_) | Work::Start(_) => START_DEADLINE.max(call_time.unwrap_or_default()),
            Work::Handle { .. } => call_time.unwrap_or(HANDLER_DEADLINE),
            Work::Read { .. }
            | Work::Stop
            | Work::Poll
            | Work::Delta(_)
            | Work::Values(_)
            | Work::Woken { .. }
            | Work::Event(_)
            | Work::Response(_)
            | Work::Collect => call_time.unwrap_or(Duration::from_secs(5)),
        }
    }

    /// What it comes to when the guest cannot be called.
    pub(crate) fn refused(self, why: String) -> Done {
        match self {
            Work::Read { export, .. } => {
                Done::Read { export, text: Some(String::new()), complaint: Some(why) }
            }
            Work::Start(_) => Done::NotStarted(why),
            Work::Handle { call, .. } => {
                let reply = Err(crate::handler::HandlerFailure::Failed(why));
                Done::Handled { id: call.id, reply }
            }
            work => Done::Refused(format!("`{}`: {why}", work.export())),
        }
    }

    /// What it comes to when the guest does not have the export.
    pub(crate) fn skipped(self) -> Done {
        match self {
            Work::Entry(_) => Done::Entry,
            Work::Read { export, .. } => Done::Read { export, text: None, complaint: None },
            Work::Start(_) => Done::Started(0),
            Work::Stop => Done::Stopped(0),
            Work::Poll => Done::Polled(0),
            Work::Delta(_) | Work::Values(_) => Done::Deltas(self.deltas()),
            Work::Response(_) | Work::Collect => Done::Response,
            Work::Woken { .. } | Work::Event(_) => Done::Woken,
            Work::Handle { call, export, .. } => {
                let handler = export.to_string();
                let reply = Err(crate::handler::HandlerFailure::NotFound { handler });
                Done::Handled { id: call.id, reply }
            }
        }
    }
}

/// One call that came to its end.
#[derive(Debug)]
pub(crate) enum Done {
    Entry,
    /// `None`: not exported. Complaint: why the text is not all there.
    Read {
        export: &'static str,
        text: Option<String>,
        complaint: Option<String>,
    },
    Started(i32),
    /// It could not be asked to start, in words.
    NotStarted(String),
    Stopped(i32),
    Polled(i32),
    /// So many were handed over.
    Deltas(u64),
    /// Of the answer to a request, or a collection: nobody waits for it.
    Response,
    /// A call that could not be made, in words.
    Refused(String),
    Woken,
    Handled {
        id: HandlerCallId,
        reply: HandlerReply,
    },
}
