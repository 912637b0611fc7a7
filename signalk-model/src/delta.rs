//! The delta: a change of some values of one context. Plain data with helpers to build and to
//! write it. Reading is in `parse`, the rules for incoming deltas are in `normalise`.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::error::{Complaint, DeltaError};
use crate::interner::Interner;
use crate::json;
use crate::names::{Context, Path, SourceRef};
use crate::source::Source;
use crate::timestamp::Timestamp;
use crate::value::Value;

/// A change of some values of one context.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Delta {
    /// Whose values; `None` means this vessel until `normalise` fills it in.
    pub context: Option<Context>,
    /// Changes, each with one source and one time.
    pub updates: Vec<Update>,
}

/// Changes from one source at one time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Update {
    /// The `source` object.
    pub source: Option<Arc<Source>>,
    /// `$source`.
    pub source_ref: Option<SourceRef>,
    /// When it was measured.
    pub timestamp: Option<Timestamp>,
    /// New values.
    pub values: Vec<PathValue>,
    /// New metadata.
    pub meta: Vec<PathMeta>,
}

/// A path and its new value.
#[derive(Debug, Clone, PartialEq)]
pub struct PathValue {
    /// The path; empty for attributes of the context itself.
    pub path: Path,
    /// The value; replaced whole, never merged.
    pub value: Value,
}

/// A path and new members of its metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct PathMeta {
    /// The path.
    pub path: Path,
    /// The members; each replaces the one of the same name.
    pub value: Arc<Map<String, Json>>,
}

/// What a message held.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// What was understood.
    pub delta: Delta,
    /// What was left out: the first 100 things, and a count of the others.
    pub complaints: Vec<Complaint>,
}

impl Delta {
    /// Reads a delta from JSON.
    ///
    /// ```
    /// # use signalk_model::Delta;
    /// let text = br#"{"updates":[{"$source":"gps","values":[{"path":"navigation.speedOverGround","value":3.10}]}]}"#;
    /// let delta = Delta::parse(text)?.delta;
    /// assert_eq!(delta.updates[0].values[0].value.as_f64(), Some(3.1));
    /// assert!(delta.to_json().ends_with(r#""value":3.1}]}]}"#));
    /// # Ok::<(), signalk_model::DeltaError>(())
    /// ```
    ///
    /// # Errors
    /// When the bytes are not JSON, `updates` is no array or `context` no usable text. Smaller
    /// faults are complaints.
    pub fn parse(bytes: &[u8]) -> Result<Parsed, DeltaError> {
        crate::parse::delta(bytes, &mut Interner::new())
    }

    /// As [`Delta::parse`], with names shared through `interner`: several times faster.
    ///
    /// # Errors
    /// As [`Delta::parse`].
    pub fn parse_with(bytes: &[u8], interner: &mut Interner) -> Result<Parsed, DeltaError> {
        crate::parse::delta(bytes, interner)
    }

    /// A delta without updates for `context`.
    pub fn new(context: impl Into<Context>) -> Self {
        Self { context: Some(context.into()), updates: Vec::new() }
    }

    /// A delta without updates for this vessel.
    pub fn for_self() -> Self {
        Self::default()
    }

    /// Adds an update.
    #[must_use]
    pub fn with_update(mut self, update: Update) -> Self {
        self.updates.push(update);
        self
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.updates.iter().all(|update| update.values.is_empty() && update.meta.is_empty())
    }

