//! One living guest: one call at a time, in slices, with budgets.
//!
//! The engine executes; this file decides how far. JSON-RPC is spoken one floor up, in `plugin.rs`.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{EngineFault, Func, Guest, Stop, fits, only_numbers};
use crate::error::{CallError, Fault, LoadError};
use crate::fuel::{CALL, Purse};
use crate::guest_memory::GuestMemory;
use crate::imports::Imports;
use crate::limits::{Limits, MAX_SLICE_FUEL};
use crate::log::LogLine;
use crate::module::{INITIALIZE, Module, RPC_POLL, START};
use crate::platform::Platform;
use crate::state::{GuestState, Pending};
use crate::val::Val;
use crate::vfs::Fs;
use crate::wasi::{WasiConfig, WasiResult, WasiState};

/// What a guest is started with.
pub struct InstanceConfig {
    /// What it may use.
    pub limits: Limits,
    /// The world as it sees it.
    pub platform: Arc<dyn Platform>,
    /// Its arguments, the program's name first.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// Whether there is a standard input.
    pub stdin: Stdin,
    /// Its files, if it may have any.
    pub fs: Option<Box<dyn Fs>>,
    /// Functions of the host besides WASI.
    pub imports: Arc<Imports>,
    /// Data of the embedder, reached by host functions through
    /// [`HostCtx::state`](crate::HostCtx::state).
    pub state: Box<dyn Any + Send>,
}

/// Whether bytes may still come on standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stdin {
    /// More may come: a read of nothing waits.
    #[default]
    Open,
    /// Nothing will come: a read gives the end at once.
    Closed,
}

impl InstanceConfig {
    /// Default limits, no arguments, no files, no host functions, open standard input.
    pub fn new(platform: Arc<dyn Platform>) -> Self {
        Self {
            limits: Limits::default(),
            platform,
            args: Vec::new(),
            env: Vec::new(),
            stdin: Stdin::Open,
            fs: None,
            imports: Arc::default(),
            state: Box::new(()),
        }
    }
}

impl fmt::Debug for InstanceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceConfig")
            .field("limits", &self.limits)
            .field("args", &self.args)
            .field("stdin", &self.stdin)
            .field("imports", &self.imports)
            .finish_non_exhaustive()
    }
}

/// A living guest.
pub struct Instance {
    name: Arc<str>,
    guest: Guest,
    funcs: BTreeMap<String, Func>,
    limits: Limits,
    purse: Purse,
    state: State,
    /// The export that runs or ran last.
    call: Arc<str>,
    /// A call that stands behind `_initialize`.
    queued: Option<(Func, Arc<str>, Vec<Val>)>,
    initialize: Option<Func>,
    /// Since the last rest.
    burst: Burst,
    /// Used, and not yet taken from the purse.
    unpaid: u64,
    slices: u64,
}

enum State {
    Idle,
    Ready(Func, Vec<Val>),
    OutOfFuel,
    Suspended,
    Ended,
}

#[derive(Default, Clone, Copy)]
struct Burst {
    fuel: u64,
    time: Duration,
}

/// How far a slice came.
pub enum Step {
    /// The call is done; these are its results. Also when there was no call.
    Finished(Vec<Val>),
    /// The slice is over, the call is not: run again.
    Yielded,
    /// The call rests until one of these: run again when it may hold. With neither, it waits
    /// for [`Instance::resume`].
    Waiting {
        /// Bytes on standard input, or its end.
        stdin: bool,
        /// A time of [`Platform::monotonic`].
        until: Option<Duration>,
    },
    /// A host function said [`HostReturn::Suspend`](crate::HostReturn::Suspend); answer with
    /// [`Instance::resume`].
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
    /// Lines on standard error that were too many.
    pub log_lines_dropped: u64,
}

