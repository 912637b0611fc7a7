//! One client: reads a stream, finds the sequence numbers, notes the delays.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use anyhow::Result;
use hdrhistogram::Histogram;
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

use crate::websocket;

/// What all clients of one run write to.
pub struct Tally {
    /// When each delta was due, in microseconds since `begun`; 0 = not sent yet.
    pub due: Vec<u64>,
    pub begun: Instant,
    pub base: u64,
    /// Delays in microseconds.
    pub delays: Histogram<u64>,
    /// First arrivals, all clients together.
    pub received: u64,
    pub duplicates: u64,
    /// When the newest delta arrived, in microseconds since `begun`.
    pub last: u64,
}

impl Tally {
    fn note(&mut self, sequence: u64, seen: &mut [bool]) {
        let Some(index) = sequence.checked_sub(self.base).map(|index| index as usize) else {
            return;
        };
        let Some(due) = self.due.get(index).copied().filter(|due| *due != 0) else { return };
        if std::mem::replace(&mut seen[index], true) {
            self.duplicates += 1;
            return;
        }
        let now = self.begun.elapsed().as_micros() as u64;
        self.delays.saturating_record(now.saturating_sub(due).max(1));
        self.received += 1;
        self.last = now;
    }
}

/// Connects, says so, and reads until the server closes.
pub async fn run(
    tally: Rc<RefCell<Tally>>,
    port: u16,
    target: String,
    key: Vec<u8>,
    ready: oneshot::Sender<Result<()>>,
) {
    let (mut socket, mut bytes) = match websocket::connect(port, &target).await {
        Ok(connected) => connected,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    let finder = memmem::Finder::new(&key);
    let mut seen = vec![false; tally.borrow().due.len()];
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
                _ => scan(&bytes[begin..end], &finder, &mut tally.borrow_mut(), &mut seen),
            }
        }
        bytes.drain(..at);
        if !matches!(socket.read_buf(&mut bytes).await, Ok(1..)) {
            return;
        }
    }
}

fn scan(message: &[u8], key: &memmem::Finder<'_>, tally: &mut Tally, seen: &mut [bool]) {
    for at in key.find_iter(message) {
        let digits = message[at + key.needle().len()..].iter().take_while(|b| b.is_ascii_digit());
        let number = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        tally.note(number, seen);
    }
}
