//! The files of a plugin.

/// A tree of files.
pub trait Fs: Send {}
