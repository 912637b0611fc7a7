//! Files of packages' web pages, read for the core. Which file is meant and how it is answered is the core's
//! (`signalk_core::webapps`); here is only how a disk is kept from giving more than the package.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::Arc,
    time::UNIX_EPOCH,
};

use cap_std::{ambient_authority, fs::Dir};
use signalk_core::{
    HttpResponse,
    webapps::{Coding, FileAnswer, FileFacts, Found, StaticFile},
};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};

use crate::http::{Answer, FilePiece};

/// Looked for at once; a page asks for dozens.
const AT_ONCE: usize = 4;

/// Read whole at once: most files of a page.
const SMALL: u64 = 64 << 10;

/// Works for the core's task and never makes it wait.
pub(crate) struct StaticFiles {
    runtime: Handle,
    turns: Arc<Semaphore>,
}

impl StaticFiles {
    pub(crate) fn new(runtime: Handle) -> StaticFiles {
        StaticFiles { runtime, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Answers a request by the file that it means.
    pub(crate) fn send(&self, answer: oneshot::Sender<Answer>, file: StaticFile) {
        let turns = Arc::clone(&self.turns);
        self.runtime.spawn(async move {
            let Ok(_turn) = turns.acquire().await else { return };
            let work = tokio::task::spawn_blocking(move || read(&file));
            let failed = || Answer::Whole(HttpResponse::text(500, "Internal Server Error"));
            // The client may have gone.
            let _ = answer.send(work.await.unwrap_or_else(|_| failed()));
        });
    }
}

fn read(wanted: &StaticFile) -> Answer {
    let (file, found) = match find(wanted) {
        Ok(Some((file, facts))) => (Some(file), Found::File(facts)),
        Ok(None) => (None, Found::Folder),
        // Missing, forbidden, or a link that leads out: nobody needs to know which.
        Err(_) => (None, Found::Missing),
    };
    match (wanted.answer(found), file) {
        (FileAnswer::Piece { head, offset, length }, Some(file)) => {
            match piece(file, head, offset, length) {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::warn!("{}/{}: {error}", wanted.package, wanted.path);
                    Answer::Whole(HttpResponse::text(500, "Internal Server Error"))
                }
            }
        }
        (FileAnswer::Piece { head, .. } | FileAnswer::Whole(head), _) => Answer::Whole(head),
    }
}

fn piece(mut file: File, mut head: HttpResponse, offset: u64, length: u64) -> io::Result<Answer> {
    file.seek(SeekFrom::Start(offset))?;
    if length > SMALL {
        return Ok(Answer::File(head, FilePiece { file: file.into(), length }));
    }
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    head.body = bytes.into();
    Ok(Answer::Whole(head))
}

/// `None`: a folder.
fn find(wanted: &StaticFile) -> io::Result<Option<(File, FileFacts)>> {
    let package = Dir::open_ambient_dir(Path::new(&wanted.package), ambient_authority())?;
    let inside = match package.metadata("public") {
        Ok(public) if public.is_dir() => format!("public/{}", wanted.path),
        Ok(_) if wanted.or_package => wanted.path.clone(),
        // A link that leads nowhere or out of the package does not open all the rest.
        Err(_) if wanted.or_package && is_missing(&package, "public") => wanted.path.clone(),
        _ => return Err(io::ErrorKind::NotFound.into()),
    };
    if package.metadata(&inside)?.is_dir() {
        return Ok(None);
    }
    for coding in &wanted.codings {
        if let Ok(found) = open(&package, &format!("{inside}{}", coding.ending()), Some(*coding)) {
            return Ok(Some(found));
        }
    }
    open(&package, &inside, None).map(Some)
}

fn is_missing(package: &Dir, name: &str) -> bool {
    let found = package.symlink_metadata(name);
    found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Every step is taken inside the package: a link that leads out of it is an error.
fn open(package: &Dir, path: &str, coding: Option<Coding>) -> io::Result<(File, FileFacts)> {
    // Opening a pipe would wait for its other end.
    if !package.metadata(path)?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let file = package.open(path)?.into_std();
    let found = file.metadata()?;
    let modified = found.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let modified_ms = u64::try_from(modified.as_millis()).unwrap_or(u64::MAX);
    Ok((file, FileFacts { length: found.len(), modified_ms, coding }))
}
