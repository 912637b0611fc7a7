//! `baseDeltas.json`: what is known about the own vessel before any instrument speaks. Sent as `$source` `defaults` at
//! the start. Who the own vessel is follows from it (server-api.md 1.3).

use serde_json::{Map, Value, json};

use super::settings::identity_text;

/// The list of deltas in `baseDeltas.json`.
#[derive(Debug, Clone)]
pub struct BaseDeltas {
    deltas: Vec<Value>,
    damaged: bool,
}

impl BaseDeltas {
    pub(super) fn parse(
        text: Option<&str>,
        defaults: Option<&str>,
        complaints: &mut Vec<String>,
    ) -> BaseDeltas {
        if let Some(text) = text {
            return match serde_json::from_str::<Vec<Value>>(text) {
                Ok(deltas) if deltas.iter().all(Value::is_object) => {
                    BaseDeltas { deltas, damaged: false }
                }
                Ok(_) => {
                    BaseDeltas::damaged("baseDeltas.json: an entry is not a delta", complaints)
                }
                Err(error) => BaseDeltas::damaged(&format!("baseDeltas.json: {error}"), complaints),
            };
        }
        match defaults.map(serde_json::from_str::<Value>) {
            None => BaseDeltas { deltas: Vec::new(), damaged: false },
            Some(Ok(tree)) => BaseDeltas { deltas: from_tree(&tree), damaged: false },
            Some(Err(error)) => BaseDeltas::damaged(&format!("defaults.json: {error}"), complaints),
        }
    }

    fn damaged(what: &str, complaints: &mut Vec<String>) -> BaseDeltas {
        complaints.push(format!(
            "{what}; running without it and leaving the file as it is: repair or remove it"
        ));
        BaseDeltas { deltas: Vec::new(), damaged: true }
    }

    /// False when the file on disk was damaged.
    pub fn may_be_saved(&self) -> bool {
        !self.damaged
    }

    /// Each delta, as JSON.
    pub fn deltas(&self) -> &[Value] {
        &self.deltas
    }

    /// The file's new text.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(&self.deltas).unwrap_or_default()
    }

    /// The value of a path of the own vessel; a path without a dot, and `communication.callsignVhf`, live in the root
    /// value.
    pub fn self_value(&self, path: &str) -> Option<&Value> {
        let rows = || self.self_rows("values");
        rows()
            .find(|row| row.get("path").and_then(Value::as_str) == Some(path))
            .and_then(|row| row.get("value"))
            .or_else(|| {
                let root = rows()
                    .filter(|row| row.get("path").and_then(Value::as_str) == Some(""))
                    .filter_map(|row| row.get("value"));
                root.filter_map(|value| {
                    path.split('.').try_fold(value, |value, key| value.get(key))
                })
                .next()
            })
    }

    /// A textual value: also of a number.
    pub fn self_text(&self, path: &str) -> Option<String> {
        self.self_value(path).and_then(identity_text)
    }

    /// Sets a member of the root value of the own vessel.
    pub fn set_root(&mut self, name: &str, value: Value) {
        self.row_mut("values", "", json!({}), |root| {
            if let Some(root) = root.as_object_mut() {
                root.insert(name.to_owned(), value);
            }
        });
    }

    /// Replaces the saved meta of a path of the own vessel.
    pub fn set_meta(&mut self, path: &str, meta: &Map<String, Value>) {
        self.row_mut("meta", path, json!({}), |value| *value = Value::Object(meta.clone()));
    }

    /// The saved meta of a path of the own vessel.
    pub fn meta(&self, path: &str) -> Map<String, Value> {
        let row = self
            .self_rows("meta")
            .find(|row| row.get("path").and_then(Value::as_str) == Some(path));
        row.and_then(|row| row.get("value")).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// Sets or removes a value of the own vessel; a path without a dot is a member of the root value.
    pub(super) fn set_self(&mut self, path: &str, value: Option<Value>) {
        match (path.contains('.'), value) {
            (true, Some(value)) => self.row_mut("values", path, Value::Null, |old| *old = value),
            (false, Some(value)) => self.set_root(path, value),
            (true, None) => self.remove_row(path),
            (false, None) => {
                self.remove_row(path);
                self.row_mut("values", "", json!({}), |root| {
                    root.as_object_mut().map(|root| root.shift_remove(path));
                });
            }
        }
    }

    fn remove_row(&mut self, path: &str) {
        for delta in self.deltas.iter_mut().filter(|delta| is_self(delta)) {
            let Some(updates) = delta.get_mut("updates").and_then(Value::as_array_mut) else {
                continue;
            };
            for update in updates {
                if let Some(rows) = update.get_mut("values").and_then(Value::as_array_mut) {
                    rows.retain(|row| row.get("path").and_then(Value::as_str) != Some(path));
                }
            }
        }
    }

    fn self_rows(&self, kind: &'static str) -> impl Iterator<Item = &Value> {
        let own = self.deltas.iter().filter(|delta| is_self(delta));
        let updates =
            own.filter_map(|delta| delta.get("updates")).filter_map(Value::as_array).flatten();
        updates.filter_map(move |update| update.get(kind)).filter_map(Value::as_array).flatten()
    }

    /// Runs `change` on the value of the row of this path, made when missing.
    fn row_mut(&mut self, kind: &str, path: &str, empty: Value, change: impl FnOnce(&mut Value)) {
        let own = self.deltas.iter_mut().filter(|delta| is_self(delta));
        let updates = own
            .filter_map(|delta| delta.get_mut("updates"))
            .filter_map(Value::as_array_mut)
            .flatten();
        let mut rows = updates
            .filter_map(|update| update.get_mut(kind))
            .filter_map(Value::as_array_mut)
            .flatten();
        let row = rows.find(|row| row.get("path").and_then(Value::as_str) == Some(path));
        if let Some(value) = row.and_then(|row| row.get_mut("value")) {
            change(value);
            return;
        }
        let mut value = empty;
        change(&mut value);
        let mut update = Map::new();
        update.insert(kind.to_owned(), json!([{ "path": path, "value": value }]));
        self.deltas.push(json!({ "context": "vessels.self", "updates": [update] }));
    }
}

