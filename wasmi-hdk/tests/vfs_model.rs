//! `MemoryFs` against a naive twin: a flat map from full path to content.

#![allow(clippy::expect_used, clippy::panic, reason = "a failing test says where")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use wasmi_hdk::vfs::{FileType, Fs, MemoryFs, OpenHow, Quota, ROOT, Usage, VfsPath};
use wasmi_hdk::wasi::Errno;

#[derive(Clone, Debug)]
enum Op {
    Write { path: String, at: u8, bytes: Vec<u8> },
    SetSize { path: String, size: u8 },
    Read { path: String },
    List { path: String },
    CreateDir { path: String },
    RemoveDir { path: String },
    Unlink { path: String },
    Rename { from: String, to: String },
}

/// What an operation shows: bytes or names.
type Shown = Result<String, Errno>;

/// The twin: every path that exists, `None` for a folder. The root is not in it.
#[derive(Default)]
struct Naive(BTreeMap<String, Option<Vec<u8>>>);

impl Naive {
    fn is_dir(&self, path: &str) -> Result<bool, Errno> {
        if path.is_empty() {
            return Ok(true);
        }
        self.0.get(path).map(Option::is_none).ok_or(Errno::Noent)
    }

    /// Every folder above the path is there and is a folder.
    fn parents(&self, path: &str) -> Result<(), Errno> {
        for (at, _) in path.match_indices('/') {
            if !self.is_dir(&path[..at])? {
                return Err(Errno::Notdir);
            }
        }
        Ok(())
    }

    fn kind(&self, path: &str) -> Result<bool, Errno> {
        self.parents(path)?;
        self.is_dir(path)
    }

    fn children(&self, path: &str) -> Vec<&str> {
        let below = |key: &'_ str| {
            let (parent, _) = key.rsplit_once('/').unwrap_or(("", key));
            parent == path
        };
        self.0.keys().map(String::as_str).filter(|key| below(key)).collect()
    }

    fn apply(&mut self, op: &Op) -> Shown {
        match op {
            Op::Write { path, at, bytes } => {
                self.parents(path)?;
                if self.is_dir(path) == Ok(true) {
                    return Err(Errno::Isdir);
                }
                let content = self.0.entry(path.clone()).or_insert_with(|| Some(Vec::new()));
                let content = content.as_mut().expect("a file");
                let at = usize::from(*at);
                if !bytes.is_empty() {
                    content.resize(content.len().max(at + bytes.len()), 0);
                    content[at..at + bytes.len()].copy_from_slice(bytes);
                }
            }
            Op::SetSize { path, size } => {
                if self.kind(path)? {
                    return Err(Errno::Isdir);
                }
                let content = self.0.get_mut(path).and_then(Option::as_mut).expect("a file");
                content.resize(usize::from(*size), 0);
            }
            Op::Read { path } => {
                if self.kind(path)? {
                    return Err(Errno::Isdir);
                }
                return Ok(format!("{:?}", self.0[path].as_ref().expect("a file")));
            }
            Op::List { path } => {
                if !self.kind(path)? {
                    return Err(Errno::Notdir);
                }
                let names = self.children(path);
                let names = names.iter().map(|key| key.rsplit('/').next().expect("a name"));
                return Ok(format!("{:?}", names.collect::<Vec<_>>()));
            }
            Op::CreateDir { path } => {
                self.parents(path)?;
                if self.is_dir(path).is_ok() {
                    return Err(Errno::Exist);
                }
                self.0.insert(path.clone(), None);
            }
            Op::RemoveDir { path } => {
                if !self.kind(path)? {
                    return Err(Errno::Notdir);
                }
                if !self.children(path).is_empty() {
                    return Err(Errno::Notempty);
                }
                self.0.remove(path);
            }
            Op::Unlink { path } => {
                if self.kind(path)? {
                    return Err(Errno::Isdir);
                }
                self.0.remove(path);
            }
            Op::Rename { from, to } => return self.rename(from, to),
        }
        Ok(String::new())
    }

    fn rename(&mut self, from: &str, to: &str) -> Shown {
        self.parents(from)?;
        self.parents(to)?;
        let moves_dir = self.is_dir(from)?;
        if moves_dir && to.starts_with(&format!("{from}/")) {
            return Err(Errno::Inval);
        }
        if from == to {
            return Ok(String::new());
        }
        match (moves_dir, self.is_dir(to)) {
            (true, Ok(false)) => return Err(Errno::Notdir),
            (false, Ok(true)) => return Err(Errno::Isdir),
            (true, Ok(true)) if !self.children(to).is_empty() => return Err(Errno::Notempty),
            _ => {}
        }
        let moved: Vec<_> = self
            .0
            .keys()
            .filter(|key| *key == from || key.starts_with(&format!("{from}/")))
            .cloned()
            .collect();
        for key in moved {
            let content = self.0.remove(&key).expect("listed");
            self.0.insert(format!("{to}{}", &key[from.len()..]), content);
        }
        Ok(String::new())
    }

    fn usage(&self) -> (u64, u64) {
        let bytes: usize = self.0.values().flatten().map(Vec::len).sum();
        (u64::try_from(bytes).expect("small"), u64::try_from(self.0.len()).expect("small"))
    }
}

