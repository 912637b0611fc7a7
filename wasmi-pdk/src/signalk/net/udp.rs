//! UDP sockets: options, datagrams out, datagrams in.
//!
//! Datagrams come as notifications while the plugin rests and wait in its memory until they are
//! received: at most 1000 of one socket, then the oldest go and are counted.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

use serde::{Deserialize, Serialize};

use super::{Owned, decode, encode};
use crate::Result;
use crate::signalk::SignalK;

/// Datagrams that wait.
const MOST: usize = 1000;

/// A UDP socket. Options may be set before it is bound: they hold from the first datagram on.
pub struct UdpSocket {
    owned: Owned,
    inbox: Rc<Inbox>,
}

/// One datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// Who sent it.
    pub address: String,
    /// From which port.
    pub port: u16,
    /// Its bytes, possibly none.
    pub data: Vec<u8>,
}

#[derive(Default)]
struct Inbox {
    queue: RefCell<VecDeque<Datagram>>,
    wakers: RefCell<Vec<Waker>>,
    dropped: Cell<u64>,
}

/// The inboxes of all sockets of a plugin.
#[derive(Default)]
pub(crate) struct Inboxes {
    all: RefCell<Vec<(u64, Weak<Inbox>)>>,
    /// [`Inboxes::sort`], from the first socket on: a plugin without sockets does not carry its code.
    sort: Cell<Option<Sort>>,
}

type Sort = fn(&Inboxes, &str);

/// Params of `udp.received`.
#[derive(Deserialize)]
struct Received {
    socket: u64,
    dropped: u64,
    datagrams: Vec<Wire>,
}

#[derive(Deserialize)]
struct Wire {
    address: String,
    port: u16,
    data: String,
}

#[derive(Serialize)]
struct Send<'a> {
    socket: u64,
    host: &'a str,
    port: u16,
    data: String,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Set {
    socket: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    broadcast: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multicast_ttl: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multicast_loopback: Option<bool>,
}

impl UdpSocket {
    /// A socket of IPv4.
    ///
    /// # Errors
    /// The capability `rawSockets` is missing, or 64 sockets are open.
    pub async fn create(sk: &SignalK) -> Result<Self> {
        UdpSocket::of_version(sk, false).await
    }

    /// A socket of IPv6.
    ///
    /// # Errors
    /// As [`UdpSocket::create`].
    pub async fn create_v6(sk: &SignalK) -> Result<Self> {
        UdpSocket::of_version(sk, true).await
    }

    async fn of_version(sk: &SignalK, ipv6: bool) -> Result<Self> {
        let number = sk.host().call("udp.create", (ipv6,)).await?;
        let owned = Owned { host: sk.host().clone(), number, close: "udp.close" };
        let inbox = Rc::new(Inbox::default());
        sk.inboxes().add(number, &inbox);
        Ok(UdpSocket { owned, inbox })
    }

    /// Binds it to all interfaces; 0 is any port. Answers the port.
    ///
    /// # Errors
    /// The port is in use, or the socket is bound.
    pub async fn bind(&self, port: u16) -> Result<u16> {
        self.owned.host.call("udp.bind", (self.owned.number, port)).await
    }

    /// Whether datagrams may go to broadcast addresses.
    ///
    /// # Errors
    /// What the system says.
    pub async fn set_broadcast(&self, on: bool) -> Result<()> {
        self.set(Set { broadcast: Some(on), ..Set::default() }).await
    }

    /// Hops of multicast datagrams.
    ///
    /// # Errors
    /// What the system says.
    pub async fn set_multicast_ttl(&self, hops: u8) -> Result<()> {
        self.set(Set { multicast_ttl: Some(hops), ..Set::default() }).await
    }

    /// Whether own multicast datagrams come back.
    ///
    /// # Errors
    /// What the system says.
    pub async fn set_multicast_loopback(&self, on: bool) -> Result<()> {
        self.set(Set { multicast_loopback: Some(on), ..Set::default() }).await
    }

    async fn set(&self, set: Set) -> Result<()> {
        let set = Set { socket: self.owned.number, ..set };
        self.owned.host.call("udp.set", set).await
    }

    /// Joins a group on the interface with this address; `""`: the system chooses.
    ///
    /// # Errors
    /// What the system says.
    pub async fn join(&self, group: &str, interface: &str) -> Result<()> {
        self.owned.host.call("udp.join", (self.owned.number, group, interface)).await
    }

    /// Leaves a group.
    ///
    /// # Errors
    /// What the system says.
    pub async fn leave(&self, group: &str, interface: &str) -> Result<()> {
        self.owned.host.call("udp.leave", (self.owned.number, group, interface)).await
    }

    /// Sends a datagram to an address or name; binds to any port if it must.
    ///
    /// # Errors
    /// What can be known at once; later failures are in the log.
    pub async fn send(&self, host: &str, port: u16, data: &[u8]) -> Result<()> {
        let send = Send { socket: self.owned.number, host, port, data: encode(data) };
        self.owned.host.call("udp.send", send).await
    }

    /// The oldest datagram that was not received yet; waits for one.
    pub async fn receive(&self) -> Datagram {
        poll_fn(|cx| match self.inbox.queue.borrow_mut().pop_front() {
            Some(datagram) => Poll::Ready(datagram),
            None => {
                let mut wakers = self.inbox.wakers.borrow_mut();
                if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                    wakers.push(cx.waker().clone());
                }
                Poll::Pending
            }
        })
        .await
    }

    /// Datagrams that were lost because nobody received them in time, here or in the host.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.inbox.dropped.get()
    }
}

impl Inboxes {
    fn add(&self, socket: u64, inbox: &Rc<Inbox>) {
        self.sort.set(Some(Inboxes::sort));
        let mut all = self.all.borrow_mut();
        all.retain(|(_, inbox)| inbox.strong_count() > 0);
        all.push((socket, Rc::downgrade(inbox)));
    }

    /// Params of `udp.received`.
    pub(crate) fn receive(&self, params: &str) {
        if let Some(sort) = self.sort.get() {
            sort(self, params);
        }
    }

    /// Datagrams of a socket that was dropped meanwhile are nobody's.
    fn sort(&self, params: &str) {
        let received: Received = match serde_json::from_str(params) {
            Ok(received) => received,
            Err(error) => return log::warn!("udp.received: {error}"),
        };
        let all = self.all.borrow();
        let found = all.iter().find(|(socket, _)| *socket == received.socket);
        let Some(inbox) = found.and_then(|(_, inbox)| inbox.upgrade()) else { return };
        let mut queue = inbox.queue.borrow_mut();
        let mut dropped = received.dropped;
        for Wire { address, port, data } in received.datagrams {
            let Ok(data) = decode(&data) else { continue };
            queue.push_back(Datagram { address, port, data });
            if queue.len() > MOST {
                queue.pop_front();
                dropped += 1;
            }
        }
        inbox.dropped.set(inbox.dropped.get() + dropped);
        inbox.wakers.take().into_iter().for_each(Waker::wake);
    }
}
