//! The tree itself: walking, making and dropping nodes. No WASI rule is here.

use std::collections::BTreeMap;

use super::{Content, Ino, MemoryFs, Node};
use crate::vfs::{Handle, Step, VfsPath};
use crate::wasi::Errno;

impl MemoryFs {
    pub(super) fn node(&self, ino: Ino) -> Result<&Node, Errno> {
        self.nodes.get(&ino).ok_or(Errno::Noent)
    }

    pub(super) fn node_mut(&mut self, ino: Ino) -> Result<&mut Node, Errno> {
        self.nodes.get_mut(&ino).ok_or(Errno::Noent)
    }

    pub(super) fn ino(&self, handle: Handle) -> Result<Ino, Errno> {
        self.handles.get(&handle).copied().ok_or(Errno::Badf)
    }

    pub(super) fn entries(&self, ino: Ino) -> Result<&BTreeMap<String, Ino>, Errno> {
        match &self.node(ino)?.content {
            Content::Folder { entries, .. } => Ok(entries),
            Content::File(_) => Err(Errno::Notdir),
        }
    }

    fn entries_mut(&mut self, ino: Ino) -> Result<&mut BTreeMap<String, Ino>, Errno> {
        match &mut self.node_mut(ino)?.content {
            Content::Folder { entries, .. } => Ok(entries),
            Content::File(_) => Err(Errno::Notdir),
        }
    }

    pub(super) fn parent(&self, ino: Ino) -> Result<Ino, Errno> {
        match &self.node(ino)?.content {
            Content::Folder { parent, .. } => Ok(*parent),
            Content::File(_) => Err(Errno::Notdir),
        }
    }

    pub(super) fn step(&self, folder: Ino, step: Step<'_>) -> Result<Ino, Errno> {
        match step {
            Step::Parent => self.parent(folder),
            Step::Name(name) => self.entries(folder)?.get(name).copied().ok_or(Errno::Noent),
        }
    }

    /// Follows a path to what is there. A path that can only mean a folder
    /// finds only a folder.
    pub(super) fn walk(&self, from: Ino, path: VfsPath<'_>) -> Result<Ino, Errno> {
        let mut at = from;
        self.entries(at)?;
        for step in path.steps() {
            at = self.step(at, step)?;
        }
        if path.wants_directory() {
            self.entries(at)?;
        }
        Ok(at)
    }

    /// Follows a path to the folder that holds, or would hold, its last name.
    ///
    /// # Errors
    /// `EINVAL` when the last step is no name: `.`, `a/..`.
    pub(super) fn walk_to_parent<'p>(
        &self,
        from: Ino,
        path: VfsPath<'p>,
    ) -> Result<(Ino, &'p str), Errno> {
        let mut steps = path.steps();
        let Some(Step::Name(name)) = steps.next_back() else { return Err(Errno::Inval) };
        let mut at = from;
        for step in steps {
            at = self.step(at, step)?;
        }
        self.entries(at)?;
        Ok((at, name))
    }

    pub(super) fn new_node(&self, content: Content) -> Node {
        Node {
            content,
            links: 0,
            opens: 0,
            accessed: self.now,
            modified: self.now,
            changed: self.now,
        }
    }

    pub(super) fn new_folder(&self, parent: Ino) -> Node {
        self.new_node(Content::Folder { entries: BTreeMap::new(), parent })
    }

    /// Puts a node that the quota has already been asked for into a folder.
    pub(super) fn insert_new(&mut self, folder: Ino, name: &str, node: Node) -> Ino {
        let ino = self.next_ino;
        self.next_ino += 1;
        self.nodes.insert(ino, node);
        self.attach(folder, name, ino);
        ino
    }

    pub(super) fn make_folder(&mut self, folder: Ino, step: Step<'_>) -> Result<Ino, Errno> {
        let Step::Name(name) = step else { return Err(Errno::Exist) };
        self.meter.add_file()?;
        let node = self.new_folder(folder);
        Ok(self.insert_new(folder, name, node))
    }

    pub(super) fn make_file(&mut self, folder: Ino, step: Step<'_>) -> Result<Ino, Errno> {
        let Step::Name(name) = step else { return Err(Errno::Isdir) };
        self.meter.add_file()?;
        let node = self.new_node(Content::File(Vec::new()));
        Ok(self.insert_new(folder, name, node))
    }

    /// Gives a node a name; the quota has been asked.
    pub(super) fn attach(&mut self, folder: Ino, name: &str, ino: Ino) {
        let now = self.now;
        if let Ok(entries) = self.entries_mut(folder) {
            entries.insert(name.to_owned(), ino);
        }
        self.touch(folder);
        if let Ok(node) = self.node_mut(ino) {
            node.links += 1;
            node.changed = now;
            if let Content::Folder { parent, .. } = &mut node.content {
                *parent = folder;
            }
        }
    }

    /// Takes a name away, without counting; the node stays until `drop_unused`.
    pub(super) fn detach(&mut self, folder: Ino, name: &str) -> Result<Ino, Errno> {
        let ino = self.entries_mut(folder)?.remove(name).ok_or(Errno::Noent)?;
        self.touch(folder);
        let now = self.now;
        let node = self.node_mut(ino)?;
        node.links = node.links.saturating_sub(1);
        node.changed = now;
        Ok(ino)
    }

    /// Removes a name for good: counted, and its node dropped when nothing holds it.
    pub(super) fn remove(&mut self, folder: Ino, name: &str) -> Result<(), Errno> {
        let ino = self.detach(folder, name)?;
        self.meter.remove_file();
        self.drop_unused(ino);
        Ok(())
    }

    pub(super) fn drop_unused(&mut self, ino: Ino) {
        let unused = self.nodes.get(&ino).is_some_and(|node| node.links == 0 && node.opens == 0);
        if let Some(node) = unused.then(|| self.nodes.remove(&ino)).flatten() {
            let _shrinks = self.meter.resize(len(&node), 0);
        }
    }

    pub(super) fn replace_content(&mut self, ino: Ino, bytes: &[u8]) -> Result<(), Errno> {
        let old = len(self.node(ino)?);
        let now = self.now;
        if Self::file_type(self.node(ino)?) == crate::vfs::FileType::Directory {
            return Err(Errno::Isdir);
        }
        self.meter.resize(old, u64::try_from(bytes.len())?)?;
        let node = self.node_mut(ino)?;
        node.content = Content::File(bytes.to_vec());
        node.modified = now;
        node.changed = now;
        Ok(())
    }

    pub(super) fn touch(&mut self, ino: Ino) {
        let now = self.now;
        if let Ok(node) = self.node_mut(ino) {
            node.modified = now;
            node.changed = now;
        }
    }
}

/// Length of the content; 0 for a folder.
pub(super) fn len(node: &Node) -> u64 {
    match &node.content {
        Content::File(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        Content::Folder { .. } => 0,
    }
}
