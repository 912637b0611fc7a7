//! Bodies of requests, taken in up to the limit of their address and of the memory that all of them may have together.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Of all requests together, until they are answered.
const ROOM: usize = 128 << 20;

/// What room is counted in: 128 MiB are 131072 of these, far below a semaphore's own limit.
const UNIT: usize = 1 << 10;

/// What every request shares.
#[derive(Debug, Clone)]
pub(crate) struct Bodies {
    room: Arc<Semaphore>,
}

/// The place of one body: free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

/// Why a body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The client went away, or broke the protocol.
    Broken,
    /// It has more than so many bytes.
    TooLarge { limit: usize },
    /// All bodies together have no room left.
    Busy,
}

impl Default for Bodies {
    fn default() -> Bodies {
        Bodies { room: Arc::new(Semaphore::new(ROOM / UNIT)) }
    }
}

impl Bodies {
    /// The whole body, at most `limit` bytes. One that is too large is read on for a while without being kept: a client that
    /// is still sending would not see why it was refused.
    pub(crate) async fn read(&self, body: Body, limit: usize) -> Result<(Bytes, Place), Refusal> {
        let mut pieces = body.into_data_stream();
        let mut whole = BytesMut::new();
        let mut length = 0;
        let mut place: Option<OwnedSemaphorePermit> = None;
        let mut paid = 0;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| Refusal::Broken)?;
            length += piece.len();
            if length <= limit {
                // Nobody waits for room while holding some: two that did would wait for each other.
                let units = length.div_ceil(UNIT) - paid;
                let more = u32::try_from(units)
                    .ok()
                    .and_then(|units| Arc::clone(&self.room).try_acquire_many_owned(units).ok());
                let more = more.ok_or(Refusal::Busy)?;
                paid += units;
                match &mut place {
                    Some(place) => place.merge(more),
                    None => place = Some(more),
                }
                whole.extend_from_slice(&piece);
            } else {
                place = None;
                whole = BytesMut::new();
                if length > 2 * limit {
                    break;
                }
            }
        }
        if length > limit {
            return Err(Refusal::TooLarge { limit });
        }
        Ok((whole.freeze(), Place { _permit: place }))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::Broken => (StatusCode::BAD_REQUEST, "the body ended early").into_response(),
            Refusal::TooLarge { limit } => {
                let text = format!("the body is larger than {} MB", limit >> 20);
                (StatusCode::PAYLOAD_TOO_LARGE, text).into_response()
            }
            Refusal::Busy => {
                let text = "the server holds as many large requests as it may (128 MiB); try again";
                (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], text)
                    .into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(pieces: usize, size: usize) -> Body {
        let piece = Bytes::from(vec![7; size]);
        Body::from_stream(futures::stream::iter(
            (0..pieces).map(move |_| Ok::<_, std::io::Error>(piece.clone())),
        ))
    }

    #[tokio::test]
    async fn a_body_is_whole_or_refused_at_its_limit() {
        let bodies = Bodies::default();
        let (whole, _place) = bodies.read(body(16, 1 << 20), 16 << 20).await.unwrap();
        assert_eq!(whole.len(), 16 << 20);
        let refused = bodies.read(body(17, 1 << 20), 16 << 20).await.unwrap_err();
        assert_eq!(refused, Refusal::TooLarge { limit: 16 << 20 });
        assert_eq!(refused.into_response().status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(bodies.read(Body::empty(), 1).await.unwrap().0.len(), 0);
    }

    #[tokio::test]
    async fn all_bodies_together_have_so_much_room_and_give_it_back() {
        let bodies = Bodies::default();
        let mut held = Vec::new();
        for _ in 0..8 {
            held.push(bodies.read(body(16, 1 << 20), 16 << 20).await.unwrap());
        }
        assert_eq!(bodies.room.available_permits(), 0);
        let refused = bodies.read(body(1, 1), 16 << 20).await.unwrap_err();
        assert_eq!(refused.into_response().status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(held);
        assert_eq!(bodies.room.available_permits(), ROOM / UNIT);
        bodies.read(body(1, 1), 16 << 20).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_refused_leaves_no_place_taken() {
        let bodies = Bodies::default();
        bodies.read(body(40, 1 << 20), 16 << 20).await.unwrap_err();
        assert_eq!(bodies.room.available_permits(), ROOM / UNIT);
    }
}
