//! UDP and TCP sockets. Listeners are `listeners`.
//!
//! Clauses: plugin ABI 4.9, 6. What a socket does is `net/`; here arguments are
//! read and results written. A range that the guest does not have costs no data:
//! it is written first and taken afterwards.

use core::net::SocketAddr;

use bytes::Bytes;
use wasmi_hdk::{GuestFault, GuestMemory};

use super::Answer;
use super::call::{Call, LONGEST};
use crate::abi::queue::{Give, Shared, Until};
use crate::effect::{SocketId, UdpOption};
use crate::net::{Net, Wait};

pub(super) fn udp_create(call: &mut Call<'_, '_>) -> Answer {
    let ipv6 = call.args.i32(0) == 1;
    create(call, |net| net.udp_create(ipv6))
}

pub(super) fn udp_bind(call: &mut Call<'_, '_>) -> Answer {
    let port = call.port(1);
    let wait = call.net(|net, id| net.udp_bind(id, port));
    rest(wait.map(Some))
}

pub(super) fn udp_join_multicast(call: &mut Call<'_, '_>) -> Answer {
    group(call, |group, interface| UdpOption::Join { group, interface })
}

pub(super) fn udp_leave_multicast(call: &mut Call<'_, '_>) -> Answer {
    group(call, |group, interface| UdpOption::Leave { group, interface })
}

fn group(call: &mut Call<'_, '_>, option: fn(String, String) -> UdpOption) -> Answer {
    match (call.short(1), call.short(3)) {
        (Some(group), Some(interface)) => {
            let option = option(group, interface);
            rest(call.net(|net, id| net.udp_set_or_say(id, option)))
        }
        _ => Answer::Number(-1),
    }
}

pub(super) fn udp_set_multicast_ttl(call: &mut Call<'_, '_>) -> Answer {
    let ttl = call.args.u32(1);
    if ttl > 255 {
        call.say(format_args!("a TTL of {ttl}, the limit is 255"));
        return Answer::Number(-1);
    }
    set(call, UdpOption::MulticastTtl(ttl))
}

pub(super) fn udp_set_multicast_loopback(call: &mut Call<'_, '_>) -> Answer {
    let on = call.args.i32(1) != 0;
    set(call, UdpOption::MulticastLoopback(on))
}

pub(super) fn udp_set_broadcast(call: &mut Call<'_, '_>) -> Answer {
    let on = call.args.i32(1) != 0;
    set(call, UdpOption::Broadcast(on))
}

fn set(call: &mut Call<'_, '_>, option: UdpOption) -> Answer {
    rest(call.net(|net, id| net.udp_set(id, option)))
}

pub(super) fn udp_send(call: &mut Call<'_, '_>) -> Answer {
    let (Some(host), Some(data)) = (call.short(1), call.bytes(4, LONGEST)) else {
        return Answer::Number(-1);
    };
    let (port, len) = (call.port(3), data.len());
    sent(call.net(|net, id| net.udp_send(id, &host, port, Bytes::from(data))), len)
}

pub(super) fn udp_recv(call: &mut Call<'_, '_>) -> Answer {
    let id = call.socket();
    let Some((buffer, max)) = call.room(1) else { return Answer::Number(-1) };
    // A guest that declares less gets less.
    let sender = call.sender(3);
    let (mut memory, Some(shared)) = call.ctx.memory_and_state::<Shared>() else {
        return Answer::Number(-1);
    };
    let datagram = match shared.net.udp_peek(id) {
        Ok(Some(datagram)) => datagram,
        Ok(None) => return Answer::Number(0),
        Err(text) => {
            call.say(text);
            return Answer::Number(-1);
        }
    };
    let kept = cut(&datagram.data, max);
    let mut write = || -> Result<(), GuestFault> {
        write_sender(&mut memory, sender, datagram.from)?;
        memory.write(buffer, kept)
    };
    let written = write();
    let len = kept.len();
    match written {
        Ok(()) => {
            shared.net.udp_pop(id);
            received(call, len)
        }
        Err(fault) => {
            call.fault(fault);
            Answer::Number(-1)
        }
    }
}

