//! `clock_res_get`, `clock_time_get`: both clocks come from `Platform`.

use super::Errno;
use super::ctx::{Ctx, Done, nanos};

/// `clockid`: wall clock.
pub(super) const REALTIME: u32 = 0;
/// Last `clockid`. 1 is monotonic; 2 and 3, processor time of process and
/// thread, answer the monotonic clock as plugin-abi.md 4.11 allows.
const LAST: u32 = 3;
/// Claimed resolution of every clock.
const RESOLUTION_NS: u64 = 1_000;

/// The time of a clock, or `EINVAL` for a clock that does not exist.
pub(super) fn time(ctx: &mut Ctx<'_, '_>, id: u32) -> Result<u64, Errno> {
    match id {
        REALTIME => Ok(nanos(ctx.platform.wall_clock())),
        _ if id <= LAST => Ok(nanos(ctx.monotonic())),
        _ => Err(Errno::Inval),
    }
}

pub(super) fn clock_res_get(ctx: &mut Ctx<'_, '_>, id: u32, out: u32) -> Done {
    if id > LAST {
        return Err(Errno::Inval.into());
    }
    Ok(ctx.memory.store_u64(out, RESOLUTION_NS)?)
}

/// The precision is a wish; the answer is always as exact as the platform's clock.
pub(super) fn clock_time_get(ctx: &mut Ctx<'_, '_>, id: u32, _precision: u64, out: u32) -> Done {
    let now = time(ctx, id)?;
    Ok(ctx.memory.store_u64(out, now)?)
}
