//! `WasiState`: the WASI side of one guest, and what the host does with it.

use std::time::Duration;

use super::descriptors::Descriptors;
use super::log_lines::LogLines;
use super::stdio::{Stdin, Stdout};
use super::{Errno, ctx::Ctx};
use crate::limits::Limits;
use crate::log::{Level, LogLine};
use crate::vfs::{Fs, Quota, Usage};

/// Bytes that a call moves for one unit of fuel, as in wasmi's own copying, but
/// dearer by four: a host call copies twice and allocates.
const BYTES_PER_FUEL: u64 = 16;
/// Suspended calls that are remembered: more than a nest of calls can be deep.
const MAX_SUSPENDED: usize = 64;

/// Which call, with which arguments.
pub(super) type CallKey = (&'static str, [u64; 4]);

/// What a guest is started with.
pub struct WasiConfig {
    /// `argv`.
    pub args: Vec<String>,
    /// Environment.
    pub env: Vec<(String, String)>,
    /// False: reading standard input gives its end at once.
    pub stdin_open: bool,
    /// Where standard output goes.
    pub stdout: StdoutTo,
    /// Files, if any.
    pub fs: Option<Box<dyn Fs>>,
    /// Uses `stderr_*`, `stdout_bytes`, `open_files`.
    pub limits: Limits,
}

/// Where a guest's standard output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StdoutTo {
    /// To the host as bytes: [`WasiState::take_stdout`].
    #[default]
    Bytes,
    /// Into the log as lines of level debug, bounded as standard error is: a guest that speaks
    /// with the host by calls prints there.
    Log,
}

/// The WASI side of one guest: standard streams, descriptors, arguments.
pub struct WasiState {
    pub(super) args: Vec<Vec<u8>>,
    pub(super) env: Vec<Vec<u8>>,
    pub(super) fds: Descriptors,
    pub(super) fs: Option<Box<dyn Fs>>,
    pub(super) stdin: Stdin,
    pub(super) stdout: Stdout,
    /// Standard output, where it is log.
    pub(super) printed: Option<LogLines>,
    pub(super) stderr: LogLines,
    suspended: Vec<(CallKey, u64)>,
    /// The call made last remembered something.
    remembered: bool,
    last_monotonic: Duration,
    charge: u64,
}

impl WasiState {
    /// A fresh one: descriptors 0 to 2, and 3 for the root folder if there are files.
    #[must_use]
    pub fn new(config: WasiConfig) -> Self {
        let WasiConfig { args, env, stdin_open, stdout, fs, limits } = config;
        let lines = || LogLines::new(limits.stderr_lines_per_second, limits.stderr_line_bytes);
        let mut printed = lines();
        printed.set_level(Level::Debug);
        Self {
            args: args.into_iter().map(c_string).collect(),
            env: env.into_iter().map(|(name, value)| c_string(format!("{name}={value}"))).collect(),
            fds: Descriptors::new(fs.is_some(), limits.open_files),
            fs,
            stdin: Stdin::new(stdin_open),
            stdout: Stdout::new(limits.stdout_bytes),
            printed: (stdout == StdoutTo::Log).then_some(printed),
            stderr: lines(),
            suspended: Vec::new(),
            remembered: false,
            last_monotonic: Duration::ZERO,
            charge: 0,
        }
    }

    /// Adds bytes to standard input; after its end they are ignored.
    pub fn write_stdin(&mut self, bytes: &[u8]) {
        self.stdin.write(bytes);
    }

    /// No more bytes will come.
    pub fn close_stdin(&mut self) {
        self.stdin.close();
    }

    /// True when a read from standard input would not wait: bytes are there, or it is closed.
    #[must_use]
    pub fn stdin_ready(&self) -> bool {
        self.stdin.ready()
    }

    /// Bytes of standard input that the guest has not read yet.
    #[must_use]
    pub fn stdin_len(&self) -> usize {
        self.stdin.len()
    }

    /// While true, `fd_read` on an empty open standard input gives `EAGAIN` instead of suspending
    /// (a reactor inside `rpc_poll`).
    pub fn set_stdin_nonblocking(&mut self, nonblocking: bool) {
        self.stdin.set_nonblocking(nonblocking);
    }

    /// Bytes that the guest wrote to standard output since the last take.
    pub fn take_stdout(&mut self) -> Vec<u8> {
        self.stdout.take()
    }

