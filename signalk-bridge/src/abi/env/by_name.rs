//! `sk_call` and what its answers leave: one door from the buffer ABI to the whole table of methods.
//!
//! This host's own (EXTENSIONS.md). The guest rests until its call is answered, so that two calls never overlap. What
//! does not fit its buffer is kept, and the call answers how much room it needs (plugin ABI 2.6). Who makes the call,
//! with which rights, is `session/library/by_name.rs`; what it means is the method's row.

use wasmi_hdk::{ErrorCode, ErrorObject, Instance};

use super::Answer;
use super::call::{Call, LONGEST};
use crate::abi::queue::{Give, Pending, Shared, Until};

/// What the last calls of one instance left.
#[derive(Debug, Default)]
pub(crate) struct LastCall {
    /// The answer that did not fit: until it is read, or the next call.
    answer: Option<Vec<u8>>,
    /// Why the last one failed that did, as JSON.
    error: String,
}

impl LastCall {
    /// A call failed.
    pub(crate) fn failed(&mut self, error: &ErrorObject) {
        // An object of ours is always JSON.
        self.error = serde_json::to_string(error).unwrap_or_default();
    }
}

/// `(methodPtr, methodLen, paramsPtr, paramsLen, outPtr, outMax) -> length of the answer | -1`.
pub(super) fn call_method(call: &mut Call<'_, '_>) -> Answer {
    let (Some(method), Some(params), Some((buffer, capacity))) =
        (call.short(0), call.text(2, LONGEST), call.room(4))
    else {
        return unread(call);
    };
    if !call.ctx.may_wait() {
        // Said by the table of imports, as of all that waits; here for who asks `sk_call_error`.
        let text = "nothing can be waited for inside `allocate`, `__new` and their like";
        fail(call, ErrorCode::InvalidRequest, text);
    }
    if let Some(shared) = call.shared() {
        shared.last_call.answer = None;
    }
    let asked = Pending::Asked { method, params };
    Answer::Rest(Until::Call(asked), Give::Answer { buffer, capacity })
}

/// `(outPtr, outMax) -> length | -1`: the answer that did not fit.
pub(super) fn call_answer(call: &mut Call<'_, '_>) -> Answer {
    let Some((buffer, capacity)) = call.room(0) else { return unread(call) };
    let (mut memory, Some(shared)) = call.ctx.memory_and_state::<Shared>() else {
        return Answer::Number(-1);
    };
    let Some(answer) = shared.last_call.answer.take() else {
        let text = "no answer waits: it was read, or there was none that did not fit";
        return fail(call, ErrorCode::NotFound, text);
    };
    let len = number(answer.len());
    if answer.len() > size(capacity) {
        shared.last_call.answer = Some(answer);
        return Answer::Number(len);
    }
    let written = memory.write(buffer, &answer);
    call.ctx.charge(u64::from(len.unsigned_abs()) / 8);
    Answer::Number(written.map_or(-1, |()| len))
}

/// Goes on after `sk_call`: writes the answer, or keeps what does not fit.
pub(crate) fn give_answer(
    instance: &mut Instance,
    (buffer, capacity): (u32, u32),
    answer: Vec<u8>,
) -> i32 {
    let len = number(answer.len());
    instance.charge(u64::from(len.unsigned_abs()) / 8);
    if answer.len() <= size(capacity) {
        // The place was there when the call was made, and memory does not shrink.
        return instance.memory().write(buffer, &answer).map_or(-1, |()| len);
    }
    if let Some(shared) = instance.state::<Shared>() {
        shared.last_call.answer = Some(answer);
    }
    len
}

/// `(outPtr, outMax) -> length | -1`: `{"code", "message", "data"?}` of the last call that failed; a length over
/// `outMax`: nothing was written. 0: none has failed.
pub(super) fn call_error(call: &mut Call<'_, '_>) -> Answer {
    let Some((buffer, capacity)) = call.room(0) else { return Answer::Number(-1) };
    let (mut memory, Some(shared)) = call.ctx.memory_and_state::<Shared>() else {
        return Answer::Number(-1);
    };
    let text = shared.last_call.error.as_bytes();
    let len = number(text.len());
    if text.len() > size(capacity) {
        return Answer::Number(len);
    }
    let len = memory.write(buffer, text).map_or(-1, |()| len);
    call.ctx.charge(u64::from(len.unsigned_abs()) / 8);
    Answer::Number(len)
}

/// A call whose arguments cannot be read, which was said.
fn unread(call: &mut Call<'_, '_>) -> Answer {
    let text = "an address or a length is out of range, or too long; the plugin's log has more";
    fail(call, ErrorCode::GuestFault, text)
}

fn fail(call: &mut Call<'_, '_>, code: ErrorCode, text: &str) -> Answer {
    let name = call.name;
    if let Some(shared) = call.shared() {
        shared.last_call.failed(&code.with(format!("`{name}`: {text}")));
    }
    Answer::Number(-1)
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn size(capacity: u32) -> usize {
    usize::try_from(capacity).unwrap_or(usize::MAX)
}
