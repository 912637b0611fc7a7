//! One measurement: feed at a rate or as fast as the socket takes it, and count.
//!
//! Long runs need two things that short ones do not: the feed answers pings, and a client that is
//! stuck is replaced before the server closes it for its silence.

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
    /// Each of them gives way to a new one after so many seconds: a server closes who stays silent.
    #[arg(long, default_value_t = 30)]
    pub stuck_for: u64,
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
    pub resident_mb_after: f64,
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
    for _ in 0..options.stuck {
        stay_stuck(options.port, Duration::from_secs(options.stuck_for)).await?;
    }
    let (mut feed, pongs) = connect_feed(options).await?;
    sleep(Duration::from_millis(300)).await;
    let cpu_before = process::cpu_seconds(options.pid);
    let before = process::resident_mb(options.pid).unwrap_or_default();
    let most = watch_memory(options.pid, before);
    let begun = Instant::now();
    let from = tally.borrow().begun.elapsed();
    let sent = send(options, &tally, &mut feed, &pongs).await?;
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
        resident_mb_after: process::resident_mb(options.pid).unwrap_or_default(),
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

/// A client that reads nothing but the handshake, and after `time` another one in its place.
async fn stay_stuck(port: u16, time: Duration) -> Result<()> {
    const TARGET: &str = "/signalk/v1/stream?subscribe=all";
    let mut client = websocket::connect(port, TARGET).await?;
    tokio::task::spawn_local(async move {
        loop {
            sleep(time).await;
            drop(client);
            client = match websocket::connect(port, TARGET).await {
                Ok(client) => client,
                Err(error) => return eprintln!("a stuck client cannot come again: {error:#}"),
            };
        }
    });
    Ok(())
}

/// Answers to the server's pings, which go out between two deltas.
type Pongs = Rc<RefCell<Vec<u8>>>;

async fn connect_feed(options: &Options) -> Result<(OwnedWriteHalf, Pongs)> {
    let (socket, mut bytes) = match (options.feed, options.feed_port) {
        (Feed::Ws, _) => {
            websocket::connect(options.port, "/signalk/v1/stream?subscribe=none").await?
        }
        (Feed::Nmea, Some(port)) => (TcpStream::connect(("127.0.0.1", port)).await?, Vec::new()),
        (Feed::Nmea, None) => bail!("--feed nmea needs --feed-port"),
    };
    let (mut read, write) = socket.into_split();
    let pongs = Pongs::default();
    let (shared, is_ws) = (pongs.clone(), options.feed == Feed::Ws);
    tokio::task::spawn_local(async move {
        loop {
            if is_ws {
                websocket::answer_pings(&mut bytes, &mut shared.borrow_mut());
            } else {
                bytes.clear();
            }
            if !matches!(read.read_buf(&mut bytes).await, Ok(1..)) {
                return;
            }
        }
    });
    Ok((write, pongs))
}

/// Sends on schedule; what is due but not sent yet counts from when it was due.
async fn send(
    options: &Options,
    tally: &Rc<RefCell<Tally>>,
    feed: &mut OwnedWriteHalf,
    pongs: &Pongs,
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
        out.append(&mut pongs.borrow_mut());
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
