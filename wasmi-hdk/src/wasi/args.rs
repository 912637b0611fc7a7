//! `args_get`, `args_sizes_get`; and the form of a string list that `environ` shares.

use super::Errno;
use super::ctx::{Ctx, Done};

pub(super) fn args_get(ctx: &mut Ctx<'_, '_>, argv: u32, buf: u32) -> Done {
    let list = std::mem::take(&mut ctx.state.args);
    let written = write_list(ctx, &list, argv, buf);
    ctx.state.args = list;
    Ok(written?)
}

pub(super) fn args_sizes_get(ctx: &mut Ctx<'_, '_>, count: u32, size: u32) -> Done {
    let (len, bytes) = sizes(&ctx.state.args)?;
    ctx.room(size, 4)?;
    ctx.memory.store_u32(count, len)?;
    Ok(ctx.memory.store_u32(size, bytes)?)
}

/// Number of strings, and bytes of all with their NULs.
pub(super) fn sizes(list: &[Vec<u8>]) -> Result<(u32, u32), Errno> {
    let bytes: usize = list.iter().map(|text| text.len() + 1).sum();
    Ok((u32::try_from(list.len())?, u32::try_from(bytes)?))
}

/// Writes the strings one behind the other to `buf` and their addresses to `pointers`.
pub(super) fn write_list(
    ctx: &mut Ctx<'_, '_>,
    list: &[Vec<u8>],
    pointers: u32,
    buf: u32,
) -> Result<(), Errno> {
    let (count, bytes) = sizes(list)?;
    ctx.room(pointers, count.checked_mul(4).ok_or(Errno::Overflow)?)?;
    ctx.room(buf, bytes)?;
    ctx.state.charge(u64::from(bytes));
    let (mut pointer, mut at) = (pointers, buf);
    for text in list {
        ctx.memory.store_u32(pointer, at)?;
        ctx.memory.write(at, text)?;
        let end = at.checked_add(u32::try_from(text.len())?).ok_or(Errno::Overflow)?;
        ctx.memory.store_u8(end, 0)?;
        at = end.saturating_add(1);
        pointer = pointer.saturating_add(4);
    }
    Ok(())
}
