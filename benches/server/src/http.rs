//! One request over a connection of its own.

use anyhow::{Context, Result, bail};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The status, and all that follows the head.
pub async fn ask(port: u16, method: &str, path: &str, body: &str) -> Result<(u16, Vec<u8>)> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).await?;
    let Some(end) = memmem::find(&bytes, b"\r\n\r\n") else {
        bail!("{path}: the connection was closed before an answer");
    };
    let status = bytes.get(9..12).and_then(|code| std::str::from_utf8(code).ok());
    let status = status.and_then(|code| code.parse().ok()).context("an answer without a status")?;
    Ok((status, bytes.split_off(end + 4)))
}
