//! `DiskFs`: a plugin's files in a folder of the disk, behind `wasmi_hdk::vfs::Fs`.
//!
//! Every path is resolved by cap-std, step by step below the open folder: `..`,
//! absolute and outward symbolic links, and links swapped in meanwhile cannot
//! lead out (`ENOTCAPABLE`). Links that stay inside are followed; guests make
//! none. The quota is counted from what the folder held at the start.
//!
//! Which folder belongs to which plugin is decided elsewhere.

mod ops;
mod os;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions};
use wasmi_hdk::vfs::{FOLDERS, FileType, Handle, Meter, OpenHow, Quota, ROOT, Usage};
use wasmi_hdk::wasi::Errno;

use self::{os::errno, tree::Tree};

/// A folder of the disk as the root of one plugin.
#[derive(Debug)]
pub(crate) struct DiskFs {
    open: BTreeMap<Handle, Open>,
    next: u64,
    meter: Meter,
}

#[derive(Debug)]
enum Open {
    File(File),
    Folder(Dir),
}

impl DiskFs {
    /// Opens the folder, making it and its three folders where they are missing,
    /// and empties `tmp/`.
    ///
    /// # Errors
    /// Whatever the disk says; the caller names the folder.
    pub(crate) fn open(folder: &Path, quota: Quota) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let root = Dir::open_ambient_dir(folder, ambient_authority())?;
        remove_all(&root, "tmp")?;
        for name in FOLDERS {
            match root.create_dir(name) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        let usage = measure(&root)?;
        Ok(Self {
            open: BTreeMap::from([(ROOT, Open::Folder(root))]),
            next: ROOT.0 + 1,
            meter: Meter::new(quota, usage),
        })
    }

    fn folder(&self, handle: Handle) -> Result<&Dir, Errno> {
        match self.open.get(&handle) {
            Some(Open::Folder(dir)) => Ok(dir),
            Some(Open::File(_)) => Err(Errno::Notdir),
            None => Err(Errno::Badf),
        }
    }

    fn file(&self, handle: Handle) -> Result<&File, Errno> {
        match self.open.get(&handle) {
            Some(Open::File(file)) => Ok(file),
            Some(Open::Folder(_)) => Err(Errno::Isdir),
            None => Err(Errno::Badf),
        }
    }

    fn is_open(&self, inode: u64) -> bool {
        self.open.values().any(|open| match open {
            Open::File(file) => file.metadata().is_ok_and(|found| os::inode_of(&found) == inode),
            Open::Folder(_) => false,
        })
    }

    /// What goes with the last name of a file, unless somebody still has it open.
    fn last_name(&self, dir: &Dir, path: &str) -> Option<u64> {
        let found = dir.symlink_metadata(path).ok().filter(Metadata::is_file)?;
        (os::links(&found) <= 1 && !self.is_open(os::inode(&found))).then(|| found.len())
    }

    /// One name less; and `freed` bytes less, if it was the last.
    fn forget(&mut self, freed: Option<u64>) {
        self.meter.remove_file();
        if let Some(bytes) = freed {
            let _shrinks = self.meter.resize(bytes, 0);
        }
    }

    /// Opens what is there; `Noent` if nothing is.
    fn open_existing(&self, dir: &Dir, path: &str, how: OpenHow) -> Result<Open, Errno> {
        let found = if how.follow { dir.metadata(path) } else { dir.symlink_metadata(path) };
        let found = found.map_err(errno)?;
        match file_type(&found) {
            FileType::Directory if how.write || how.truncate || how.create => Err(Errno::Isdir),
            FileType::Directory => Ok(Open::Folder(dir.open_dir(path).map_err(errno)?)),
            FileType::SymbolicLink => Err(Errno::Loop),
            _ if how.directory => Err(Errno::Notdir),
            FileType::RegularFile => {
                let write = how.write || how.truncate;
                let read = how.read || !write;
                let file = dir.open_with(path, OpenOptions::new().read(read).write(write));
                Ok(Open::File(file.map_err(errno)?.into_std()))
            }
            // Opening a pipe would wait for its other end.
            _ => Err(Errno::Acces),
        }
    }
}

/// What the folder holds: bytes of files and number of entries. Links are not followed.
fn measure(root: &Dir) -> io::Result<Usage> {
    let mut usage = Usage::default();
    let mut several_names = std::collections::BTreeSet::new();
    Tree::walk(root, |entry| {
        let found = entry.metadata()?;
        usage.files += 1;
        if found.is_file() && (os::links(&found) <= 1 || several_names.insert(os::inode(&found))) {
            usage.bytes = usage.bytes.saturating_add(found.len());
        }
        Ok(())
    })?;
    Ok(usage)
}

fn remove_all(dir: &Dir, name: &str) -> io::Result<()> {
    match dir.symlink_metadata(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.is_dir() => {
            let folder = dir.open_dir(name)?;
            Tree::walk(&folder, |_| Ok(()))?.empty()?;
            dir.remove_dir(name)
        }
        Ok(_) => dir.remove_file(name),
    }
}

fn file_type(found: &Metadata) -> FileType {
    if found.is_dir() {
        FileType::Directory
    } else if found.is_file() {
        FileType::RegularFile
    } else if found.is_symlink() {
        FileType::SymbolicLink
    } else {
        FileType::Unknown
    }
}
