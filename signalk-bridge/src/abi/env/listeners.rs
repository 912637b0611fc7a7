//! Listeners of TCP, which no other host has (feature F56).
//!
//! How many there may be and who waits is `net/tcp/listen.rs`; where a plugin
//! may listen is its owner's word. A guest is woken by `on_tcp_accept`.

use super::Answer;
use super::call::Call;
use super::sockets::{rest, write_sender};
use crate::abi::queue::Shared;
use crate::net::Net;

/// Listens; answers the listener's number when it does.
pub(super) fn tcp_listen(call: &mut Call<'_, '_>) -> Answer {
    let Some(address) = call.short(0) else { return Answer::Number(-1) };
    let port = call.port(2);
    if port == 0 {
        call.say("a listener needs a port from 1 to 65535: nobody would know another");
        return Answer::Number(-1);
    }
    let begun = call.net(|net, _| net.tcp_listen(&address, port, true));
    rest(begun.map(|(_, wait)| Some(wait)))
}

/// The next connection as a socket in line mode, 0 when there is none, and who it is,
/// written as `sk_udp_recv` writes it.
pub(super) fn tcp_accept(call: &mut Call<'_, '_>) -> Answer {
    let (id, sender) = (call.socket(), call.sender(1));
    let (mut memory, Some(shared)) = call.ctx.memory_and_state::<Shared>() else {
        return Answer::Number(-1);
    };
    let from = match shared.net.tcp_peek_accept(id) {
        Ok(Some(from)) => from,
        Ok(None) => return Answer::Number(0),
        Err(text) => {
            call.say(text);
            return Answer::Number(-1);
        }
    };
    if let Err(fault) = write_sender(&mut memory, sender, from) {
        call.fault(fault);
        return Answer::Number(-1);
    }
    let accepted = call.net(Net::tcp_accept);
    let socket = accepted.map(|accepted| accepted.map_or(0, |(socket, _)| socket.0));
    Answer::Number(socket.map_or(-1, |socket| i32::try_from(socket).unwrap_or(-1)))
}
