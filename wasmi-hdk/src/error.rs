//! Everything that can go wrong with a guest, as values that name plugin, call, limit and remedy.
//!
//! [`LoadError`]: the module never became an instance. [`Fault`]: a call ended badly and the
//! instance is finished. [`CallError`]: the host asked for something the guest does not offer;
//! the guest is unharmed. [`HostFault`]: a host function refuses the guest's arguments.

use std::time::Duration;

use crate::guest_memory::GuestFault;
use crate::val::FuncType;

/// Why a module was refused.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes do not begin as WebAssembly does.
    #[error("{plugin}: not a WebAssembly module (it begins with {begins:?})")]
    NotWasm {
        /// Who.
        plugin: String,
        /// The first bytes, escaped.
        begins: String,
    },
    /// A component (WASI preview 2), which this host does not run.
    #[error(
        "{plugin}: this is a WebAssembly component; this host runs core modules: build it for the target wasm32-wasip1"
    )]
    Component {
        /// Who.
        plugin: String,
    },
    /// A limit of the module's form is passed.
    #[error("{plugin}: {what} is {value}, the limit is {limit}; {remedy}")]
    TooLarge {
        /// Who.
        plugin: String,
        /// What was counted.
        what: &'static str,
        /// How much there is.
        value: u64,
        /// How much there may be.
        limit: u64,
        /// What helps.
        remedy: &'static str,
    },
    /// Malformed, truncated or ill-typed code, or a feature this host does not have.
    #[error("{plugin}: invalid module at byte {offset:#x}: {reason}")]
    Invalid {
        /// Who.
        plugin: String,
        /// Where in the file.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// The module imports a function of the host with another type than it has.
    #[error("{plugin}: import {import} is declared as {declared}, the host has {expected}")]
    ImportType {
        /// Who.
        plugin: String,
        /// `module.name`.
        import: String,
        /// As the guest declares it.
        declared: FuncType,
        /// As the host has it.
        expected: FuncType,
    },
    /// The module imports a memory, table or global, which the host does not offer.
    #[error(
        "{plugin}: imports the {kind} {import}; the host offers functions only: link the module with a {kind} of its own"
    )]
    ImportKind {
        /// Who.
        plugin: String,
        /// `module.name`.
        import: String,
        /// memory, table or global.
        kind: &'static str,
    },
    /// The module could not be started: a data segment out of range, a start section that traps.
    #[error("{plugin}: cannot be started: {fault}")]
    Start {
        /// Who.
        plugin: String,
        /// What happened.
        fault: Box<Fault>,
    },
    /// The module does not speak JSON-RPC: neither a command nor a reactor with `rpc_poll`.
    #[error(
        "{plugin}: neither exports `_start` (a command) nor `rpc_poll` (a reactor): it cannot be called by JSON-RPC"
    )]
    NoRpcEntry {
        /// Who.
        plugin: String,
    },
    /// The engine failed in a way that is our bug; the plugin is refused and the host goes on.
    #[error("{plugin}: the engine failed while loading: {reason}")]
    Internal {
        /// Who.
        plugin: String,
        /// What it said.
        reason: String,
    },
}

