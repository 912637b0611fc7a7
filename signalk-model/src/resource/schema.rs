//! The part of JSON Schema that the resource schemas use, with the errors of the validator that the reference has (Ajv
//! 6, all errors): clients show them, so keyword, path and message are the same, in the same order. Not a general
//! validator.

use serde_json::{Map, Value, json};

use crate::json;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    keyword: &'static str,
    data_path: String,
    schema_path: String,
    params: Value,
    message: String,
}

impl Violation {
    /// The object that the reference tells.
    pub fn to_json(&self) -> Value {
        json!({
            "keyword": self.keyword,
            "dataPath": self.data_path,
            "schemaPath": self.schema_path,
            "params": self.params,
            "message": self.message,
        })
    }
}

/// Most violations that are told of one value. A client sends a value of megabytes whose every number is wrong, and
/// each violation costs some 500 bytes: beyond these nothing is looked for. The recorded answers of the reference have
/// 9 at most.
pub(super) const MOST_VIOLATIONS: usize = 100;

/// A value as it is.
pub(super) fn check(schema: &Value, value: &Value, found: &mut Vec<Violation>) {
    value_at(schema, value, &At::root("", "#"), found);
}

/// Parameters of a query: a text that stands for a number becomes it, one value where several may stand becomes a list.
pub(super) fn check_query(schema: &Value, query: &mut Value, found: &mut Vec<Violation>) {
    if let (Some(properties), Value::Object(members)) = (object(schema, "properties"), &mut *query)
    {
        for (name, property) in properties {
            if let Some(value) = members.get_mut(name) {
                coerce(property, value);
            }
        }
    }
    value_at(schema, query, &At::root(".query", "#/properties/query"), found);
}

/// Where in the data, and where in the schema: a chain up to the root. It becomes text when something is wrong, because
/// most values are right and large.
struct At<'a> {
    above: Option<&'a At<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Root {
        data: &'static str,
        schema: &'static str,
    },
    Item(usize),
    Member(&'a str),
    /// `anyOf`, `oneOf`, `allOf`: the same place of the data.
    Part(&'static str, usize),
}

impl At<'_> {
    fn root(data: &'static str, schema: &'static str) -> At<'static> {
        At { above: None, step: Step::Root { data, schema } }
    }

    fn step<'a>(&'a self, step: Step<'a>) -> At<'a> {
        At { above: Some(self), step }
    }

    /// The two paths.
    fn texts(&self) -> (String, String) {
        let (mut data, mut schema) = self.above.map(At::texts).unwrap_or_default();
        match &self.step {
            Step::Root { data: root, schema: start } => {
                data.push_str(root);
                schema.push_str(start);
            }
            Step::Item(n) => {
                data.push_str(&format!("[{n}]"));
                schema.push_str("/items");
            }
            Step::Member(name) => {
                data.push_str(&format!(".{name}"));
                schema.push_str(&format!("/properties/{name}"));
            }
            Step::Part(keyword, n) => schema.push_str(&format!("/{keyword}/{n}")),
        }
        (data, schema)
    }

    fn violation(&self, keyword: &'static str, params: Value, message: String) -> Violation {
        let (data_path, schema) = self.texts();
        let schema_path = format!("{schema}/{keyword}");
        Violation { keyword, data_path, schema_path, params, message }
    }
}

/// Whether nothing more is looked for.
fn is_full(found: &[Violation]) -> bool {
    found.len() >= MOST_VIOLATIONS
}

fn value_at(schema: &Value, value: &Value, at: &At<'_>, found: &mut Vec<Violation>) {
    if is_full(found) {
        return;
    }
    if let Some(kind) = schema.get("type").and_then(Value::as_str)
        && !is_type(value, kind)
    {
        found.push(at.violation("type", json!({ "type": kind }), format!("should be {kind}")));
    }
    match value {
        Value::Number(number) => number_at(schema, number.as_f64().unwrap_or_default(), at, found),
        Value::String(text) => text_at(schema, text, at, found),
        Value::Array(items) => array_at(schema, items, at, found),
        Value::Object(members) => object_at(schema, members, at, found),
        Value::Null | Value::Bool(_) => {}
    }
    if let Some(allowed) = list(schema, "enum")
        && !allowed.contains(value)
    {
        let message = "should be equal to one of the allowed values".to_owned();
        found.push(at.violation("enum", json!({ "allowedValues": allowed }), message));
    }
    some_of(schema, value, at, found);
    for (n, part) in list(schema, "allOf").into_iter().flatten().enumerate() {
        value_at(part, value, &at.step(Step::Part("allOf", n)), found);
    }
}

/// `anyOf`, then `oneOf`: what their parts found is told only when the whole fails. Each part counts its own, so that
/// one is not taken for passing because another has found too much.
fn some_of(schema: &Value, value: &Value, at: &At<'_>, found: &mut Vec<Violation>) {
    for keyword in ["anyOf", "oneOf"] {
        let Some(parts) = list(schema, keyword) else { continue };
        let mut inside = Vec::new();
        let mut passing = Vec::new();
        for (n, part) in parts.iter().enumerate() {
            let mut of_part = Vec::new();
            value_at(part, value, &at.step(Step::Part(keyword, n)), &mut of_part);
            if of_part.is_empty() {
                passing.push(n);
            }
            of_part.truncate(MOST_VIOLATIONS.saturating_sub(inside.len()));
            inside.append(&mut of_part);
        }
        match (keyword, passing.as_slice()) {
            ("anyOf", []) => {
                found.append(&mut inside);
                let message = "should match some schema in anyOf".to_owned();
                found.push(at.violation("anyOf", json!({}), message));
            }
            ("anyOf", _) | ("oneOf", [_]) => {}
            (_, passing) => {
                found.append(&mut inside);
                let passing = if passing.is_empty() { Value::Null } else { json!(passing) };
                let message = "should match exactly one schema in oneOf".to_owned();
                found.push(at.violation("oneOf", json!({ "passingSchemas": passing }), message));
            }
        }
    }
}