    /// Appends compact JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        if let Some(context) = &self.context {
            out.extend_from_slice(b"\"context\":");
            json::write_str(out, context);
            out.push(b',');
        }
        out.extend_from_slice(b"\"updates\":[");
        for (at, update) in self.updates.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            update.write_json(out);
        }
        out.extend_from_slice(b"]}");
    }

    /// Compact JSON.
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(256);
        self.write_json(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

impl Update {
    /// An update without source, time or values.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a `source` object; `$source` follows from it.
    #[must_use]
    pub fn with_source(mut self, source: Arc<Source>) -> Self {
        self.source_ref = source.source_ref().cloned();
        self.source = Some(source);
        self
    }

    /// With a `$source`.
    #[must_use]
    pub fn with_source_ref(mut self, source_ref: impl Into<SourceRef>) -> Self {
        self.source_ref = Some(source_ref.into());
        self
    }

    /// With the time of measurement.
    #[must_use]
    pub fn with_timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// With one more value.
    #[must_use]
    pub fn with_value(mut self, path: impl Into<Path>, value: impl Into<Value>) -> Self {
        self.push(path, value);
        self
    }

    /// With metadata of one more path; nothing happens when `value` is no object.
    #[must_use]
    pub fn with_meta(mut self, path: impl Into<Path>, value: Json) -> Self {
        if let Json::Object(members) = value {
            self.meta.push(PathMeta { path: path.into(), value: Arc::new(members) });
        }
        self
    }

    /// Adds a value.
    pub fn push(&mut self, path: impl Into<Path>, value: impl Into<Value>) {
        self.values.push(PathValue { path: path.into(), value: value.into() });
    }

    /// Appends compact JSON: `source`, `$source`, `timestamp`, `values`, `meta`, what is there.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        write_update_head(
            out,
            self.source.as_deref(),
            self.source_ref.as_ref(),
            self.timestamp.as_ref(),
        );
        let mut first = *out.last().unwrap_or(&b'{') == b'{';
        let mut comma = |out: &mut Vec<u8>| {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
        };
        if !self.values.is_empty() {
            comma(out);
            out.extend_from_slice(b"\"values\":[");
            for (at, entry) in self.values.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_path_value(out, &entry.path, &entry.value);
            }
            out.push(b']');
        }
        if !self.meta.is_empty() {
            comma(out);
            out.extend_from_slice(b"\"meta\":[");
            for (at, entry) in self.meta.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_path_meta(out, &entry.path, &entry.value);
            }
            out.push(b']');
        }
        out.push(b'}');
    }
}

/// Writes `{` and the members that come before `values`.
pub(crate) fn write_update_head(
    out: &mut Vec<u8>,
    source: Option<&Source>,
    source_ref: Option<&SourceRef>,
    timestamp: Option<&Timestamp>,
) {
    out.push(b'{');
    if let Some(source) = source {
        out.extend_from_slice(b"\"source\":");
        out.extend_from_slice(source.json().as_bytes());
    }
    if let Some(source_ref) = source_ref {
        let key: &[u8] = if source.is_some() { b",\"$source\":" } else { b"\"$source\":" };
        out.extend_from_slice(key);
        json::write_str(out, source_ref);
    }
    if let Some(timestamp) = timestamp {
        let more = source.is_some() || source_ref.is_some();
        out.extend_from_slice(if more { b",\"timestamp\":" } else { b"\"timestamp\":" });
        json::write_str(out, timestamp.as_str());
    }
}

pub(crate) fn write_path_value(out: &mut Vec<u8>, path: &Path, value: &Value) {
    out.extend_from_slice(b"{\"path\":");
    json::write_str(out, path);
    out.extend_from_slice(b",\"value\":");
    value.write_json(out);
    out.push(b'}');
}

pub(crate) fn write_path_meta(out: &mut Vec<u8>, path: &Path, value: &Map<String, Json>) {
    out.extend_from_slice(b"{\"path\":");
    json::write_str(out, path);
    out.extend_from_slice(b",\"value\":");
    json::write_map(out, value);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_is_written_in_the_order_of_the_reference() {
        let source = Arc::new(Source::nmea0183("gps0", "GP", "RMC"));
        let delta = Delta::new("vessels.urn:mrn:imo:mmsi:230099999").with_update(
            Update::new()
                .with_source(source)
                .with_timestamp(Timestamp::from("2026-01-02T03:04:05.000Z"))
                .with_value("navigation.speedOverGround", 3.1)
                .with_value("a", Value::Null),
        );
        assert_eq!(
            delta.to_json(),
            concat!(
                r#"{"context":"vessels.urn:mrn:imo:mmsi:230099999","updates":[{"source":"#,
                r#"{"label":"gps0","type":"NMEA0183","talker":"GP","sentence":"RMC"},"#,
                r#""$source":"gps0.GP","timestamp":"2026-01-02T03:04:05.000Z","values":"#,
                r#"[{"path":"navigation.speedOverGround","value":3.1},{"path":"a","value":null}]}]}"#
            )
        );
    }

    #[test]
    fn an_update_with_nothing_is_still_json() {
        assert_eq!(Delta::for_self().with_update(Update::new()).to_json(), r#"{"updates":[{}]}"#);
        let meta = Update::new().with_meta("a", serde_json::json!({"units": "m"}));
        assert_eq!(
            Delta::for_self().with_update(meta).to_json(),
            r#"{"updates":[{"meta":[{"path":"a","value":{"units":"m"}}]}]}"#
        );
    }
}