    /// Bytes of standard output that nobody took yet. At the limit a write rests
    /// until some are taken.
    #[must_use]
    pub fn stdout_len(&self) -> usize {
        self.stdout.len()
    }

    /// Level of lines on standard error that name none; [`Level::Info`] unless set.
    pub fn set_log_level(&mut self, level: Level) {
        self.stderr.set_level(level);
    }

    /// Lines that the guest wrote to standard error, and to standard output where that is log,
    /// since the last take, whole ones only.
    pub fn take_log(&mut self) -> Vec<LogLine> {
        let mut lines = self.stderr.take();
        lines.extend(self.printed.iter_mut().flat_map(LogLines::take));
        lines
    }

    /// Ends the log: a half line becomes a whole one, and dropped lines are
    /// reported. For a guest that has ended; `take_log` follows.
    pub fn finish_log(&mut self) {
        self.stderr.finish();
        self.printed.iter_mut().for_each(LogLines::finish);
    }

    /// The last panic message on standard error, for the text of a trap.
    #[must_use]
    pub fn panic_text(&self) -> Option<String> {
        self.stderr.panic_text()
    }

    /// What looked like a panic message was none, or was survived: a later trap has another cause.
    pub fn forget_panic(&mut self) {
        self.stderr.forget_panic();
    }

    /// Lines dropped because there were too many.
    #[must_use]
    pub fn log_lines_dropped(&self) -> u64 {
        self.stderr.dropped() + self.printed.as_ref().map_or(0, LogLines::dropped)
    }

    /// Fuel for the work of calls since the last take.
    pub fn take_charge(&mut self) -> u64 {
        std::mem::take(&mut self.charge)
    }

    /// The call made last answered [`Suspend`](super::WasiResult::Suspend) and will not be
    /// made again: a nested call that is not allowed to wait.
    pub fn abandon_call(&mut self) {
        if std::mem::take(&mut self.remembered) {
            self.suspended.pop();
        }
    }

    pub(super) fn begin_call(&mut self) {
        self.remembered = false;
    }

    /// What the guest stores and may store; `None` without files.
    #[must_use]
    pub fn storage(&self) -> Option<(Usage, Quota)> {
        self.fs.as_ref().map(|fs| (fs.usage(), fs.quota()))
    }

    /// Gives the files back, for the next instance of the same plugin. All
    /// descriptors but the standard streams are closed.
    pub fn take_fs(&mut self) -> Option<Box<dyn Fs>> {
        let handles = self.fds.close_files();
        let fs = self.fs.as_mut()?;
        handles.into_iter().for_each(|handle| fs.close(handle));
        self.fs.take()
    }

    pub(super) fn charge(&mut self, bytes: u64) {
        self.charge_fuel(bytes / BYTES_PER_FUEL);
    }

    pub(super) fn charge_fuel(&mut self, fuel: u64) {
        self.charge = self.charge.saturating_add(fuel);
    }

    pub(super) fn monotonic(&mut self, now: Duration) -> Duration {
        self.last_monotonic = self.last_monotonic.max(now);
        self.last_monotonic
    }

    /// What a suspended call remembered when it is called again; `None` the first time.
    pub(super) fn resume(&mut self, key: &CallKey) -> Option<u64> {
        let at = self.suspended.iter().rposition(|(known, _)| known == key)?;
        Some(self.suspended.remove(at).1)
    }

    /// Remembers a number until the call is made again.
    pub(super) fn suspend(&mut self, key: CallKey, memory: u64) {
        if self.suspended.len() >= MAX_SUSPENDED {
            self.suspended.remove(0);
        }
        self.suspended.push((key, memory));
        self.remembered = true;
    }
}

impl Ctx<'_, '_> {
    /// The files; `EBADF` if the guest has none (then it has no descriptor for them either).
    pub(super) fn fs(&mut self) -> Result<&mut dyn Fs, Errno> {
        let now = self.platform.wall_clock();
        let fs = self.state.fs.as_deref_mut().ok_or(Errno::Badf)?;
        fs.set_wall_clock(now);
        Ok(fs)
    }
}

impl std::fmt::Debug for WasiState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasiState").field("fds", &self.fds).finish_non_exhaustive()
    }
}

/// C strings end at the first NUL, so a NUL inside would hide the rest.
fn c_string(text: String) -> Vec<u8> {
    text.replace('\0', "").into_bytes()
}