/// Keyword, its word in the message, and when it holds.
type Limit<T> = (&'static str, &'static str, fn(T, T) -> bool);

fn number_at(schema: &Value, number: f64, at: &At<'_>, found: &mut Vec<Violation>) {
    let limits: [Limit<f64>; 2] = [
        ("maximum", "<=", |number, limit| number <= limit),
        ("minimum", ">=", |number, limit| number >= limit),
    ];
    for (keyword, comparison, holds) in limits {
        let Some(limit) = schema.get(keyword) else { continue };
        if !limit.as_f64().is_some_and(|limit| holds(number, limit)) {
            let params = json!({ "comparison": comparison, "limit": limit, "exclusive": false });
            let message = format!("should be {comparison} {limit}");
            found.push(at.violation(keyword, params, message));
        }
    }
    let int32 = schema.get("format").and_then(Value::as_str) == Some("int32");
    if int32 && !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number) {
        let message = "should match format \"int32\"".to_owned();
        found.push(at.violation("format", json!({ "format": "int32" }), message));
    }
}

/// The one pattern that the schemas have is that of a reference to a resource.
fn text_at(schema: &Value, text: &str, at: &At<'_>, found: &mut Vec<Violation>) {
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
        && !super::is_href(text)
    {
        let message = format!("should match pattern \"{pattern}\"");
        found.push(at.violation("pattern", json!({ "pattern": pattern }), message));
    }
}

fn array_at(schema: &Value, items: &[Value], at: &At<'_>, found: &mut Vec<Violation>) {
    let limits: [Limit<u64>; 2] = [
        ("maxItems", "more", |count, limit| count <= limit),
        ("minItems", "fewer", |count, limit| count >= limit),
    ];
    let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
    for (keyword, word, holds) in limits {
        let Some(limit) = schema.get(keyword).and_then(Value::as_u64) else { continue };
        if !holds(count, limit) {
            let message = format!("should NOT have {word} than {limit} items");
            found.push(at.violation(keyword, json!({ "limit": limit }), message));
        }
    }
    if let Some(each) = schema.get("items") {
        for (n, item) in items.iter().enumerate() {
            if is_full(found) {
                return;
            }
            value_at(each, item, &at.step(Step::Item(n)), found);
        }
    }
}

fn object_at(
    schema: &Value,
    members: &Map<String, Value>,
    at: &At<'_>,
    found: &mut Vec<Violation>,
) {
    let properties = object(schema, "properties");
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        let known = |name: &String| properties.is_some_and(|all| all.contains_key(name));
        for name in members.keys().filter(|name| !known(name)) {
            if is_full(found) {
                return;
            }
            let message = "should NOT have additional properties".to_owned();
            found.push(at.violation(
                "additionalProperties",
                json!({ "additionalProperty": name }),
                message,
            ));
        }
    }
    // Every required member of these schemas is described too: a missing one is told in the order of the descriptions.
    let required = list(schema, "required");
    for (name, property) in properties.into_iter().flatten() {
        match members.get(name) {
            Some(value) => {
                value_at(property, value, &at.step(Step::Member(name)), found);
            }
            None if required.is_some_and(|all| all.iter().any(|one| one == name)) => {
                let message = format!("should have required property '{name}'");
                found.push(at.violation("required", json!({ "missingProperty": name }), message));
            }
            None => {}
        }
    }
}

fn is_type(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    }
}

fn coerce(schema: &Value, value: &mut Value) {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    match kind {
        "array" => {
            if !matches!(value, Value::Array(_) | Value::Object(_)) {
                *value = Value::Array(vec![value.take()]);
            }
            if let (Value::Array(items), Some(each)) = (value, schema.get("items")) {
                items.iter_mut().for_each(|item| coerce(each, item));
            }
        }
        "number" | "integer" | "string" => {
            if let Value::Array(items) = value
                && let [one] = items.as_mut_slice()
            {
                *value = one.take();
            }
            let coerced = if kind == "string" { to_text(value) } else { to_number(value, kind) };
            if let Some(coerced) = coerced {
                *value = coerced;
            }
        }
        _ => {}
    }
}

fn to_number(value: &Value, kind: &str) -> Option<Value> {
    let number = match value {
        Value::Null => 0.0,
        Value::Bool(yes) => f64::from(u8::from(*yes)),
        Value::String(text) if !text.trim().is_empty() => text.trim().parse().ok()?,
        _ => return None,
    };
    (number.is_finite() && (kind != "integer" || number.fract() == 0.0))
        .then(|| json::number(number))
}

fn to_text(value: &Value) -> Option<Value> {
    match value {
        Value::Null => Some(Value::String(String::new())),
        Value::Bool(_) | Value::Number(_) => Some(Value::String(json::value_text(value))),
        _ => None,
    }
}

fn list<'a>(schema: &'a Value, keyword: &str) -> Option<&'a Vec<Value>> {
    schema.get(keyword).and_then(Value::as_array)
}

fn object<'a>(schema: &'a Value, keyword: &str) -> Option<&'a Map<String, Value>> {
    schema.get(keyword).and_then(Value::as_object)
}
