//! Files of a plugin: `trait Fs`, the operations of WASI over checked paths.
//!
//! A backend knows files and folders, not descriptors: positions, access
//! rights and directory cookies are kept by `wasi::fd`. It must keep its root:
//! whatever links it holds, no path leads out. `MemoryFs` is the backend for
//! tests, browsers and plugins without a disk; the disk backend belongs to the
//! native edge (`signalk-host`), because this crate opens nothing.

mod memory;
mod path;
mod quota;

use std::time::Duration;

pub use self::memory::MemoryFs;
pub use self::path::{MAX_NAME, MAX_PATH, Step, VfsPath};
pub use self::quota::{Meter, Quota, Usage};
use crate::wasi::Errno;

/// The folders that every plugin finds (plugin-abi.md, chapter 9).
pub const FOLDERS: [&str; 3] = ["data", "config", "tmp"];

/// A file or folder that is open in a backend; numbers may be used again after `close`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(pub u64);

/// The root folder: always open, never closed.
pub const ROOT: Handle = Handle(0);

/// What stands at a path; the numbers are WASI's `filetype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum FileType {
    /// Anything else.
    Unknown = 0,
    /// A terminal or the like.
    CharacterDevice = 2,
    /// A folder.
    Directory = 3,
    /// A file with content and length.
    RegularFile = 4,
    /// A symbolic link.
    SymbolicLink = 7,
}

impl FileType {
    /// The number as it stands in WASI's structures.
    #[must_use]
    pub fn raw(self) -> u8 {
        // The one cast of a field-less enum to its own representation.
        self as u8
    }
}

/// What is known about a file. Times are since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// Serial number; equal numbers mean the same file.
    pub inode: u64,
    /// Kind of the entry.
    pub file_type: FileType,
    /// Number of names.
    pub links: u64,
    /// Length in bytes; 0 for folders.
    pub size: u64,
    /// Last access.
    pub accessed: Duration,
    /// Last change of the content.
    pub modified: Duration,
    /// Last change of content or state.
    pub changed: Duration,
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// Its name, without any `/`.
    pub name: String,
    /// Serial number of what it names.
    pub inode: u64,
    /// Kind of what it names.
    pub file_type: FileType,
}

/// How `Fs::open` opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenHow {
    /// Content will be read.
    pub read: bool,
    /// Content will be written.
    pub write: bool,
    /// Make the file if it is missing (`O_CREAT`).
    pub create: bool,
    /// Fail if it is there (`O_EXCL`, with `create`).
    pub exclusive: bool,
    /// Cut it to length 0 (`O_TRUNC`).
    pub truncate: bool,
    /// Fail if it is no folder (`O_DIRECTORY`).
    pub directory: bool,
    /// Follow a symbolic link in the last step.
    pub follow: bool,
}

/// New times of a file; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetTimes {
    /// Last access.
    pub accessed: Option<Duration>,
    /// Last change of the content.
    pub modified: Option<Duration>,
}

/// A tree of files with one root, as WASI sees it.
///
/// Paths are relative to the open folder `dir`. Every error is an [`Errno`];
/// none of the functions panics, whatever it is given.
#[expect(clippy::missing_errors_doc, reason = "each answers the errno of its WASI call")]
pub trait Fs: Send {
    /// Wall clock for the operation that follows; backends with a clock of their own ignore it.
    fn set_wall_clock(&mut self, _now: Duration) {}

    /// Opens or makes a file, or opens a folder.
    fn open(
        &mut self,
        dir: Handle,
        path: VfsPath<'_>,
        how: OpenHow,
    ) -> Result<(Handle, FileType), Errno>;
    /// Gives the handle back. Unknown handles and [`ROOT`] are ignored.
    fn close(&mut self, file: Handle);
    /// Reads at `offset`; 0 means the end.
    fn read_at(&mut self, file: Handle, offset: u64, buf: &mut [u8]) -> Result<usize, Errno>;
    /// Writes at `offset`; may write less than given, never nothing of something.
    fn write_at(&mut self, file: Handle, offset: u64, bytes: &[u8]) -> Result<usize, Errno>;
    /// Metadata of what is open.
    fn stat(&mut self, file: Handle) -> Result<FileStat, Errno>;
    /// Metadata of what stands at a path.
    fn stat_path(
        &mut self,
        dir: Handle,
        path: VfsPath<'_>,
        follow: bool,
    ) -> Result<FileStat, Errno>;
    /// Cuts or lengthens (with zeros) a file.
    fn set_size(&mut self, file: Handle, size: u64) -> Result<(), Errno>;
    /// Sets times of what is open.
    fn set_times(&mut self, file: Handle, times: SetTimes) -> Result<(), Errno>;
    /// Sets times of what stands at a path.
    fn set_times_path(
        &mut self,
        dir: Handle,
        path: VfsPath<'_>,
        follow: bool,
        times: SetTimes,
    ) -> Result<(), Errno>;
    /// Makes content (and unless `data_only` the metadata) durable.
    fn sync(&mut self, file: Handle, data_only: bool) -> Result<(), Errno>;
    /// The entries of an open folder, in a stable order, without `.` and `..`.
    fn read_dir(&mut self, dir: Handle) -> Result<Vec<DirEntry>, Errno>;
    /// Makes a folder.
    fn create_dir(&mut self, dir: Handle, path: VfsPath<'_>) -> Result<(), Errno>;
    /// Removes an empty folder.
    fn remove_dir(&mut self, dir: Handle, path: VfsPath<'_>) -> Result<(), Errno>;
    /// Removes a name of a file; the content goes with the last name and handle.
    fn unlink(&mut self, dir: Handle, path: VfsPath<'_>) -> Result<(), Errno>;
    /// Moves, replacing an old file or empty folder of the new name.
    fn rename(
        &mut self,
        from: (Handle, VfsPath<'_>),
        to: (Handle, VfsPath<'_>),
    ) -> Result<(), Errno>;
    /// Gives a file a second name.
    fn link(&mut self, from: (Handle, VfsPath<'_>), to: (Handle, VfsPath<'_>))
    -> Result<(), Errno>;
    /// Makes a symbolic link. `ENOTSUP` unless a backend can hold one safely.
    fn symlink(&mut self, _target: &str, _dir: Handle, _path: VfsPath<'_>) -> Result<(), Errno> {
        Err(Errno::Notsup)
    }
    /// Where a symbolic link points; `EINVAL` for anything else.
    fn read_link(&mut self, dir: Handle, path: VfsPath<'_>) -> Result<String, Errno> {
        self.stat_path(dir, path, false)?;
        Err(Errno::Inval)
    }
    /// What is stored now.
    fn usage(&self) -> Usage;
    /// What may be stored.
    fn quota(&self) -> Quota;
}
