//! MBTiles 1.3: a SQLite file with the tables `metadata` and `tiles`. Opened for reading only, and a query that does
//! not end is ended: `tiles` may be a view, so a damaged or hostile file can make SQLite work for ever.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, OptionalExtension, types::ValueRef};
use serde_json::Value;
use signalk_core::resources::ChartFile;

use super::{
    LARGEST_TILE, Raw,
    kind::{is_gzip, sniffed},
};

/// For one tile; a fast disk needs a ten thousandth of it.
const PATIENCE: Duration = Duration::from_secs(5);

/// For a file that does not say its zoom levels, in which all tiles are counted.
const MORE_PATIENCE: Duration = Duration::from_secs(20);

/// An open file.
#[derive(Debug)]
pub(super) struct MbTiles {
    /// One at a time: a tile takes less than a turn of the pool.
    connection: Mutex<Connection>,
}

impl MbTiles {
    pub(super) fn open(path: &Path) -> Result<MbTiles, String> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(told)?;
        // Half a megabyte of pages at most; the system caches the file anyway.
        connection
            .execute_batch(
                "PRAGMA cache_size=-512; PRAGMA trusted_schema=OFF; PRAGMA query_only=ON;",
            )
            .map_err(told)?;
        Ok(MbTiles { connection: Mutex::new(connection) })
    }

    pub(super) fn tile(&self, (zoom, column, row): (u8, u32, u32)) -> Result<Option<Raw>, String> {
        // Rows are counted from the south.
        let from_south = (1u64 << zoom) - 1 - u64::from(row);
        let from_south = i64::try_from(from_south).unwrap_or_default();
        self.with(PATIENCE, |connection| {
            let mut query = connection.prepare_cached(
                "SELECT tile_data FROM tiles WHERE zoom_level = ?1 AND tile_column = ?2 AND tile_row = ?3",
            )?;
            query.query_row((zoom, column, from_south), |row| Ok(tile_of(row.get_ref(0)?))).optional()
        })?
        .transpose()
        .map(Option::flatten)
    }

    pub(super) fn describe(&self, id: &str) -> Result<ChartFile, String> {
        let metadata = self.metadata()?;
        let text =
            |name: &str| metadata.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        let zoom =
            |name: &str| text(name).and_then(|text| text.parse::<f64>().ok()).and_then(whole);
        let (min_zoom, max_zoom) = match (zoom("minzoom"), zoom("maxzoom")) {
            (Some(min), Some(max)) => (min, max),
            (min, max) => {
                let counted = self.zoom_levels()?.ok_or("it has no tiles")?;
                (min.unwrap_or(counted.0), max.unwrap_or(counted.1))
            }
        };
        let bounds = match text("bounds").and_then(parse_bounds) {
            Some(bounds) => Some(bounds),
            None => self.bounds_of_tiles(max_zoom)?,
        };
        let format = match text("format") {
            Some(format) => known_format(format),
            None => self.format_of_a_tile()?,
        };
        let scale =
            text("scale").and_then(|text| text.parse::<f64>().ok()).filter(|scale| *scale >= 1.0);
        let layers = text("json").map(layers).unwrap_or_default();
        Ok(ChartFile {
            id: id.to_owned(),
            name: text("name").or(text("id")).unwrap_or(id).to_owned(),
            description: text("description").unwrap_or_default().to_owned(),
            bounds,
            min_zoom,
            max_zoom,
            format,
            scale: scale.unwrap_or(250_000.0),
            layers,
            file: None,
        })
    }

    fn metadata(&self) -> Result<BTreeMap<String, String>, String> {
        self.with(PATIENCE, |connection| {
            let mut query = connection.prepare("SELECT name, value FROM metadata LIMIT 1000")?;
            let rows = query
                .query_map((), |row| Ok((text_of(row.get_ref(0)?), text_of(row.get_ref(1)?))))?;
            rows.collect()
        })
    }

    fn zoom_levels(&self) -> Result<Option<(u8, u8)>, String> {
        let levels: Option<(Option<f64>, Option<f64>)> = self.with(MORE_PATIENCE, |connection| {
            let sql = "SELECT CAST(MIN(zoom_level) AS REAL), CAST(MAX(zoom_level) AS REAL) FROM tiles";
            connection.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })?;
        Ok(levels.and_then(|(min, max)| Some((whole(min?)?, whole(max?)?))))
    }

    /// What the tiles of the last zoom level cover.
    fn bounds_of_tiles(&self, zoom: u8) -> Result<Option<[f64; 4]>, String> {
        let edges: Option<[Option<f64>; 4]> = self.with(MORE_PATIENCE, |connection| {
            let sql = "SELECT CAST(MIN(tile_column) AS REAL), CAST(MIN(tile_row) AS REAL), \
                       CAST(MAX(tile_column) AS REAL), CAST(MAX(tile_row) AS REAL) FROM tiles WHERE zoom_level = ?1";
            connection
                .query_row(sql, (zoom,), |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))
                .optional()
        })?;
        let Some([Some(west), Some(south), Some(east), Some(north)]) = edges else {
            return Ok(None);
        };
        let size = f64::from(zoom).exp2();
        let longitude = |column: f64| column / size * 360.0 - 180.0;
        let latitude =
            |row: f64| (std::f64::consts::PI * (2.0 * row / size - 1.0)).sinh().atan().to_degrees();
        Ok(Some([longitude(west), latitude(south), longitude(east + 1.0), latitude(north + 1.0)]))
    }

    fn format_of_a_tile(&self) -> Result<String, String> {
        let found = self.with(PATIENCE, |connection| {
            let sql = "SELECT tile_data FROM tiles LIMIT 1";
            let sniff = |row: &rusqlite::Row<'_>| {
                Ok(row.get_ref(0)?.as_blob().ok().and_then(sniffed).unwrap_or("png"))
            };
            connection.query_row(sql, (), sniff).optional()
        })?;
        found.map(str::to_owned).ok_or_else(|| "it has no tiles".to_owned())
    }

    /// A query that ends.
    fn with<T>(
        &self,
        patience: Duration,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, String> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        connection
            .progress_handler(10_000, Some(move || begun.elapsed() > patience))
            .map_err(told)?;
        ask(&connection).map_err(told)
    }
}

