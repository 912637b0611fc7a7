//! `impl Fs for DiskFs`: the operations, each counted against the quota before it is done.

use std::fs::{File, FileTimes};
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use cap_std::fs::{Dir, DirEntry as CapEntry, Metadata, OpenOptions};
use wasmi_hdk::vfs::{
    DirEntry, FileStat, FileType, Fs, Handle, OpenHow, Quota, ROOT, SetTimes, Usage, VfsPath,
};
use wasmi_hdk::wasi::Errno;

use super::os::{self, errno, since_epoch};
use super::{DiskFs, Open, file_type};

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
        let old = self.file(file)?.metadata().map_err(errno)?.len();
        self.meter.resize(old, size)?;
        if let Err(error) = self.file(file)?.set_len(size) {
            self.meter.resize(size, old)?;
            return Err(errno(error));
        }
        Ok(())
    }

    fn set_times(&mut self, file: Handle, times: SetTimes) -> Result<(), Errno> {
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
        self.meter.add_file()?;
        self.folder(dir)?.create_dir(path.as_str()).map_err(|error| {
            self.meter.remove_file();
            errno(error)
        })
    }

    fn remove_dir(&mut self, dir: Handle, path: VfsPath<'_>) -> Result<(), Errno> {
        self.folder(dir)?.remove_dir(bare(path)).map_err(errno)?;
        self.forget(None);
        Ok(())
    }

    fn unlink(&mut self, dir: Handle, path: VfsPath<'_>) -> Result<(), Errno> {
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

/// Names that are no UTF-8 are left out: no guest could open them.
fn name_entry(entry: &CapEntry) -> Option<DirEntry> {
    let found = entry.metadata().ok()?;
    let name = entry.file_name().into_string().ok()?;
    Some(DirEntry { name, inode: os::inode(&found), file_type: file_type(&found) })
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
