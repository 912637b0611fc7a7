//! Headers that a plugin gives its answers, as far as they are the plugin's.

use serde_json::{Map, Value};

use crate::security::is_cookie_of_logins;

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

/// Without those of the connection, those that would act on more than the plugin's own pages, and without any that
/// could break out of its line.
pub(super) fn clean(pairs: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let is_clean = |text: &str| !text.contains(['\r', '\n', '\0']);
    let lower = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value));
    let own = lower.filter(|(name, value)| {
        is_clean(name)
            && is_clean(value)
            && !HOP_BY_HOP.contains(&name.as_str())
            && !OF_THE_ORIGIN.contains(&name.as_str())
            && !(name == "set-cookie" && is_cookie_of_logins(value))
    });
    own.collect()
}

/// A service worker for all of the origin, and emptying what the browser keeps of it.
const OF_THE_ORIGIN: [&str; 2] = ["clear-site-data", "service-worker-allowed"];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_says_nothing_of_logins_and_of_the_whole_origin() {
        let pairs = [
            ("Set-Cookie", "JAUTHENTICATION=x; Path=/signalk; Max-Age=315576000"),
            ("set-cookie", " jauthentication =x"),
            ("set-cookie", "skLoginInfo=x"),
            ("set-cookie", "JAUTHENTICATION"),
            ("set-cookie", "=JAUTHENTICATION=x"),
            ("Service-Worker-Allowed", "/"),
            ("clear-site-data", "\"*\""),
            ("connection", "close"),
            ("set-cookie", "own=1; Path=/plugins/p"),
            ("X-Own", "1"),
        ];
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let names: Vec<_> =
            clean(pairs).into_iter().map(|(name, value)| name + "=" + &value).collect();
        assert_eq!(names, ["set-cookie=own=1; Path=/plugins/p", "x-own=1"]);
    }
}
