//! WASI preview 1 without I/O: the table of calls and the state behind them.
//!
//! One row per syscall; each is a plain function over [`WasiState`], the guest's
//! memory and [`Platform`]. Nothing here blocks: a call that has to wait answers
//! [`WasiResult::Suspend`] and is called again, with the same arguments, when its
//! condition may hold. Until then it has had no effect. Files come from a
//! [`Fs`](crate::vfs::Fs); linking and fuel are `engine.rs`'s business.
//!
//! DIFFERENCE: rights are kept and reported as wasi-libc expects, but of all of
//! them only reading and writing are enforced, as in Wasmtime since version 14:
//! guests ask for sets of rights that no strict reading allows. What a plugin may
//! touch is decided by what its `Fs` holds.

mod args;
mod clock;
mod ctx;
mod descriptors;
mod environ;
mod errno;
mod fd_dir;
mod fd_file;
mod fd_stat;
mod log_lines;
mod path;
mod poll;
mod process;
mod random;
mod sock;
mod state;
mod stdio;
mod table;

use std::time::Duration;

pub use self::errno::Errno;
pub use self::state::{StdoutTo, WasiConfig, WasiState};
pub use self::table::{UNSTABLE_DIFFERS, table};
use crate::guest_memory::GuestMemory;
use crate::platform::Platform;
use crate::val::{Val, ValType};

/// Module name that guests import these functions from.
pub const MODULE: &str = "wasi_snapshot_preview1";

/// Name of the snapshot before; all calls but [`UNSTABLE_DIFFERS`] have the same layout there.
pub const UNSTABLE_MODULE: &str = "wasi_unstable";

/// What a call answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WasiResult {
    /// The call is done.
    Errno(Errno),
    /// The call rests; call the same function with the same arguments again when the condition may hold.
    /// What it must remember meanwhile (an absolute deadline) is in [`WasiState`].
    Suspend(WasiWait),
    /// The guest ends itself.
    Exit(i32),
}

/// What a resting call waits for; whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WasiWait {
    /// Bytes on standard input, or its end.
    pub stdin: bool,
    /// A time of [`Platform::monotonic`]. One that is past means: as soon as others had their turn.
    pub until: Option<Duration>,
}

/// A call as the engine links it.
pub type WasiFn = fn(&mut WasiState, &mut GuestMemory<'_>, &dyn Platform, &[Val]) -> WasiResult;

/// One row of the table. Every function returns an `i32` errno, except `proc_exit`, which returns nothing.
#[derive(Clone, Copy, Debug)]
pub struct WasiCall {
    /// Name of the import.
    pub name: &'static str,
    /// Parameter types.
    pub params: &'static [ValType],
    /// True when the function returns an errno.
    pub returns: bool,
    /// The function. `args` has exactly the types of `params`.
    pub run: WasiFn,
}
