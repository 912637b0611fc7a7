//! An array or object as the text it came in, read as a tree only when somebody looks inside. Most
//! positions pass through the server without that, so reading and writing them is a copy.

use std::sync::OnceLock;

use serde_json::Value as Json;

use crate::json;

/// Compact JSON of an array or object, exactly as JavaScript would print it.
#[derive(Debug, Clone)]
pub struct RawJson {
    text: Box<str>,
    value: OnceLock<Json>,
}

impl RawJson {
    /// Takes text that is valid JSON already; `None` when JavaScript would print it differently
    /// (spaces, escapes, `1.0`, `1e3`) or when it is very deep: read it as a tree then.
    pub(crate) fn canonical(text: &str) -> Option<Self> {
        is_canonical(text.as_bytes()).then(|| Self { text: text.into(), value: OnceLock::new() })
    }

    /// The text.
    pub fn json(&self) -> &str {
        &self.text
    }

    /// The tree, read when first asked for.
    pub fn value(&self) -> &Json {
        // Valid and not deep, or it would not have become a `RawJson`.
        self.value.get_or_init(|| json::parse(self.text.as_bytes()).unwrap_or_default())
    }
}

const MAX_DEPTH: u32 = 64;

fn is_canonical(mut rest: &[u8]) -> bool {
    let mut depth = 0u32;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'"' => {
                let Some(end) = tail.iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
                    return false;
                };
                if tail[end] == b'\\' {
                    return false;
                }
                rest = &tail[end + 1..];
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'-' | b'0'..=b'9' => {
                let end = rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']'));
                let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
                if !is_canonical_number(number) {
                    return false;
                }
                rest = after;
                continue;
            }
            byte if byte.is_ascii_whitespace() => return false,
            _ => {}
        }
        rest = tail;
    }
    true
}

/// Up to 15 digits survive the way through an `f64` unchanged; below a millionth JavaScript
/// switches to exponents.
fn is_canonical_number(number: &[u8]) -> bool {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    let mut point = false;
    let plain = digits.iter().all(|byte| match byte {
        b'.' => !std::mem::replace(&mut point, true),
        byte => byte.is_ascii_digit(),
    });
    plain
        && digits.len() <= 15
        && !(point && digits.ends_with(b"0"))
        && !digits.starts_with(b"0.000000")
        && number != b"-0"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_javascript_would_print_is_kept_as_text() {
        for (text, kept) in [
            (r#"{"latitude":60.1,"longitude":-24.900001}"#, true),
            (r#"{"a":[0,-1,0.5,null,true,"é 1.0"],"b":{}}"#, true),
            (r#"{"a": 1}"#, false),
            (r#"{"a":1.0}"#, false),
            (r#"{"a":1e3}"#, false),
            (r#"{"a":-0}"#, false),
            (r#"{"a":0.0000001}"#, false),
            (r#"{"a":1234567890123456789}"#, false),
            (r#"{"a":"\u0041"}"#, false),
        ] {
            assert_eq!(RawJson::canonical(text).is_some(), kept, "{text}");
            let value = json::parse(text.as_bytes()).unwrap();
            if kept {
                assert_eq!(json::value_text(&value), text);
            }
        }
        assert!(RawJson::canonical(&("[".repeat(65) + &"]".repeat(65))).is_none());
    }
}
