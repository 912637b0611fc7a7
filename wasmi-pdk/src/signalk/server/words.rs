//! What the server's methods speak of: subscriptions, alarms, what became of a PUT.

use serde::{Deserialize, Serialize};

/// Which values a plugin wants, and how often.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// A path, or a pattern in which `*` stands for anything.
    pub path: String,
    /// At most one value per path in so many milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_period: Option<u32>,
    /// The latest value of each path every so many milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<u32>,
}

impl From<&str> for Subscription {
    fn from(path: &str) -> Self {
        Subscription { path: path.to_owned(), ..Subscription::default() }
    }
}

/// What becomes of the deltas of one subscription while the plugin is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Backlog {
    /// How many wait at most, 1 to 1000.
    pub most: u32,
    /// Which one goes for one too many.
    pub drop: WhenFull,
}

/// Which delta goes when one too many waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    /// What is left is the newest there is.
    #[default]
    Oldest,
    /// What is left is the beginning.
    Newest,
    /// As `Oldest`; besides only the newest value of each path and source waits.
    Superseded,
}

/// State of an alarm (Signal K 1.8.2, Notifications).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the specification's words")]
pub enum AlarmState {
    Nominal,
    Normal,
    Alert,
    Warn,
    Alarm,
    Emergency,
}

/// What became of a PUT.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PutReply {
    /// 200 when it was done; 405: nobody takes it, 400: several do, 504: no answer in time.
    pub status_code: u16,
    /// Of whoever took or refused it.
    #[serde(default)]
    pub message: Option<String>,
}

impl PutReply {
    /// Whether it was done.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status_code)
    }
}
