//! Notifications: the values below `notifications.`. Their shape only; who raises them and which
//! zones do is the core's business.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::names::Path;
use crate::value::Value;

/// How bad it is, from nothing to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlarmState {
    /// As it should be, and better than merely normal.
    Nominal,
    /// As it should be.
    Normal,
    /// Look at it when there is time.
    Alert,
    /// Do something soon.
    Warn,
    /// Do something now.
    Alarm,
    /// Life is at stake.
    Emergency,
}

impl AlarmState {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nominal => "nominal",
            Self::Normal => "normal",
            Self::Alert => "alert",
            Self::Warn => "warn",
            Self::Alarm => "alarm",
            Self::Emergency => "emergency",
        }
    }

    /// Whether somebody should know.
    pub fn is_active(self) -> bool {
        self >= Self::Alert
    }
}

impl fmt::Display for AlarmState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AlarmState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        [Self::Nominal, Self::Normal, Self::Alert, Self::Warn, Self::Alarm, Self::Emergency]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// A word that is no alarm state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no alarm state; nominal, normal, alert, warn, alarm, emergency are")]
pub struct UnknownState(pub String);

/// How it is to be noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlarmMethod {
    /// Shown.
    Visual,
    /// Heard.
    Sound,
}

/// The value of a path below `notifications.`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// How bad it is.
    pub state: AlarmState,
    /// How it is to be noticed; empty: silenced.
    #[serde(default)]
    pub method: Vec<AlarmMethod>,
    /// What to tell.
    #[serde(default)]
    pub message: String,
    /// Members that the reference or plugins add: `id`, `status`, `createdAt`, ...
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Notification {
    /// A notification that is seen and heard.
    pub fn new(state: AlarmState, message: impl Into<String>) -> Self {
        let method = if state.is_active() {
            vec![AlarmMethod::Visual, AlarmMethod::Sound]
        } else {
            Vec::new()
        };
        Self { state, method, message: message.into(), other: Map::new() }
    }

    /// Reads the value; `None` when it is null or no notification.
    pub fn from_value(value: &Value) -> Option<Self> {
        Self::deserialize(value.structure()?).ok()
    }

    /// The value for a delta.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).map_or(Value::Null, |json| Value::Json(Arc::new(json)))
    }

    /// The path a notification about `path` has: `notifications.` and that path.
    pub fn path_for(path: &str) -> Path {
        match path.strip_prefix("notifications.") {
            Some(_) => Path::from(path),
            None => Path::from(format!("notifications.{path}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_keeps_what_it_does_not_know() {
        let text =
            r#"{"state":"alarm","method":["visual","sound"],"message":"Engine hot","id":"8b"}"#;
        let value = Value::from_json(serde_json::from_str(text).unwrap());
        let notification = Notification::from_value(&value).unwrap();
        assert_eq!(notification.state, AlarmState::Alarm);
        let mut out = Vec::new();
        notification.to_value().write_json(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), text);
        assert_eq!(Notification::from_value(&Value::Null), None);
    }

    #[test]
    fn states_are_ordered_by_danger() {
        assert!(AlarmState::Emergency > AlarmState::Alarm && !AlarmState::Normal.is_active());
        assert_eq!("warn".parse(), Ok(AlarmState::Warn));
        assert!("bad".parse::<AlarmState>().unwrap_err().to_string().contains("`bad`"));
    }
}
