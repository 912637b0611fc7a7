//! `plugin-config-data/<id>.json`: what the owner decided about one plugin.
//!
//! Clauses: plugin ABI 1.5, 4.5, 8.4. Text in, text out: reading and writing
//! the file is the edge's work. Unknown members and the order of all are kept.

use serde_json::{Map, Value};
use signalk_bridge::{Egress, Manifest, Rules};
use signalk_model::json;

use super::members::complaints;

/// The members that must be booleans.
const FLAGS: [&str; 3] = ["enabled", "enableDebug", "enableLogging"];

/// The content of the file, or its absence.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Options {
    members: Map<String, Value>,
    exists: bool,
}

/// Options that clients have posted and the disk has not taken yet: nothing of them holds before.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) options: Options,
    /// How many were posted.
    pub(super) posts: usize,
}

impl Options {
    /// Reads the file's text; what is no JSON object counts as `{}`, so as disabled, with a complaint.
    pub(super) fn read(id: &str, text: Option<&str>) -> (Options, Option<String>) {
        let Some(text) = text else { return (Options::default(), None) };
        let damaged = Options { members: Map::new(), exists: true };
        let complaint = |what: String| {
            format!(
                "plugin `{id}`: plugin-config-data/{id}.json {what}; the plugin stays disabled: mend the file, or save its configuration anew"
            )
        };
        match members(text) {
            Ok(members) => (Options { members, exists: true }, None),
            Err(what) => (damaged, Some(complaint(what))),
        }
    }

    /// Reads what the owner may have written by hand since.
    ///
    /// # Errors
    /// It is no JSON object; in words.
    pub(super) fn read_anew(id: &str, text: &str) -> Result<Options, String> {
        let members = members(text).map_err(|what| {
            format!(
                "plugin `{id}`: plugin-config-data/{id}.json {what}; what it said before holds: mend the file, and reload the plugin"
            )
        })?;
        Ok(Options { members, exists: true })
    }

    /// Whether the owner wants it to run.
    pub(super) fn enabled(&self, by_default: bool) -> bool {
        match self.members.get("enabled") {
            Some(enabled) => *enabled == Value::Bool(true),
            None => !self.exists && by_default,
        }
    }

    /// For `plugin_start`.
    pub(super) fn enable_debug(&self) -> bool {
        self.flag("enableDebug")
    }

