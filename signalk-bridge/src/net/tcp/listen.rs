//! Connections that come from elsewhere: listeners, who waits there, and how many a plugin may have.
//!
//! Feature F56. A connection waits at the edge until the plugin accepts it and
//! is an ordinary socket from then on. Whether a plugin may listen on an
//! address is its owner's word (`egress.rs`), which the edge asks. Bounds: so
//! many listeners, so many accepted connections, so that who knocks from
//! outside does not take the sockets that the plugin needs itself; so many that
//! wait. One more is closed at once and counted.

#[cfg(test)]
mod tests;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::VecDeque;

use super::{State, Tcp};
use crate::effect::{BACKLOG, ConnectionId, Effect, SocketId};
use crate::error::shown;
use crate::net::{Completed, MOST_SOCKETS, Net, Outcome, Socket, Wait, unknown};

/// Listeners of one plugin.
const MOST_LISTENERS: usize = 8;
/// Accepted connections of one plugin that are open, of its sockets.
const MOST_ACCEPTED: usize = MOST_SOCKETS / 2;

/// One listener.
#[derive(Debug)]
pub(in crate::net) struct Listener {
    /// Accepted connections are in line mode.
    lines: bool,
    /// Once it listens.
    at: Option<SocketAddr>,
    /// Came and were not accepted, oldest first.
    waiting: VecDeque<(ConnectionId, SocketAddr)>,
    awaiting: Option<Wait>,
}

/// Connections of all listeners of a plugin.
#[derive(Debug, Default)]
pub(in crate::net) struct Connections {
    /// Since last asked.
    accepted: u64,
    /// Since last asked.
    refused: u64,
    /// One could not be accepted because too many sockets are open: somebody has to be told when not.
    too_many: bool,
}

impl Net {
    /// Begins to listen; the wait ends with the listener's number, by which it is known from now on.
    ///
    /// # Errors
    /// In words, as all calls here.
    pub(crate) fn tcp_listen(
        &mut self,
        host: &str,
        port: i32,
        lines: bool,
    ) -> Result<(SocketId, Wait), String> {
        let ip: IpAddr = match host {
            "" | "localhost" => Ipv4Addr::LOCALHOST.into(),
            address => address.parse().map_err(|_| {
                let shown = shown(address);
                format!("`{shown}` is no address; listen on 127.0.0.1, or on 0.0.0.0 if the owner permits it")
            })?,
        };
        let port = u16::try_from(port)
            .map_err(|_| "a listener needs a port from 0 to 65535".to_owned())?;
        if self.listeners().count() >= MOST_LISTENERS {
            return Err(format!("{MOST_LISTENERS} listeners are open; close one first"));
        }
        let wait = self.next_wait();
        let listener = Listener { lines, at: None, waiting: VecDeque::new(), awaiting: Some(wait) };
        let socket = self.add(Socket::Listener(listener))?;
        self.begin(Effect::TcpListen { socket, at: SocketAddr::new(ip, port) });
        Ok((socket, wait))
    }

    /// Where it listens; `None`: not yet, or it is none.
    pub(crate) fn tcp_listens_at(&self, id: SocketId) -> Option<SocketAddr> {
        match self.sockets.get(&id) {
            Some(Socket::Listener(listener)) => listener.at,
            _ => None,
        }
    }

    /// Who is accepted next; `None`: nobody waits, or too many sockets are open.
    pub(crate) fn tcp_peek_accept(&mut self, id: SocketId) -> Result<Option<SocketAddr>, String> {
        let next = self.listener(id)?.waiting.front().map(|(_, from)| *from);
        let has_room = self.has_room();
        self.connections.too_many |= next.is_some() && !has_room;
        Ok(next.filter(|_| has_room))
    }

