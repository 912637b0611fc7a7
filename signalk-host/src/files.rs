//! The core's wishes for the disk, carried out beside it: saving in order, reading modules at once.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use signalk_core::{Input, ModuleFiles, PluginId, Report, Ticket};
use tokio::{runtime::Handle, sync::mpsc};

use crate::{
    disk::ConfigDir,
    driver::{CoreSender, ToCore},
};

/// Works for the core's thread and never makes it wait.
pub(crate) struct Files {
    runtime: Handle,
    sender: CoreSender,
    saves: mpsc::UnboundedSender<Save>,
}

/// The core has at most one wish per changed file, so the queue needs no bound of its own.
struct Save {
    ticket: Ticket,
    name: String,
    bytes: Bytes,
}

impl Files {
    /// `dir` is where files are saved.
    pub(crate) fn new(dir: ConfigDir, runtime: Handle, sender: CoreSender) -> Files {
        let (saves, wishes) = mpsc::unbounded_channel();
        runtime.spawn(save_in_order(dir, wishes, sender.clone()));
        Files { runtime, sender, saves }
    }

    /// Reports [`Report::Saved`].
    pub(crate) fn save(&self, ticket: Ticket, name: String, bytes: Bytes) {
        // Fails only when the runtime has ended.
        let _ = self.saves.send(Save { ticket, name, bytes });
    }

    /// Reports [`Report::Module`].
    pub(crate) fn read_module(&self, plugin: PluginId, dir: String, wasm: String, _want_fs: bool) {
        let sender = self.sender.clone();
        self.runtime.spawn_blocking(move || {
            let path = Path::new(&dir).join(wasm);
            let result = read(path).map(|wasm| ModuleFiles { wasm, fs: None });
            let report = Report::Module { plugin, result };
            let _ = sender.blocking_send(ToCore::Input(Input::Report(report)));
        });
    }
}

async fn save_in_order(
    dir: ConfigDir,
    mut wishes: mpsc::UnboundedReceiver<Save>,
    sender: CoreSender,
) {
    while let Some(Save { ticket, name, bytes }) = wishes.recv().await {
        let dir = dir.clone();
        let saved = tokio::task::spawn_blocking(move || dir.save(&name, &bytes)).await;
        let result = saved.unwrap_or_else(|error| Err(format!("saving failed: {error}")));
        let report = Input::Report(Report::Saved { ticket, result });
        if sender.send(ToCore::Input(report)).await.is_err() {
            return;
        }
    }
}

fn read(path: PathBuf) -> Result<Bytes, String> {
    std::fs::read(&path).map(Bytes::from).map_err(|error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "build the plugin, or correct `wasmManifest` in its package.json"
            }
            std::io::ErrorKind::PermissionDenied => "allow it to the user that runs the server",
            std::io::ErrorKind::IsADirectory => {
                "`wasmManifest` in package.json names a folder; name the .wasm file"
            }
            _ => "the other plugins go on",
        };
        format!("{}: cannot be read: {error}; {remedy}", path.display())
    })
}
