//! PMTiles version 3: one file with directories of tiles, read by position. The file is not mapped into memory: a chart
//! that is replaced while it is read would end the process.

use std::{
    fs::File,
    future::Future,
    os::unix::fs::FileExt,
    path::Path,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use pmtiles::{
    AsyncBackend, AsyncPmTilesReader, BackendResponse, Compression, DirEntry, Directory,
    DirectoryCache, PmtError, PmtResult, TileCoord, TileId, TileType,
};
use serde_json::Value;
use signalk_core::resources::ChartFile;
use tokio::runtime::Handle;

use super::{LARGEST_TILE, Raw, kind::is_gzip};

/// Nothing in a chart is larger: a length that is comes from a damaged directory.
const LARGEST_READ: usize = 4 * LARGEST_TILE;

/// Directories that are kept per open chart, some 64 kB each.
const DIRECTORIES: usize = 16;

/// An open file.
pub(super) struct PmTiles {
    reader: AsyncPmTilesReader<Positions, Latest>,
}

impl std::fmt::Debug for PmTiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PmTiles").field("header", self.reader.get_header()).finish()
    }
}

impl PmTiles {
    pub(super) fn open(path: &Path) -> Result<PmTiles, String> {
        let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
        let length = file.metadata().map_err(|error| format!("cannot be opened: {error}"))?.len();
        let reading = AsyncPmTilesReader::try_from_cached_source(
            Positions { file, length },
            Latest::default(),
        );
        let reader = wait(reading)?;
        match reader.get_header().tile_compression {
            Compression::Brotli | Compression::Zstd => Err(
                "its tiles are compressed in a way that browsers do not read: convert it to gzip"
                    .to_owned(),
            ),
            _ => Ok(PmTiles { reader }),
        }
    }

    pub(super) fn tile(&self, (zoom, column, row): (u8, u32, u32)) -> Result<Option<Raw>, String> {
        let Ok(coordinate) = TileCoord::new(zoom, column, row) else { return Ok(None) };
        let found = wait(self.reader.get_tile(coordinate))?;
        Ok(found
            .filter(|bytes| !bytes.is_empty())
            .map(|bytes| Raw { gzip: is_gzip(&bytes), bytes }))
    }

    pub(super) fn describe(&self, id: &str) -> Result<ChartFile, String> {
        let header = self.reader.get_header();
        let metadata: Value = match wait(self.reader.get_metadata()) {
            Ok(text) => serde_json::from_str(&text).unwrap_or_default(),
            Err(_) => Value::Null,
        };
        let text =
            |name: &str| metadata.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let layers = metadata.get("vector_layers").and_then(Value::as_array).into_iter().flatten();
        let format = match header.tile_type {
            TileType::Mvt => "pbf",
            TileType::Png => "png",
            TileType::Jpeg => "jpg",
            TileType::Webp => "webp",
            TileType::Avif => "avif",
            _ => return Err("its tiles are of a kind that is not known".to_owned()),
        };
        let bounds =
            [header.min_longitude, header.min_latitude, header.max_longitude, header.max_latitude];
        Ok(ChartFile {
            id: id.to_owned(),
            name: text("name").unwrap_or(id).to_owned(),
            description: text("description").unwrap_or_default().to_owned(),
            bounds: Some(bounds),
            min_zoom: header.min_zoom,
            max_zoom: header.max_zoom,
            format: format.to_owned(),
            scale: metadata
                .get("scale")
                .and_then(Value::as_f64)
                .filter(|scale| *scale >= 1.0)
                .unwrap_or(250_000.0),
            layers: layers
                .filter_map(|layer| Some(layer.get("id")?.as_str()?.to_owned()))
                .collect(),
            file: None,
        })
    }
}

/// The crate's functions are futures for readers over networks; over a file they never wait.
fn wait<T>(reading: impl Future<Output = PmtResult<T>>) -> Result<T, String> {
    let read = match Handle::try_current() {
        Ok(runtime) => runtime.block_on(reading),
        Err(_) => return Err("read outside the blocking pool".to_owned()),
    };
    read.map_err(|error| match error {
        PmtError::InvalidMagicNumber => "not a PMTiles file".to_owned(),
        PmtError::UnsupportedPmTilesVersion => {
            "a version of PMTiles that is not supported: convert it to version 3".to_owned()
        }
        other => format!("damaged: {other}"),
    })
}

/// Reads at a position.
struct Positions {
    file: File,
    length: u64,
}

impl AsyncBackend for Positions {
    async fn read(&self, offset: u64, length: usize) -> PmtResult<BackendResponse> {
        let rest = self.length.saturating_sub(offset);
        let length = usize::try_from(rest).map_or(length, |rest| length.min(rest));
        if length > LARGEST_READ {
            return Err(PmtError::InvalidEntry);
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(BackendResponse::new(Bytes::from(bytes)))
    }
}

/// The directories that were read last.
#[derive(Default)]
struct Latest {
    directories: Mutex<Vec<(u64, Directory)>>,
}

impl Latest {
    /// `None`: the directory is not here.
    fn find(&self, offset: u64, tile: TileId) -> Option<Option<DirEntry>> {
        let mut kept = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(at, _)| *at == offset)?;
        let entry = kept.remove(at);
        let found = entry.1.find_tile_id(tile).copied();
        kept.push(entry);
        Some(found)
    }

    fn keep(&self, offset: u64, directory: Directory) {
        let mut kept = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= DIRECTORIES {
            kept.remove(0);
        }
        kept.push((offset, directory));
    }
}

impl DirectoryCache for Latest {
    async fn get_dir_entry_or_insert(
        &self,
        offset: u64,
        tile_id: TileId,
        fetcher: impl Future<Output = PmtResult<Directory>> + Send,
    ) -> PmtResult<Option<DirEntry>> {
        if let Some(found) = self.find(offset, tile_id) {
            return Ok(found);
        }
        let directory = fetcher.await?;
        let found = directory.find_tile_id(tile_id).copied();
        self.keep(offset, directory);
        Ok(found)
    }
}
