//! Request, Notification, Response, Batch: exactly the specification's objects, owned.
//! Not here: where a message begins and ends (`framing.rs`) and who waits for it (`pending.rs`).

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::envelope::{Envelope, batch_entries};
use crate::{ErrorCode, ErrorObject, Id};

/// The parameters of a request: an array or an object, as text that is known to be JSON.
pub type Params = Option<Box<RawValue>>;

/// What a request comes to: a result or an error object, never both (section 5).
pub type RpcResult = Result<Box<RawValue>, ErrorObject>;

/// A request's id: a number, a string or null (section 4). Fractions and negative numbers, which
/// the specification discourages, are refused: their text has no single form to compare.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestId {
    /// A whole number from 0 to 2^64-1.
    Number(u64),
    /// Any text.
    String(Box<str>),
    /// Null: "unknown" in answers to unreadable requests; discouraged, but legal, in requests.
    Null,
}

/// One message, or a batch of them.
#[derive(Debug, Clone)]
pub enum Message {
    /// A request that wants an answer (section 4).
    Request {
        /// Comes back in the answer.
        id: RequestId,
        /// The method's name.
        method: String,
        /// Its parameters.
        params: Params,
    },
    /// A request without id, which nobody answers (section 4.1).
    Notification {
        /// The method's name.
        method: String,
        /// Its parameters.
        params: Params,
    },
    /// An answer (section 5).
    Response {
        /// The id of the request.
        id: RequestId,
        /// Its result or error.
        result: RpcResult,
    },
    /// Several messages in one array (section 6); never empty, never nested.
    Batch(Vec<Message>),
    /// What a request cannot be; `error` is the answer it deserves.
    Invalid {
        /// The id as far as it could be read, else null.
        id: RequestId,
        /// The error to answer with.
        error: ErrorObject,
    },
    /// What a response cannot be. It is not answered: two confused peers would never stop.
    InvalidResponse {
        /// The id, if it could be read.
        id: Option<RequestId>,
        /// Which rule is broken.
        reason: &'static str,
    },
}

impl Message {
    /// Reads the text of one message. Never fails: what is wrong becomes [`Message::Invalid`].
    ///
    /// `max_batch` bounds the entries of a batch.
    #[must_use]
    pub fn parse(bytes: &[u8], max_batch: usize) -> Message {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return Message::invalid(ErrorCode::ParseError, error),
        };
        match text.trim_start().as_bytes().first() {
            Some(b'{') => parse_object(text),
            Some(b'[') => match batch_entries(text, max_batch) {
                Ok(entries) if entries.is_empty() => {
                    Message::invalid(ErrorCode::InvalidRequest, "a batch must not be empty")
                }
                Ok(entries) => {
                    Message::Batch(entries.into_iter().map(|raw| parse_object(raw.get())).collect())
                }
                Err(Some(error)) => Message::invalid(ErrorCode::ParseError, error),
                Err(None) => Message::invalid(
                    ErrorCode::BatchTooLarge,
                    format_args!("a batch may have {max_batch} entries"),
                ),
            },
            _ => match serde_json::from_str::<&RawValue>(text) {
                Ok(_) => Message::invalid(ErrorCode::InvalidRequest, "not an object or array"),
                Err(error) => Message::invalid(ErrorCode::ParseError, error),
            },
        }
    }

    fn invalid(code: ErrorCode, detail: impl fmt::Display) -> Message {
        Message::refused(RequestId::Null, code, detail)
    }

    fn refused(id: RequestId, code: ErrorCode, detail: impl fmt::Display) -> Message {
        Message::Invalid { id, error: code.with(format!("{}: {detail}", code.text())) }
    }
}

fn parse_object(text: &str) -> Message {
    if !text.trim_start().starts_with('{') {
        // An entry of a batch, which is JSON already.
        return Message::invalid(ErrorCode::InvalidRequest, "not an object");
    }
    let envelope = match serde_json::from_str::<Envelope<'_>>(text) {
        Ok(envelope) => envelope,
        Err(error) => return Message::invalid(ErrorCode::ParseError, error),
    };
    let id = match envelope.id.map(|raw| parse_id(raw.get())) {
        Some(None) => {
            let kind = "the id must be a string, null or a whole number from 0";
            return if envelope.method.is_none() && is_answer(&envelope) {
                Message::InvalidResponse { id: None, reason: kind }
            } else {
                Message::invalid(ErrorCode::InvalidRequest, kind)
            };
        }
        Some(Some(id)) => Some(id),
        None => None,
    };
    if envelope.method.is_none() && is_answer(&envelope) {
        return parse_response(id, &envelope);
    }
    parse_request(id, &envelope)
}

fn is_answer(envelope: &Envelope<'_>) -> bool {
    envelope.result.is_some() || envelope.error.is_some()
}

fn is_version_2(envelope: &Envelope<'_>) -> bool {
    envelope.version.is_some_and(|raw| {
        raw.get() == r#""2.0""# || parse_string(raw.get()).is_some_and(|text| text == "2.0")
    })
}

