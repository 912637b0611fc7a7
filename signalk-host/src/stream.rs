//! One WebSocket client: its frames to the core, the core's frames to it, pings. What is in the frames is the core's.

use std::{collections::VecDeque, time::Duration};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use signalk_core::Input;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::{
    driver::ToCore,
    http::Admission,
    outbox::{Ending, Outbox, Taken},
};

/// Frames are collected up to this size, then written at once.
pub(crate) const WRITE_BUFFER: usize = 32 << 10;

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

/// Lives as long as the client.
pub(crate) async fn serve(socket: WebSocket, admission: Admission, first: Taken) {
    let (sink, source) = socket.split();
    let mut client = Client { sink, admission: &admission, unanswered_ping: false };
    let (heard, mut pongs) = tokio::sync::watch::channel(0_u64);
    let receive = receive(source, &admission, heard);
    tokio::select! {
        () = receive => {}
        () = client.send_all(first, &mut pongs) => {}
    }
}

/// Hands frames in until the client is gone. A core that is behind makes the client wait.
async fn receive(
    mut source: SplitStream<WebSocket>,
    admission: &Admission,
    heard: tokio::sync::watch::Sender<u64>,
) {
    while let Some(Ok(message)) = source.next().await {
        let text = match message {
            Message::Text(text) => Bytes::from(text),
            Message::Binary(bytes) => bytes,
            Message::Pong(_) => {
                heard.send_modify(|pongs| *pongs += 1);
                continue;
            }
            // Answered below us.
            Message::Ping(_) => continue,
            Message::Close(_) => return,
        };
        let input = Input::StreamMessage { id: admission.outbox.id, text };
        if admission.sender().send_flow(ToCore::Input(input)).await.is_err() {
            return;
        }
    }
}

struct Client<'a> {
    sink: SplitSink<WebSocket, Message>,
    admission: &'a Admission,
    unanswered_ping: bool,
}

impl Client<'_> {
    async fn send_all(&mut self, first: Taken, pongs: &mut tokio::sync::watch::Receiver<u64>) {
        let outbox = &self.admission.outbox;
        let mut pings = interval_at(Instant::now() + PING, PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next = first;
        loop {
            match next {
                Taken::Frames(frames, bytes) => {
                    if self.send(frames, bytes).await.is_err() {
                        return;
                    }
                }
                Taken::Ended(ending) => return self.close(ending).await,
                Taken::Empty => tokio::select! {
                    () = outbox.woken() => {}
                    _ = pings.tick() => {
                        if !self.ping(pongs).await {
                            return;
                        }
                    }
                },
            }
            next = outbox.take();
        }
    }

    /// Writes all frames with as few writes as possible.
    async fn send(&mut self, frames: VecDeque<Utf8Bytes>, bytes: usize) -> Result<(), axum::Error> {
        let outbox = &self.admission.outbox;
        let sink = &mut self.sink;
        let work = async {
            for frame in frames {
                sink.feed(Message::Text(frame)).await?;
            }
            sink.flush().await
        };
        tokio::select! {
            sent = work => sent?,
            () = given_up(outbox) => return Err(axum::Error::new(std::io::Error::from(std::io::ErrorKind::TimedOut))),
        }
        if let Some(level) = outbox.sent(bytes) {
            let input = Input::StreamQueue { id: outbox.id, bytes: level };
            // Fails only when the server stops.
            let _ = self.admission.sender().send(ToCore::Input(input)).await;
        }
        Ok(())
    }

    /// False: the client did not answer the last one.
    async fn ping(&mut self, pongs: &mut tokio::sync::watch::Receiver<u64>) -> bool {
        let answered = pongs.has_changed().unwrap_or(false);
        pongs.mark_unchanged();
        if self.unanswered_ping && !answered {
            return false;
        }
        self.unanswered_ping = true;
        self.sink.send(Message::Ping(Bytes::new())).await.is_ok()
    }

    async fn close(&mut self, ending: Ending) {
        if let Ending::Closed(code, reason) = ending {
            let frame = CloseFrame { code, reason: reason.into() };
            let close = self.sink.send(Message::Close(Some(frame)));
            let _ = tokio::time::timeout(LAST_WORDS, close).await;
        }
    }
}

/// Ends when writing has lost its sense: the core has closed the client, or nothing moved for long.
pub(crate) async fn given_up(outbox: &Outbox) {
    let stuck = tokio::time::sleep(STUCK);
    tokio::pin!(stuck);
    loop {
        tokio::select! {
            () = &mut stuck => return,
            () = outbox.woken() => {}
        }
        if outbox.ended() {
            return tokio::time::sleep(LAST_WORDS).await;
        }
    }
}
