//! HTTP and WebSockets of library guests: functions of this host, beside those of the ABI.
//!
//! Requirements R85 to R87; EXTENSIONS.md has them for authors. A request rests until it is
//! answered, a connection until it is made, so a guest in any language waits as if it blocked.
//! What does not fit the guest's buffer stays here and the call answers how much room it needs
//! (plugin ABI 2.6): nothing is asked for twice, and no message is cut. The work itself is
//! `net/fetch.rs` and `net/websocket.rs`; how a resting call goes on `session/library/world.rs`.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use wasmi_hdk::Instance;

use super::Answer;
use super::call::{Call, LONGEST};
use crate::abi::queue::{Give, Shared, Until};
use crate::effect::{FetchHead, SocketId, WebSocketMessage};
use crate::methods::{fetch, network};
use crate::net::{Heard, Net, Wait};

/// Longest URL, and longest options of a connection.
const LONGEST_URL: u32 = 64 << 10;
const LONGEST_OPTIONS: u32 = 1 << 20;
/// Longest time that a guest may wait for a message.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is kept of the web for one instance.
#[derive(Debug, Default)]
pub(crate) struct Web {
    /// Why the last call failed that did.
    error: String,
    /// The last response, when it did not fit: until it is read, or the next request.
    response: Option<Vec<u8>>,
}

/// The guest's place for a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    buffer: u32,
    capacity: u32,
    /// One byte: whether the message is binary.
    kind: Option<u32>,
}

/// Options of `sk_ws_connect`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Options {
    headers: network::Headers,
    protocols: Vec<String>,
}

