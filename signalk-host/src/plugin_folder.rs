//! A plugin's own folder: `plugin-config-data/ID/vfs` is its `/` (plugin ABI 9). Opened for each start, and filled once
//! with what the plugin's Node version left behind. Its files behind WASI are `disk_fs`.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Component, Path, PathBuf},
};

use signalk_core::Quota;
use wasmi_hdk::vfs::Fs;

use crate::disk_fs::DiskFs;

/// What was taken over, by name; while it is missing beside data of old times, they are taken over.
const MARKER: &str = ".migrated";

/// Opens it, made when missing. Errors are in words, with the folder and the remedy.
pub(crate) fn open(config: &Path, id: &str, quota: Quota) -> Result<Box<dyn Fs>, String> {
    let mut parts = Path::new(id).components();
    if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
        return Err(format!("`{id}` cannot name a folder; rename the package"));
    }
    let own = config.join("plugin-config-data").join(id);
    let folder = own.join("vfs");
    let opened = take_over(&own, &folder, id, quota).and_then(|()| DiskFs::open(&folder, quota));
    match opened {
        Ok(fs) => Ok(Box::new(fs)),
        Err(error) => Err(format!(
            "{}: cannot be opened: {error}; the plugin keeps its files there: allow it, or move away what lies there",
            folder.display()
        )),
    }
}

/// Copies the regular files of the plugin's Node version to `vfs/data`, the originals stay. `vfs` appears whole or not
/// at all: after a power cut it is done anew.
fn take_over(own: &Path, folder: &Path, id: &str, quota: Quota) -> io::Result<()> {
    if fs::symlink_metadata(folder).is_ok() {
        return Ok(());
    }
    let old = regular_files(own)?;
    if old.is_empty() {
        return Ok(());
    }
    let half_made = own.join("vfs.new");
    match fs::remove_dir_all(&half_made) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let data = half_made.join("data");
    fs::create_dir_all(&data)?;
    let mut room = quota.max_bytes;
    // The three folders and the marker are entries too.
    let mut entries = quota.max_files.saturating_sub(4);
    let mut names = String::new();
    for (path, length) in old {
        let Some(name) = path.file_name() else { continue };
        if length > room || entries == 0 {
            tracing::warn!(
                "{id}: {} was not taken over into the plugin's files: they would be more than its quota (storageMiB, storageFiles); it stays where it is",
                path.display()
            );
            continue;
        }
        copy_durably(&path, &data.join(name))?;
        (room, entries) = (room - length, entries - 1);
        names.push_str(&name.to_string_lossy());
        names.push('\n');
    }
    write_durably(&half_made.join(MARKER), names.as_bytes())?;
    for folder in [&data, &half_made] {
        File::open(folder)?.sync_all()?;
    }
    fs::rename(&half_made, folder)?;
    File::open(own)?.sync_all()?;
    tracing::info!(
        "{id}: took over {} files of its data folder into {}",
        names.lines().count(),
        folder.display()
    );
    Ok(())
}

/// At the top only, by name; no links: they may lead anywhere.
fn regular_files(folder: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let metadata = fs::symlink_metadata(&path)?;
        if metadata.is_file() {
            found.push((path, metadata.len()));
        }
    }
    found.sort();
    Ok(found)
}

fn copy_durably(from: &Path, to: &Path) -> io::Result<()> {
    let mut copy = File::create(to)?;
    io::copy(&mut File::open(from)?, &mut copy)?;
    copy.sync_all()
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use wasmi_hdk::{
        vfs::{OpenHow, ROOT, VfsPath},
        wasi::Errno,
    };

    use super::*;

    fn opened(config: &Path, quota: Quota) -> Box<dyn Fs> {
        open(config, "p", quota).unwrap_or_else(|error| panic!("{error}"))
    }

    fn text(fs: &mut dyn Fs, path: &str) -> Result<String, Errno> {
        let how = OpenHow { read: true, ..OpenHow::default() };
        let (file, _) = fs.open(ROOT, VfsPath::new(path)?, how)?;
        let mut buffer = [0; 100];
        let length = fs.read_at(file, 0, &mut buffer)?;
        fs.close(file);
        Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    fn write(config: &Path, name: &str, text: &str) {
        let path = config.join("plugin-config-data/p").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// W44, plugin ABI 9: once, at the top only, the originals stay.
    #[test]
    fn w44_files_of_the_node_version_are_taken_over_once() {
        let config = tempfile::tempdir().unwrap();
        write(config.path(), "state.json", "old");
        write(config.path(), "more.txt", "more");
        write(config.path(), "folder/inner.txt", "inner");
        write(config.path(), "vfs.new/data/torn", "of a power cut");
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", config.path().join("plugin-config-data/p/link"))
            .unwrap();
        let mut files = opened(config.path(), Quota::default());
        assert_eq!(text(&mut *files, "data/state.json").as_deref(), Ok("old"));
        assert_eq!(text(&mut *files, ".migrated").as_deref(), Ok("more.txt\nstate.json\n"));
        for absent in ["data/inner.txt", "data/folder", "data/link", "data/torn"] {
            assert_eq!(text(&mut *files, absent), Err(Errno::Noent), "{absent}");
        }
        drop(files);
        let own = config.path().join("plugin-config-data/p");
        assert_eq!(fs::read_to_string(own.join("state.json")).unwrap(), "old");
        assert!(!own.join("vfs.new").exists());
        fs::remove_file(own.join("vfs/data/state.json")).unwrap();
        fs::write(own.join("late.txt"), "late").unwrap();
        let mut files = opened(config.path(), Quota::default());
        for absent in ["data/state.json", "data/late.txt"] {
            assert_eq!(text(&mut *files, absent), Err(Errno::Noent), "{absent}");
        }
    }

    #[test]
    fn w44_what_does_not_fit_the_quota_stays_where_it_is() {
        let config = tempfile::tempdir().unwrap();
        write(config.path(), "a-large", &"x".repeat(900));
        write(config.path(), "b-small", "small");
        write(config.path(), "c-large", &"x".repeat(900));
        let quota = Quota { max_bytes: 1000, max_files: 100 };
        let mut files = opened(config.path(), quota);
        assert_eq!(text(&mut *files, "data/b-small").as_deref(), Ok("small"));
        assert_eq!(text(&mut *files, "data/c-large"), Err(Errno::Noent));
        assert!(files.usage().bytes <= 1000, "{:?}", files.usage());
    }

    #[test]
    fn a_new_plugin_gets_an_empty_folder_and_no_marker() {
        let config = tempfile::tempdir().unwrap();
        drop(opened(config.path(), Quota::default()));
        let own = config.path().join("plugin-config-data/p/vfs");
        let mut names: Vec<_> =
            fs::read_dir(own).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["config", "data", "tmp"]);
    }

    #[test]
    fn an_id_that_is_no_name_opens_nothing() {
        let config = tempfile::tempdir().unwrap();
        for id in ["..", ".", "", "/etc", "a/b", "../x"] {
            let refused = open(config.path(), id, Quota::default()).err().unwrap();
            assert!(refused.contains("cannot name a folder"), "{id}: {refused}");
        }
        assert!(fs::read_dir(config.path()).unwrap().next().is_none());
    }
}
