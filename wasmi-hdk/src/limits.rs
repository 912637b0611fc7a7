//! What one guest may use. Every number is public, has a default and its own error.
//!
//! The numbers are only held here; who enforces them is said at each.

use std::time::Duration;

/// The most fuel that ever runs in one go.
///
/// `memory.grow` and `table.grow` leave native stack behind until the guest leaves the
/// interpreter (wasmi 2.0.0). At 255 fuel each, one million fuel is at most 4,000 of
/// them, about 0.7 MB: safe on a thread with 2 MB of stack.
pub const MAX_SLICE_FUEL: u64 = 1_000_000;

/// Limits of one guest.
///
/// ```
/// use wasmi_hdk::Limits;
/// let limits = Limits { memory_bytes: 16 << 20, ..Limits::default() };
/// assert_eq!(limits.message_bytes, 16 << 20);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory in bytes, what the module asks for at start included. Default 256 MiB.
    pub memory_bytes: usize,
    /// Elements of each table. Default 100,000.
    pub table_elements: usize,
    /// Tables of the module. Default 8.
    pub tables: usize,
    /// Value stack of a call in bytes, on the heap of the host. Default 8 MiB.
    pub stack_bytes: usize,
    /// Calls inside calls. Default 20,000: Go and recursive parsers need more than wasmi's 1,000.
    pub recursion: usize,
    /// One JSON-RPC message in either direction, in bytes. Default 16 MiB.
    pub message_bytes: usize,
    /// Fuel of one slice, at most [`MAX_SLICE_FUEL`]. Default 100,000, about 0.1 ms.
    pub slice_fuel: u64,
    /// Fuel of one [`Run`](crate::Run), which is how long the guest keeps a thread.
    /// Default 400,000: 0.4 ms of a desktop's core, below 2 ms on one that is four times slower.
    pub run_fuel: u64,
    /// Time of one [`Run`](crate::Run), looked at after each slice. Default none;
    /// a browser gives 4 ms so that the page stays alive.
    pub run_time: Option<Duration>,
    /// Fuel that a call may burn between two rests. Default 5,000,000,000.
    ///
    /// A rest is a wait for input or a timer, or the end of the call: a command that serves
    /// requests for months is one call, and its budget is new after each rest.
    pub call_fuel: Option<u64>,
    /// Time that a call may execute between two rests. Default 10 s.
    ///
    /// Execution is measured around each slice by [`Platform::monotonic`](crate::Platform::monotonic);
    /// waiting, and standing in line for a thread, do not count here. An embedder that bounds calls
    /// by a clock of its own says itself what that counts.
    pub call_deadline: Option<Duration>,
    /// Fuel that flows in per second; who is over it rests until it is paid. Default 500,000,000.
    pub fuel_per_second: Option<u64>,
    /// Fuel that may be saved up while the guest rests. Default 5,000,000,000.
    pub fuel_burst: u64,
    /// Size of the module in bytes. Default 64 MiB.
    pub module_bytes: usize,
    /// Custom sections of the module (names, debug information) in bytes. Default 16 MiB.
    pub custom_section_bytes: usize,
    /// Functions of the module. Default 200,000.
    pub functions: u32,
    /// Imports of the module. Default 2,000.
    pub module_imports: u32,
    /// Exports of the module. Default 10,000.
    pub module_exports: u32,
    /// Data segments of the module. Default 100,000: stock Go has thousands.
    pub data_segments: u32,
    /// Lines on standard error per second; more are dropped and counted. Default 200.
    pub stderr_lines_per_second: u32,
    /// Bytes of one line on standard error; longer ones are cut. Default 8 KiB.
    pub stderr_line_bytes: usize,
    /// Bytes that wait on standard input for a guest that does not read; more end it. Default
    /// 32 MiB: two messages of the largest size.
    pub stdin_bytes: usize,
    /// Bytes that wait on standard output: a write beyond them rests until the host has taken
    /// some, so this is what the host has to look through after one run. Default 256 KiB.
    pub stdout_bytes: usize,
    /// How long a plugin may take to end after it was asked to. Default 2 s.
    pub stop_grace: Duration,
    /// Files open at one time. Default 256.
    pub open_files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            table_elements: 100_000,
            tables: 8,
            stack_bytes: 8 << 20,
            recursion: 20_000,
            message_bytes: 16 << 20,
            slice_fuel: 100_000,
            run_fuel: 400_000,
            run_time: None,
            call_fuel: Some(5_000_000_000),
            call_deadline: Some(Duration::from_secs(10)),
            fuel_per_second: Some(500_000_000),
            fuel_burst: 5_000_000_000,
            module_bytes: 64 << 20,
            custom_section_bytes: 16 << 20,
            functions: 200_000,
            module_imports: 2_000,
            module_exports: 10_000,
            data_segments: 100_000,
            stderr_lines_per_second: 200,
            stderr_line_bytes: 8 << 10,
            stdin_bytes: 32 << 20,
            stdout_bytes: 256 << 10,
            stop_grace: Duration::from_secs(2),
            open_files: 256,
        }
    }
}
