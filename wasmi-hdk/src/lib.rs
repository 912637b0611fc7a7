//! Host development kit: run untrusted WebAssembly plugins under the wasmi interpreter.

mod engine;
mod error;
pub mod fuel;
mod guest_memory;
mod imports;
mod instance;
mod limits;
mod log;
mod module;
mod platform;
mod run;
mod state;
mod val;
pub mod vfs;
pub mod wasi;

pub use engine::{Compile, Engine, Export, ExternKind, Import};
pub use error::{CallError, Fault, HostFault, LoadError};
pub use guest_memory::{GuestFault, GuestMemory, GuestPtr, GuestValue};
pub use imports::{HostCtx, HostFn, HostReturn, Imports};
pub use instance::{Instance, InstanceConfig, Stats, Stdin, Step};
pub use limits::{Limits, MAX_SLICE_FUEL};
pub use log::{Level, LogLine};
pub use module::{Entry, INITIALIZE, Module, RPC_POLL, START};
pub use platform::{FixedPlatform, Platform};
pub use run::{Ran, Run};
pub use val::{FuncType, Val, ValType};
