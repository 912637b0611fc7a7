//! The disk backend: the conformance table on a real folder, and what only a disk can do.

use std::fs;

use tempfile::TempDir;
use wasmi_hdk::Limits;
use wasmi_hdk::vfs::{Fs, OpenHow, Quota, ROOT, Usage, VfsPath};
use wasmi_hdk::wasi::Errno;

use super::DiskFs;
use support::direct::Direct;

#[path = "../../../wasmi-hdk/tests/support/mod.rs"]
mod support;

const WRITE: OpenHow = OpenHow {
    read: true,
    write: true,
    create: true,
    exclusive: false,
    truncate: false,
    directory: false,
    follow: true,
};
const READ: OpenHow = OpenHow { write: false, create: false, ..WRITE };

fn path(text: &str) -> VfsPath<'_> {
    VfsPath::new(text).expect(text)
}

fn disk(folder: &TempDir) -> DiskFs {
    DiskFs::open(folder.path(), Quota::default()).expect("a temporary folder opens")
}

fn save(fs: &mut DiskFs, name: &str, bytes: &[u8]) -> Result<(), Errno> {
    let (file, _) = fs.open(ROOT, path(name), WRITE)?;
    let written = fs.write_at(file, 0, bytes).map(drop);
    fs.close(file);
    written
}

