//! Bodies of requests, taken in up to the limit of their address and of the memory that all of them may have together.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use signalk_core::http::body_limit;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// Of all requests together, until they are answered; without the first [`SMALL`] of each.
const ROOM: usize = 128 << 20;

/// The first bytes of a body take no room: a few clients with large bodies do not keep anybody from switching the
/// autopilot. There are 512 connections at most (`listener`), so these are 8 MiB.
const SMALL: usize = 16 << 10;

/// A client that sends nothing for so long has gone, or means harm.
const SILENCE: Duration = Duration::from_secs(20);

/// The whole body: so long, and one second more for each [`SLOWEST`] bytes that came. A body of 16 MiB over the slowest
/// link that counts takes nine minutes; one that only drips gives its room back.
const WHOLE: Duration = Duration::from_secs(60);

/// Bytes per second.
pub(crate) const SLOWEST: usize = 32 << 10;

/// What room is counted in: 128 MiB are 131072 of these, far below a semaphore's own limit.
const UNIT: usize = 1 << 10;

/// What every request shares.
#[derive(Debug, Clone)]
pub(crate) struct Bodies {
    room: Arc<Semaphore>,
    /// Of a body that is not for a plugin.
    own: usize,
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
    /// It came too slowly, or stopped coming.
    TooSlow,
    /// All bodies together have no room left.
    Busy,
}

impl Bodies {
    /// With a limit for bodies that are not for plugins.
    pub(crate) fn new(own: usize) -> Bodies {
        Bodies { room: Arc::new(Semaphore::new(ROOM / UNIT)), own }
    }

    /// The most bytes of one.
    pub(crate) fn limit(&self, method: &str, target: &str) -> usize {
        body_limit(method, target, self.own)
    }

    /// The whole body, at most `limit` bytes. One that is too large is read on for a while without being kept: a client
    /// that is still sending would not see why it was refused.
    pub(crate) async fn read(&self, body: Body, limit: usize) -> Result<(Bytes, Place), Refusal> {
        let mut pieces = body.into_data_stream();
        let mut whole = BytesMut::new();
        let mut length = 0;
        let mut place: Option<OwnedSemaphorePermit> = None;
        let mut paid = 0;
        let began = Instant::now();
        loop {
            let next = timeout_at(until(began, length), pieces.next());
            let Some(piece) = next.await.map_err(|_| Refusal::TooSlow)? else { break };
            let piece = piece.map_err(|_| Refusal::Broken)?;
            length += piece.len();
            if length <= limit {
                // Nobody waits for room while holding some: two that did would wait for each other.
                let units = length.saturating_sub(SMALL).div_ceil(UNIT) - paid;
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

/// When the next piece has to be here.
fn until(began: Instant, length: usize) -> Instant {
    let earned = u64::try_from(length / SLOWEST).unwrap_or_default();
    (Instant::now() + SILENCE).min(began + WHOLE + Duration::from_secs(earned))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::Broken => (StatusCode::BAD_REQUEST, "the body ended early").into_response(),
            Refusal::TooLarge { limit } => {
                let text = format!("the body is larger than {} MB", limit >> 20);
                (StatusCode::PAYLOAD_TOO_LARGE, text).into_response()
            }
            Refusal::TooSlow => {
                let text = "the body came too slowly: less than 32 kB in a second, or nothing for 20 s; send it again over a better link";
                (StatusCode::REQUEST_TIMEOUT, [(header::CONNECTION, "close")], text).into_response()
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
    use signalk_core::http::BODY_LIMIT;

    fn body(pieces: usize, size: usize) -> Body {
        let piece = Bytes::from(vec![7; size]);
        Body::from_stream(futures::stream::iter(
            (0..pieces).map(move |_| Ok::<_, std::io::Error>(piece.clone())),
        ))
    }

    #[tokio::test]
    async fn a_body_is_whole_or_refused_at_its_limit() {
        let bodies = Bodies::new(BODY_LIMIT);
        let (whole, _place) = bodies.read(body(16, 1 << 20), 16 << 20).await.unwrap();
        assert_eq!(whole.len(), 16 << 20);
        let refused = bodies.read(body(17, 1 << 20), 16 << 20).await.unwrap_err();
        assert_eq!(refused, Refusal::TooLarge { limit: 16 << 20 });
        assert_eq!(refused.into_response().status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(bodies.read(Body::empty(), 1).await.unwrap().0.len(), 0);
    }

    #[tokio::test]
    async fn all_bodies_together_have_so_much_room_and_give_it_back() {
        let bodies = Bodies::new(BODY_LIMIT);
        let mut held = Vec::new();
        for _ in 0..8 {
            held.push(bodies.read(body(16, 1 << 20), 16 << 20).await.unwrap());
        }
        // What is left are the small parts of those eight.
        let refused = bodies.read(body(1, 1 << 20), 16 << 20).await.unwrap_err();
        assert_eq!(refused.into_response().status(), StatusCode::SERVICE_UNAVAILABLE);
        let (small, _place) = bodies.read(body(1, SMALL), 16 << 20).await.unwrap();
        assert_eq!(small.len(), SMALL, "an autopilot is switched all the same");
        drop(held);
        assert_eq!(bodies.room.available_permits(), ROOM / UNIT);
        bodies.read(body(1, 1 << 20), 16 << 20).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_or_drips_gives_its_room_back() {
        let bodies = Bodies::new(BODY_LIMIT);
        let stops = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![7; 1 << 20]))]);
        let stops = Body::from_stream(stops.chain(futures::stream::pending()));
        assert_eq!(bodies.read(stops, 16 << 20).await.unwrap_err(), Refusal::TooSlow);
        let drips = futures::stream::unfold((), |()| async {
            tokio::time::sleep(SILENCE / 2).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
        });
        let refused = bodies.read(Body::from_stream(drips), 16 << 20).await.unwrap_err();
        assert_eq!(refused.into_response().status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(bodies.room.available_permits(), ROOM / UNIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_over_a_slow_link_is_taken() {
        let bodies = Bodies::new(BODY_LIMIT);
        let slow = futures::stream::unfold(0, |at| async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            let piece = Bytes::from(vec![7; 512 << 10]);
            (at < 20).then(|| (Ok::<_, std::io::Error>(piece), at + 1))
        });
        let (whole, _place) = bodies.read(Body::from_stream(slow), 16 << 20).await.unwrap();
        assert_eq!(whole.len(), 10 << 20);
    }

    #[tokio::test]
    async fn what_is_refused_leaves_no_place_taken() {
        let bodies = Bodies::new(BODY_LIMIT);
        bodies.read(body(40, 1 << 20), 16 << 20).await.unwrap_err();
        assert_eq!(bodies.room.available_permits(), ROOM / UNIT);
    }
}
