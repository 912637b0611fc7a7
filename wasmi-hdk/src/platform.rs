//! What the kit asks of the world: two clocks and a source of random bytes.
//!
//! Nothing else in this crate reads a clock. A test or a replayer implements this trait
//! with values of its own; then a run is a pure function of its inputs.

use std::time::Duration;

/// The world as a guest sees it.
pub trait Platform: Send + Sync {
    /// Time since an arbitrary origin; never goes backwards.
    fn monotonic(&self) -> Duration;

    /// Time since the Unix epoch.
    fn wall_clock(&self) -> Duration;

    /// Fills `buf` with random bytes.
    fn fill_random(&self, buf: &mut [u8]);
}

/// A world that stands still: both clocks show fixed times and the random bytes repeat.
///
/// For tests, and for examples that need no time.
#[derive(Debug, Clone, Copy, Default)]
pub struct FixedPlatform {
    /// What [`Platform::monotonic`] answers.
    pub monotonic: Duration,
    /// What [`Platform::wall_clock`] answers.
    pub wall_clock: Duration,
    /// Where the random bytes start; the same seed gives the same bytes.
    pub seed: u64,
}

impl Platform for FixedPlatform {
    fn monotonic(&self) -> Duration {
        self.monotonic
    }

    fn wall_clock(&self) -> Duration {
        self.wall_clock
    }

    fn fill_random(&self, buf: &mut [u8]) {
        let mut state = self.seed;
        for chunk in buf.chunks_mut(8) {
            // splitmix64: enough to look random, not to guard a secret.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let bytes = (z ^ (z >> 31)).to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(bytes) {
                *to = from;
            }
        }
    }
}
