//! The core's wishes for resource and chart files, carried out beside it on the blocking pool. Writes happen one after
//! the other in the order in which they were asked for; lists and tiles a few at a time, so that neither the disk nor
//! the memory is flooded, whatever clients ask.

use std::{path::Path, sync::Arc};

use signalk_core::{
    HttpResponse, Input, Report, Ticket,
    resources::{StorageDone, StorageTask},
};
use tokio::{
    io::AsyncSeekExt,
    runtime::Handle,
    sync::{Semaphore, mpsc, oneshot},
};

use crate::{
    charts::Charts,
    driver::{CoreSender, ToCore},
    http::{Answer, FilePiece},
    resource_files::ResourceFiles,
};

/// Folders that are read at once; each may hold an answer of 32 MB.
const SCANS: usize = 2;

/// Tiles that are read at once.
const TILES: usize = 4;

/// Works for the core's task and never makes it wait.
pub(crate) struct Storage {
    files: ResourceFiles,
    charts: Arc<Charts>,
    runtime: Handle,
    sender: CoreSender,
    scans: Arc<Semaphore>,
    tiles: Arc<Semaphore>,
    writes: mpsc::UnboundedSender<(Ticket, StorageTask)>,
}

impl Storage {
    /// `root` is the configuration directory.
    pub(crate) fn new(root: &Path, runtime: Handle, sender: CoreSender) -> Storage {
        let files = ResourceFiles::new(root);
        // As many as clients wait for: each write is one request.
        let (writes, wishes) = mpsc::unbounded_channel();
        runtime.spawn(write_in_order(files.clone(), wishes, sender.clone()));
        Storage {
            files,
            charts: Arc::new(Charts::new(root)),
            runtime,
            sender,
            scans: Arc::new(Semaphore::new(SCANS)),
            tiles: Arc::new(Semaphore::new(TILES)),
            writes,
        }
    }

    /// Reports [`Report::Storage`].
    pub(crate) fn begin(&self, ticket: Ticket, task: StorageTask) {
        let turn = match &task {
            StorageTask::WriteFile { .. } | StorageTask::DeleteFile { .. } => {
                // Fails only when the runtime has ended.
                let _ = self.writes.send((ticket, task));
                return;
            }
            StorageTask::ReadTile { .. } => Arc::clone(&self.tiles),
            _ => Arc::clone(&self.scans),
        };
        let (files, charts, sender) =
            (self.files.clone(), Arc::clone(&self.charts), self.sender.clone());
        self.runtime.spawn(async move {
            let Ok(_turn) = turn.acquire().await else { return };
            let work = tokio::task::spawn_blocking(move || carry_out(&files, &charts, task));
            report(
                &sender,
                ticket,
                work.await.unwrap_or_else(|error| Err(format!("reading failed: {error}"))),
            )
            .await;
        });
    }

    /// Answers a request by a piece of a chart file, a part at a time.
    pub(crate) fn send_file(
        &self,
        answer: oneshot::Sender<Answer>,
        response: HttpResponse,
        name: &str,
        (offset, length): (u64, u64),
    ) {
        let path = self.charts.raw(name);
        self.runtime.spawn(async move {
            let opened = match path {
                Some(path) => open_at(&path, offset)
                    .await
                    .map_err(|error| format!("{}: {error}", path.display())),
                None => Err("the chart is gone".to_owned()),
            };
            // The client may have gone.
            let _ = answer.send(match opened {
                Ok(file) => Answer::File(response, FilePiece { file, length }),
                Err(error) => {
                    tracing::warn!("a chart cannot be sent: {error}");
                    Answer::Whole(HttpResponse::text(500, "Internal Server Error"))
                }
            });
        });
    }
}

async fn open_at(path: &Path, offset: u64) -> std::io::Result<tokio::fs::File> {
    let mut file = tokio::fs::File::open(path).await?;
    file.seek(std::io::SeekFrom::Start(offset)).await?;
    Ok(file)
}

async fn write_in_order(
    files: ResourceFiles,
    mut wishes: mpsc::UnboundedReceiver<(Ticket, StorageTask)>,
    sender: CoreSender,
) {
    while let Some((ticket, task)) = wishes.recv().await {
        let files = files.clone();
        let work = tokio::task::spawn_blocking(move || write(&files, &task));
        let result = work.await.unwrap_or_else(|error| Err(format!("saving failed: {error}")));
        report(&sender, ticket, result).await;
    }
}

async fn report(sender: &CoreSender, ticket: Ticket, result: Result<StorageDone, String>) {
    // Fails only after the core has stopped.
    let _ = sender.send(ToCore::Input(Input::Report(Report::Storage { ticket, result }))).await;
}

fn write(files: &ResourceFiles, task: &StorageTask) -> Result<StorageDone, String> {
    match task {
        StorageTask::WriteFile { folder, name, bytes } => {
            files.write(folder, name, bytes).map(|()| StorageDone::Written)
        }
        StorageTask::DeleteFile { folder, name } => {
            files.delete(folder, name).map(StorageDone::Deleted)
        }
        _ => Err("not a write".to_owned()),
    }
}

fn carry_out(
    files: &ResourceFiles,
    charts: &Charts,
    task: StorageTask,
) -> Result<StorageDone, String> {
    match task {
        StorageTask::ScanFolder { folder, scan } => {
            files.scan(&folder, scan).map(StorageDone::Scanned)
        }
        StorageTask::ReadFile { folder, name } => files.read(&folder, &name).map(StorageDone::Read),
        StorageTask::FindCharts { folders } => Ok(StorageDone::Charts(charts.find(&folders))),
        StorageTask::ReadTile { chart, tile, known, gzip } => {
            charts.tile(&chart, tile, known.as_deref(), gzip).map(StorageDone::Tile)
        }
        task => write(files, &task),
    }
}
