//! One idea, several makers: a provider is asked a question about resources of one type and gives one answer, now or
//! later. The files of the configuration directory are one, chart files another, plugins the rest.

use bytes::Bytes;
use serde_json::{Map, Value};
use signalk_bridge::ResourceHandler;
use signalk_model::json;

use super::{
    charts::{CHARTS, ChartOptions},
    filter::Filter,
    options::{FILES, is_file_name},
    scan::{Listing, Scan, stamp},
    storage::{StorageDone, StorageTask, StoredFile},
};
use crate::guest::PluginId;

/// Who has resources of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Provider {
    /// Files in the configuration directory.
    Files,
    /// Chart files and configured addresses of charts.
    Charts,
    /// A plugin that registered.
    Plugin(PluginId),
}

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    /// All that match.
    List(Map<String, Value>),
    /// One, or one member of it by a dotted path.
    Get { id: String, property: Option<String> },
    /// Keep this value.
    Set { id: String, value: Value },
    /// Forget it.
    Delete { id: String },
}

/// What a provider gave.
#[derive(Debug)]
pub(crate) enum Given {
    Listing(Listing),
    /// JSON text.
    Item(Bytes),
    /// It has no such resource.
    Missing,
    /// Written, or deleted.
    Done,
    /// It could not; with a text for the client when there is one better than the usual.
    Failed(Option<String>),
    /// The client asked for too much or for nonsense.
    Refused(String),
}

/// How a provider begins.
#[derive(Debug)]
pub(super) enum Begun {
    Now(Given),
    /// The edge does this first; then [`Provider::understand`].
    Task(StorageTask),
    /// A plugin is asked; then [`super::plugin::understand`].
    Call(PluginId, ResourceHandler, String),
}

/// What the makers know.
pub(super) struct Known<'a> {
    pub(super) charts: &'a ChartOptions,
    /// Where the own vessel is: (longitude, latitude).
    pub(super) here: Option<(f64, f64)>,
}

/// What the edge found, understood.
pub(super) struct Understood {
    pub(super) given: Given,
    /// Files that cannot be understood.
    pub(super) damaged: Vec<String>,
    /// A text for the log.
    pub(super) error: Option<String>,
}

impl Provider {
    /// Its id in addresses and as `$source`.
    pub(crate) fn id(&self) -> &str {
        match self {
            Provider::Files => FILES,
            Provider::Charts => CHARTS,
            Provider::Plugin(id) => id.as_str(),
        }
    }

    /// Begins to answer.
    pub(super) fn begin(&self, kind: &str, question: &Question, known: &Known<'_>) -> Begun {
        match self {
            Provider::Files => begin_files(kind, question, known.here),
            Provider::Plugin(id) => {
                let (handler, request) = super::plugin::request(kind, question);
                Begun::Call(id.clone(), handler, request)
            }
            Provider::Charts => match question {
                Question::List(_) | Question::Get { .. } => {
                    Begun::Task(StorageTask::FindCharts { folders: known.charts.folders.clone() })
                }
                Question::Set { .. } | Question::Delete { .. } => {
                    let why =
                        "Charts are files: copy them to the charts folder, or remove them there"
                            .to_owned();
                    Begun::Now(Given::Failed(Some(why)))
                }
            },
        }
    }

    /// What the edge did answers the question so.
    pub(super) fn understand(
        &self,
        question: &Question,
        result: Result<StorageDone, String>,
        known: &Known<'_>,
    ) -> Understood {
        let mut understood =
            Understood { given: Given::Failed(None), damaged: Vec::new(), error: None };
        match (result, question) {
            (Ok(StorageDone::Scanned(scan)), _) => {
                let (listing, damaged) = scan.finish();
                understood.given = listing.map_or_else(Given::Refused, Given::Listing);
                understood.damaged = damaged;
            }
            (Ok(StorageDone::Read(None)), _) | (Ok(StorageDone::Deleted(false)), _) => {
                understood.given = Given::Missing;
            }
            (Ok(StorageDone::Read(Some(file))), Question::Get { id, property }) => {
                match read_file(&file, property.as_deref(), self.id()) {
                    Some(given) => understood.given = given,
                    None => {
                        understood.given = Given::Missing;
                        understood.damaged.push(file_name(id).to_owned());
                    }
                }
            }
            (Ok(StorageDone::Written | StorageDone::Deleted(true)), _) => {
                understood.given = Given::Done
            }
            (Ok(StorageDone::Charts(files)), question) => {
                understood.given = of_charts(known.charts.all(&files), question);
            }
            (Ok(_), _) => {}
            (Err(error), _) => understood.error = Some(error),
        }
        understood
    }
}

fn begin_files(kind: &str, question: &Question, here: Option<(f64, f64)>) -> Begun {
    let folder = format!("resources/{kind}");
    let id = match question {
        Question::List(query) => {
            return match Filter::from_query(kind, query, here) {
                Ok(filter) => Begun::Task(StorageTask::ScanFolder {
                    folder,
                    scan: Box::new(Scan::new(filter, FILES)),
                }),
                Err(why) => Begun::Now(Given::Refused(why)),
            };
        }
        Question::Get { id, .. } | Question::Set { id, .. } | Question::Delete { id } => id,
    };
    let name = file_name(id).to_owned();
    if !is_file_name(&name) {
        return Begun::Now(match question {
            Question::Set { .. } => Given::Failed(None),
            _ => Given::Missing,
        });
    }
    Begun::Task(match question {
        Question::Set { value, .. } => {
            StorageTask::WriteFile { folder, name, bytes: json::value_text(value).into() }
        }
        Question::Delete { .. } => StorageTask::DeleteFile { folder, name },
        _ => StorageTask::ReadFile { folder, name },
    })
}

/// An id may come as a urn; files are named by its last part.
pub(super) fn file_name(id: &str) -> &str {
    id.rsplit(':').next().unwrap_or_default()
}

/// `None`: the file is damaged.
fn read_file(file: &StoredFile, property: Option<&str>, source: &str) -> Option<Given> {
    let Ok(Value::Object(mut resource)) = json::parse(&file.bytes) else { return None };
    if let Some(property) = property {
        // DIFFERENCE: 0, false and the empty text are values; the reference says that they are not there.
        let Some(value) = member(&Value::Object(resource), property) else {
            return Some(Given::Missing);
        };
        resource = Map::from_iter([("value".to_owned(), value)]);
    }
    stamp(&mut resource, file.modified_ms, source);
    Some(Given::Item(json::value_text(&Value::Object(resource)).into()))
}

fn of_charts(mut all: Map<String, Value>, question: &Question) -> Given {
    let Question::Get { id, property } = question else { return Given::Listing(Listing::of(all)) };
    let Some(chart) = all.shift_remove(id) else { return Given::Missing };
    let found = match property {
        None => Some(chart),
        Some(property) => {
            member(&chart, property).map(|value| serde_json::json!({ "value": value }))
        }
    };
    found.map_or(Given::Missing, |value| Given::Item(json::value_text(&value).into()))
}

/// `a.0.b` of a value; null is nothing.
fn member(value: &Value, path: &str) -> Option<Value> {
    let found = path.split('.').try_fold(value, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        value => value.get(name),
    })?;
    (!found.is_null()).then(|| found.clone())
}
