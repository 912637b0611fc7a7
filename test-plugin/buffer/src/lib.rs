//! What the guests of `examples/` share. They speak the buffer ABI of signalk-server as plugins in
//! the field do: exports and imports written out, `wasmi-pdk` not used, so that the host is tested
//! with a second opinion of what the ABI is.
//!
//! `imports.rs` has every import by its name, `abi.rs` what crosses the border, `script.rs` a list of
//! calls from a configuration, `world.rs` what Rust's standard library asks of WASI.

pub mod abi;
pub mod imports;
pub mod script;
mod world;