impl Instance {
    /// Links and starts a guest. The wasm start section runs here, with `start_fuel`;
    /// `_initialize` runs as a part of the first call, with the budgets of a call.
    ///
    /// # Errors
    ///
    /// When the guest cannot be started.
    pub fn new(module: &Module, config: InstanceConfig) -> Result<Self, LoadError> {
        let InstanceConfig { limits, platform, args, env, stdin, fs, imports, state } = config;
        let prepared = module.prepared();
        let wasi = WasiState::new(WasiConfig {
            args,
            env,
            stdin_open: stdin == Stdin::Open,
            fs,
            limits: limits.clone(),
        });
        let bound = prepared
            .links
            .entries()
            .iter()
            .map(|entry| imports.get(&entry.module, &entry.name).cloned())
            .collect();
        let guest = GuestState::new(wasi, platform, bound, state);
        let guest = Guest::start(prepared, guest, &limits).map_err(|fault| {
            let describe = Describe {
                plugin: module.name(),
                call: "(start)",
                limits: &limits,
                panic: None,
                import: &|index| prepared.links.name(index),
            };
            let fault = Box::new(describe.fault(fault));
            LoadError::Start { plugin: module.name().to_owned(), fault }
        })?;
        let initialize = guest.func(INITIALIZE);
        let purse = Purse::new(limits.fuel_per_second, limits.fuel_burst);
        Ok(Self {
            name: module.name().into(),
            guest,
            funcs: BTreeMap::new(),
            limits,
            purse,
            state: State::Idle,
            call: "".into(),
            queued: None,
            initialize,
            burst: Burst::default(),
            unpaid: 0,
            slices: 0,
        })
    }

