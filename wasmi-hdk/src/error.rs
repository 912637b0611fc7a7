//! Everything that can go wrong with a guest, as values that name plugin, call, limit and remedy.
//!
//! [`LoadError`]: the module never became an instance. [`Fault`]: a call ended badly and the
//! instance is finished. [`CallError`]: the host asked for something the guest does not offer;
//! the guest is unharmed. [`HostFault`]: a host function refuses the guest's arguments.

mod call;
mod fault;
mod load;

pub use self::call::CallError;
pub use self::fault::Fault;
pub use self::load::{LoadError, ModuleLimit};
use crate::guest_memory::GuestFault;

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
    /// The guest ends its call with this text, which is its own: `abort: <message>`. The call
    /// ends with [`Fault::Trap`].
    #[error("{0}")]
    Trap(String),
    /// The guest ends itself, as by `proc_exit`.
    #[error("exits with code {0}")]
    Exit(i32),
}
