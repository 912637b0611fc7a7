//! `fd_readdir`: the entries of a folder, with cookies.

use super::Errno;
use super::ctx::{Ctx, Done};
use super::descriptors::Kind;
use super::fd_stat::put;
use crate::vfs::{DirEntry, FileType, Handle};

/// Fuel for one entry of a listing that is made anew.
const ENTRY_FUEL: u64 = 50;
/// Bytes of all listings that a guest goes on with. A folder tree of the default quota (4096
/// names) has 1.3 MB with the longest names, so it is only passed by who lists one folder many times.
const MAX_LISTINGS: usize = 4 << 20;
/// `dirent`: next cookie u64 at 0, inode u64 at 8, length of the name u32 at 16, type u8 at 20.
const HEAD: usize = 24;

/// The entries of a folder at one moment.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) entries: Vec<DirEntry>,
    bytes: usize,
}

impl Listing {
    pub(super) fn new(entries: Vec<DirEntry>) -> Self {
        let names: usize = entries.iter().map(|entry| entry.name.len()).sum();
        let bytes = names.saturating_add(entries.len().saturating_mul(size_of::<DirEntry>()));
        Self { entries, bytes }
    }

    /// The memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

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
    let listing = match listing.take().filter(|_| cookie > 0) {
        Some(listing) => listing,
        None => Listing::new(read(ctx, handle)?),
    };
    let room = usize::try_from(len)?;
    let mut bytes = Vec::with_capacity(room.min(4096));
    // A cookie is how many entries the guest has had: it goes on behind them (`fd_readdir`).
    let from = usize::try_from(cookie).unwrap_or(usize::MAX);
    for (index, entry) in listing.entries.iter().enumerate().skip(from) {
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
    if more {
        ctx.state.fds.keep_listing(fd, listing, MAX_LISTINGS);
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
