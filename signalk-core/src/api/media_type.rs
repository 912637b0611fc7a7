//! The type of a text that a plugin answers, as Express sends it: every text goes out as UTF-8 and says so.
//!
//! The reference gives a plugin's body to `res.send`, which puts `charset=utf-8` into any type it finds, in place of
//! another charset, and writes the type anew: lower case, parameters by name (plugin ABI 8.5). Bodies of bytes keep
//! their type.

use std::collections::BTreeMap;

/// `kind` with `charset=utf-8`. What is no media type stays as the plugin gave it; the reference fails over it.
pub(super) fn as_utf8(kind: &str) -> String {
    read(kind).unwrap_or_else(|| kind.to_owned())
}

fn read(kind: &str) -> Option<String> {
    let (name, mut rest) = kind.split_at(kind.find(';').unwrap_or(kind.len()));
    let name = name.trim();
    let (main, sub) = name.split_once('/')?;
    if !is_token(main) || !is_token(sub) {
        return None;
    }
    let mut parameters = BTreeMap::new();
    while let Some(parameter) = rest.strip_prefix(';') {
        let (name, value) = parameter.split_once('=')?;
        let (value, after) = value_of(value.trim_start_matches(' '))?;
        let name = name.trim_matches(' ');
        if !is_token(name) {
            return None;
        }
        parameters.insert(name.to_ascii_lowercase(), value);
        rest = after.trim_start_matches(' ');
    }
    if !rest.is_empty() {
        return None;
    }
    parameters.insert("charset".to_owned(), "utf-8".to_owned());
    let mut whole = name.to_ascii_lowercase();
    for (name, value) in &parameters {
        let value = if is_token(value) { value.clone() } else { quoted(value) };
        whole = format!("{whole}; {name}={value}");
    }
    Some(whole)
}

/// The value that a text begins with, unquoted, and what follows it.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find([';', ' ']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return is_token(value).then(|| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut signs = inner.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return Some((value, inner.get(at + 1..)?)),
            '\\' => value.push(signs.next()?.1),
            sign => value.push(sign),
        }
    }
    None
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

fn is_token(text: &str) -> bool {
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(sign);
    !text.is_empty() && text.chars().all(is_sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answers are those of Express 4.22.3 (`setCharset`).
    #[test]
    fn a_type_says_utf_8_and_keeps_its_other_parameters() {
        for (given, sent) in [
            ("application/json", "application/json; charset=utf-8"),
            ("Text/Plain", "text/plain; charset=utf-8"),
            ("text/csv;header=present", "text/csv; charset=utf-8; header=present"),
            ("text/plain; Charset=\"ISO-8859-1\"", "text/plain; charset=utf-8"),
            ("image/svg+xml", "image/svg+xml; charset=utf-8"),
            ("text/x; a = \"b \\\" c\" ;z=1", "text/x; a=\"b \\\" c\"; charset=utf-8; z=1"),
            // No media types.
            ("json", "json"),
            ("text/plain;", "text/plain;"),
            ("text/plain; a", "text/plain; a"),
            ("text/plain; a=\"b", "text/plain; a=\"b"),
        ] {
            assert_eq!(as_utf8(given), sent, "{given}");
        }
    }
}