fn is_self(delta: &Value) -> bool {
    matches!(delta.get("context").and_then(Value::as_str), None | Some("vessels.self" | "self"))
}

/// `defaults.json` is a piece of the full model: objects with a `value` are leaves, the rest are branches; texts
/// directly below the vessel are root values.
fn from_tree(tree: &Value) -> Vec<Value> {
    let Some(own) = tree.pointer("/vessels/self").and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut root = Map::new();
    let mut rows = Vec::new();
    for (name, value) in own {
        if value.is_object() && name != "communication" {
            leaves(name, value, &mut rows);
        } else {
            root.insert(name.clone(), value.clone());
        }
    }
    rows.push(json!({ "path": "", "value": root }));
    vec![json!({ "context": "vessels.self", "updates": [{ "values": rows }] })]
}

fn leaves(path: &str, value: &Value, rows: &mut Vec<Value>) {
    let Some(members) = value.as_object() else { return };
    if let Some(value) = members.get("value") {
        rows.push(json!({ "path": path, "value": value }));
        return;
    }
    for (name, value) in members {
        leaves(&format!("{path}.{name}"), value, rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> BaseDeltas {
        let mut complaints = Vec::new();
        let parsed = BaseDeltas::parse(Some(text), None, &mut complaints);
        assert!(complaints.is_empty(), "{complaints:?}");
        parsed
    }

    #[test]
    fn identity_is_found_in_the_root_value_and_in_an_own_row() {
        let root = parse(
            r#"[{"context":"vessels.self","updates":[{"values":[{"path":"","value":{"mmsi":230099999}}]}]}]"#,
        );
        assert_eq!(root.self_text("mmsi").as_deref(), Some("230099999"));
        let own = parse(
            r#"[{"updates":[{"values":[{"path":"uuid","value":"urn:mrn:signalk:uuid:x"}]}]}]"#,
        );
        assert_eq!(own.self_text("uuid").as_deref(), Some("urn:mrn:signalk:uuid:x"));
    }

    #[test]
    fn a_new_member_joins_the_root_value() {
        let mut deltas = parse(
            r#"[{"context":"vessels.self","updates":[{"values":[{"path":"","value":{"name":"A"}}]}]}]"#,
        );
        deltas.set_root("uuid", json!("u"));
        assert_eq!(deltas.deltas().len(), 1);
        assert_eq!(deltas.self_text("uuid").as_deref(), Some("u"));
        assert_eq!(deltas.self_text("name").as_deref(), Some("A"));
    }

    #[test]
    fn the_older_defaults_json_becomes_deltas() {
        let text = r#"{"vessels":{"self":{"name":"Old","mmsi":"1","design":{"draft":{"value":{"maximum":2}}},"communication":{"callsignVhf":"X"}}}}"#;
        let deltas = BaseDeltas::parse(None, Some(text), &mut Vec::new());
        assert_eq!(
            deltas.vessel_form(),
            json!({"name":"Old","mmsi":"1","draft":2,"callsignVhf":"X"})
        );
    }
}
