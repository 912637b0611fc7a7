//! `sk_http_request` and what its answer leaves: one request, whole; or with a streamed answer, which `stream` reads.
//!
//! What a request may be is `methods/fetch.rs`, as for plugins by JSON-RPC.

use wasmi_hdk::Instance;

use super::{number, size};
use crate::abi::env::Answer;
use crate::abi::env::call::{Call, LONGEST};
use crate::abi::queue::{Give, Shared, Until};
use crate::effect::FetchHead;
use crate::methods::{fetch, network};
use crate::net::Wait;

/// `(reqPtr, reqLen, outPtr, outMax) -> length of the response | -1`.
pub(in crate::abi::env) fn http_request(call: &mut Call<'_, '_>) -> Answer {
    let (Some(text), Some((buffer, capacity))) = (call.bytes(0, LONGEST), call.room(2)) else {
        return call.unread();
    };
    if !call.may_rest() {
        return Answer::Number(-1);
    }
    let Some(shared) = call.shared() else { return Answer::Number(-1) };
    shared.web.response = None;
    let request = serde_json::from_slice::<fetch::Request>(&text);
    let request = request.map_err(|error| format!("the request: {error}"));
    let asked = request.and_then(|request| request.ask()?.send(&mut shared.net));
    match asked {
        Ok(id) => Answer::Rest(Until::World(Wait::Fetch(id)), Give::Response { buffer, capacity }),
        Err(text) => {
            shared.fetch_failed(&text);
            shared.web.error = text;
            Answer::Number(-1)
        }
    }
}

/// `(outPtr, outMax) -> length | -1`: the response that did not fit.
pub(in crate::abi::env) fn http_response(call: &mut Call<'_, '_>) -> Answer {
    let Some((buffer, capacity)) = call.room(0) else { return call.unread() };
    let (mut memory, Some(shared)) = call.ctx.memory_and_state::<Shared>() else {
        return Answer::Number(-1);
    };
    let Some(response) = shared.web.response.take() else {
        return call.failed("no response waits: it was read, or there was none");
    };
    let len = number(response.len());
    if response.len() > size(capacity) {
        shared.web.response = Some(response);
    } else if let Err(fault) = memory.write(buffer, &response) {
        call.fault(fault);
        return Answer::Number(-1);
    } else {
        call.ctx.charge(u64::from(len.cast_unsigned()) / 8);
    }
    Answer::Number(len)
}

/// Goes on after `sk_http_request`: writes the response, or keeps what does not fit.
pub(crate) fn give_response(
    instance: &mut Instance,
    room: (u32, u32),
    head: FetchHead,
    body: &[u8],
) -> i32 {
    give_text(instance, room, network::whole(head, body).to_string().into_bytes())
}

/// Writes a response, or keeps what does not fit; its length.
pub(super) fn give_text(
    instance: &mut Instance,
    (buffer, capacity): (u32, u32),
    text: Vec<u8>,
) -> i32 {
    let len = number(text.len());
    instance.charge(u64::from(len.cast_unsigned()) / 8);
    if text.len() <= size(capacity) {
        // It was there when the call was made, and memory does not shrink.
        return instance.memory().write(buffer, &text).map_or(-1, |()| len);
    }
    if let Some(shared) = instance.state::<Shared>() {
        shared.web.response = Some(text);
    }
    len
}
