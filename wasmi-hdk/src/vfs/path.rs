//! `VfsPath`: a path of a guest after all checks that need no file system.
//!
//! Refused here: absolute paths and paths that leave the folder they start in
//! (`ENOTCAPABLE`), NUL and bytes that are no UTF-8 (`EILSEQ`), too long paths
//! and names (`ENAMETOOLONG`), the empty path (`ENOENT`). Symbolic links are
//! the backend's matter: it must not follow one out of its root.

use crate::wasi::Errno;

/// Longest path, in bytes (`PATH_MAX` of Linux).
pub const MAX_PATH: usize = 4096;
/// Longest name of one file, in bytes (`NAME_MAX` of Linux).
pub const MAX_NAME: usize = 255;

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Into the entry of this name.
    Name(&'a str),
    /// Back to the parent; never above the folder where the path starts.
    Parent,
}

/// A checked relative path. It may hold `..`, but no prefix of it leads above
/// its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VfsPath<'a> {
    text: &'a str,
    wants_directory: bool,
}

impl<'a> VfsPath<'a> {
    /// Checks the bytes of a guest.
    ///
    /// # Errors
    /// `ENOENT` for the empty path, `ENAMETOOLONG`, `EILSEQ` and `ENOTCAPABLE`
    /// as the module says.
    pub fn from_guest(bytes: &'a [u8]) -> Result<Self, Errno> {
        if bytes.len() > MAX_PATH {
            return Err(Errno::Nametoolong);
        }
        Self::new(std::str::from_utf8(bytes).map_err(|_| Errno::Ilseq)?)
    }

    /// Checks a path that is text already.
    ///
    /// # Errors
    /// As [`VfsPath::from_guest`].
    pub fn new(text: &'a str) -> Result<Self, Errno> {
        if text.is_empty() {
            return Err(Errno::Noent);
        }
        if text.len() > MAX_PATH {
            return Err(Errno::Nametoolong);
        }
        if text.contains('\0') {
            return Err(Errno::Ilseq);
        }
        if text.starts_with('/') {
            return Err(Errno::Notcapable);
        }
        let mut depth = 0_usize;
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => depth = depth.checked_sub(1).ok_or(Errno::Notcapable)?,
                name if name.len() > MAX_NAME => return Err(Errno::Nametoolong),
                _ => depth += 1,
            }
        }
        let last = text.rsplit('/').next().unwrap_or_default();
        Ok(Self { text, wants_directory: matches!(last, "" | "." | "..") })
    }

    /// The text as given.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The path ends in `/`, `.` or `..`: it can only mean a directory.
    #[must_use]
    pub fn wants_directory(&self) -> bool {
        self.wants_directory
    }

    /// The steps from the start, without empty parts and `.`.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = Step<'a>> + use<'a> {
        self.text.split('/').filter_map(|part| match part {
            "" | "." => None,
            ".." => Some(Step::Parent),
            name => Some(Step::Name(name)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Errno {
        VfsPath::new(text).expect_err(text)
    }

    #[test]
    fn no_path_leads_above_its_start() {
        for text in ["..", "../x", "a/../..", "a/../../b", "./..", "/", "/etc/passwd", "//a"] {
            assert_eq!(refused(text), Errno::Notcapable, "{text}");
        }
        for text in ["a/..", "a/b/../../c", ".", "./a", "a//b/", "..."] {
            assert!(VfsPath::new(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_names_are_refused() {
        assert_eq!(refused("a\0b"), Errno::Ilseq);
        assert_eq!(VfsPath::from_guest(b"a\xff"), Err(Errno::Ilseq));
        assert_eq!(refused(""), Errno::Noent);
        assert_eq!(refused(&"n".repeat(256)), Errno::Nametoolong);
        assert_eq!(refused(&"n/".repeat(3000)), Errno::Nametoolong);
    }

    #[test]
    fn steps_leave_out_what_says_nothing() {
        let path = VfsPath::new("./a//b/../c/").expect("legal");
        let steps: Vec<_> = path.steps().collect();
        assert_eq!(steps, [Step::Name("a"), Step::Name("b"), Step::Parent, Step::Name("c")]);
        assert!(path.wants_directory());
    }
}
