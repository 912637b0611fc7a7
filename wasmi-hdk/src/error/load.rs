//! Why did a module not become an instance?

use super::Fault;
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
    #[error("{plugin}: {what} is {value}, the limit is {limit}; {}", what.remedy())]
    TooLarge {
        /// Who.
        plugin: String,
        /// What was counted.
        what: ModuleLimit,
        /// How much there is.
        value: u64,
        /// How much there may be.
        limit: u64,
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
        "{plugin}: imports the {kind} {import}; the host offers functions and a memory: link the module with a {kind} of its own"
    )]
    ImportKind {
        /// Who.
        plugin: String,
        /// `module.name`.
        import: String,
        /// memory, table or global.
        kind: &'static str,
    },
    /// The module could not be started: a data segment out of range.
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

/// What of a module's form has a limit ([`Limits`](crate::Limits)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleLimit {
    /// `module_bytes`
    #[error("the size of the module")]
    Size,
    /// `custom_section_bytes`
    #[error("the size of custom sections")]
    CustomSections,
    /// `functions`
    #[error("the number of functions")]
    Functions,
    /// `module_imports`
    #[error("the number of imports")]
    Imports,
    /// `module_exports`
    #[error("the number of exports")]
    Exports,
    /// `data_segments`
    #[error("the number of data segments")]
    DataSegments,
    /// `memory_bytes`
    #[error("the memory asked for at start")]
    Memory,
    /// `table_elements`
    #[error("the elements of a table at start")]
    Table,
}

impl ModuleLimit {
    /// What the author of the module can do.
    fn remedy(self) -> &'static str {
        match self {
            ModuleLimit::Size => "build it for size, or strip it",
            ModuleLimit::CustomSections => "strip the module of names and debug information",
            ModuleLimit::Functions => "build it for size, or as several plugins",
            ModuleLimit::Imports => "import only what is called",
            ModuleLimit::Exports => "export only what the host calls",
            ModuleLimit::DataSegments => "let the linker merge them",
            ModuleLimit::Memory => "ask for less memory at start",
            ModuleLimit::Table => "use fewer function references",
        }
    }
}
