//! One living guest: one call at a time, in slices, with budgets.
//!
//! The engine executes; this file decides how far. JSON-RPC is spoken one floor up, in `plugin.rs`.
//!
//! | File | Question it answers |
//! |---|---|
//! | `config.rs` | what is a guest started with |
//! | `start.rs` | how does it come to life |
//! | `budget.rs` | who pays, and has a call had enough |
//! | `rest.rs` | what does a call wait for, and may it go on |
//! | `nested.rs` | what may be called meanwhile |
//! | `step.rs` | how far did it come |
//! | `describe.rs` | how is its fault told |

mod budget;
mod config;
mod describe;
mod nested;
mod rest;
mod start;
mod step;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::budget::Burst;
pub use self::config::{InstanceConfig, Stdin};
use self::describe::Describe;
pub use self::step::{Stats, Step};
use crate::engine::{EngineFault, Func, Guest, Stop, fits, only_numbers};
use crate::error::{CallError, Fault};
use crate::fuel::{CALL, Purse};
use crate::guest_memory::GuestMemory;
use crate::limits::{Limits, MAX_SLICE_FUEL};
use crate::log::LogLine;
use crate::module::{INITIALIZE, RPC_POLL, START, START_SECTION};
use crate::platform::Platform;
use crate::state::Pending;
use crate::val::Val;
use crate::vals::Vals;

/// An exported function and its name.
#[derive(Clone)]
struct Found {
    name: Arc<str>,
    func: Func,
}

/// Functions that are kept found: `allocate`, `deallocate`, a handler and `poll`; `__new`, `__pin`, `__unpin` and a
/// handler.
const MOST_RECENT: usize = 4;

/// A living guest.
pub struct Instance {
    name: Arc<str>,
    guest: Guest,
    /// The functions that were found last, in the order in which they were found.
    recent: Vec<Found>,
    limits: Limits,
    purse: Purse,
    state: State,
    /// The export that runs or ran last.
    call: Arc<str>,
    /// Calls that stand behind the start section and `_initialize`.
    queued: VecDeque<(Found, Vals)>,
    /// The start section, until it has run.
    start: Option<Func>,
    /// `_initialize`, until it has run.
    initialize: Option<Func>,
    /// Since the last rest.
    burst: Burst,
    /// Used, and not yet taken from the purse.
    unpaid: u64,
    slices: u64,
}

enum State {
    Idle,
    Ready(Func, Vals),
    OutOfFuel,
    Suspended,
    Ended,
}

impl Instance {
    /// The module's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The export that was called last.
    pub(crate) fn call(&self) -> &str {
        &self.call
    }

    /// The limits that hold.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Looked up by name, unless it is one of those that were called before: a plugin is mostly called by one export,
    /// and with memory that two others give and take back.
    fn find(&mut self, export: &str, args: &[Val]) -> Result<Found, CallError> {
        let found = match self.recent.iter().find(|found| *found.name == *export) {
            Some(found) => found.clone(),
            None => {
                let func = self.guest.func(export).ok_or_else(|| CallError::NoExport {
                    plugin: self.name.to_string(),
                    export: export.to_owned(),
                })?;
                if self.recent.len() == MOST_RECENT {
                    self.recent.remove(0);
                }
                let found = Found { name: export.into(), func };
                self.recent.push(found.clone());
                found
            }
        };
        let ty = &found.func.ty;
        if !fits(args, &ty.params) || !only_numbers(&ty.results) {
            return Err(CallError::Arguments {
                plugin: self.name.to_string(),
                export: export.to_owned(),
                expected: (**ty).clone(),
                given: args.len(),
            });
        }
        Ok(found)
    }

