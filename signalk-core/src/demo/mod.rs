//! The demo boat: a deterministic simulator that writes NMEA 0183 sentences, as the instruments of a boat would.
//!
//! A sloop sails round three marks off Helsinki, tacking and gybing in a wind that swings and gusts, among a dozen
//! ships, boats and buoys that report over AIS. Seed and start decide everything; time comes in as `elapsed`. What the
//! sentences mean is not decided here: they go through the same parser as those of a real boat.
//!
//! ```
//! use std::time::Duration;
//! use signalk_core::{demo::DemoBoat, input::nmea0183::Parser};
//!
//! let start_ms = 1_781_870_400_000;
//! let mut boat = DemoBoat::new(1, start_ms);
//! let (mut sentences, mut deltas) = (Vec::new(), Vec::new());
//! boat.sentences_until(Duration::from_secs(60), &mut sentences);
//! let mut parser = Parser::new("demo");
//! parser.push(&sentences, start_ms, &mut deltas);
//! assert!(deltas.len() > 1000 && parser.counters().bad_checksum == 0);
//! ```

mod ais;
mod boat;
mod fleet;
mod geometry;
mod instruments;
mod rng;
mod sentence;
mod traffic;

use std::time::Duration;

use self::boat::Boat;

/// Ticks of a second. Heading comes every second tick, wind every fifth, the rest every tenth.
const TICKS: u64 = 10;

/// The simulated boat and the sea around her.
#[derive(Debug)]
pub struct DemoBoat {
    boat: Boat,
    noise: rng::Rng,
    start_ms: i64,
    /// The next tick to simulate.
    tick: u64,
}

impl DemoBoat {
    /// A boat at the start of her voyage, which begins at `start_wall_ms` (ms since the Unix epoch).
    /// The same seed and start sail the same voyage, on every platform.
    pub fn new(seed: u64, start_wall_ms: i64) -> Self {
        Self {
            boat: Boat::new(seed),
            noise: rng::Rng::new(!seed),
            start_ms: start_wall_ms,
            tick: 0,
        }
    }

    /// Sails on until `elapsed` since the start and appends all sentences of that time.
    ///
    /// The steps do not matter: one call for an hour writes the same bytes as many calls for parts of it.
    pub fn sentences_until(&mut self, elapsed: Duration, out: &mut Vec<u8>) {
        while at(self.tick) <= elapsed {
            if self.tick > 0 {
                self.boat.step();
            }
            self.speak(out);
            self.tick += 1;
        }
    }

    /// Lies still for about this long: what she says afterwards is dated so much later. Gives back how long it was,
    /// in whole milliseconds.
    pub fn rest(&mut self, pause: Duration) -> Duration {
        let ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.start_ms = self.start_ms.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
        Duration::from_millis(ms)
    }

    /// When the next sentences are due, since the start.
    pub fn next(&self) -> Duration {
        let due = (self.tick..).find(|tick| tick.is_multiple_of(2) || tick.is_multiple_of(5));
        at(due.unwrap_or(self.tick))
    }

    fn speak(&mut self, out: &mut Vec<u8>) {
        let tick = self.tick;
        if tick.is_multiple_of(2) {
            instruments::five_a_second(&self.boat, &mut self.noise, out);
        }
        if tick.is_multiple_of(5) {
            instruments::two_a_second(&self.boat, &mut self.noise, out);
        }
        if tick.is_multiple_of(TICKS) {
            let second = tick / TICKS;
            let now_ms =
                self.start_ms.saturating_add(i64::try_from(second * 1000).unwrap_or(i64::MAX));
            instruments::every_second(&self.boat, &mut self.noise, second, now_ms, out);
            traffic::report(second, self.start_ms, out);
        }
    }
}

fn at(tick: u64) -> Duration {
    Duration::from_millis(tick.saturating_mul(1000 / TICKS))
}
