//! Content behind a descriptor: read, write, seek, size, sync. What a standard
//! stream does with bytes is in `stdio.rs`.

use super::Errno;
use super::ctx::{Ctx, Done, Iovec};
use super::descriptors::{Kind, flags, rights};
use super::stdio::{read_stdin, write_stderr, write_stdout};
use crate::guest_memory::GuestMemory;
use crate::vfs::{Fs, Handle};

/// Fuel of a call that makes a file durable: a disk takes milliseconds for it.
const SYNC_FUEL: u64 = 20_000;

pub(super) fn fd_read(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    nread: u32,
) -> Done {
    let descriptor = ctx.state.fds.get_mut(fd)?;
    if matches!(descriptor.kind, Kind::Folder { .. }) {
        return Err(Errno::Isdir.into());
    }
    descriptor.may(rights::FD_READ)?;
    let nonblocking = descriptor.flags & flags::NONBLOCK != 0;
    let file = descriptor.file().ok().map(|(handle, offset)| (handle, *offset));
    let iovecs = ctx.iovecs(iovs, iovs_len)?;
    ctx.room(nread, 4)?;
    let count = match file {
        Some((handle, offset)) => {
            let count = read_file(ctx, handle, offset, &iovecs)?;
            advance(ctx, fd, offset, count)?;
            count
        }
        None => read_stdin(ctx, &iovecs, nonblocking)?,
    };
    ctx.state.charge(u64::from(count));
    Ok(ctx.memory.store_u32(nread, count)?)
}

pub(super) fn fd_pread(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    offset: u64,
    nread: u32,
) -> Done {
    let descriptor = ctx.state.fds.get_mut(fd)?;
    let (handle, _) = descriptor.file()?;
    descriptor.may(rights::FD_READ)?;
    let iovecs = ctx.iovecs(iovs, iovs_len)?;
    ctx.room(nread, 4)?;
    let count = read_file(ctx, handle, offset, &iovecs)?;
    ctx.state.charge(u64::from(count));
    Ok(ctx.memory.store_u32(nread, count)?)
}

pub(super) fn fd_write(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    nwritten: u32,
) -> Done {
    let descriptor = ctx.state.fds.get_mut(fd)?;
    descriptor.may(rights::FD_WRITE)?;
    let fd_flags = descriptor.flags;
    let to_stdout = matches!(descriptor.kind, Kind::Stdout);
    let file = descriptor.file().ok().map(|(handle, offset)| (handle, *offset));
    let iovecs = ctx.iovecs(iovs, iovs_len)?;
    ctx.room(nwritten, 4)?;
    let count = match file {
        Some((handle, offset)) => {
            let offset =
                if fd_flags & flags::APPEND == 0 { offset } else { ctx.fs()?.stat(handle)?.size };
            let count = write_file(ctx, handle, offset, &iovecs)?;
            advance(ctx, fd, offset, count)?;
            sync_if_asked(ctx, handle, fd_flags)?;
            count
        }
        None if to_stdout => write_stdout(ctx, &iovecs, fd_flags & flags::NONBLOCK != 0)?,
        None => write_stderr(ctx, &iovecs)?,
    };
    ctx.state.charge(u64::from(count));
    Ok(ctx.memory.store_u32(nwritten, count)?)
}

/// Writes at the offset, also to a file opened for appending: the offset is what
/// the guest asked for.
pub(super) fn fd_pwrite(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    offset: u64,
    nwritten: u32,
) -> Done {
    let descriptor = ctx.state.fds.get_mut(fd)?;
    let (handle, _) = descriptor.file()?;
    descriptor.may(rights::FD_WRITE)?;
    let fd_flags = descriptor.flags;
    let iovecs = ctx.iovecs(iovs, iovs_len)?;
    ctx.room(nwritten, 4)?;
    let count = write_file(ctx, handle, offset, &iovecs)?;
    sync_if_asked(ctx, handle, fd_flags)?;
    ctx.state.charge(u64::from(count));
    Ok(ctx.memory.store_u32(nwritten, count)?)
}

pub(super) fn fd_seek(ctx: &mut Ctx<'_, '_>, fd: u32, delta: u64, whence: u32, out: u32) -> Done {
    let (handle, offset) = ctx.state.fds.get_mut(fd)?.file()?;
    let from = match whence {
        0 => 0,
        1 => *offset,
        2 => ctx.fs()?.stat(handle)?.size,
        _ => return Err(Errno::Inval.into()),
    };
    let to = from.checked_add_signed(delta.cast_signed()).ok_or(Errno::Inval)?;
    if i64::try_from(to).is_err() {
        return Err(Errno::Overflow.into());
    }
    ctx.memory.store_u64(out, to)?;
    *ctx.state.fds.get_mut(fd)?.file()?.1 = to;
    Ok(())
}

pub(super) fn fd_tell(ctx: &mut Ctx<'_, '_>, fd: u32, out: u32) -> Done {
    let offset = *ctx.state.fds.get_mut(fd)?.file()?.1;
    Ok(ctx.memory.store_u64(out, offset)?)
}

