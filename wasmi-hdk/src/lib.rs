//! Host development kit: run untrusted WebAssembly plugins under the wasmi interpreter.
//!
//! The loop rule, stated once: **after each input, poll until the plugin says wait.**
//!
//! 1. [`Module::load`] checks and compiles a module. No guest code runs.
//! 2. [`Plugin::new`] starts a guest.
//! 3. [`Plugin::handle_input`] takes one [`Input`]: a call, an answer, a finished [`Run`], time.
//! 4. [`Plugin::poll_output`] says what is to be done. An [`Output::Run`] is executed by the edge,
//!    on any thread, and comes back as [`Input::Ran`]. Repeat until [`Output::Wait`].
//! 5. Wait for the next event, or until the time it names; go on with 3.
//!
//! Nothing here does I/O, reads a clock or starts a thread: the world comes in through
//! [`Platform`] and through inputs. [`Client`] wraps the loop for `async` code.
//!
//! | File | Question it answers |
//! |---|---|
//! | `engine.rs` | how is wasmi set up; nothing else names it |
//! | `module.rs` | is this a module that may run |
//! | `instance.rs` | how far does a call go, and who pays |
//! | `imports.rs` | which functions does the host offer |
//! | `run.rs` | what is handed to a thread |
//! | `plugin.rs` | what must be done for a JSON-RPC plugin |
//! | `per_call.rs` | the same with an instance for each call |
//! | `client.rs`, `methods.rs` | how is it awaited |
//! | `supervisor.rs` | does it start again |
//! | `limits.rs`, `fuel.rs` | what may it use, what does it cost |
//! | `guest_memory.rs` | how are guest bytes reached |
//! | `wasi/`, `vfs/` | what does WASI preview 1 answer |
#![doc = ""]
#![doc = include_str!("../README.md")]

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
mod vals;
pub mod vfs;
pub mod wasi;

pub use client::{Call, Client, Said, Serve, Timer, Woken, block_on};
pub use engine::{Compile, Engine, ExternKind, Import};
pub use error::{CallError, Fault, HostFault, LoadError, ModuleLimit};
pub use guest_memory::{GuestFault, GuestMemory, GuestPtr, GuestValue};
pub use imports::{HostCtx, HostFn, HostReturn, Imports};
pub use instance::{Instance, InstanceConfig, Stats, Stdin, Step};
pub use limits::{Limits, MAX_SLICE_FUEL};
pub use log::{Level, LogLine};
pub use methods::{BoxFuture, HostMethods, MaybeSend, MaybeSync};
pub use module::{Entry, INITIALIZE, Interface, Module, RPC_POLL, START, START_SECTION};
pub use per_call::PerCall;
pub use platform::{FixedPlatform, Platform};
pub use plugin::{CallId, Exit, HostCall, Input, Output, Plugin};
pub use run::{Ran, Run};
pub use supervisor::Supervisor;
pub use val::{FuncType, Val, ValType};
pub use vals::Vals;
// What appears in the signatures above.
pub use wasmi_rpc::{ErrorCode, ErrorObject, Params, RawValue, RequestId, RpcError, RpcResult};
