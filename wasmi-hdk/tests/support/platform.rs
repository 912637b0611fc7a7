//! A world for tests: clocks that stand until they are moved, random bytes that count.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmi_hdk::Platform;

/// Monotonic 10 s and wall clock 1,000,000 s at the start.
#[derive(Debug)]
pub struct TestPlatform {
    monotonic_ms: AtomicU64,
    wall_ms: AtomicU64,
    random: AtomicU64,
}

impl Default for TestPlatform {
    fn default() -> Self {
        Self {
            monotonic_ms: AtomicU64::new(10_000),
            wall_ms: AtomicU64::new(1_000_000_000),
            random: AtomicU64::new(1),
        }
    }
}

impl TestPlatform {
    /// Both clocks go on.
    pub fn advance_ms(&self, by: u64) {
        self.monotonic_ms.fetch_add(by, Ordering::Relaxed);
        self.wall_ms.fetch_add(by, Ordering::Relaxed);
    }

    /// Somebody sets the wall clock.
    pub fn set_wall_ms(&self, to: u64) {
        self.wall_ms.store(to, Ordering::Relaxed);
    }

    /// A platform that breaks its promise.
    pub fn set_monotonic_ms(&self, to: u64) {
        self.monotonic_ms.store(to, Ordering::Relaxed);
    }
}

impl Platform for TestPlatform {
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.monotonic_ms.load(Ordering::Relaxed))
    }

    fn wall_clock(&self) -> Duration {
        Duration::from_millis(self.wall_ms.load(Ordering::Relaxed))
    }

    fn fill_random(&self, buf: &mut [u8]) {
        let start = self.random.fetch_add(1, Ordering::Relaxed);
        for (byte, value) in buf.iter_mut().zip((start..).map(|n| n % 255 + 1)) {
            *byte = u8::try_from(value).expect("below 256");
        }
    }
}
