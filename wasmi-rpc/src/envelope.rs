//! The members of one message object, found in one scan and borrowed from the text. Values are
//! validated as JSON but not taken apart: who needs `params` parses `params`.
//! What the members mean together is decided in `message.rs`.

use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::RequestId;
use crate::message::parse_id;

/// The members of a message. `Some` also where the value is `null`.
#[derive(Default)]
pub(crate) struct Envelope<'a> {
    pub(crate) version: Option<&'a RawValue>,
    pub(crate) id: Option<&'a RawValue>,
    pub(crate) method: Option<&'a RawValue>,
    pub(crate) params: Option<&'a RawValue>,
    pub(crate) result: Option<&'a RawValue>,
    pub(crate) error: Option<&'a RawValue>,
    /// A member occurs twice: which one counts is anybody's guess, so none does.
    pub(crate) repeated: bool,
}

enum Member {
    Version,
    Id,
    Method,
    Params,
    Result,
    Error,
    Other,
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Member;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Member, E> {
                Ok(match name {
                    "jsonrpc" => Member::Version,
                    "id" => Member::Id,
                    "method" => Member::Method,
                    "params" => Member::Params,
                    "result" => Member::Result,
                    "error" => Member::Error,
                    _ => Member::Other,
                })
            }
        }
        deserializer.deserialize_identifier(Name)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Envelope<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut envelope = Envelope::default();
                while let Some(member) = map.next_key::<Member>()? {
                    let slot = match member {
                        Member::Version => &mut envelope.version,
                        Member::Id => &mut envelope.id,
                        Member::Method => &mut envelope.method,
                        Member::Params => &mut envelope.params,
                        Member::Result => &mut envelope.result,
                        Member::Error => &mut envelope.error,
                        Member::Other => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    envelope.repeated |= slot.replace(map.next_value()?).is_some();
                }
                Ok(envelope)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// The entries of a batch, each still as text; `Err(None)` when there are more than `max`.
pub(crate) fn batch_entries(
    text: &str,
    max: usize,
) -> Result<Vec<&RawValue>, Option<serde_json::Error>> {
    struct Entries<'o> {
        max: usize,
        too_many: &'o mut bool,
    }
    impl<'de> Visitor<'de> for Entries<'_> {
        type Value = Vec<&'de RawValue>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = seq.next_element()? {
                if entries.len() == self.max {
                    *self.too_many = true;
                    return Err(A::Error::custom("too many entries"));
                }
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    let mut too_many = false;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let entries = deserializer.deserialize_seq(Entries { max, too_many: &mut too_many });
    match entries.and_then(|entries| deserializer.end().map(|()| entries)) {
        Ok(entries) => Ok(entries),
        Err(_) if too_many => Err(None),
        Err(error) => Err(Some(error)),
    }
}

/// What the beginning of a message tells about the rest, which was skipped.
#[derive(Default)]
pub(crate) struct Peek {
    pub(crate) id: Option<RequestId>,
    pub(crate) is_response: bool,
    /// Our own ends write `id` before `method`: a method without id before it is a notification.
    pub(crate) is_notification: bool,
}

pub(crate) fn peek(head: &[u8]) -> Peek {
    let mut seen = Peek::default();
    let mut rest = head.trim_ascii_start();
    while let [b'{' | b',', tail @ ..] = rest {
        let Some((name, tail)) = value(tail) else { break };
        let [b':', tail @ ..] = tail else { break };
        match name {
            r#""result""# | r#""error""# => seen.is_response = true,
            r#""method""# => seen.is_notification = seen.id.is_none(),
            _ => {}
        }
        let Some((text, tail)) = value(tail) else { break };
        if name == r#""id""# {
            seen.id = parse_id(text);
            seen.is_notification = false;
        }
        rest = tail;
    }
    seen
}

/// The first JSON value of these bytes, and what follows it and white space.
fn value(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>();
    let text = values.next()?.ok()?.get();
    Some((text, bytes[values.byte_offset()..].trim_ascii_start()))
}
