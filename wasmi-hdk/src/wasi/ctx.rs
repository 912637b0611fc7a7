//! What every call works with: state, memory, world; how it ends; iovecs.
//!
//! Lengths of a guest are bounded here before anything is made from them.

use std::time::Duration;

use super::{Errno, WasiState, WasiWait};
use crate::guest_memory::{GuestFault, GuestMemory};
use crate::platform::Platform;
use crate::val::Val;

/// Most buffers in one read or write (`IOV_MAX` of Linux); more answer `EINVAL`.
pub(super) const MAX_IOVECS: u32 = 1024;
/// Most bytes that one read or write moves; the rest is left for the next call,
/// as POSIX allows. One message of the largest size fits.
pub(super) const MAX_TRANSFER: u32 = 16 << 20;

/// One running call.
pub(super) struct Ctx<'a, 'm> {
    pub(super) state: &'a mut WasiState,
    pub(super) memory: &'a mut GuestMemory<'m>,
    pub(super) platform: &'a dyn Platform,
}

/// Why a call does not answer 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Errno(Errno),
    Suspend(WasiWait),
    Exit(i32),
}

/// How a call ends.
pub(super) type Done = Result<(), Stop>;

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<GuestFault> for Stop {
    fn from(fault: GuestFault) -> Self {
        Self::Errno(fault.into())
    }
}

impl From<std::num::TryFromIntError> for Stop {
    fn from(error: std::num::TryFromIntError) -> Self {
        Self::Errno(error.into())
    }
}

/// One buffer of the guest, known to lie inside its memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Iovec {
    pub(super) addr: u32,
    pub(super) len: u32,
}

/// The buffers of one call, empty ones left out. Nearly always there is one, which takes no
/// allocation.
pub(super) struct Iovecs {
    one: [Iovec; 1],
    many: Vec<Iovec>,
    len: usize,
}

const NONE: [Iovec; 1] = [Iovec { addr: 0, len: 0 }];

impl Iovecs {
    fn push(&mut self, iovec: Iovec) {
        match self.len {
            0 => self.one = [iovec],
            1 => self.many = vec![self.one[0], iovec],
            _ => self.many.push(iovec),
        }
        self.len += 1;
    }
}

impl std::ops::Deref for Iovecs {
    type Target = [Iovec];

    fn deref(&self) -> &[Iovec] {
        match self.len {
            0 => &[],
            1 => &self.one,
            _ => &self.many,
        }
    }
}

impl Ctx<'_, '_> {
    /// Fails with `EFAULT` unless `len` bytes at `addr` can be written. A call
    /// asks before its first effect, so that it fails whole or not at all.
    pub(super) fn room(&mut self, addr: u32, len: u32) -> Result<(), Errno> {
        Ok(self.memory.slice_mut(addr, len).map(drop)?)
    }

    /// Reads the guest's list of buffers and checks every one. Together they
    /// hold at most [`MAX_TRANSFER`] bytes: what is over is cut off.
    pub(super) fn iovecs(&mut self, addr: u32, count: u32) -> Result<Iovecs, Errno> {
        if count > MAX_IOVECS {
            return Err(Errno::Inval);
        }
        self.state.charge(u64::from(count));
        let table = self.memory.read(addr, count * 8)?;
        let mut left = MAX_TRANSFER;
        let mut found = Iovecs { one: NONE, many: Vec::new(), len: 0 };
        let (rows, _) = table.as_chunks::<8>();
        for row in rows {
            let [a0, a1, a2, a3, l0, l1, l2, l3] = *row;
            let addr = u32::from_le_bytes([a0, a1, a2, a3]);
            let len = u32::from_le_bytes([l0, l1, l2, l3]);
            self.memory.read(addr, len)?;
            let len = len.min(left);
            left -= len;
            if len > 0 {
                found.push(Iovec { addr, len });
            }
        }
        Ok(found)
    }

    /// Time for the guest: never goes backwards, whatever the platform says.
    pub(super) fn monotonic(&mut self) -> Duration {
        self.state.monotonic(self.platform.monotonic())
    }

    /// Lets others have their turn before the call goes on.
    pub(super) fn pause(&mut self) -> Stop {
        Stop::Suspend(WasiWait { stdin: false, until: Some(self.platform.monotonic()) })
    }
}

/// Nanoseconds as the guest receives them; saturates in the year 2554.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The arguments of a call, taken one after the other.
pub(super) struct Args<'a>(std::slice::Iter<'a, Val>);

impl<'a> Args<'a> {
    pub(super) fn new(args: &'a [Val]) -> Self {
        Self(args.iter())
    }

    pub(super) fn u32(&mut self) -> u32 {
        self.0.next().and_then(|value| value.u32()).unwrap_or_default()
    }

    pub(super) fn u64(&mut self) -> u64 {
        self.0.next().and_then(|value| value.u64()).unwrap_or_default()
    }
}
