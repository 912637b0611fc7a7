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
                (IpAddr::V4(group), None) => {
                    on_each(group, |group, interface| socket.join_multicast_v4(&group, &interface))
                }
                (IpAddr::V4(group), Some(IpAddr::V4(interface))) => {
                    socket.set_multicast_if_v4(&interface)?;
                    socket.join_multicast_v4(&group, &interface)
                }
                (IpAddr::V6(group), interface) => {
                    let index = index(interface)?;
                    if index != 0 {
                        socket.set_multicast_if_v6(index)?;
                    }
                    socket.join_multicast_v6(&group, index)
                }
                _ => Err(mixed()),
            }
        }
        UdpOption::Leave { group, interface } => match read(group, interface)? {
            (IpAddr::V4(group), None) => {
                on_each(group, |group, interface| socket.leave_multicast_v4(&group, &interface))
            }
            (IpAddr::V4(group), Some(IpAddr::V4(interface))) => {
                socket.leave_multicast_v4(&group, &interface)
            }
            (IpAddr::V6(group), interface) => socket.leave_multicast_v6(&group, index(interface)?),
            _ => Err(mixed()),
        },
    }
}

fn read(group: &str, interface: &str) -> io::Result<(IpAddr, Option<IpAddr>)> {
    let address = |text: &str| {
        text.parse::<IpAddr>().map_err(|_| io::Error::other(format!("`{text}` is no address")))
    };
    let interface = if interface.is_empty() { None } else { Some(address(interface)?) };
    Ok((address(group)?, interface.filter(|interface| !interface.is_unspecified())))
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

/// The number of the interface that has this address; 0: the system chooses.
fn index(interface: Option<IpAddr>) -> io::Result<u32> {
    let Some(address) = interface else { return Ok(0) };
    let all = if_addrs::get_if_addrs()?;
    all.iter()
        .find(|interface| interface.ip() == address)
        .and_then(|interface| interface.index)
        .ok_or_else(|| io::Error::other(format!("no interface has the address {address}")))
}
