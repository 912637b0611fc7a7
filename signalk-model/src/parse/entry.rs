//! One entry of `values` or `meta`: a path, and a value or the members of the metadata.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::{Key, KeySeed, Reading, TextSeed};
use crate::error::{Complaint, complain};
use crate::json::{self, read_map};
use crate::names::Path;
use crate::raw::RawJson;
use crate::value::Value;

/// One `{"path", "value"}`.
pub(super) enum Entry<T> {
    Good(Path, T),
    /// Complained about already.
    Dropped,
    Pathless,
}

pub(super) struct EntrySeed<'a, 'i, R> {
    pub(super) reading: &'a mut Reading<'i>,
    pub(super) read: R,
}

impl<'de, T, R> DeserializeSeed<'de> for EntrySeed<'_, '_, R>
where
    R: DeserializeSeed<'de, Value = T> + Copy,
{
    type Value = Entry<T>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Entry<T>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T, R> Visitor<'de> for EntrySeed<'_, '_, R>
where
    R: DeserializeSeed<'de, Value = T> + Copy,
{
    type Value = Entry<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path and a value")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut path = None;
        let mut value = None;
        while let Some(key) = members.next_key_seed(KeySeed)? {
            match key {
                Key::Path => {
                    path = members
                        .next_value_seed(TextSeed(|text: &str| self.reading.interner.path(text)))?
                        .ok();
                }
                Key::Value => value = Some(members.next_value_seed(self.read)?),
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        let Some(path) = path else { return Ok(Entry::Pathless) };
        let Some(path) = self.reading.name(path) else { return Ok(Entry::Dropped) };
        let Some(value) = value else {
            complain(&mut self.reading.complaints, || Complaint::ValueMissing {
                update: self.reading.update,
                path: path.to_string(),
            });
            return Ok(Entry::Dropped);
        };
        Ok(Entry::Good(path, value))
    }
    otherwise!(Entry::Pathless; bool number null text seq);
}

/// Scalars are read from their text; arrays and objects stay text where they can.
#[derive(Clone, Copy)]
pub(super) struct ReadValue;

impl<'de> DeserializeSeed<'de> for ReadValue {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        let text = <&RawValue>::deserialize(from)?.get();
        match text.as_bytes().first() {
            Some(b'{' | b'[') => match RawJson::canonical(text) {
                Some(raw) => Ok(Value::Raw(Arc::new(raw))),
                None => json::parse(text.as_bytes())
                    .map(|value| Value::Json(Arc::new(value)))
                    .map_err(D::Error::custom),
            },
            Some(b'"') => read_text(text).map_err(D::Error::custom),
            Some(b't') => Ok(Value::Bool(true)),
            Some(b'f') => Ok(Value::Bool(false)),
            Some(b'n') => Ok(Value::Null),
            _ => serde_json::from_str(text).map(Value::Number).map_err(D::Error::custom),
        }
    }
}

fn read_text(text: &str) -> Result<Value, serde_json::Error> {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match inner.filter(|inner| !inner.contains('\\')) {
        Some(plain) => Ok(Value::String(Arc::from(plain))),
        None => serde_json::from_str::<String>(text).map(Value::from),
    }
}

#[derive(Clone, Copy)]
pub(super) struct ReadMembers;

seed!(ReadMembers, Option<serde_json::Map<String, serde_json::Value>>, "an object", {
    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        read_map(members).map(Some)
    }
    otherwise!(None; bool number null text seq);
});
