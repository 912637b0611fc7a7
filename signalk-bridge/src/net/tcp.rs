//! TCP as the plugin ABI has it: connections in line or raw mode whose last bytes are not lost. Those that come from
//! elsewhere are `listen`.
//!
//! Clause: plugin ABI 6.2, weakness W39. Bytes are split, not text, so that a
//! character may straddle two pieces. In line mode a guest that does not read
//! loses the oldest lines, as existing plugins expect of a feed; in raw mode the
//! other end waits until the guest has read.

mod listen;
mod pieces;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

pub(super) use self::listen::{Connections, Listener};
use super::unsent::Unsent;
use super::{Net, Socket, Wait, check_host, unknown};
use crate::effect::{Effect, SocketId};

/// Lines that wait in one socket; then the oldest are dropped and counted. Pieces of a byte stream
/// are never dropped: more of them are joined. Lines are bounded in bytes too, by
/// [`MOST_QUEUED`](super::MOST_QUEUED).
const MOST: usize = 1000;
/// Raw bytes that nobody has read, from where on the other end waits in line mode too: who changes
/// the mode again and again has no more of them.
const MOST_RAW: usize = 1 << 20;
/// A line without an end is delivered as it is at this length.
const LONGEST_LINE: usize = 64 << 10;
/// Bytes that wait to be sent.
const MOST_UNSENT: usize = 1 << 20;
/// Connections whose end is remembered.
const MOST_ERRORS: usize = 64;

/// One TCP connection.
#[derive(Debug)]
pub(super) struct Tcp {
    state: State,
    raw_mode: bool,
    /// Without their ends.
    lines: VecDeque<Vec<u8>>,
    /// Bytes of them.
    line_bytes: usize,
    raw: VecDeque<BytesMut>,
    raw_bytes: usize,
    partial: Vec<u8>,
    pub(super) unsent: Unsent,
    /// Bytes that the edge does not know to be taken.
    untaken: usize,
    awaiting: Option<Wait>,
    /// It came to a listener.
    came: bool,
}

/// What [`Net::tcp_take`] takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Received {
    /// Without their ends.
    Lines(Vec<Vec<u8>>),
    /// As they came.
    Bytes(Bytes),
    /// There is no more; why, when it was not in good order.
    End(Option<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Connecting,
    Connected,
    /// What came before can still be read.
    Ended,
}

impl Tcp {
    fn new(state: State, raw_mode: bool) -> Tcp {
        Tcp {
            state,
            raw_mode,
            lines: VecDeque::new(),
            line_bytes: 0,
            raw: VecDeque::new(),
            raw_bytes: 0,
            partial: Vec::new(),
            unsent: Unsent::default(),
            untaken: 0,
            awaiting: None,
            came: false,
        }
    }
}

impl Net {
    /// A socket that is not connected, in line mode.
    pub(crate) fn tcp_create(&mut self) -> Result<SocketId, String> {
        self.add(Socket::Tcp(Tcp::new(State::New, false)))
    }

    /// Begins to connect, perhaps with TLS; who wants to may wait.
    pub(crate) fn tcp_connect(
        &mut self,
        id: SocketId,
        host: &str,
        port: i32,
        tls: bool,
    ) -> Result<Wait, String> {
        let port = u16::try_from(port).ok().filter(|port| *port != 0);
        let port = port.ok_or("a connection needs a port from 1 to 65535")?;
        check_host(host, "a connection")?;
        let wait = self.next_wait();
        let tcp = self.tcp(id)?;
        if tcp.state != State::New {
            return Err(format!("socket {} is connected, or was", id.0));
        }
        tcp.state = State::Connecting;
        tcp.awaiting = Some(wait);
        let host = host.to_owned();
        self.begin(Effect::TcpConnect { socket: id, host, port, tls });
        Ok(wait)
    }

    /// Whether it is connected; `None`: it is not known, or ended and read to the end.
    pub(crate) fn tcp_connected(&mut self, id: SocketId) -> Option<bool> {
        self.tcp(id).ok().map(|tcp| tcp.state == State::Connected)
    }

