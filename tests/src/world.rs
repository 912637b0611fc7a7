//! The fake world: a clock that stands still until it is told, and random bytes from a seed.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use signalk_core::Platform;

/// Two clocks that move together, and reproducible randomness.
#[derive(Debug)]
pub struct World {
    nanos: AtomicU64,
    random: AtomicU64,
}

impl World {
    /// Monotonic time zero is 2026-03-01T00:00:00Z.
    pub fn new(seed: u64) -> World {
        World { nanos: AtomicU64::new(0), random: AtomicU64::new(seed) }
    }

    /// Both clocks jump to this monotonic time.
    pub fn set(&self, now: Duration) {
        self.nanos.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Platform for World {
    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    fn wall_clock(&self) -> Duration {
        EPOCH + self.monotonic()
    }

    fn fill_random(&self, buf: &mut [u8]) {
        for byte in buf {
            let state = self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (mixed ^ (mixed >> 27)).to_be_bytes()[0];
        }
    }
}

const EPOCH: Duration = Duration::from_secs(1_772_323_200);
