//! `random_get`: bytes from `Platform`, in portions.
//!
//! A guest may ask for as much as its memory holds. More than one portion is
//! filled over several turns, so that nobody else waits for it.

use super::ctx::{Ctx, Done};

/// Bytes per turn.
const PORTION: u32 = 1 << 20;

pub(super) fn random_get(ctx: &mut Ctx<'_, '_>, buf: u32, len: u32) -> Done {
    ctx.room(buf, len)?;
    let key = ("random_get", [u64::from(buf), u64::from(len), 0, 0]);
    let done = u32::try_from(ctx.state.resume(&key).unwrap_or(0)).unwrap_or(0).min(len);
    let portion = (len - done).min(PORTION);
    // Twice the price of copying: these bytes are computed.
    ctx.state.charge(u64::from(portion) * 2);
    ctx.platform.fill_random(ctx.memory.slice_mut(buf + done, portion)?);
    let done = done + portion;
    if done < len {
        ctx.state.suspend(key, u64::from(done));
        return Err(ctx.pause());
    }
    Ok(())
}
