//! What became of the effects that touch the disk. News of connections, streams and plugins are inputs of their own.

use std::fmt;

use bytes::Bytes;
use sha2::{Digest, Sha256};

#[cfg(doc)]
use super::Effect;
use super::Ticket;
use crate::{guest::PluginId, resources::StorageDone};

/// An effect was carried out, or failed.
pub enum Report {
    /// The answer to [`Effect::ReadModule`].
    Module {
        /// As asked.
        plugin: PluginId,
        /// The files, or why not: names the file and the remedy.
        result: Result<ModuleFiles, String>,
    },
    /// The answer to [`Effect::ReadPackage`].
    Package {
        /// As asked.
        plugin: PluginId,
        /// The file's text, or why not.
        result: Result<String, String>,
        /// The text of its options file, if there is one that can be read.
        options: Option<String>,
    },
    /// The answer to [`Effect::SaveFile`].
    Saved {
        /// As asked.
        ticket: Ticket,
        /// Durable on disk, or why not. Some: this text, with what somebody else had written into the file.
        result: Result<Option<String>, String>,
    },
    /// The answer to [`Effect::Storage`].
    Storage {
        /// As asked.
        ticket: Ticket,
        /// What became of it, or why nothing: names the file and the remedy.
        result: Result<StorageDone, String>,
    },
    /// The answer to [`Effect::CheckPassword`].
    PasswordChecked {
        /// As asked.
        ticket: Ticket,
        /// What came of `PasswordCheck::execute`; false when it could not be done.
        is_right: bool,
    },
}

/// What a plugin's start needs from the disk.
pub struct ModuleFiles {
    /// The module; empty when it was not wanted.
    pub wasm: Bytes,
    /// Names the bytes: descriptions of plugins are remembered by it.
    pub(crate) hash: String,
    /// Its folder, when [`Effect::ReadModule`] wanted one and the platform has it.
    pub fs: Option<Box<dyn wasmi_hdk::vfs::Fs>>,
    /// Certificates in DER, of the files that [`Effect::ReadModule`] named.
    pub authorities: Vec<Bytes>,
    /// What is wrong with those files, in words.
    pub complaints: Vec<String>,
}

impl ModuleFiles {
    /// Best made where reading is done, off the core's thread: hashing takes a while.
    pub fn new(wasm: Bytes, fs: Option<Box<dyn wasmi_hdk::vfs::Fs>>) -> ModuleFiles {
        let digest = Sha256::digest(&wasm);
        let hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        ModuleFiles { wasm, hash, fs, authorities: Vec::new(), complaints: Vec::new() }
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Module { plugin, result } => {
                let result = result.as_ref().map(|files| files.wasm.len());
                f.debug_struct("Module").field("plugin", plugin).field("result", &result).finish()
            }
            Report::Package { plugin, result, .. } => {
                let result = result.as_ref().map(String::len);
                f.debug_struct("Package").field("plugin", plugin).field("result", &result).finish()
            }
            Report::Saved { ticket, result } => {
                f.debug_struct("Saved").field("ticket", ticket).field("result", result).finish()
            }
            Report::Storage { ticket, result } => {
                f.debug_struct("Storage").field("ticket", ticket).field("result", result).finish()
            }
            Report::PasswordChecked { ticket, is_right } => f
                .debug_struct("PasswordChecked")
                .field("ticket", ticket)
                .field("is_right", is_right)
                .finish(),
        }
    }
}
