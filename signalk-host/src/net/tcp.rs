//! NMEA 0183 over TCP: to a gateway that we connect to, or from peers that connect to us.

use std::{net::IpAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use signalk_core::ConnectionEvent;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use super::{PIECE, Way, failed, listening};
use crate::keepalive;

/// For the name and for the connection.
const CONNECT: Duration = Duration::from_secs(10);

/// A gateway that lost its power never says goodbye; connecting again costs nothing.
const SILENCE: Duration = Duration::from_secs(120);

/// The same for a peer that connected to us. Longer, because not every one of them comes back when it is closed: one
/// that is without power is found by [`keepalive`]; this is for those that connect anew and leave the old connection
/// open.
const PEER_SILENCE: Duration = Duration::from_secs(600);

/// Peers of one listener.
const PEERS: usize = 32;

/// A line that is longer has no end: it is handed on as it is, and the core counts it as garbage.
const LINE: usize = 64 << 10;

pub(super) async fn connect(way: &Way, host: &str, port: u16) -> ConnectionEvent {
    let name = format!("tcp://{host}:{port}");
    let mut stream = match timeout(CONNECT, TcpStream::connect((host, port))).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return failed(&name, &error),
        Err(_) => {
            let seconds = CONNECT.as_secs();
            return ConnectionEvent::Failed { error: format!("{name}: no answer for {seconds} s") };
        }
    };
    keepalive::watch(&stream);
    way.event(ConnectionEvent::Opened).await;
    let mut buffer = BytesMut::with_capacity(PIECE);
    loop {
        buffer.reserve(PIECE);
        match timeout(SILENCE, stream.read_buf(&mut buffer)).await {
            Ok(Ok(0)) => {
                return ConnectionEvent::Closed {
                    reason: format!("{name}: closed by the other end"),
                };
            }
            Ok(Ok(_)) => way.bytes(buffer.split().freeze()).await,
            Ok(Err(error)) => return failed(&name, &error),
            Err(_) => {
                let seconds = SILENCE.as_secs();
                return ConnectionEvent::Closed {
                    reason: format!("{name}: silent for {seconds} s"),
                };
            }
        }
    }
}

pub(super) async fn listen(way: &Way, address: Option<IpAddr>, port: u16) -> ConnectionEvent {
    let (name, place) = listening("tcp-listen", address, port);
    let listener = match TcpListener::bind(place).await {
        Ok(listener) => listener,
        Err(error) => return failed(&name, &error),
    };
    way.event(ConnectionEvent::Opened).await;
    // Dropped with this task, and with it every peer.
    let mut peers = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) if peers.len() < PEERS => {
                    tracing::info!("{name}: {peer} connected");
                    keepalive::watch(&stream);
                    peers.spawn(serve_peer(way.clone(), stream));
                }
                Ok((_, peer)) => tracing::warn!("{name}: refused {peer}: there are {PEERS} already"),
                // Out of descriptors: those of peers that leave come back.
                Err(error) => {
                    tracing::warn!("{name}: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            },
            Some(_) = peers.join_next() => {}
        }
    }
}

/// Hands on whole lines, so that peers do not mix within a sentence.
async fn serve_peer(way: Way, mut stream: TcpStream) {
    let mut lines = Lines::default();
    loop {
        lines.buffer.reserve(PIECE);
        match timeout(PEER_SILENCE, stream.read_buf(&mut lines.buffer)).await {
            Ok(Ok(0) | Err(_)) | Err(_) => break,
            Ok(Ok(_)) => {
                if let Some(whole) = lines.whole() {
                    way.bytes(whole).await;
                }
            }
        }
    }
    if let Some(rest) = lines.rest() {
        way.bytes(rest).await;
    }
}

#[derive(Default)]
struct Lines {
    buffer: BytesMut,
}

impl Lines {
    fn whole(&mut self) -> Option<Bytes> {
        let end = self.buffer.iter().rposition(|byte| *byte == b'\n');
        match end {
            Some(end) => Some(self.buffer.split_to(end + 1).freeze()),
            None if self.buffer.len() > LINE => self.rest(),
            None => None,
        }
    }

    /// The last line of a peer that left has no end: it gets one, or it would run into another peer's.
    fn rest(&mut self) -> Option<Bytes> {
        (!self.buffer.is_empty()).then(|| {
            self.buffer.extend_from_slice(b"\r\n");
            self.buffer.split().freeze()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_never_mix_within_a_line() {
        let mut lines = Lines::default();
        lines.buffer.extend_from_slice(b"$A*");
        assert_eq!(lines.whole(), None);
        lines.buffer.extend_from_slice(b"00\r\n$B");
        assert_eq!(lines.whole().as_deref(), Some(&b"$A*00\r\n"[..]));
        assert_eq!(lines.rest().as_deref(), Some(&b"$B\r\n"[..]));
        assert_eq!(lines.rest(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_says_nothing_any_more_loses_its_place() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let (sender, inbox) = crate::inbox::channel(8);
        let credit = std::sync::Arc::new(tokio::sync::Semaphore::new(crate::net::PIECES));
        let way = Way { id: signalk_core::ConnectionId(1), sender, credit };
        tokio::io::AsyncWriteExt::write_all(&mut peer, b"$A*00\r\n$B").await.unwrap();
        // Ends although the peer keeps its end open; what it had begun to say is handed on.
        serve_peer(way, stream).await;
        let mut batch = Vec::new();
        inbox.take(&mut batch, std::time::Instant::now(), Some(std::time::Instant::now())).await;
        assert!(!batch.is_empty());
        drop(peer);
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let mut lines = Lines::default();
        lines.buffer.extend_from_slice(&vec![b'x'; LINE + 1]);
        assert!(lines.whole().is_some() && lines.buffer.is_empty());
    }
}
