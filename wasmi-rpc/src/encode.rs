//! Messages as text: always the form that `message.rs` recognises fastest, members in the order of
//! the specification, no white space of our own. What surrounds a message is in `framing.rs`.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{ErrorObject, Message, RequestId, scan};

impl Message {
    /// Appends the message as JSON text.
    ///
    /// The two kinds that cannot be sent are written as what they are answered with: an error
    /// response, and for [`Message::InvalidResponse`] nothing.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Message::Request { id, method, params } => {
                write_request(out, id, method);
                write_params(out, params.as_deref());
            }
            Message::Notification { method, params } => {
                write_notification(out, method);
                write_params(out, params.as_deref());
            }
            Message::Response { id, result: Ok(result) } => {
                write_response(out, id);
                out.extend_from_slice(result.get().as_bytes());
                out.push(b'}');
            }
            Message::Response { id, result: Err(error) } | Message::Invalid { id, error } => {
                write_error(out, id, error);
            }
            Message::Batch(entries) => {
                out.push(b'[');
                for (index, entry) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    entry.write_json(out);
                }
                out.push(b']');
            }
            Message::InvalidResponse { .. } => {}
        }
    }
}

/// `{"jsonrpc":"2.0","id":1,"method":"m"`: parameters and a brace end it.
pub(crate) fn write_request(out: &mut Vec<u8>, id: &RequestId, method: &str) {
    write_head(out, id);
    put(out, br#","method":"#);
    write_text(out, method);
}

/// `{"jsonrpc":"2.0","method":"m"`: parameters and a brace end it.
pub(crate) fn write_notification(out: &mut Vec<u8>, method: &str) {
    put(out, br#"{"jsonrpc":"2.0","method":"#);
    write_text(out, method);
}

/// What stands before parameters.
pub(crate) const PARAMS: &[u8; 10] = br#","params":"#;

pub(crate) fn write_params(out: &mut Vec<u8>, params: Option<&RawValue>) {
    if let Some(params) = params {
        put(out, PARAMS);
        out.extend_from_slice(params.get().as_bytes());
    }
    out.push(b'}');
}

/// `{"jsonrpc":"2.0","id":1,"result":`: the result and a brace end it.
pub(crate) fn write_response(out: &mut Vec<u8>, id: &RequestId) {
    write_head(out, id);
    put(out, br#","result":"#);
}

pub(crate) fn write_error(out: &mut Vec<u8>, id: &RequestId, error: &ErrorObject) {
    write_head(out, id);
    put(out, br#","error":{"code":"#);
    out.extend_from_slice(itoa::Buffer::new().format(error.code()).as_bytes());
    out.extend_from_slice(br#","message":"#);
    write_text(out, error.message());
    if let Some(data) = error.data() {
        out.extend_from_slice(br#","data":"#);
        out.extend_from_slice(data.get().as_bytes());
    }
    out.extend_from_slice(b"}}");
}

pub(crate) fn write_value<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    value: &T,
) -> Result<(), serde_json::Error> {
    serde_json::to_writer(out, value)
}

/// Text of a known length is stored word by word, which an interpreter does quicker than it copies.
#[inline(always)]
pub(crate) fn put<const LENGTH: usize>(out: &mut Vec<u8>, text: &[u8; LENGTH]) {
    out.extend_from_slice(text);
}

fn write_head(out: &mut Vec<u8>, id: &RequestId) {
    put(out, br#"{"jsonrpc":"2.0","id":"#);
    write_id(out, id);
}

fn write_id(out: &mut Vec<u8>, id: &RequestId) {
    match id {
        RequestId::Number(number) => {
            out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
        }
        RequestId::String(text) => write_text(out, text),
        RequestId::Null => out.extend_from_slice(b"null"),
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    if scan::is_plain(text) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Writing a string into a vector has no way to fail.
        let _ = write_value(out, text);
    }
}
