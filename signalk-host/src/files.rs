//! The core's wishes for the disk, carried out beside it: saving in order, reading modules at once.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use signalk_core::{Input, ModuleFiles, PluginId, Quota, Report, Ticket};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc},
};

use crate::{
    authorities,
    disk::ConfigDir,
    driver::{CoreSender, ToCore},
    package_json, plugin_folder,
};

/// Works for the core's task and never makes it wait.
pub(crate) struct Files {
    dir: ConfigDir,
    runtime: Handle,
    sender: CoreSender,
    one_by_one: Arc<Semaphore>,
    saves: mpsc::UnboundedSender<Save>,
}

/// The core has at most one wish per file (`signalk-core/src/saving.rs`), so the queue needs no bound of its own.
pub(crate) struct Save {
    pub(crate) ticket: Ticket,
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
    /// Of a file that its owner may write by hand: what the core believes to be in it.
    pub(crate) before: Option<Bytes>,
}

impl Files {
    /// `dir` is where files are saved.
    pub(crate) fn new(dir: ConfigDir, runtime: Handle, sender: CoreSender) -> Files {
        let (saves, wishes) = mpsc::unbounded_channel();
        runtime.spawn(save_in_order(dir.clone(), wishes, sender.clone()));
        Files { dir, runtime, sender, one_by_one: Arc::new(Semaphore::new(1)), saves }
    }

    /// Reports [`Report::Saved`].
    pub(crate) fn save(&self, save: Save) {
        // Fails only when the runtime has ended.
        let _ = self.saves.send(save);
    }

    /// Reports [`Report::Module`].
    pub(crate) fn read_module(
        &self,
        plugin: PluginId,
        code: Option<PathBuf>,
        quota: Option<Quota>,
        trust: Vec<String>,
    ) {
        let config = self.dir.clone();
        self.read(move || {
            let result = code.as_deref().map_or(Ok(Bytes::new()), read).and_then(|wasm| {
                let open = |quota| plugin_folder::open(config.path(), plugin.as_str(), quota);
                let mut files = ModuleFiles::new(wasm, quota.map(open).transpose()?);
                (files.authorities, files.complaints) = authorities::read(config.path(), &trust);
                Ok(files)
            });
            Report::Module { plugin, result }
        });
    }

    /// Reports [`Report::Package`].
    pub(crate) fn read_package(&self, plugin: PluginId, dir: &str) {
        let path = Path::new(dir).join("package.json");
        let config = self.dir.clone();
        self.read(move || {
            let options = config.read_options(plugin.as_str());
            let result = package_json::read(&path).map_err(|error| {
                format!("{}; what it said before holds", package_json::unreadable(&path, &error))
            });
            Report::Package { plugin, result, options }
        });
    }

    /// One thread reads everything, in order: the disk is one, and each thread costs memory.
    fn read(&self, work: impl FnOnce() -> Report + Send + 'static) {
        let sender = self.sender.clone();
        let one_by_one = Arc::clone(&self.one_by_one);
        self.runtime.spawn(async move {
            let Ok(_turn) = one_by_one.acquire().await else { return };
            if let Ok(report) = tokio::task::spawn_blocking(work).await {
                let _ = sender.send(ToCore::Input(Input::Report(report))).await;
            }
        });
    }
}

async fn save_in_order(
    dir: ConfigDir,
    mut wishes: mpsc::UnboundedReceiver<Save>,
    sender: CoreSender,
) {
    while let Some(Save { ticket, name, bytes, before }) = wishes.recv().await {
        let dir = dir.clone();
        let work = move || dir.save_shared(&name, &bytes, before.as_deref());
        let saved = tokio::task::spawn_blocking(work).await;
        let result = saved.unwrap_or_else(|error| Err(format!("saving failed: {error}")));
        let report = Input::Report(Report::Saved { ticket, result });
        if sender.send(ToCore::Input(report)).await.is_err() {
            return;
        }
    }
}

fn read(path: &Path) -> Result<Bytes, String> {
    let too_large = std::fs::metadata(path).is_ok_and(|file| file.len() > LARGEST_MODULE);
    if too_large {
        let limit = LARGEST_MODULE >> 20;
        return Err(format!(
            "{}: larger than {limit} MiB, so this is no plugin; name its .wasm file in `wasmManifest` of its package.json",
            path.display()
        ));
    }
    std::fs::read(path).map(Bytes::from).map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::NotFound => {
                "build the plugin, or correct `wasmManifest` in its package.json"
            }
            io::ErrorKind::PermissionDenied => "allow it to the user that runs the server",
            io::ErrorKind::IsADirectory => {
                "`wasmManifest` in package.json names a folder; name the .wasm file"
            }
            _ => "the other plugins go on",
        };
        format!("{}: cannot be read: {error}; {remedy}", path.display())
    })
}

/// Far above the core's own limit, which has the better error; this one only keeps a wrong file out of the memory.
const LARGEST_MODULE: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_far_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin.wasm");
        // It takes no room on the disk; in the memory it would.
        std::fs::File::create(&path).unwrap().set_len(LARGEST_MODULE + 1).unwrap();
        let refused = read(&path).unwrap_err();
        assert!(refused.contains("plugin.wasm: larger than 256 MiB"), "{refused}");
        assert!(refused.contains("name its .wasm file in `wasmManifest`"), "{refused}");
    }
}