/// How a call ended badly. The instance is finished after it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The guest did what WebAssembly forbids, or said `unreachable` (a panic).
    #[error("{plugin}: call `{call}` trapped: {reason}{}", panic_text(.panic))]
    Trap {
        /// Who.
        plugin: String,
        /// Export that was running.
        call: String,
        /// The trap's name.
        reason: String,
        /// The panic message that the guest wrote to standard error, if it did.
        panic: Option<String>,
    },
    /// The guest ended itself.
    #[error("{plugin}: call `{call}` exited with code {code}{}", panic_text(.panic))]
    Exit {
        /// Who.
        plugin: String,
        /// Export that was running.
        call: String,
        /// What it said; 0 is a wish, not a failure.
        code: i32,
        /// The panic message that the guest wrote to standard error, if it did.
        panic: Option<String>,
    },
    /// More fuel than a call may burn between two rests.
    #[error(
        "{plugin}: call `{call}` used {used} fuel without a rest, the limit `call_fuel` is {limit}; split the work or raise the limit"
    )]
    OutOfFuel {
        /// Who.
        plugin: String,
        /// Export that was running.
        call: String,
        /// Fuel used.
        used: u64,
        /// Fuel allowed.
        limit: u64,
    },
    /// A start section that does not end; it cannot be interrupted, so its budget is small.
    #[error(
        "{plugin}: call `{call}` used {limit} fuel without a rest, the limit `start_fuel` is {limit}; do the work in `_initialize`, which may take longer"
    )]
    StartFuel {
        /// Who.
        plugin: String,
        /// Export that was running.
        call: String,
        /// Fuel allowed.
        limit: u64,
    },
    /// More time than a call may execute between two rests.
    #[error(
        "{plugin}: call `{call}` ran for {ran:?} without a rest, the limit `call_deadline` is {limit:?}; split the work or raise the limit"
    )]
    Deadline {
        /// Who.
        plugin: String,
        /// Export that was running.
        call: String,
        /// How long it ran.
        ran: Duration,
        /// How long it may.
        limit: Duration,
    },
    /// More linear memory than allowed, and the guest gave up for it.
    #[error(
        "{plugin}: call `{call}` asked for {wanted} bytes of memory, the limit `memory_bytes` is {limit}; free memory or raise the limit{}", panic_text(.panic)
    )]
    Memory {
        /// Who.
        plugin: String,
        /// Export that was running.
        call: String,
        /// Size asked for.
        wanted: u64,
        /// Size allowed.
        limit: u64,
        /// The panic message that the guest wrote to standard error, if it did.
        panic: Option<String>,
    },
    /// Larger or more tables than allowed.
    #[error(
        "{plugin}: call `{call}` asked for a table of {wanted} elements, the limit `table_elements` is {limit}; raise the limit"
    )]
    Table {
        /// Who.
        plugin: String,
        /// Export that was running.
        call: String,
        /// Elements asked for.
        wanted: u64,
        /// Elements allowed.
        limit: u64,
    },
    /// Calls inside calls without end, or a value stack that is full.
    #[error(
        "{plugin}: call `{call}` recursed too deep: the limits are `recursion` {recursion} and `stack_bytes` {stack_bytes}"
    )]
    Stack {
        /// Who.
        plugin: String,
        /// Export that was running.
        call: String,
        /// Frames allowed.
        recursion: u64,
        /// Bytes allowed.
        stack_bytes: u64,
    },
    /// The guest called an import that the host does not have.
    #[error("{plugin}: call `{call}` used the missing host function {import}")]
    MissingImport {
        /// Who.
        plugin: String,
        /// Export that was running.
        call: String,
        /// `module.name`.
        import: String,
    },
    /// A host function refused what the guest gave it.
    #[error("{plugin}: call `{call}`: {import}: {reason}")]
    Host {
        /// Who.
        plugin: String,
        /// Export that was running.
        call: String,
        /// `module.name`.
        import: String,
        /// What was wrong.
        reason: String,
    },
    /// Code that is not valid, found when it was first called.
    #[error("{plugin}: call `{call}` reached invalid code: {reason}")]
    Invalid {
        /// Who.
        plugin: String,
        /// Export that was running.
        call: String,
        /// What is wrong.
        reason: String,
    },
}

impl Fault {
    /// The export that was running.
    pub fn call(&self) -> &str {
        match self {
            Fault::Trap { call, .. }
            | Fault::Exit { call, .. }
            | Fault::OutOfFuel { call, .. }
            | Fault::StartFuel { call, .. }
            | Fault::Deadline { call, .. }
            | Fault::Memory { call, .. }
            | Fault::Table { call, .. }
            | Fault::Stack { call, .. }
            | Fault::MissingImport { call, .. }
            | Fault::Host { call, .. }
            | Fault::Invalid { call, .. } => call,
        }
    }
}

fn panic_text(panic: &Option<String>) -> String {
    panic.as_ref().map(|text| format!(": {text}")).unwrap_or_default()
}

/// Why a call could not be made.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The module has no such function.
    #[error("{plugin}: has no exported function `{export}`")]
    NoExport {
        /// Who.
        plugin: String,
        /// What was asked for.
        export: String,
    },
    /// The arguments do not fit the function.
    #[error("{plugin}: `{export}` takes {expected}, not the {given} values given")]
    Arguments {
        /// Who.
        plugin: String,
        /// The function.
        export: String,
        /// Its type.
        expected: FuncType,
        /// How many values were given.
        given: usize,
    },
    /// Another call is not finished yet; an instance makes one at a time.
    #[error("{plugin}: `{export}` cannot begin: `{running}` is not finished")]
    Busy {
        /// Who.
        plugin: String,
        /// What was asked for.
        export: String,
        /// What is running.
        running: String,
    },
    /// The instance ended with a fault; make a new one.
    #[error("{plugin}: `{call}` cannot be called: the instance has ended")]
    Ended {
        /// Who.
        plugin: String,
        /// What was asked for.
        call: String,
    },
    /// Nothing waits for a value from the host.
    #[error("{plugin}: no host call waits for an answer")]
    NothingSuspended {
        /// Who.
        plugin: String,
    },
    /// The values do not fit the suspended host function.
    #[error("{plugin}: {import} gives {expected}: the values given do not fit")]
    Results {
        /// Who.
        plugin: String,
        /// `module.name`.
        import: String,
        /// Its type.
        expected: FuncType,
    },
    /// A short nested call wanted to wait, which it may not.
    #[error("{plugin}: `{export}` waits for the host, but a nested call must finish at once")]
    WouldWait {
        /// Who.
        plugin: String,
        /// The function.
        export: String,
    },
    /// A short nested call used up its fuel.
    #[error("{plugin}: `{export}` did not finish within the {limit} fuel of a nested call")]
    NestedFuel {
        /// Who.
        plugin: String,
        /// The function.
        export: String,
        /// Fuel allowed.
        limit: u64,
    },
    /// The call ended with a fault, and the instance with it.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a host function refuses a call; the guest's call ends with [`Fault::Host`].
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum HostFault {
    /// An address that the guest's memory does not have.
    #[error(transparent)]
    Guest(#[from] GuestFault),
    /// Anything else, as text.
    #[error("{0}")]
    Refused(String),
}
