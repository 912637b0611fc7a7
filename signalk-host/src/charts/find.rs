//! Which files are charts: every `.mbtiles` and `.pmtiles` below the folders, looked into only when it is new or has
//! changed.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use signalk_core::resources::RawFile;

use super::{Chart, mbtiles::MbTiles, pmtiles::PmTiles};

/// A folder in the wrong place shall not send us through the whole disk.
const DEEPEST: usize = 8;
const MOST: usize = 10_000;

/// Tells one content of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    modified_ms: u128,
    length: u64,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Stamp {
        let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        Stamp { modified_ms: modified.unwrap_or_default().as_millis(), length: metadata.len() }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.modified_ms, self.length)
    }
}

/// What there is now.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) charts: BTreeMap<String, Arc<Chart>>,
    pub(super) complaints: Vec<(PathBuf, Stamp, String)>,
}

/// Looks through the folders. `known`: charts as they were found before, by path.
pub(super) fn find(
    root: &Path,
    folders: &[String],
    known: &BTreeMap<PathBuf, Arc<Chart>>,
) -> Found {
    let mut found = Found::default();
    for folder in folders {
        let mut files = Vec::new();
        look(&root.join(folder), 0, &mut files, &mut found);
        files.sort_by(|a, b| a.0.cmp(&b.0));
        for (path, stamp) in files {
            match known.get(&path).filter(|chart| chart.stamp == stamp) {
                Some(chart) => found.add(Arc::clone(chart)),
                None => match read(&path, stamp) {
                    Ok(chart) => found.add(Arc::new(chart)),
                    Err(why) => found.complaints.push((path, stamp, why)),
                },
            }
        }
    }
    found
}

impl Found {
    /// Two files of one name: the later folder wins, as in the reference; the other ending keeps it in its id.
    fn add(&mut self, chart: Arc<Chart>) {
        let Some(other) = self.charts.get(&chart.file.id) else {
            self.charts.insert(chart.file.id.clone(), chart);
            return;
        };
        if other.path.file_name() == chart.path.file_name() {
            let why = format!(
                "{} has the same name, and only that one is served: rename one of them",
                chart.path.display()
            );
            self.complaints.push((other.path.clone(), other.stamp, why));
            self.charts.insert(chart.file.id.clone(), chart);
        } else {
            let mut file = chart.file.clone();
            file.id = chart.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let renamed = Chart { path: chart.path.clone(), stamp: chart.stamp, file };
            self.charts.insert(renamed.file.id.clone(), Arc::new(renamed));
        }
    }
}

fn look(folder: &Path, depth: usize, files: &mut Vec<(PathBuf, Stamp)>, found: &mut Found) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // The default folder need not be there.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => {
            let stamp = Stamp { modified_ms: 0, length: 0 };
            found.complaints.push((folder.to_owned(), stamp, format!("cannot be read: {error}")));
            return;
        }
    };
    for entry in entries.filter_map(Result::ok) {
        // Links are not followed: they may lead in circles.
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() && depth < DEEPEST {
            look(&path, depth + 1, files, found);
        } else if kind.is_file()
            && ending(&path).is_some()
            && files.len() < MOST
            && let Ok(metadata) = entry.metadata()
        {
            files.push((path, Stamp::of(&metadata)));
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    MbTiles,
    PmTiles,
}

fn ending(path: &Path) -> Option<Ending> {
    let ending = path.extension()?.to_str()?;
    if ending.eq_ignore_ascii_case("mbtiles") {
        Some(Ending::MbTiles)
    } else if ending.eq_ignore_ascii_case("pmtiles") {
        Some(Ending::PmTiles)
    } else {
        None
    }
}

fn read(path: &Path, stamp: Stamp) -> Result<Chart, String> {
    let id =
        path.file_stem().and_then(|name| name.to_str()).ok_or("its name is not text: rename it")?;
    let file = match ending(path) {
        Some(Ending::PmTiles) => {
            let mut file = PmTiles::open(path)?.describe(id)?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            file.file = Some(RawFile { name, length: stamp.length, etag: format!("\"{stamp}\"") });
            file
        }
        _ => MbTiles::open(path)?.describe(id)?,
    };
    Ok(Chart { path: path.to_owned(), stamp, file })
}