    /// Begins a call; [`Instance::run`] executes it. An instance makes one call at a time.
    ///
    /// # Errors
    ///
    /// When there is no such function, the arguments do not fit, another call is not
    /// finished, or the guest has ended. The guest is unharmed.
    pub fn begin(&mut self, export: &str, args: &[Val]) -> Result<(), CallError> {
        match self.state {
            State::Idle => {}
            State::Ended => {
                return Err(CallError::Ended {
                    plugin: self.name.to_string(),
                    call: export.to_owned(),
                });
            }
            _ => {
                return Err(CallError::Busy {
                    plugin: self.name.to_string(),
                    export: export.to_owned(),
                    running: self.call.to_string(),
                });
            }
        }
        let found = self.find(export, args)?;
        if self.start.is_none() && self.initialize.is_none() {
            self.enter(found, args.into());
            return Ok(());
        }
        let first = self.first(export).into_iter().map(|found| (found, Vals::NONE));
        self.queued = first.chain([(found, args.into())]).collect();
        if let Some((found, args)) = self.queued.pop_front() {
            self.enter(found, args);
        }
        Ok(())
    }

    /// What has to run before `export`, and has not.
    fn first(&mut self, export: &str) -> Vec<Found> {
        let mut first = Vec::new();
        let mut add = |name: &str, func: Option<Func>| {
            if let Some(func) = func.filter(|_| export != name) {
                first.push(Found { name: name.into(), func });
            }
        };
        add(START_SECTION, self.start.take());
        if export != START_SECTION {
            let initialize = self.initialize.take();
            // A command prepares itself.
            add(INITIALIZE, initialize.filter(|_| export != START));
        }
        first
    }

    fn enter(&mut self, found: Found, args: Vals) {
        self.guest.state_mut().wasi.set_stdin_nonblocking(&*found.name == RPC_POLL);
        self.guest.spend(CALL);
        self.unpaid = self.unpaid.saturating_add(CALL);
        self.state = State::Ready(found.func, args);
        self.call = found.name;
        self.burst = Burst::default();
    }

