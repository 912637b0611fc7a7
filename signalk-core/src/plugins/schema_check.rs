//! Whether a configuration fits its plugin's JSON Schema, in words for its owner.
//!
//! R115. The reference does not look: its plugins have schemas that no
//! validator reads, and configurations that do not fit. So a schema that cannot
//! be used is said once and holds nothing up; what follows from a configuration
//! that does not fit is decided by the caller.
//!
//! The schema comes from the plugin and the check runs in the core's own turn:
//! what could take long (references in circles, references that multiply,
//! expressions that backtrack) is refused beforehand. In a browser nothing is
//! checked: there the form does it (`Cargo.toml` says why).

use serde_json::{Map, Value};

/// Complaints that are told.
#[cfg_attr(
    all(target_family = "wasm", target_os = "unknown"),
    expect(dead_code, reason = "a browser checks nothing")
)]
const MOST_COMPLAINTS: usize = 5;
/// Parts of a schema with everything that it refers to.
const MOST_PARTS: u64 = 20_000;
/// Parts of the schema times values of the configuration.
const MOST_STEPS: u64 = 20_000_000;
/// Levels, references included.
const DEEPEST: usize = 64;

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Checked {
    Fits,
    /// Place and reason of each misfit, never the value itself: it may be a password.
    #[cfg_attr(
        all(target_family = "wasm", target_os = "unknown"),
        expect(dead_code, reason = "a browser checks nothing")
    )]
    Misfits(Vec<String>),
    /// The schema cannot be used, and why.
    Unusable(String),
}

/// Looks at a configuration.
pub(super) fn check(schema: &Value, configuration: &Value) -> Checked {
    match prepared(schema) {
        Ok((_, parts)) if parts.saturating_mul(values(configuration)) > MOST_STEPS => {
            Checked::Unusable("it is too large to be checked in time".to_owned())
        }
        Ok((schema, _)) => validate(&schema, configuration),
        Err(why) => Checked::Unusable(why),
    }
}

/// The schema as a validator takes it, and how many parts it has when every reference is written out.
fn prepared(schema: &Value) -> Result<(Value, u64), String> {
    let mut left = MOST_PARTS;
    count(schema, schema, 0, &mut left)?;
    let mut schema = schema.clone();
    if let Value::Object(members) = &mut schema {
        // A name of its own would make its references mean something else.
        members.shift_remove("$id");
        members.shift_remove("id");
    }
    mend(&mut schema);
    Ok((schema, MOST_PARTS - left))
}

fn count(part: &Value, root: &Value, depth: usize, left: &mut u64) -> Result<(), String> {
    *left = left.checked_sub(1).ok_or_else(|| {
        format!("it has more than {MOST_PARTS} parts, what it refers to included")
    })?;
    if depth > DEEPEST {
        return Err(format!("it is nested, or refers to itself, more than {DEEPEST} levels deep"));
    }
    match part {
        Value::Object(members) => {
            if depth > 0 && members.get("$id").is_some_and(Value::is_string) {
                return Err("it has an $id inside".to_owned());
            }
            for name in ["$dynamicRef", "$recursiveRef"] {
                if members.contains_key(name) {
                    return Err(format!("{name} is not supported"));
                }
            }
            if let Some(Value::String(to)) = members.get("$ref") {
                let target = to.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
                let target = target.ok_or_else(|| {
                    format!("it refers to `{}`, which is not in it", shortened(to))
                })?;
                count(target, root, depth + 1, left)?;
            }
            members.values().try_for_each(|part| count(part, root, depth + 1, left))
        }
        Value::Array(parts) => parts.iter().try_for_each(|part| count(part, root, depth + 1, left)),
        _ => Ok(()),
    }
}

/// Habits of forms that are no JSON Schema: `"required": true` at a property.
fn mend(part: &mut Value) {
    match part {
        Value::Object(members) => {
            if members.get("required").is_some_and(Value::is_boolean) {
                members.shift_remove("required");
            }
            members.values_mut().for_each(mend);
        }
        Value::Array(parts) => parts.iter_mut().for_each(mend),
        _ => {}
    }
}

/// How much there is to look at: values, and text by the line.
fn values(value: &Value) -> u64 {
    let size = |length: usize| u64::try_from(length).unwrap_or(u64::MAX) / 64;
    1 + match value {
        Value::String(text) => size(text.len()),
        Value::Array(items) => items.iter().map(values).sum(),
        Value::Object(members) => members_size(members),
        _ => 0,
    }
}

fn members_size(members: &Map<String, Value>) -> u64 {
    members.values().map(values).sum()
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn validate(schema: &Value, configuration: &Value) -> Checked {
    use jsonschema::{Draft, PatternOptions};

    let named = schema.get("$schema").and_then(Value::as_str).unwrap_or_default();
    let draft = match named {
        name if name.contains("draft-04") => Draft::Draft4,
        name if name.contains("draft-06") => Draft::Draft6,
        name if name.contains("2019-09") => Draft::Draft201909,
        name if name.contains("2020-12") => Draft::Draft202012,
        // What the forms of the reference read.
        _ => Draft::Draft7,
    };
    let mut schema = schema.clone();
    if let Value::Object(members) = &mut schema {
        members.shift_remove("$schema");
    }
    let built = jsonschema::options()
        .with_draft(draft)
        .offline()
        .should_validate_formats(false)
        .with_pattern_options(PatternOptions::regex().size_limit(1 << 20))
        .build(&schema);
    let validator = match built {
        Ok(validator) => validator,
        Err(error) => {
            return Checked::Unusable(said(error.instance_path(), &error.masked()));
        }
    };
    let complaints: Vec<_> = validator
        .iter_errors(configuration)
        .take(MOST_COMPLAINTS)
        .map(|error| said(error.instance_path(), &error.masked()))
        .collect();
    if complaints.is_empty() { Checked::Fits } else { Checked::Misfits(complaints) }
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn validate(_: &Value, _: &Value) -> Checked {
    Checked::Fits
}

/// Where, and what.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn said(place: &dyn std::fmt::Display, what: &dyn std::fmt::Display) -> String {
    let place = place.to_string();
    let place = if place.is_empty() { "/" } else { &place };
    format!("{place}: {}", shortened(&what.to_string()))
}

/// A text of a plugin, for a line.
fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['.', '.', '.']).collect()
}

#[cfg(test)]
#[path = "schema_check_tests.rs"]
mod tests;
