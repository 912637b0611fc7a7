//! A connection whose peer has to take what is written to it. One that asks and does not read is alive for TCP, so
//! neither keepalive nor hyper's timer ends it, and it would hold its place for ever. Only waiting for the peer counts:
//! a stream of events that has nothing to say may rest as long as it likes. WebSockets have left this behind; `stream`
//! looks after them.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use crate::bodies::SLOWEST;

/// How long a peer may keep a write waiting. What it takes gives it time again, a second for each [`SLOWEST`] bytes and
/// never more than this in all. The system says that there is room only when a third of its buffer is free, which is up
/// to 1.4 MB and 43 s of the slowest link: so a link that moves is well inside, and one that drips is not.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A stream to a peer of which so much patience is left.
pub(crate) struct Patient<S> {
    stream: S,
    left: Duration,
    /// A write waits for the peer since then.
    waiting: Option<Waiting>,
}

struct Waiting {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl<S> Patient<S> {
    pub(crate) fn new(stream: S) -> Patient<S> {
        Patient { stream, left: PATIENCE, waiting: None }
    }

    /// The stream without its bound.
    pub(crate) fn into_inner(self) -> S {
        self.stream
    }

    /// What became of a write, with the end of patience.
    fn judge(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                if let Some(waiting) = self.waiting.take() {
                    self.left = self.left.saturating_sub(waiting.since.elapsed());
                }
                self.left = PATIENCE.min(self.left + earned(bytes));
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let left = self.left;
                let waiting = self.waiting.get_or_insert_with(|| {
                    let since = Instant::now();
                    Waiting { since, end: Box::pin(sleep_until(since + left)) }
                });
                waiting.end.as_mut().poll(cx).map(|()| Err(given_up()))
            }
        }
    }
}

/// The time that bytes are worth.
fn earned(bytes: usize) -> Duration {
    let (bytes, slowest) = (u64::try_from(bytes).unwrap_or(u64::MAX), u64::try_from(SLOWEST));
    Duration::from_millis(bytes.saturating_mul(1000) / slowest.unwrap_or(u64::MAX))
}

fn given_up() -> io::Error {
    let text = format!(
        "the client takes less than {} KiB in a second: closed after {} s of waiting",
        SLOWEST >> 10,
        PATIENCE.as_secs()
    );
    io::Error::new(io::ErrorKind::TimedOut, text)
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::{sleep, timeout},
    };

    use super::*;

    /// The stream, and who takes `bytes` of it after each `pause`, until it is closed.
    fn peer(bytes: usize, pause: Duration) -> (Patient<DuplexStream>, DuplexStream) {
        let (ours, mut theirs) = duplex(bytes);
        let (mut far, near) = duplex(1 << 20);
        tokio::spawn(async move {
            let mut buffer = vec![0; bytes];
            loop {
                sleep(pause).await;
                match theirs.read(&mut buffer).await {
                    Ok(read) if read > 0 => far.write_all(&buffer[..read]).await.unwrap(),
                    _ => return,
                }
            }
        });
        (Patient::new(ours), near)
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_given_up() {
        let (ours, _theirs) = duplex(1000);
        let mut ours = Patient::new(ours);
        let began = Instant::now();
        let late = timeout(PATIENCE * 2, ours.write_all(&[7; 1001])).await.expect("an end");
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn the_slowest_link_that_counts_is_waited_for_and_one_that_drips_is_not() {
        // For an hour, in portions as large as the system makes them.
        let (portion, pause) = (40 * SLOWEST, Duration::from_secs(40));
        let (mut ours, mut near) = peer(portion, pause);
        tokio::spawn(async move { while near.read(&mut [0; 4096]).await.unwrap() > 0 {} });
        let data = vec![7; portion];
        for _ in 0..90 {
            ours.write_all(&data).await.expect("it moves");
        }
        let (mut ours, _near) = peer(1000, Duration::from_secs(10));
        let began = Instant::now();
        let late = ours.write_all(&[7; 100_000]).await;
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() < PATIENCE * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_with_nothing_to_write_costs_no_patience() {
        let (mut ours, mut near) = peer(1000, Duration::from_secs(1));
        for _ in 0..10 {
            ours.write_all(b"event").await.unwrap();
            near.read_exact(&mut [0; 5]).await.unwrap();
            sleep(PATIENCE * 3).await;
        }
    }
}
