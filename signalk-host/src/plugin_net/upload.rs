//! The body of a request as hyper takes it: whole, or in pieces as the plugin writes them.
//!
//! hyper asks for the next piece when it has sent enough of those before; only then the plugin
//! hears that there is room. A body whose plugin goes away before its end is an error, so that no
//! server takes it for a whole one.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What the plugin wrote. How much may wait is the bridge's bound.
pub(super) enum Part {
    Piece(Bytes),
    End,
}

/// A body.
pub(super) enum Outgoing {
    /// None, or all of it, which is given out once.
    Whole(Bytes),
    /// As it comes.
    Pieces(Pieces),
}

/// A body in pieces.
pub(super) struct Pieces {
    parts: UnboundedReceiver<Part>,
    /// Told how many bytes hyper took.
    moved: UnboundedSender<usize>,
    /// Bytes that are still to come, if that is known.
    left: Option<u64>,
    ended: bool,
}

impl Pieces {
    /// The body, and who is told of what moves.
    pub(super) fn new(
        parts: UnboundedReceiver<Part>,
        length: Option<u64>,
    ) -> (Pieces, UnboundedReceiver<usize>) {
        let (moved, news) = unbounded_channel();
        (Pieces { parts, moved, left: length, ended: false }, news)
    }

    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.parts.poll_recv(context)) {
            Some(Part::Piece(data)) => {
                // A request that was answered early is not waited for by anybody.
                let _ = self.moved.send(data.len());
                let bytes = u64::try_from(data.len()).unwrap_or(u64::MAX);
                self.left = self.left.map(|left| left.saturating_sub(bytes));
                Some(Ok(Frame::data(data)))
            }
            Some(Part::End) => {
                self.ended = true;
                None
            }
            None => Some(Err(io::Error::other("the plugin has left the request"))),
        })
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Outgoing::Whole(body) if body.is_empty() => Poll::Ready(None),
            Outgoing::Whole(body) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(body))))),
            Outgoing::Pieces(pieces) => pieces.next(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::Whole(body) => body.is_empty(),
            Outgoing::Pieces(pieces) => pieces.ended || pieces.left == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Whole(body) => {
                SizeHint::with_exact(u64::try_from(body.len()).unwrap_or(u64::MAX))
            }
            Outgoing::Pieces(pieces) => {
                pieces.left.map_or_else(SizeHint::default, SizeHint::with_exact)
            }
        }
    }
}
