//! Comparing an answer with a recording of the reference server: equal but for what no two runs have in common.
//!
//! UUIDs, times of the recording, versions and entity tags are compared by shape.

use serde_json::Value;

/// Where the recordings are, relative to the workspace; `None` when they are not there.
pub fn folder() -> Option<std::path::PathBuf> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let folder = std::env::var_os("SIGNALK_GOLDEN")
        .map_or_else(|| root.join("../shared/spec/golden/2.32.0/open"), Into::into);
    folder.is_dir().then_some(folder)
}

/// The first difference, as `path: expected ..., got ...`.
pub fn difference(expected: &Value, actual: &Value) -> Option<String> {
    compare("", expected, actual)
}

/// A stream frame in a form in which equal things are equal texts: volatile texts are replaced by their shape.
pub fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(shape(text)),
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), masked(value))).collect()
        }
        value => value.clone(),
    }
}

fn compare(at: &str, expected: &Value, actual: &Value) -> Option<String> {
    match (expected, actual) {
        (Value::Object(want), Value::Object(got)) => {
            if let Some(name) = want.keys().find(|name| !got.contains_key(*name)) {
                return Some(format!("{at}/{name}: missing"));
            }
            if let Some(name) = got.keys().find(|name| !want.contains_key(*name)) {
                return Some(format!("{at}/{name}: not in the recording"));
            }
            want.iter().find_map(|(name, want)| {
                got.get(name).and_then(|got| compare(&format!("{at}/{name}"), want, got))
            })
        }
        (Value::Array(want), Value::Array(got)) => {
            if want.len() != got.len() {
                return Some(format!("{at}: {} entries expected, got {}", want.len(), got.len()));
            }
            want.iter()
                .zip(got)
                .enumerate()
                .find_map(|(n, (want, got))| compare(&format!("{at}/{n}"), want, got))
        }
        (Value::Number(want), Value::Number(got)) if want.as_f64() == got.as_f64() => None,
        (Value::String(want), Value::String(got)) if shape(want) == shape(got) => None,
        (want, got) if want == got => None,
        (want, got) => Some(format!("{at}: expected {want}, got {got}")),
    }
}

/// UUIDs and times of the recording or of the simulation lose their digits; times inside recorded deltas stay.
fn shape(text: &str) -> String {
    if text.starts_with("tcp://") {
        return "tcp://*".into();
    }
    let mut out = text.to_owned();
    let digits = |text: &str| {
        text.chars().map(|c| if c.is_ascii_hexdigit() { 'h' } else { c }).collect::<String>()
    };
    let mut at = 0;
    while let Some(piece) = out.get(at..at + UUID.len()) {
        if digits(piece) == UUID {
            out.replace_range(at..at + UUID.len(), UUID);
        }
        at += 1;
        while !out.is_char_boundary(at) && at < out.len() {
            at += 1;
        }
    }
    let is_time = out.len() == 24 && out.ends_with('Z') && out.get(10..11) == Some("T");
    if is_time && !RECORDED_TIMES.iter().any(|recorded| out.starts_with(recorded)) {
        return "TIME".into();
    }
    out
}

const UUID: &str = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";

/// The times that the recorded deltas themselves carry.
const RECORDED_TIMES: [&str; 1] = ["2026-01-02T03:04:0"];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn volatile_texts_are_equal_by_shape_and_others_are_not() {
        let a = json!({"id": "/r/7e758c49-55a1-4d62-9ea1-fc8c10a7203b", "at": "2026-11-21T02:31:06.298Z"});
        let b = json!({"id": "/r/00000000-55a1-4d62-9ea1-fc8c10a7203b", "at": "2026-01-02T04:04:06.298Z"});
        assert_eq!(difference(&a, &b), None);
        let c = json!({"id": "/r/x", "at": "2026-11-21T02:31:06.298Z"});
        assert!(difference(&a, &c).unwrap().starts_with("/id: expected"));
        assert_eq!(difference(&json!({"a": [1, 2.0]}), &json!({"a": [1, 2]})), None);
        assert_eq!(difference(&json!({"a": 1}), &json!({})).as_deref(), Some("/a: missing"));
    }
}