/// Advice is checked and forgotten.
pub(super) fn fd_advise(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    offset: u64,
    len: u64,
    advice: u32,
) -> Done {
    ctx.state.fds.get_mut(fd)?.file()?;
    if advice > 5 || offset.checked_add(len).is_none() {
        return Err(Errno::Inval.into());
    }
    Ok(())
}

/// Lengthens the file so that it has the range; never shortens it.
pub(super) fn fd_allocate(ctx: &mut Ctx<'_, '_>, fd: u32, offset: u64, len: u64) -> Done {
    let descriptor = ctx.state.fds.get_mut(fd)?;
    let (handle, _) = descriptor.file()?;
    descriptor.may(rights::FD_WRITE)?;
    if len == 0 {
        return Err(Errno::Inval.into());
    }
    let end = offset.checked_add(len).ok_or(Errno::Fbig)?;
    let old = ctx.fs()?.stat(handle)?.size;
    if end > old {
        ctx.fs()?.set_size(handle, end)?;
        ctx.state.charge(end - old);
    }
    Ok(())
}

pub(super) fn fd_filestat_set_size(ctx: &mut Ctx<'_, '_>, fd: u32, size: u64) -> Done {
    let descriptor = ctx.state.fds.get_mut(fd)?;
    let (handle, _) = descriptor.file()?;
    // POSIX ftruncate: a file that is open, but not for writing, is EINVAL.
    descriptor.may(rights::FD_WRITE).map_err(|_| Errno::Inval)?;
    let old = ctx.fs()?.stat(handle)?.size;
    ctx.fs()?.set_size(handle, size)?;
    ctx.state.charge(size.saturating_sub(old));
    Ok(())
}

pub(super) fn fd_datasync(ctx: &mut Ctx<'_, '_>, fd: u32) -> Done {
    sync(ctx, fd, true)
}

pub(super) fn fd_sync(ctx: &mut Ctx<'_, '_>, fd: u32) -> Done {
    sync(ctx, fd, false)
}

fn sync(ctx: &mut Ctx<'_, '_>, fd: u32, data_only: bool) -> Done {
    let handle = match ctx.state.fds.get(fd)?.kind {
        Kind::File { handle, .. } | Kind::Folder { handle, .. } => handle,
        // POSIX fsync: a stream cannot be synchronised.
        _ => return Err(Errno::Inval.into()),
    };
    ctx.state.charge_fuel(SYNC_FUEL);
    Ok(ctx.fs()?.sync(handle, data_only)?)
}

fn sync_if_asked(ctx: &mut Ctx<'_, '_>, handle: Handle, fd_flags: u16) -> Result<(), Errno> {
    if fd_flags & flags::SYNC == 0 {
        return Ok(());
    }
    ctx.state.charge_fuel(SYNC_FUEL);
    ctx.fs()?.sync(handle, false)
}

fn advance(ctx: &mut Ctx<'_, '_>, fd: u32, offset: u64, count: u32) -> Result<(), Errno> {
    *ctx.state.fds.get_mut(fd)?.file()?.1 = offset.saturating_add(u64::from(count));
    Ok(())
}

fn read_file(
    ctx: &mut Ctx<'_, '_>,
    handle: Handle,
    offset: u64,
    iovecs: &[Iovec],
) -> Result<u32, Errno> {
    transfer(ctx, offset, Errno::Inval, iovecs, |fs, memory, at, iovec| {
        fs.read_at(handle, at, memory.slice_mut(iovec.addr, iovec.len)?)
    })
}

fn write_file(
    ctx: &mut Ctx<'_, '_>,
    handle: Handle,
    offset: u64,
    iovecs: &[Iovec],
) -> Result<u32, Errno> {
    transfer(ctx, offset, Errno::Fbig, iovecs, |fs, memory, at, iovec| {
        fs.write_at(handle, at, memory.read(iovec.addr, iovec.len)?)
    })
}

/// Moves one buffer after the other, until one is not moved whole. `beyond`: no file is as
/// long as the offset wants.
fn transfer(
    ctx: &mut Ctx<'_, '_>,
    offset: u64,
    beyond: Errno,
    iovecs: &[Iovec],
    mut step: impl FnMut(&mut dyn Fs, &mut GuestMemory<'_>, u64, Iovec) -> Result<usize, Errno>,
) -> Result<u32, Errno> {
    ctx.fs()?;
    let fs = ctx.state.fs.as_deref_mut().ok_or(Errno::Badf)?;
    let mut total = 0_u32;
    for iovec in iovecs {
        let at = offset.checked_add(u64::from(total)).ok_or(beyond)?;
        match step(fs, ctx.memory, at, *iovec) {
            Ok(count) => {
                let count = u32::try_from(count)?.min(iovec.len);
                total += count;
                if count < iovec.len {
                    break;
                }
            }
            // What was moved before the error counts; the next call meets it again.
            Err(_) if total > 0 => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(total)
}
