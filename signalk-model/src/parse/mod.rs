//! Reading a delta in one pass over the bytes, without an intermediate tree. Members of a wrong
//! type do not stop the reading: they become complaints. What arrived is not changed here: defaults
//! are `normalise`'s work.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use self::entry::{Entry, EntrySeed, ReadMembers, ReadValue};
use crate::delta::{Delta, Parsed, PathMeta, PathValue, Update};
use crate::error::{Complaint, DeltaError, NameError, complain, quoted};
use crate::interner::Interner;
use crate::names::Context;

pub(crate) fn delta(bytes: &[u8], interner: &mut Interner) -> Result<Parsed, DeltaError> {
    let mut reading = Reading { interner, complaints: Vec::new(), update: 0 };
    let json = |error: serde_json::Error| DeltaError::Json { reason: error.to_string() };
    // Checking all bytes at once is cheaper than each text by itself.
    let text = std::str::from_utf8(bytes)
        .map_err(|error| DeltaError::Json { reason: error.to_string() })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let message = MessageSeed(&mut reading).deserialize(&mut reader).map_err(json)?;
    reader.end().map_err(json)?;
    let context = match message.context {
        None => None,
        Some(Ok(context)) => Some(context),
        Some(Err(reason)) => return Err(DeltaError::Context { reason }),
    };
    let updates = message.updates.ok_or(DeltaError::NoUpdates)?;
    Ok(Parsed { delta: Delta { context, updates }, complaints: reading.complaints })
}

struct Reading<'a> {
    interner: &'a mut Interner,
    complaints: Vec<Complaint>,
    update: usize,
}

impl Reading<'_> {
    fn wrong_type(&mut self, member: &'static str, expected: &'static str) {
        let update = self.update;
        complain(&mut self.complaints, || Complaint::WrongType { update, member, expected });
    }

    fn name<T>(&mut self, name: Result<T, NameError>) -> Option<T> {
        let update = self.update;
        name.map_err(|error| {
            complain(&mut self.complaints, || Complaint::Name { update, error });
        })
        .ok()
    }
}

/// Implements the visits that a visitor does not want by one expression.
macro_rules! otherwise {
    ($other:expr; $($kind:ident)*) => { $(otherwise!(@ $kind $other);)* };
    (@ bool $other:expr) => { fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> { Ok($other) } };
    (@ number $other:expr) => {
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> { Ok($other) }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> { Ok($other) }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> { Ok($other) }
    };
    (@ null $other:expr) => { fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok($other) } };
    (@ text $other:expr) => { fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> { Ok($other) } };
    (@ seq $other:expr) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            Ok($other)
        }
    };
    (@ map $other:expr) => {
        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($other)
        }
    };
}

/// Shorthand for a seed that is its own visitor.
macro_rules! seed {
    ($name:ty, $value:ty, $expecting:literal, { $($visits:tt)* }) => {
        impl<'de> DeserializeSeed<'de> for $name {
            type Value = $value;
            fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<$value, D::Error> {
                from.deserialize_any(self)
            }
        }
        impl<'de> Visitor<'de> for $name {
            type Value = $value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($expecting)
            }
            $($visits)*
        }
    };
}

mod entry;

#[derive(Default)]
struct Message {
    context: Option<Result<Context, String>>,
    updates: Option<Vec<Update>>,
}

struct MessageSeed<'a, 'i>(&'a mut Reading<'i>);

