//! Name and schema of plugins that do not run, known without running them: `plugin-descriptions.json`.
//!
//! Clause: plugin ABI W42. A description holds as long as the module's bytes and this host's
//! version do. The file is text in and text out here; it is only a memory: damaged, or of
//! another version, it is ignored and made anew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use signalk_bridge::{Description, PluginId};

/// Below the configuration directory.
pub(super) const FILE: &str = "plugin-descriptions.json";

/// Of the file's form.
const FORM: u32 = 2;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Descriptions {
    known: BTreeMap<String, Entry>,
    changed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// Of the module that said so.
    sha256: String,
    name: Option<String>,
    /// [`Description::id`]
    id: Option<String>,
    is_json_rpc: bool,
    schema: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ui_schema: Option<Box<RawValue>>,
}

#[derive(Serialize, Deserialize)]
struct File<P> {
    form: u32,
    host: String,
    plugins: P,
}

impl Descriptions {
    /// What the file says; nothing when it cannot be used.
    pub(super) fn read(text: Option<&str>, host: &str) -> Descriptions {
        let file = text.and_then(|text| serde_json::from_str(text).ok());
        let file = file.filter(|file: &File<_>| file.form == FORM && file.host == host);
        Descriptions { known: file.map(|file| file.plugins).unwrap_or_default(), changed: false }
    }

    /// What a plugin said when its module had these bytes.
    pub(super) fn get(&self, id: &PluginId, hash: &str) -> Option<Description> {
        let entry = self.known.get(id.as_str()).filter(|entry| entry.sha256 == hash)?;
        Some(Description {
            name: entry.name.clone(),
            schema: entry.schema.get().to_owned(),
            ui_schema: entry.ui_schema.as_ref().map(|schema| schema.get().to_owned()),
            id: entry.id.clone(),
            is_json_rpc: entry.is_json_rpc,
        })
    }

    /// A plugin has said who it is.
    pub(super) fn put(&mut self, id: &PluginId, hash: &str, description: &Description) {
        if self.get(id, hash).as_ref() == Some(description) {
            return;
        }
        let Ok(schema) = RawValue::from_string(description.schema.clone()) else { return };
        let entry = Entry {
            sha256: hash.to_owned(),
            name: description.name.clone(),
            id: description.id.clone(),
            is_json_rpc: description.is_json_rpc,
            schema,
            ui_schema: description.ui_schema.clone().and_then(|it| RawValue::from_string(it).ok()),
        };
        self.known.insert(id.to_string(), entry);
        self.changed = true;
    }

    /// The file's text, once after each change; plugins that are no longer installed leave it.
    pub(super) fn take_changed(
        &mut self,
        host: &str,
        is_installed: impl Fn(&str) -> bool,
    ) -> Option<String> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        self.known.retain(|id, _| is_installed(id));
        let file = File { form: FORM, host: host.to_owned(), plugins: &self.known };
        serde_json::to_string(&file).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> (PluginId, Description) {
        let schema = r#"{"type":"object","properties":{"z":{},"a":{}}}"#.to_owned();
        let id = Some("early-id".to_owned());
        let name = Some("P".to_owned());
        let ui_schema = Some(r#"{"z":{"ui:widget":"password"}}"#.to_owned());
        let description = Description { name, schema, ui_schema, id, is_json_rpc: true };
        (PluginId::from_package("p"), description)
    }

    #[test]
    fn what_was_said_is_known_until_the_bytes_change() {
        let (id, description) = known();
        let mut all = Descriptions::default();
        all.put(&id, "h1", &description);
        all.put(&PluginId::from_package("gone"), "h", &description);
        let text = all.take_changed("1.0", |id| id == "p").unwrap();
        assert_eq!(all.take_changed("1.0", |_| true), None, "nothing changed since");
        let mut again = Descriptions::read(Some(&text), "1.0");
        assert_eq!(again.get(&id, "h1"), Some(description.clone()));
        assert_eq!(again.get(&id, "h2"), None);
        assert!(!text.contains("gone"));
        again.put(&id, "h1", &description);
        assert_eq!(again.take_changed("1.0", |_| true), None, "known already");
    }

    #[test]
    fn a_file_of_another_version_or_no_json_is_no_file() {
        let (id, description) = known();
        let mut all = Descriptions::default();
        all.put(&id, "h", &description);
        let text = all.take_changed("1.0", |_| true).unwrap();
        for (text, host) in [
            (text.as_str(), "1.1"),
            (&text[..text.len() / 2], "1.0"),
            ("[]", "1.0"),
            ("", "1.0"),
            (r#"{"form":1,"host":"1.0","plugins":{}}"#, "1.0"),
        ] {
            assert_eq!(Descriptions::read(Some(text), host).get(&id, "h"), None, "{text}");
        }
    }
}