fn parse_request(id: Option<RequestId>, envelope: &Envelope<'_>) -> Message {
    let refuse = |reason: &str| {
        Message::refused(id.clone().unwrap_or(RequestId::Null), ErrorCode::InvalidRequest, reason)
    };
    if envelope.repeated {
        return refuse("a member occurs twice");
    }
    if !is_version_2(envelope) {
        return refuse(r#"`jsonrpc` must be "2.0""#);
    }
    let Some(method) = envelope.method.and_then(|raw| parse_string(raw.get())) else {
        return refuse("`method` must be a string");
    };
    let params = match envelope.params.map(RawValue::get) {
        // `null` is no structured value (section 4.2), but many clients write it for "none".
        None | Some("null") => None,
        Some(text) if text.starts_with(['[', '{']) => envelope.params.map(ToOwned::to_owned),
        Some(_) => return refuse("`params` must be an array or an object"),
    };
    match id {
        Some(id) => Message::Request { id, method, params },
        None => Message::Notification { method, params },
    }
}

fn parse_response(id: Option<RequestId>, envelope: &Envelope<'_>) -> Message {
    let refuse = |reason| Message::InvalidResponse { id: id.clone(), reason };
    if envelope.repeated {
        return refuse("a member occurs twice");
    }
    if !is_version_2(envelope) {
        return refuse(r#"`jsonrpc` must be "2.0""#);
    }
    let Some(known) = id.clone() else { return refuse("`id` is missing") };
    let result = match (envelope.result, envelope.error) {
        (Some(result), None) => Ok(result.to_owned()),
        (None, Some(error)) => match parse_error_object(error.get()) {
            Some(error) => Err(error),
            None => return refuse("`error` must have an integer `code` and a string `message`"),
        },
        _ => return refuse("`result` and `error` exclude each other"),
    };
    Message::Response { id: known, result }
}

/// Like `ErrorObject`'s own reading, but members that the specification does not name are ignored.
fn parse_error_object(text: &str) -> Option<ErrorObject> {
    #[derive(Deserialize)]
    struct Parts {
        code: i32,
        message: String,
        // A null is data, too; serde alone would take it for none.
        #[serde(default, deserialize_with = "some_raw")]
        data: Option<Box<RawValue>>,
    }
    fn some_raw<'de, D: Deserializer<'de>>(data: D) -> Result<Option<Box<RawValue>>, D::Error> {
        Box::<RawValue>::deserialize(data).map(Some)
    }
    let parts: Parts = serde_json::from_str(text).ok()?;
    Some(ErrorObject::owned(parts.code, parts.message, parts.data))
}

/// The id in a piece of valid JSON; `None` if it is not one of the three kinds.
pub(crate) fn parse_id(text: &str) -> Option<RequestId> {
    match text.as_bytes().first()? {
        b'"' => Some(RequestId::String(parse_string(text)?.into())),
        b'0'..=b'9' => text.parse().ok().map(RequestId::Number),
        b'n' => Some(RequestId::Null),
        _ => None,
    }
}

fn parse_string(text: &str) -> Option<String> {
    match text.strip_prefix('"')?.strip_suffix('"')? {
        plain if !plain.contains('\\') => Some(plain.to_owned()),
        _ => serde_json::from_str(text).ok(),
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestId::Number(number) => write!(f, "{number}"),
            RequestId::String(text) => write!(f, "{text:?}"),
            RequestId::Null => f.write_str("null"),
        }
    }
}

impl From<u64> for RequestId {
    fn from(number: u64) -> Self {
        RequestId::Number(number)
    }
}

impl From<Id<'_>> for RequestId {
    fn from(id: Id<'_>) -> Self {
        match id {
            Id::Null => RequestId::Null,
            Id::Number(number) => RequestId::Number(number),
            Id::Str(text) => RequestId::String(text.into()),
        }
    }
}

impl From<&RequestId> for Id<'static> {
    fn from(id: &RequestId) -> Self {
        match id {
            RequestId::Null => Id::Null,
            RequestId::Number(number) => Id::Number(*number),
            RequestId::String(text) => Id::Str(text.to_string().into()),
        }
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            RequestId::Number(number) => serializer.serialize_u64(*number),
            RequestId::String(text) => serializer.serialize_str(text),
            RequestId::Null => serializer.serialize_unit(),
        }
    }
}

// By hand, because `Id` buffers the value to try its variants, which costs a guest five kilobytes.
impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kinds;
        impl Visitor<'_> for Kinds {
            type Value = RequestId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, null or a whole number from 0")
            }
            fn visit_u64<E>(self, number: u64) -> Result<RequestId, E> {
                Ok(RequestId::Number(number))
            }
            fn visit_str<E>(self, text: &str) -> Result<RequestId, E> {
                Ok(RequestId::String(text.into()))
            }
            fn visit_unit<E>(self) -> Result<RequestId, E> {
                Ok(RequestId::Null)
            }
        }
        deserializer.deserialize_any(Kinds)
    }
}

#[cfg(test)]
pub(crate) mod tests;