fn apply(fs: &mut MemoryFs, op: &Op) -> Shown {
    let path =
        |text: &'_ str| VfsPath::new(if text.is_empty() { "." } else { text }.to_owned().leak());
    let write = OpenHow { read: true, write: true, create: true, ..OpenHow::default() };
    let mut with = |text: &str, how, run: &dyn Fn(&mut MemoryFs, _, _) -> Shown| {
        let (handle, file_type) = fs.open(ROOT, path(text)?, how)?;
        let shown = run(fs, handle, file_type);
        fs.close(handle);
        shown
    };
    match op {
        Op::Write { path, at, bytes } => with(path, write, &|fs, file, _| {
            let written = fs.write_at(file, u64::from(*at), bytes)?;
            assert_eq!(written, bytes.len());
            Ok(String::new())
        }),
        Op::SetSize { path, size } => {
            with(path, OpenHow { create: false, ..write }, &|fs, file, _| {
                fs.set_size(file, u64::from(*size)).map(|()| String::new())
            })
        }
        Op::Read { path } => with(path, OpenHow::default(), &|fs, file, _| {
            let mut bytes = vec![0; 1000];
            let count = fs.read_at(file, 0, &mut bytes)?;
            Ok(format!("{:?}", &bytes[..count]))
        }),
        Op::List { path } => with(path, OpenHow::default(), &|fs, dir, file_type| {
            if file_type != FileType::Directory {
                return Err(Errno::Notdir);
            }
            let names: Vec<_> = fs.read_dir(dir)?.into_iter().map(|entry| entry.name).collect();
            Ok(format!("{names:?}"))
        }),
        Op::CreateDir { path: text } => fs.create_dir(ROOT, path(text)?).map(|()| String::new()),
        Op::RemoveDir { path: text } => fs.remove_dir(ROOT, path(text)?).map(|()| String::new()),
        Op::Unlink { path: text } => fs.unlink(ROOT, path(text)?).map(|()| String::new()),
        Op::Rename { from, to } => {
            fs.rename((ROOT, path(from)?), (ROOT, path(to)?)).map(|()| String::new())
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec("[abc]", 1..4).prop_map(|parts| parts.join("/"))
}

fn op() -> impl Strategy<Value = Op> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        (name(), any::<u8>(), bytes).prop_map(|(path, at, bytes)| Op::Write { path, at, bytes }),
        (name(), any::<u8>()).prop_map(|(path, size)| Op::SetSize { path, size }),
        name().prop_map(|path| Op::Read { path }),
        prop_oneof![name(), Just(String::new())].prop_map(|path| Op::List { path }),
        name().prop_map(|path| Op::CreateDir { path }),
        name().prop_map(|path| Op::CreateDir { path }),
        name().prop_map(|path| Op::RemoveDir { path }),
        name().prop_map(|path| Op::Unlink { path }),
        (name(), name()).prop_map(|(from, to)| Op::Rename { from, to }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_operation_shows_what_the_naive_twin_shows(ops in proptest::collection::vec(op(), 1..60)) {
        let mut fs = MemoryFs::empty(Quota::default());
        let mut naive = Naive::default();
        for op in &ops {
            prop_assert_eq!(apply(&mut fs, op), naive.apply(op), "{:?}", op);
            let Usage { bytes, files, .. } = fs.usage();
            prop_assert_eq!((bytes, files), naive.usage(), "{:?}", op);
        }
    }

    #[test]
    fn no_sequence_of_operations_passes_the_quota(ops in proptest::collection::vec(op(), 1..60)) {
        let quota = Quota { max_bytes: 100, max_files: 4 };
        let mut fs = MemoryFs::empty(quota);
        for op in &ops {
            if let Op::Write { path, at, bytes } = op {
                let how = OpenHow { write: true, create: true, ..OpenHow::default() };
                let path = VfsPath::new(path).expect("legal");
                if let Ok((file, _)) = fs.open(ROOT, path, how) {
                    let left = usize::try_from(100 - fs.usage().bytes).expect("small");
                    let old = usize::try_from(fs.stat(file).expect("open").size).expect("small");
                    match fs.write_at(file, u64::from(*at), bytes) {
                        Ok(count) => prop_assert!(count == bytes.len() || count < old + left),
                        Err(errno) => prop_assert_eq!(errno, Errno::Nospc),
                    }
                    fs.close(file);
                }
            } else {
                let _shown = apply(&mut fs, op);
            }
            prop_assert!(fs.usage().bytes <= 100 && fs.usage().files <= 4, "{:?}", op);
        }
    }
}

#[test]
fn a_thousand_nested_folders_are_dropped_without_recursion() {
    let mut fs = MemoryFs::empty(Quota { max_bytes: 0, max_files: 200_000 });
    let mut at = ROOT;
    let folder = OpenHow { directory: true, ..OpenHow::default() };
    let name = VfsPath::new("d").expect("legal");
    for _ in 0..100_000 {
        fs.create_dir(at, name).expect("room");
        let (below, _) = fs.open(at, name, folder).expect("made");
        fs.close(at);
        at = below;
    }
    assert_eq!(fs.usage().files, 100_000);
    drop(fs);
}

#[test]
fn a_tree_is_carried_out_and_in() {
    let mut fs = MemoryFs::new();
    fs.write_file("data/a/b", b"x").expect("stored");
    fs.write_file("config/c", b"y").expect("stored");
    let mut copy = MemoryFs::empty(Quota::default());
    for (path, bytes) in fs.files() {
        match bytes {
            Some(bytes) => copy.write_file(&path, bytes).expect("stored"),
            None => copy.create_dir(ROOT, VfsPath::new(&path).expect("legal")).expect("made"),
        }
    }
    assert_eq!(copy.read_file("data/a/b"), Ok(&b"x"[..]));
    assert_eq!(copy.usage(), fs.usage());
    assert_eq!(fs.read_file("data/a"), Err(Errno::Isdir));
    assert_eq!(fs.write_file("data/a", b""), Err(Errno::Isdir));
    assert_eq!(fs.write_file("data/../../x", b""), Err(Errno::Notcapable));
}

#[test]
fn a_read_only_tree_answers_erofs() {
    let mut fs = MemoryFs::new().read_only();
    let path = VfsPath::new("data/f").expect("legal");
    let write = OpenHow { write: true, create: true, ..OpenHow::default() };
    assert_eq!(fs.open(ROOT, path, write).map(drop), Err(Errno::Rofs));
    assert_eq!(fs.create_dir(ROOT, path), Err(Errno::Rofs));
    fs.write_file("data/f", b"the host may").expect("stored");
    assert_eq!(fs.unlink(ROOT, path), Err(Errno::Rofs));
    assert_eq!(fs.set_times_path(ROOT, path, true, Default::default()), Err(Errno::Rofs));
    assert!(fs.open(ROOT, path, OpenHow::default()).is_ok());
}
