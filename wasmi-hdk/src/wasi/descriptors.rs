//! The descriptor table: what each number of the guest stands for, and its rights.

use std::collections::BTreeMap;

use super::Errno;
use super::fd_dir::Listing;
use crate::vfs::{Handle, ROOT};

/// Rights of the specification that this host looks at.
pub(super) mod rights {
    pub(in crate::wasi) const FD_READ: u64 = 1 << 1;
    pub(in crate::wasi) const FD_WRITE: u64 = 1 << 6;
    /// Everything: bits 0 to 29.
    pub(in crate::wasi) const ALL: u64 = (1 << 30) - 1;
    /// What can be done with a file: all but paths, directories and sockets.
    pub(in crate::wasi) const FILE: u64 = 0x1ff | (1 << 21) | (1 << 22) | (1 << 23) | (1 << 27);
    /// What can be done with a folder.
    pub(in crate::wasi) const FOLDER: u64 = (1 << 3)
        | (1 << 4)
        | 1
        | (0x1ff << 9)
        | (1 << 18)
        | (1 << 19)
        | (1 << 20)
        | (1 << 21)
        | (1 << 23)
        | (0b111 << 24);
    /// Standard streams: no seek and no tell, by which wasi-libc knows a terminal
    /// and buffers by lines; so a plugin in C needs no `fflush`.
    pub(in crate::wasi) const STREAM: u64 = (1 << 3) | (1 << 4) | 1 | (1 << 21) | (1 << 27);
}

/// Descriptor flags (`fdflags`).
pub(super) mod flags {
    pub(in crate::wasi) const APPEND: u16 = 1;
    pub(in crate::wasi) const NONBLOCK: u16 = 4;
    /// `DSYNC`, `RSYNC`, `SYNC`.
    pub(in crate::wasi) const SYNC: u16 = 2 | 8 | 16;
    pub(in crate::wasi) const ALL: u16 = 31;
}

/// What a descriptor stands for.
#[derive(Debug)]
pub(super) enum Kind {
    Stdin,
    Stdout,
    Stderr,
    File {
        handle: Handle,
        offset: u64,
    },
    Folder {
        handle: Handle,
        /// Its name, if the guest was given it at the start.
        preopen: Option<&'static str>,
        /// The entries as they were when the guest began to list them: entries
        /// that it removes meanwhile must not shift the rest under its cookie.
        listing: Option<Listing>,
    },
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Descriptor {
    pub(super) kind: Kind,
    pub(super) base: u64,
    pub(super) inheriting: u64,
    pub(super) flags: u16,
}

impl Descriptor {
    /// A file, and where it stands; `EBADF`-like answers for what cannot seek.
    pub(super) fn file(&mut self) -> Result<(Handle, &mut u64), Errno> {
        match &mut self.kind {
            Kind::File { handle, offset } => Ok((*handle, offset)),
            Kind::Folder { .. } => Err(Errno::Badf),
            _ => Err(Errno::Spipe),
        }
    }

    pub(super) fn may(&self, right: u64) -> Result<(), Errno> {
        if self.base & right == right { Ok(()) } else { Err(Errno::Badf) }
    }
}

/// The table of one guest.
#[derive(Debug)]
pub(super) struct Descriptors {
    open: BTreeMap<u32, Descriptor>,
    limit: usize,
}

impl Descriptors {
    pub(super) fn new(files: bool, limit: usize) -> Self {
        let stream = |kind, right| Descriptor {
            kind,
            base: rights::STREAM | right,
            inheriting: 0,
            flags: 0,
        };
        let mut open = BTreeMap::from([
            (0, stream(Kind::Stdin, rights::FD_READ)),
            (1, stream(Kind::Stdout, rights::FD_WRITE)),
            (2, stream(Kind::Stderr, rights::FD_WRITE)),
        ]);
        if files {
            open.insert(
                3,
                Descriptor {
                    kind: Kind::Folder { handle: ROOT, preopen: Some("/"), listing: None },
                    base: rights::FOLDER,
                    inheriting: rights::ALL,
                    flags: 0,
                },
            );
        }
        Self { open, limit }
    }

