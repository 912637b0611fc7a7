//! Deltas as a plugin sees and makes them: thin types over serde. The full data model with its
//! rules is the host's (`signalk-model`); carrying it into every guest would double their size.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A change of the data model (Signal K 1.8.2, Delta Format).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Delta {
    /// Whose data it is; absent in a delta to be sent means the own vessel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// What changed.
    pub updates: Vec<Update>,
}

/// Values of one source at one time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Update {
    /// Who says so. The host fills it in for what a plugin sends.
    #[serde(rename = "$source", default, skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<String>,
    /// When it was so, RFC 3339. The host fills it in when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// The values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<PathValue>,
    /// Metadata: units, zones, names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meta: Vec<PathValue>,
}

/// One value. `path` is written before `value`: guests of the buffer ABI search for that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathValue {
    /// Dotted, as `navigation.speedOverGround`.
    pub path: String,
    /// In SI units; null means "known to be unavailable".
    pub value: Value,
}

/// A place on the earth in degrees (`navigation.position`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// North is positive.
    pub latitude: f64,
    /// East is positive.
    pub longitude: f64,
}

/// The time of now as deltas have it: `2026-11-22T09:30:00.000Z`.
#[must_use]
pub fn timestamp() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

impl Delta {
    /// A delta of the own vessel without values.
    #[must_use]
    pub fn new() -> Self {
        Delta::default()
    }

    /// Adds a value; a number that is not finite becomes null.
    #[must_use]
    pub fn value(mut self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.update().values.push(PathValue { path: path.into(), value: value.into() });
        self
    }

    /// Says when its values were so; without it the host says when they came. [`timestamp`] is now.
    #[must_use]
    pub fn at(mut self, timestamp: impl Into<String>) -> Self {
        self.update().timestamp = Some(timestamp.into());
        self
    }

    /// Adds metadata of a path.
    #[must_use]
    pub fn meta(mut self, path: impl Into<String>, meta: impl Into<Value>) -> Self {
        self.update().meta.push(PathValue { path: path.into(), value: meta.into() });
        self
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.updates.iter().all(|update| update.values.is_empty() && update.meta.is_empty())
    }

    /// All values, in order.
    pub fn values(&self) -> impl Iterator<Item = (&str, &Value)> {
        let values = self.updates.iter().flat_map(|update| &update.values);
        values.map(|entry| (entry.path.as_str(), &entry.value))
    }

    /// The last number at this path, if it holds one.
    #[must_use]
    pub fn number(&self, path: &str) -> Option<f64> {
        self.values().filter(|(at, _)| *at == path).last().and_then(|(_, value)| value.as_f64())
    }

    fn update(&mut self) -> &mut Update {
        if self.updates.is_empty() {
            self.updates.push(Update::default());
        }
        let last = self.updates.len() - 1;
        &mut self.updates[last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_is_written_compactly_and_without_what_the_host_fills_in() {
        let delta = Delta::new().value("a.b", 1.5).value("c", f64::NAN).value("d", "x");
        let text = serde_json::to_string(&delta).unwrap();
        assert_eq!(
            text,
            r#"{"updates":[{"values":[{"path":"a.b","value":1.5},{"path":"c","value":null},{"path":"d","value":"x"}]}]}"#
        );
        assert_eq!(serde_json::from_str::<Delta>(&text).unwrap(), delta);
    }

    #[test]
    fn a_delta_of_the_host_is_read_with_members_that_are_not_named_here() {
        let text = r#"{"context":"vessels.urn:x","updates":[{"source":{"label":"n"},"$source":"n.II",
            "timestamp":"2026-01-01T00:00:00Z","values":[{"path":"p","value":{"latitude":1}}]},{"meta":[]}]}"#;
        let delta: Delta = serde_json::from_str(text).unwrap();
        assert_eq!(delta.updates[0].source_ref.as_deref(), Some("n.II"));
        assert_eq!(delta.values().count(), 1);
    }
}
