//! The configuration directory: the one of signalk-server, so that an existing `~/.signalk` works. Reads the texts that
//! the core understands, and saves files so that a power cut at any moment leaves the old or the new one.
//!
//! What a plugin keeps in its own folder is not here: `disk_fs`. What the texts mean is `signalk_core::config`.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Component, Path, PathBuf},
};

use signalk_core::{ConfigTexts, Secret, keep_foreign_changes};

/// A configuration directory that exists and can be read.
#[derive(Debug, Clone)]
pub(crate) struct ConfigDir {
    root: PathBuf,
}

/// Why there is no configuration directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DirError {
    /// Neither an option nor a home.
    #[error("no configuration directory: HOME is not set; name one with --config DIR")]
    NoHome,
    /// A file lies where the directory should be.
    #[error("configuration directory {0}: this is a file; name a directory with --config DIR")]
    IsFile(PathBuf),
    /// Missing, and cannot be made.
    #[error("configuration directory {0}: cannot be created: {1}; name another with --config DIR")]
    Create(PathBuf, io::Error),
    /// There, and cannot be listed.
    #[error(
        "configuration directory {0}: cannot be read: {1}; allow it to this user or name another with --config DIR"
    )]
    Unreadable(PathBuf, io::Error),
}

impl ConfigDir {
    /// Opens the directory, made when missing. Without a name it is `~/.signalk`.
    pub(crate) fn open(named: Option<PathBuf>) -> Result<ConfigDir, DirError> {
        let root = match named {
            Some(root) => root,
            None => std::env::home_dir()
                .filter(|home| !home.as_os_str().is_empty())
                .ok_or(DirError::NoHome)?
                .join(".signalk"),
        };
        match fs::read_dir(&root) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_folders(&root, &mut sync)
                    .map_err(|error| DirError::Create(root.clone(), error))?;
                tracing::info!("made a new configuration directory: {}", root.display());
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(DirError::IsFile(root));
            }
            Err(error) => return Err(DirError::Unreadable(root, error)),
        }
        Ok(ConfigDir { root })
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.root
    }

    /// What the core wants to know at the start. A file that cannot be read is a complaint, not the end.
    pub(crate) fn read_texts(&self) -> ConfigTexts {
        let mut complaints = Vec::new();
        let mut read = |name: &str| read_text(&self.root.join(name), &mut complaints);
        let (settings, base_deltas) = (read("settings.json"), read("baseDeltas.json"));
        let defaults = read("defaults.json");
        let security = self.read_security(&mut complaints);
        let plugin_options = self.read_plugin_options(&mut complaints);
        // Only a memory: without it plugins are asked again.
        let plugin_descriptions =
            fs::read_to_string(self.root.join("plugin-descriptions.json")).ok();
        ConfigTexts {
            settings,
            base_deltas,
            defaults,
            security,
            plugin_options,
            plugin_descriptions,
            complaints,
        }
    }

    /// Never the generation before: nobody here writes one, so it is a copy of any age, with users and devices whose
    /// rights were taken away since. A file that cannot be read is not none, and neither is one of which only a copy is
    /// left: then everybody would be let in.
    fn read_security(&self, complaints: &mut Vec<String>) -> Option<Secret> {
        let path = self.root.join("security.json");
        let backup = beside(&path, ".bak");
        let is_there = |path: &Path| {
            let found = fs::symlink_metadata(path);
            !found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        match fs::read_to_string(&path) {
            Ok(text) => return Some(Secret::from(text)),
            Err(error) if is_there(&path) => complaints.push(unreadable(&path, &error)),
            Err(_) if is_there(&backup) => complaints.push(format!(
                "{}: missing, and {} is there: nobody can log in until the copy is put back or taken away",
                path.display(),
                backup.display()
            )),
            Err(_) => return None,
        }
        Some(Secret::from(String::new()))
    }

    fn read_plugin_options(&self, complaints: &mut Vec<String>) -> BTreeMap<String, String> {
        let folder = self.root.join("plugin-config-data");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    complaints.push(unreadable(&folder, &error));
                }
                return BTreeMap::new();
            }
        };
        let mut options = BTreeMap::new();
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let id = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json"));
            let Some(id) = id else { continue };
            // One that is there and cannot be read is not none: the plugin would run without what its owner decided.
            let text = read_text(&path, complaints).unwrap_or_default();
            options.insert(id.to_owned(), text);
        }
        options
    }

    /// [`ConfigDir::save`] of a file that its owner may have written into by hand since it was as `before`: what he
    /// changed is kept, and the text with it is the answer.
    pub(crate) fn save_shared(
        &self,
        name: &str,
        bytes: &[u8],
        before: Option<&[u8]>,
    ) -> Result<Option<String>, String> {
        let disk = before.and_then(|_| fs::read(self.root.join(name)).ok());
        let foreign = before
            .zip(disk.as_deref())
            .and_then(|(before, disk)| keep_foreign_changes(before, bytes, disk));
        self.save(name, foreign.as_deref().map_or(bytes, str::as_bytes))?;
        Ok(foreign)
    }

    /// The options file of a plugin, if there is one that can be read.
    pub(crate) fn read_options(&self, plugin: &str) -> Option<String> {
        fs::read_to_string(self.root.join("plugin-config-data").join(format!("{plugin}.json"))).ok()
    }

    /// Saves a file of this directory: durable on disk when this returns, the previous one kept as `NAME.bak`.
    pub(crate) fn save(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || name.is_empty() {
            return Err(format!("{name}: not a name inside the configuration directory"));
        }
        let path = self.root.join(name);
        save_atomically(&path, bytes).map_err(|error| {
            format!(
                "{}: cannot be saved: {error}; what was saved before is unchanged",
                path.display()
            )
        })
    }
}

