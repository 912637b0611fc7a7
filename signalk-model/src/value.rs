//! One value of a path. Small kinds are stored directly, arrays and objects are shared.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::json;
use crate::raw::RawJson;

/// The value of a path: what JSON can say, with JavaScript's one kind of number.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// Known to be unavailable; kept and distributed like any value.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number; not finite ones are written as `null`.
    Number(f64),
    /// Text.
    String(Arc<str>),
    /// An array or an object.
    Json(Arc<Json>),
    /// An array or an object that nobody has looked into yet; see [`Value::structure`].
    Raw(Arc<RawJson>),
}

impl Value {
    /// An object or array from `serde_json`; scalars become the matching small kind.
    pub fn from_json(value: Json) -> Self {
        match value {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => number.as_f64().map_or(Self::Null, Self::Number),
            Json::String(text) => Self::String(Arc::from(text)),
            other => Self::Json(Arc::new(other)),
        }
    }

    /// The same value for `serde_json`.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(number) => json::number(*number),
            Self::String(text) => Json::String(text.to_string()),
            Self::Json(value) => Json::clone(value),
            Self::Raw(raw) => raw.value().clone(),
        }
    }

    /// Appends compact JSON, as JavaScript would.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Number(number) => json::write_f64(out, *number),
            Self::String(text) => json::write_str(out, text),
            Self::Json(value) => json::write_value(out, value),
            Self::Raw(raw) => out.extend_from_slice(raw.json().as_bytes()),
        }
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The array or object, if it is one.
    pub fn structure(&self) -> Option<&Json> {
        match self {
            Self::Json(value) => Some(value),
            Self::Raw(raw) => Some(raw.value()),
            _ => None,
        }
    }

    /// The members, if it is an object.
    pub fn as_object(&self) -> Option<&serde_json::Map<String, Json>> {
        self.structure()?.as_object()
    }

    /// Latitude and longitude in degrees, if it is a position.
    pub fn as_position(&self) -> Option<(f64, f64)> {
        let members = self.as_object()?;
        Some((members.get("latitude")?.as_f64()?, members.get("longitude")?.as_f64()?))
    }

    /// `{"latitude":..,"longitude":..}` in degrees.
    pub fn position(latitude: f64, longitude: f64) -> Self {
        let mut members = serde_json::Map::new();
        members.insert("latitude".to_owned(), json::number(latitude));
        members.insert("longitude".to_owned(), json::number(longitude));
        Self::Json(Arc::new(Json::Object(members)))
    }

    /// About how many bytes of text it is; exact where it is kept as text.
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => 8,
            Self::String(text) => text.len(),
            Self::Json(value) => json_bytes(value),
            Self::Raw(raw) => raw.json().len(),
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// With what a value takes beside its text: a tree of nothing but empty lists has weight, too.
fn json_bytes(value: &Json) -> usize {
    let inside = match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
        Json::String(text) => text.len(),
        Json::Array(items) => items.iter().map(json_bytes).sum(),
        Json::Object(members) => members
            .iter()
            .map(|(key, value)| 2 * size_of::<Json>() + key.len() + json_bytes(value))
            .sum(),
    };
    size_of::<Json>() + inside
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(f64::from(number))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(f64::from(number))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(Arc::from(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(Arc::from(text))
    }
}

impl From<Json> for Value {
    fn from(value: Json) -> Self {
        Self::from_json(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Raw(a), Self::Raw(b)) if a.json() == b.json() => true,
            (a, b) => match (a.structure(), b.structure()) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }
}

impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Json(value) => value.serialize(serializer),
            Self::Raw(raw) => raw.value().serialize(serializer),
            small => small.to_json().serialize(serializer),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::DeserializeSeed;
        json::AnyJson.deserialize(deserializer).map(Self::from_json)
    }
}