    /// Executes one slice of at most `fuel`, and never more than
    /// [`MAX_SLICE_FUEL`](crate::MAX_SLICE_FUEL).
    pub fn run(&mut self, fuel: u64) -> Step {
        let now = self.now();
        if !matches!(self.state, State::Idle | State::Ended)
            && let Some(until) = self.purse.rests_until(now)
        {
            return Step::Waiting { stdin: false, until: Some(until) };
        }
        let fuel = self.guest.state_mut().pay_debt(fuel.clamp(1, MAX_SLICE_FUEL));
        if fuel == 0 {
            return Step::Yielded;
        }
        let before = self.guest.fuel_used();
        let stop = match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => return Step::Finished(Vals::NONE),
            State::Ended => {
                self.state = State::Ended;
                return Step::Finished(Vals::NONE);
            }
            State::Ready(func, args) => self.guest.enter(&func, &args, fuel),
            State::OutOfFuel => self.guest.go_on(fuel),
            State::Suspended => match self.wake(now, fuel) {
                Ok(stop) => stop,
                Err(step) => {
                    self.account(now, self.now(), before);
                    return self.rest(now, step);
                }
            },
        };
        self.slices = self.slices.saturating_add(1);
        let after = self.now();
        self.account(now, after, before);
        self.stopped(after, stop)
    }

    fn stopped(&mut self, now: Duration, stop: Stop) -> Step {
        match stop {
            Stop::Finished => {
                self.burst = Burst::default();
                self.guest.state_mut().wasi.forget_panic();
                match self.queued.pop_front() {
                    Some((found, args)) => {
                        self.enter(found, args);
                        Step::Yielded
                    }
                    None => Step::Finished(self.guest.results()),
                }
            }
            Stop::OutOfFuel => match self.overrun() {
                Some(fault) => self.fail(fault),
                None => {
                    self.state = State::OutOfFuel;
                    Step::Yielded
                }
            },
            Stop::Suspended => {
                self.state = State::Suspended;
                let step = match &mut self.guest.state_mut().pending {
                    Some(Pending::Wasi { wait, .. }) => {
                        Step::Waiting { stdin: wait.stdin, until: wait.until }
                    }
                    Some(Pending::Host { payload, .. }) => match payload.take() {
                        Some(payload) => Step::HostCall(payload),
                        None => Step::Waiting { stdin: false, until: None },
                    },
                    None => Step::Waiting { stdin: false, until: None },
                };
                self.rest(now, step)
            }
            // A command that ends well may be a library from now on (plugins in TinyGo).
            Stop::Fault(fault @ EngineFault::Exit(0)) if *self.call == *START => {
                self.burst = Burst::default();
                self.guest.abandon();
                Step::Failed(self.describe(fault))
            }
            Stop::Fault(fault) => {
                let fault = self.describe(fault);
                self.fail(fault)
            }
        }
    }

    fn fail(&mut self, fault: Fault) -> Step {
        self.end();
        Step::Failed(fault)
    }

    /// Ends the guest: what runs is given up, nothing can be called any more. Its log, its
    /// output and its memory can still be read.
    pub fn end(&mut self) {
        self.state = State::Ended;
        self.queued.clear();
        self.guest.abandon();
        self.guest.state_mut().wasi.finish_log();
    }

    fn describe(&mut self, fault: EngineFault) -> Fault {
        // A panic message without a line end is still a message.
        self.guest.state_mut().wasi.finish_log();
        Describe {
            plugin: &self.name,
            call: &self.call,
            limits: &self.limits,
            panic: self.guest.state().wasi.panic_text(),
            import: &|index| self.guest.links().name(index),
        }
        .fault(fault)
    }

    /// True while a call is not finished.
    pub fn is_busy(&self) -> bool {
        !matches!(self.state, State::Idle | State::Ended)
    }

    /// True when nothing can be called any more.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Adds bytes to the guest's standard input.
    pub fn write_stdin(&mut self, bytes: &[u8]) {
        self.guest.state_mut().wasi.write_stdin(bytes);
    }

    /// Bytes of standard input that the guest has not read yet.
    pub fn stdin_len(&self) -> usize {
        self.guest.state().wasi.stdin_len()
    }

    /// Whether a read of standard input would not wait: bytes are there, or its end is.
    pub(crate) fn stdin_ready(&self) -> bool {
        self.guest.state().wasi.stdin_ready()
    }

    /// Ends the guest's standard input.
    pub fn close_stdin(&mut self) {
        self.guest.state_mut().wasi.close_stdin();
    }

    /// What the guest wrote to standard output since the last take.
    pub fn take_stdout(&mut self) -> Vec<u8> {
        self.guest.state_mut().wasi.take_stdout()
    }

    /// Whole lines of the guest's log since the last take: standard error, and standard output
    /// where it is [`StdoutTo::Log`](crate::wasi::StdoutTo::Log).
    pub fn take_log(&mut self) -> Vec<LogLine> {
        self.guest.state_mut().wasi.take_log()
    }

    /// The guest's memory; empty when it exports none.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        self.guest.memory()
    }

    /// The data that the embedder gave the instance, if it is of this type.
    pub fn state<T: 'static>(&mut self) -> Option<&mut T> {
        self.guest.state_mut().user.downcast_mut()
    }

    /// What the guest has used so far.
    pub fn stats(&self) -> Stats {
        let state = self.guest.state();
        Stats {
            fuel_used: self.guest.fuel_used(),
            memory_bytes: u64::try_from(self.guest.memory_bytes()).unwrap_or(u64::MAX),
            host_calls: state.host_calls,
            slices: self.slices,
            throttled: self.purse.rested(),
            log_lines_dropped: state.wasi.log_lines_dropped(),
            storage: state.wasi.storage(),
        }
    }

    fn now(&self) -> Duration {
        self.guest.state().platform.monotonic()
    }

    pub(crate) fn platform(&self) -> &Arc<dyn Platform> {
        &self.guest.state().platform
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("name", &self.name)
            .field("call", &self.call)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
