//! Bytes to deltas, as pure functions: NMEA 0183 sentences, and deltas as JSON lines.
//!
//! Who opens the connection is the edge; who stores the deltas is the core. Nothing here waits, reads a clock or keeps
//! more than a bounded rest of the stream.

mod ais;
pub(crate) mod calendar;
pub mod nmea0183;
pub mod signalk;
