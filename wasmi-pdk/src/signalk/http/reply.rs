//! [`Reply`]: what a handler answers in one message.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::Result;
use crate::signalk::bytes::Decoded;

/// A whole answer, or the end of a streamed one.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<Decoded>,
}

impl Reply {
    /// JSON.
    ///
    /// # Errors
    /// A type that has no form in JSON.
    pub fn json(value: impl Serialize) -> Result<Self> {
        Ok(Reply { body: Some(serde_json::to_value(value)?), ..Reply::default() }
            .header("content-type", "application/json; charset=utf-8"))
    }

    /// Plain text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Reply { body: Some(text.into()), ..Reply::default() }
            .header("content-type", "text/plain; charset=utf-8")
    }

    /// Bytes of a type.
    #[must_use]
    pub fn bytes(kind: &str, bytes: Vec<u8>) -> Self {
        Reply { body_base64: Some(Decoded(bytes)), ..Reply::default() }.header("content-type", kind)
    }

    /// The answer was written with [`Exchange::write`](super::Exchange::write), and is whole.
    #[must_use]
    pub fn streamed() -> Self {
        Reply::default()
    }

    /// Another status than 200.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status_code = Some(status);
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }
}
