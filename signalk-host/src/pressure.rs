//! When clients fall behind because the input comes faster than frames can be written (a log read at once, a flood),
//! the core waits for them a little, and the input waits with it. A client that does not keep up by itself, because it
//! is slow or stuck, is not waited for: the core leaves out values for it (server-api.md 3.10) and nobody else notices.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::outbox::{Outbox, PRESSED};

/// A healthy client takes at least so much ...
const PROGRESS: usize = 16 << 10;

/// ... in this time.
const LOOK: Duration = Duration::from_millis(50);

/// Never longer, whatever the clients do.
const LONGEST: Duration = Duration::from_millis(250);

/// A write of a full buffer takes about this long.
const STEP: Duration = Duration::from_millis(1);

/// Waits until these clients, whose tasks know of their frames, have caught up. Leaves the list empty.
pub(crate) async fn ease(pressed: &mut Vec<Arc<Outbox>>) {
    let began = Instant::now();
    let mut looked = began;
    let mut levels: Vec<(Arc<Outbox>, usize)> =
        pressed.drain(..).map(|outbox| (Arc::clone(&outbox), outbox.bytes())).collect();
    while !levels.is_empty() && began.elapsed() < LONGEST {
        tokio::time::sleep(STEP).await;
        levels.retain(|(outbox, _)| outbox.bytes() > PRESSED && !outbox.ended());
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            levels.retain_mut(|(outbox, before)| {
                let now = outbox.bytes();
                let healthy = now + PROGRESS <= *before;
                *before = now;
                healthy
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use signalk_core::StreamId;

    use super::*;
    use crate::{outbox::Taken, stream::wire::Framing};

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    fn full() -> Arc<Outbox> {
        let outbox = Arc::new(Outbox::new(StreamId(1), Framing::WebSocket));
        outbox.push("x".repeat(PRESSED + 1).into());
        outbox
    }

    #[test]
    fn a_stuck_client_is_not_waited_for() {
        let began = Instant::now();
        runtime().block_on(ease(&mut vec![full(), full()]));
        assert!(began.elapsed() < LONGEST, "{:?}", began.elapsed());
    }

    #[test]
    fn a_healthy_client_is_waited_for() {
        let outbox = full();
        let client = std::thread::spawn({
            let outbox = Arc::clone(&outbox);
            move || {
                let Taken::Batch(_, bytes) = outbox.take() else { panic!("there is a piece") };
                outbox.sent(bytes);
            }
        });
        runtime().block_on(ease(&mut vec![Arc::clone(&outbox)]));
        client.join().unwrap();
        assert_eq!(outbox.bytes(), 0);
    }
}
