//! The defaults that a plugin's JSON Schema gives: what its form would have filled in.
//!
//! R115. The reference leaves this to the form, so that a plugin that was
//! enabled without it starts with nothing. The file of the owner is not
//! touched. Whether a configuration fits the schema is `schema_check.rs`.

use serde_json::{Map, Value};

/// Groups in groups; a form that goes deeper is none.
const DEEPEST: usize = 16;

/// Adds what is missing behind what is there, as the schema's `properties` say. References are
/// not followed: each part of the schema is used once at most, so the result is never larger
/// than both together.
pub(super) fn fill_in(schema: &Value, configuration: &mut Map<String, Value>) {
    group(schema, configuration, 0);
}

fn group(schema: &Value, members: &mut Map<String, Value>, depth: usize) {
    let Some(Value::Object(properties)) = schema.get("properties") else { return };
    if depth >= DEEPEST {
        return;
    }
    for (name, schema) in properties {
        match members.get_mut(name) {
            Some(Value::Object(members)) => group(schema, members, depth + 1),
            Some(_) => {}
            None => {
                if let Some(value) = missing(schema, depth) {
                    members.insert(name.clone(), value);
                }
            }
        }
    }
}

/// The value of a member that is not there.
fn missing(schema: &Value, depth: usize) -> Option<Value> {
    match schema.get("default") {
        Some(Value::Object(members)) => {
            let mut members = members.clone();
            group(schema, &mut members, depth + 1);
            Some(Value::Object(members))
        }
        Some(value) => Some(value.clone()),
        None => {
            let mut members = Map::new();
            group(schema, &mut members, depth + 1);
            (!members.is_empty()).then_some(Value::Object(members))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filled(schema: Value, configuration: Value) -> String {
        let Value::Object(mut members) = configuration else { panic!("an object") };
        fill_in(&schema, &mut members);
        Value::Object(members).to_string()
    }

    #[test]
    fn what_is_missing_is_filled_in_behind_what_is_there() {
        let schema = json!({ "type": "object", "properties": {
            "interval": { "type": "number", "default": 1000 },
            "name": { "type": "string" },
            "debug": { "type": "boolean", "default": false },
            "server": { "type": "object", "properties": { "port": { "default": 80 }, "host": { "default": "x" } } },
            "list": { "type": "array", "default": [1] },
        } });
        assert_eq!(
            filled(schema.clone(), json!({})),
            r#"{"interval":1000,"debug":false,"server":{"port":80,"host":"x"},"list":[1]}"#
        );
        assert_eq!(
            filled(
                schema,
                json!({ "list": [], "server": { "host": "y" }, "other": null, "interval": null })
            ),
            r#"{"list":[],"server":{"host":"y","port":80},"other":null,"interval":null,"debug":false}"#
        );
    }

    #[test]
    fn a_default_of_a_group_is_completed_by_those_of_its_members() {
        let schema = json!({ "properties": { "a": { "default": { "x": 1 }, "properties": { "x": { "default": 2 }, "y": { "default": 3 } } } } });
        assert_eq!(filled(schema, json!({})), r#"{"a":{"x":1,"y":3}}"#);
    }

    #[test]
    fn odd_schemas_fill_in_nothing() {
        for schema in [
            json!({}),
            json!([]),
            json!({ "properties": [] }),
            json!({ "properties": { "a": true, "b": null, "c": "x" } }),
        ] {
            assert_eq!(filled(schema, json!({ "k": 1 })), r#"{"k":1}"#);
        }
        let mut deep = json!({ "default": 1 });
        for _ in 0..40 {
            deep = json!({ "properties": { "a": deep } });
        }
        assert_eq!(filled(deep, json!({})), "{}");
    }
}
