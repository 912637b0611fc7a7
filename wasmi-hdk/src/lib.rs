//! Host development kit: run untrusted WebAssembly plugins under the wasmi interpreter.

mod error;
mod guest_memory;
mod limits;
mod log;
mod platform;
mod val;
pub mod vfs;
pub mod wasi;

pub use error::{CallError, Fault, HostFault, LoadError};
pub use guest_memory::{GuestFault, GuestMemory, GuestPtr, GuestValue};
pub use limits::{Limits, MAX_SLICE_FUEL};
pub use log::{Level, LogLine};
pub use platform::{FixedPlatform, Platform};
pub use val::{FuncType, Val, ValType};
