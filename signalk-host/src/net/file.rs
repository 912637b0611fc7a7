//! A recorded log: played as it was recorded, or read as fast as the core takes it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use signalk_core::{ConnectionEvent, config::Pace};
use tokio::{
    fs::File,
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    time::{Instant, sleep_until},
};

use super::{PIECE, Way, failed, pace::Pacer};

/// Read from the disk at once.
const READ: usize = 64 << 10;

/// Longer is no sentence.
const LINE: u64 = 64 << 10;

/// `stamped`: the lines' times and tags are handed on with them.
pub(super) async fn play(way: &Way, path: &str, pace: Pace, stamped: bool) -> ConnectionEvent {
    let name = format!("file:{path}");
    let file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let error = format!("{name}: there is no such file; check the path");
            return ConnectionEvent::Failed { error };
        }
        Err(error) => return failed(&name, &error),
    };
    way.event(ConnectionEvent::Opened).await;
    let reader = BufReader::with_capacity(READ, file);
    let played = match pace {
        Pace::Max => at_once(way, reader).await,
        Pace::Real => paced(way, reader, stamped).await,
    };
    played.map_or_else(|error| failed(&name, &error), |()| ConnectionEvent::Finished)
}

async fn at_once(way: &Way, mut reader: BufReader<File>) -> std::io::Result<()> {
    let mut buffer = BytesMut::with_capacity(PIECE);
    loop {
        buffer.reserve(PIECE);
        if (&mut reader).take(PIECE as u64).read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        way.bytes(buffer.split().freeze()).await;
    }
}

async fn paced(way: &Way, mut reader: BufReader<File>, stamped: bool) -> std::io::Result<()> {
    let began = Instant::now();
    let mut pacer = Pacer::default();
    let mut burst = Vec::new();
    let mut burst_due = Duration::ZERO;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader).take(LINE).read_until(b'\n', &mut line).await?;
        let (due, sentence) = pacer.line(&line);
        if read == 0 || due > burst_due || burst.len() > PIECE {
            sleep_until(began + burst_due).await;
            way.bytes(Bytes::from(std::mem::take(&mut burst))).await;
            burst_due = due;
        }
        if read == 0 {
            return Ok(());
        }
        burst.extend_from_slice(if stamped { &line } else { sentence });
    }
}
