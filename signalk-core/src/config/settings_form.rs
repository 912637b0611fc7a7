//! `GET` and `PUT /skServer/settings`: the form that the admin UI shows and sends back whole. Members of the file that
//! are not in the form stay as they are. Saving is the server's.

use serde_json::{Map, Value, json};

use super::settings::Settings;

/// Why a form is refused; nothing of it was taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    /// The reference answers 500 with a stack trace.
    #[error("the settings need `options`")]
    NoOptions,
    /// Something that must be a number is none, or not in its range.
    #[error("`{0}` must be a number from {1} to {2}")]
    Number(&'static str, u64, u64),
}

impl Settings {
    /// The form, filled in. `port` is the one that is listened on, for a file that does not say.
    pub(crate) fn form(&self, port: u16) -> Value {
        let interface = |name: &str, here: bool| self.interface(name).unwrap_or(here);
        let member =
            |name: &str, default: Value| self.members().get(name).cloned().unwrap_or(default);
        let interfaces = INTERFACES
            .iter()
            .map(|(name, here)| ((*name).to_owned(), Value::Bool(interface(name, *here))));
        let options = OPTIONS
            .iter()
            .map(|(name, default)| ((*name).to_owned(), member(name, default.to_json())));
        let mut form = json!({
            "interfaces": interfaces.collect::<Map<_, _>>(),
            "options": options.collect::<Map<_, _>>(),
            "pruneContextsMinutes": self.prune_contexts_minutes(),
            "keepMostRecentLogsOnly": member("keepMostRecentLogsOnly", Value::Bool(true)),
            "logCountToKeep": member("logCountToKeep", json!(24)),
            "runFromSystemd": false,
            "courseApi": member("courseApi", json!({"apiOnly": false})),
            "notifications": member("notifications", json!({"manageNotifications": true})),
            "staleness": member("staleness", json!({"enforceDataTimeouts": false})),
            "sslport": member("sslport", json!(3443)),
            "port": self.port().unwrap_or(port),
        });
        if let (Some(directory), Some(form)) =
            (self.members().get("loggingDirectory"), form.as_object_mut())
        {
            form.insert("loggingDirectory".into(), directory.clone());
        }
        form
    }

    /// Takes the form over; a member that is missing in it stays as it was. Gives back which changes the running server
    /// does not follow.
    pub(crate) fn take_form(&mut self, form: &Value) -> Result<Vec<&'static str>, FormError> {
        let options = form.get("options").and_then(Value::as_object).ok_or(FormError::NoOptions)?;
        let mut changed = self.members().clone();
        for group in GROUPS {
            let Some(given) = form.get(group).and_then(Value::as_object) else { continue };
            let kept = changed.entry(group).or_insert_with(|| json!({}));
            if !kept.is_object() {
                *kept = json!({});
            }
            if let Some(kept) = kept.as_object_mut() {
                kept.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
        }
        for (name, _) in OPTIONS {
            if let Some(value) = options.get(name) {
                changed.insert(name.into(), value.clone());
            }
        }
        for name in ["loggingDirectory", "keepMostRecentLogsOnly"] {
            if let Some(value) = form.get(name) {
                changed.insert(name.into(), value.clone());
            }
        }
        for (name, least, most) in NUMBERS {
            if let Some(value) = form.get(name) {
                let number = number(value).filter(|number| (least..=most).contains(number));
                let number = number.ok_or(FormError::Number(name, least, most))?;
                changed.insert(name.into(), number.into());
            }
        }
        let before = std::mem::replace(self.members_mut(), changed);
        let differs = |name: &&str| before.get(*name) != self.members().get(*name);
        Ok(AT_START.into_iter().filter(differs).collect())
    }

    /// Whether notifications get ids and states from the server.
    pub(crate) fn manages_notifications(&self) -> bool {
        let setting =
            self.members().get("notifications").and_then(|n| n.get("manageNotifications"));
        setting.and_then(Value::as_bool).unwrap_or(true)
    }
}

/// The form sends what was typed: a number, or its text.
pub(super) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[derive(Clone, Copy)]
enum Preset {
    Flag(bool),
    Number(u32),
}

impl Preset {
    fn to_json(self) -> Value {
        match self {
            Preset::Flag(flag) => flag.into(),
            Preset::Number(number) => number.into(),
        }
    }
}

/// Members of `options` in the form, which lie directly in the file, and their defaults.
const OPTIONS: [(&str, Preset); 8] = [
    ("mdns", Preset::Flag(false)),
    ("wsCompression", Preset::Flag(false)),
    ("wsPingInterval", Preset::Number(30_000)),
    ("accessLogging", Preset::Flag(true)),
    ("enablePluginLogging", Preset::Flag(true)),
    ("trustProxy", Preset::Flag(false)),
    ("useBLEManager", Preset::Flag(false)),
    ("ssl", Preset::Flag(false)),
];

/// Read once, when the server starts.
const AT_START: [&str; 2] = ["port", "interfaces"];

/// Members of the form that are merged into those of the file.
const GROUPS: [&str; 4] = ["interfaces", "courseApi", "notifications", "staleness"];

const NUMBERS: [(&str, u64, u64); 4] = [
    ("port", 1, 65_535),
    ("sslport", 1, 65_535),
    ("pruneContextsMinutes", 0, 1_000_000),
    ("logCountToKeep", 0, 1_000_000),
];

/// The reference's interfaces, and whether we have what each stands for without being told.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::parse(Some(text), &mut Vec::new())
    }

    #[test]
    fn a_form_that_is_sent_back_changes_nothing_that_it_does_not_show() {
        let mut settings = settings(
            r#"{"mine":[1],"interfaces":{"tcp":true,"old":false},"pruneContextsMinutes":5}"#,
        );
        let form = settings.form(3000);
        settings.take_form(&form).unwrap();
        assert_eq!(settings.form(1), form);
        assert_eq!(settings.get("mine"), Some(&json!([1])));
        assert_eq!(settings.interface("old"), Some(false));
        assert_eq!(settings.prune_contexts_minutes(), 5);
    }

    #[test]
    fn numbers_may_be_typed_and_a_wrong_one_changes_nothing() {
        let mut settings = settings("{}");
        let later = settings.take_form(&json!({ "options": {}, "port": "3100" })).unwrap();
        assert_eq!(later, ["port"]);
        assert_eq!(settings.port(), Some(3100));
        let wrong = json!({ "options": { "mdns": true }, "port": "fast" });
        let error = settings.take_form(&wrong).unwrap_err();
        assert_eq!(error.to_string(), "`port` must be a number from 1 to 65535");
        assert_eq!((settings.port(), settings.get("mdns")), (Some(3100), None));
        assert_eq!(settings.take_form(&json!({})), Err(FormError::NoOptions));
    }
}
