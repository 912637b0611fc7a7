//! Query strings and form bodies as nested JSON, as the `qs` library of the reference's web framework reads them:
//! `a=1&a=2` is an array, `a[b]=c` an object. Bounded as there: 1000 parameters, five levels, array indices to 20.

use serde_json::{Map, Value};

use crate::http::percent_decode;

const MOST_PARAMETERS: usize = 1000;
const DEEPEST: usize = 5;
const LARGEST_INDEX: usize = 20;

/// The part after `?`, or a form body, as an object.
pub(crate) fn parse(text: &str) -> Map<String, Value> {
    let mut root = Value::Object(Map::new());
    for pair in text.split('&').filter(|pair| !pair.is_empty()).take(MOST_PARAMETERS) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = percent_decode(key, true);
        let value = Value::String(percent_decode(value, true));
        let (name, inner) = split(&key);
        if !name.is_empty() {
            let path: Vec<&str> = std::iter::once(name).chain(inner).collect();
            insert(&mut root, &path, value);
        }
    }
    match root {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// `a[b][c]` is `a` and `b`, `c`; what is deeper than [`DEEPEST`] stays one name.
fn split(key: &str) -> (&str, Vec<&str>) {
    let Some(open) = key.find('[').filter(|open| *open > 0) else { return (key, Vec::new()) };
    let (name, mut rest) = key.split_at(open);
    let mut inner = Vec::new();
    while let Some((part, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        if inner.len() == DEEPEST {
            inner.push(rest);
            break;
        }
        inner.push(part);
        rest = after;
    }
    if inner.is_empty() { (key, inner) } else { (name, inner) }
}

fn insert(at: &mut Value, path: &[&str], value: Value) {
    let [name, rest @ ..] = path else { return merge(at, value) };
    match at {
        Value::Array(items) => match index(name, items.len()) {
            Some(at) if at < items.len() => {
                if let Some(item) = items.get_mut(at) {
                    insert(item, rest, value);
                }
            }
            _ => {
                let mut item = Value::Null;
                insert(&mut item, rest, value);
                items.push(item);
            }
        },
        Value::Null => {
            let is_item = name.is_empty() || index(name, 0) == Some(0);
            *at = if is_item { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
            insert(at, path, value);
        }
        Value::Object(members) => {
            insert(members.entry(*name).or_insert(Value::Null), rest, value);
        }
        // `a=1&a[b]=c`: the text becomes a member without a name, as an array of both.
        text => {
            *text = Value::Array(vec![text.take()]);
            insert(text, path, value);
        }
    }
}

/// Where an array index leads; `[]` is the end.
fn index(name: &str, len: usize) -> Option<usize> {
    if name.is_empty() {
        return Some(len);
    }
    name.parse().ok().filter(|index| *index <= LARGEST_INDEX)
}

/// A name that comes again makes an array.
fn merge(at: &mut Value, value: Value) {
    match at {
        Value::Null => *at = value,
        Value::Array(items) => items.push(value),
        first => *first = Value::Array(vec![first.take(), value]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn queries_are_read_as_qs_reads_them() {
        for (text, expected) in [
            ("", json!({})),
            ("a=1&b=x+y%26&c", json!({ "a": "1", "b": "x y&", "c": "" })),
            ("a=1&a=2&a=3", json!({ "a": ["1", "2", "3"] })),
            ("a[b]=c&a[d][e]=f", json!({ "a": { "b": "c", "d": { "e": "f" } } })),
            ("a[]=1&a[]=2", json!({ "a": ["1", "2"] })),
            ("a[0]=1&a[1]=2", json!({ "a": ["1", "2"] })),
            ("a[100]=1", json!({ "a": { "100": "1" } })),
            ("bbox=[1,2]", json!({ "bbox": "[1,2]" })),
            ("a[b=1", json!({ "a[b": "1" })),
            ("=1&[x]=2", json!({ "[x]": "2" })),
        ] {
            assert_eq!(Value::Object(parse(text)), expected, "{text}");
        }
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let deep = parse("a[b][c][d][e][f][g][h]=1");
        assert_eq!(deep["a"]["b"]["c"]["d"]["e"]["f"]["[g][h]"], "1");
        let many: String = (0..2000).map(|n| format!("p{n}=1&")).collect();
        assert_eq!(parse(&many).len(), MOST_PARAMETERS);
    }
}