/// Makes a folder and those above it that are missing. Each new name is durable when this returns: a file in a folder
/// whose own name is lost is lost, too.
pub(crate) fn make_folders(
    folder: &Path,
    sync: &mut impl FnMut(&Path) -> io::Result<()>,
) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(Path::new("/"));
    make_folders(above, sync)?;
    match fs::create_dir(folder) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made?,
    }
    sync(above)
}

/// What a folder lists is on the disk when this returns.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(here)?.sync_all()
}

/// Temporary file, fsync, previous generation aside, rename, fsync of the folder.
fn save_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folders(folder, &mut sync)?;
    let temporary = beside(path, ".tmp");
    let written = write_durably(&temporary, bytes).and_then(|()| {
        keep_previous(path)?;
        fs::rename(&temporary, path)?;
        sync(folder)
    });
    if written.is_err() {
        // A full disk: what was half written only takes room.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A hard link: at no moment is the file itself missing. What is damaged does not take the place of a whole generation,
/// which may be the one that we have started from: a cut before the rename would leave nothing to start from.
fn keep_previous(path: &Path) -> io::Result<()> {
    let backup = beside(path, ".bak");
    if !is_whole(path) && is_whole(&backup) {
        return Ok(());
    }
    let fresh = beside(path, ".bak.tmp");
    let _ = fs::remove_file(&fresh);
    match fs::hard_link(path, &fresh) {
        Ok(()) => fs::rename(&fresh, &backup),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // A file system without hard links (FAT on a boat's SD card).
        Err(_) => fs::copy(path, &backup).map(drop),
    }
}

/// A file's text; when it is damaged, the generation before.
fn read_text(path: &Path, complaints: &mut Vec<String>) -> Option<String> {
    match fs::read_to_string(path) {
        Ok(text) if whole_json(&text) => Some(text),
        Ok(text) => {
            let previous =
                fs::read_to_string(beside(path, ".bak")).ok().filter(|text| whole_json(text));
            let Some(previous) = previous else { return Some(text) };
            complaints.push(format!(
                "{}: damaged; using the generation before it, {}",
                path.display(),
                beside(path, ".bak").display()
            ));
            Some(previous)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            complaints.push(unreadable(path, &error));
            None
        }
    }
}

fn is_whole(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| whole_json(&text))
}

