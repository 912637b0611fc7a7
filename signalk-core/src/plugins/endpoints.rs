//! The HTTP endpoints of one plugin: which one takes a request.
//!
//! Clause: plugin ABI 8.5. Paths are Express 4 syntax: `:name`, `:name?`, `:name(\d+)`, `*`, `+` and `?` after a
//! letter; what else has brackets is said. Letters of either case, a slash at the end is ignored, the first match wins.

use regex_lite::{Regex, RegexBuilder};
use serde_json::{Map, Value};
use signalk_bridge::Endpoint;

/// More complaints say nothing new.
const MOST_COMPLAINTS: usize = 5;
/// Letters of all paths, each counted once and once more for each parameter and star of its path: a matcher keeps a
/// table of that size, some 160 bytes for each, from its first request on.
const MOST_STATES: usize = 64 << 10;

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
        let mut states = 0;
        for endpoint in endpoints {
            let more = states_of(&endpoint.path);
            let compiled = if states + more > MOST_STATES {
                Err("too much for one plugin: use shorter paths, fewer parameters and stars")
            } else {
                states += more;
                compile(&endpoint.path).ok_or(
                    "no path (Express 4 syntax: /a/:name, /a/:name(\\d+), *; brackets only after a name, without `{`, `(` and `\\` but \\d, \\w, \\s in them)",
                )
            };
            match compiled {
                Ok((path, params)) => rows.push(Row { endpoint, path, params }),
                Err(why) if complaints.len() < MOST_COMPLAINTS => {
                    let shown: String = endpoint.path.chars().take(100).collect();
                    let method = &endpoint.method;
                    complaints.push(format!(
                        "endpoint {method} {shown}: this is {why}; it is not served"
                    ));
                }
                Err(_) => {}
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

fn states_of(path: &str) -> usize {
    let groups = path.bytes().filter(|byte| matches!(byte, b':' | b'*')).count();
    path.len().saturating_mul(groups + 1)
}

/// A pattern of a parameter whose matcher is no larger than its text: no counts, no groups. Classes of letters may be
/// there.
fn is_simple(pattern: &str) -> bool {
    let mut letters = pattern.chars();
    while let Some(c) = letters.next() {
        let fits = match c {
            '\\' => letters.next().is_some_and(|class| "dwsDWS.-".contains(class)),
            '{' | '}' | '(' | ')' | ':' | '/' => false,
            _ => true,
        };
        if !fits {
            return false;
        }
    }
    !pattern.is_empty()
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
            let (pattern, after) = match after.strip_prefix('(') {
                Some(after) => after.split_once(')').filter(|(pattern, _)| is_simple(pattern))?,
                None => ("[^/]+?", after),
            };
            match after.strip_prefix('?') {
                Some(after) => {
                    text.push_str(&format!("(?:{slash}({pattern}))?"));
                    rest = after;
                }
                None => {
                    text.push_str(&format!("{slash}({pattern})"));
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
            '?' | '+' => text.push(c),
            // Groups, and characters that stand for themselves: nobody would find out that they are letters here.
            '(' | ')' | '\\' => return None,
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

    /// 200 paths of a thousand stars would have been 32 GB at the first request.
    #[test]
    fn paths_of_many_groups_are_refused_before_a_matcher_is_made_of_them() {
        let stars = format!("/a{}", "*".repeat(998));
        let rows: Vec<_> = std::iter::repeat_n(("GET", stars.as_str()), 199).collect();
        let text = json!(
            rows.iter()
                .chain([&("GET", "/a/:b/*")])
                .map(|(method, path)| json!({ "method": method, "path": path, "handler": "h" }))
                .collect::<Vec<_>>()
        );
        let (all, complaints) = Endpoints::new(Endpoint::read(&text.to_string()).0);
        assert_eq!((all.rows.len(), complaints.len()), (1, MOST_COMPLAINTS));
        assert!(complaints[0].contains("too much for one plugin"), "{complaints:?}");
        assert!(all.find("GET", "/a/x/y").is_some());
        // The most that fits: 64 paths of 1000 letters; 200 usual ones are far below.
        let usual: Vec<_> =
            (0..200).map(|n| format!("/api/v1/items{n}/:item/parts/:part")).collect();
        let usual: Vec<_> = usual.iter().map(|path| ("GET", path.as_str())).collect();
        assert_eq!(endpoints(&usual).rows.len(), 200);
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
            ("/ab+c", "/abbc", Some(json!({}))),
            ("/t/:z(\\d+)/:name", "/t/12/x", Some(json!({ "z": "12", "name": "x" }))),
            ("/t/:z(\\d+)", "/t/x", None),
            ("/t/:z(a|b)?", "/t", Some(json!({}))),
            ("/t/:z(a|b)?", "/t/b", Some(json!({ "z": "b" }))),
            ("/t/:z([a-f0-9]+).png", "/t/0f.png", Some(json!({ "z": "0f" }))),
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
        let all = endpoints(&[("GET", "/a/:x"), ("GET", "/a/b")]);
        assert_eq!(all.find("GET", "/a/b").unwrap().0.handler, "/a/:x");
    }

    #[test]
    fn what_is_not_understood_is_named_and_not_served() {
        for path in ["/(a|b)", "/(", "/a)", "/:x({3})", "/:x((a)+)", "/:x(", "/:x()", "/a\\d"] {
            let row = json!({ "method": "GET", "path": path, "handler": "h" });
            let (all, complaints) = Endpoints::new(vec![serde_json::from_value(row).unwrap()]);
            assert!(all.rows.is_empty() && complaints.len() == 1, "{path}");
            assert!(
                complaints[0].starts_with(&format!("endpoint GET {path}: this is no path")),
                "{complaints:?}"
            );
        }
    }
}
