//! Time and chance of the operating system: all that the core asks of the world.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use signalk_core::Platform;

/// The machine we run on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NativePlatform {
    origin: Instant,
}

impl NativePlatform {
    /// Time counts from now on.
    pub(crate) fn new() -> NativePlatform {
        NativePlatform { origin: Instant::now() }
    }

    /// The instant of a time of the core.
    pub(crate) fn instant(&self, at: Duration) -> Instant {
        self.origin + at
    }
}

impl Platform for NativePlatform {
    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    fn wall_clock(&self) -> Duration {
        // A clock before 1970 is a clock that was never set.
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn fill_random(&self, buf: &mut [u8]) {
        if let Err(error) = getrandom::fill(buf) {
            // Every Linux since 3.17 has it; a guest that asked gets zeros, and the log says so.
            tracing::error!(%error, "the operating system gives no random numbers");
            buf.fill(0);
        }
    }
}