    /// Lines, or bytes as they come: for what comes from now on.
    pub(crate) fn tcp_set_lines(&mut self, id: SocketId, lines: bool) -> Result<(), String> {
        let tcp = self.tcp(id)?;
        tcp.raw_mode = !lines;
        if lines {
            self.tcp_taken(id);
        }
        Ok(())
    }

    /// Queues bytes to be sent.
    pub(crate) fn tcp_send(&mut self, id: SocketId, data: Bytes) -> Result<(), String> {
        let tcp = self.tcp(id)?;
        if tcp.state != State::Connected {
            return Err(format!("socket {} is not connected", id.0));
        }
        let bytes = data.len();
        if tcp.unsent.bytes() + bytes > MOST_UNSENT {
            let text = format!("{MOST_UNSENT} bytes wait to be sent; the other end is slow");
            return Err(text);
        }
        if bytes > 0 {
            self.send(Effect::TcpSend { socket: id, data }, bytes)?;
            self.tcp(id)?.unsent.add(bytes);
        }
        Ok(())
    }

    /// The oldest line, still in the queue.
    pub(crate) fn tcp_peek_line(&mut self, id: SocketId) -> Result<Option<&[u8]>, String> {
        Ok(self.tcp(id)?.lines.front().map(Vec::as_slice))
    }

    /// Takes the oldest line.
    pub(crate) fn tcp_pop_line(&mut self, id: SocketId) -> Option<Vec<u8>> {
        let tcp = self.tcp(id).ok()?;
        let line = tcp.lines.pop_front();
        tcp.line_bytes -= line.as_ref().map_or(0, Vec::len);
        self.tcp_was_read(id);
        line
    }

    /// The oldest piece, still in the queue.
    pub(crate) fn tcp_peek_raw(&mut self, id: SocketId) -> Result<Option<&[u8]>, String> {
        Ok(self.tcp(id)?.raw.front().map(|piece| &piece[..]))
    }

    /// Takes so many bytes of the oldest piece; its rest stays.
    pub(crate) fn tcp_pop_raw(&mut self, id: SocketId, bytes: usize) {
        let Ok(tcp) = self.tcp(id) else { return };
        if let Some(piece) = tcp.raw.front_mut() {
            let bytes = bytes.min(piece.len());
            drop(piece.split_to(bytes));
            tcp.raw_bytes -= bytes;
            if piece.is_empty() {
                tcp.raw.pop_front();
            }
        }
        self.tcp_was_read(id);
    }

    /// Lines or pieces that wait, of the present mode.
    pub(crate) fn tcp_pending(&mut self, id: SocketId) -> Option<usize> {
        self.tcp(id).ok().map(|tcp| if tcp.raw_mode { tcp.raw.len() } else { tcp.lines.len() })
    }

    /// All that came, of the present mode; `None`: nothing yet. The end comes last, and once.
    pub(crate) fn tcp_take(&mut self, id: SocketId) -> Result<Option<Received>, String> {
        let Ok(tcp) = self.tcp(id) else {
            let ended = self.errors.iter().position(|(socket, _)| *socket == id);
            let error = ended.and_then(|at| self.errors.remove(at)).map(|(_, text)| text);
            let is_known = id.0 > 0 && id.0 <= self.last_socket && self.ends.remove(&id);
            return if is_known { Ok(Some(Received::End(error))) } else { Err(unknown(id)) };
        };
        let received = if tcp.lines.is_empty() {
            let pieces: Vec<BytesMut> = std::mem::take(&mut tcp.raw).into();
            tcp.raw_bytes = 0;
            Received::Bytes(pieces.concat().into())
        } else {
            tcp.line_bytes = 0;
            Received::Lines(std::mem::take(&mut tcp.lines).into())
        };
        self.tcp_was_read(id);
        Ok(Some(received).filter(|received| *received != Received::Bytes(Bytes::new())))
    }

    /// Why the connection could not be made, or ended; `""` when it did in good order.
    pub(crate) fn tcp_last_error(&self, id: SocketId) -> Option<&str> {
        let known = matches!(self.sockets.get(&id), Some(Socket::Tcp(_)));
        let error = self.errors.iter().rev().find(|(socket, _)| *socket == id);
        error.map(|(_, text)| text.as_str()).or(known.then_some(""))
    }

