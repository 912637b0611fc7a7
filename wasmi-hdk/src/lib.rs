//! Host development kit: run untrusted WebAssembly plugins under the wasmi interpreter.

mod client;
mod engine;
mod error;
pub mod fuel;
mod guest_memory;
mod imports;
mod instance;
mod limits;
mod log;
mod methods;
mod module;
mod per_call;
mod platform;
mod plugin;
mod run;
mod state;
pub mod supervisor;
mod val;
pub mod vfs;
pub mod wasi;

pub use client::{Call, Client, Said, Serve, Timer, Woken, block_on};
pub use engine::{Compile, Engine, Export, ExternKind, Import};
pub use error::{CallError, Fault, HostFault, LoadError};
pub use guest_memory::{GuestFault, GuestMemory, GuestPtr, GuestValue};
pub use imports::{HostCtx, HostFn, HostReturn, Imports};
pub use instance::{Instance, InstanceConfig, Stats, Stdin, Step};
pub use limits::{Limits, MAX_SLICE_FUEL};
pub use log::{Level, LogLine};
pub use methods::{BoxFuture, HostMethods, MaybeSend};
pub use module::{Entry, INITIALIZE, Module, RPC_POLL, START};
pub use per_call::PerCall;
pub use platform::{FixedPlatform, Platform};
pub use plugin::{CallId, Exit, HostCall, Input, Output, Plugin};
pub use run::{Ran, Run};
pub use supervisor::Supervisor;
pub use val::{FuncType, Val, ValType};
// What appears in the signatures above.
pub use wasmi_rpc::{ErrorCode, ErrorObject, Params, RawValue, RequestId, RpcError, RpcResult};
