//! The `path_*` calls: each checks the path, then asks the `Fs`.

use super::Errno;
use super::ctx::{Ctx, Done};
use super::descriptors::{Descriptor, Kind, flags, rights};
use super::fd_stat::{set_times, write_filestat};
use crate::guest_memory::GuestMemory;
use crate::vfs::{FileType, Handle, MAX_PATH, OpenHow, VfsPath};

/// Fuel of every path call: a disk takes about 10 µs for one.
const PATH_FUEL: u64 = 5_000;
/// `lookupflags`: follow a symbolic link in the last step.
const FOLLOW: u32 = 1;

#[expect(clippy::too_many_arguments, reason = "the specification's own arguments")]
pub(super) fn path_open(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    lookup: u32,
    path: u32,
    len: u32,
    oflags: u32,
    base: u64,
    inheriting: u64,
    fdflags: u32,
    out: u32,
) -> Done {
    let _ = inheriting; // A folder passes on what it was given itself.
    let (dir, parent) = ctx.state.fds.folder(fd)?;
    let mask = parent.inheriting;
    let base = base & mask;
    ctx.room(out, 4)?;
    let number = ctx.state.fds.free()?;
    let fdflags =
        u16::try_from(fdflags).ok().filter(|new| new & !flags::ALL == 0).ok_or(Errno::Inval)?;
    let how = OpenHow {
        read: base & rights::FD_READ != 0,
        write: base & rights::FD_WRITE != 0,
        create: oflags & 1 != 0,
        directory: oflags & 2 != 0,
        exclusive: oflags & 4 != 0,
        truncate: oflags & 8 != 0,
        follow: lookup & FOLLOW != 0,
    };
    if oflags > 15 || (how.directory && (how.create || how.exclusive || how.truncate)) {
        return Err(Errno::Inval.into());
    }
    // Who opens a folder as such gets the folder, whatever rights are asked for.
    let how = OpenHow { write: how.write && !how.directory, ..how };
    ctx.state.charge_fuel(PATH_FUEL);
    ctx.fs()?;
    let path = checked(ctx.memory, path, len)?;
    let fs = ctx.state.fs.as_deref_mut().ok_or(Errno::Badf)?;
    let (handle, file_type) = fs.open(dir, path, how)?;
    let descriptor = match file_type {
        FileType::Directory => Descriptor {
            kind: Kind::Folder { handle, preopen: None, listing: None },
            base: rights::FOLDER & mask,
            inheriting: mask,
            flags: 0,
        },
        _ => Descriptor {
            kind: Kind::File { handle, offset: 0 },
            base: base & rights::FILE,
            inheriting: 0,
            flags: fdflags,
        },
    };
    ctx.state.fds.insert(number, descriptor);
    Ok(ctx.memory.store_u32(out, number)?)
}

pub(super) fn path_create_directory(ctx: &mut Ctx<'_, '_>, fd: u32, path: u32, len: u32) -> Done {
    with_path(ctx, fd, path, len, |fs, dir, path| fs.create_dir(dir, path))
}

pub(super) fn path_remove_directory(ctx: &mut Ctx<'_, '_>, fd: u32, path: u32, len: u32) -> Done {
    with_path(ctx, fd, path, len, |fs, dir, path| fs.remove_dir(dir, path))
}

pub(super) fn path_unlink_file(ctx: &mut Ctx<'_, '_>, fd: u32, path: u32, len: u32) -> Done {
    with_path(ctx, fd, path, len, |fs, dir, path| fs.unlink(dir, path))
}

pub(super) fn path_filestat_get(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    lookup: u32,
    path: u32,
    len: u32,
    out: u32,
) -> Done {
    let follow = lookup & FOLLOW != 0;
    let stat = with_path(ctx, fd, path, len, |fs, dir, path| fs.stat_path(dir, path, follow))?;
    write_filestat(ctx, out, &stat)
}

#[expect(clippy::too_many_arguments, reason = "the specification's own arguments")]
pub(super) fn path_filestat_set_times(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    lookup: u32,
    path: u32,
    len: u32,
    atim: u64,
    mtim: u64,
    fstflags: u32,
) -> Done {
    let times = set_times(ctx, atim, mtim, fstflags)?;
    let follow = lookup & FOLLOW != 0;
    with_path(ctx, fd, path, len, |fs, dir, path| fs.set_times_path(dir, path, follow, times))
}

#[expect(clippy::too_many_arguments, reason = "the specification's own arguments")]
pub(super) fn path_link(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    lookup: u32,
    path: u32,
    len: u32,
    new_fd: u32,
    new_path: u32,
    new_len: u32,
) -> Done {
    // POSIX linkat would link to what a symbolic link names; nobody needs it.
    if lookup & FOLLOW != 0 {
        return Err(Errno::Inval.into());
    }
    let (to, _) = ctx.state.fds.folder(new_fd)?;
    let new = checked(ctx.memory, new_path, new_len)?.as_str().to_owned();
    with_path(ctx, fd, path, len, |fs, dir, path| fs.link((dir, path), (to, VfsPath::new(&new)?)))
}

pub(super) fn path_rename(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    path: u32,
    len: u32,
    new_fd: u32,
    new_path: u32,
    new_len: u32,
) -> Done {
    let (to, _) = ctx.state.fds.folder(new_fd)?;
    let new = checked(ctx.memory, new_path, new_len)?.as_str().to_owned();
    with_path(ctx, fd, path, len, |fs, dir, path| fs.rename((dir, path), (to, VfsPath::new(&new)?)))
}

pub(super) fn path_symlink(
    ctx: &mut Ctx<'_, '_>,
    target: u32,
    target_len: u32,
    fd: u32,
    path: u32,
    len: u32,
) -> Done {
    if usize::try_from(target_len)? > MAX_PATH {
        return Err(Errno::Nametoolong.into());
    }
    let target = ctx.memory.read(target, target_len)?;
    let target = std::str::from_utf8(target).map_err(|_| Errno::Ilseq)?.to_owned();
    with_path(ctx, fd, path, len, |fs, dir, path| fs.symlink(&target, dir, path))
}

/// Writes as much of the link's target as fits.
pub(super) fn path_readlink(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    path: u32,
    len: u32,
    buf: u32,
    buf_len: u32,
    used: u32,
) -> Done {
    ctx.room(buf, buf_len)?;
    ctx.room(used, 4)?;
    let target = with_path(ctx, fd, path, len, |fs, dir, path| fs.read_link(dir, path))?;
    let room = usize::try_from(buf_len)?.min(target.len());
    let bytes = target.as_bytes().get(..room).unwrap_or_default();
    ctx.memory.write(buf, bytes)?;
    Ok(ctx.memory.store_u32(used, u32::try_from(bytes.len())?)?)
}

fn checked<'g>(memory: &'g GuestMemory<'_>, path: u32, len: u32) -> Result<VfsPath<'g>, Errno> {
    VfsPath::from_guest(memory.read(path, len)?)
}

fn with_path<T>(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    path: u32,
    len: u32,
    run: impl FnOnce(&mut dyn crate::vfs::Fs, Handle, VfsPath<'_>) -> Result<T, Errno>,
) -> Result<T, super::ctx::Stop> {
    let (dir, _) = ctx.state.fds.folder(fd)?;
    ctx.state.charge_fuel(PATH_FUEL);
    ctx.fs()?;
    let path = checked(ctx.memory, path, len)?;
    let fs = ctx.state.fs.as_deref_mut().ok_or(Errno::Badf)?;
    Ok(run(fs, dir, path)?)
}
