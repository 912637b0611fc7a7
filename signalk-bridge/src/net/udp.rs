//! UDP as the plugin ABI has it: options before the bind, a bounded queue, whole datagrams.
//!
//! Clause: plugin ABI 6.1. Options that come before the bind are kept and set
//! in call order when it is done, also when a send binds implicitly.

#[cfg(test)]
mod tests;

use core::net::{IpAddr, Ipv6Addr};
use std::collections::VecDeque;

use bytes::Bytes;

use super::{MOST_QUEUED_ONE, Net, Socket, Wait, check_host, unknown};
use crate::effect::{Datagram, Effect, SocketId, UdpOption};
use crate::error::shown;

/// Datagrams and bytes that wait in one socket; then the oldest are dropped and counted. With many
/// sockets there are fewer bytes for each: [`MOST_QUEUED`](super::MOST_QUEUED).
pub(super) const MOST: usize = 1000;
pub(super) const MOST_BYTES: usize = MOST_QUEUED_ONE;
/// What one datagram can carry.
const LONGEST: usize = 65_507;
/// Options that may wait for the bind, or to be set after it.
const MOST_OPTIONS: usize = 1000;

/// One UDP socket.
#[derive(Debug, Default)]
pub(super) struct Udp {
    ipv6: bool,
    /// A bind was asked for; the edge does what follows in order.
    bound: bool,
    /// Of a bind that is done.
    port: u16,
    /// Set before the bind.
    options: Vec<UdpOption>,
    /// Who waits for the bind and the options that were asked for, in order.
    awaiting: VecDeque<Option<Wait>>,
    queue: VecDeque<Datagram>,
    bytes: usize,
    /// Datagrams that were dropped and that the guest was not told of.
    untold: u64,
}

impl Net {
    /// A socket that is not bound.
    ///
    /// # Errors
    /// In words, as all calls here.
    pub(crate) fn udp_create(&mut self, ipv6: bool) -> Result<SocketId, String> {
        self.add(Socket::Udp(Udp { ipv6, ..Udp::default() }))
    }

    /// Binds it to all interfaces; 0 is any port.
    pub(crate) fn udp_bind(&mut self, id: SocketId, port: i32) -> Result<Wait, String> {
        let port = u16::try_from(port).map_err(|_| format!("{port} is no port"))?;
        let wait = self.next_wait();
        self.bind(id, port, Some(wait))?;
        Ok(wait)
    }

    fn bind(&mut self, id: SocketId, port: u16, wait: Option<Wait>) -> Result<(), String> {
        let udp = self.udp(id)?;
        if udp.bound {
            return Err(format!("socket {} is bound already", id.0));
        }
        udp.bound = true;
        udp.awaiting.push_back(wait);
        let (ipv6, options) = (udp.ipv6, udp.options.clone());
        self.begin(Effect::UdpBind { socket: id, ipv6, port, options });
        Ok(())
    }

    /// Sets an option; `None`: it is kept for the bind.
    pub(crate) fn udp_set(
        &mut self,
        id: SocketId,
        option: UdpOption,
    ) -> Result<Option<Wait>, String> {
        check_option(&option)?;
        let wait = self.next_wait();
        let udp = self.udp(id)?;
        if udp.bound {
            if udp.awaiting.len() >= MOST_OPTIONS {
                return Err(format!("{MOST_OPTIONS} options wait to be set; await each"));
            }
            udp.awaiting.push_back(Some(wait));
            self.effects.push_back(Effect::UdpSet { socket: id, option });
            return Ok(Some(wait));
        }
        if udp.options.len() >= MOST_OPTIONS {
            return Err(format!("{MOST_OPTIONS} options wait for the bind"));
        }
        udp.options.push(option);
        Ok(None)
    }

    /// [`Net::udp_set`] for the imports of existing plugins: what makes no sense is said, and before the bind the guest
    /// goes on as if it did (plugin ABI 6.1: options before the bind return 0, failures are only logged).
    pub(crate) fn udp_set_or_say(
        &mut self,
        id: SocketId,
        option: UdpOption,
    ) -> Result<Option<Wait>, String> {
        match check_option(&option) {
            Err(text) if !self.udp(id)?.bound => {
                self.trouble(text);
                Ok(None)
            }
            _ => self.udp_set(id, option),
        }
    }

    /// Sends a datagram; binds to any port if it must. What the system would refuse at once is
    /// refused here, whatever fails later is a trouble.
    pub(crate) fn udp_send(
        &mut self,
        id: SocketId,
        host: &str,
        port: i32,
        data: Bytes,
    ) -> Result<(), String> {
        let port = u16::try_from(port).ok().filter(|port| *port != 0);
        let port = port.ok_or("a datagram needs a port from 1 to 65535")?;
        if data.len() > LONGEST {
            return Err(format!("a datagram of {} bytes, the limit is {LONGEST}", data.len()));
        }
        let udp = self.udp(id)?;
        check_host(host, "a datagram")?;
        if let Ok(ip) = host.parse::<IpAddr>()
            && ip.is_ipv6() != udp.ipv6
        {
            return Err(format!("{host} is not of the socket's IP version"));
        }
        let broadcast = |option: &UdpOption| matches!(option, UdpOption::Broadcast(true));
        if host == "255.255.255.255" && !udp.bound && !udp.options.iter().any(broadcast) {
            return Err("broadcast is not set on this socket".to_owned());
        }
        if !udp.bound {
            self.bind(id, 0, None)?;
        }
        let bytes = data.len();
        self.send(Effect::UdpSend { socket: id, host: host.to_owned(), port, data }, bytes)
    }

