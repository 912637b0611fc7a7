//! WASI preview 1: the table of calls and the state behind them.

use std::time::Duration;

use crate::guest_memory::GuestMemory;
use crate::limits::Limits;
use crate::log::LogLine;
use crate::platform::Platform;
use crate::val::{Val, ValType};
use crate::vfs::Fs;

/// Module name that guests import these functions from.
pub const MODULE: &str = "wasi_snapshot_preview1";

/// WASI's error number; 0 is success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub u16);

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
    /// A time of [`Platform::monotonic`].
    pub until: Option<Duration>,
}

/// One row of the table. Every function returns an `i32` errno, except `proc_exit`, which returns nothing.
#[derive(Clone, Copy)]
pub struct WasiCall {
    /// Name of the import.
    pub name: &'static str,
    /// Parameter types.
    pub params: &'static [ValType],
    /// True when the function returns an errno.
    pub returns: bool,
    /// The function. `args` has exactly the types of `params`.
    pub run: fn(&mut WasiState, &mut GuestMemory<'_>, &dyn Platform, args: &[Val]) -> WasiResult,
}

/// All calls.
pub fn table() -> &'static [WasiCall] {
    &[]
}

/// What a guest is started with.
pub struct WasiConfig {
    /// `argv`.
    pub args: Vec<String>,
    /// Environment.
    pub env: Vec<(String, String)>,
    /// False: reading standard input gives its end at once.
    pub stdin_open: bool,
    /// Files, if any.
    pub fs: Option<Box<dyn Fs>>,
    /// Uses `stderr_*`, `stdio_bytes`, `open_files`.
    pub limits: Limits,
}

/// The WASI side of one guest: standard streams, descriptors, arguments.
pub struct WasiState {}

impl WasiState {
    /// A fresh one.
    pub fn new(_config: WasiConfig) -> Self {
        Self {}
    }
    /// Adds bytes to standard input.
    pub fn write_stdin(&mut self, _bytes: &[u8]) {}
    /// No more bytes will come.
    pub fn close_stdin(&mut self) {}
    /// True when a read from standard input would not wait: bytes are there, or it is closed.
    pub fn stdin_ready(&self) -> bool {
        true
    }
    /// While true, `fd_read` on an empty open standard input gives EAGAIN instead of suspending
    /// (a reactor inside `rpc_poll`).
    pub fn set_stdin_nonblocking(&mut self, _nonblocking: bool) {}
    /// Bytes that the guest wrote to standard output since the last take.
    pub fn take_stdout(&mut self) -> Vec<u8> {
        Vec::new()
    }
    /// Bytes of standard output that nobody took yet.
    pub fn stdout_len(&self) -> usize {
        0
    }
    /// Lines that the guest wrote to standard error since the last take, whole ones only.
    pub fn take_log(&mut self) -> Vec<LogLine> {
        Vec::new()
    }
    /// The rest of standard error as lines, also a half one: for a guest that has ended.
    pub fn finish_log(&mut self) {}
    /// The last panic message on standard error, for the text of a trap.
    pub fn panic_text(&self) -> Option<String> {
        None
    }
    /// Fuel for the work of calls since the last take.
    pub fn take_charge(&mut self) -> u64 {
        0
    }
    /// Lines dropped because there were too many.
    pub fn log_lines_dropped(&self) -> u64 {
        0
    }
}
