//! Bodies of requests, taken in up to the limit of their address and of the memory that all of them may have together.
//! How long they may take is `slow`.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use signalk_core::http::body_limit;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::slow::{SILENCE, Slow, TooSlow};

/// Of all requests together, until they are answered; without the first [`SMALL`] of each.
const ROOM: usize = 128 << 20;

/// The first bytes of a body take no room: a few clients with large bodies do not keep anybody from switching the
/// autopilot. There are 512 connections at most (`listener`), so these are 8 MiB.
const SMALL: usize = 16 << 10;

/// Bytes per second: who is slower has to give way.
pub(crate) const SLOWEST: usize = 32 << 10;

/// What room is counted in: 128 MiB are 131072 of these, far below a semaphore's own limit.
const UNIT: usize = 1 << 10;

/// What every request shares.
#[derive(Debug, Clone)]
pub(crate) struct Bodies {
    room: Arc<Semaphore>,
    slow: Slow,
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
    /// It stopped coming, or it came slowly and somebody else needs its place.
    TooSlow,
    /// All bodies together have no room left.
    Busy,
}

impl Bodies {
    /// With a limit for bodies that are not for plugins.
    pub(crate) fn new(own: usize) -> Bodies {
        Bodies { room: Arc::new(Semaphore::new(ROOM / UNIT)), slow: Slow::default(), own }
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
        let mut paid = 0;
        let mut coming = self.slow.begin();
        while let Some(piece) = coming.wait(pieces.next()).await? {
            let piece = piece.map_err(|_| Refusal::Broken)?;
            length += piece.len();
            if length <= limit {
                let units = length.saturating_sub(SMALL).div_ceil(UNIT) - paid;
                let more = if units > 0 { Some(self.take(units)?) } else { None };
                paid += units;
                coming.came(piece.len(), more);
                whole.extend_from_slice(&piece);
            } else {
                coming.came(piece.len(), None);
                coming.forget();
                whole = BytesMut::new();
                if length > 2 * limit {
                    break;
                }
            }
        }
        if length > limit {
            return Err(Refusal::TooLarge { limit });
        }
        Ok((whole.freeze(), Place { _permit: coming.finish() }))
    }

    /// Room for so many units more. Nobody waits for it while holding some: two that did would wait for each other. But
    /// slow ones give theirs up.
    fn take(&self, units: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let units = u32::try_from(units).map_err(|_| Refusal::Busy)?;
        loop {
            match Arc::clone(&self.room).try_acquire_many_owned(units) {
                Ok(room) => return Ok(room),
                Err(_) if self.slow.displace() => {}
                Err(_) => return Err(Refusal::Busy),
            }
        }
    }
}

impl From<TooSlow> for Refusal {
    fn from(TooSlow: TooSlow) -> Refusal {
        Refusal::TooSlow
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
            Refusal::TooSlow => {
                let text = format!(
                    "the body came too slowly: nothing for {} s, or less than {} KiB in a second while others needed the room; send it again",
                    SILENCE.as_secs(),
                    SLOWEST >> 10
                );
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
    use std::time::Duration;

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
    async fn a_body_that_stops_gives_its_room_back() {
        let bodies = Bodies::new(BODY_LIMIT);
        let stops = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![7; 1 << 20]))]);
        let stops = Body::from_stream(stops.chain(futures::stream::pending()));
        let refused = bodies.read(stops, 16 << 20).await.unwrap_err();
        assert_eq!(refused, Refusal::TooSlow);
        assert_eq!(refused.into_response().status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(bodies.room.available_permits(), ROOM / UNIT);
    }

    /// So many bytes, then one every ten seconds, so many times.
    fn slow(first: usize, times: usize) -> Body {
        let first = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![7; first]))]);
        let drips = futures::stream::unfold(0, move |at| async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            (at < times).then(|| (Ok::<_, std::io::Error>(Bytes::from_static(b"x")), at + 1))
        });
        Body::from_stream(first.chain(drips))
    }

    /// Over a satellite a track of a day takes an hour.
    #[tokio::test(start_paused = true)]
    async fn a_body_over_the_slowest_link_is_taken_while_there_is_room() {
        let bodies = Bodies::new(BODY_LIMIT);
        let (whole, place) = bodies.read(slow(1 << 20, 360), 16 << 20).await.unwrap();
        assert_eq!(whole.len(), (1 << 20) + 360);
        drop(place);
        assert_eq!(bodies.room.available_permits(), ROOM / UNIT);
    }

    #[tokio::test(start_paused = true)]
    async fn who_only_drips_gives_its_room_to_who_needs_it() {
        let bodies = Bodies::new(BODY_LIMIT);
        let drip = |first: usize| {
            let bodies = bodies.clone();
            tokio::spawn(async move { bodies.read(slow(first, 1000), 16 << 20).await })
        };
        let drips: Vec<_> = (0..8).map(|at| drip((16 << 20) - 8000 + at)).collect();
        tokio::time::sleep(Duration::from_secs(700)).await;
        let (whole, _place) = bodies.read(body(16, 1 << 20), 16 << 20).await.unwrap();
        assert_eq!(whole.len(), 16 << 20);
        // Who has to go hears of it.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut ended = 0;
        for drip in drips {
            if drip.is_finished() {
                assert_eq!(drip.await.unwrap().unwrap_err(), Refusal::TooSlow);
                ended += 1;
            }
        }
        assert_eq!(ended, 1, "the slowest");
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
