//! `settings.json`: kept as it was read, so that members unknown to us survive a save; read through accessors.

use serde_json::{Map, Value};

/// What an owner has set and would miss.
fn not_followed(members: &Map<String, Value>) -> Option<String> {
    let priorities = members.get("sourcePriorities")?.as_object()?;
    let count = priorities.len();
    (count > 0).then(|| {
        format!(
            "settings.json: sourcePriorities of {count} paths are kept and not followed here: of several sources of a path clients and plugins hear each, and the latest value is shown"
        )
    })
}

/// The content of `settings.json`.
#[derive(Debug, Clone)]
pub struct Settings {
    members: Map<String, Value>,
    damaged: bool,
}

impl Settings {
    /// `None` is an empty file.
    pub(super) fn parse(text: Option<&str>, complaints: &mut Vec<String>) -> Settings {
        match text.map(serde_json::from_str::<Map<String, Value>>) {
            None => Settings { members: Map::new(), damaged: false },
            Some(Ok(members)) => {
                complaints.extend(not_followed(&members));
                Settings { members, damaged: false }
            }
            Some(Err(error)) => {
                complaints.push(format!(
                    "settings.json: {error}; running with default settings and leaving the file as it is: repair or remove it"
                ));
                Settings { members: Map::new(), damaged: true }
            }
        }
    }

    /// False when the file on disk was damaged: saving would destroy what a person can still repair.
    pub fn may_be_saved(&self) -> bool {
        !self.damaged
    }

    /// A member as it is in the file.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Changes a member; the file is saved by whoever changes it.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.members.insert(name.to_owned(), value);
    }

    /// The text of the file.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string_pretty(&self.members).unwrap_or_default()
    }

    /// The configured HTTP port.
    pub fn port(&self) -> Option<u16> {
        self.members.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok())
    }

    /// Where `/` leads.
    pub fn landing_page(&self) -> &str {
        self.members.get("landingPage").and_then(Value::as_str).unwrap_or("/admin/")
    }

    /// Minutes of silence after which a context is forgotten; 0 keeps all.
    pub fn prune_contexts_minutes(&self) -> u64 {
        self.members.get("pruneContextsMinutes").and_then(Value::as_u64).unwrap_or(60)
    }

    /// The identity that old versions kept here: (mmsi, uuid).
    pub fn vessel(&self) -> (Option<String>, Option<String>) {
        let vessel = self.members.get("vessel");
        let text = |name: &str| vessel.and_then(|vessel| vessel.get(name)).and_then(identity_text);
        (text("mmsi"), text("uuid"))
    }

    /// The configured connections, as they are in the file.
    pub(crate) fn piped_providers(&self) -> &[Value] {
        self.members.get("pipedProviders").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Replaces the configured connections.
    pub(crate) fn set_piped_providers(&mut self, providers: Vec<Value>) {
        self.members.insert("pipedProviders".into(), Value::Array(providers));
    }

    /// Whether one of the reference's interfaces is on, when the file says so.
    pub fn interface(&self, name: &str) -> Option<bool> {
        self.members.get("interfaces")?.get(name)?.as_bool()
    }

    pub(super) fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    pub(super) fn members_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.members
    }
}

/// An MMSI is often written as a number.
pub(super) fn identity_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
