//! The reading half of a WebSocket: frames to messages, by `tungstenite`. What that wants to say by itself (the answer
//! to a ping or to a close) goes into the outbox, because the writing half is another task's.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::StreamExt;
use signalk_core::{Input, http::BODY_LIMIT};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::tcp::OwnedReadHalf,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{Role, WebSocketConfig},
    },
};

use crate::{
    driver::{CoreSender, ToCore},
    outbox::Outbox,
};

/// Read at once. Cleared before each read, so more is not better.
const READ: usize = 16 << 10;

/// What is not yet in the outbox, which has a bound of its own.
const UNSENT: usize = 1 << 10;

/// What a client's task does not read itself.
pub(super) struct Ear {
    pub(super) source: OwnedReadHalf,
    /// What came together with the request.
    pub(super) before: Bytes,
    pub(super) outbox: Arc<Outbox>,
    pub(super) core: CoreSender,
    /// Set by each pong.
    pub(super) pong: Arc<AtomicBool>,
}

/// How the reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// The client closes; the outbox knows.
    Close,
    /// The client is gone, or broke a rule.
    Nothing,
}

impl Ear {
    /// Hands messages in until the client is gone. A core that is behind makes the client wait.
    pub(super) async fn listen(self) -> Heard {
        let Ear { source, before, outbox, core, pong } = self;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ)
            .write_buffer_size(0)
            .max_write_buffer_size(UNSENT)
            .max_message_size(Some(BODY_LIMIT))
            .max_frame_size(Some(BODY_LIMIT));
        let ends = Ends { source, outbox: Arc::clone(&outbox) };
        let mut socket =
            WebSocketStream::from_partially_read(ends, before.into(), Role::Server, Some(config))
                .await;
        let mut heard = Heard::Nothing;
        while let Some(Ok(message)) = socket.next().await {
            let id = outbox.id;
            let (bytes, input) = match message {
                Message::Text(text) => {
                    let text = Bytes::from(text);
                    (text.len(), Input::StreamMessage { id, text })
                }
                Message::Binary(data) => (data.len(), Input::StreamBinary { id, data }),
                Message::Pong(_) => {
                    pong.store(true, Ordering::Relaxed);
                    continue;
                }
                // The next turn answers it.
                Message::Close(said) => {
                    // RFC 6455, 7.1.5: 1005 stands for a close without a code.
                    let (code, reason) = said.map_or((1005, String::new()), |frame| {
                        (frame.code.into(), frame.reason.to_string())
                    });
                    outbox.client_closes(code, reason);
                    heard = Heard::Close;
                    continue;
                }
                Message::Ping(_) | Message::Frame(_) => continue,
            };
            if core.send_flow_of(bytes, ToCore::Input(input)).await.is_err() {
                return Heard::Nothing;
            }
        }
        if heard == Heard::Close {
            outbox.ended_by_client();
        }
        heard
    }
}

/// A socket that is read, and whose writes are control frames for the outbox.
struct Ends {
    source: OwnedReadHalf,
    outbox: Arc<Outbox>,
}

impl AsyncRead for Ends {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.source).poll_read(cx, into)
    }
}

impl AsyncWrite for Ends {
    /// Pending is tried again with the next message that comes; newer answers replace older ones meanwhile (RFC 6455,
    /// 5.5.3).
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        frames: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.outbox.answer(frames) { Poll::Ready(Ok(frames.len())) } else { Poll::Pending }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
