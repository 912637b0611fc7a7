//! The whole Signal K server as a value: no I/O, no clock, no threads.

pub mod demo;
pub mod input;
pub mod plugins;
