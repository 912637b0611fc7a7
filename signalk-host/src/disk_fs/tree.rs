//! All folders below a folder, one open at a time: a guest may make thousands, beside each other or in each other, and
//! a process has a thousand descriptors, which instruments and clients need.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::PathBuf,
};

use cap_std::fs::{Dir, DirEntry};

/// Names that are opened in one go. The system takes paths of 4096 bytes and a name has 255 at most; deeper folders are
/// opened step by step.
const STEP: usize = 8;

/// The folders that were found, each after the one that it is in.
pub(super) struct Tree<'a> {
    root: &'a Dir,
    folders: Vec<Folder>,
}

struct Folder {
    /// Its place in the list; the first is the root, and is in itself.
    parent: usize,
    name: OsString,
}

impl<'a> Tree<'a> {
    /// Finds them, and shows every entry with its folder. Links are not followed.
    pub(super) fn walk(
        root: &'a Dir,
        mut see: impl FnMut(&DirEntry) -> io::Result<()>,
    ) -> io::Result<Tree<'a>> {
        let first = Folder { parent: 0, name: OsString::new() };
        let mut tree = Tree { root, folders: vec![first] };
        let mut at = 0;
        while at < tree.folders.len() {
            for entry in tree.open(at)?.entries()? {
                let entry = entry?;
                see(&entry)?;
                if entry.file_type()?.is_dir() {
                    tree.folders.push(Folder { parent: at, name: entry.file_name() });
                }
            }
            at += 1;
        }
        Ok(tree)
    }

    /// Removes what is in them, and all but the first.
    pub(super) fn empty(&self) -> io::Result<()> {
        for at in (0..self.folders.len()).rev() {
            let dir = self.open(at)?;
            for entry in dir.entries()? {
                let entry = entry?;
                match entry.file_type()?.is_dir() {
                    // Found later, so emptied before.
                    true => dir.remove_dir(entry.file_name())?,
                    false => dir.remove_file(entry.file_name())?,
                }
            }
        }
        Ok(())
    }

    fn open(&self, at: usize) -> io::Result<Dir> {
        let mut dir = self.root.try_clone()?;
        for step in self.names(at).chunks(STEP) {
            dir = dir.open_dir(step.iter().collect::<PathBuf>())?;
        }
        Ok(dir)
    }

    /// From the root.
    fn names(&self, mut at: usize) -> Vec<&OsStr> {
        let mut names = Vec::new();
        while let Some(folder) = self.folders.get(at).filter(|_| at > 0) {
            names.push(folder.name.as_os_str());
            at = folder.parent;
        }
        names.reverse();
        names
    }
}
