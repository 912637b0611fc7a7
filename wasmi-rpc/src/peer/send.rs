//! What this end sends: requests, notifications, answers, each with its framing, or nothing at all
//! when a bound is reached.

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{BatchEntry, Output, State};
use crate::encode::{write_error, write_notification, write_params, write_request, write_value};
use crate::framing::Framing;
use crate::{CallError, ErrorCode, RequestId, RpcError};

pub(super) type WriteParams<'w> = dyn FnMut(&mut Vec<u8>) -> Result<(), RpcError> + 'w;

pub(super) fn raw_params(
    params: Option<&RawValue>,
) -> impl FnMut(&mut Vec<u8>) -> Result<(), RpcError> {
    move |out| {
        if params.is_some_and(|raw| !raw.get().starts_with(['[', '{'])) {
            return Err(not_structured());
        }
        write_params(out, params);
        Ok(())
    }
}

pub(super) fn typed_params<P: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    params: &P,
) -> Result<(), RpcError> {
    let name = br#","params":"#;
    let start = out.len();
    out.extend_from_slice(name);
    write_value(out, params).map_err(|error| RpcError::BadParams { reason: error.to_string() })?;
    match &out[start + name.len()..] {
        [b'[' | b'{', ..] => {}
        b"null" => out.truncate(start),
        _ => return Err(not_structured()),
    }
    out.push(b'}');
    Ok(())
}

fn not_structured() -> RpcError {
    let reason = "they must be an array or an object; write one value as `(value,)`";
    RpcError::BadParams { reason: reason.to_owned() }
}

impl State {
    pub(super) fn call(
        &mut self,
        method: &str,
        params: &mut WriteParams<'_>,
        deadline: Option<Duration>,
    ) -> Result<RequestId, RpcError> {
        self.room_for(1)?;
        let number = self.outgoing.next_id();
        let id = RequestId::Number(number);
        self.send(&mut |out| {
            write_request(out, &id, method);
            params(out)
        })?;
        self.outgoing.insert(number, deadline);
        Ok(id)
    }

    pub(super) fn notify(
        &mut self,
        method: &str,
        params: &mut WriteParams<'_>,
    ) -> Result<(), RpcError> {
        self.send(&mut |out| {
            write_notification(out, method);
            params(out)
        })
    }

    pub(super) fn send_batch(
        &mut self,
        entries: &[BatchEntry],
        deadline: Option<Duration>,
    ) -> Result<Vec<RequestId>, RpcError> {
        let calls = entries.iter().filter(|entry| matches!(entry, BatchEntry::Call(..))).count();
        self.room_for(calls)?;
        let first = self.outgoing.next_id();
        let mut next = first;
        if !entries.is_empty() {
            self.send(&mut |out| {
                let mut separator = b'[';
                for entry in entries {
                    out.push(separator);
                    separator = b',';
                    let params = match entry {
                        BatchEntry::Call(method, params) => {
                            write_request(out, &RequestId::Number(next), method);
                            next += 1;
                            params
                        }
                        BatchEntry::Notify(method, params) => {
                            write_notification(out, method);
                            params
                        }
                    };
                    raw_params(params.as_deref())(out)?;
                }
                out.push(b']');
                Ok(())
            })?;
        }
        Ok((first..next)
            .map(|id| {
                self.outgoing.insert(id, deadline);
                RequestId::Number(id)
            })
            .collect())
    }

    fn room_for(&self, calls: usize) -> Result<(), RpcError> {
        if self.closed {
            return Err(RpcError::Closed);
        }
        let limit = self.config.max_pending;
        if self.outgoing.len() + calls > limit {
            return Err(RpcError::Busy { limit });
        }
        Ok(())
    }

    pub(super) fn give_up(&mut self, id: u64, why: CallError) -> bool {
        let waited = self.outgoing.give_up(id);
        if waited {
            let params = CancelParams { id: RequestId::Number(id) };
            // Too short to be too large, and an object: cannot fail.
            let _ = self.notify(CANCEL, &mut |out| typed_params(out, &params));
            self.answered(id, Err(why));
        }
        waited
    }

    pub(super) fn respond(
        &mut self,
        id: &RequestId,
        write: &mut dyn FnMut(&mut Vec<u8>),
    ) -> Result<(), RpcError> {
        let Some(batch) = self.incoming.remove(id) else {
            return Err(RpcError::UnknownRequest { id: id.clone() });
        };
        self.write_answer(id, batch, write);
        if let Some(index) = batch {
            self.finish_batch(index);
        }
        Ok(())
    }

    /// Writes an answer, on its own or into the array of its batch.
    pub(super) fn write_answer(
        &mut self,
        id: &RequestId,
        batch: Option<usize>,
        write: &mut dyn FnMut(&mut Vec<u8>),
    ) {
        let limit = self.config.max_message;
        let too_large = || {
            let text = format!("the response exceeds {limit} bytes (`max_message`)");
            ErrorCode::ResponseTooLarge.with(text)
        };
        match batch {
            None => {
                let sent = self.send(&mut |out| {
                    write(out);
                    Ok(())
                });
                if sent.is_err() {
                    let mut error = |out: &mut Vec<u8>| {
                        write_error(out, id, &too_large());
                        Ok(())
                    };
                    // Short, and silence would be worse than a message above the bound.
                    let _ = self.frame(&mut error, usize::MAX);
                }
            }
            Some(index) => {
                let Some(text) = self.incoming.batch_text(index) else { return };
                let start = text.len();
                write(text);
                // The array as a whole is one message.
                if text.len() > limit {
                    text.truncate(start);
                    write_error(text, id, &too_large());
                }
            }
        }
    }

    pub(super) fn finish_batch(&mut self, index: usize) {
        if let Some(text) = self.incoming.take_complete(index)
            && !text.is_empty()
        {
            let _ = self.frame(
                &mut |out| {
                    out.extend_from_slice(&text);
                    Ok(())
                },
                usize::MAX,
            );
        }
    }

    fn send(&mut self, write: &mut WriteParams<'_>) -> Result<(), RpcError> {
        self.frame(write, self.config.max_message)
    }

    /// Writes one message with its framing, or nothing.
    fn frame(&mut self, write: &mut WriteParams<'_>, limit: usize) -> Result<(), RpcError> {
        let start = self.unsent.len();
        let mut result = write(&mut self.unsent);
        let size = self.unsent.len() - start;
        if result.is_ok() && size > limit {
            result = Err(RpcError::TooLarge { size, limit });
        }
        if result.is_err() {
            self.unsent.truncate(start);
            return result;
        }
        if self.framing == Framing::ContentLength {
            let header = format!("Content-Length: {size}\r\n\r\n");
            self.unsent.splice(start..start, header.into_bytes());
        } else {
            // Inside JSON text a raw newline can only be white space between tokens.
            if memchr::memchr2(b'\n', b'\r', &self.unsent[start..]).is_some() {
                for byte in &mut self.unsent[start..] {
                    if matches!(byte, b'\n' | b'\r') {
                        *byte = b' ';
                    }
                }
            }
            self.unsent.push(b'\n');
        }
        self.counters.sent += 1;
        Ok(())
    }

    pub(super) fn answered(&mut self, id: u64, result: Result<Box<RawValue>, CallError>) {
        self.events.push_back(Output::Answered { id: RequestId::Number(id), result });
    }
}

/// The notification that takes a request back, as the Language Server Protocol names it.
pub(super) const CANCEL: &str = "$/cancelRequest";

#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct CancelParams {
    pub(super) id: RequestId,
}
