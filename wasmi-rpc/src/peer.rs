//! [`Peer`]: one end of a connection. Bytes and time go in, events and bytes come out; calls may be
//! nested in both directions to any depth, because nothing here waits.
//! How received messages are handled is in `peer/receive.rs`, how ours are written in
//! `peer/send.rs`; here is what both ends call.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::encode::write_value;
use crate::framing::{Decoder, Framing};
use crate::pending::{Incoming, Outgoing};
use crate::quick::{self, Quick};
use crate::{CallError, ErrorCode, Params, RequestId, RpcError, RpcResult};

mod receive;
mod send;

use send::CANCEL;

/// Bounds and framing of a [`Peer`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PeerConfig {
    /// How messages are separated. Default: read both, answer in kind.
    pub framing: Framing,
    /// Bytes of one message, in and out. Default: 16 MiB.
    pub max_message: usize,
    /// Requests that may wait in each direction. Default: 1024.
    pub max_pending: usize,
    /// Entries of a batch that is read. Default: 1024.
    pub max_batch: usize,
    /// [`Output::Fault`]s that may wait to be polled; beyond them what is no message at all is
    /// only counted, neither reported nor answered: garbage must not grow on its way. Default: 256.
    pub max_faults: usize,
}

impl Default for PeerConfig {
    fn default() -> Self {
        PeerConfig {
            framing: Framing::Auto,
            max_message: 16 << 20,
            max_pending: 1024,
            max_batch: 1024,
            max_faults: 256,
        }
    }
}

/// What [`Peer::poll_output`] hands out.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Framed bytes for the other end.
    Send(Vec<u8>),
    /// The other end calls: answer with [`Peer::respond`], now or later.
    Request {
        /// Names the request in the answer.
        id: RequestId,
        /// The method called.
        method: String,
        /// Its parameters.
        params: Params,
    },
    /// The other end tells something and wants no answer.
    Notification {
        /// The method named.
        method: String,
        /// Its parameters.
        params: Params,
    },
    /// A call of ours is over; every call ends exactly once.
    Answered {
        /// The call, as [`Peer::call`] named it.
        id: RequestId,
        /// Its result, or why there is none.
        result: Result<Box<RawValue>, CallError>,
    },
    /// The other end no longer wants the answer of its request. It may still be answered, for
    /// example with [`ErrorCode::Cancelled`].
    Cancelled {
        /// The request.
        id: RequestId,
    },
    /// Something broke the protocol. It is counted and, where the specification says so, answered
    /// already.
    Fault(RpcError),
}

/// One entry of a batch to be sent.
#[derive(Debug)]
pub enum BatchEntry {
    /// A request; its answer comes as [`Output::Answered`].
    Call(String, Params),
    /// A notification.
    Notify(String, Params),
}

/// What went over the connection so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Messages read, a batch counted once.
    pub received: u64,
    /// Messages written, a batch counted once.
    pub sent: u64,
    /// What broke the protocol: the events of [`Output::Fault`], and those beyond `max_faults`.
    pub faults: u64,
}

/// One end of a JSON-RPC 2.0 connection. After each input, call [`Peer::poll_output`] until `None`.
#[derive(Debug)]
pub struct Peer {
    decoder: Decoder,
    state: State,
}

impl Default for Peer {
    fn default() -> Self {
        Peer::new(PeerConfig::default())
    }
}

#[derive(Debug)]
struct State {
    config: PeerConfig,
    outgoing: Outgoing,
    incoming: Incoming,
    events: VecDeque<Output>,
    /// How many of the events are faults.
    faults_waiting: usize,
    unsent: Vec<u8>,
    /// The framing to write in.
    framing: Framing,
    counters: Counters,
    closed: bool,
}

/// Unsent bytes above this go out before further events are handed out.
const SEND_FIRST: usize = 64 * 1024;

impl Peer {
    /// A peer at the start of a connection.
    #[must_use]
    pub fn new(config: PeerConfig) -> Self {
        let framing = match config.framing {
            Framing::Auto => Framing::Newline,
            fixed => fixed,
        };
        Peer {
            decoder: Decoder::new(config.framing, config.max_message),
            state: State {
                config,
                outgoing: Outgoing::default(),
                incoming: Incoming::default(),
                events: VecDeque::new(),
                faults_waiting: 0,
                unsent: Vec::new(),
                framing,
                counters: Counters::default(),
                closed: false,
            },
        }
    }

