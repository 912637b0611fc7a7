//! Resources: the five types that Signal K knows by name, which ids they take, and what a client may send for each.
//!
//! Where resources are kept and who provides them is `signalk-core`'s; which of them a question means (bounding box,
//! distance) too. The schemas are those of the reference server's API description, without their prose.

mod schema;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use serde_json::{Map, Value};

pub use self::schema::Violation;
use crate::json;

/// The types whose ids and values are checked. Every other name is a custom collection: free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// Points in order, a GeoJSON `LineString`.
    Routes,
    /// One point.
    Waypoints,
    /// A text at a position or about another resource.
    Notes,
    /// An area, a GeoJSON `Polygon` or `MultiPolygon`.
    Regions,
    /// A chart or the source of one.
    Charts,
}

impl ResourceType {
    /// All of them, in the order in which the reference lists them.
    pub const ALL: [ResourceType; 5] = [
        ResourceType::Routes,
        ResourceType::Waypoints,
        ResourceType::Notes,
        ResourceType::Regions,
        ResourceType::Charts,
    ];

    /// The name in paths and addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            ResourceType::Routes => "routes",
            ResourceType::Waypoints => "waypoints",
            ResourceType::Notes => "notes",
            ResourceType::Regions => "regions",
            ResourceType::Charts => "charts",
        }
    }

    /// The type of this name; `None` is a custom collection.
    pub fn from_name(name: &str) -> Option<ResourceType> {
        ResourceType::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether a client may write under this id: a version 4 UUID, or for charts at least eight letters, digits, `_`,
    /// `-`.
    pub fn takes_id(self, id: &str) -> bool {
        match self {
            ResourceType::Charts => is_chart_id(id),
            _ => is_uuid_v4(id),
        }
    }

    /// What is wrong with a value, in the reference's words and order; empty when it may be stored. About the first 100
    /// things of each branch of the schema: a value of megabytes can have millions.
    pub fn violations(self, value: &Value) -> Vec<Violation> {
        let mut found = Vec::new();
        if let Some(schema) = schemas().get("resources").and_then(|all| all.get(self.as_str())) {
            schema::check(schema, value, &mut found);
        }
        found
    }

    /// Checks the parameters of a list, turning texts into the numbers that they stand for, as the reference does.
    pub fn query_violations(self, query: &mut Map<String, Value>) -> Vec<Violation> {
        let mut found = Vec::new();
        if let Some(schema) = schemas().get("queries").and_then(|all| all.get(self.as_str())) {
            let mut value = Value::Object(std::mem::take(query));
            schema::check_query(schema, &mut value, &mut found);
            if let Value::Object(members) = value {
                *query = members;
            }
        }
        found
    }
}

/// The text in which violations are told: a JSON array.
pub fn violations_text(violations: &[Violation]) -> String {
    json::value_text(&violations.iter().map(Violation::to_json).collect())
}

/// Whether the text is a UUID of version 4, in either case.
pub fn is_uuid_v4(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            14 => *byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'),
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_chart_id(text: &str) -> bool {
    text.len() >= 8
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// The id in `/resources/<type>/<id>`, when the type is known and the id a UUID.
fn is_href(text: &str) -> bool {
    let Some((kind, id)) = text.strip_prefix("/resources/").and_then(|rest| rest.split_once('/'))
    else {
        return false;
    };
    kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && is_uuid_v4(id)
}

fn schemas() -> &'static Value {
    static SCHEMAS: OnceLock<Value> = OnceLock::new();
    SCHEMAS.get_or_init(|| serde_json::from_str(include_str!("schemas.json")).unwrap_or_default())
}
