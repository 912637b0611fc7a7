//! One measurement: feed at a rate or as fast as the socket takes it, and count.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::deltas::{self, Feed};
use crate::subscriber::{self, Tally};
use crate::{process, websocket};

#[derive(Args, Clone)]
pub struct Options {
    /// HTTP port of the server.
    #[arg(long)]
    pub port: u16,
    /// Process to account.
    #[arg(long)]
    pub pid: u32,
    #[arg(long, value_enum, default_value = "ws")]
    pub feed: Feed,
    /// Port of the NMEA 0183 input.
    #[arg(long)]
    pub feed_port: Option<u16>,
    /// Deltas per second; without it as fast as the socket takes them.
    #[arg(long)]
    pub rate: Option<u64>,
    /// Deltas in all.
    #[arg(long, default_value_t = 8000)]
    pub count: u64,
    /// Clients that read everything.
    #[arg(long, default_value_t = 1)]
    pub clients: usize,
    /// Further clients that never read.
    #[arg(long, default_value_t = 0)]
    pub stuck: usize,
    /// Text before the sequence number in what is counted, to follow what a plugin makes of it.
    #[arg(long)]
    pub key: Option<String>,
    /// Longest time for the whole measurement, in seconds.
    #[arg(long, default_value_t = 60)]
    pub limit: u64,
}

/// The figures of one measurement.
#[derive(Serialize, Clone, Default)]
pub struct Figures {
    pub sent: u64,
    pub deltas_per_s: f64,
    pub lost_percent: f64,
    pub duplicates: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub cpu_us_per_delta: f64,
    pub resident_mb_before: f64,
    pub resident_mb_most: f64,
}

pub async fn run(options: &Options) -> Result<Figures> {
    let tally = Rc::new(RefCell::new(Tally {
        due: vec![0; options.count as usize],
        begun: Instant::now(),
        base: options.feed.base(),
        delays: Histogram::new_with_bounds(1, 120_000_000, 3)?,
        received: 0,
        duplicates: 0,
        last: 0,
    }));
    connect_clients(options, &tally).await?;
    let mut stuck = Vec::new();
    for _ in 0..options.stuck {
        stuck.push(websocket::connect(options.port, "/signalk/v1/stream?subscribe=all").await?);
    }
    let mut feed = connect_feed(options).await?;
    sleep(Duration::from_millis(300)).await;
    let cpu_before = process::cpu_seconds(options.pid);
    let before = process::resident_mb(options.pid).unwrap_or_default();
    let most = watch_memory(options.pid, before);
    let begun = Instant::now();
    let from = tally.borrow().begun.elapsed();
    let sent = send(options, &tally, &mut feed).await?;
    drain(&tally, sent * options.clients as u64, options.limit).await;
    let cpu = process::cpu_seconds(options.pid).zip(cpu_before).map(|(after, b)| after - b);
    let tally = tally.borrow();
    let wanted = (sent * options.clients as u64).max(1);
    let span = match options.clients {
        0 => begun.elapsed().as_secs_f64(),
        _ => (tally.last as f64 / 1e6 - from.as_secs_f64()).max(1e-9),
    };
    Ok(Figures {
        sent,
        deltas_per_s: sent as f64 / span,
        lost_percent: 100.0 * (wanted - tally.received.min(wanted)) as f64 / wanted as f64,
        duplicates: tally.duplicates,
        p50_ms: tally.delays.value_at_quantile(0.5) as f64 / 1e3,
        p99_ms: tally.delays.value_at_quantile(0.99) as f64 / 1e3,
        cpu_us_per_delta: cpu.unwrap_or(f64::NAN) * 1e6 / sent.max(1) as f64,
        resident_mb_before: before,
        resident_mb_most: *most.borrow(),
    })
}

async fn connect_clients(options: &Options, tally: &Rc<RefCell<Tally>>) -> Result<()> {
    for _ in 0..options.clients {
        let (ready, connected) = oneshot::channel();
        tokio::task::spawn_local(subscriber::run(
            tally.clone(),
            options.port,
            "/signalk/v1/stream?subscribe=all".to_owned(),
            options.key.as_deref().map_or(options.feed.key(), str::as_bytes).to_vec(),
            ready,
        ));
        connected.await??;
    }
    Ok(())
}

async fn connect_feed(options: &Options) -> Result<OwnedWriteHalf> {
    let socket = match (options.feed, options.feed_port) {
        (Feed::Ws, _) => {
            websocket::connect(options.port, "/signalk/v1/stream?subscribe=none").await?.0
        }
        (Feed::Nmea, Some(port)) => TcpStream::connect(("127.0.0.1", port)).await?,
        (Feed::Nmea, None) => bail!("--feed nmea needs --feed-port"),
    };
    let (mut read, write) = socket.into_split();
    tokio::task::spawn_local(async move {
        let mut bytes = vec![0; 64 * 1024];
        while matches!(read.read(&mut bytes).await, Ok(1..)) {}
    });
    Ok(write)
}

/// Sends on schedule; what is due but not sent yet counts from when it was due.
async fn send(
    options: &Options,
    tally: &Rc<RefCell<Tally>>,
    feed: &mut OwnedWriteHalf,
) -> Result<u64> {
    let begun = Instant::now();
    let offset = tally.borrow().begun.elapsed().as_micros() as u64;
    let base = tally.borrow().base;
    let limit = Duration::from_secs(options.limit);
    let (mut sent, mut text, mut out) = (0, String::new(), Vec::with_capacity(64 * 1024));
    while sent < options.count && begun.elapsed() < limit {
        let until = match options.rate {
            None => (sent + 64).min(options.count),
            Some(rate) => {
                sleep(Duration::from_millis(1)).await;
                let due = (begun.elapsed().as_secs_f64() * rate as f64) as u64 + 1;
                due.min(options.count).min(sent + 4096)
            }
        };
        out.clear();
        let timestamp = now_text();
        let now = tally.borrow().begun.elapsed().as_micros() as u64;
        for number in sent..until {
            let due = options.rate.map_or(now, |rate| offset + number * 1_000_000 / rate);
            tally.borrow_mut().due[number as usize] = due.max(1);
            match options.feed {
                Feed::Ws => {
                    deltas::delta(&mut text, base + number, &timestamp);
                    websocket::frame(&mut out, websocket::TEXT, text.as_bytes());
                }
                Feed::Nmea => {
                    deltas::sentence(&mut text, base + number);
                    out.extend(text.as_bytes());
                }
            }
        }
        timeout(limit, feed.write_all(&out)).await??;
        sent = until;
        tokio::task::yield_now().await;
    }
    Ok(sent)
}

/// Waits until all arrived, or nothing came for two seconds.
async fn drain(tally: &Rc<RefCell<Tally>>, wanted: u64, limit: u64) {
    let begun = Instant::now();
    let (mut last, mut since) = (0, Instant::now());
    while begun.elapsed() < Duration::from_secs(limit) {
        let received = tally.borrow().received;
        if received >= wanted || since.elapsed() > Duration::from_secs(2) {
            return;
        }
        if received != last {
            (last, since) = (received, Instant::now());
        }
        sleep(Duration::from_millis(10)).await;
    }
}

fn watch_memory(pid: u32, before: f64) -> Rc<RefCell<f64>> {
    let most = Rc::new(RefCell::new(before));
    let shared = most.clone();
    tokio::task::spawn_local(async move {
        while let Some(now) = process::resident_mb(pid) {
            let larger = shared.borrow().max(now);
            *shared.borrow_mut() = larger;
            sleep(Duration::from_millis(100)).await;
        }
    });
    most
}

fn now_text() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}
