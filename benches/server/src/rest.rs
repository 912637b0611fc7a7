//! Requests to one path over one connection.

use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use memchr::memmem;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process;

#[derive(Args, Clone)]
pub struct Options {
    #[arg(long)]
    pub port: u16,
    #[arg(long)]
    pub pid: u32,
    /// Path and query.
    #[arg(long)]
    pub path: String,
    #[arg(long, default_value_t = 200)]
    pub requests: u32,
}

/// The figures of one path.
#[derive(Serialize, Clone, Default)]
pub struct Figures {
    pub bytes: usize,
    pub requests_per_s: f64,
    pub cpu_us_per_request: f64,
}

pub async fn run(options: &Options) -> Result<Figures> {
    let mut socket = TcpStream::connect(("127.0.0.1", options.port)).await?;
    socket.set_nodelay(true)?;
    let mut bytes = Vec::new();
    request(&mut socket, options, &mut bytes).await?;
    let before = process::cpu_seconds(options.pid);
    let begun = Instant::now();
    let mut length = 0;
    for _ in 0..options.requests {
        length = request(&mut socket, options, &mut bytes).await?;
    }
    let cpu = process::cpu_seconds(options.pid).zip(before).map(|(after, before)| after - before);
    let count = f64::from(options.requests);
    Ok(Figures {
        bytes: length,
        requests_per_s: count / begun.elapsed().as_secs_f64(),
        cpu_us_per_request: cpu.unwrap_or(f64::NAN) * 1e6 / count,
    })
}

async fn request(socket: &mut TcpStream, options: &Options, bytes: &mut Vec<u8>) -> Result<usize> {
    let head = format!("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", options.path);
    socket.write_all(head.as_bytes()).await?;
    bytes.clear();
    let end = loop {
        if let Some(end) = memmem::find(bytes, b"\r\n\r\n") {
            break end + 4;
        }
        if socket.read_buf(bytes).await? == 0 {
            bail!("the server closed the connection");
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    if !head.starts_with("http/1.1 200") {
        bail!("{}: {}", options.path, head.lines().next().unwrap_or_default());
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let whole = length.and_then(|length| length.trim().parse::<usize>().ok());
    loop {
        let done = match whole {
            Some(length) => bytes.len() >= end + length,
            None => bytes.ends_with(b"\r\n0\r\n\r\n"),
        };
        if done {
            return Ok(bytes.len() - end);
        }
        if socket.read_buf(bytes).await? == 0 {
            bail!("the server closed the connection");
        }
    }
}
