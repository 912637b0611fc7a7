//! What each received piece leads to: an event, an answer on the spot, or both.

use serde_json::value::RawValue;

use super::send::{CANCEL, CancelParams};
use super::{Output, State};
use crate::envelope::peek;
use crate::framing::{Frame, Framing};
use crate::quick::Quick;
use crate::{CallError, ErrorCode, ErrorObject, Message, Params, RequestId, RpcError, RpcResult};

impl State {
    /// What a line in the usual form means; if it is no JSON, what it means then.
    pub(super) fn handle_quick(&mut self, message: Quick<'_>, line: &[u8]) {
        let event = match message {
            Quick::Request { id, method, params } => {
                owned(method, params).filter(|_| self.accept_request(id)).map(|(method, params)| {
                    Output::Request { id: RequestId::Number(id), method, params }
                })
            }
            Quick::Notification { method, params } if method != CANCEL.as_bytes() => {
                owned(method, params)
                    .map(|(method, params)| Output::Notification { method, params })
            }
            Quick::Notification { .. } => None,
            Quick::Answered { id, result } => raw(result)
                .filter(|_| self.outgoing.remove(id))
                .map(|result| Output::Answered { id: RequestId::Number(id), result: Ok(result) }),
        };
        match event {
            Some(event) => {
                self.counters.received += 1;
                self.events.push_back(event);
            }
            None => self.handle_plain_line(line),
        }
    }

