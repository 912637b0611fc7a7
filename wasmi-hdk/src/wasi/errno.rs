//! `Errno`: the answer of every WASI call, and its one conversion from each error of ours.
//!
//! The numbers are those of `wasi_snapshot_preview1`; no call answers a number
//! that is not in this table.

use std::io;

use crate::guest_memory::GuestFault;

macro_rules! errno {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// An error number of WASI preview 1; `Success` is 0.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Errno { $($(#[$doc])* #[doc = $text] $name = $number,)* }

        impl Errno {
            /// Every number this host answers.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name as the specification prints it, without the leading `E`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }

        impl std::fmt::Display for Errno {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$name => $text,)* })
            }
        }
    };
}

errno! {
    Success = 0, "no error";
    TooBig = 1, "argument list too long";
    Acces = 2, "permission denied";
    Again = 6, "resource unavailable, try again";
    Badf = 8, "bad file descriptor";
    Busy = 10, "device or resource busy";
    Dquot = 19, "disk quota exceeded";
    Exist = 20, "file exists";
    Fault = 21, "bad address";
    Fbig = 22, "file too large";
    Ilseq = 25, "illegal byte sequence";
    Intr = 27, "interrupted function";
    Inval = 28, "invalid argument";
    Io = 29, "input/output error";
    Isdir = 31, "is a directory";
    Loop = 32, "too many levels of symbolic links";
    Mfile = 33, "file descriptor table is full";
    Mlink = 34, "too many links";
    Nametoolong = 37, "file name too long";
    Noent = 44, "no such file or directory";
    Nomem = 48, "not enough space";
    Nospc = 51, "no space left on device";
    Nosys = 52, "function not supported";
    Notdir = 54, "not a directory";
    Notempty = 55, "directory not empty";
    Notsock = 57, "not a socket";
    Notsup = 58, "not supported";
    Overflow = 61, "value too large to be stored";
    Perm = 63, "operation not permitted";
    Pipe = 64, "broken pipe";
    Range = 68, "result too large";
    Rofs = 69, "read-only file system";
    Spipe = 70, "invalid seek";
    Txtbsy = 74, "text file busy";
    Xdev = 75, "cross-device link";
    Notcapable = 76, "capabilities insufficient";
}

impl std::error::Error for Errno {}

impl Errno {
    /// The number as the guest receives it.
    #[must_use]
    pub fn number(self) -> i32 {
        i32::from(self.raw())
    }

    /// The number as it stands in memory (`u16`).
    #[must_use]
    pub fn raw(self) -> u16 {
        // The one cast of a field-less enum to its own representation.
        self as u16
    }
}

impl From<GuestFault> for Errno {
    fn from(_: GuestFault) -> Self {
        Self::Fault
    }
}

impl From<std::num::TryFromIntError> for Errno {
    fn from(_: std::num::TryFromIntError) -> Self {
        Self::Overflow
    }
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Self {
        Self::from(error.kind())
    }
}

impl From<io::ErrorKind> for Errno {
    fn from(kind: io::ErrorKind) -> Self {
        use io::ErrorKind as Kind;
        match kind {
            Kind::NotFound => Self::Noent,
            Kind::PermissionDenied => Self::Acces,
            Kind::AlreadyExists => Self::Exist,
            Kind::WouldBlock => Self::Again,
            Kind::NotADirectory => Self::Notdir,
            Kind::IsADirectory => Self::Isdir,
            Kind::DirectoryNotEmpty => Self::Notempty,
            Kind::ReadOnlyFilesystem => Self::Rofs,
            Kind::StorageFull => Self::Nospc,
            Kind::QuotaExceeded => Self::Dquot,
            Kind::FileTooLarge => Self::Fbig,
            Kind::NotSeekable => Self::Spipe,
            Kind::ResourceBusy => Self::Busy,
            Kind::ExecutableFileBusy => Self::Txtbsy,
            Kind::CrossesDevices => Self::Xdev,
            Kind::TooManyLinks => Self::Mlink,
            Kind::InvalidFilename => Self::Nametoolong,
            Kind::ArgumentListTooLong => Self::TooBig,
            Kind::InvalidInput => Self::Inval,
            Kind::InvalidData => Self::Ilseq,
            Kind::BrokenPipe => Self::Pipe,
            Kind::Interrupted => Self::Intr,
            Kind::Unsupported => Self::Notsup,
            Kind::OutOfMemory => Self::Nomem,
            _ => Self::Io,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_guests_compare_with_are_pinned() {
        let pinned = [
            (Errno::Success, 0),
            (Errno::Badf, 8),
            (Errno::Dquot, 19),
            (Errno::Fault, 21),
            (Errno::Ilseq, 25),
            (Errno::Noent, 44),
            (Errno::Nospc, 51),
            (Errno::Nosys, 52),
            (Errno::Notsup, 58),
            (Errno::Notcapable, 76),
        ];
        for (errno, number) in pinned {
            assert_eq!(errno.number(), number, "{}", errno.name());
        }
    }

    #[test]
    fn a_full_disk_is_not_just_an_input_output_error() {
        assert_eq!(Errno::from(io::ErrorKind::StorageFull), Errno::Nospc);
        assert_eq!(Errno::from(io::ErrorKind::Other), Errno::Io);
    }
}
