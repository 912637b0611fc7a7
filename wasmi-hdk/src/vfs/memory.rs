//! `MemoryFs`: a tree of files in memory, for tests, browsers and plugins without a disk.
//!
//! Nodes live in one map by number, so that a thousand nested folders are
//! dropped without recursion, and an open file outlives its name. Symbolic
//! links are refused (`ENOTSUP`): no guest of ours needs one, and without them
//! no path can leave the root. How a tree is kept between runs is the edge's
//! matter: `MemoryFs::files` and `MemoryFs::write_file` carry it out and in.

mod ops;
mod tree;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{FOLDERS, FileType, Handle, Meter, Quota, ROOT, Usage, VfsPath};
use crate::wasi::Errno;

/// Number of a node.
type Ino = u64;
/// The root folder's node.
const ROOT_INO: Ino = 1;

/// A tree of files in memory with a quota.
#[derive(Debug)]
pub struct MemoryFs {
    nodes: BTreeMap<Ino, Node>,
    handles: BTreeMap<Handle, Ino>,
    next_ino: Ino,
    next_handle: u64,
    meter: Meter,
    read_only: bool,
    now: Duration,
}

#[derive(Debug)]
struct Node {
    content: Content,
    /// Names (a folder has one; the root counts as named).
    links: u64,
    /// Open handles; a node goes when neither is left.
    opens: u64,
    accessed: Duration,
    modified: Duration,
    changed: Duration,
}

#[derive(Debug)]
enum Content {
    File(Vec<u8>),
    Folder { entries: BTreeMap<String, Ino>, parent: Ino },
}

impl MemoryFs {
    /// A tree with `data/`, `config/` and `tmp/` and the default quota.
    #[must_use]
    pub fn new() -> Self {
        Self::with_quota(Quota::default())
    }

    /// A tree with `data/`, `config/` and `tmp/`. The three are made even if
    /// the quota is smaller.
    #[must_use]
    pub fn with_quota(quota: Quota) -> Self {
        let mut fs = Self::empty(Quota { max_bytes: 0, max_files: u64::MAX });
        for folder in FOLDERS {
            fs.insert_new(ROOT_INO, folder, fs.new_folder(ROOT_INO));
        }
        let files = u64::try_from(FOLDERS.len()).unwrap_or(u64::MAX);
        fs.meter = Meter::new(quota, Usage { files, ..Usage::default() });
        fs
    }

    /// A tree with nothing in it.
    #[must_use]
    pub fn empty(quota: Quota) -> Self {
        let mut fs = Self {
            nodes: BTreeMap::new(),
            handles: BTreeMap::from([(ROOT, ROOT_INO)]),
            next_ino: ROOT_INO + 1,
            next_handle: ROOT.0 + 1,
            meter: Meter::new(quota, Usage::default()),
            read_only: false,
            now: Duration::ZERO,
        };
        let mut root = fs.new_folder(ROOT_INO);
        root.links = 1;
        root.opens = 1;
        fs.nodes.insert(ROOT_INO, root);
        fs
    }

    /// From now on every change answers `EROFS`.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Stores a whole file, making the folders above it. For the host's side:
    /// it counts against the quota, but works on a read-only tree.
    ///
    /// # Errors
    /// `ENOSPC`, `EDQUOT`, or what is wrong with the path.
    pub fn write_file(&mut self, path: &str, bytes: &[u8]) -> Result<(), Errno> {
        let path = VfsPath::new(path)?;
        let mut folder = ROOT_INO;
        let mut steps = path.steps().peekable();
        while let Some(step) = steps.next() {
            if steps.peek().is_some() {
                folder = match self.step(folder, step) {
                    Ok(found) => found,
                    Err(Errno::Noent) => self.make_folder(folder, step)?,
                    Err(other) => return Err(other),
                };
            } else {
                let ino = match self.step(folder, step) {
                    Ok(found) => found,
                    Err(Errno::Noent) => self.make_file(folder, step)?,
                    Err(other) => return Err(other),
                };
                return self.replace_content(ino, bytes);
            }
        }
        Err(Errno::Isdir)
    }

    /// The content of a file.
    ///
    /// # Errors
    /// `ENOENT`, `EISDIR`, or what is wrong with the path.
    pub fn read_file(&self, path: &str) -> Result<&[u8], Errno> {
        let ino = self.walk(ROOT_INO, VfsPath::new(path)?)?;
        match &self.node(ino)?.content {
            Content::File(bytes) => Ok(bytes),
            Content::Folder { .. } => Err(Errno::Isdir),
        }
    }

    /// Every file with its path and content, and every folder (`None`), parents first.
    pub fn files(&self) -> impl Iterator<Item = (String, Option<&[u8]>)> {
        let mut open = vec![(String::new(), ROOT_INO)];
        let mut found = Vec::new();
        while let Some((prefix, ino)) = open.pop() {
            let Some(Content::Folder { entries, .. }) = self.nodes.get(&ino).map(|n| &n.content)
            else {
                continue;
            };
            for (name, child) in entries {
                let path =
                    if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
                match self.nodes.get(child).map(|node| &node.content) {
                    Some(Content::File(bytes)) => found.push((path, Some(bytes.as_slice()))),
                    Some(Content::Folder { .. }) => {
                        open.push((path.clone(), *child));
                        found.push((path, None));
                    }
                    None => {}
                }
            }
        }
        found.into_iter()
    }

    fn file_type(node: &Node) -> FileType {
        match node.content {
            Content::File(_) => FileType::RegularFile,
            Content::Folder { .. } => FileType::Directory,
        }
    }
}

impl Default for MemoryFs {
    fn default() -> Self {
        Self::new()
    }
}
