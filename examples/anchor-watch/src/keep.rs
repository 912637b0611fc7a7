//! What outlives the plugin: where the anchor is, and whether it dragged. In a file of the plugin's own folder, so that
//! a crash or a restart of the server at three in the morning does not take the place where the boat happens to be for
//! the anchor's.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use wasmi_pdk::signalk::Position;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) anchor: Position,
    pub(crate) dragging: bool,
}

/// The file.
#[derive(Debug)]
pub(crate) struct Keep(PathBuf);

impl Keep {
    pub(crate) fn at(path: impl Into<PathBuf>) -> Self {
        Keep(path.into())
    }

    /// `None`: nothing was kept.
    pub(crate) fn load(&self) -> io::Result<Option<Kept>> {
        match fs::read(&self.0) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Beside it and then over it: a power cut leaves the one before or this one, never half of it.
    pub(crate) fn save(&self, kept: Kept) -> io::Result<()> {
        let fresh = self.0.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(&kept)?)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.0)
    }

    pub(crate) fn forget(&self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))] // needs a temporary folder
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_there_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let keep = Keep::at(folder.path().join("anchor.json"));
        assert_eq!(keep.load().unwrap(), None);
        let anchor = Position { latitude: 37.0, longitude: 24.5 };
        for dragging in [false, true] {
            let kept = Kept { anchor, dragging };
            keep.save(kept).unwrap();
            assert_eq!(keep.load().unwrap(), Some(kept));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        keep.forget().unwrap();
        keep.forget().unwrap();
        assert_eq!(keep.load().unwrap(), None);
        fs::write(folder.path().join("anchor.json"), "{\"anch").unwrap();
        assert!(keep.load().is_err(), "damaged is not the same as nothing");
    }
}