    /// The module's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The limits that hold.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    fn find(&mut self, export: &str, args: &[Val]) -> Result<Func, CallError> {
        let func = match self.funcs.get(export) {
            Some(func) => func.clone(),
            None => {
                let func = self.guest.func(export).ok_or_else(|| CallError::NoExport {
                    plugin: self.name.to_string(),
                    export: export.to_owned(),
                })?;
                self.funcs.insert(export.to_owned(), func.clone());
                func
            }
        };
        if !fits(args, &func.ty.params) || !only_numbers(&func.ty.results) {
            return Err(CallError::Arguments {
                plugin: self.name.to_string(),
                export: export.to_owned(),
                expected: (*func.ty).clone(),
                given: args.len(),
            });
        }
        Ok(func)
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
        let func = self.find(export, args)?;
        let call: Arc<str> = if *self.call == *export { self.call.clone() } else { export.into() };
        match self.initialize.take() {
            // A command prepares itself.
            Some(initialize) if export != INITIALIZE && export != START => {
                self.queued = Some((func, call, args.to_vec()));
                self.enter(initialize, INITIALIZE.into(), Vec::new());
            }
            _ => self.enter(func, call, args.to_vec()),
        }
        Ok(())
    }

    fn enter(&mut self, func: Func, call: Arc<str>, args: Vec<Val>) {
        self.guest.state_mut().wasi.set_stdin_nonblocking(&*call == RPC_POLL);
        self.guest.spend(CALL);
        self.unpaid = self.unpaid.saturating_add(CALL);
        self.state = State::Ready(func, args);
        self.call = call;
        self.burst = Burst::default();
    }

    /// Executes one slice of at most `fuel`, and never more than
    /// [`MAX_SLICE_FUEL`](crate::MAX_SLICE_FUEL).
    pub fn run(&mut self, fuel: u64) -> Step {
        let platform = self.guest.state().platform.clone();
        let now = platform.monotonic();
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
            State::Idle => return Step::Finished(Vec::new()),
            State::Ended => {
                self.state = State::Ended;
                return Step::Finished(Vec::new());
            }
            State::Ready(func, args) => self.guest.enter(&func, &args, fuel),
            State::OutOfFuel => self.guest.go_on(fuel),
            State::Suspended => match self.wake(now, fuel) {
                Ok(stop) => stop,
                Err(step) => {
                    self.account(now, platform.monotonic(), before);
                    return self.rest(now, step);
                }
            },
        };
        self.slices = self.slices.saturating_add(1);
        let after = platform.monotonic();
        self.account(now, after, before);
        self.stopped(after, stop)
    }

    fn account(&mut self, start: Duration, end: Duration, before: u64) {
        let used = self.guest.fuel_used().saturating_sub(before);
        self.purse.spend(end, used.saturating_add(std::mem::take(&mut self.unpaid)));
        self.burst.fuel = self.burst.fuel.saturating_add(used);
        self.burst.time = self.burst.time.saturating_add(end.saturating_sub(start));
    }

    /// The guest waits. To wait for a time that is past is no rest: it gives others a turn,
    /// and the budget of the call goes on.
    fn rest(&mut self, now: Duration, step: Step) -> Step {
        match step {
            Step::Waiting { until: Some(until), .. } if until <= now => match self.overrun() {
                Some(fault) => self.fail(fault),
                None => step,
            },
            step => {
                self.burst = Burst::default();
                step
            }
        }
    }

    /// A suspended call goes on if what it waits for is there.
    fn wake(&mut self, now: Duration, fuel: u64) -> Result<Stop, Step> {
        let (bytes, state) = self.guest.memory_and_state();
        let Some(pending) = state.pending.take() else {
            return Ok(Stop::OutOfFuel);
        };
        let rest = |this: &mut Self, pending, step| {
            this.guest.state_mut().pending = Some(pending);
            this.state = State::Suspended;
            Err(step)
        };
        match pending {
            Pending::Host { values: Some(values), .. } => Ok(self.guest.answer(&values, fuel)),
            Pending::Host { import, payload, values: None } => {
                let pending = Pending::Host { import, payload, values: None };
                rest(self, pending, Step::Waiting { stdin: false, until: None })
            }
            Pending::Wasi { call, args, wait } => {
                let ready = (wait.stdin && state.wasi.stdin_ready())
                    || wait.until.is_some_and(|until| until <= now);
                if !ready {
                    let step = Step::Waiting { stdin: wait.stdin, until: wait.until };
                    return rest(self, Pending::Wasi { call, args, wait }, step);
                }
                let result = state.call_wasi(call, bytes, &args);
                let charge = state.take_charge();
                let paid = charge.min(fuel.saturating_sub(1));
                state.owe(charge - paid);
                self.guest.spend(charge);
                match result {
                    WasiResult::Errno(errno) => {
                        let answer = [Val::I32(errno.number())];
                        Ok(self.guest.answer(&answer, fuel - paid))
                    }
                    WasiResult::Exit(code) => Ok(Stop::Fault(EngineFault::Exit(code))),
                    WasiResult::Suspend(wait) => {
                        let step = Step::Waiting { stdin: wait.stdin, until: wait.until };
                        rest(self, Pending::Wasi { call, args, wait }, step)
                    }
                }
            }
        }
    }

    fn stopped(&mut self, now: Duration, stop: Stop) -> Step {
        match stop {
            Stop::Finished => {
                self.burst = Burst::default();
                match self.queued.take() {
                    Some((func, call, args)) => {
                        self.enter(func, call, args);
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
            Stop::Fault(fault) => {
                let fault = self.describe(fault);
                self.fail(fault)
            }
        }
    }

    /// The budget of a call, looked at when a slice is over and the call is not.
    fn overrun(&self) -> Option<Fault> {
        if let Some(limit) = self.limits.call_fuel
            && self.burst.fuel > limit
        {
            return Some(Fault::OutOfFuel {
                plugin: self.name.to_string(),
                call: self.call.to_string(),
                used: self.burst.fuel,
                limit,
            });
        }
        let limit = self.limits.call_deadline?;
        (self.burst.time > limit).then(|| Fault::Deadline {
            plugin: self.name.to_string(),
            call: self.call.to_string(),
            ran: self.burst.time,
            limit,
        })
    }

    fn fail(&mut self, fault: Fault) -> Step {
        self.end();
        Step::Failed(fault)
    }

    /// Ends the guest: what runs is given up, nothing can be called any more. Its log, its
    /// output and its memory can still be read.
    pub fn end(&mut self) {
        self.state = State::Ended;
        self.queued = None;
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

    /// Answers the host function that said [`HostReturn::Suspend`](crate::HostReturn::Suspend);
    /// [`Instance::run`] goes on.
    ///
    /// # Errors
    ///
    /// When no host function waits, or the values are not of the types the guest declares.
    pub fn resume(&mut self, values: &[Val]) -> Result<(), CallError> {
        let plugin = || self.name.to_string();
        let Some(Pending::Host { import, values: None, .. }) = self.guest.state().pending else {
            return Err(CallError::NothingSuspended { plugin: plugin() });
        };
        let entry = self.guest.links().entries().get(import);
        if let Some(entry) = entry.filter(|entry| !fits(values, &entry.ty.results)) {
            return Err(CallError::Results {
                plugin: plugin(),
                import: format!("{}.{}", entry.module, entry.name),
                expected: entry.ty.clone(),
            });
        }
        if let Some(Pending::Host { values: slot, .. }) = &mut self.guest.state_mut().pending {
            *slot = Some(values.to_vec());
        }
        Ok(())
    }

    /// Makes a short call that finishes within `fuel` or fails, also while another call is
    /// suspended: `allocate`, `__new`. It may not wait.
    ///
    /// # Errors
    ///
    /// As [`Instance::begin`]; and when the call waits, runs out of fuel or faults, which ends
    /// the guest.
    pub fn call_now(
        &mut self,
        export: &str,
        args: &[Val],
        fuel: u64,
    ) -> Result<Vec<Val>, CallError> {
        if matches!(self.state, State::Ended) {
            return Err(CallError::Ended {
                plugin: self.name.to_string(),
                call: export.to_owned(),
            });
        }
        let func = self.find(export, args)?;
        if let Some(initialize) = self.initialize.take()
            && export != INITIALIZE
        {
            self.nested(&initialize, INITIALIZE, &[], fuel)?;
        }
        self.nested(&func, export, args, fuel)
    }

    fn nested(
        &mut self,
        func: &Func,
        export: &str,
        args: &[Val],
        fuel: u64,
    ) -> Result<Vec<Val>, CallError> {
        let before = self.guest.fuel_used();
        let result = self.guest.nested(func, args, fuel);
        let used = self.guest.fuel_used().saturating_sub(before);
        let now = self.guest.state().platform.monotonic();
        self.purse.spend(now, used);
        let fault = match result {
            Ok(values) => return Ok(values),
            Err(fault) => fault,
        };
        let plugin = self.name.to_string();
        let error = match fault {
            EngineFault::Fuel => {
                CallError::NestedFuel { plugin, export: export.to_owned(), limit: fuel }
            }
            EngineFault::WouldWait => CallError::WouldWait { plugin, export: export.to_owned() },
            fault => {
                let outer = std::mem::replace(&mut self.call, export.into());
                let fault = self.describe(fault);
                self.call = outer;
                CallError::Fault(fault)
            }
        };
        // Whatever it was doing is half done.
        self.end();
        Err(error)
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

    /// Ends the guest's standard input.
    pub fn close_stdin(&mut self) {
        self.guest.state_mut().wasi.close_stdin();
    }

    /// What the guest wrote to standard output since the last take.
    pub fn take_stdout(&mut self) -> Vec<u8> {
        self.guest.state_mut().wasi.take_stdout()
    }

    /// Whole lines that the guest wrote to standard error since the last take.
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
            log_lines_dropped: state.wasi.log_lines_dropped(),
        }
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

/// Makes an error that names everything out of what the engine says.
struct Describe<'a> {
    plugin: &'a str,
    call: &'a str,
    limits: &'a Limits,
    panic: Option<String>,
    import: &'a dyn Fn(usize) -> String,
}

impl Describe<'_> {
    fn fault(self, fault: EngineFault) -> Fault {
        let plugin = self.plugin.to_owned();
        let call = self.call.to_owned();
        let size = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        match fault {
            EngineFault::Trap(reason) => Fault::Trap { plugin, call, reason, panic: self.panic },
            EngineFault::WouldWait => {
                Fault::Trap { plugin, call, reason: "waited where it may not".into(), panic: None }
            }
            EngineFault::Exit(code) => Fault::Exit { plugin, call, code, panic: self.panic },
            EngineFault::Missing(index) => {
                Fault::MissingImport { plugin, call, import: (self.import)(index) }
            }
            EngineFault::Refused(index, reason) => {
                Fault::Host { plugin, call, import: (self.import)(index), reason }
            }
            EngineFault::Memory { wanted } => Fault::Memory {
                plugin,
                call,
                wanted,
                limit: size(self.limits.memory_bytes),
                panic: self.panic,
            },
            EngineFault::Table { wanted } => {
                Fault::Table { plugin, call, wanted, limit: size(self.limits.table_elements) }
            }
            EngineFault::Stack => Fault::Stack {
                plugin,
                call,
                recursion: size(self.limits.recursion),
                stack_bytes: size(self.limits.stack_bytes),
            },
            EngineFault::Invalid(reason) => Fault::Invalid { plugin, call, reason },
            // Calls are resumed when a slice ends; only the start section cannot be.
            EngineFault::Fuel => {
                let limit = self.limits.start_fuel.min(MAX_SLICE_FUEL);
                Fault::StartFuel { plugin, call, limit }
            }
        }
    }
}
