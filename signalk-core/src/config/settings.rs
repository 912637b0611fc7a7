//! `settings.json`: kept as it was read, so that members unknown to us survive a save; read through accessors.

use serde_json::{Map, Value, json};

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
            Some(Ok(members)) => Settings { members, damaged: false },
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

    /// The answer of `GET /skServer/settings`.
    pub(crate) fn answer(&self, port: u16) -> Value {
        let interfaces = self.members.get("interfaces");
        let interface = |name: &str, default: bool| {
            interfaces.and_then(|all| all.get(name)).and_then(Value::as_bool).unwrap_or(default)
        };
        let member =
            |name: &str, default: Value| self.members.get(name).cloned().unwrap_or(default);
        let mut answer = json!({
            "interfaces": INTERFACES.iter().map(|(name, on)| ((*name).to_owned(), Value::Bool(interface(name, *on)))).collect::<Map<_, _>>(),
            "options": {
                "mdns": member("mdns", Value::Bool(true)),
                "wsCompression": member("wsCompression", Value::Bool(false)),
                "wsPingInterval": member("wsPingInterval", json!(30_000)),
                "accessLogging": member("accessLogging", Value::Bool(true)),
                "enablePluginLogging": member("enablePluginLogging", Value::Bool(true)),
                "trustProxy": member("trustProxy", Value::Bool(false)),
                "useBLEManager": Value::Bool(false),
                "ssl": member("ssl", Value::Bool(false)),
            },
            "pruneContextsMinutes": self.prune_contexts_minutes(),
            "keepMostRecentLogsOnly": member("keepMostRecentLogsOnly", Value::Bool(true)),
            "logCountToKeep": member("logCountToKeep", json!(24)),
            "runFromSystemd": false,
            "courseApi": member("courseApi", json!({"apiOnly": false})),
            "notifications": member("notifications", json!({"manageNotifications": true})),
            "staleness": member("staleness", json!({"enforceDataTimeouts": false})),
            "sslport": member("sslport", json!(3443)),
            "port": port,
        });
        if let (Some(directory), Some(answer)) =
            (self.members.get("loggingDirectory"), answer.as_object_mut())
        {
            answer.insert("loggingDirectory".into(), directory.clone());
        }
        answer
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

/// The reference's interfaces, and whether we have what each stands for.
const INTERFACES: [(&str, bool); 15] = [
    ("applicationData", false),
    ("appstore", false),
    ("logfiles", false),
    ("mfd_webapp", false),
    ("n2k-discovery", false),
    ("nmea-tcp", false),
    ("playground", false),
    ("plugins", true),
    ("providers", true),
    ("rest", true),
    ("tcp", false),
    ("unitpreferences-api", false),
    ("wasm", true),
    ("webapps", true),
    ("ws", true),
];