    /// Bytes from the other end, split anywhere.
    pub fn handle_input(&mut self, _now: Duration, mut bytes: &[u8]) {
        while let Some((message, rest)) = self.take_line(bytes) {
            let (line, rest) = bytes.split_at(bytes.len() - rest.len());
            self.state.handle_quick(message, line);
            bytes = rest;
        }
        let state = &mut self.state;
        self.decoder.feed(bytes, &mut |frame, framing| state.handle_frame(frame, framing));
    }

    /// The first message of these bytes, if it is in the usual form and nothing stands before it,
    /// and the bytes behind it. Otherwise nothing has happened: [`Peer::handle_input`] takes
    /// the same bytes, at a higher price, and has the same meaning.
    ///
    /// Parameters and results are handed out unread; who cannot read them as JSON must
    /// [`Peer::refuse`] the line. A result may be that of a call that does not wait.
    pub fn handle_line<'b>(&mut self, bytes: &'b [u8]) -> Option<(Quick<'b>, &'b [u8])> {
        if !self.state.events.is_empty() {
            return None;
        }
        let (message, rest) = self.take_line(bytes)?;
        match message {
            Quick::Request { id, .. } if !self.state.accept_request(id) => return None,
            Quick::Notification { method, .. } if method == CANCEL.as_bytes() => return None,
            Quick::Request { .. } | Quick::Notification { .. } => self.state.counters.received += 1,
            Quick::Answered { .. } => {}
        }
        Some((message, rest))
    }

    #[inline]
    fn take_line<'b>(&self, bytes: &'b [u8]) -> Option<(Quick<'b>, &'b [u8])> {
        if self.state.framing != Framing::Newline || !self.decoder.expects_line() {
            return None;
        }
        let (message, rest) = quick::line(bytes)?;
        (bytes.len() - rest.len() <= self.state.config.max_message).then_some((message, rest))
    }

    /// The result that [`Peer::handle_line`] found for this call was JSON: the call is over.
    /// `false` if it did not wait.
    pub fn accept(&mut self, id: u64) -> bool {
        let waited = self.state.outgoing.remove(id);
        self.state.counters.received += u64::from(waited);
        waited
    }

    /// What [`Peer::handle_line`] found in this line was no JSON, or the result of a call that does
    /// not wait. What the line means instead, [`Peer::poll_event`] says.
    pub fn refuse(&mut self, line: &[u8]) {
        match quick::line(line) {
            Some((Quick::Request { id, .. }, _)) => {
                self.state.incoming.remove(&RequestId::Number(id));
                self.state.counters.received -= 1;
            }
            Some((Quick::Notification { .. }, _)) => self.state.counters.received -= 1,
            _ => {}
        }
        self.state.handle_plain_line(line);
    }

    /// The other end will send no more: half a message is reported, and all our calls fail with
    /// [`CallError::Closed`]. Its requests may still be answered.
    pub fn handle_eof(&mut self, _now: Duration) {
        let state = &mut self.state;
        self.decoder.finish(&mut |frame, framing| state.handle_frame(frame, framing));
        state.closed = true;
        for id in state.outgoing.drain() {
            state.answered(id, Err(CallError::Closed));
        }
    }

    /// Ends the calls whose deadline is reached, and tells the other end so.
    pub fn handle_timeout(&mut self, now: Duration) {
        for id in self.state.outgoing.expired(now) {
            self.state.give_up(id, CallError::Timeout);
        }
    }

    /// When [`Peer::handle_timeout`] wants to be called, at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.state.outgoing.earliest()
    }

    /// Calls a method of the other end; [`Output::Answered`] ends the call. `deadline` is a point
    /// in time, on the same scale as `now`.
    ///
    /// # Errors
    /// Nothing is sent when the connection is closed, too many calls wait, the message is too
    /// large, or `params` is neither array nor object.
    pub fn call(
        &mut self,
        _now: Duration,
        method: &str,
        params: Params,
        deadline: Option<Duration>,
    ) -> Result<RequestId, RpcError> {
        let draft = self.state.begin_call(method)?;
        let written = self.state.write_raw(params.as_deref());
        self.state.end_call(&draft, written, deadline)
    }

    /// [`Peer::call`] with parameters of any type that serialises to an array, an object, or null
    /// for "none".
    ///
    /// # Errors
    /// As [`Peer::call`], and when `params` does not serialise.
    pub fn call_with<P: Serialize + ?Sized>(
        &mut self,
        _now: Duration,
        method: &str,
        params: &P,
        deadline: Option<Duration>,
    ) -> Result<RequestId, RpcError> {
        let draft = self.state.begin_call(method)?;
        let written = write_value(&mut self.state.unsent, params).map_err(RpcError::bad_params);
        self.state.end_call(&draft, written, deadline)
    }

    /// Tells the other end something.
    ///
    /// # Errors
    /// Nothing is sent when the message is too large or `params` is neither array nor object.
    pub fn notify(&mut self, method: &str, params: Params) -> Result<(), RpcError> {
        let draft = self.state.begin_notification(method);
        let written = self.state.write_raw(params.as_deref());
        self.state.end_request(&draft, written)
    }

    /// [`Peer::notify`] with parameters of any type, as in [`Peer::call_with`].
    ///
    /// # Errors
    /// As [`Peer::notify`], and when `params` does not serialise.
    pub fn notify_with<P: Serialize + ?Sized>(
        &mut self,
        method: &str,
        params: &P,
    ) -> Result<(), RpcError> {
        let draft = self.state.begin_notification(method);
        let written = write_value(&mut self.state.unsent, params).map_err(RpcError::bad_params);
        self.state.end_request(&draft, written)
    }

    /// Answers a request of the other end. A result above the size bound is replaced by error
    /// -32008.
    ///
    /// # Errors
    /// [`RpcError::UnknownRequest`] if no such request waits; nothing is sent then.
    pub fn respond(&mut self, id: RequestId, result: RpcResult) -> Result<(), RpcError> {
        let answer = self.state.begin_answer(id)?;
        match &result {
            Ok(result) => {
                self.state.unsent.extend_from_slice(result.get().as_bytes());
                self.state.end_answer(answer, None);
            }
            Err(error) => self.state.end_answer(answer, Some(error)),
        }
        Ok(())
    }

    /// Answers with a result of any type, written straight into the output. One that does not
    /// serialise is answered with error -32603.
    ///
    /// # Errors
    /// As [`Peer::respond`].
    pub fn respond_with<R: Serialize + ?Sized>(
        &mut self,
        id: RequestId,
        result: &R,
    ) -> Result<(), RpcError> {
        let answer = self.state.begin_answer(id)?;
        let failed = write_value(&mut self.state.unsent, result).err().map(|error| {
            let text = format!("the result cannot be written as JSON: {error}");
            ErrorCode::InternalError.with(text)
        });
        self.state.end_answer(answer, failed.as_ref());
        Ok(())
    }

    /// Sends several requests and notifications in one array (section 6). The ids are those of
    /// the calls, in order. An empty list sends nothing.
    ///
    /// # Errors
    /// As [`Peer::call`]; nothing is sent then.
    pub fn send_batch(
        &mut self,
        _now: Duration,
        entries: &[BatchEntry],
        deadline: Option<Duration>,
    ) -> Result<Vec<RequestId>, RpcError> {
        self.state.send_batch(entries, deadline)
    }

    /// Takes a call back: it ends with [`CallError::Cancelled`], and the other end is told by the
    /// notification `$/cancelRequest`. `false` if the call is over already.
    pub fn cancel(&mut self, id: &RequestId) -> bool {
        match id {
            RequestId::Number(id) => self.state.give_up(*id, CallError::Cancelled),
            _ => false,
        }
    }

    /// What is to be done next; `None` when all is done. Events come before bytes, so that the
    /// answers to one input travel together.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.state.unsent.len() < SEND_FIRST
            && let Some(event) = self.poll_event()
        {
            return Some(event);
        }
        let bytes = self.take_unsent();
        if bytes.is_empty() { self.poll_event() } else { Some(Output::Send(bytes)) }
    }

    /// Like [`Peer::poll_output`], without the bytes: they wait for [`Peer::take_unsent`].
    pub fn poll_event(&mut self) -> Option<Output> {
        let event = self.state.events.pop_front();
        self.state.faults_waiting -= usize::from(matches!(event, Some(Output::Fault(_))));
        event
    }

    /// The bytes to be sent, all at once.
    pub fn take_unsent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.state.unsent)
    }

    /// How many bytes wait to be sent.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.state.unsent.len()
    }

    /// Gives the memory of sent bytes back to be filled again.
    pub fn reuse(&mut self, mut buffer: Vec<u8>) {
        if self.state.unsent.capacity() == 0 && buffer.capacity() <= SEND_FIRST {
            buffer.clear();
            self.state.unsent = buffer;
        }
    }

    /// How many of our calls wait.
    #[must_use]
    pub fn calls_waiting(&self) -> usize {
        self.state.outgoing.len()
    }

    /// How many requests of the other end wait for [`Peer::respond`].
    #[must_use]
    pub fn requests_waiting(&self) -> usize {
        self.state.incoming.len()
    }

    /// What went over the connection so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.state.counters
    }
}

#[cfg(test)]
mod quick_tests;
#[cfg(test)]
mod tests;
