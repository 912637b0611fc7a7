//! What differs between operating systems: positioned reads, inodes, error numbers.

use std::fs::{File, Metadata as StdMetadata};
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cap_std::fs::Metadata;
use wasmi_hdk::vfs::{FileStat, FileType};
use wasmi_hdk::wasi::Errno;

pub(super) use imp::{changed, inode, inode_of, links, links_of, read_at, write_at};

/// The one conversion of an error of the disk.
pub(super) fn errno(error: io::Error) -> Errno {
    // Without a number of the system's it is cap-std's refusal: the path led out of the folder.
    if error.raw_os_error().is_none() && error.kind() == io::ErrorKind::PermissionDenied {
        return Errno::Notcapable;
    }
    error.into()
}

/// Metadata of an open file.
pub(super) fn stat_of(found: &StdMetadata) -> Result<FileStat, Errno> {
    let modified = since_epoch(found.modified().map_err(errno)?);
    Ok(FileStat {
        inode: inode_of(found),
        file_type: FileType::RegularFile,
        links: links_of(found),
        size: found.len(),
        accessed: since_epoch(found.accessed().map_err(errno)?),
        modified,
        changed: imp::changed_of(found).unwrap_or(modified),
    })
}

/// Times before 1970 are shown as 1970.
pub(super) fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(unix)]
mod imp {
    use std::os::unix::fs::{FileExt as _, MetadataExt as _};

    use super::*;

    pub(in super::super) fn read_at(file: &File, buf: &mut [u8], at: u64) -> io::Result<usize> {
        file.read_at(buf, at)
    }

    pub(in super::super) fn write_at(file: &File, buf: &[u8], at: u64) -> io::Result<usize> {
        file.write_at(buf, at)
    }

    pub(in super::super) fn inode(found: &Metadata) -> u64 {
        cap_std::fs::MetadataExt::ino(found)
    }

    pub(in super::super) fn inode_of(found: &StdMetadata) -> u64 {
        std::os::unix::fs::MetadataExt::ino(found)
    }

    pub(in super::super) fn links(found: &Metadata) -> u64 {
        cap_std::fs::MetadataExt::nlink(found)
    }

    pub(in super::super) fn links_of(found: &StdMetadata) -> u64 {
        std::os::unix::fs::MetadataExt::nlink(found)
    }

    pub(in super::super) fn changed(found: &Metadata) -> Option<Duration> {
        time(cap_std::fs::MetadataExt::ctime(found), cap_std::fs::MetadataExt::ctime_nsec(found))
    }

    pub(super) fn changed_of(found: &StdMetadata) -> Option<Duration> {
        time(found.ctime(), found.ctime_nsec())
    }

    fn time(seconds: i64, nanos: i64) -> Option<Duration> {
        Some(Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?))
    }
}

#[cfg(not(unix))]
mod imp {
    use std::os::windows::fs::FileExt as _;

    use super::*;

    pub(in super::super) fn read_at(file: &File, buf: &mut [u8], at: u64) -> io::Result<usize> {
        file.seek_read(buf, at)
    }

    pub(in super::super) fn write_at(file: &File, buf: &[u8], at: u64) -> io::Result<usize> {
        file.seek_write(buf, at)
    }

    // Windows tells serial numbers only to nightly Rust; 0 is the same as nothing.
    pub(in super::super) fn inode(_: &Metadata) -> u64 {
        0
    }

    pub(in super::super) fn inode_of(_: &StdMetadata) -> u64 {
        0
    }

    pub(in super::super) fn links(_: &Metadata) -> u64 {
        1
    }

    pub(in super::super) fn links_of(_: &StdMetadata) -> u64 {
        1
    }

    pub(in super::super) fn changed(_: &Metadata) -> Option<Duration> {
        None
    }

    pub(super) fn changed_of(_: &StdMetadata) -> Option<Duration> {
        None
    }
}
