//! What this end sends: requests, notifications, answers, each with its framing, or nothing at all
//! when a bound is reached. A message is a [`Draft`] at the end of the output until it is finished,
//! so that values are written where they belong and by nobody twice.

use std::time::Duration;

use serde_json::value::RawValue;

use super::{BatchEntry, Output, State};
use crate::encode::{
    PARAMS, put, write_error, write_notification, write_params, write_request, write_response,
    write_value,
};
use crate::framing::Framing;
use crate::scan::has_control;
use crate::{CallError, ErrorCode, ErrorObject, RequestId, RpcError};

/// A message that is not finished, at the end of the output.
pub(super) struct Draft {
    start: usize,
    /// From here on it is not our text alone: there may be line breaks.
    given: usize,
}

/// An answer that is not finished, and where it goes.
pub(super) struct Answer {
    id: RequestId,
    batch: Option<usize>,
    draft: Draft,
}

impl State {
    /// Writes a request up to its parameters.
    pub(super) fn begin_call(&mut self, method: &str) -> Result<Draft, RpcError> {
        self.room_for(1)?;
        let start = self.unsent.len();
        write_request(&mut self.unsent, &RequestId::Number(self.outgoing.next_id()), method);
        Ok(self.before_params(start))
    }

    /// Writes a notification up to its parameters.
    pub(super) fn begin_notification(&mut self, method: &str) -> Draft {
        let start = self.unsent.len();
        write_notification(&mut self.unsent, method);
        self.before_params(start)
    }

    fn before_params(&mut self, start: usize) -> Draft {
        put(&mut self.unsent, PARAMS);
        Draft { start, given: self.unsent.len() }
    }

    /// Writes parameters that are text already.
    pub(super) fn write_raw(&mut self, params: Option<&RawValue>) -> Result<(), RpcError> {
        let text = params.map_or("null", RawValue::get);
        self.unsent.extend_from_slice(text.as_bytes());
        let none = params.is_some() && text == "null";
        if none { Err(RpcError::bad_params(NOT_STRUCTURED)) } else { Ok(()) }
    }

    pub(super) fn end_call(
        &mut self,
        draft: &Draft,
        params: Result<(), RpcError>,
        deadline: Option<Duration>,
    ) -> Result<RequestId, RpcError> {
        self.end_request(draft, params)?;
        let id = self.outgoing.next_id();
        self.outgoing.insert(id, deadline);
        Ok(RequestId::Number(id))
    }

