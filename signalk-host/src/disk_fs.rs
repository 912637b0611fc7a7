//! `DiskFs`: a plugin's files in a folder of the disk, behind `wasmi_hdk::vfs::Fs`.
//!
//! Every path is resolved by cap-std, step by step below the open folder: `..`,
//! absolute and outward symbolic links, and links swapped in meanwhile cannot
//! lead out (`ENOTCAPABLE`). Links that stay inside are followed; guests make
//! none. The quota is counted from what the folder held at the start.
//!
//! Which folder belongs to which plugin is decided elsewhere.

mod os;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{File, FileTimes};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirEntry as CapEntry, Metadata, OpenOptions};
use wasmi_hdk::vfs::{
    DirEntry, FOLDERS, FileStat, FileType, Fs, Handle, Meter, OpenHow, Quota, ROOT, SetTimes,
    Usage, VfsPath,
};
use wasmi_hdk::wasi::Errno;

use self::os::errno;

/// A folder of the disk as the root of one plugin.
#[derive(Debug)]
pub(crate) struct DiskFs {
    open: BTreeMap<Handle, Open>,
    next: u64,
    meter: Meter,
    read_only: bool,
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
            read_only: false,
        })
    }

    /// From now on every change answers `EROFS`.
    pub(crate) fn read_only(mut self) -> Self {
        self.read_only = true;
        self
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

    fn writable(&self) -> Result<(), Errno> {
        if self.read_only { Err(Errno::Rofs) } else { Ok(()) }
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
                if how.write || how.truncate {
                    self.writable()?;
                }
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

impl Fs for DiskFs {
    fn open(
        &mut self,
        dir: Handle,
        path: VfsPath<'_>,
        how: OpenHow,
    ) -> Result<(Handle, FileType), Errno> {
        let folder = self.folder(dir)?;
        let opened = match self.open_existing(folder, path.as_str(), how) {
            Ok(_) | Err(Errno::Isdir) if how.create && how.exclusive => return Err(Errno::Exist),
            Err(Errno::Noent) if how.create && path.wants_directory() => return Err(Errno::Isdir),
            Err(Errno::Noent) if how.create => {
                self.writable()?;
                self.meter.add_file()?;
                let mut options = OpenOptions::new();
                options.create_new(true).read(true).write(true);
                match self.folder(dir)?.open_with(path.as_str(), &options) {
                    Ok(file) => Open::File(file.into_std()),
                    Err(error) => {
                        self.meter.remove_file();
                        return Err(errno(error));
                    }
                }
            }
            other => other?,
        };
        let file_type = match &opened {
            Open::Folder(_) => FileType::Directory,
            Open::File(file) => {
                if how.truncate {
                    let old = file.metadata().map_err(errno)?.len();
                    file.set_len(0).map_err(errno)?;
                    self.meter.resize(old, 0)?;
                }
                FileType::RegularFile
            }
        };
        let handle = Handle(self.next);
        self.next += 1;
        self.open.insert(handle, opened);
        Ok((handle, file_type))
    }

    fn close(&mut self, file: Handle) {
        if file == ROOT {
            return;
        }
        let Some(Open::File(file)) = self.open.remove(&file) else { return };
        let Ok(found) = file.metadata() else { return };
        if os::links_of(&found) == 0 && !self.is_open(os::inode_of(&found)) {
            let _shrinks = self.meter.resize(found.len(), 0);
        }
    }

    fn read_at(&mut self, file: Handle, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        os::read_at(self.file(file)?, buf, offset).map_err(errno)
    }

    fn write_at(&mut self, file: Handle, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.writable()?;
        if bytes.is_empty() {
            return Ok(0);
        }
        let old = self.file(file)?.metadata().map_err(errno)?.len();
        // What fits is written, as on a full disk; if nothing fits, the meter refuses.
        let longest = old.saturating_add(self.meter.bytes_left());
        let room = usize::try_from(longest.saturating_sub(offset)).unwrap_or(usize::MAX).max(1);
        let bytes = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        let end = offset.checked_add(u64::try_from(bytes.len())?).ok_or(Errno::Fbig)?;
        self.meter.resize(old, end.max(old))?;
        let written = os::write_at(self.file(file)?, bytes, offset);
        // A full disk may have taken less than was counted, or nothing.
        let new = self.file(file)?.metadata().map_err(errno)?.len();
        self.meter.resize(end.max(old), new)?;
        written.map_err(errno)
    }

    fn stat(&mut self, file: Handle) -> Result<FileStat, Errno> {
        match self.open.get(&file).ok_or(Errno::Badf)? {
            Open::File(file) => os::stat_of(&file.metadata().map_err(errno)?),
            Open::Folder(dir) => Ok(stat(&dir.dir_metadata().map_err(errno)?)),
        }
    }

    fn stat_path(
        &mut self,
        dir: Handle,
        path: VfsPath<'_>,
        follow: bool,
    ) -> Result<FileStat, Errno> {
        let dir = self.folder(dir)?;
        let follow = follow || path.wants_directory();
        let found =
            if follow { dir.metadata(path.as_str()) } else { dir.symlink_metadata(path.as_str()) };
        Ok(stat(&found.map_err(errno)?))
    }

    fn set_size(&mut self, file: Handle, size: u64) -> Result<(), Errno> {
        self.writable()?;
        let old = self.file(file)?.metadata().map_err(errno)?.len();
        self.meter.resize(old, size)?;
        if let Err(error) = self.file(file)?.set_len(size) {
            self.meter.resize(size, old)?;
            return Err(errno(error));
        }
        Ok(())
    }

    fn set_times(&mut self, file: Handle, times: SetTimes) -> Result<(), Errno> {
        self.writable()?;
        match self.open.get(&file).ok_or(Errno::Badf)? {
            Open::File(file) => set_times(file, times),
            Open::Folder(dir) => set_times(&folder_file(dir).map_err(errno)?, times),
        }
    }

    fn set_times_path(
        &mut self,
        dir: Handle,
        path: VfsPath<'_>,
        follow: bool,
        times: SetTimes,
    ) -> Result<(), Errno> {
        self.writable()?;
        let how = OpenHow { read: true, follow, ..OpenHow::default() };
        match self.open_existing(self.folder(dir)?, path.as_str(), how)? {
            Open::File(file) => set_times(&file, times),
            Open::Folder(dir) => set_times(&folder_file(&dir).map_err(errno)?, times),
        }
    }

    fn sync(&mut self, file: Handle, data_only: bool) -> Result<(), Errno> {
        match self.open.get(&file).ok_or(Errno::Badf)? {
            Open::File(file) if data_only => file.sync_data().map_err(errno),
            Open::File(file) => file.sync_all().map_err(errno),
            Open::Folder(dir) => sync_folder(dir),
        }
    }

    fn read_dir(&mut self, dir: Handle) -> Result<Vec<DirEntry>, Errno> {
        let entries = self.folder(dir)?.entries().map_err(errno)?;
        let mut found: Vec<_> = entries.filter_map(|entry| name_entry(&entry.ok()?)).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn create_dir(&mut self, dir: Handle, path: VfsPath<'_>) -> Result<(), Errno> {
        if self.folder(dir)?.symlink_metadata(path.as_str()).is_ok() {
            return Err(Errno::Exist);
        }
        self.writable()?;
        self.meter.add_file()?;
        self.folder(dir)?.create_dir(path.as_str()).map_err(|error| {
            self.meter.remove_file();
            errno(error)
        })
    }

    fn remove_dir(&mut self, dir: Handle, path: VfsPath<'_>) -> Result<(), Errno> {
        self.writable()?;
        self.folder(dir)?.remove_dir(bare(path)).map_err(errno)?;
        self.forget(None);
        Ok(())
    }

    fn unlink(&mut self, dir: Handle, path: VfsPath<'_>) -> Result<(), Errno> {
        self.writable()?;
        let folder = self.folder(dir)?;
        if folder.symlink_metadata(path.as_str()).map_err(errno)?.is_dir() {
            return Err(Errno::Isdir);
        }
        let freed = self.last_name(folder, path.as_str());
        folder.remove_file(path.as_str()).map_err(errno)?;
        self.forget(freed);
        Ok(())
    }

    /// The moved file and both folders are made durable: a plugin that saves by
    /// writing a new file and renaming it keeps the old or the new one, whatever
    /// moment the power goes.
    fn rename(
        &mut self,
        (from_dir, from): (Handle, VfsPath<'_>),
        (to_dir, to): (Handle, VfsPath<'_>),
    ) -> Result<(), Errno> {
        self.writable()?;
        let (old, new) = (self.folder(from_dir)?, self.folder(to_dir)?);
        let moved = old.symlink_metadata(from.as_str()).map_err(errno)?;
        if !moved.is_dir() && (from.wants_directory() || to.wants_directory()) {
            return Err(Errno::Notdir);
        }
        // cap-std does not rename a folder that is written `folder/`.
        let (from, to) = (bare(from), bare(to));
        let target = new.symlink_metadata(to).ok();
        let number = os::inode(&moved);
        if number != 0 && target.as_ref().is_some_and(|target| os::inode(target) == number) {
            return Ok(());
        }
        let freed = self.last_name(new, to);
        if moved.is_file() {
            old.open(from).and_then(|file| file.sync_all()).map_err(errno)?;
        }
        old.rename(from, new, to).map_err(errno)?;
        if target.is_some() {
            self.forget(freed);
        }
        sync_parent(self.folder(to_dir)?, to)?;
        sync_parent(self.folder(from_dir)?, from)
    }

    fn link(
        &mut self,
        (from_dir, from): (Handle, VfsPath<'_>),
        (to_dir, to): (Handle, VfsPath<'_>),
    ) -> Result<(), Errno> {
        self.writable()?;
        self.meter.add_file()?;
        let (old, new) = (self.folder(from_dir)?, self.folder(to_dir)?);
        old.hard_link(from.as_str(), new, to.as_str()).map_err(|error| {
            self.meter.remove_file();
            errno(error)
        })
    }

    fn read_link(&mut self, dir: Handle, path: VfsPath<'_>) -> Result<String, Errno> {
        let folder = self.folder(dir)?;
        let target = folder.read_link_contents(path.as_str()).map_err(errno)?;
        target.into_os_string().into_string().map_err(|_| Errno::Ilseq)
    }

    fn usage(&self) -> Usage {
        self.meter.usage()
    }

    fn quota(&self) -> Quota {
        self.meter.quota()
    }
}

/// What the folder holds: bytes of files and number of entries. Links are not followed.
fn measure(root: &Dir) -> io::Result<Usage> {
    let mut usage = Usage::default();
    let mut several_names = std::collections::BTreeSet::new();
    let mut rest = vec![root.try_clone()?];
    while let Some(dir) = rest.pop() {
        for entry in dir.entries()? {
            let entry = entry?;
            let found = entry.metadata()?;
            usage.files += 1;
            if found.is_dir() {
                rest.push(entry.open_dir()?);
            } else if found.is_file()
                && (os::links(&found) <= 1 || several_names.insert(os::inode(&found)))
            {
                usage.bytes = usage.bytes.saturating_add(found.len());
            }
        }
    }
    Ok(usage)
}

fn remove_all(dir: &Dir, name: &str) -> io::Result<()> {
    match dir.symlink_metadata(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.is_dir() => dir.remove_dir_all(name),
        Ok(_) => dir.remove_file(name),
    }
}

/// Names that are no UTF-8 are left out: no guest could open them.
fn name_entry(entry: &CapEntry) -> Option<DirEntry> {
    let found = entry.metadata().ok()?;
    let name = entry.file_name().into_string().ok()?;
    Some(DirEntry { name, inode: os::inode(&found), file_type: file_type(&found) })
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

fn stat(found: &Metadata) -> FileStat {
    let since = |time: io::Result<cap_std::time::SystemTime>| {
        time.map_or(Duration::ZERO, |time| since_epoch(time.into_std()))
    };
    let modified = since(found.modified());
    FileStat {
        inode: os::inode(found),
        file_type: file_type(found),
        links: os::links(found),
        size: if found.is_dir() { 0 } else { found.len() },
        accessed: since(found.accessed()),
        modified,
        changed: os::changed(found).unwrap_or(modified),
    }
}

/// Times before 1970 are shown as 1970.
fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn set_times(file: &File, times: SetTimes) -> Result<(), Errno> {
    let time = |since: Duration| UNIX_EPOCH.checked_add(since).ok_or(Errno::Inval);
    let mut new = FileTimes::new();
    if let Some(accessed) = times.accessed {
        new = new.set_accessed(time(accessed)?);
    }
    if let Some(modified) = times.modified {
        new = new.set_modified(time(modified)?);
    }
    file.set_times(new).map_err(errno)
}

/// cap-std holds folders as mere places; the folder itself is opened through `.`.
fn folder_file(dir: &Dir) -> io::Result<File> {
    dir.open(".").map(cap_std::fs::File::into_std)
}

/// Some file systems cannot sync a folder and say so: they need none.
fn sync_folder(dir: &Dir) -> Result<(), Errno> {
    match folder_file(dir).and_then(|folder| folder.sync_all()) {
        Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(errno(error)),
        _ => Ok(()),
    }
}

/// The path of a folder without the slashes behind it.
fn bare(path: VfsPath<'_>) -> &str {
    path.as_str().trim_end_matches('/')
}

fn sync_parent(dir: &Dir, path: &str) -> Result<(), Errno> {
    match path.rsplit_once('/') {
        Some((parent, _)) => sync_folder(&dir.open_dir(parent).map_err(errno)?),
        None => sync_folder(dir),
    }
}
