//! TCP connections: bytes, or lines of text, with TLS where the other end has it; and listeners.
//!
//! What is not read waits in the host, and the other end is made to wait; only lines that pile up
//! beyond 1000 are lost, the oldest first.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use serde::Deserialize;

use super::{Owned, decode, encode};
use crate::signalk::SignalK;
use crate::{Error, ErrorCode, Host, Result};

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
        TcpStream::open(sk, host, port, false, false).await
    }

    /// Connects with TLS within 30 s.
    ///
    /// # Errors
    /// As [`TcpStream::connect`], or the certificate does not prove that it is `host`, and the owner
    /// does not trust it.
    pub async fn connect_tls(sk: &SignalK, host: &str, port: u16) -> Result<Self> {
        TcpStream::open(sk, host, port, false, true).await
    }

    async fn open(sk: &SignalK, host: &str, port: u16, lines: bool, tls: bool) -> Result<Self> {
        let number = if tls {
            sk.host().call("tcp.connect", (host, port, lines, tls)).await?
        } else {
            sk.host().call("tcp.connect", (host, port, lines)).await?
        };
        Ok(TcpStream::of(sk.host(), number))
    }

    fn of(host: &Host, number: u64) -> Self {
        let owned = Owned { host: host.clone(), number, close: "tcp.close" };
        TcpStream { owned, ended: Cell::new(false) }
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
        TcpStream::open(sk, host, port, true, false).await.map(TcpLines::of)
    }

    /// Connects with TLS within 30 s.
    ///
    /// # Errors
    /// As [`TcpStream::connect_tls`].
    pub async fn connect_tls(sk: &SignalK, host: &str, port: u16) -> Result<Self> {
        TcpStream::open(sk, host, port, true, true).await.map(TcpLines::of)
    }

    fn of(stream: TcpStream) -> Self {
        TcpLines { stream, rest: RefCell::default() }
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

/// Takes connections of bytes. What was accepted outlives it.
pub struct TcpListener {
    owned: Owned,
    local: Peer,
}

/// Takes connections of lines.
pub struct TcpLinesListener(TcpListener);

/// One end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Peer {
    /// Without the port.
    pub address: String,
    /// The port.
    pub port: u16,
}

#[derive(Deserialize)]
struct Listening {
    listener: u64,
    #[serde(flatten)]
    local: Peer,
}

#[derive(Deserialize)]
struct Accepted {
    socket: u64,
    #[serde(flatten)]
    peer: Peer,
}

impl TcpListener {
    /// Listens on an address of this computer; port 0 is any. `"127.0.0.1"` is for everybody,
    /// another address for plugins whose owner lists it in `listen`.
    ///
    /// # Errors
    /// The capability `rawSockets` is missing, the owner does not permit the address, or the port is
    /// in use.
    pub async fn bind(sk: &SignalK, address: &str, port: u16) -> Result<Self> {
        TcpListener::open(sk, address, port, false).await
    }

    async fn open(sk: &SignalK, address: &str, port: u16, lines: bool) -> Result<Self> {
        let call = sk.host().call::<Listening>("tcp.listen", (port, address, lines));
        let Listening { listener: number, local } = call.await?;
        let owned = Owned { host: sk.host().clone(), number, close: "tcp.close" };
        Ok(TcpListener { owned, local })
    }

    /// Where it listens, with the port that it has.
    #[must_use]
    pub fn local(&self) -> &Peer {
        &self.local
    }

    /// The next connection, and who it is; waits for one.
    ///
    /// # Errors
    /// The listener has failed.
    pub async fn accept(&self) -> Result<(TcpStream, Peer)> {
        let host = &self.owned.host;
        let Accepted { socket, peer } = host.call("tcp.accept", (self.owned.number,)).await?;
        Ok((TcpStream::of(host, socket), peer))
    }
}

impl TcpLinesListener {
    /// As [`TcpListener::bind`].
    ///
    /// # Errors
    /// As there.
    pub async fn bind(sk: &SignalK, address: &str, port: u16) -> Result<Self> {
        TcpListener::open(sk, address, port, true).await.map(TcpLinesListener)
    }

    /// Where it listens, with the port that it has.
    #[must_use]
    pub fn local(&self) -> &Peer {
        self.0.local()
    }

    /// The next connection, and who it is; waits for one.
    ///
    /// # Errors
    /// The listener has failed.
    pub async fn accept(&self) -> Result<(TcpLines, Peer)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((TcpLines::of(stream), peer))
    }
}
