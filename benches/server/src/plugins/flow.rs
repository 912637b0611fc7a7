//! Feeds one server for some time, and hears of its plugins what they were handed.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::servers::Server;
use crate::{deltas, process, websocket};

/// A plugin speaks after so many deltas.
pub const EVERY: u64 = 250;

/// As fast as possible: so many deltas may be on their way to the client or to a plugin. A queue of
/// 1000 before each plugin, as the specification has it, must hold them.
const WINDOW: u64 = 750;

/// How a server is fed.
#[derive(Clone, Copy)]
pub enum Pace {
    /// Deltas per second.
    Rate(u64),
    /// As long as the client and all plugins keep up.
    Most,
}

/// What came of it.
pub struct Flow {
    pub sent: f64,
    pub cpu_us: f64,
    pub deltas_per_s: f64,
    /// Of the plugin that was handed least; of the client if there is no plugin.
    pub delivered_percent: f64,
    /// Deltas of others that a plugin was handed, on average.
    pub others: f64,
}

/// What the client has heard in this run.
struct Heard {
    deltas: u64,
    told: Vec<(u64, u64)>,
}

pub async fn run(server: &mut Server, pace: Pace, time: Duration) -> Result<Flow> {
    let before = server.told.clone();
    let told = before.clone();
    let heard = Rc::new(RefCell::new(Heard { deltas: 0, told }));
    let news = Rc::new(Notify::new());
    let (client, bytes) =
        websocket::connect(server.port, "/signalk/v1/stream?subscribe=self").await?;
    let listening = tokio::task::spawn_local(listen(client, bytes, heard.clone(), news.clone()));
    let (mut feed, _) =
        websocket::connect(server.port, "/signalk/v1/stream?subscribe=none").await?;
    sleep(Duration::from_millis(300)).await;
    // What was there before is told to every new client.
    heard.borrow_mut().deltas = 0;
    let cpu = process::cpu_seconds(server.pid());
    let begun = Instant::now();
    let mut feeder =
        Feeder { feed: &mut feed, heard: &heard, news: &news, before: &before, sent: 0 };
    match pace {
        Pace::Rate(rate) => feeder.at_a_rate(rate, time).await?,
        Pace::Most => feeder.most(time).await?,
    }
    let sent = feeder.sent;
    let fed = begun.elapsed();
    // What is still on its way costs as well; an idle second would cost what is not meant.
    while heard.borrow().deltas < sent && begun.elapsed() < fed + Duration::from_secs(3) {
        sleep(Duration::from_millis(1)).await;
    }
    sleep(Duration::from_millis(100)).await;
    let cpu = process::cpu_seconds(server.pid()).zip(cpu).map_or(f64::NAN, |(after, b)| after - b);
    await_reports(&heard, &before, sent).await;
    listening.abort();
    let heard = heard.borrow();
    server.told.clone_from(&heard.told);
    let gained = heard.told.iter().zip(&before).map(|(now, then)| (now.0 - then.0, now.1 - then.1));
    let least = gained.clone().map(|(counted, _)| counted).min().unwrap_or(heard.deltas);
    let others: u64 = gained.map(|(_, others)| others).sum();
    Ok(Flow {
        sent: sent as f64,
        cpu_us: cpu * 1e6 / sent as f64,
        deltas_per_s: sent as f64 / fed.as_secs_f64(),
        delivered_percent: 100.0 * least as f64 / sent as f64,
        others: others as f64 / before.len().max(1) as f64,
    })
}

struct Feeder<'a> {
    feed: &'a mut TcpStream,
    heard: &'a RefCell<Heard>,
    news: &'a Notify,
    before: &'a [(u64, u64)],
    sent: u64,
}

impl Feeder<'_> {
    async fn at_a_rate(&mut self, rate: u64, time: Duration) -> Result<()> {
        let (begun, all) = (Instant::now(), rate * time.as_secs());
        while self.sent < all {
            sleep(Duration::from_millis(1)).await;
            let due = (begun.elapsed().as_secs_f64() * rate as f64) as u64 + 1;
            self.send(due.min(all).saturating_sub(self.sent).min(4096)).await?;
        }
        Ok(())
    }

    async fn most(&mut self, time: Duration) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            if self.sent - self.arrived() + 50 <= WINDOW {
                self.send(50).await?;
                tokio::task::yield_now().await;
            } else {
                // Only a server that lost some lets this time pass.
                let _ = timeout(Duration::from_secs(2), self.news.notified()).await;
            }
        }
        Ok(())
    }

    /// Deltas that were handed to everybody.
    fn arrived(&self) -> u64 {
        let heard = self.heard.borrow();
        let counted = heard.told.iter().zip(self.before).map(|(now, then)| now.0 - then.0);
        counted.chain([heard.deltas]).min().unwrap_or_default()
    }

    async fn send(&mut self, count: u64) -> Result<()> {
        let (mut text, mut out) = (String::new(), Vec::new());
        let timestamp = format!("{:.3}", jiff::Timestamp::now());
        for number in self.sent..self.sent + count {
            deltas::delta(&mut text, deltas::Feed::Ws.base() + number, &timestamp);
            websocket::frame(&mut out, websocket::TEXT, text.as_bytes());
        }
        timeout(Duration::from_secs(60), self.feed.write_all(&out)).await??;
        self.sent += count;
        Ok(())
    }
}

/// Plugins say once a second what they have not said yet.
async fn await_reports(heard: &RefCell<Heard>, before: &[(u64, u64)], sent: u64) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        let complete =
            heard.borrow().told.iter().zip(before).all(|(now, then)| now.0 - then.0 >= sent);
        if complete {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

async fn listen(
    mut socket: TcpStream,
    mut bytes: Vec<u8>,
    heard: Rc<RefCell<Heard>>,
    news: Rc<Notify>,
) {
    let log = memmem::Finder::new(deltas::Feed::Ws.key());
    let bench = memmem::Finder::new(br#""path":"bench.p"#);
    loop {
        let mut at = 0;
        while let Some((opcode, begin, end)) = websocket::next_frame(&bytes, at) {
            at = end;
            match opcode {
                websocket::CLOSE => return,
                websocket::PING => {
                    let mut pong = Vec::new();
                    websocket::frame(&mut pong, websocket::PONG, &bytes[begin..end]);
                    if socket.write_all(&pong).await.is_err() {
                        return;
                    }
                }
                _ => {
                    let message = &bytes[begin..end];
                    let mut heard = heard.borrow_mut();
                    heard.deltas += log.find_iter(message).count() as u64;
                    for at in bench.find_iter(message) {
                        report(&message[at + bench.needle().len()..], &mut heard.told);
                    }
                }
            }
        }
        bytes.drain(..at);
        news.notify_one();
        if !matches!(socket.read_buf(&mut bytes).await, Ok(1..)) {
            return;
        }
    }
}

/// `7.counted","value":1250`
fn report(text: &[u8], told: &mut [(u64, u64)]) {
    let (number, rest) = digits(text);
    let Some(told) = usize::try_from(number).ok().and_then(|n| told.get_mut(n.checked_sub(1)?))
    else {
        return;
    };
    for (what, into) in
        [(&b".counted\",\"value\":"[..], &mut told.0), (b".others\",\"value\":", &mut told.1)]
    {
        if let Some(value) = rest.strip_prefix(what) {
            *into = digits(value).0;
        }
    }
}

fn digits(text: &[u8]) -> (u64, &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let number = text[..end].iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    (number, &text[end..])
}
