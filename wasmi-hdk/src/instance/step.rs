//! How far did a slice come, and what has the guest used so far?

use std::any::Any;
use std::fmt;
use std::time::Duration;

use crate::error::Fault;
use crate::vals::Vals;
use crate::vfs::{Quota, Usage};

/// How far a slice came.
pub enum Step {
    /// The call is done; these are its results. Also when there was no call.
    Finished(Vals),
    /// The slice is over, the call is not: run again.
    Yielded,
    /// The call rests until one of these: run again when it may hold. With neither, it waits
    /// for [`Instance::resume`](crate::Instance::resume).
    Waiting {
        /// Bytes on standard input, or its end.
        stdin: bool,
        /// A time of [`Platform::monotonic`](crate::Platform::monotonic).
        until: Option<Duration>,
    },
    /// A host function said [`HostReturn::Suspend`](crate::HostReturn::Suspend); answer with
    /// [`Instance::resume`](crate::Instance::resume).
    HostCall(Box<dyn Any + Send>),
    /// The guest has ended badly; nothing can be called any more.
    Failed(Fault),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Finished(values) => f.debug_tuple("Finished").field(values).finish(),
            Step::Yielded => f.write_str("Yielded"),
            Step::Waiting { stdin, until } => {
                f.debug_struct("Waiting").field("stdin", stdin).field("until", until).finish()
            }
            Step::HostCall(_) => f.write_str("HostCall"),
            Step::Failed(fault) => f.debug_tuple("Failed").field(fault).finish(),
        }
    }
}

/// What a guest has used so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// All fuel, host calls included; the same number on every platform.
    pub fuel_used: u64,
    /// Linear memory now.
    pub memory_bytes: u64,
    /// Calls of host functions, WASI included.
    pub host_calls: u64,
    /// Slices that ran.
    pub slices: u64,
    /// Times that it had to rest, because it had used more fuel than flows in
    /// ([`Limits::fuel_per_second`](crate::Limits)).
    pub throttled: u64,
    /// Lines on standard error that were too many.
    pub log_lines_dropped: u64,
    /// What it stores and may store; `None` without files.
    pub storage: Option<(Usage, Quota)>,
}
