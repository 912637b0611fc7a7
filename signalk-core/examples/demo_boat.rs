//! The demo boat's sentences on stdout: `cargo run -p signalk-core --example demo_boat -- [seconds] [seed]`.

use std::{io::Write, time::Duration};

use signalk_core::demo::DemoBoat;

/// 2026-06-21T12:00:00Z: midsummer, in the season of the simulated sea.
const START_MS: i64 = 1_782_043_200_000;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().unwrap_or(1));
    let (seconds, seed) = (arguments.next().unwrap_or(3600), arguments.next().unwrap_or(1));
    let mut out = Vec::new();
    DemoBoat::new(seed, START_MS).sentences_until(Duration::from_secs(seconds), &mut out);
    std::io::stdout().write_all(&out)
}