pub(super) fn udp_pending(call: &mut Call<'_, '_>) -> Answer {
    let id = call.socket();
    let count = call.shared().and_then(|shared| shared.net.udp_pending(id));
    Answer::Number(number(count.unwrap_or(0)))
}

pub(super) fn udp_close(call: &mut Call<'_, '_>) -> Answer {
    let id = call.socket();
    if let Some(shared) = call.shared() {
        shared.net.udp_close(id);
    }
    Answer::Nothing
}

pub(super) fn tcp_create(call: &mut Call<'_, '_>) -> Answer {
    create(call, Net::tcp_create)
}

/// The connection is made while the guest goes on.
pub(super) fn tcp_connect(call: &mut Call<'_, '_>) -> Answer {
    connect(call, false)
}

/// Of this host (feature F56): the same with TLS.
pub(super) fn tcp_connect_tls(call: &mut Call<'_, '_>) -> Answer {
    connect(call, true)
}

fn connect(call: &mut Call<'_, '_>, tls: bool) -> Answer {
    let Some(host) = call.short(1) else { return Answer::Number(-1) };
    let port = call.port(3);
    sent(call.net(|net, id| net.tcp_connect(id, &host, port, tls)), 0)
}

pub(super) fn tcp_connected(call: &mut Call<'_, '_>) -> Answer {
    let id = call.socket();
    let connected = call.shared().and_then(|shared| shared.net.tcp_connected(id));
    Answer::Number(connected.map_or(-1, i32::from))
}

pub(super) fn tcp_set_line_buffering(call: &mut Call<'_, '_>) -> Answer {
    let lines = call.args.i32(1) != 0;
    sent(call.net(|net, id| net.tcp_set_lines(id, lines)), 0)
}

pub(super) fn tcp_send(call: &mut Call<'_, '_>) -> Answer {
    let Some(data) = call.bytes(1, LONGEST) else { return Answer::Number(-1) };
    let len = data.len();
    sent(call.net(|net, id| net.tcp_send(id, Bytes::from(data))), len)
}

/// The rest of a longer line is lost.
pub(super) fn tcp_recv_line(call: &mut Call<'_, '_>) -> Answer {
    take(
        call,
        |net, id| net.tcp_peek_line(id),
        |net, id, _| {
            net.tcp_pop_line(id);
        },
    )
}

/// The rest of a longer piece comes next.
pub(super) fn tcp_recv_raw(call: &mut Call<'_, '_>) -> Answer {
    take(call, |net, id| net.tcp_peek_raw(id), |net, id, len| net.tcp_pop_raw(id, len))
}

pub(super) fn tcp_pending(call: &mut Call<'_, '_>) -> Answer {
    let id = call.socket();
    let count = call.shared().and_then(|shared| shared.net.tcp_pending(id));
    Answer::Number(count.map_or(-1, number))
}

pub(super) fn tcp_close(call: &mut Call<'_, '_>) -> Answer {
    let id = call.socket();
    if let Some(shared) = call.shared() {
        shared.net.tcp_close(id);
    }
    Answer::Nothing
}

/// Of this host (plugin ABI W39): why the connection ended, `""` when it did in good order.
pub(super) fn tcp_last_error(call: &mut Call<'_, '_>) -> Answer {
    let id = call.socket();
    let Some((buffer, max)) = call.room(1) else { return Answer::Number(-1) };
    let (mut memory, Some(shared)) = call.ctx.memory_and_state::<Shared>() else {
        return Answer::Number(-1);
    };
    let Some(text) = shared.net.tcp_last_error(id) else { return Answer::Number(-1) };
    let mut end = text.len().min(usize::try_from(max).unwrap_or(usize::MAX));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = text.get(..end).unwrap_or_default().as_bytes();
    let (written, len) = (memory.write(buffer, kept), kept.len());
    match written {
        Ok(()) => Answer::Number(number(len)),
        Err(fault) => {
            call.fault(fault);
            Answer::Number(-1)
        }
    }
}