    /// Whether a member is literally `true`.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.members.get(name) == Some(&Value::Bool(true))
    }

    /// The `configuration` object as compact text, `{}` when there is none.
    pub(super) fn configuration(&self) -> String {
        match self.members.get("configuration") {
            Some(configuration @ Value::Object(_)) => json::value_text(configuration),
            _ => "{}".to_owned(),
        }
    }

    /// The same as values.
    pub(super) fn configuration_members(&self) -> Map<String, Value> {
        let members = self.members.get("configuration").and_then(Value::as_object);
        members.cloned().unwrap_or_default()
    }

    /// Whether somebody ever saved a configuration: else the admin UI shows "Configure".
    pub(super) fn has_configuration(&self) -> bool {
        self.members.get("configuration").is_some_and(Value::is_object)
    }

    /// Whether there is a file, or will be.
    pub(super) fn exists(&self) -> bool {
        self.exists
    }

    /// What the owner lets it use; `limits.rs` reads it.
    pub(super) fn limits(&self) -> Option<&Value> {
        self.members.get("limits")
    }

    /// How strictly it is taken, and what was not understood of it.
    pub(super) fn rules(&self, id: &str) -> (Rules, Vec<String>) {
        let mut complaints = self.misread(id);
        let mut wrong = |member: &str, wants: &str| {
            complaints.push(format!(
                "plugin `{id}`: plugin-config-data/{id}.json: `{member}` is {wants}; it is left aside"
            ));
        };
        let source_name = self.members.get("sourceName").and_then(|name| {
            let name = name.as_str().filter(|name| is_source_name(name));
            if name.is_none() {
                wrong("sourceName", "a text of 1 to 100 visible characters without blanks");
            }
            name.map(str::to_owned)
        });
        let http_utf16 = match self.members.get("httpRequestEncoding").map(Value::as_str) {
            Some(Some("utf16-string")) => true,
            None | Some(Some("utf8-bytes")) => false,
            Some(_) => {
                wrong("httpRequestEncoding", "`utf16-string` or `utf8-bytes`");
                false
            }
        };
        let strict = self.flag("strict");
        let lenient_source = self.flag("lenientSource");
        (Rules { strict, lenient_source, source_name, http_utf16 }, complaints)
    }

    /// Members of a wrong type, or with a name that is nearly one of ours.
    pub(super) fn misread(&self, id: &str) -> Vec<String> {
        let said = complaints(&self.members).into_iter();
        said.map(|text| format!("plugin `{id}`: plugin-config-data/{id}.json: {text}")).collect()
    }

    /// Among the delta input handlers, lower is earlier: the owner's `"inputOrder": -1`.
    pub(super) fn input_order(&self) -> i64 {
        self.members.get("inputOrder").and_then(Value::as_i64).unwrap_or(0)
    }

    /// Where it may connect to, and what was not understood of it.
    pub(super) fn egress(&self, manifest: &Manifest) -> (Egress, Vec<String>) {
        Egress::of(&manifest.id, &self.members, manifest.egress.as_deref())
    }

    /// The whole file, `{}` when there is none.
    pub(super) fn data(&self) -> Value {
        Value::Object(self.members.clone())
    }

    /// The answer of `GET .../config`: `enabled` and `enableDebug` always, then every member on top.
    pub(super) fn shown(&self, by_default: bool) -> Value {
        let mut shown = Map::new();
        shown.insert("enabled".to_owned(), self.enabled(by_default).into());
        shown.insert("enableDebug".to_owned(), self.enable_debug().into());
        for (key, value) in &self.members {
            shown.insert(key.clone(), value.clone());
        }
        Value::Object(shown)
    }

    /// What the admin UI posts: booleans only if they are booleans. Members that it does not send stay, and what lets a
    /// plugin do more (`egress`, `limits`, ...) is not changed from here: that is for who may write the file.
    pub(super) fn post(&mut self, body: Map<String, Value>) {
        if !body.contains_key("configuration") {
            self.members.insert("configuration".to_owned(), Value::Object(Map::new()));
        }
        for (key, value) in body {
            let is_flag = FLAGS.contains(&key.as_str()) && value.is_boolean();
            if is_flag || key == "configuration" {
                self.members.insert(key, value);
            }
        }
        self.complete();
    }

    /// What the plugin itself saves: only `configuration`.
    pub(super) fn set_configuration(&mut self, configuration: Value, enabled: bool) {
        self.members.insert("configuration".to_owned(), configuration);
        self.members.entry("enabled").or_insert(enabled.into());
        self.complete();
    }

    /// The file of a plugin that is enabled without one: what was read, so no `configuration`, and forms still show
    /// "Configure". False: there is a file.
    pub(super) fn write_down(&mut self) -> bool {
        if self.exists {
            return false;
        }
        self.members.insert("enabled".to_owned(), true.into());
        self.members.insert("enableDebug".to_owned(), false.into());
        self.exists = true;
        true
    }

    fn complete(&mut self) {
        self.exists = true;
        self.members.entry("enabled").or_insert(Value::Bool(false));
    }

    /// The file's name below the configuration directory, and its text.
    pub(super) fn file(&self, id: &str) -> (String, String) {
        let text = serde_json::to_string_pretty(&self.members).unwrap_or_default();
        (format!("plugin-config-data/{id}.json"), text)
    }
}

/// Or what is wrong with the text.
fn members(text: &str) -> Result<Map<String, Value>, String> {
    match json::parse(text.trim_start_matches('\u{feff}').as_bytes()) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err("is not a JSON object".to_owned()),
        Err(error) => Err(format!("is not JSON ({error})")),
    }
}