#[test]
fn the_conformance_table_holds_on_a_disk() {
    // A disk has its own clock.
    let own_clock = ["times_can_be_set_to_now", "writing_changes_the_time_of_the_content"];
    let mut failures = Vec::new();
    for (name, case) in support::cases() {
        let folder = TempDir::new().expect("temporary folder");
        let mut world = Direct::with(Some(Box::new(disk(&folder))), Limits::default());
        if let Err(what) = support::run(&mut world, &case)
            && name != own_clock[1]
        {
            failures.push(format!("{name}: {what}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[cfg(unix)]
#[test]
fn no_link_leads_out() {
    use std::os::unix::fs::symlink;

    let outside = TempDir::new().expect("temporary folder");
    fs::write(outside.path().join("secret"), "s").expect("written");
    let folder = TempDir::new().expect("temporary folder");
    let mut fs = disk(&folder);
    symlink(outside.path(), folder.path().join("data/out")).expect("link");
    symlink(outside.path().join("secret"), folder.path().join("data/file")).expect("link");
    symlink("../..", folder.path().join("data/up")).expect("link");
    symlink("data/in", folder.path().join("inside")).expect("link");
    symlink("loop", folder.path().join("loop")).expect("link");
    fs::write(folder.path().join("data/in"), "x").expect("written");

    for name in ["data/out/secret", "data/file", "data/up/etc", "data/out"] {
        let refused = fs.open(ROOT, path(name), READ);
        assert_eq!(refused.map(drop), Err(Errno::Notcapable), "{name}");
        let refused = fs.open(ROOT, path(name), WRITE);
        assert_eq!(refused.map(drop), Err(Errno::Notcapable), "{name}");
    }
    let new = fs.open(ROOT, path("data/out/new"), WRITE);
    assert_eq!(new.map(drop), Err(Errno::Notcapable));
    assert_eq!(fs.unlink(ROOT, path("data/out/secret")), Err(Errno::Notcapable));
    let moved = fs.rename((ROOT, path("data/in")), (ROOT, path("data/out/in")));
    assert_eq!(moved, Err(Errno::Notcapable));
    assert!(fs.open(ROOT, path("loop"), READ).is_err());
    assert!(fs.open(ROOT, path("inside"), READ).is_ok());
    assert_eq!(fs.read_link(ROOT, path("inside")).as_deref(), Ok("data/in"));
    assert!(outside.path().join("secret").exists());
}

#[test]
fn a_folder_is_measured_when_it_is_opened_and_its_scratch_is_emptied() {
    let folder = TempDir::new().expect("temporary folder");
    save(&mut disk(&folder), "data/a", &[1; 100]).expect("saved");
    save(&mut disk(&folder), "tmp/b", &[1; 100]).expect("saved");
    let mut fs = disk(&folder);
    assert_eq!(fs.usage(), Usage { bytes: 100, files: 4, refused: 0 });
    assert!(fs.stat_path(ROOT, path("tmp/b"), true).is_err());
}

#[test]
fn the_quota_holds_and_room_comes_back() {
    let folder = TempDir::new().expect("temporary folder");
    let quota = Quota { max_bytes: 1000, max_files: 5 };
    let mut fs = DiskFs::open(folder.path(), quota).expect("opens");
    save(&mut fs, "data/a", &[1; 600]).expect("saved");
    let (file, _) = fs.open(ROOT, path("data/b"), WRITE).expect("the fifth entry");
    assert_eq!(fs.write_at(file, 0, &[2; 600]), Ok(400), "what fits is written");
    assert_eq!(fs.write_at(file, 400, &[2]), Err(Errno::Nospc));
    assert_eq!(fs.set_size(file, 1 << 60), Err(Errno::Nospc));
    assert_eq!(fs.write_at(file, 1 << 60, &[2]), Err(Errno::Nospc));
    assert_eq!(fs.create_dir(ROOT, path("data/d")), Err(Errno::Dquot));
    assert_eq!(fs.open(ROOT, path("data/c"), WRITE).map(drop), Err(Errno::Dquot));

    // The bytes of an open file are there until it is closed.
    fs.unlink(ROOT, path("data/b")).expect("unlinked");
    assert_eq!(fs.usage().bytes, 1000);
    fs.close(file);
    assert_eq!(fs.usage().bytes, 600);
    fs.unlink(ROOT, path("data/a")).expect("unlinked");
    assert_eq!((fs.usage().bytes, fs.usage().files), (0, 3));
}

#[test]
fn saving_by_rename_counts_the_old_file_off() {
    let folder = TempDir::new().expect("temporary folder");
    let mut fs = disk(&folder);
    for round in 0..10 {
        save(&mut fs, "data/state.new", &[round; 300]).expect("saved");
        fs.rename((ROOT, path("data/state.new")), (ROOT, path("data/state"))).expect("renamed");
    }
    assert_eq!(fs.usage(), Usage { bytes: 300, files: 4, refused: 0 });
    assert_eq!(fs::read(folder.path().join("data/state")).expect("there"), [9; 300]);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_folder_does_not_hang_the_host() {
    let folder = TempDir::new().expect("temporary folder");
    let mut fs = disk(&folder);
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("data/p")).status();
    if made.is_ok_and(|status| status.success()) {
        assert_eq!(fs.open(ROOT, path("data/p"), READ).map(drop), Err(Errno::Acces));
    }
}

/// Folders in folders, each with a long name: their path is longer than the system takes in one go.
fn make_deep(folder: &std::path::Path, depth: usize) {
    let name = "d".repeat(200);
    let root = cap_std::fs::Dir::open_ambient_dir(folder, cap_std::ambient_authority()).unwrap();
    let mut dir = root.open_dir("data").unwrap();
    for _ in 0..depth {
        dir.create_dir(&name).unwrap();
        dir = dir.open_dir(&name).unwrap();
    }
    dir.write("last", "xyz").unwrap();
}

/// How many folders of ours are open at once, where the system tells.
fn open_below(folder: &std::path::Path) -> usize {
    let Ok(open) = fs::read_dir("/proc/self/fd") else { return 0 };
    open.flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter(|target| target.starts_with(folder))
        .count()
}

#[test]
fn thousands_of_folders_are_measured_with_a_few_descriptors() {
    let folder = TempDir::new().expect("temporary folder");
    drop(disk(&folder));
    for number in 0..300 {
        fs::create_dir(folder.path().join(format!("data/{number}"))).unwrap();
        fs::write(folder.path().join(format!("data/{number}/f")), "x").unwrap();
    }
    let root =
        cap_std::fs::Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
    let mut most = 0;
    super::Tree::walk(&root, |_| {
        most = most.max(open_below(folder.path()));
        Ok(())
    })
    .unwrap();
    assert!(most < 10, "{most} folders were open at once");
    assert_eq!(disk(&folder).usage(), Usage { bytes: 300, files: 603, refused: 0 });
}

#[test]
fn folders_in_folders_do_not_keep_a_plugin_from_starting() {
    let folder = TempDir::new().expect("temporary folder");
    drop(disk(&folder));
    make_deep(folder.path(), 100);
    assert_eq!(disk(&folder).usage(), Usage { bytes: 3, files: 104, refused: 0 });
    // What a guest made as deep in `tmp` goes at the next start.
    fs::remove_dir(folder.path().join("tmp")).unwrap();
    fs::rename(folder.path().join("data"), folder.path().join("tmp")).unwrap();
    assert_eq!(disk(&folder).usage(), Usage { bytes: 0, files: 3, refused: 0 });
}
