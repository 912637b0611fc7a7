//! Headers that a plugin gives its answers, as far as they are the plugin's.

use serde_json::{Map, Value};

/// Of a whole answer: an object of texts, or of several in an array (plugin ABI 8.5).
pub(super) fn own_headers(headers: &Map<String, Value>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, value) in headers {
        let values = match value {
            Value::Array(values) => values.iter().collect(),
            value => vec![value],
        };
        for value in values {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            pairs.push((name.clone(), value));
        }
    }
    clean(pairs.into_iter())
}

/// Without those of the connection, and without any that could break out of its line.
pub(super) fn clean(pairs: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let is_clean = |text: &str| !text.contains(['\r', '\n', '\0']);
    let lower = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value));
    let own = lower.filter(|(name, value)| {
        is_clean(name) && is_clean(value) && !HOP_BY_HOP.contains(&name.as_str())
    });
    own.collect()
}

/// RFC 9110 7.6.1, and the length, which the host computes.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