/// Address with a NUL and port in little-endian, both or neither.
pub(super) fn write_sender(
    memory: &mut GuestMemory<'_>,
    at: Option<(u32, u32)>,
    sender: SocketAddr,
) -> Result<(), GuestFault> {
    let Some((address, port)) = at else { return Ok(()) };
    let text = format!("{}\0", sender.ip().to_canonical());
    memory.read(port, 2)?;
    memory.write(address, text.as_bytes())?;
    memory.write(port, &sender.port().to_le_bytes())
}

fn create(
    call: &mut Call<'_, '_>,
    make: impl FnOnce(&mut Net) -> Result<SocketId, String>,
) -> Answer {
    let made = call.net(|net, _| make(net));
    Answer::Number(made.map_or(-1, |id| i32::try_from(id.0).unwrap_or(-1)))
}

/// Writes what is peeked at, then takes it.
fn take(
    call: &mut Call<'_, '_>,
    peek: impl Fn(&mut Net, SocketId) -> Result<Option<&[u8]>, String>,
    pop: impl Fn(&mut Net, SocketId, usize),
) -> Answer {
    let id = call.socket();
    let Some((buffer, max)) = call.room(1) else { return Answer::Number(-1) };
    let (mut memory, Some(shared)) = call.ctx.memory_and_state::<Shared>() else {
        return Answer::Number(-1);
    };
    let kept = match peek(&mut shared.net, id) {
        Ok(Some(data)) => cut(data, max),
        Ok(None) => return Answer::Number(0),
        Err(text) => {
            call.say(text);
            return Answer::Number(-1);
        }
    };
    let (written, len) = (memory.write(buffer, kept), kept.len());
    match written {
        Ok(()) => {
            pop(&mut shared.net, id, len);
            received(call, len)
        }
        Err(fault) => {
            call.fault(fault);
            Answer::Number(-1)
        }
    }
}

fn cut(data: &[u8], max: u32) -> &[u8] {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    data.get(..data.len().min(max)).unwrap_or_default()
}

fn received(call: &mut Call<'_, '_>, len: usize) -> Answer {
    call.ctx.charge(u64::try_from(len).unwrap_or(u64::MAX) / 8);
    Answer::Number(number(len))
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The guest waits, where there is something to wait for.
pub(super) fn rest(wait: Option<Option<Wait>>) -> Answer {
    match wait {
        Some(Some(wait)) => Answer::Rest(Until::World(wait), Give::Number),
        Some(None) => Answer::Number(0),
        None => Answer::Number(-1),
    }
}

fn sent<T>(done: Option<T>, len: usize) -> Answer {
    Answer::Number(if done.is_some() { number(len) } else { -1 })
}

impl Call<'_, '_> {
    /// The first argument; a number that no socket has when it cannot be one.
    pub(super) fn socket(&self) -> SocketId {
        SocketId(u32::try_from(self.args.i32(0)).unwrap_or(0))
    }

    /// Where to write who sent; a guest that declares no such arguments is not told.
    pub(super) fn sender(&self, index: usize) -> Option<(u32, u32)> {
        (self.args.0.len() > index).then(|| (self.args.u32(index), self.args.u32(index + 1)))
    }

    /// One call of the network; a failure is said.
    pub(super) fn net<T>(
        &mut self,
        run: impl FnOnce(&mut Net, SocketId) -> Result<T, String>,
    ) -> Option<T> {
        let id = self.socket();
        match run(&mut self.shared()?.net, id) {
            Ok(done) => Some(done),
            Err(text) => {
                self.say(text);
                None
            }
        }
    }
}