fn tile_of(value: ValueRef<'_>) -> Result<Option<Raw>, String> {
    match value.as_blob() {
        Ok([]) | Err(_) => Ok(None),
        Ok(bytes) if bytes.len() > LARGEST_TILE => {
            Err(format!("{} bytes, which is no tile", bytes.len()))
        }
        Ok(bytes) => Ok(Some(Raw { gzip: is_gzip(bytes), bytes: Bytes::copy_from_slice(bytes) })),
    }
}

/// Writers put numbers where texts belong, and the other way round.
fn text_of(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
    }
}

fn parse_bounds(text: &str) -> Option<[f64; 4]> {
    let numbers: Vec<f64> =
        text.split(',').map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
    let bounds: [f64; 4] = numbers.try_into().ok()?;
    bounds.iter().all(|number| number.is_finite()).then_some(bounds)
}

/// The short name: some writers put a content type there.
fn known_format(format: &str) -> String {
    let format = format.to_ascii_lowercase();
    match format.rsplit('/').next().unwrap_or_default() {
        "jpeg" => "jpg".to_owned(),
        "mvt" | "x-protobuf" | "vnd.mapbox-vector-tile" => "pbf".to_owned(),
        other => other.to_owned(),
    }
}

/// Ids of the vector layers in the row `json`.
fn layers(text: &str) -> Vec<String> {
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let layers = json.get("vector_layers").and_then(Value::as_array).into_iter().flatten();
    layers.filter_map(|layer| Some(layer.get("id")?.as_str()?.to_owned())).collect()
}

/// A zoom level.
fn whole(number: f64) -> Option<u8> {
    (0..=30u8).find(|level| (f64::from(*level) - number.round()).abs() < 0.5)
}

fn told(error: rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => {
            "not an MBTiles file: it is no SQLite database".to_owned()
        }
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => format!("damaged: {error}"),
        Some(rusqlite::ErrorCode::OperationInterrupted) => {
            "a query took too long and was ended".to_owned()
        }
        _ => format!("cannot be read as MBTiles: {error}"),
    }
}