seed!(MessageSeed<'_, '_>, Message, "a delta", {
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Message, A::Error> {
        let mut message = Message::default();
        while let Some(key) = members.next_key_seed(KeySeed)? {
            match key {
                Key::Context => {
                    message.context = members
                        .next_value_seed(TextSeed(|text: &str| {
                            self.0.interner.context(text).map_err(|error| error.to_string())
                        }))?
                        .map_or_else(
                            |null| if null { None } else { Some(Err("is not a text".to_owned())) },
                            Some,
                        );
                }
                Key::Updates => message.updates = members.next_value_seed(UpdatesSeed(self.0))?,
                other => {
                    complain(&mut self.0.complaints, || Complaint::UnknownMember {
                        member: quoted(other.name()),
                    });
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(message)
    }
    otherwise!(Message::default(); bool number null text seq);
});

struct UpdatesSeed<'a, 'i>(&'a mut Reading<'i>);

seed!(UpdatesSeed<'_, '_>, Option<Vec<Update>>, "updates", {
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut updates = Vec::new();
        self.0.update = 0;
        while let Some(update) = items.next_element_seed(UpdateSeed(self.0))? {
            match update {
                Some(update) => updates.extend(update),
                None => {
                    let update = self.0.update;
                    complain(&mut self.0.complaints, || Complaint::UpdateNotObject { update });
                }
            }
            self.0.update += 1;
        }
        Ok(Some(updates))
    }
    otherwise!(None; bool number null text map);
});

/// `None`: not an object; `Some(None)`: dropped, complained about already.
struct UpdateSeed<'a, 'i>(&'a mut Reading<'i>);

seed!(UpdateSeed<'_, '_>, Option<Option<Update>>, "an update", {
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let reading = self.0;
        let mut update = Update::default();
        let (mut pathless, mut origin) = (false, None);
        while let Some(key) = members.next_key_seed(KeySeed)? {
            match key {
                Key::Source => {
                    let text = members.next_value::<&RawValue>()?.get();
                    update.source = reading.interner.source(text);
                    if update.source.is_none() && text != "null" {
                        origin = Some(("source", "an object"));
                    }
                }
                Key::SourceRef => {
                    let name = members.next_value_seed(TextSeed(|text: &str| {
                        reading.interner.source_ref(text)
                    }))?;
                    match name {
                        Ok(name) => update.source_ref = reading.name(name),
                        Err(true) => {}
                        Err(false) => origin = Some(("$source", "a text")),
                    }
                }
                Key::Timestamp => {
                    match members
                        .next_value_seed(TextSeed(|text: &str| reading.interner.timestamp(text)))?
                    {
                        Ok(timestamp) => update.timestamp = Some(timestamp),
                        Err(true) => {}
                        Err(false) => reading.wrong_type("timestamp", "a text"),
                    }
                }
                Key::Values => match members.next_value_seed(ValuesSeed(reading))? {
                    Values::Good(values) => (update.values, pathless) = (values, false),
                    Values::Pathless => pathless = true,
                    Values::NotArray => reading.wrong_type("values", "an array"),
                },
                Key::Meta => match members.next_value_seed(MetaSeed(reading))? {
                    Some(meta) => update.meta = meta,
                    None => reading.wrong_type("meta", "an array"),
                },
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        let index = reading.update;
        if pathless {
            complain(&mut reading.complaints, || Complaint::PathMissing { update: index });
            return Ok(Some(None));
        }
        if let Some((member, expected)) = origin {
            complain(&mut reading.complaints, || Complaint::Origin {
                update: index,
                member,
                expected,
            });
            return Ok(Some(None));
        }
        if let Some(source_ref) = &update.source_ref {
            if update.source.is_some() {
                // Our own deltas carry both, as those of the reference do: no complaint when they
                // agree.
                let own = update.source.as_ref().and_then(|source| source.source_ref());
                if own.is_some_and(|own| !own.same(source_ref)) {
                    complain(&mut reading.complaints, || Complaint::TwoSources { update: index });
                }
            }
            if source_ref.bytes().any(|byte| byte == b' ') {
                complain(&mut reading.complaints, || Complaint::SourceRefSpelling {
                    update: index,
                    source_ref: source_ref.to_string(),
                });
            }
        }
        if update.values.is_empty() && update.meta.is_empty() {
            complain(&mut reading.complaints, || Complaint::Empty { update: index });
            return Ok(Some(None));
        }
        Ok(Some(Some(update)))
    }
    otherwise!(None; bool number null text seq);
});

enum Values {
    Good(Vec<PathValue>),
    Pathless,
    NotArray,
}

struct ValuesSeed<'a, 'i>(&'a mut Reading<'i>);

seed!(ValuesSeed<'_, '_>, Values, "values", {
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Values, A::Error> {
        let mut values = Vec::with_capacity(4);
        let mut pathless = false;
        while let Some(entry) =
            items.next_element_seed(EntrySeed { reading: self.0, read: ReadValue })?
        {
            match entry {
                Entry::Good(path, value) => values.push(PathValue { path, value }),
                Entry::Dropped => {}
                Entry::Pathless => pathless = true,
            }
        }
        Ok(if pathless { Values::Pathless } else { Values::Good(values) })
    }
    otherwise!(Values::NotArray; bool number null text map);
});

struct MetaSeed<'a, 'i>(&'a mut Reading<'i>);

seed!(MetaSeed<'_, '_>, Option<Vec<PathMeta>>, "meta", {
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut meta = Vec::new();
        while let Some(entry) =
            items.next_element_seed(EntrySeed { reading: self.0, read: ReadMembers })?
        {
            match entry {
                Entry::Good(path, Some(members)) => {
                    meta.push(PathMeta { path, value: Arc::new(members) });
                }
                Entry::Good(_, None) => self.0.wrong_type("meta.value", "an object"),
                Entry::Pathless => self.0.wrong_type("meta.path", "a text"),
                Entry::Dropped => {}
            }
        }
        Ok(Some(meta))
    }
    otherwise!(None; bool number null text map);
});

/// Text through a function; `Err(true)` for null, `Err(false)` for anything else.
struct TextSeed<F>(F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for TextSeed<F> {
    type Value = Result<T, bool>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T, F: FnOnce(&str) -> T> Visitor<'de> for TextSeed<F> {
    type Value = Result<T, bool>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Ok((self.0)(text)))
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Err(true))
    }
    otherwise!(Err(false); bool number seq map);
}

