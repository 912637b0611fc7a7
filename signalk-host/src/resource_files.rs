//! Resource files: one JSON file per resource in `resources/TYPE/`, as the reference's provider plugin keeps them, so
//! that a directory can go back and forth between the two.
//!
//! Nothing else may ever lie in those folders (the reference would list it), so what is half written is in
//! `resources/.tmp/` and what was replaced or deleted, one generation of each, in `resources/.previous/`. Which file
//! means what is the core's.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Component, Path, PathBuf},
    time::UNIX_EPOCH,
};

use bytes::Bytes;
use signalk_core::resources::{Scan, StoredFile};

use crate::disk::{make_folders, sync};

/// No resource is as large as this; a file that is larger came here by mistake.
const LARGEST: u64 = 16 << 20;

/// The folders of a configuration directory.
#[derive(Debug, Clone)]
pub(crate) struct ResourceFiles {
    root: PathBuf,
}

impl ResourceFiles {
    /// `root` is the configuration directory.
    pub(crate) fn new(root: &Path) -> ResourceFiles {
        ResourceFiles { root: root.to_owned() }
    }

    /// Every file of a folder, in the order of their names, until the scan has enough.
    pub(crate) fn scan(&self, folder: &str, mut scan: Box<Scan>) -> Result<Box<Scan>, String> {
        let path = self.path(folder, None)?;
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(scan),
            Err(error) => return Err(told(&path, "read", &error)),
        };
        let plain = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let mut names: Vec<String> =
            plain.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_unstable();
        let mut buffer = Vec::new();
        for name in names {
            match read_into(&path.join(&name), &mut buffer) {
                Ok(modified_ms) => drop(scan.push(&name, modified_ms, &buffer)),
                // Removed since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => scan.unreadable(&name),
            }
            if !scan.wants_more() {
                break;
            }
        }
        Ok(scan)
    }

    /// One file; `None`: there is none.
    pub(crate) fn read(&self, folder: &str, name: &str) -> Result<Option<StoredFile>, String> {
        let path = self.path(folder, Some(name))?;
        let mut buffer = Vec::new();
        match read_into(&path, &mut buffer) {
            Ok(modified_ms) => Ok(Some(StoredFile { modified_ms, bytes: Bytes::from(buffer) })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(told(&path, "read", &error)),
        }
    }

    /// Durable when this returns: a cut at any moment leaves the old file or the new one.
    pub(crate) fn write(&self, folder: &str, name: &str, bytes: &[u8]) -> Result<(), String> {
        let path = self.path(folder, Some(name))?;
        let aside = self.aside(".tmp")?.join(format!("{}.{name}", folder.replace('/', ".")));
        let written = self.write_by(&path, &aside, bytes);
        if written.is_err() {
            // A full disk: what was half written only takes room.
            let _ = fs::remove_file(&aside);
        }
        written.map_err(|error| told(&path, "saved", &error))
    }

    /// Whether there was such a file. Durable when this returns.
    pub(crate) fn delete(&self, folder: &str, name: &str) -> Result<bool, String> {
        let path = self.path(folder, Some(name))?;
        let deleted = self
            .keep_previous(&path)
            .and_then(|()| fs::remove_file(&path))
            .and_then(|()| sync(folder_of(&path)));
        match deleted {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(told(&path, "deleted", &error)),
        }
    }

    fn write_by(&self, path: &Path, aside: &Path, bytes: &[u8]) -> io::Result<()> {
        make_folders(folder_of(path), &mut sync)?;
        let mut file = File::create(aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        self.keep_previous(path)?;
        fs::rename(aside, path)?;
        sync(folder_of(path))
    }

    /// What is about to go stays one generation long, where nobody lists it.
    fn keep_previous(&self, path: &Path) -> io::Result<()> {
        let inside = path.strip_prefix(self.root.join("resources")).unwrap_or(path);
        let kept = self.root.join("resources/.previous").join(inside);
        make_folders(folder_of(&kept), &mut sync)?;
        // Beside those in `write`, whose names begin with their folder; beside the kept ones it could be one of them.
        let tmp = self.root.join("resources/.tmp");
        make_folders(&tmp, &mut sync)?;
        let name = inside.to_string_lossy().replace(std::path::MAIN_SEPARATOR, ".");
        let fresh = tmp.join(format!("previous.{name}"));
        let _ = fs::remove_file(&fresh);
        match fs::hard_link(path, &fresh) {
            Ok(()) => fs::rename(&fresh, &kept),
            // What was kept of it before stays.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // A file system without hard links.
            Err(_) => fs::copy(path, &kept).map(drop),
        }
    }

    fn aside(&self, name: &str) -> Result<PathBuf, String> {
        let folder = self.root.join("resources").join(name);
        make_folders(&folder, &mut sync).map_err(|error| told(&folder, "made", &error))?;
        Ok(folder)
    }

    /// The core has checked both; a name that leaves the directory is refused all the same.
    fn path(&self, folder: &str, name: Option<&str>) -> Result<PathBuf, String> {
        let inside = Path::new(folder).join(name.unwrap_or_default());
        if inside.components().all(|part| matches!(part, Component::Normal(_))) {
            Ok(self.root.join(inside))
        } else {
            Err(format!("{}: not a name inside the configuration directory", inside.display()))
        }
    }
}

/// Fills the buffer; when the file was last written, in milliseconds since the Unix epoch.
fn read_into(path: &Path, buffer: &mut Vec<u8>) -> io::Result<i64> {
    buffer.clear();
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.len() > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large for a resource"));
    }
    file.take(LARGEST).read_to_end(buffer)?;
    let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(i64::try_from(modified.as_millis()).unwrap_or(i64::MAX))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

fn told(path: &Path, what: &str, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::PermissionDenied => "allow it to the user that runs the server",
        io::ErrorKind::StorageFull => "make room on the disk",
        io::ErrorKind::NotADirectory => "a file lies where a folder belongs: move it away",
        _ => "what was there before is unchanged",
    };
    format!("{}: cannot be {what}: {error}; {remedy}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> (tempfile::TempDir, ResourceFiles) {
        let temp = tempfile::tempdir().unwrap();
        let files = ResourceFiles::new(temp.path());
        (temp, files)
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_lies_in_its_folder() {
        let (temp, files) = files();
        assert!(files.read("resources/routes", "a").unwrap().is_none());
        files.write("resources/routes", "a", b"{\"n\":1}").unwrap();
        files.write("resources/routes", "a", b"{\"n\":2}").unwrap();
        let read = files.read("resources/routes", "a").unwrap().unwrap();
        assert_eq!(read.bytes, "{\"n\":2}");
        assert!(read.modified_ms > 1_700_000_000_000);
        let listed: Vec<_> = fs::read_dir(temp.path().join("resources/routes")).unwrap().collect();
        assert_eq!(listed.len(), 1);
        let previous = temp.path().join("resources/.previous/routes/a");
        assert_eq!(fs::read(&previous).unwrap(), b"{\"n\":1}");
        assert!(files.delete("resources/routes", "a").unwrap());
        assert!(!files.delete("resources/routes", "a").unwrap());
        assert_eq!(fs::read(&previous).unwrap(), b"{\"n\":2}");
        assert_eq!(fs::read_dir(temp.path().join("resources/.tmp")).unwrap().count(), 0);
    }

    #[test]
    fn the_kept_generation_of_one_id_is_never_that_of_another() {
        let (temp, files) = files();
        for (name, text) in [("a.new", "1"), ("a.new", "2"), ("a.b", "3"), ("a.b", "4")] {
            files.write("resources/routes", name, text.as_bytes()).unwrap();
        }
        let kept =
            |name| fs::read_to_string(temp.path().join("resources/.previous/routes").join(name));
        assert_eq!((kept("a.new").unwrap(), kept("a.b").unwrap()), ("1".into(), "3".into()));
        assert_eq!(fs::read_dir(temp.path().join("resources/.tmp")).unwrap().count(), 0);
    }

    #[test]
    fn a_name_cannot_leave_the_directory() {
        let (_temp, files) = files();
        for (folder, name) in
            [("resources/../..", "x"), ("resources/routes", "../x"), ("/etc", "x")]
        {
            assert!(files.write(folder, name, b"x").is_err(), "{folder}/{name}");
            assert!(files.read(folder, name).is_err() && files.delete(folder, name).is_err());
        }
    }
}