/// `(reqPtr, reqLen, outPtr, outMax) -> length of the response | -1`.
pub(super) fn http_request(call: &mut Call<'_, '_>) -> Answer {
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
    let asked = request.and_then(|request| match request.stream {
        true => Err("a body comes whole here; leave `stream` out".to_owned()),
        false => request.ask()?.send(&mut shared.net),
    });
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
pub(super) fn http_response(call: &mut Call<'_, '_>) -> Answer {
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

/// `(outPtr, outMax) -> length`: why the last of these calls failed that did; what fits of it.
pub(super) fn last_error(call: &mut Call<'_, '_>) -> Answer {
    let Some((buffer, capacity)) = call.room(0) else { return Answer::Number(-1) };
    let (mut memory, Some(shared)) = call.ctx.memory_and_state::<Shared>() else {
        return Answer::Number(-1);
    };
    let text = &shared.web.error;
    let mut end = text.len().min(size(capacity));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let written = memory.write(buffer, text.get(..end).unwrap_or_default().as_bytes());
    match written {
        Ok(()) => Answer::Number(number(end)),
        Err(fault) => {
            call.fault(fault);
            Answer::Number(-1)
        }
    }
}

/// `(urlPtr, urlLen, optionsPtr, optionsLen) -> socket | -1`; rests until it is connected.
pub(super) fn ws_connect(call: &mut Call<'_, '_>) -> Answer {
    let (Some(url), Some(options)) = (call.text(0, LONGEST_URL), call.bytes(2, LONGEST_OPTIONS))
    else {
        return call.unread();
    };
    if !call.may_rest() {
        return Answer::Number(-1);
    }
    let options = if options.is_empty() { b"{}" } else { &*options };
    let options = match serde_json::from_slice::<Options>(options) {
        Ok(options) => options,
        Err(error) => return call.failed(format_args!("the options: {error}")),
    };
    let connect = |net: &mut Net| net.ws_connect(&url, options.headers.pairs(), options.protocols);
    match call.web(connect) {
        Some((socket, wait)) => Answer::Rest(Until::World(wait), Give::Socket(socket)),
        None => Answer::Number(-1),
    }
}

/// `(socket, ptr, len, binary) -> len | -1`; the message goes out while the guest goes on.
pub(super) fn ws_send(call: &mut Call<'_, '_>) -> Answer {
    let (id, binary) = (socket(call), call.args.i32(3) != 0);
    let Some(data) = call.bytes(1, LONGEST) else { return call.unread() };
    let len = number(data.len());
    let message = match (binary, data) {
        (true, data) => WebSocketMessage::Binary(Bytes::from(data)),
        (false, data) => match String::from_utf8(data) {
            Ok(text) => WebSocketMessage::Text(text),
            Err(_) => return call.failed("a text message is UTF-8; send other bytes as binary"),
        },
    };
    let sent = call.web(|net| net.ws_send(id, message));
    Answer::Number(if sent.is_some() { len } else { -1 })
}

/// `(socket, outPtr, outMax, timeoutMs, kindPtr?) -> length | 0 none | -1 over`.
pub(super) fn ws_receive(call: &mut Call<'_, '_>) -> Answer {
    let id = socket(call);
    let Some((buffer, capacity)) = call.room(1) else { return call.unread() };
    // A guest that declares less gets less.
    let kind = (call.args.0.len() > 4).then(|| call.args.u32(4)).filter(|address| *address != 0);
    if let Some(address) = kind
        && let Err(fault) = call.ctx.memory().read(address, 1).map(|_| ())
    {
        call.fault(fault);
        return call.unread();
    }
    let within = Duration::from_millis(u64::try_from(call.args.i32(3)).unwrap_or(0)).min(PATIENCE);
    let room = Room { buffer, capacity, kind };
    let Some(shared) = call.shared() else { return Answer::Number(-1) };
    match hear(shared, id, room) {
        Hearing::Nothing if within.is_zero() => Answer::Number(0),
        Hearing::Nothing if !call.may_rest() => Answer::Number(-1),
        Hearing::Nothing => {
            Answer::Rest(Until::Message { socket: id, within }, Give::Message(room))
        }
        Hearing::Number(number) => Answer::Number(number),
        Hearing::Message(message) => {
            let (mut memory, _) = call.ctx.memory_and_state::<Shared>();
            let len = put(&mut memory, room, &message);
            call.ctx.charge(u64::try_from(len).unwrap_or(0) / 8);
            Answer::Number(len)
        }
    }
}

/// `(socket, code) -> 0 | -1`; code 0 gives the other end none.
pub(super) fn ws_close(call: &mut Call<'_, '_>) -> Answer {
    let (id, code) = (socket(call), call.args.i32(1));
    let reason = match code {
        0 => None,
        // What is no code at all is refused as one that nobody may send.
        code => Some((u16::try_from(code).unwrap_or(0), String::new())),
    };
    let closed = call.web(|net| net.ws_close(id, reason));
    Answer::Number(if closed.is_some() { 0 } else { -1 })
}

/// What a socket has for a guest that receives.
pub(crate) enum Hearing {
    Nothing,
    /// What the call answers: a length that does not fit, or -1.
    Number(i32),
    Message(WebSocketMessage),
}

/// Takes the next message, if it fits the guest's buffer.
pub(crate) fn hear(shared: &mut Shared, id: SocketId, room: Room) -> Hearing {
    let heard = match shared.net.ws_next_len(id) {
        Ok(Some(len)) if len > size(room.capacity) => return Hearing::Number(number(len)),
        Ok(_) => shared.net.ws_take(id),
        Err(text) => Err(text),
    };
    shared.web.error = match heard {
        Ok(None) => return Hearing::Nothing,
        Ok(Some(Heard::Message(message))) => return Hearing::Message(message),
        Ok(Some(Heard::End(end))) => end.to_string(),
        Err(text) => text,
    };
    Hearing::Number(-1)
}

/// Writes a message to where it fits; its length.
pub(crate) fn put(
    memory: &mut wasmi_hdk::GuestMemory<'_>,
    room: Room,
    message: &WebSocketMessage,
) -> i32 {
    let (data, binary) = match message {
        WebSocketMessage::Text(text) => (text.as_bytes(), false),
        WebSocketMessage::Binary(data) => (&**data, true),
    };
    let kind = room.kind.map_or(Ok(()), |address| memory.write(address, &[u8::from(binary)]));
    // Both were there when the call was made, and memory does not shrink.
    match kind.and_then(|()| memory.write(room.buffer, data)) {
        Ok(()) => number(data.len()),
        Err(_) => -1,
    }
}

/// Goes on after `sk_http_request`: writes the response, or keeps what does not fit.
pub(crate) fn give_response(
    instance: &mut Instance,
    (buffer, capacity): (u32, u32),
    head: FetchHead,
    body: &[u8],
) -> i32 {
    let text = network::whole(head, body).to_string().into_bytes();
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

impl Web {
    /// A call failed later.
    pub(crate) fn failed(&mut self, why: String) {
        self.error = why;
    }
}

impl Call<'_, '_> {
    /// One call of the network; a failure can be read by the guest.
    fn web<T>(&mut self, run: impl FnOnce(&mut Net) -> Result<T, String>) -> Option<T> {
        match run(&mut self.shared()?.net) {
            Ok(done) => Some(done),
            Err(text) => {
                self.failed(text);
                None
            }
        }
    }

    /// The failure of a call, in words.
    fn failed(&mut self, why: impl std::fmt::Display) -> Answer {
        let text = why.to_string();
        self.say(&text);
        if let Some(shared) = self.shared() {
            shared.web.error = text;
        }
        Answer::Number(-1)
    }

    /// The failure of a call whose arguments cannot be read, which was said.
    fn unread(&mut self) -> Answer {
        if let Some(shared) = self.shared() {
            "an address or a length is out of range, or too long; the plugin's log has more"
                .clone_into(&mut shared.web.error);
        }
        Answer::Number(-1)
    }

    /// Whether the guest may wait here; else it is said. Asked before anything is sent.
    fn may_rest(&mut self) -> bool {
        let may = self.ctx.may_wait();
        if !may {
            self.failed(
                "nothing can be waited for inside `allocate`, `__new` and their like; call it outside of them",
            );
        }
        may
    }
}

/// The first argument; a number that no socket has when it cannot be one.
fn socket(call: &Call<'_, '_>) -> SocketId {
    SocketId(u32::try_from(call.args.i32(0)).unwrap_or(0))
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn size(capacity: u32) -> usize {
    usize::try_from(capacity).unwrap_or(usize::MAX)
}
