//! UDP sockets as plugins set them up: address reuse, broadcast, groups and their interfaces.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use signalk_bridge::UdpOption;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// The system may give less; a burst of radar spokes is 100 datagrams in a millisecond.
const RECEIVE_BUFFER: usize = 4 << 20;

/// A bound socket on all interfaces.
pub(super) fn bind(
    ipv6: bool,
    port: u16,
    before: impl FnOnce(&Socket),
) -> io::Result<tokio::net::UdpSocket> {
    let domain = if ipv6 { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    before(&socket);
    let any: IpAddr =
        if ipv6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    socket.bind(&SocketAddr::new(any, port).into())?;
    tokio::net::UdpSocket::from_std(socket.into())
}

/// Sets one option.
pub(super) fn set(socket: &SockRef<'_>, ipv6: bool, option: &UdpOption) -> io::Result<()> {
    match option {
        UdpOption::Broadcast(on) => socket.set_broadcast(*on),
        UdpOption::MulticastTtl(hops) if ipv6 => socket.set_multicast_hops_v6(*hops),
        UdpOption::MulticastTtl(hops) => socket.set_multicast_ttl_v4(*hops),
        UdpOption::MulticastLoopback(on) if ipv6 => socket.set_multicast_loop_v6(*on),
        UdpOption::MulticastLoopback(on) => socket.set_multicast_loop_v4(*on),
        UdpOption::Join { group, interface } => {
            let (group, interface) = read(group, interface)?;
            match (group, interface) {
                (IpAddr::V4(group), Interface::Any) => {
                    on_each(group, |group, interface| socket.join_multicast_v4(&group, &interface))
                }
                (IpAddr::V4(group), Interface::With(IpAddr::V4(interface))) => {
                    socket.set_multicast_if_v4(&interface)?;
                    socket.join_multicast_v4(&group, &interface)
                }
                (IpAddr::V6(group), interface) => {
                    let index = interface.index()?;
                    if index != 0 {
                        socket.set_multicast_if_v6(index)?;
                    }
                    socket.join_multicast_v6(&group, index)
                }
                _ => Err(mixed()),
            }
        }
        UdpOption::Leave { group, interface } => match read(group, interface)? {
            (IpAddr::V4(group), Interface::Any) => {
                on_each(group, |group, interface| socket.leave_multicast_v4(&group, &interface))
            }
            (IpAddr::V4(group), Interface::With(IpAddr::V4(interface))) => {
                socket.leave_multicast_v4(&group, &interface)
            }
            (IpAddr::V6(group), interface) => socket.leave_multicast_v6(&group, interface.index()?),
            _ => Err(mixed()),
        },
    }
}

/// Where a group is joined.
#[derive(Debug, PartialEq)]
enum Interface {
    /// Where the system chooses.
    Any,
    /// Where there is this address.
    With(IpAddr),
    /// The one of this name or number: `::%eth0`, `::%2`, as Node.js writes it for IPv6.
    Zone(String),
}

impl Interface {
    fn read(text: &str) -> io::Result<Interface> {
        if text.is_empty() {
            return Ok(Interface::Any);
        }
        let (address, zone) = split(text)?;
        Ok(match zone {
            Some(zone) => Interface::Zone(zone.to_owned()),
            None if address.is_unspecified() => Interface::Any,
            None => Interface::With(address),
        })
    }

    /// Its number; 0: the system chooses.
    fn index(&self) -> io::Result<u32> {
        let (number, all) = match self {
            Interface::Any => return Ok(0),
            Interface::Zone(zone) => (zone.parse().ok(), if_addrs::get_if_addrs()?),
            Interface::With(_) => (None, if_addrs::get_if_addrs()?),
        };
        let fits = |of: &&if_addrs::Interface| match self {
            Interface::Any => false,
            Interface::With(address) => of.ip() == *address,
            Interface::Zone(name) => of.name == *name,
        };
        let found = number.or_else(|| all.iter().find(fits).and_then(|found| found.index));
        found.ok_or_else(|| match self {
            Interface::With(address) => {
                io::Error::other(format!("no interface has the address {address}"))
            }
            _ => {
                let names: std::collections::BTreeSet<_> =
                    all.iter().map(|of| of.name.as_str()).collect();
                let names = names.into_iter().collect::<Vec<_>>().join(", ");
                io::Error::other(format!("no such interface; there are {names}"))
            }
        })
    }
}

/// An address, and behind `%` the zone of one of IPv6.
fn split(text: &str) -> io::Result<(IpAddr, Option<&str>)> {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    match (address.parse::<IpAddr>(), zone) {
        (Ok(address), None) => Ok((address, None)),
        (Ok(address @ IpAddr::V6(_)), Some(zone)) => Ok((address, Some(zone))),
        _ => Err(io::Error::other(format!("`{text}` is no address"))),
    }
}

/// A zone at the group says where, if the interface is left out.
fn read(group: &str, interface: &str) -> io::Result<(IpAddr, Interface)> {
    let (group, zone) = split(group)?;
    let interface = match (Interface::read(interface)?, zone) {
        (Interface::Any, Some(zone)) => Interface::Zone(zone.to_owned()),
        (interface, _) => interface,
    };
    Ok((group, interface))
}

fn mixed() -> io::Error {
    io::Error::other("group and interface are not of the same IP version")
}

/// Where the system should choose: it does so by its default route. A boat without one (no Internet at sea) gets the
/// group on every interface that it has.
fn on_each(
    group: Ipv4Addr,
    change: impl Fn(Ipv4Addr, Ipv4Addr) -> io::Result<()>,
) -> io::Result<()> {
    let chosen = change(group, Ipv4Addr::UNSPECIFIED);
    if chosen.is_ok() {
        return chosen;
    }
    let addresses = if_addrs::get_if_addrs().unwrap_or_default();
    let all = addresses.iter().filter_map(|interface| match interface.ip() {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    });
    let mut done = false;
    for interface in all {
        done |= change(group, interface).is_ok();
    }
    if done { Ok(()) } else { chosen }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_an_address_or_a_zone() {
        let zone = |name: &str| Interface::Zone(name.to_owned());
        let loopback = Interface::With(Ipv4Addr::LOCALHOST.into());
        assert_eq!(Interface::read("").unwrap(), Interface::Any);
        assert_eq!(Interface::read("::").unwrap(), Interface::Any);
        assert_eq!(Interface::read("127.0.0.1").unwrap(), loopback);
        assert_eq!(Interface::read("::%eth0").unwrap(), zone("eth0"));
        assert_eq!(read("ff02::1%2", "").unwrap().1, zone("2"));
        assert_eq!(read("ff02::1%2", "::%3").unwrap().1, zone("3"));
        assert!(Interface::read("127.0.0.1%lo").is_err() && Interface::read("eth0").is_err());
        assert_eq!(zone("7").index().unwrap(), 7);
        let unknown = zone("no such").index().unwrap_err().to_string();
        assert!(unknown.starts_with("no such interface; there are "), "{unknown}");
    }
}