    /// A line, the long way.
    pub(super) fn handle_plain_line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        self.handle_frame(Frame::Message(line), Framing::Newline);
    }

    /// Notes a request that is not one of a batch; `false` if it cannot wait here.
    pub(super) fn accept_request(&mut self, id: u64) -> bool {
        let id = RequestId::Number(id);
        let fits = self.incoming.len() < self.config.max_pending && !self.incoming.contains(&id);
        if fits {
            self.incoming.insert(id, None);
        }
        fits
    }

    pub(super) fn handle_frame(&mut self, frame: Frame<'_>, framing: Framing) {
        match frame {
            Frame::Message(bytes) => {
                self.counters.received += 1;
                let message = Message::parse(bytes, self.config.max_batch);
                // A line that is no JSON was printed, not sent: it tells nothing of the framing.
                if framing == Framing::ContentLength || !is_no_json(&message) {
                    self.answer_in(framing);
                }
                self.handle_message(message, None);
            }
            Frame::Unterminated(bytes) => match Message::parse(bytes, self.config.max_batch) {
                message if is_no_json(&message) => {
                    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    self.fault(RpcError::Truncated { size });
                }
                message => {
                    self.counters.received += 1;
                    self.answer_in(framing);
                    self.handle_message(message, None);
                }
            },
            Frame::Oversized { size, head } => self.handle_oversized(size, head),
            Frame::BadHeader(reason) => self.fault(RpcError::BadHeader { reason }),
            Frame::Truncated { size } => self.fault(RpcError::Truncated { size }),
        }
    }

    /// What the other end writes, it reads.
    fn answer_in(&mut self, framing: Framing) {
        if self.config.framing == Framing::Auto {
            self.framing = framing;
        }
    }

    fn handle_message(&mut self, message: Message, batch: Option<usize>) {
        match message {
            Message::Request { id, method, params } => {
                self.handle_request(id, method, params, batch);
            }
            Message::Notification { method, params } if method == CANCEL => {
                self.handle_cancel(params);
            }
            Message::Notification { method, params } => {
                self.events.push_back(Output::Notification { method, params });
            }
            Message::Response { id, result } => self.handle_response(id, result),
            Message::Batch(_) if self.incoming.held() >= self.config.max_message => {
                self.refuse_batch();
            }
            Message::Batch(entries) => {
                let index = self.incoming.open_batch();
                for entry in entries {
                    self.handle_message(entry, Some(index));
                }
                self.incoming.close_batch(index);
                self.finish_batch(index);
            }
            Message::Invalid { .. } if self.is_flooded() => self.counters.faults += 1,
            Message::Invalid { id, error } => {
                self.answer_error(&id, batch, &error);
                let reason = error.message().to_owned();
                self.fault(if is(&error, ErrorCode::ParseError) {
                    RpcError::NotJson { reason }
                } else {
                    RpcError::InvalidRequest { id, reason }
                });
            }
            Message::InvalidResponse { id, reason } => {
                if let Some(RequestId::Number(id)) = id
                    && self.outgoing.remove(id)
                {
                    self.answered(id, Err(CallError::InvalidAnswer(reason.to_owned())));
                }
                self.fault(RpcError::InvalidResponse { reason: reason.to_owned() });
            }
        }
    }

    fn handle_request(
        &mut self,
        id: RequestId,
        method: String,
        params: Params,
        batch: Option<usize>,
    ) {
        if self.incoming.contains(&id) {
            let reason = "a request with this id waits already";
            let error = ErrorCode::InvalidRequest.with(reason);
            self.answer_error(&id, batch, &error);
            self.fault(RpcError::InvalidRequest { id, reason: reason.to_owned() });
        } else if self.incoming.len() >= self.config.max_pending {
            let limit = self.config.max_pending;
            let text = format!("{limit} requests wait already (`max_pending`)");
            let error = ErrorCode::Busy.with(text);
            self.answer_error(&id, batch, &error);
            self.fault(RpcError::Busy { limit });
        } else {
            self.incoming.insert(id.clone(), batch);
            self.events.push_back(Output::Request { id, method, params });
        }
    }

    /// Errors that answer entries are kept whatever there is: so no further batch is opened.
    fn refuse_batch(&mut self) {
        let limit = self.config.max_message;
        let text =
            format!("the answers of open batches have {limit} bytes (`max_message`) already");
        self.answer_error(&RequestId::Null, None, &ErrorCode::Busy.with(text.clone()));
        self.fault(RpcError::InvalidRequest { id: RequestId::Null, reason: text });
    }

    fn handle_response(&mut self, id: RequestId, result: RpcResult) {
        match (id, result) {
            (RequestId::Number(id), result) if self.outgoing.remove(id) => {
                self.answered(id, result.map_err(CallError::Remote));
            }
            (RequestId::Number(id), _) if self.outgoing.forget_given_up(id) => {}
            (RequestId::Null, Err(error)) => self.fault(RpcError::Unattributed { error }),
            (id, _) => self.fault(RpcError::UnknownResponse { id }),
        }
    }

    /// A request that does not wait, or whose parameters cannot be read, is left alone: the answer
    /// may have crossed the cancellation.
    fn handle_cancel(&mut self, params: Params) {
        let named = params.and_then(|raw| serde_json::from_str::<CancelParams>(raw.get()).ok());
        if let Some(CancelParams { id }) = named
            && self.incoming.contains(&id)
        {
            self.events.push_back(Output::Cancelled { id });
        }
    }

    /// The message itself is gone; its beginning tells who is to hear of it.
    fn handle_oversized(&mut self, size: u64, head: &[u8]) {
        let limit = self.config.max_message;
        let fault = RpcError::Oversized { size, limit };
        let seen = peek(head);
        match (seen.id, seen.is_response) {
            (Some(RequestId::Number(id)), true) => {
                if self.outgoing.remove(id) {
                    let error = ErrorCode::ResponseTooLarge.with(fault.to_string());
                    self.answered(id, Err(CallError::Remote(error)));
                }
            }
            (_, true) => {}
            (None, false) if seen.is_notification => {}
            (id, false) => {
                let id = id.unwrap_or(RequestId::Null);
                let error = ErrorCode::RequestTooLarge.with(fault.to_string());
                self.answer_error(&id, None, &error);
            }
        }
        self.fault(fault);
    }

    fn fault(&mut self, fault: RpcError) {
        self.counters.faults += 1;
        if !self.is_flooded() {
            self.faults_waiting += 1;
            self.events.push_back(Output::Fault(fault));
        }
    }

    fn is_flooded(&self) -> bool {
        self.faults_waiting >= self.config.max_faults
    }
}

fn owned(method: &[u8], params: Option<&str>) -> Option<(String, Params)> {
    let params = match params {
        Some(text) => Some(serde_json::from_str::<&RawValue>(text).ok()?.to_owned()),
        None => None,
    };
    Some((String::from_utf8(method.to_vec()).ok()?, params))
}

fn raw(text: &[u8]) -> Option<Box<RawValue>> {
    serde_json::from_slice::<&RawValue>(text).ok().map(ToOwned::to_owned)
}

fn is_no_json(message: &Message) -> bool {
    matches!(message, Message::Invalid { error, .. } if is(error, ErrorCode::ParseError))
}

fn is(error: &ErrorObject, code: ErrorCode) -> bool {
    error.code() == code.number()
}
