//! The answer of calls that this host does not have: `ENOSYS`, when called.
//!
//! A module that merely imports such a call must load (R24). The engine links
//! this function under the name and type that the module declares.

use super::{Errno, WasiResult, WasiState};
use crate::guest_memory::GuestMemory;
use crate::platform::Platform;
use crate::val::Val;

/// A WASI function nobody knows, or of a shape this host does not offer.
pub fn unsupported(
    _: &mut WasiState,
    _: &mut GuestMemory<'_>,
    _: &dyn Platform,
    _: &[Val],
) -> WasiResult {
    WasiResult::Errno(Errno::Nosys)
}
