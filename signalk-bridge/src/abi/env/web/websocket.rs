//! `sk_ws_*`: connections of a guest, its messages out and in.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use super::{number, size};
use crate::abi::env::Answer;
use crate::abi::env::call::{Call, LONGEST};
use crate::abi::queue::{Give, Shared, Until};
use crate::effect::{SocketId, WebSocketMessage};
use crate::methods::network;
use crate::net::{Heard, Net};

/// Longest URL, and longest options of a connection.
const LONGEST_URL: u32 = 64 << 10;
const LONGEST_OPTIONS: u32 = 1 << 20;
/// Longest time that a guest may wait for a message.
const PATIENCE: Duration = Duration::from_secs(300);

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

/// `(urlPtr, urlLen, optionsPtr, optionsLen) -> socket | -1`; rests until it is connected.
pub(in crate::abi::env) fn ws_connect(call: &mut Call<'_, '_>) -> Answer {
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
pub(in crate::abi::env) fn ws_send(call: &mut Call<'_, '_>) -> Answer {
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
pub(in crate::abi::env) fn ws_receive(call: &mut Call<'_, '_>) -> Answer {
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
pub(in crate::abi::env) fn ws_close(call: &mut Call<'_, '_>) -> Answer {
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

/// The first argument; a number that no socket has when it cannot be one.
fn socket(call: &Call<'_, '_>) -> SocketId {
    SocketId(u32::try_from(call.args.i32(0)).unwrap_or(0))
}