fn whole_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Why a file or folder of the configuration cannot be read, in words, with the remedy.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::IsADirectory => "a folder lies where a file belongs: move it away",
        io::ErrorKind::NotADirectory => "a file lies where a folder belongs: move it away",
        io::ErrorKind::PermissionDenied => "allow it to the user that runs the server",
        io::ErrorKind::InvalidData => "it is not text: restore it from a copy or remove it",
        _ => "it is left out",
    };
    format!("{}: cannot be read: {error}; {remedy}", path.display())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(suffix);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir() -> (tempfile::TempDir, ConfigDir) {
        let temp = tempfile::tempdir().unwrap();
        let dir = ConfigDir::open(Some(temp.path().join("new/.signalk"))).unwrap();
        (temp, dir)
    }

    #[test]
    fn a_file_is_replaced_whole_and_the_one_before_is_kept() {
        let (_temp, dir) = dir();
        for text in ["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"] {
            dir.save("plugin-config-data/p.json", text.as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(read("plugin-config-data/p.json"), "{\"a\":3}");
        assert_eq!(read("plugin-config-data/p.json.bak"), "{\"a\":2}");
        let files = fs::read_dir(dir.path().join("plugin-config-data")).unwrap().count();
        assert_eq!(files, 2, "no temporary file stays");
        assert_eq!(dir.read_texts().plugin_options.len(), 1);
    }

    #[test]
    fn what_an_owner_wrote_by_hand_since_is_in_what_is_saved() {
        let (_temp, dir) = dir();
        let (name, before, ours) = ("plugin-config-data/p.json", br#"{"a":1}"#, br#"{"a":2}"#);
        let save = || dir.save_shared(name, ours, Some(before));
        assert_eq!(save(), Ok(None), "there was no file");
        fs::write(dir.path().join(name), r#"{"a":1,"egress":{}}"#).unwrap();
        let merged = save().unwrap().unwrap();
        assert_eq!(dir.read_options("p").as_deref(), Some(merged.as_str()));
        assert!(merged.contains("egress") && merged.contains(": 2"), "{merged}");
        assert_eq!(dir.save_shared(name, ours, None), Ok(None), "a file of ours alone");
        assert_eq!(dir.read_options("p").as_deref(), Some(r#"{"a":2}"#));
    }

    #[test]
    fn options_that_cannot_be_read_are_not_none() {
        let (_temp, dir) = dir();
        fs::create_dir_all(dir.path().join("plugin-config-data")).unwrap();
        fs::write(dir.path().join("plugin-config-data/p.json"), b"{\"name\":\"M\xf6we\"}").unwrap();
        let texts = dir.read_texts();
        assert_eq!(texts.plugin_options.get("p").map(String::as_str), Some(""));
        assert!(texts.complaints[0].contains("it is not text"), "{:?}", texts.complaints);
    }

    #[test]
    fn a_name_cannot_leave_the_directory() {
        let (_temp, dir) = dir();
        for name in ["../x", "/etc/x", "", "a/../../x"] {
            assert!(dir.save(name, b"x").is_err(), "{name}");
        }
    }

    #[test]
    fn a_damaged_file_falls_back_to_the_generation_before() {
        let (_temp, dir) = dir();
        dir.save("settings.json", b"{\"port\":1}").unwrap();
        dir.save("settings.json", b"{\"port\":2}").unwrap();
        fs::write(dir.path().join("settings.json"), "{\"po").unwrap();
        let texts = dir.read_texts();
        assert_eq!(texts.settings.as_deref(), Some("{\"port\":1}"));
        assert!(texts.complaints[0].contains("generation before"), "{:?}", texts.complaints);
    }

    #[test]
    fn a_damaged_file_never_takes_the_place_of_a_whole_generation() {
        let (_temp, dir) = dir();
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        dir.save("settings.json", b"{\"port\":1}").unwrap();
        dir.save("settings.json", b"{\"port\":2}").unwrap();
        fs::write(dir.path().join("settings.json"), "{\"po").unwrap();
        // A cut here, before the rename, must leave something to start from.
        keep_previous(&dir.path().join("settings.json")).unwrap();
        assert_eq!(read("settings.json.bak"), "{\"port\":1}");
        dir.save("settings.json", b"{\"port\":3}").unwrap();
        assert_eq!(read("settings.json"), "{\"port\":3}");
        assert_eq!(read("settings.json.bak"), "{\"port\":1}");
        dir.save("settings.json", b"{\"port\":4}").unwrap();
        assert_eq!(read("settings.json.bak"), "{\"port\":3}");
    }

    #[test]
    fn the_name_of_every_new_folder_is_made_durable() {
        let temp = tempfile::tempdir().unwrap();
        let mut synced = Vec::new();
        let mut note = |folder: &Path| {
            synced.push(folder.strip_prefix(temp.path()).unwrap().to_owned());
            sync(folder)
        };
        make_folders(&temp.path().join("a/b/c"), &mut note).unwrap();
        make_folders(&temp.path().join("a/b/c"), &mut note).unwrap();
        assert_eq!(synced, ["", "a", "a/b"].map(PathBuf::from));
        assert!(temp.path().join("a/b/c").is_dir());
        fs::write(temp.path().join("file"), "").unwrap();
        assert!(make_folders(&temp.path().join("file/b"), &mut sync).is_err());
    }

    #[test]
    fn an_old_copy_of_the_security_file_is_never_in_force() {
        let (_temp, dir) = dir();
        let is_open = || {
            let security = signalk_core::Config::from_texts(dir.read_texts()).security;
            security.map(|file| file.lets_everybody_read())
        };
        let open = r#"{"allow_readonly":true}"#;
        assert_eq!(is_open(), None);
        fs::write(dir.path().join("security.json.bak"), open).unwrap();
        assert_eq!(is_open(), Some(false), "only a copy: locked");
        assert!(dir.read_texts().complaints[0].contains("security.json.bak"));
        fs::write(dir.path().join("security.json"), r#"{"users":"#).unwrap();
        assert_eq!(is_open(), Some(false), "damaged: locked");
        fs::write(dir.path().join("security.json"), open).unwrap();
        assert_eq!(is_open(), Some(true));
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_is_named() {
        let (_temp, dir) = dir();
        fs::create_dir(dir.path().join("settings.json")).unwrap();
        let texts = dir.read_texts();
        assert!(texts.settings.is_none());
        assert!(texts.complaints[0].contains("settings.json"), "{:?}", texts.complaints);
        assert!(texts.complaints[0].contains("move it away"), "{:?}", texts.complaints);
    }

    #[test]
    fn a_file_in_the_place_of_the_directory_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("file");
        fs::write(&path, "").unwrap();
        assert!(matches!(ConfigDir::open(Some(path)), Err(DirError::IsFile(_))));
    }
}
