//! `tcp.*`: TCP connections of JSON-RPC plugins (plugin ABI 6.2).
//!
//! What comes is asked for: `tcp.receive` waits until there is something and
//! then answers all of it. A plugin that does not ask makes the other end wait;
//! in line mode it loses the oldest of 1000 lines, as a feed is meant to be read.
//! Connections that come are asked for in the same way: `tcp.accept` waits for
//! one, and who is not asked for waits outside.

use serde::Deserialize;

use super::Caller;
use super::network::{Give, Reply, bytes_of, sent};
use super::udp::Named;
use crate::{BridgeError, SocketId};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const connect: &[&str] = &["host", "port", "lines", "tls"];
    pub(in crate::methods) const listen: &[&str] = &["port", "host", "lines"];
    pub(in crate::methods) const accept: &[&str] = &["listener"];
    pub(in crate::methods) const send: &[&str] = &["socket", "data", "text"];
    pub(in crate::methods) const receive: &[&str] = &["socket"];
    pub(in crate::methods) const close: &[&str] = receive;
}

/// Params of `tcp.connect`.
#[derive(Debug, Clone, Deserialize)]
pub struct Connect {
    /// Address or name.
    pub host: String,
    /// Where to.
    pub port: i32,
    /// Text comes line by line, else bytes as they come.
    #[serde(default)]
    pub lines: bool,
    /// With TLS; the server has to prove its name.
    #[serde(default)]
    pub tls: bool,
}

/// Params of `tcp.listen`.
#[derive(Debug, Clone, Deserialize)]
pub struct Listen {
    /// 0: any.
    pub port: i32,
    /// Address of the interface; left out: 127.0.0.1. Others need the owner's `listen`.
    #[serde(default)]
    pub host: String,
    /// Text comes line by line over accepted connections, else bytes as they come.
    #[serde(default)]
    pub lines: bool,
}

/// Params of `tcp.accept`.
#[derive(Debug, Clone, Deserialize)]
pub struct Accept {
    /// Which.
    pub listener: u32,
}

/// Params of `tcp.send`: one of `data` and `text`.
#[derive(Debug, Clone, Deserialize)]
pub struct Send {
    /// Which.
    pub socket: u32,
    /// Base64.
    #[serde(default)]
    pub data: Option<String>,
    /// UTF-8.
    #[serde(default)]
    pub text: Option<String>,
}

/// Connects; answers the socket's number within 30 s.
pub(super) fn connect(caller: &mut Caller<'_>, params: Connect) -> Result<Reply, BridgeError> {
    let (id, wait) = caller.net(|net| {
        let id = net.tcp_create()?;
        let begun = net.tcp_set_lines(id, params.lines);
        let begun = begun.and_then(|()| net.tcp_connect(id, &params.host, params.port, params.tls));
        begun.map(|wait| (id, wait)).inspect_err(|_| net.tcp_close(id))
    })?;
    Ok(Reply::later(caller.call, wait, Give::Socket(id)))
}

/// Listens; answers the listener's number with the address and port that it has.
pub(super) fn listen(caller: &mut Caller<'_>, params: Listen) -> Result<Reply, BridgeError> {
    let Listen { port, host, lines } = params;
    let (id, wait) = caller.net(|net| net.tcp_listen(&host, port, lines))?;
    Ok(Reply::later(caller.call, wait, Give::Listener(id)))
}

/// Waits for a connection; answers its socket, and who it is.
pub(super) fn accept(caller: &mut Caller<'_>, params: Accept) -> Result<Reply, BridgeError> {
    Ok(Reply::Data { call: caller.call, socket: SocketId(params.listener) })
}

/// Sends bytes; answers when the system has taken them.
pub(super) fn send(caller: &mut Caller<'_>, params: Send) -> Result<Reply, BridgeError> {
    let id = SocketId(params.socket);
    let data = bytes_of(caller, params.data.as_deref(), params.text)?;
    sent(caller, id, |net| net.tcp_send(id, data))
}

/// Waits for lines, bytes or the end.
pub(super) fn receive(caller: &mut Caller<'_>, params: Named) -> Result<Reply, BridgeError> {
    Ok(Reply::Data { call: caller.call, socket: SocketId(params.socket) })
}

/// Closes it; what was to be sent is sent.
///
/// # Errors
/// None: closing twice does no harm.
pub fn close(caller: &mut Caller<'_>, params: Named) -> Result<(), BridgeError> {
    caller.net(|net| {
        net.tcp_close(SocketId(params.socket));
        Ok(())
    })
}
