//! What one sentence has said so far: the values of the delta to be.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use signalk_model::{Context, Path, PathValue, Value, json};

/// Collects values; becomes a delta when there is at least one.
pub(in crate::input) struct Draft {
    /// Whom it is about; `None` is the own vessel.
    pub(in crate::input) context: Option<Context>,
    /// When it was measured, in ms since the Unix epoch, if the sentence says so.
    pub(in crate::input) moment_ms: Option<i64>,
    /// When it arrived.
    pub(in crate::input) now_ms: i64,
    pub(in crate::input) values: Vec<PathValue>,
}

impl Draft {
    pub(in crate::input) fn new(now_ms: i64) -> Self {
        Self { context: None, moment_ms: None, now_ms, values: Vec::new() }
    }

    pub(in crate::input) fn value(&mut self, path: &Path, value: Value) {
        self.values.push(PathValue { path: path.clone(), value });
    }

    pub(in crate::input) fn number(&mut self, path: &Path, number: f64) {
        self.value(path, Value::Number(number));
    }

    /// The number, or null where the reference says that it is known to be missing.
    pub(in crate::input) fn number_or_null(&mut self, path: &Path, number: Option<f64>) {
        self.value(path, number.map_or(Value::Null, Value::Number));
    }

    /// The number, or nothing.
    pub(in crate::input) fn number_if(&mut self, path: &Path, number: Option<f64>) {
        if let Some(number) = number {
            self.number(path, number);
        }
    }

    pub(in crate::input) fn text(&mut self, path: &Path, text: impl Into<Arc<str>>) {
        self.value(path, Value::String(text.into()));
    }

    pub(in crate::input) fn object<const N: usize>(
        &mut self,
        path: &Path,
        members: [(&str, Json); N],
    ) {
        self.value(path, object(members));
    }

    /// A position in degrees (latitude, longitude), or null.
    pub(in crate::input) fn position(&mut self, path: &Path, position: Option<(f64, f64)>) {
        match position {
            Some((latitude, longitude)) => {
                self.object(
                    path,
                    [("longitude", json::number(longitude)), ("latitude", json::number(latitude))],
                );
            }
            None => self.value(path, Value::Null),
        }
    }
}

/// A value that is a JSON object.
pub(in crate::input) fn object<const N: usize>(members: [(&str, Json); N]) -> Value {
    let mut map = Map::with_capacity(N);
    for (name, value) in members {
        map.insert(name.to_owned(), value);
    }
    Value::Json(Arc::new(Json::Object(map)))
}
