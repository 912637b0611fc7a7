//! Schemas of all kinds, also hostile ones, against configurations.

use serde_json::json;

use super::*;

fn misfits(schema: Value, configuration: Value) -> Vec<String> {
    match check(&schema, &configuration) {
        Checked::Fits => Vec::new(),
        Checked::Misfits(complaints) => complaints,
        Checked::Unusable(why) => panic!("{why}"),
    }
}

fn not_checked(schema: Value) -> String {
    match check(&schema, &json!({ "a": "b" })) {
        Checked::Unusable(why) => why,
        checked => panic!("{checked:?}"),
    }
}

#[test]
fn what_does_not_fit_is_named_by_its_place_and_not_by_its_value() {
    let schema = json!({ "type": "object", "required": ["interval"], "properties": {
        "interval": { "type": "number", "minimum": 1 },
        "password": { "type": "string", "maxLength": 3 },
        "list": { "type": "array", "items": { "enum": ["a", "b"] } },
    } });
    assert!(misfits(schema.clone(), json!({ "interval": 5, "more": true })).is_empty());
    assert_eq!(misfits(schema.clone(), json!({})), [r#"/: "interval" is a required property"#]);
    let complaints =
        misfits(schema, json!({ "interval": 0, "password": "secret", "list": ["a", "c"] }));
    let text = complaints.join("\n");
    for part in ["/interval: ", "less than the minimum of 1", "/password: ", "/list/1: "] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn at_most_five_misfits_are_told() {
    let all: Map<String, Value> = (0..50).map(|n| (format!("k{n}"), json!(n))).collect();
    let schema = json!({ "additionalProperties": { "type": "string" } });
    assert_eq!(misfits(schema, Value::Object(all)).len(), 5);
}

#[test]
fn schemas_of_forms_are_understood_as_their_forms_do() {
    let schema = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://x.y/z",
        "type": "object", "properties": {
            "a": { "type": "string", "required": true, "enumNames": ["x"], "ui:widget": "text", "format": "email" },
            "b": { "$ref": "#/definitions/b" },
        }, "definitions": { "b": { "type": "number" } } });
    assert!(misfits(schema.clone(), json!({ "a": "no address", "b": 1 })).is_empty());
    assert_eq!(misfits(schema, json!({ "b": "1" })).len(), 1);
    assert!(misfits(json!({}), json!({ "x": 1 })).is_empty());
}

#[test]
fn schemas_that_cannot_be_used_are_said_and_hold_nothing_up() {
    for (schema, part) in [
        (json!({ "type": "any" }), "/type: "),
        (json!({ "properties": { "a": { "minimum": "1" } } }), "/properties/a/minimum: "),
        (json!({ "$ref": "https://example.com/x.json" }), "which is not in it"),
        (json!({ "properties": { "a": { "pattern": "(?=x)y" } } }), "pattern"),
        (json!({ "properties": { "a": { "$dynamicRef": "#x" } } }), "not supported"),
        (json!({ "properties": { "a": { "$id": "https://x.y/z" } } }), "$id inside"),
    ] {
        let why = not_checked(schema.clone());
        assert!(why.contains(part), "{schema}: {why}");
    }
}

/// None of them may keep the core from its work.
#[test]
fn schemas_that_would_take_for_ever_are_refused() {
    assert!(not_checked(json!({ "allOf": [{ "$ref": "#" }] })).contains("refers to itself"));
    let mut doubles = Map::new();
    for n in 0..15 {
        let next = format!("#/definitions/d{}", n + 1);
        let both = json!({ "allOf": [{ "$ref": next }, { "$ref": next }] });
        doubles.insert(format!("d{n}"), both);
    }
    doubles.insert("d15".to_owned(), json!({ "type": "object" }));
    let schema = json!({ "$ref": "#/definitions/d0", "definitions": doubles });
    assert!(not_checked(schema).contains("parts"));
    let wide: Vec<Value> = (0..10_000).map(|n| json!({ "const": n })).collect();
    let schema = json!({ "properties": { "a": { "items": { "anyOf": wide } } } });
    let many = json!({ "a": vec![json!(-1); 10_000] });
    assert!(matches!(check(&schema, &many), Checked::Unusable(_)));
    let backtracks = json!({ "properties": { "a": { "pattern": "^(a+)+$" } } });
    assert_eq!(misfits(backtracks, json!({ "a": format!("{}b", "a".repeat(50_000)) })).len(), 1);
}