/// What can stand as `$source` everywhere: in paths of the tree, in priorities, on a display.
fn is_source_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().count() <= 100
        && !name.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_missing_file_is_a_disabled_plugin_without_a_configuration() {
        let (options, complaint) = Options::read("p", None);
        assert_eq!(complaint, None);
        assert!(!options.enabled(false) && options.enabled(true));
        assert_eq!(options.data(), json!({}));
        assert_eq!(options.shown(false), json!({ "enabled": false, "enableDebug": false }));
    }

    #[test]
    fn unknown_members_and_their_order_are_kept() {
        let text = r#"{"configuration":{"z":1000,"a":1.5},"enabled":true,"enableLogging":true,"mine":[1]}"#;
        let (mut options, _) = Options::read("p", Some(text));
        assert_eq!(options.configuration(), r#"{"z":1000,"a":1.5}"#);
        options.post(body(
            json!({ "enabled": false, "enableDebug": "yes", "configuration": { "b": 2 } }),
        ));
        let (name, text) = options.file("p");
        assert_eq!(name, "plugin-config-data/p.json");
        let kept: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            kept.to_string(),
            r#"{"configuration":{"b":2},"enabled":false,"enableLogging":true,"mine":[1]}"#
        );
        assert!(text.contains("\n  \"enabled\": false"), "{text}");
    }

    #[test]
    fn limits_stay_when_the_admin_ui_saves_and_when_the_plugin_does() {
        let text = r#"{"limits":{"memoryMiB":16},"enabled":true}"#;
        let (mut options, _) = Options::read("p", Some(text));
        options.post(body(json!({ "enabled": true, "enableDebug": true, "configuration": {} })));
        options.set_configuration(json!({ "limits": { "memoryMiB": 4096 } }), true);
        assert_eq!(options.limits(), Some(&json!({ "memoryMiB": 16 })));
    }

    #[test]
    fn a_posted_body_without_configuration_stores_an_empty_one() {
        let mut options = Options::default();
        options.post(body(json!({ "enabled": true })));
        assert_eq!(options.data(), json!({ "configuration": {}, "enabled": true }));
    }

    #[test]
    fn what_is_not_json_is_named_with_its_remedy_and_disables() {
        let (options, complaint) = Options::read("p", Some("{enabled: true}"));
        assert!(!options.enabled(true));
        let complaint = complaint.unwrap();
        assert!(complaint.contains("plugin-config-data/p.json is not JSON"), "{complaint}");
        assert!(complaint.contains("mend the file"), "{complaint}");
        let (_, complaint) = Options::read("p", Some("[]"));
        assert!(complaint.unwrap().contains("is not a JSON object"));
    }

    #[test]
    fn rules_are_read_and_what_is_none_is_named() {
        let rules = |text: &str| Options::read("p", Some(text)).0.rules("p");
        assert_eq!(rules("{}"), (Rules::default(), Vec::new()));
        let (read, complaints) = rules(
            r#"{"strict":true,"lenientSource":true,"sourceName":"@signalk/x","httpRequestEncoding":"utf16-string"}"#,
        );
        assert!(complaints.is_empty() && read.strict && read.lenient_source && read.http_utf16);
        assert_eq!(read.source_name.as_deref(), Some("@signalk/x"));
        let (read, complaints) = rules(
            r#"{"strict":"yes","lenientSource":1,"sourceName":"a b","httpRequestEncoding":"latin1"}"#,
        );
        assert_eq!(read, Rules::default());
        assert_eq!(complaints.len(), 4, "{complaints:?}");
        assert!(
            complaints[2].contains("plugin-config-data/p.json: `sourceName` is"),
            "{complaints:?}"
        );
        for wrong in [r#""""#, "7", r#""a\u0007""#] {
            let (read, complaints) = rules(&format!(r#"{{"sourceName":{wrong}}}"#));
            assert_eq!((read.source_name, complaints.len()), (None, 1), "{wrong}");
        }
    }
}
