//! TCP connections: bytes, or lines of text.
//!
//! What is not read waits in the host, and the other end is made to wait; only lines that pile up
//! beyond 1000 are lost, the oldest first.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use serde::Deserialize;

use super::{Owned, decode, encode};
use crate::signalk::SignalK;
use crate::{Error, ErrorCode, Result};

/// A connection of bytes.
pub struct TcpStream {
    owned: Owned,
    /// The end is told once.
    ended: Cell<bool>,
}

/// A connection of lines: `\n` or `\r\n` ends one, empty ones are left out.
pub struct TcpLines {
    stream: TcpStream,
    /// Came with the one that was asked for.
    rest: RefCell<VecDeque<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Received {
    lines: Vec<String>,
    data: Option<String>,
    closed: Option<Ending>,
}

#[derive(Deserialize)]
struct Ending {
    error: Option<String>,
}

impl TcpStream {
    /// Connects within 30 s.
    ///
    /// # Errors
    /// The capability `rawSockets` is missing, or there is nobody.
    pub async fn connect(sk: &SignalK, host: &str, port: u16) -> Result<Self> {
        TcpStream::open(sk, host, port, false).await
    }

    async fn open(sk: &SignalK, host: &str, port: u16, lines: bool) -> Result<Self> {
        let number = sk.host().call("tcp.connect", (host, port, lines)).await?;
        let owned = Owned { host: sk.host().clone(), number, close: "tcp.close" };
        Ok(TcpStream { owned, ended: Cell::new(false) })
    }

    /// Sends bytes; done when the system has taken them.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn send(&self, data: &[u8]) -> Result<()> {
        self.owned.host.call("tcp.send", (self.owned.number, encode(data))).await
    }

    /// All bytes that came; waits for some. `None`: the other end has closed.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn receive(&self) -> Result<Option<Vec<u8>>> {
        let received = self.received().await?;
        received.data.map(|data| decode(&data)).transpose()
    }

    async fn received(&self) -> Result<Received> {
        if self.ended.get() {
            return Ok(Received::default());
        }
        let call = self.owned.host.call::<Received>("tcp.receive", (self.owned.number,));
        let mut received = call.await?;
        let closed = received.closed.take();
        self.ended.set(closed.is_some());
        match closed.and_then(|closed| closed.error) {
            Some(error) => Err(Error::new(ErrorCode::NetworkFailed, error)),
            None => Ok(received),
        }
    }
}

impl TcpLines {
    /// Connects within 30 s.
    ///
    /// # Errors
    /// As [`TcpStream::connect`].
    pub async fn connect(sk: &SignalK, host: &str, port: u16) -> Result<Self> {
        let stream = TcpStream::open(sk, host, port, true).await?;
        Ok(TcpLines { stream, rest: RefCell::default() })
    }

    /// Sends bytes; an end of line is not added.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn send(&self, data: &[u8]) -> Result<()> {
        self.stream.send(data).await
    }

    /// The next line, without its end. `None`: the other end has closed.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn receive(&self) -> Result<Option<String>> {
        if self.rest.borrow().is_empty() {
            let received = self.stream.received().await?;
            self.rest.borrow_mut().extend(received.lines);
        }
        Ok(self.rest.borrow_mut().pop_front())
    }
}
