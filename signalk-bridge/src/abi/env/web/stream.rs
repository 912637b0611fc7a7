//! `sk_http_open` and its like: bodies of HTTP in pieces, as bytes in the guest's memory.
//!
//! Requirement R88; EXTENSIONS.md has them for authors. The bridge's windows hold (`net/upload.rs`, `net/fetch.rs`):
//! who sends rests while the server is behind, and of an answer the edge reads on only when the guest has read. What is
//! kept here is the rest of one piece for each request that is read.

use std::collections::BTreeMap;

use bytes::Bytes;
use wasmi_hdk::Instance;

use super::{number, size};
use crate::abi::env::Answer;
use crate::abi::env::call::{Call, LONGEST};
use crate::abi::queue::{Give, Shared, Until};
use crate::effect::{FetchHead, FetchId};
use crate::methods::{fetch, network};
use crate::net::{Outcome, Wait};

/// What came of streamed answers and was not read: of each the rest of a piece.
#[derive(Debug, Default)]
pub(crate) struct Rests(BTreeMap<FetchId, Bytes>);

impl Rests {
    /// Nobody reads on.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// `(reqPtr, reqLen) -> request | -1`: begins a request whose body follows.
pub(in crate::abi::env) fn http_open(call: &mut Call<'_, '_>) -> Answer {
    let Some(text) = call.bytes(0, LONGEST) else { return call.unread() };
    let request = serde_json::from_slice::<fetch::Open>(&text);
    let request = request.map_err(|error| format!("the request: {error}"));
    let Some(shared) = call.shared() else { return Answer::Number(-1) };
    let begun = request.and_then(|open| open.ask()?.begin(&mut shared.net));
    match begun {
        Ok(id) => Answer::Number(i32::try_from(id.0).unwrap_or(-1)),
        Err(text) => {
            shared.fetch_failed(&text);
            shared.web.error = text;
            Answer::Number(-1)
        }
    }
}

/// `(request, ptr, len) -> len | -1`: the next piece of the body; rests until there is room for the one after it.
pub(in crate::abi::env) fn http_send(call: &mut Call<'_, '_>) -> Answer {
    let id = request(call);
    let Some(data) = call.bytes(1, LONGEST) else {
        // Without it the body is no whole one.
        call.web(|net| {
            net.upload_spoilt(id, "a piece of it could not be read".to_owned());
            Ok(())
        });
        return call.unread();
    };
    if !call.may_rest() {
        return Answer::Number(-1);
    }
    let len = number(data.len());
    match call.web(|net| net.upload_write(id, Bytes::from(data))) {
        Some(Some(wait)) => Answer::Rest(Until::World(wait), Give::Sent(len)),
        Some(None) => Answer::Number(len),
        None => Answer::Number(-1),
    }
}

/// `(request, outPtr, outMax) -> length of the response | -1`: the body has ended; rests until there is an answer.
pub(in crate::abi::env) fn http_finish(call: &mut Call<'_, '_>) -> Answer {
    let (id, Some((buffer, capacity))) = (request(call), call.room(1)) else {
        return call.unread();
    };
    if !call.may_rest() {
        return Answer::Number(-1);
    }
    if let Some(shared) = call.shared() {
        shared.web.response = None;
    }
    match call.web(|net| net.upload_finish(id)) {
        Some(wait) => Answer::Rest(Until::World(wait), Give::Response { buffer, capacity }),
        None => Answer::Number(-1),
    }
}

/// `(request, outPtr, outMax) -> length | 0 | -1`: the next bytes of a streamed answer, 0 at its end; rests until there
/// are some.
pub(in crate::abi::env) fn http_read(call: &mut Call<'_, '_>) -> Answer {
    let (id, Some((buffer, capacity))) = (request(call), call.room(1)) else {
        return call.unread();
    };
    if capacity == 0 {
        return call.failed("a buffer of no bytes: 0 would be the end of the body");
    }
    if !call.may_rest() {
        return Answer::Number(-1);
    }
    let (mut memory, Some(shared)) = call.ctx.memory_and_state::<Shared>() else {
        return Answer::Number(-1);
    };
    if let Some(piece) = shared.web.rests.0.remove(&id) {
        let (next, rest) = cut(piece, capacity);
        shared.web.rests.keep(id, rest);
        // It was there a moment ago.
        let written = memory.write(buffer, &next).map_or(-1, |()| number(next.len()));
        call.ctx.charge(u64::try_from(written).unwrap_or(0) / 8);
        return Answer::Number(written);
    }
    match call.web(|net| net.fetch_more(id)) {
        Some(wait) => Answer::Rest(Until::World(wait), Give::Piece { buffer, capacity }),
        None => Answer::Number(-1),
    }
}

/// `(request) -> 0 | -1`: the rest is not wanted; a body that has not ended is broken off. -1: there was no such
/// request.
pub(in crate::abi::env) fn http_close(call: &mut Call<'_, '_>) -> Answer {
    let id = request(call);
    let Some(shared) = call.shared() else { return Answer::Number(-1) };
    shared.web.rests.0.remove(&id);
    if !shared.net.has_fetched(id) {
        return call.failed(format_args!("there was no request {}", id.0));
    }
    shared.net.fetch_cancel(id);
    Answer::Number(0)
}

/// Goes on after a call of these, with what the world said; `None`: it was a failure.
pub(crate) fn give(
    instance: &mut Instance,
    give: Give,
    wait: Wait,
    outcome: &Outcome,
) -> Option<i32> {
    match (give, wait, outcome) {
        (Give::Sent(len), _, Outcome::Number(_)) => Some(len),
        (Give::Piece { .. }, _, Outcome::Piece(None)) => Some(0),
        (Give::Piece { buffer, capacity }, Wait::Fetch(id), Outcome::Piece(Some(piece))) => {
            let (next, rest) = cut(piece.clone(), capacity);
            if let Some(shared) = instance.state::<Shared>() {
                shared.web.rests.keep(id, rest);
            }
            instance.charge(u64::try_from(next.len()).unwrap_or(u64::MAX) / 8);
            // It was there when the call was made, and memory does not shrink.
            Some(instance.memory().write(buffer, &next).map_or(-1, |()| number(next.len())))
        }
        (Give::Response { buffer, capacity }, Wait::Fetch(id), Outcome::Head(head)) => {
            Some(give_head(instance, (buffer, capacity), head.clone(), id))
        }
        _ => None,
    }
}

/// Writes the head of a streamed answer, with the number that it is read by.
fn give_head(instance: &mut Instance, room: (u32, u32), head: FetchHead, id: FetchId) -> i32 {
    super::http::give_text(instance, room, network::streamed(head, id).to_string().into_bytes())
}

impl Rests {
    fn keep(&mut self, id: FetchId, rest: Bytes) {
        if !rest.is_empty() {
            self.0.insert(id, rest);
        }
    }
}

/// What fits, and the rest.
fn cut(mut piece: Bytes, capacity: u32) -> (Bytes, Bytes) {
    let next = piece.split_to(piece.len().min(size(capacity)));
    (next, piece)
}

/// The first argument; a number that no request has when it cannot be one.
fn request(call: &Call<'_, '_>) -> FetchId {
    FetchId(u64::try_from(call.args.i32(0)).unwrap_or(0))
}
