//! What crosses to the edge for resources and charts: one task out, one result back. The edge reads and writes files;
//! what a file means is decided here, for lists by a [`Scan`] that travels with the task and works on the edge's
//! thread.

use bytes::Bytes;

use super::scan::Scan;

/// Something to be done with files, beside the core's task. Exactly one [`StorageDone`] or error follows.
#[derive(Debug)]
pub enum StorageTask {
    /// Hand every file of a folder, in the order of their names, to the scan until it has enough. A folder that is not
    /// there is empty.
    ScanFolder {
        /// Relative to the configuration directory, `/` between names.
        folder: String,
        /// Comes back in [`StorageDone::Scanned`].
        scan: Box<Scan>,
    },
    /// Read one file: [`StorageDone::Read`].
    ReadFile {
        /// As above.
        folder: String,
        /// One name, checked by the core.
        name: String,
    },
    /// Save one file atomically and durably, the folder made when it is missing: [`StorageDone::Written`]. Writes and
    /// deletions happen in the order in which they were asked for.
    WriteFile {
        /// As above.
        folder: String,
        /// One name, checked by the core.
        name: String,
        /// The whole content.
        bytes: Bytes,
    },
    /// Remove one file: [`StorageDone::Deleted`].
    DeleteFile {
        /// As above.
        folder: String,
        /// One name, checked by the core.
        name: String,
    },
    /// Look for chart files in these folders (and theirs): [`StorageDone::Charts`].
    FindCharts {
        /// Relative to the configuration directory, or absolute.
        folders: Vec<String>,
    },
    /// Read one tile of a chart that was found: [`StorageDone::Tile`].
    ReadTile {
        /// [`ChartFile::id`].
        chart: String,
        /// Zoom, column, row counted from the north.
        tile: (u8, u32, u32),
        /// The client's `if-none-match`.
        known: Option<String>,
        /// Whether the client takes gzip.
        gzip: bool,
    },
}

/// What became of a task.
#[derive(Debug)]
pub enum StorageDone {
    /// The scan with what it found.
    Scanned(Box<Scan>),
    /// The file, or `None`: there is none.
    Read(Option<StoredFile>),
    /// Durable on disk.
    Written,
    /// Whether there was such a file.
    Deleted(bool),
    /// The charts that are there now, by id.
    Charts(Vec<ChartFile>),
    /// The tile, or why not.
    Tile(TileAnswer),
}

/// One file.
#[derive(Debug, Clone)]
pub struct StoredFile {
    /// When it was last written, milliseconds since the Unix epoch.
    pub modified_ms: i64,
    /// The whole content.
    pub bytes: Bytes,
}

/// One chart file, as its own metadata describe it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartFile {
    /// The file's name without its ending.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// More words; may be empty.
    pub description: String,
    /// West, south, east, north in degrees.
    pub bounds: Option<[f64; 4]>,
    /// The first zoom level.
    pub min_zoom: u8,
    /// The last zoom level.
    pub max_zoom: u8,
    /// `png`, `jpg`, `webp` or `pbf`.
    pub format: String,
    /// One to so much.
    pub scale: f64,
    /// Layers of vector tiles.
    pub layers: Vec<String>,
    /// Set when clients may read the file itself by ranges (PMTiles).
    pub file: Option<RawFile>,
}

/// A chart file that clients may read by ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFile {
    /// Its name, with the ending.
    pub name: String,
    /// In bytes.
    pub length: u64,
    /// Strong, with quotes: changes whenever the file does.
    pub etag: String,
}

/// What [`StorageTask::ReadTile`] found.
#[derive(Debug)]
pub enum TileAnswer {
    /// No such chart, or no tile there.
    Missing,
    /// The client has it.
    Same {
        /// Of the tile.
        etag: String,
    },
    /// Here it is.
    Tile {
        /// Of the tile.
        etag: String,
        /// By the bytes, not by what the chart says.
        content_type: &'static str,
        /// The bytes are compressed by gzip.
        gzip: bool,
        /// The tile.
        bytes: Bytes,
    },
}
