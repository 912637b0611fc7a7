//! What a descriptor is: fdstat, filestat, prestat, renumber, close.
//!
//! The structures are laid out here, byte by byte, as the specification's witx says.

use std::time::Duration;

use super::Errno;
use super::ctx::{Ctx, Done, nanos};
use super::descriptors::{Kind, flags};
use crate::vfs::{FileStat, FileType, Handle, SetTimes};

pub(super) fn fd_close(ctx: &mut Ctx<'_, '_>, fd: u32) -> Done {
    let descriptor = ctx.state.fds.remove(fd)?;
    give_back(ctx, &descriptor.kind)
}

/// `fdstat`: type u8 at 0, flags u16 at 2, rights u64 at 8, inherited rights u64 at 16.
pub(super) fn fd_fdstat_get(ctx: &mut Ctx<'_, '_>, fd: u32, out: u32) -> Done {
    let descriptor = ctx.state.fds.get(fd)?;
    let mut stat = [0; 24];
    put(&mut stat, 0, &[file_type(&descriptor.kind).raw()]);
    put(&mut stat, 2, &descriptor.flags.to_le_bytes());
    put(&mut stat, 8, &descriptor.base.to_le_bytes());
    put(&mut stat, 16, &descriptor.inheriting.to_le_bytes());
    Ok(ctx.memory.write(out, &stat)?)
}

/// Non-blocking reads, appending and synchronous writes can be switched at any time.
pub(super) fn fd_fdstat_set_flags(ctx: &mut Ctx<'_, '_>, fd: u32, new: u32) -> Done {
    let descriptor = ctx.state.fds.get_mut(fd)?;
    let new = u16::try_from(new).ok().filter(|new| new & !flags::ALL == 0).ok_or(Errno::Inval)?;
    descriptor.flags = new;
    Ok(())
}

/// Rights can be given up, never gained.
pub(super) fn fd_fdstat_set_rights(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    base: u64,
    inheriting: u64,
) -> Done {
    let descriptor = ctx.state.fds.get_mut(fd)?;
    if base & !descriptor.base != 0 || inheriting & !descriptor.inheriting != 0 {
        return Err(Errno::Notcapable.into());
    }
    descriptor.base = base;
    descriptor.inheriting = inheriting;
    Ok(())
}

pub(super) fn fd_filestat_get(ctx: &mut Ctx<'_, '_>, fd: u32, out: u32) -> Done {
    let stat = match ctx.state.fds.get(fd)?.kind {
        Kind::File { handle, .. } | Kind::Folder { handle, .. } => ctx.fs()?.stat(handle)?,
        _ => FileStat {
            inode: 0,
            file_type: FileType::CharacterDevice,
            links: 1,
            size: 0,
            accessed: Duration::ZERO,
            modified: Duration::ZERO,
            changed: Duration::ZERO,
        },
    };
    write_filestat(ctx, out, &stat)
}

pub(super) fn fd_filestat_set_times(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    atim: u64,
    mtim: u64,
    fstflags: u32,
) -> Done {
    let handle = handle(&ctx.state.fds.get(fd)?.kind).ok_or(Errno::Badf)?;
    let times = set_times(ctx, atim, mtim, fstflags)?;
    Ok(ctx.fs()?.set_times(handle, times)?)
}

/// `prestat`: tag u8 at 0 (0 is a folder), length of its name u32 at 4.
pub(super) fn fd_prestat_get(ctx: &mut Ctx<'_, '_>, fd: u32, out: u32) -> Done {
    let name = preopen(ctx, fd)?;
    let mut stat = [0; 8];
    put(&mut stat, 4, &u32::try_from(name.len())?.to_le_bytes());
    Ok(ctx.memory.write(out, &stat)?)
}

pub(super) fn fd_prestat_dir_name(ctx: &mut Ctx<'_, '_>, fd: u32, buf: u32, len: u32) -> Done {
    let name = preopen(ctx, fd)?;
    if u32::try_from(name.len())? > len {
        return Err(Errno::Nametoolong.into());
    }
    // The whole buffer must exist, also where the name needs less.
    ctx.memory.read(buf, len)?;
    Ok(ctx.memory.write(buf, name.as_bytes())?)
}

/// Moves a descriptor onto another number, which is closed by it.
pub(super) fn fd_renumber(ctx: &mut Ctx<'_, '_>, from: u32, to: u32) -> Done {
    ctx.state.fds.get(from)?;
    ctx.state.fds.get(to)?;
    if from == to {
        return Ok(());
    }
    let moved = ctx.state.fds.remove(from)?;
    let closed = ctx.state.fds.remove(to)?;
    ctx.state.fds.insert(to, moved);
    give_back(ctx, &closed.kind)
}

/// `filestat`: device, inode, type, links, size, atim, mtim, ctim: 64 bytes.
pub(super) fn write_filestat(ctx: &mut Ctx<'_, '_>, out: u32, stat: &FileStat) -> Done {
    let mut bytes = [0; 64];
    put(&mut bytes, 8, &stat.inode.to_le_bytes());
    put(&mut bytes, 16, &[stat.file_type.raw()]);
    put(&mut bytes, 24, &stat.links.to_le_bytes());
    put(&mut bytes, 32, &stat.size.to_le_bytes());
    put(&mut bytes, 40, &nanos(stat.accessed).to_le_bytes());
    put(&mut bytes, 48, &nanos(stat.modified).to_le_bytes());
    put(&mut bytes, 56, &nanos(stat.changed).to_le_bytes());
    Ok(ctx.memory.write(out, &bytes)?)
}

/// The times that `fstflags` selects: 1 atim, 2 atim now, 4 mtim, 8 mtim now.
pub(super) fn set_times(
    ctx: &Ctx<'_, '_>,
    atim: u64,
    mtim: u64,
    fstflags: u32,
) -> Result<SetTimes, Errno> {
    let now = ctx.platform.wall_clock();
    let time = |given: u64, flags: u32| match flags {
        0 => Ok(None),
        1 => Ok(Some(Duration::from_nanos(given))),
        2 => Ok(Some(now)),
        _ => Err(Errno::Inval),
    };
    if fstflags > 15 {
        return Err(Errno::Inval);
    }
    Ok(SetTimes { accessed: time(atim, fstflags & 3)?, modified: time(mtim, fstflags >> 2)? })
}

pub(super) fn file_type(kind: &Kind) -> FileType {
    match kind {
        Kind::File { .. } => FileType::RegularFile,
        Kind::Folder { .. } => FileType::Directory,
        _ => FileType::CharacterDevice,
    }
}

/// Lays bytes into a structure; what would stand outside is left out.
pub(super) fn put(structure: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = structure.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

fn preopen(ctx: &Ctx<'_, '_>, fd: u32) -> Result<&'static str, Errno> {
    match ctx.state.fds.get(fd)?.kind {
        Kind::Folder { preopen: Some(name), .. } => Ok(name),
        // wasi-libc asks 3, 4, 5 ... until it is told EBADF.
        _ => Err(Errno::Badf),
    }
}

fn handle(kind: &Kind) -> Option<Handle> {
    match kind {
        Kind::File { handle, .. } | Kind::Folder { handle, .. } => Some(*handle),
        _ => None,
    }
}

fn give_back(ctx: &mut Ctx<'_, '_>, kind: &Kind) -> Done {
    if let Some(handle) = handle(kind) {
        ctx.fs()?.close(handle);
    }
    Ok(())
}
