//! Root values as leaves: a row that asks for `name` or `communication.callsignVhf` gets them out
//! of the objects that come through the empty path (server-api.md 3.3).

use serde_json::{Map, Value as Json};

use crate::value::Value;

/// Calls `each` with every leaf of a root value and its path.
pub(super) fn for_each_leaf(value: &Value, each: &mut impl FnMut(&str, &Value)) {
    if let Some(members) = value.as_object() {
        walk(&mut String::new(), members, each);
    }
}

fn walk(path: &mut String, members: &Map<String, Json>, each: &mut impl FnMut(&str, &Value)) {
    let start = path.len();
    for (key, member) in members {
        if start > 0 {
            path.push('.');
        }
        path.push_str(key);
        match member {
            Json::Object(members) => walk(path, members, each),
            member => each(path, &Value::from_json(member.clone())),
        }
        path.truncate(start);
    }
}
