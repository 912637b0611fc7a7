//! `fd_readdir`: the entries of a folder, with cookies.

use super::Errno;
use super::ctx::{Ctx, Done};
use super::descriptors::Kind;
use super::fd_stat::put;
use crate::vfs::{DirEntry, FileType, Handle};

/// Fuel for one entry of a listing that is made anew.
const ENTRY_FUEL: u64 = 50;
/// `dirent`: next cookie u64 at 0, inode u64 at 8, length of the name u32 at 16, type u8 at 20.
const HEAD: usize = 24;

/// Fills the buffer with entries from `cookie` on; the last may be cut off, which
/// tells the guest to ask again with more room. Cookie n means: after n entries.
///
/// The folder is read when cookie 0 is asked for; later cookies go on in that
/// list, so that a guest which removes what it lists (`remove_dir_all`) misses nothing.
pub(super) fn fd_readdir(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    buf: u32,
    len: u32,
    cookie: u64,
    used: u32,
) -> Done {
    ctx.room(buf, len)?;
    ctx.room(used, 4)?;
    let Kind::Folder { handle, listing, .. } = &mut ctx.state.fds.get_mut(fd)?.kind else {
        return Err(Errno::Notdir.into());
    };
    let handle = *handle;
    let entries = match listing.take().filter(|_| cookie > 0) {
        Some(entries) => entries,
        None => read(ctx, handle)?,
    };
    let room = usize::try_from(len)?;
    let mut bytes = Vec::with_capacity(room.min(4096));
    let from = usize::try_from(cookie).unwrap_or(usize::MAX);
    for (index, entry) in entries.iter().enumerate().skip(from) {
        let mut head = [0; HEAD];
        put(&mut head, 0, &u64::try_from(index + 1)?.to_le_bytes());
        put(&mut head, 8, &entry.inode.to_le_bytes());
        put(&mut head, 16, &u32::try_from(entry.name.len())?.to_le_bytes());
        put(&mut head, 20, &[entry.file_type.raw()]);
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(entry.name.as_bytes());
        if bytes.len() >= room {
            break;
        }
    }
    let more = bytes.len() >= room;
    bytes.truncate(room);
    ctx.state.charge(u64::try_from(bytes.len())?);
    ctx.memory.write(buf, &bytes)?;
    ctx.memory.store_u32(used, u32::try_from(bytes.len())?)?;
    if more && let Kind::Folder { listing, .. } = &mut ctx.state.fds.get_mut(fd)?.kind {
        *listing = Some(entries);
    }
    Ok(())
}

/// `.` and `..` come first. The inode of `..` is that of `.`: what lies above a
/// folder is not told.
fn read(ctx: &mut Ctx<'_, '_>, handle: Handle) -> Result<Vec<DirEntry>, Errno> {
    let fs = ctx.fs()?;
    let inode = fs.stat(handle)?.inode;
    let dot = |name: &str| DirEntry { name: name.into(), inode, file_type: FileType::Directory };
    let mut entries = vec![dot("."), dot("..")];
    entries.extend(fs.read_dir(handle)?);
    ctx.state.charge_fuel(ENTRY_FUEL.saturating_mul(u64::try_from(entries.len())?));
    Ok(entries)
}
