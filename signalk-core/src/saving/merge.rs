//! A file that its owner wrote into by hand while the server had it in memory: what he changed is kept.
//!
//! Options files of plugins are saved by the page, by the plugin itself, and written by hand (`egress`, `trust`,
//! `limits` have no other way). A save is the whole file, so without this it would undo what the owner has just
//! written.

use serde_json::{Map, Value};
use signalk_model::json;

/// `ours` with what `disk` says otherwise than `before`: member by member of a JSON object, and what we changed
/// ourselves stays ours. `None`: nobody else has changed it, or `disk` is no JSON object, which a save replaces.
///
/// `before` is what we believe to be on the disk; no JSON object counts as an empty one.
#[must_use]
pub fn keep_foreign_changes(before: &[u8], ours: &[u8], disk: &[u8]) -> Option<String> {
    let before = members(before).unwrap_or_default();
    let (ours, disk) = (members(ours)?, members(disk)?);
    let mut merged = ours.clone();
    let is_ours = |key: &String| ours.get(key) != before.get(key);
    for (key, value) in disk.iter().filter(|(key, value)| before.get(*key) != Some(*value)) {
        if !is_ours(key) {
            merged.insert(key.clone(), value.clone());
        }
    }
    for key in before.keys().filter(|key| !disk.contains_key(*key) && !is_ours(key)) {
        merged.shift_remove(key);
    }
    (merged != ours).then(|| serde_json::to_string_pretty(&merged).ok()).flatten()
}

fn members(text: &[u8]) -> Option<Map<String, Value>> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    match json::parse(text) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(before: &str, ours: &str, disk: &str) -> Option<String> {
        let text = keep_foreign_changes(before.as_bytes(), ours.as_bytes(), disk.as_bytes())?;
        Some(serde_json::from_str::<Value>(&text).unwrap().to_string())
    }

    #[test]
    fn what_the_owner_wrote_is_kept_and_what_was_saved_is_saved() {
        let before = r#"{"enabled":true,"configuration":{"a":1},"limits":{"memoryMiB":1}}"#;
        let ours = r#"{"enabled":false,"configuration":{"a":2},"limits":{"memoryMiB":1}}"#;
        for (disk, expected) in [
            // Nobody else was there.
            (before, None),
            (ours, None),
            // Added, changed, removed.
            (
                r#"{"enabled":true,"configuration":{"a":1},"limits":{"memoryMiB":9},"egress":{}}"#,
                Some(
                    r#"{"enabled":false,"configuration":{"a":2},"limits":{"memoryMiB":9},"egress":{}}"#,
                ),
            ),
            (
                r#"{"enabled":true,"configuration":{"a":1}}"#,
                Some(r#"{"enabled":false,"configuration":{"a":2}}"#),
            ),
            // Both changed the same: the newer wish.
            (r#"{"enabled":true,"configuration":{"a":3},"limits":{"memoryMiB":1}}"#, None),
            // What cannot be read is replaced, as before; the disk keeps it as `.bak`.
            ("{", None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(merged(before, ours, disk).as_deref(), expected, "{disk}");
        }
    }

    #[test]
    fn a_file_that_nobody_knew_is_kept_with_what_is_saved() {
        let text = merged("", r#"{"enabled":true}"#, "\u{feff}{\"egress\":{},\"enabled\":false}");
        assert_eq!(text.as_deref(), Some(r#"{"enabled":true,"egress":{}}"#));
    }
}
