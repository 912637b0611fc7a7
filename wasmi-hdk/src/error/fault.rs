//! How did a call end badly? The instance is finished after it.

use std::time::Duration;

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
        "{plugin}: call `{call}` used {used} fuel without a rest, the limit is {limit}; split the work into shorter calls"
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
    /// More time than a call may execute between two rests.
    #[error(
        "{plugin}: call `{call}` took {ran:?} without waiting for the host, the limit is {limit:?}; split the work into shorter calls"
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
        "{plugin}: call `{call}` asked for {wanted} bytes of memory, the limit is {limit}; keep less in memory{}", panic_text(.panic)
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
        "{plugin}: call `{call}` asked for a table of {wanted} elements, the limit is {limit}; use fewer function references"
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
        "{plugin}: call `{call}` recursed too deep: the limits are {recursion} calls inside each other and {stack_bytes} bytes of stack; recurse less deep"
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
    /// The guest does not read what the host sends it.
    #[error(
        "{plugin}: {waiting} bytes wait unread on its standard input, the limit is {limit}; read each message before the next is asked for"
    )]
    Unread {
        /// Who.
        plugin: String,
        /// Export that was running.
        call: String,
        /// Bytes that wait.
        waiting: u64,
        /// Bytes that may.
        limit: u64,
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
            | Fault::Deadline { call, .. }
            | Fault::Memory { call, .. }
            | Fault::Table { call, .. }
            | Fault::Stack { call, .. }
            | Fault::MissingImport { call, .. }
            | Fault::Host { call, .. }
            | Fault::Unread { call, .. }
            | Fault::Invalid { call, .. } => call,
        }
    }
}

fn panic_text(panic: &Option<String>) -> String {
    panic.as_ref().map(|text| format!(": {text}")).unwrap_or_default()
}
