//! `proc_exit`, `proc_raise`, `sched_yield`.

use super::Errno;
use super::ctx::{Ctx, Done, Stop};

/// Ends the guest. The code is kept whole: `exit(-1)` is -1, not 255.
pub(super) fn proc_exit(_: &mut Ctx<'_, '_>, code: u32) -> Done {
    Err(Stop::Exit(code.cast_signed()))
}

/// A signal does to the guest what POSIX does when nobody catches it: it ends
/// the guest with 128 + signal, or is ignored.
pub(super) fn proc_raise(_: &mut Ctx<'_, '_>, signal: u32) -> Done {
    match signal {
        // none, chld, cont, urg, winch
        0 | 16 | 17 | 22 | 27 => Ok(()),
        1..=30 => Err(Stop::Exit(signal.cast_signed() + 128)),
        _ => Err(Errno::Inval.into()),
    }
}

/// Slices of fuel share the processor already, so there is nothing to do.
pub(super) fn sched_yield(_: &mut Ctx<'_, '_>) -> Done {
    Ok(())
}
