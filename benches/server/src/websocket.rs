//! A WebSocket client that costs almost nothing, so that it is the server that
//! is measured: no masking work, no copies, frames found in the read buffer.

use anyhow::{Result, bail};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub const TEXT: u8 = 1;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// Opens a stream; gives the socket and the bytes that came after the handshake.
pub async fn connect(port: u16, target: &str) -> Result<(TcpStream, Vec<u8>)> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
    socket.set_nodelay(true)?;
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::with_capacity(64 * 1024);
    loop {
        if socket.read_buf(&mut bytes).await? == 0 {
            bail!("the server closed the connection in the handshake");
        }
        if let Some(end) = memmem::find(&bytes, b"\r\n\r\n") {
            if !bytes.starts_with(b"HTTP/1.1 101") {
                bail!("no WebSocket: {}", String::from_utf8_lossy(&bytes[..end]));
            }
            let rest = bytes.split_off(end + 4);
            return Ok((socket, rest));
        }
    }
}

/// Appends one frame, masked with zeros as a client's frame must be masked.
pub fn frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        length @ 0..126 => out.push(0x80 | length as u8),
        length @ 126..65_536 => {
            out.push(0x80 | 126);
            out.extend((length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend(payload);
}

/// Takes all whole frames out of `bytes`, and appends a pong for each ping among them.
pub fn answer_pings(bytes: &mut Vec<u8>, pongs: &mut Vec<u8>) {
    let mut at = 0;
    while let Some((opcode, begin, end)) = next_frame(bytes, at) {
        at = end;
        if opcode == PING {
            frame(pongs, PONG, &bytes[begin..end]);
        }
    }
    bytes.drain(..at);
}

/// The next whole frame at `at`: opcode, begin and end of its payload.
pub fn next_frame(bytes: &[u8], at: usize) -> Option<(u8, usize, usize)> {
    let head = bytes.get(at..at + 2)?;
    let (length, begin) = match head[1] & 127 {
        126 => (u64::from(u16::from_be_bytes(bytes.get(at + 2..at + 4)?.try_into().ok()?)), at + 4),
        127 => (u64::from_be_bytes(bytes.get(at + 2..at + 10)?.try_into().ok()?), at + 10),
        short => (u64::from(short), at + 2),
    };
    let end = begin + length as usize;
    (bytes.len() >= end).then_some((head[0] & 15, begin, end))
}
