//! Chart files: which there are, what they say of themselves, and their tiles. MBTiles (SQLite) and PMTiles.
//!
//! Everything here blocks and runs on the blocking pool, see `storage`. What clients see of a chart, and which
//! addresses there are, is the core's. Folders of tiles (`tilemapresource.xml`) are not read.

mod find;
mod kind;
mod mbtiles;
mod pmtiles;

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use signalk_core::resources::{ChartFile, TileAnswer};

use self::{find::Stamp, kind::content_type, mbtiles::MbTiles, pmtiles::PmTiles};

/// Files that are open at once; the one that was not read for longest is closed first.
const OPEN_AT_MOST: usize = 32;

/// A tile that is larger is none.
pub(crate) const LARGEST_TILE: usize = 16 << 20;

/// The charts that were found. Shared by the threads of the pool.
#[derive(Debug)]
pub(crate) struct Charts {
    /// Folders are relative to this one.
    root: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    charts: BTreeMap<String, Arc<Chart>>,
    /// The latest last.
    open: Vec<(Arc<Chart>, Arc<Reader>)>,
    /// What was said of files that are no charts, so that it is said once.
    complained: BTreeMap<PathBuf, Stamp>,
}

/// One file that is a chart.
#[derive(Debug)]
pub(crate) struct Chart {
    path: PathBuf,
    stamp: Stamp,
    file: ChartFile,
}

#[derive(Debug)]
enum Reader {
    MbTiles(MbTiles),
    PmTiles(Box<PmTiles>),
}

/// A tile as it lies in the file.
struct Raw {
    bytes: Bytes,
    gzip: bool,
}

impl Charts {
    /// None are known yet.
    pub(crate) fn new(root: &Path) -> Charts {
        Charts { root: root.to_owned(), state: Mutex::default() }
    }

    /// Looks anew. Files that have not changed are not opened again.
    pub(crate) fn find(&self, folders: &[String]) -> Vec<ChartFile> {
        let known = self
            .lock()
            .charts
            .values()
            .map(|chart| (chart.path.clone(), Arc::clone(chart)))
            .collect();
        let found = find::find(&self.root, folders, &known);
        let mut state = self.lock();
        for (path, stamp, why) in found.complaints {
            if state.complained.insert(path.clone(), stamp) != Some(stamp) {
                tracing::warn!(
                    "{}: {why}; it is left out, the other charts are served",
                    path.display()
                );
            }
        }
        state.charts = found.charts;
        let charts = state.charts.clone();
        state.open.retain(|(open, _)| charts.values().any(|chart| Arc::ptr_eq(chart, open)));
        charts.values().map(|chart| chart.file.clone()).collect()
    }

    /// One tile of a chart that was found. `known`: an entity tag that the client has.
    pub(crate) fn tile(
        &self,
        id: &str,
        tile: (u8, u32, u32),
        known: Option<&str>,
        takes_gzip: bool,
    ) -> Result<TileAnswer, String> {
        let Some(chart) = self.lock().charts.get(id).cloned() else {
            return Ok(TileAnswer::Missing);
        };
        let (zoom, column, row) = tile;
        let etag = format!("W/\"{}-{zoom}-{column}-{row}\"", chart.stamp);
        if known.is_some_and(|known| known.split(',').any(|one| one.trim() == etag)) {
            return Ok(TileAnswer::Same { etag });
        }
        let told =
            |why: String| format!("{}: tile {zoom}/{column}/{row}: {why}", chart.path.display());
        let reader = self.open(&chart).map_err(told)?;
        let read = match &*reader {
            Reader::MbTiles(reader) => reader.tile(tile),
            Reader::PmTiles(reader) => reader.tile(tile),
        };
        let Some(Raw { mut bytes, mut gzip }) = read.map_err(told)? else {
            return Ok(TileAnswer::Missing);
        };
        if gzip && !takes_gzip {
            bytes = unzipped(&bytes).map_err(told)?;
            gzip = false;
        }
        let content_type = content_type(&bytes, gzip, &chart.file.format);
        Ok(TileAnswer::Tile { etag, content_type, gzip, bytes })
    }

    /// A file that clients may read by ranges.
    pub(crate) fn raw(&self, name: &str) -> Option<PathBuf> {
        let state = self.lock();
        let named =
            |chart: &&Arc<Chart>| chart.file.file.as_ref().is_some_and(|file| file.name == name);
        state.charts.values().find(named).map(|chart| chart.path.clone())
    }

    fn open(&self, chart: &Arc<Chart>) -> Result<Arc<Reader>, String> {
        {
            let mut state = self.lock();
            if let Some(at) = state.open.iter().position(|(open, _)| Arc::ptr_eq(open, chart)) {
                let entry = state.open.remove(at);
                let reader = Arc::clone(&entry.1);
                state.open.push(entry);
                return Ok(reader);
            }
        }
        // Opened without the lock: a slow disk keeps nobody else waiting. Two at once do no harm.
        let reader = Arc::new(match chart.file.file {
            None => Reader::MbTiles(MbTiles::open(&chart.path)?),
            Some(_) => Reader::PmTiles(Box::new(PmTiles::open(&chart.path)?)),
        });
        let mut state = self.lock();
        if state.open.len() >= OPEN_AT_MOST {
            state.open.remove(0);
        }
        state.open.push((Arc::clone(chart), Arc::clone(&reader)));
        Ok(reader)
    }

    /// A panic elsewhere leaves it in order: every change is one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unzipped(bytes: &[u8]) -> Result<Bytes, String> {
    let limit = u64::try_from(LARGEST_TILE).unwrap_or(u64::MAX);
    let mut plain = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut plain);
    read.map(|_| Bytes::from(plain)).map_err(|error| format!("cannot be decompressed: {error}"))
}
