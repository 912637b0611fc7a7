//! `environ_get`, `environ_sizes_get`: the environment as `NAME=value` strings.

use super::args::{sizes, write_list};
use super::ctx::{Ctx, Done};

pub(super) fn environ_get(ctx: &mut Ctx<'_, '_>, environ: u32, buf: u32) -> Done {
    let list = std::mem::take(&mut ctx.state.env);
    let written = write_list(ctx, &list, environ, buf);
    ctx.state.env = list;
    Ok(written?)
}

pub(super) fn environ_sizes_get(ctx: &mut Ctx<'_, '_>, count: u32, size: u32) -> Done {
    let (len, bytes) = sizes(&ctx.state.env)?;
    ctx.room(size, 4)?;
    ctx.memory.store_u32(count, len)?;
    Ok(ctx.memory.store_u32(size, bytes)?)
}
