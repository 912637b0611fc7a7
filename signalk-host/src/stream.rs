//! One stream client: its messages to the core, the core's frames to it, pings. What is in the frames is the core's.
//!
//! The two halves of the socket are two tasks, so that what wakes one does not make the other look.

mod ear;
pub(crate) mod upgrade;
pub(crate) mod wire;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::{Buf, Bytes};
use signalk_core::Input;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    net::{TcpStream, tcp::OwnedWriteHalf},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};

use self::{
    ear::{Ear, Heard},
    wire::Batch,
};
use crate::{
    admission::Admission,
    driver::ToCore,
    outbox::{Ending, Outbox, Taken},
};

/// server-api.md 3: `wsPingInterval`. A client that did not answer until the next one is gone.
const PING: Duration = Duration::from_secs(30);

/// A client takes none of our bytes for this long: it is gone, whatever TCP thinks.
const STUCK: Duration = Duration::from_secs(120);

/// What a client gets for the last words when the core has closed it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Waits for what the core says to a new client: its first frames, or a refusal.
pub(crate) async fn first(outbox: &Outbox) -> Taken {
    loop {
        match outbox.take() {
            Taken::Empty => outbox.woken().await,
            taken => return taken,
        }
    }
}

/// A WebSocket client, as long as it lives.
pub(crate) async fn serve(socket: TcpStream, before: Bytes, admission: Admission, first: Taken) {
    let (source, mut sink) = socket.into_split();
    let pong = Arc::new(AtomicBool::new(false));
    let ear = Ear {
        source,
        before,
        outbox: Arc::clone(&admission.outbox),
        core: admission.sender().clone(),
        pong: Arc::clone(&pong),
    };
    let mut ear = Listening(tokio::spawn(ear.listen()));
    let closed = {
        let talk = talk(&mut sink, &admission, first, &pong);
        tokio::pin!(talk);
        tokio::select! {
            closed = &mut talk => closed,
            heard = &mut ear.0 => {
                if matches!(heard, Ok(Heard::Close)) {
                    talk.await;
                }
                return;
            }
        }
    };
    if closed {
        // Read on until the client closes too: a socket closed with unread bytes takes our last words with it.
        drop(sink);
        let _ = timeout(LAST_WORDS, &mut ear.0).await;
    }
}

/// The reading half, which ends with the client.
struct Listening(JoinHandle<Heard>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Writes what the core has for the client, and pings when it has nothing. True: we have said that we close.
async fn talk(
    sink: &mut OwnedWriteHalf,
    admission: &Admission,
    first: Taken,
    pong: &AtomicBool,
) -> bool {
    let outbox = &admission.outbox;
    let mut pings = interval_at(Instant::now() + PING, PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pinged = false;
    let mut next = first;
    loop {
        match next {
            Taken::Batch(batch, bytes) => {
                if write(sink, admission, batch, bytes).await.is_err() {
                    return false;
                }
            }
            Taken::Ended(Ending::Closed(code, reason)) => {
                let frame = wire::close(code, &reason);
                return matches!(timeout(LAST_WORDS, sink.write_all(&frame)).await, Ok(Ok(())));
            }
            Taken::Ended(_) => return false,
            Taken::Empty => tokio::select! {
                () = outbox.woken() => {}
                _ = pings.tick() => {
                    if pinged && !pong.swap(false, Ordering::Relaxed) {
                        return false;
                    }
                    pinged = true;
                    if !matches!(timeout(STUCK, sink.write_all(&wire::ping())).await, Ok(Ok(()))) {
                        return false;
                    }
                }
            },
        }
        next = outbox.take();
    }
}

/// Writes a batch, and tells the core when the client has caught up.
pub(crate) async fn write(
    sink: &mut (impl AsyncWrite + Unpin),
    admission: &Admission,
    mut batch: Batch,
    bytes: usize,
) -> io::Result<()> {
    let outbox = &admission.outbox;
    let closed = closed_by_the_core(outbox);
    tokio::pin!(closed);
    while batch.has_remaining() {
        tokio::select! {
            biased;
            written = sink.write_buf(&mut batch) => if written? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            },
            () = &mut closed => return Err(io::ErrorKind::TimedOut.into()),
            // Begins anew whenever something moved: a slow link is not a dead one.
            () = tokio::time::sleep(STUCK) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
    if let Some(level) = outbox.sent(bytes) {
        let input = Input::StreamQueue { id: outbox.id, bytes: level };
        // Fails only when the server stops.
        let _ = admission.sender().send(ToCore::Input(input)).await;
    }
    Ok(())
}

/// Ends a while after the core has closed the client, however fast it takes what is left.
async fn closed_by_the_core(outbox: &Outbox) {
    while !outbox.ended() {
        outbox.woken().await;
    }
    tokio::time::sleep(LAST_WORDS).await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, duplex};

    use super::*;
    use crate::{
        admission::{Edge, StreamLimit},
        bodies::Bodies,
        inbox,
    };

    fn batch(bytes: usize) -> Batch {
        Batch([Bytes::from(vec![7; bytes])].into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_link_is_not_a_dead_one() {
        let (sender, _inbox) = inbox::channel(8);
        let (edge, _ended) =
            Edge::new(sender, StreamLimit { remote: 1, local: 1 }, Bodies::new(1 << 20));
        let admission = edge.admit([127, 0, 0, 1].into(), wire::Framing::WebSocket).unwrap();
        let (mut sink, mut client) = duplex(1000);
        let reader = tokio::spawn(async move {
            let (mut got, mut buffer) = (0, [0; 1000]);
            while got < 6000 {
                tokio::time::sleep(STUCK / 2).await;
                got += client.read(&mut buffer).await.unwrap();
            }
            client
        });
        write(&mut sink, &admission, batch(6000), 6000).await.expect("it moves all the time");
        let _client = reader.await.unwrap();
        let stuck = write(&mut sink, &admission, batch(6000), 6000).await;
        assert_eq!(stuck.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_the_core_has_closed_gets_its_last_words_and_no_more_time() {
        let (sender, _inbox) = inbox::channel(8);
        let (edge, _ended) =
            Edge::new(sender, StreamLimit { remote: 1, local: 1 }, Bodies::new(1 << 20));
        let admission = edge.admit([127, 0, 0, 1].into(), wire::Framing::WebSocket).unwrap();
        admission.outbox.end(Ending::Closed(1000, String::new()));
        let (mut sink, mut client) = duplex(10);
        // It takes a little all the time, so that something always moves.
        tokio::spawn(async move {
            let mut buffer = [0; 10];
            while client.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                tokio::time::sleep(LAST_WORDS / 4).await;
            }
        });
        assert!(write(&mut sink, &admission, batch(6000), 6000).await.is_err());
    }
}
