//! `impl Fs for MemoryFs`: the rules of POSIX and WASI over the tree.

use std::time::Duration;

use super::tree::len;
use super::{Content, Ino, MemoryFs, ROOT_INO};
use crate::vfs::{
    DirEntry, FileStat, FileType, Fs, Handle, OpenHow, Quota, ROOT, SetTimes, Step, Usage, VfsPath,
};
use crate::wasi::Errno;

impl Fs for MemoryFs {
    fn set_wall_clock(&mut self, now: Duration) {
        self.now = now;
    }

    fn open(
        &mut self,
        dir: Handle,
        path: VfsPath<'_>,
        how: OpenHow,
    ) -> Result<(Handle, FileType), Errno> {
        let from = self.ino(dir)?;
        let ino = match self.walk(from, path) {
            Ok(_) if how.create && how.exclusive => return Err(Errno::Exist),
            Ok(ino) => ino,
            Err(Errno::Noent) if how.create && !how.directory => {
                let (folder, name) = self.walk_to_parent(from, path)?;
                if path.wants_directory() {
                    return Err(Errno::Isdir);
                }
                self.writable()?;
                self.named(folder)?;
                self.make_file(folder, Step::Name(name))?
            }
            Err(errno) => return Err(errno),
        };
        let file_type = Self::file_type(self.node(ino)?);
        match file_type {
            FileType::Directory if how.write || how.truncate || how.create => {
                return Err(Errno::Isdir);
            }
            FileType::Directory => {}
            _ if how.directory => return Err(Errno::Notdir),
            _ => {
                if how.write || how.truncate {
                    self.writable()?;
                }
                if how.truncate {
                    self.replace_content(ino, &[])?;
                }
            }
        }
        let handle = Handle(self.next_handle);
        self.next_handle += 1;
        self.node_mut(ino)?.opens += 1;
        self.handles.insert(handle, ino);
        Ok((handle, file_type))
    }

    fn close(&mut self, file: Handle) {
        if file == ROOT {
            return;
        }
        let Some(ino) = self.handles.remove(&file) else { return };
        if let Ok(node) = self.node_mut(ino) {
            node.opens = node.opens.saturating_sub(1);
        }
        self.drop_unused(ino);
    }

    fn read_at(&mut self, file: Handle, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        let now = self.now;
        let ino = self.ino(file)?;
        let node = self.node_mut(ino)?;
        let Content::File(bytes) = &node.content else { return Err(Errno::Isdir) };
        // An offset beyond what this machine can address is beyond the end too.
        let rest = usize::try_from(offset).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
        let count = rest.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(rest) {
            *to = *from;
        }
        node.accessed = now;
        Ok(count)
    }

