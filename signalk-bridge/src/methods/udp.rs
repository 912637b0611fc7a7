//! `udp.*`: UDP sockets of JSON-RPC plugins (plugin ABI 6.1).
//!
//! Datagrams that come are no answer to a call: the host sends them as the
//! notification `udp.received`, as soon as the plugin rests (`session/rpc`).
//! Options may come before `udp.bind`: they are set when it binds, in order.

use serde::Deserialize;

use super::Caller;
use super::network::{Give, Reply, bytes_of};
use crate::{BridgeError, SocketId, UdpOption};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const create: &[&str] = &["ipv6"];
    pub(in crate::methods) const bind: &[&str] = &["socket", "port"];
    pub(in crate::methods) const set: &[&str] =
        &["socket", "broadcast", "multicastTtl", "multicastLoopback"];
    pub(in crate::methods) const join: &[&str] = &["socket", "group", "interface"];
    pub(in crate::methods) const leave: &[&str] = join;
    pub(in crate::methods) const send: &[&str] = &["socket", "host", "port", "data", "text"];
    pub(in crate::methods) const close: &[&str] = &["socket"];
}

/// Params of `udp.create`.
#[derive(Debug, Clone, Deserialize)]
pub struct Create {
    /// IPv6, else IPv4.
    #[serde(default)]
    pub ipv6: bool,
}

/// Params of `udp.bind`.
#[derive(Debug, Clone, Deserialize)]
pub struct Bind {
    /// Which.
    pub socket: u32,
    /// 0, or left out: any.
    #[serde(default)]
    pub port: i32,
}

/// Params of `udp.set`: what is left out stays as it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Set {
    /// Which.
    pub socket: u32,
    /// Datagrams to broadcast addresses may be sent.
    #[serde(default)]
    pub broadcast: Option<bool>,
    /// Hops of multicast datagrams, 0 to 255.
    #[serde(default)]
    pub multicast_ttl: Option<u8>,
    /// Whether own multicast datagrams come back.
    #[serde(default)]
    pub multicast_loopback: Option<bool>,
}

/// Params of `udp.join` and `udp.leave`.
#[derive(Debug, Clone, Deserialize)]
pub struct Group {
    /// Which.
    pub socket: u32,
    /// Address of the group.
    pub group: String,
    /// Address of a local interface; left out: the system chooses.
    #[serde(default)]
    pub interface: String,
}

/// Params of `udp.send`: one of `data` and `text`.
#[derive(Debug, Clone, Deserialize)]
pub struct Send {
    /// Which; binds to any port if it is not bound.
    pub socket: u32,
    /// Address or name.
    pub host: String,
    /// Where to.
    pub port: i32,
    /// Base64.
    #[serde(default)]
    pub data: Option<String>,
    /// UTF-8.
    #[serde(default)]
    pub text: Option<String>,
}

/// Params of calls that name a socket and nothing else.
#[derive(Debug, Clone, Deserialize)]
pub struct Named {
    /// Which.
    pub socket: u32,
}

/// A socket that is not bound; its number.
///
/// # Errors
/// [`BridgeError::Network`]: too many are open.
pub fn create(caller: &mut Caller<'_>, params: Create) -> Result<u32, BridgeError> {
    caller.net(|net| net.udp_create(params.ipv6)).map(|id| id.0)
}

/// Binds it to all interfaces; answers the port when that is done.
pub(super) fn bind(caller: &mut Caller<'_>, params: Bind) -> Result<Reply, BridgeError> {
    let id = SocketId(params.socket);
    let wait = caller.net(|net| net.udp_bind(id, params.port))?;
    Ok(Reply::later(caller.call, wait, Give::Port(id)))
}

/// Sets options, in the order of the parameters; answers when the last is set.
pub(super) fn set(caller: &mut Caller<'_>, params: Set) -> Result<Reply, BridgeError> {
    let options = [
        params.broadcast.map(UdpOption::Broadcast),
        params.multicast_ttl.map(|hops| UdpOption::MulticastTtl(hops.into())),
        params.multicast_loopback.map(UdpOption::MulticastLoopback),
    ];
    let mut reply = Reply::null(caller)?;
    for option in options.into_iter().flatten() {
        reply = change(caller, params.socket, option)?;
    }
    Ok(reply)
}

/// Joins a group.
pub(super) fn join(caller: &mut Caller<'_>, params: Group) -> Result<Reply, BridgeError> {
    let Group { socket, group, interface } = params;
    change(caller, socket, UdpOption::Join { group, interface })
}

/// Leaves a group.
pub(super) fn leave(caller: &mut Caller<'_>, params: Group) -> Result<Reply, BridgeError> {
    let Group { socket, group, interface } = params;
    change(caller, socket, UdpOption::Leave { group, interface })
}

fn change(caller: &mut Caller<'_>, id: u32, option: UdpOption) -> Result<Reply, BridgeError> {
    match caller.net(|net| net.udp_set(SocketId(id), option))? {
        Some(wait) => Ok(Reply::later(caller.call, wait, Give::Null)),
        None => Reply::null(caller),
    }
}

/// Sends a datagram. What fails later is in the plugin's log.
///
/// # Errors
/// [`BridgeError::BadParams`], [`BridgeError::Network`].
pub fn send(caller: &mut Caller<'_>, params: Send) -> Result<(), BridgeError> {
    let data = bytes_of(caller, params.data.as_deref(), params.text)?;
    caller.net(|net| net.udp_send(SocketId(params.socket), &params.host, params.port, data))
}

/// Leaves its groups and is gone.
///
/// # Errors
/// None: closing twice does no harm.
pub fn close(caller: &mut Caller<'_>, params: Named) -> Result<(), BridgeError> {
    caller.net(|net| {
        net.udp_close(SocketId(params.socket));
        Ok(())
    })
}