    /// The oldest connection that waits becomes a socket.
    pub(crate) fn tcp_accept(
        &mut self,
        id: SocketId,
    ) -> Result<Option<(SocketId, SocketAddr)>, String> {
        if self.tcp_peek_accept(id)?.is_none() {
            return Ok(None);
        }
        let listener = self.listener(id)?;
        let raw_mode = !listener.lines;
        let Some((connection, from)) = listener.waiting.pop_front() else { return Ok(None) };
        let tcp = Tcp { came: true, ..Tcp::new(State::Connected, raw_mode) };
        let socket = self.add(Socket::Tcp(tcp))?;
        self.effects.push_back(Effect::TcpAccept { listener: id, connection, socket });
        self.connections.accepted += 1;
        Ok(Some((socket, from)))
    }

    /// Connections that were accepted, and that were refused, since last asked.
    pub(crate) fn take_connections(&mut self) -> (u64, u64) {
        let Connections { accepted, refused, .. } = &mut self.connections;
        (std::mem::take(accepted), std::mem::take(refused))
    }

    fn listener(&mut self, id: SocketId) -> Result<&mut Listener, String> {
        match self.sockets.get_mut(&id) {
            Some(Socket::Listener(listener)) => Ok(listener),
            _ => Err(unknown(id)),
        }
    }

    fn listeners(&self) -> impl Iterator<Item = (SocketId, &Listener)> {
        self.sockets.iter().filter_map(|(id, socket)| match socket {
            Socket::Listener(listener) => Some((*id, listener)),
            _ => None,
        })
    }

    /// Whether one more connection may be accepted.
    fn has_room(&self) -> bool {
        let came = |socket: &&Socket| matches!(socket, Socket::Tcp(Tcp { came: true, .. }));
        self.sockets.len() < MOST_SOCKETS
            && self.sockets.values().filter(came).count() < MOST_ACCEPTED
    }

    /// Who waits because too many sockets were open is news again when they are not.
    pub(in crate::net) fn tcp_look_for_room(&mut self) {
        if !self.connections.too_many || !self.has_room() {
            return;
        }
        self.connections.too_many = false;
        let waiting = self.listeners().filter(|(_, listener)| !listener.waiting.is_empty());
        let waiting: Vec<SocketId> = waiting.map(|(id, _)| id).collect();
        self.fresh.extend(waiting);
    }

    pub(in crate::net) fn tcp_was_opened(
        &mut self,
        id: SocketId,
        result: Result<SocketAddr, String>,
    ) {
        let Ok(listener) = self.listener(id) else { return };
        let wait = listener.awaiting.take();
        let outcome = match result {
            Ok(at) => {
                listener.at = Some(at);
                Outcome::Number(i32::try_from(id.0).unwrap_or(-1))
            }
            Err(text) => {
                self.sockets.remove(&id);
                Outcome::Failed(text)
            }
        };
        self.completed.extend(wait.map(|wait| Completed { wait, outcome }));
    }

    /// A connection came.
    pub(in crate::net) fn tcp_knocked(
        &mut self,
        id: SocketId,
        connection: ConnectionId,
        from: SocketAddr,
    ) {
        // It was closed meanwhile, and with it the edge has closed who waits there.
        let Ok(listener) = self.listener(id) else { return };
        if listener.waiting.len() < BACKLOG {
            listener.waiting.push_back((connection, from));
            self.fresh.insert(id);
        } else {
            self.connections.refused += 1;
            self.effects.push_back(Effect::TcpRefuse { listener: id, connection });
        }
    }

    /// Those that were accepted stay.
    pub(super) fn tcp_stop_listening(&mut self, id: SocketId) {
        let Ok(listener) = self.listener(id) else { return };
        let wait = listener.awaiting.take();
        self.connections.refused += u64::try_from(listener.waiting.len()).unwrap_or(u64::MAX);
        self.sockets.remove(&id);
        self.complete(wait, Err(format!("listener {} was closed", id.0)));
        self.effects.push_back(Effect::Close { socket: id, reason: None });
    }
}
