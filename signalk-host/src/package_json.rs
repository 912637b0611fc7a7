//! The text of a package.json: bounded, because a folder may hold anything by that name. What it says is the core's.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// Bytes of a package.json. Those of real packages have some thousand.
const LARGEST: u64 = 1 << 20;

/// Reads it.
///
/// # Errors
/// What the system says; `FileTooLarge` over the limit, `InvalidData` when it is no UTF-8, `InvalidInput` for a pipe or
/// a device, which might never end.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no file"));
    }
    let mut bytes = Vec::new();
    // One byte more tells that there is more.
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let text = format!("it is larger than {} MiB, the limit of a package.json", LARGEST >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// The same error in words, with the file and the remedy.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::FileTooLarge => "shorten it, or remove the package",
        io::ErrorKind::InvalidData => "save it as UTF-8",
        io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput => {
            "move away what lies there, and install the package anew"
        }
        io::ErrorKind::PermissionDenied => "allow it to the user that runs the server",
        _ => "install the package anew, or remove it",
    };
    format!("{}: cannot be read: {error}; {remedy}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a package.json with this content.
    fn said(make: impl FnOnce(&Path)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("package.json");
        make(&path);
        match read(&path) {
            Ok(text) => format!("{} bytes", text.len()),
            Err(error) => unreadable(&path, &error).replace(folder.path().to_str().unwrap(), ""),
        }
    }

    #[test]
    fn up_to_the_limit_it_is_read_and_beyond_it_is_not() {
        let sized = |length| said(|path| File::create(path).unwrap().set_len(length).unwrap());
        assert_eq!(sized(LARGEST), "1048576 bytes");
        let refused = "/package.json: cannot be read: it is larger than 1 MiB, the limit of a package.json; shorten it, or remove the package";
        assert_eq!(sized(LARGEST + 1), refused);
        // A terabyte with nothing in it: nobody waits for it.
        assert_eq!(sized(1 << 40), refused);
    }

    #[test]
    fn what_is_no_text_is_named_with_its_remedy() {
        assert_eq!(
            said(|path| fs::write(path, b"{\"name\":\"f\xe9\"}").unwrap()),
            "/package.json: cannot be read: invalid utf-8 sequence of 1 bytes from index 10; save it as UTF-8"
        );
        assert_eq!(
            said(|path| fs::create_dir(path).unwrap()),
            "/package.json: cannot be read: is a directory; move away what lies there, and install the package anew"
        );
        let missing = said(|_| {});
        assert!(missing.ends_with("install the package anew, or remove it"), "{missing}");
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_and_what_leads_nowhere_are_refused_at_once() {
        use std::os::unix::fs::symlink;

        for (target, text) in [("/dev/zero", "this is no file"), ("package.json", "symbolic links")]
        {
            let refused = said(|path| symlink(target, path).unwrap());
            assert!(refused.contains(text), "{target}: {refused}");
        }
    }
}
