//! Why could a call not be made? The guest is unharmed, unless a fault says otherwise.

use super::Fault;
use crate::val::FuncType;

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
