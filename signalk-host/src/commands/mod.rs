//! What a person can ask for, one file per command.

pub(crate) mod serve;
pub(crate) mod version;