    /// Ends a request or notification whose parameters are written; null stands for "none".
    pub(super) fn end_request(
        &mut self,
        draft: &Draft,
        params: Result<(), RpcError>,
    ) -> Result<(), RpcError> {
        let params = params.and_then(|()| match self.unsent.get(draft.given..) {
            Some([b'[' | b'{', ..]) => Ok(()),
            Some(b"null") => {
                self.unsent.truncate(draft.given - PARAMS.len());
                Ok(())
            }
            _ => Err(RpcError::bad_params(NOT_STRUCTURED)),
        });
        if let Err(error) = params {
            self.unsent.truncate(draft.start);
            return Err(error);
        }
        self.unsent.push(b'}');
        self.finish(draft, self.config.max_message)
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
            let draft = self.begin_text();
            let mut separator = b'[';
            for entry in entries {
                self.unsent.push(separator);
                separator = b',';
                let params = match entry {
                    BatchEntry::Call(method, params) => {
                        write_request(&mut self.unsent, &RequestId::Number(next), method);
                        next += 1;
                        params
                    }
                    BatchEntry::Notify(method, params) => {
                        write_notification(&mut self.unsent, method);
                        params
                    }
                };
                if params.as_deref().is_some_and(|raw| !raw.get().starts_with(['[', '{'])) {
                    self.unsent.truncate(draft.start);
                    return Err(RpcError::bad_params(NOT_STRUCTURED));
                }
                write_params(&mut self.unsent, params.as_deref());
            }
            self.unsent.push(b']');
            self.finish(&draft, self.config.max_message)?;
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
            let draft = self.begin_notification(CANCEL);
            let written =
                write_value(&mut self.unsent, &CancelParams { id: RequestId::Number(id) });
            // Too short to be too large, and an object: cannot fail.
            let _ = self.end_request(&draft, written.map_err(RpcError::bad_params));
            self.answered(id, Err(why));
        }
        waited
    }

    /// Writes an answer up to its result; the request waits no longer.
    pub(super) fn begin_answer(&mut self, id: RequestId) -> Result<Answer, RpcError> {
        match self.incoming.remove(&id) {
            Some(batch) => {
                let start = self.unsent.len();
                write_response(&mut self.unsent, &id);
                let draft = Draft { start, given: self.unsent.len() };
                Ok(Answer { id, batch, draft })
            }
            None => Err(RpcError::UnknownRequest { id }),
        }
    }

    /// Ends an answer whose result is written, or replaces it by an error.
    pub(super) fn end_answer(&mut self, answer: Answer, error: Option<&ErrorObject>) {
        let Answer { id, batch, draft } = answer;
        match error {
            None => self.unsent.push(b'}'),
            Some(error) => {
                self.unsent.truncate(draft.start);
                write_error(&mut self.unsent, &id, error);
            }
        }
        self.place_answer(&id, batch, &draft);
        if let Some(index) = batch {
            self.finish_batch(index);
        }
    }

    /// An error that answers what never became a request.
    pub(super) fn answer_error(
        &mut self,
        id: &RequestId,
        batch: Option<usize>,
        error: &ErrorObject,
    ) {
        let draft = self.begin_text();
        write_error(&mut self.unsent, id, error);
        self.place_answer(id, batch, &draft);
    }

    /// Sends an answer on its own, or moves it into the array of its batch.
    fn place_answer(&mut self, id: &RequestId, batch: Option<usize>, draft: &Draft) {
        let limit = self.config.max_message;
        let too_large = |what: &str| {
            ErrorCode::ResponseTooLarge.with(format!("{what} {limit} bytes (`max_message`)"))
        };
        let Some(index) = batch else {
            if self.finish(draft, limit).is_err() {
                let draft = self.begin_text();
                write_error(&mut self.unsent, id, &too_large("the response exceeds"));
                // Short, and silence would be worse than a message above the bound.
                let _ = self.finish(&draft, usize::MAX);
            }
            return;
        };
        // The array as a whole is one message; and many batches, each with an answer that does
        // not come, must not hold many times as much.
        if !self.incoming.hold(index, &self.unsent[draft.start..], limit) {
            self.unsent.truncate(draft.start);
            let error = too_large("the answers of open batches together exceed");
            write_error(&mut self.unsent, id, &error);
            self.incoming.hold(index, &self.unsent[draft.start..], usize::MAX);
        }
        self.unsent.truncate(draft.start);
    }

    pub(super) fn finish_batch(&mut self, index: usize) {
        if let Some(text) = self.incoming.take_complete(index)
            && !text.is_empty()
        {
            let draft = self.begin_text();
            self.unsent.extend_from_slice(&text);
            let _ = self.finish(&draft, usize::MAX);
        }
    }

    fn begin_text(&self) -> Draft {
        let start = self.unsent.len();
        Draft { start, given: start }
    }

    /// Gives a whole message its framing, or takes it back.
    fn finish(&mut self, draft: &Draft, limit: usize) -> Result<(), RpcError> {
        let size = self.unsent.len() - draft.start;
        if size > limit {
            self.unsent.truncate(draft.start);
            return Err(RpcError::TooLarge { size, limit });
        }
        if self.framing == Framing::ContentLength {
            let header = format!("Content-Length: {size}\r\n\r\n");
            self.unsent.splice(draft.start..draft.start, header.into_bytes());
        } else {
            // Inside JSON text a raw line break can only be white space between tokens.
            if has_control(&self.unsent, draft.given) {
                for byte in self.unsent.iter_mut().skip(draft.given) {
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

const NOT_STRUCTURED: &str = "they must be an array or an object; write one value as `(value,)`";

/// The notification that takes a request back, as the Language Server Protocol names it.
pub(super) const CANCEL: &str = "$/cancelRequest";

#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct CancelParams {
    pub(super) id: RequestId,
}