enum Key {
    Context,
    Updates,
    Source,
    SourceRef,
    Timestamp,
    Values,
    Meta,
    Path,
    Value,
    Other(Box<str>),
}

impl Key {
    fn name(&self) -> &str {
        match self {
            Self::Context => "context",
            Self::Updates => "updates",
            Self::Source => "source",
            Self::SourceRef => "$source",
            Self::Timestamp => "timestamp",
            Self::Values => "values",
            Self::Meta => "meta",
            Self::Path => "path",
            Self::Value => "value",
            Self::Other(name) => name,
        }
    }
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Key, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "path" => Key::Path,
            "value" => Key::Value,
            "values" => Key::Values,
            "source" => Key::Source,
            "$source" => Key::SourceRef,
            "timestamp" => Key::Timestamp,
            "context" => Key::Context,
            "updates" => Key::Updates,
            "meta" => Key::Meta,
            other => Key::Other(Box::from(other)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::MOST_COMPLAINTS;

    /// A delta of 16 MiB would have eight million complaints: half a gigabyte.
    #[test]
    fn a_delta_of_nonsense_costs_a_bounded_number_of_complaints() {
        let complaints = |text: String| Delta::parse(text.as_bytes()).unwrap().complaints;
        let nonsense = ["0,", r#"{"values":[{"path":"a"}]},"#, r#"{"values":0},"#];
        for one in nonsense {
            let found = complaints(format!(r#"{{"updates":[{}0]}}"#, one.repeat(1000)));
            assert_eq!(found.len(), MOST_COMPLAINTS + 1, "{one}");
            assert!(found.iter().map(Complaint::count).sum::<u64>() >= 1001, "{one}");
        }
        let found = complaints(format!(r#"{{"updates":[],"{}":0}}"#, "x".repeat(5000)));
        assert!(found[0].to_string().len() < 300, "{}", found[0]);
    }
}
