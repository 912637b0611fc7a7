//! From the request that enables a plugin to its first delta: loading, starting, and the way there and back.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use memchr::memmem;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::time::{sleep, timeout};

use super::servers::{Server, configuration};
use super::{KINDS, Measured, Options, note};
use crate::{http, process, websocket};

/// Two servers with plugins that are not enabled; in turns one of each is.
pub async fn run(options: &Options, measured: &mut Measured) -> Result<()> {
    let mut servers = Vec::new();
    let first = options.port + 50;
    for (kind, port) in KINDS.into_iter().zip(first..) {
        let mut server = Server::prepare(options, kind, options.loads, false, port)?;
        let count = std::mem::take(&mut server.told).len();
        server.start().await?;
        server.told.resize(count, (0, 0));
        servers.push(server);
    }
    sleep(Duration::from_secs(5)).await;
    for number in 1..=options.loads {
        for half in 0..2 {
            let which = (half + number) % 2;
            let server = &servers[which];
            let (took, cpu) = enable(server, &options.read, number).await?;
            eprintln!(
                "{}: plugin {number} enabled in {took:.2} ms, processor {cpu:.2} ms",
                server.name()
            );
            note(measured, "from enabling to the first delta, ms", 1, which, took);
            note(measured, "from enabling to the first delta, processor ms", 1, which, cpu);
        }
    }
    Ok(())
}

/// Wall and processor time in milliseconds. A client is told of the delta, so that asking costs the server nothing.
async fn enable(server: &Server, read: &str, number: usize) -> Result<(f64, f64)> {
    let mark = number + 7;
    let body = json!({
        "enabled": true, "enableDebug": false, "configuration": configuration(read, number, mark as u64),
    });
    let delta = format!(r#""path":"bench.p{number}.mark","value":{mark}"#);
    let (mut client, mut bytes) =
        websocket::connect(server.port, "/signalk/v1/stream?subscribe=self").await?;
    sleep(Duration::from_millis(500)).await;
    let before = process::cpu_seconds(server.pid());
    let begun = Instant::now();
    let path = format!("/plugins/bench-plugin-{number}/config");
    let (status, answer) = http::ask(server.port, "POST", &path, &body.to_string()).await?;
    if status != 200 {
        bail!("{}: {path}: {status} {}", server.name(), String::from_utf8_lossy(&answer));
    }
    while memmem::find(&bytes, delta.as_bytes()).is_none() {
        let read = timeout(Duration::from_secs(20), client.read_buf(&mut bytes)).await;
        if !matches!(read, Ok(Ok(1..))) {
            bail!("{}: plugin {number} did not start within 20 s", server.name());
        }
    }
    let took = begun.elapsed().as_secs_f64() * 1e3;
    sleep(Duration::from_millis(50)).await;
    let cpu =
        process::cpu_seconds(server.pid()).zip(before).map_or(f64::NAN, |(after, b)| after - b);
    Ok((took, cpu * 1e3))
}