    /// The oldest datagram, still in the queue.
    pub(crate) fn udp_peek(&mut self, id: SocketId) -> Result<Option<&Datagram>, String> {
        Ok(self.udp(id)?.queue.front())
    }

    /// Takes the oldest datagram.
    pub(crate) fn udp_pop(&mut self, id: SocketId) -> Option<Datagram> {
        let udp = self.udp(id).ok()?;
        let datagram = udp.queue.pop_front()?;
        udp.bytes -= datagram.data.len();
        Some(datagram)
    }

    /// A batch for a guest that is told of its datagrams: those that wait, and how many were lost
    /// before them.
    pub(crate) fn udp_take(
        &mut self,
        id: SocketId,
        most: usize,
        bytes: usize,
    ) -> (Vec<Datagram>, u64) {
        let mut batch = Vec::new();
        let mut size = 0;
        while batch.len() < most && size < bytes {
            let Some(datagram) = self.udp_pop(id) else { break };
            size += datagram.data.len();
            batch.push(datagram);
        }
        let lost = self.udp(id).map_or(0, |udp| std::mem::take(&mut udp.untold));
        (batch, lost)
    }

    /// Sockets with datagrams.
    pub(crate) fn udp_waiting(&self) -> Vec<SocketId> {
        let has = |socket: &Socket| matches!(socket, Socket::Udp(udp) if !udp.queue.is_empty());
        self.sockets.iter().filter(|(_, socket)| has(socket)).map(|(id, _)| *id).collect()
    }

    /// Datagrams that wait.
    pub(crate) fn udp_pending(&mut self, id: SocketId) -> Option<usize> {
        self.udp(id).ok().map(|udp| udp.queue.len())
    }

    /// The port that it is bound to, 0 before.
    pub(crate) fn udp_port(&mut self, id: SocketId) -> u16 {
        self.udp(id).map_or(0, |udp| udp.port)
    }

    /// Leaves its groups and is gone.
    pub(crate) fn udp_close(&mut self, id: SocketId) {
        if self.udp(id).is_err() {
            return;
        }
        let Some(Socket::Udp(udp)) = self.sockets.remove(&id) else { return };
        for wait in udp.awaiting {
            self.complete(wait, Err(format!("socket {} was closed", id.0)));
        }
        if udp.bound {
            self.effects.push_back(Effect::Close { socket: id, reason: None });
        }
    }

    fn udp(&mut self, id: SocketId) -> Result<&mut Udp, String> {
        match self.sockets.get_mut(&id) {
            Some(Socket::Udp(udp)) => Ok(udp),
            _ => Err(unknown(id)),
        }
    }

    pub(super) fn udp_bound(&mut self, id: SocketId, result: Result<u16, String>) {
        let Ok(udp) = self.udp(id) else { return };
        match result {
            Ok(port) => {
                udp.port = port;
                udp.options.clear();
                let wait = udp.awaiting.pop_front().flatten();
                self.complete(wait, Ok(()));
            }
            Err(text) => {
                // It may be bound to another port: with the options that it was given.
                udp.bound = false;
                let waits: Vec<Option<Wait>> = udp.awaiting.drain(..).collect();
                if waits.iter().all(Option::is_none) {
                    self.trouble(text.clone());
                }
                for wait in waits {
                    self.complete(wait, Err(text.clone()));
                }
            }
        }
    }

    pub(super) fn udp_was_set(&mut self, id: SocketId, result: Result<(), String>) {
        let Ok(udp) = self.udp(id) else { return };
        let wait = udp.awaiting.pop_front().flatten();
        self.complete(wait, result);
    }

    pub(super) fn udp_received(&mut self, id: SocketId, datagrams: Vec<Datagram>, dropped: u64) {
        let share = self.share();
        let Ok(udp) = self.udp(id) else { return };
        udp.untold += dropped;
        let mut lost = dropped;
        for datagram in datagrams {
            udp.bytes += datagram.data.len();
            udp.queue.push_back(datagram);
            lost += udp.cut_to(share);
        }
        self.datagrams_dropped += lost;
        self.fresh.insert(id);
    }
}

impl Udp {
    /// Drops the oldest over the bounds; how many.
    pub(super) fn cut_to(&mut self, bytes: usize) -> u64 {
        let mut lost = 0;
        while self.queue.len() > MOST || self.bytes > bytes {
            let Some(oldest) = self.queue.pop_front() else { break };
            self.bytes -= oldest.data.len();
            lost += 1;
        }
        self.untold += lost;
        lost
    }
}

/// A group and an interface are addresses: a text that is none is not kept until the bind.
fn check_option(option: &UdpOption) -> Result<(), String> {
    let (UdpOption::Join { group, interface } | UdpOption::Leave { group, interface }) = option
    else {
        return Ok(());
    };
    let bad =
        [(group, is_address(group)), (interface, interface.is_empty() || is_address(interface))];
    match bad.into_iter().find(|(_, fits)| !fits) {
        Some((text, _)) => {
            Err(format!("`{}` is no address; write 236.6.7.8, ff02::1 or ::%eth0", shown(text)))
        }
        None => Ok(()),
    }
}

/// Behind `%` an address of IPv6 may have a zone: the name or number of an interface.
fn is_address(text: &str) -> bool {
    /// Longer than any system's names of interfaces.
    const LONGEST_ZONE: usize = 255;
    match text.split_once('%') {
        Some((address, zone)) => {
            let named = !zone.is_empty() && zone.len() <= LONGEST_ZONE;
            named && address.parse::<Ipv6Addr>().is_ok()
        }
        None => text.parse::<IpAddr>().is_ok(),
    }
}
