//! The HTTP endpoints of one plugin: which one takes a request.
//!
//! Clause: plugin ABI 8.5. Paths are Express 4 syntax: `:name`, `:name?`, `*`;
//! letters of either case, a slash at the end is ignored, the first match wins.

use regex_lite::{Regex, RegexBuilder};
use serde_json::{Map, Value};
use signalk_bridge::Endpoint;

/// More of them are cut off: each is looked at for each request.
const MOST: usize = 200;
/// More of them say nothing new.
const MOST_COMPLAINTS: usize = 5;

/// The endpoints, ready to be matched.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    endpoint: Endpoint,
    path: Regex,
    /// Names of the groups; a star is its number.
    params: Vec<String>,
}

impl Endpoints {
    /// Those whose path can be read, and complaints about the others.
    pub(super) fn new(endpoints: Vec<Endpoint>) -> (Endpoints, Vec<String>) {
        let (mut rows, mut complaints) = (Vec::new(), Vec::new());
        for endpoint in endpoints.into_iter().take(MOST) {
            match compile(&endpoint.path) {
                Some((path, params)) => rows.push(Row { endpoint, path, params }),
                None if complaints.len() < MOST_COMPLAINTS => {
                    let shown: String = endpoint.path.chars().take(100).collect();
                    complaints.push(format!(
                        "endpoint {} {shown}: this is no path (Express 4 syntax: /a/:name, *), or a very long one; it is not served",
                        endpoint.method
                    ));
                }
                None => {}
            }
        }
        (Endpoints { rows }, complaints)
    }

    /// The first that takes the request, with its path parameters.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<(&Endpoint, Map<String, Value>)> {
        self.rows.iter().filter(|row| row.endpoint.method == method).find_map(|row| {
            let found = row.path.captures(path)?;
            let params = row.params.iter().enumerate().filter_map(|(at, name)| {
                let text = found.get(at + 1)?.as_str();
                let value = crate::http::percent_decode(text, false);
                Some((name.clone(), Value::String(value)))
            });
            Some((&row.endpoint, params.collect()))
        })
    }
}

/// The path as an expression, and the names of its groups.
fn compile(path: &str) -> Option<(Regex, Vec<String>)> {
    let mut params = Vec::new();
    let mut stars = 0;
    let mut text = String::from("^");
    let mut rest = path.trim_end_matches('/');
    while let Some(c) = rest.chars().next() {
        let (slash, after) = match rest.strip_prefix('/') {
            Some(after) => ("/", after),
            None => ("", rest),
        };
        if let Some(after) = after.strip_prefix(':') {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (name, after) = after.split_at(end.unwrap_or(after.len()));
            params.push(name.to_owned());
            match after.strip_prefix('?') {
                Some(after) => {
                    text.push_str(&format!("(?:{slash}([^/]+?))?"));
                    rest = after;
                }
                None => {
                    text.push_str(&format!("{slash}([^/]+?)"));
                    rest = after;
                }
            }
            continue;
        }
        rest = rest.get(c.len_utf8()..)?;
        match c {
            '*' => {
                params.push(stars.to_string());
                stars += 1;
                text.push_str("(.*)");
            }
            '?' => text.push('?'),
            c => text.push_str(&regex_lite::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    text.push_str("/?$");
    let path = RegexBuilder::new(&text).case_insensitive(true).size_limit(1 << 20).build().ok()?;
    Some((path, params))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn endpoints(rows: &[(&str, &str)]) -> Endpoints {
        let text = json!(
            rows.iter()
                .map(|(method, path)| json!({ "method": method, "path": path, "handler": path }))
                .collect::<Vec<_>>()
        );
        Endpoints::new(Endpoint::read(&text.to_string()).0).0
    }

    #[test]
    fn a_path_that_cannot_be_compiled_is_named() {
        let endpoint = |path: String| {
            let row = json!({ "method": "GET", "path": path, "handler": "h" });
            serde_json::from_value(row).unwrap()
        };
        let rows = vec![endpoint("x".repeat(1 << 20)), endpoint("/a".to_owned())];
        let (all, complaints) = Endpoints::new(rows);
        assert!(all.find("GET", "/a").is_some());
        let [one] = &complaints[..] else { panic!("{} complaints", complaints.len()) };
        assert!(one.contains("endpoint GET xxx") && one.len() < 300, "{one}");
    }

    #[test]
    fn paths_match_as_in_express_4() {
        for (pattern, path, expected) in [
            ("/api/data", "/api/data", Some(json!({}))),
            ("/api/data", "/API/data/", Some(json!({}))),
            ("/api/data", "/api/data/x", None),
            ("/a.b", "/axb", None),
            ("/tiles/:z/:x/:y", "/tiles/1/2/3", Some(json!({ "z": "1", "x": "2", "y": "3" }))),
            (
                "/tiles/:z/:x/:y.png",
                "/tiles/1/2/3.png",
                Some(json!({ "z": "1", "x": "2", "y": "3" })),
            ),
            ("/a/:b?", "/a", Some(json!({}))),
            ("/a/:b?", "/a/c%20d", Some(json!({ "b": "c d" }))),
            ("/files/*", "/files/a/b.txt", Some(json!({ "0": "a/b.txt" }))),
            ("*", "/anything", Some(json!({ "0": "/anything" }))),
            ("/colou?r", "/color", Some(json!({}))),
            ("/", "/", Some(json!({}))),
        ] {
            let all = endpoints(&[("GET", pattern)]);
            let found = all.find("GET", path).map(|(_, params)| Value::Object(params));
            assert_eq!(found, expected, "{pattern} {path}");
            assert!(all.find("POST", path).is_none());
        }
    }

    #[test]
    fn the_first_match_wins() {
        let all = endpoints(&[("GET", "/a/:x"), ("GET", "/a/b"), ("GET", "/(")]);
        assert_eq!(all.find("GET", "/a/b").unwrap().0.handler, "/a/:x");
        assert_eq!(all.find("GET", "/(").unwrap().0.handler, "/(");
    }
}
