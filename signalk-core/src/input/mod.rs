//! Bytes to deltas, as pure functions: NMEA 0183 sentences, deltas as JSON lines, and logs of both.
//!
//! Who opens the connection is the edge; who stores the deltas is the core. Nothing here waits, reads a clock or keeps
//! more than a bounded rest of the stream.

mod ais;
pub(crate) mod calendar;
mod lines;
pub mod multiplexed;
pub mod nmea0183;
pub mod signalk;

pub(crate) use self::ais::ship_type_name;