    pub(super) fn get(&self, fd: u32) -> Result<&Descriptor, Errno> {
        self.open.get(&fd).ok_or(Errno::Badf)
    }

    pub(super) fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        self.open.get_mut(&fd).ok_or(Errno::Badf)
    }

    /// The folder behind a descriptor, for the path calls.
    pub(super) fn folder(&self, fd: u32) -> Result<(Handle, &Descriptor), Errno> {
        let descriptor = self.get(fd)?;
        match descriptor.kind {
            Kind::Folder { handle, .. } => Ok((handle, descriptor)),
            _ => Err(Errno::Notdir),
        }
    }

    /// The number that the next `insert` takes.
    ///
    /// The lowest free one from 3 on: 0 to 2 are never used again after a close,
    /// or what a guest prints could end in a file that it opened later.
    pub(super) fn free(&self) -> Result<u32, Errno> {
        if self.open.len() >= self.limit {
            return Err(Errno::Mfile);
        }
        (3..=u32::MAX).find(|fd| !self.open.contains_key(fd)).ok_or(Errno::Mfile)
    }

    pub(super) fn insert(&mut self, fd: u32, descriptor: Descriptor) {
        self.open.insert(fd, descriptor);
    }

    pub(super) fn remove(&mut self, fd: u32) -> Result<Descriptor, Errno> {
        self.open.remove(&fd).ok_or(Errno::Badf)
    }

    /// Keeps what the guest goes on to list by `fd`. All listings together have at most `limit`
    /// bytes: for the newest others are given up, and made anew when they are asked for again.
    pub(super) fn keep_listing(&mut self, fd: u32, kept: Listing, limit: usize) {
        let mut room = limit.saturating_sub(kept.bytes());
        for (number, descriptor) in &mut self.open {
            let Kind::Folder { listing, .. } = &mut descriptor.kind else { continue };
            if *number == fd {
                continue;
            }
            match listing.as_ref().map(Listing::bytes) {
                Some(bytes) if bytes > room => *listing = None,
                Some(bytes) => room -= bytes,
                None => {}
            }
        }
        if let Some(Descriptor { kind: Kind::Folder { listing, .. }, .. }) = self.open.get_mut(&fd)
        {
            *listing = Some(kept);
        }
    }

    /// Bytes of all listings.
    #[cfg(test)]
    fn listed(&self) -> usize {
        let listings = self.open.values().map(|descriptor| match &descriptor.kind {
            Kind::Folder { listing, .. } => listing.as_ref().map_or(0, Listing::bytes),
            _ => 0,
        });
        listings.sum()
    }

    /// Closes all that stands for a file; the handles are the caller's to give back.
    pub(super) fn close_files(&mut self) -> Vec<Handle> {
        let mut handles = Vec::new();
        self.open.retain(|_, descriptor| match descriptor.kind {
            Kind::File { handle, .. } | Kind::Folder { handle, .. } => {
                handles.push(handle);
                false
            }
            _ => true,
        });
        handles
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::{DirEntry, FileType};

    #[test]
    fn listings_stay_within_their_bound_together_and_the_newest_is_kept() {
        let mut table = Descriptors::new(true, 256);
        let entry = DirEntry { name: "x".repeat(255), inode: 1, file_type: FileType::RegularFile };
        let listing = Listing::new(vec![entry; 1000]);
        let limit = 3 * listing.bytes();
        for fd in 4..100 {
            let kind = Kind::Folder { handle: ROOT, preopen: None, listing: None };
            table.insert(fd, Descriptor { kind, base: 0, inheriting: 0, flags: 0 });
            table.keep_listing(fd, Listing::new(listing.entries.clone()), limit);
            assert!(table.listed() <= limit, "{fd}");
            let Kind::Folder { listing: Some(_), .. } = table.get(fd).unwrap().kind else {
                panic!("the newest is given up")
            };
        }
        assert_eq!(table.listed(), limit);
        // One alone may be larger.
        table.keep_listing(4, listing, 1);
        assert_eq!(table.listed(), limit / 3);
    }
}