    fn write_at(&mut self, file: Handle, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.writable()?;
        let ino = self.ino(file)?;
        let old = self.file_len(ino)?;
        if bytes.is_empty() {
            return Ok(0);
        }
        // What fits is written, as on a full disk; if nothing fits, the meter refuses.
        let longest = old.saturating_add(self.meter.bytes_left());
        let room = usize::try_from(longest.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = bytes.len().min(room.max(1));
        let end = offset.checked_add(u64::try_from(count)?).ok_or(Errno::Fbig)?;
        let taken = bytes.get(..count).unwrap_or_default();
        self.meter.resize(old, end.max(old))?;
        let start = usize::try_from(offset)?;
        let now = self.now;
        let node = self.node_mut(ino)?;
        let Content::File(content) = &mut node.content else { return Err(Errno::Isdir) };
        if start > content.len() {
            content.resize(start, 0);
        }
        let overlap = taken.len().min(content.len() - start);
        let (over, beyond) = taken.split_at(overlap);
        if let Some(place) = content.get_mut(start..start + overlap) {
            place.copy_from_slice(over);
        }
        content.extend_from_slice(beyond);
        node.modified = now;
        node.changed = now;
        Ok(count)
    }

    fn stat(&mut self, file: Handle) -> Result<FileStat, Errno> {
        self.stat_ino(self.ino(file)?)
    }

    fn stat_path(&mut self, dir: Handle, path: VfsPath<'_>, _: bool) -> Result<FileStat, Errno> {
        self.stat_ino(self.walk(self.ino(dir)?, path)?)
    }

    fn set_size(&mut self, file: Handle, size: u64) -> Result<(), Errno> {
        self.writable()?;
        let ino = self.ino(file)?;
        let old = self.file_len(ino)?;
        self.meter.resize(old, size)?;
        let new = usize::try_from(size)?;
        if let Content::File(bytes) = &mut self.node_mut(ino)?.content {
            bytes.resize(new, 0);
        }
        self.touch(ino);
        Ok(())
    }

    fn set_times(&mut self, file: Handle, times: SetTimes) -> Result<(), Errno> {
        self.set_times_ino(self.ino(file)?, times)
    }

    fn set_times_path(
        &mut self,
        dir: Handle,
        path: VfsPath<'_>,
        _: bool,
        times: SetTimes,
    ) -> Result<(), Errno> {
        self.set_times_ino(self.walk(self.ino(dir)?, path)?, times)
    }

    fn sync(&mut self, file: Handle, _: bool) -> Result<(), Errno> {
        self.ino(file).map(drop)
    }

    fn read_dir(&mut self, dir: Handle) -> Result<Vec<DirEntry>, Errno> {
        let entries = self.entries(self.ino(dir)?)?;
        let entry = |(name, ino): (&String, &Ino)| {
            let file_type = self.nodes.get(ino).map_or(FileType::Unknown, Self::file_type);
            DirEntry { name: name.clone(), inode: *ino, file_type }
        };
        Ok(entries.iter().map(entry).collect())
    }

    fn create_dir(&mut self, dir: Handle, path: VfsPath<'_>) -> Result<(), Errno> {
        let from = self.ino(dir)?;
        match self.walk(from, path) {
            // `file/` finds no folder, but the name is taken all the same.
            Ok(_) => return Err(Errno::Exist),
            Err(Errno::Noent) => {}
            Err(errno) => return Err(errno),
        }
        let (folder, name) = self.walk_to_parent(from, path)?;
        self.writable()?;
        self.named(folder)?;
        self.make_folder(folder, Step::Name(name)).map(drop)
    }

    fn remove_dir(&mut self, dir: Handle, path: VfsPath<'_>) -> Result<(), Errno> {
        let (folder, name) = self.walk_to_parent(self.ino(dir)?, path)?;
        let ino = self.step(folder, Step::Name(name))?;
        if !self.entries(ino)?.is_empty() {
            return Err(Errno::Notempty);
        }
        self.writable()?;
        self.remove(folder, name)
    }

    fn unlink(&mut self, dir: Handle, path: VfsPath<'_>) -> Result<(), Errno> {
        let (folder, name) = self.walk_to_parent(self.ino(dir)?, path)?;
        let ino = self.step(folder, Step::Name(name))?;
        if Self::file_type(self.node(ino)?) == FileType::Directory {
            return Err(Errno::Isdir);
        }
        if path.wants_directory() {
            return Err(Errno::Notdir);
        }
        self.writable()?;
        self.remove(folder, name)
    }

    fn rename(
        &mut self,
        (from_dir, from_path): (Handle, VfsPath<'_>),
        (to_dir, to_path): (Handle, VfsPath<'_>),
    ) -> Result<(), Errno> {
        let (old_folder, old_name) = self.walk_to_parent(self.ino(from_dir)?, from_path)?;
        let (new_folder, new_name) = self.walk_to_parent(self.ino(to_dir)?, to_path)?;
        let moved = self.step(old_folder, Step::Name(old_name))?;
        let moves_folder = Self::file_type(self.node(moved)?) == FileType::Directory;
        if !moves_folder && (from_path.wants_directory() || to_path.wants_directory()) {
            return Err(Errno::Notdir);
        }
        if moves_folder && self.is_within(new_folder, moved) {
            return Err(Errno::Inval);
        }
        self.writable()?;
        self.named(new_folder)?;
        if let Ok(target) = self.step(new_folder, Step::Name(new_name)) {
            if target == moved {
                return Ok(());
            }
            match (moves_folder, self.entries(target)) {
                (true, Err(_)) => return Err(Errno::Notdir),
                (false, Ok(_)) => return Err(Errno::Isdir),
                (true, Ok(entries)) if !entries.is_empty() => return Err(Errno::Notempty),
                _ => self.remove(new_folder, new_name)?,
            }
        }
        let ino = self.detach(old_folder, old_name)?;
        self.attach(new_folder, new_name, ino);
        Ok(())
    }

    fn link(
        &mut self,
        (from_dir, from_path): (Handle, VfsPath<'_>),
        (to_dir, to_path): (Handle, VfsPath<'_>),
    ) -> Result<(), Errno> {
        let ino = self.walk(self.ino(from_dir)?, from_path)?;
        let to = self.ino(to_dir)?;
        if self.walk(to, to_path).is_ok() {
            return Err(Errno::Exist);
        }
        let (folder, name) = self.walk_to_parent(to, to_path)?;
        if Self::file_type(self.node(ino)?) == FileType::Directory {
            return Err(Errno::Perm);
        }
        if to_path.wants_directory() {
            return Err(Errno::Noent);
        }
        self.named(folder)?;
        self.writable()?;
        self.meter.add_file()?;
        self.attach(folder, name, ino);
        Ok(())
    }

    fn usage(&self) -> Usage {
        self.meter.usage()
    }

    fn quota(&self) -> Quota {
        self.meter.quota()
    }
}

impl MemoryFs {
    fn writable(&self) -> Result<(), Errno> {
        if self.read_only { Err(Errno::Rofs) } else { Ok(()) }
    }

    /// A folder that was removed while open takes no new entries.
    fn named(&self, folder: Ino) -> Result<(), Errno> {
        if self.node(folder)?.links == 0 { Err(Errno::Noent) } else { Ok(()) }
    }

    fn file_len(&self, ino: Ino) -> Result<u64, Errno> {
        let node = self.node(ino)?;
        match node.content {
            Content::File(_) => Ok(len(node)),
            Content::Folder { .. } => Err(Errno::Isdir),
        }
    }

    /// Whether `ino` is `folder` or lies below it.
    fn is_within(&self, mut ino: Ino, folder: Ino) -> bool {
        loop {
            if ino == folder {
                return true;
            }
            match self.parent(ino) {
                Ok(parent) if ino != ROOT_INO => ino = parent,
                _ => return false,
            }
        }
    }

    fn stat_ino(&self, ino: Ino) -> Result<FileStat, Errno> {
        let node = self.node(ino)?;
        Ok(FileStat {
            inode: ino,
            file_type: Self::file_type(node),
            links: node.links,
            size: len(node),
            accessed: node.accessed,
            modified: node.modified,
            changed: node.changed,
        })
    }

    fn set_times_ino(&mut self, ino: Ino, times: SetTimes) -> Result<(), Errno> {
        self.writable()?;
        let now = self.now;
        let node = self.node_mut(ino)?;
        node.accessed = times.accessed.unwrap_or(node.accessed);
        node.modified = times.modified.unwrap_or(node.modified);
        node.changed = now;
        Ok(())
    }
}
