//! What the built-in provider serves: the options of the reference's provider plugin (`plugin-config-data/
//! resources-provider.json`), so that a directory of the reference goes on serving what it served.

use serde_json::{Map, Value, json};
use signalk_model::resource::ResourceType;

/// The id under which the built-in provider writes, as the reference's plugin.
pub(crate) const FILES: &str = "resources-provider";

/// The options file of the built-in provider.
#[derive(Debug)]
pub(crate) struct Options {
    /// The whole file, so that members unknown here survive a save.
    file: Map<String, Value>,
}

/// Why a collection was not added or removed: status and text of the answer.
pub(crate) type Refusal = (u16, &'static str);

impl Options {
    /// Of the file's text. A damaged file is a complaint, and the defaults are served.
    pub(crate) fn parse(text: Option<&str>) -> (Options, Option<String>) {
        let mut complaint = None;
        let file = match text.map(serde_json::from_str::<Map<String, Value>>) {
            None => Map::new(),
            Some(Ok(file)) => file,
            Some(Err(error)) => {
                complaint = Some(format!(
                    "plugin-config-data/{FILES}.json: {error}; the standard resources are served: repair or remove it"
                ));
                Map::new()
            }
        };
        (Options { file }, complaint)
    }

    /// The types that it serves, in the order in which the reference registers them.
    pub(crate) fn types(&self) -> Vec<String> {
        if self.file.get("enabled") == Some(&Value::Bool(false)) {
            return Vec::new();
        }
        let standard =
            self.configuration().and_then(|all| all.get("standard")).and_then(Value::as_object);
        let served = |kind: &ResourceType| {
            standard
                .and_then(|all| all.get(kind.as_str()))
                .is_none_or(|on| on != &Value::Bool(false))
        };
        let standard =
            ResourceType::ALL.into_iter().filter(served).map(|kind| kind.as_str().to_owned());
        standard.chain(self.custom().into_iter().map(|(name, _)| name)).collect()
    }

    /// The answer of `GET /plugins/resources-provider/_config`.
    pub(crate) fn shown(&self) -> Value {
        let mut shown = self.configuration().cloned().unwrap_or_default();
        let mut standard = Map::new();
        for kind in ResourceType::ALL {
            let on = shown.get("standard").and_then(|all| all.get(kind.as_str())).cloned();
            standard.insert(kind.as_str().to_owned(), on.unwrap_or(Value::Bool(true)));
        }
        let custom = self.custom().into_iter();
        let custom: Value =
            custom.map(|(name, text)| json!({ "name": name, "description": text })).collect();
        shown.insert("standard".into(), Value::Object(standard));
        shown.insert("custom".into(), custom);
        Value::Object(shown)
    }

    /// A new collection.
    ///
    /// # Errors
    /// There is one of this name, or the name cannot name a folder.
    pub(crate) fn add(&mut self, name: &str, description: &str) -> Result<(), Refusal> {
        if !is_file_name(name) {
            return Err((400, "Invalid Data supplied!"));
        }
        let taken = |other: &str| other.eq_ignore_ascii_case(name);
        if self.custom().iter().any(|(other, _)| taken(other))
            || ResourceType::ALL.iter().any(|kind| taken(kind.as_str()))
        {
            return Err((400, "Collection already exists!"));
        }
        let mut custom = self.custom();
        custom.push((name.to_owned(), description.to_owned()));
        self.set_custom(custom);
        Ok(())
    }

    /// A collection is no longer served; its files stay.
    ///
    /// # Errors
    /// There is none of this name.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), Refusal> {
        let mut custom = self.custom();
        let before = custom.len();
        custom.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        if custom.len() == before {
            return Err((400, "Entry not found!"));
        }
        self.set_custom(custom);
        Ok(())
    }

    /// Name and text of the file to save.
    pub(crate) fn to_file(&self) -> (String, String) {
        let text = serde_json::to_string_pretty(&self.file).unwrap_or_default();
        (format!("plugin-config-data/{FILES}.json"), text)
    }

    fn configuration(&self) -> Option<&Map<String, Value>> {
        self.file.get("configuration").and_then(Value::as_object)
    }

    /// Name and description of each custom collection that can be served.
    fn custom(&self) -> Vec<(String, String)> {
        let rows = self.configuration().and_then(|all| all.get("custom")).and_then(Value::as_array);
        let row = |row: &Value| {
            let name = row.get("name")?.as_str()?;
            let description = row.get("description").and_then(Value::as_str).unwrap_or_default();
            let custom = is_file_name(name) && ResourceType::from_name(name).is_none();
            custom.then(|| (name.to_owned(), description.to_owned()))
        };
        rows.into_iter().flatten().filter_map(row).collect()
    }

    fn set_custom(&mut self, custom: Vec<(String, String)>) {
        let mut configuration = match self.shown() {
            Value::Object(shown) => shown,
            _ => Map::new(),
        };
        let rows =
            custom.into_iter().map(|(name, text)| json!({ "name": name, "description": text }));
        configuration.insert("custom".into(), rows.collect());
        self.file.entry("enabled").or_insert(Value::Bool(true));
        self.file.insert("configuration".into(), Value::Object(configuration));
    }
}

/// Whether the text may name a file or folder: one plain name, not hidden, not too long for a disk.
pub(super) fn is_file_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 200
        && !text.starts_with('.')
        && !text.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_file_the_standard_types_are_served() {
        let (options, complaint) = Options::parse(None);
        assert!(complaint.is_none());
        assert_eq!(options.types(), ["routes", "waypoints", "notes", "regions", "charts"]);
        let (off, _) = Options::parse(Some(r#"{"enabled":false}"#));
        assert!(off.types().is_empty());
        let (some, _) = Options::parse(Some(
            r#"{"configuration":{"standard":{"charts":false},"custom":[{"name":"fishing"},{"name":"../x"},{"name":"notes"}]}}"#,
        ));
        assert_eq!(some.types(), ["routes", "waypoints", "notes", "regions", "fishing"]);
        let (damaged, complaint) = Options::parse(Some("{"));
        assert!(
            complaint.unwrap().contains("resources-provider.json") && damaged.types().len() == 5
        );
    }

    #[test]
    fn a_collection_is_added_once_and_everything_else_in_the_file_stays() {
        let (mut options, _) = Options::parse(Some(
            r#"{"enabled":true,"configuration":{"path":"elsewhere"},"mine":1}"#,
        ));
        assert_eq!(options.add("infolayers", "Info layers"), Ok(()));
        assert_eq!(options.add("InfoLayers", ""), Err((400, "Collection already exists!")));
        assert_eq!(options.add("Routes", ""), Err((400, "Collection already exists!")));
        assert_eq!(options.add("../x", ""), Err((400, "Invalid Data supplied!")));
        let saved: Value = serde_json::from_str(&options.to_file().1).unwrap();
        assert_eq!(saved["mine"], 1);
        assert_eq!(saved["configuration"]["path"], "elsewhere");
        assert_eq!(saved["configuration"]["custom"][0]["description"], "Info layers");
        assert_eq!(options.remove("infolayers"), Ok(()));
        assert_eq!(options.remove("infolayers"), Err((400, "Entry not found!")));
    }
}