    /// Closes it; what was to be sent is sent. A listener: what came and waits is refused.
    pub(crate) fn tcp_close(&mut self, id: SocketId) {
        if self.tcp(id).is_err() {
            return self.tcp_stop_listening(id);
        }
        let Some(Socket::Tcp(tcp)) = self.sockets.remove(&id) else { return };
        let closed = || Err(format!("socket {} was closed", id.0));
        self.complete(tcp.awaiting, closed());
        for wait in tcp.unsent.end() {
            self.complete(Some(wait), closed());
        }
        if matches!(tcp.state, State::Connecting | State::Connected) {
            self.effects.push_back(Effect::Close { socket: id, reason: None });
        }
    }

    fn tcp(&mut self, id: SocketId) -> Result<&mut Tcp, String> {
        match self.sockets.get_mut(&id) {
            Some(Socket::Tcp(tcp)) => Ok(tcp),
            _ => Err(unknown(id)),
        }
    }

    /// The edge may read on.
    fn tcp_taken(&mut self, id: SocketId) {
        let Ok(tcp) = self.tcp(id) else { return };
        if tcp.raw_bytes > MOST_RAW {
            return;
        }
        let bytes = std::mem::take(&mut tcp.untaken);
        if bytes > 0 && tcp.state == State::Connected {
            self.effects.push_back(Effect::Taken { socket: id, bytes });
        }
    }

    /// A connection that has ended is gone when nothing is left to read.
    fn tcp_was_read(&mut self, id: SocketId) {
        let Ok(tcp) = self.tcp(id) else { return };
        if !tcp.raw.is_empty() {
            return;
        }
        if tcp.state == State::Ended && tcp.lines.is_empty() {
            self.sockets.remove(&id);
            self.ends.insert(id);
            if self.ends.len() > MOST_ERRORS {
                self.ends.pop_first();
            }
        } else {
            self.tcp_taken(id);
        }
    }

    pub(super) fn tcp_was_connected(&mut self, id: SocketId, result: Result<String, String>) {
        let Ok(tcp) = self.tcp(id) else { return };
        let wait = tcp.awaiting.take();
        match result {
            Ok(_) => {
                tcp.state = State::Connected;
                self.fresh.insert(id);
                self.complete(wait, Ok(()));
            }
            Err(text) => {
                self.complete(wait, Err(text.clone()));
                self.tcp_was_closed(id, Some(text));
            }
        }
    }

    pub(super) fn tcp_received(&mut self, id: SocketId, data: &Bytes) {
        let share = self.share();
        let Ok(tcp) = self.tcp(id) else { return };
        tcp.untaken += data.len();
        let raw_mode = tcp.raw_mode;
        let dropped = if raw_mode {
            tcp.keep_raw(data);
            0
        } else {
            tcp.split(data);
            tcp.cut_to(share)
        };
        self.lines_dropped += dropped;
        self.fresh.insert(id);
        if !raw_mode {
            self.tcp_taken(id);
        }
    }

    pub(super) fn tcp_was_closed(&mut self, id: SocketId, error: Option<String>) {
        let share = self.share();
        let Ok(tcp) = self.tcp(id) else { return };
        tcp.state = State::Ended;
        let unsent = std::mem::take(&mut tcp.unsent).end();
        if !tcp.partial.is_empty() {
            let last = std::mem::take(&mut tcp.partial);
            tcp.push(last);
        }
        let dropped = tcp.cut_to(share);
        self.lines_dropped += dropped;
        self.fresh.insert(id);
        for wait in unsent {
            let text = error.clone().unwrap_or_else(|| "the other end has closed".to_owned());
            self.complete(Some(wait), Err(text));
        }
        if let Some(text) = error {
            self.errors.push_back((id, text));
            if self.errors.len() > MOST_ERRORS {
                self.errors.pop_front();
            }
        }
        self.tcp_was_read(id);
    }
}
