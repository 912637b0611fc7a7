//! UDP of a plugin, without an edge: what is set and when, what is kept, what is lost and counted.

use super::*;
use crate::effect::Report;
use crate::net::{Completed, Outcome};

fn net() -> Net {
    Net::new()
}

fn datagram(data: &[u8]) -> Datagram {
    Datagram { from: "192.168.1.7:10010".parse().unwrap(), data: Bytes::copy_from_slice(data) }
}

fn arrive(net: &mut Net, id: SocketId, datagrams: Vec<Datagram>) {
    net.handle_report(Report::Datagrams { socket: id, datagrams, dropped: 0 });
}

#[test]
fn options_before_the_bind_are_set_in_call_order_also_by_a_send() {
    let group = || UdpOption::Join { group: "236.6.7.8".into(), interface: String::new() };
    let options = || vec![UdpOption::Broadcast(true), group(), UdpOption::MulticastTtl(3)];
    for by_send in [false, true] {
        let mut net = net();
        let id = net.udp_create(false).unwrap();
        for option in options() {
            assert_eq!(net.udp_set(id, option), Ok(None));
        }
        if by_send {
            let data = Bytes::from_static(b"beacon");
            net.udp_send(id, "172.31.255.255", 10010, data).unwrap();
        } else {
            net.udp_bind(id, 10010).unwrap();
        }
        let first = net.take_effects().pop_front();
        let port = if by_send { 0 } else { 10010 };
        let expected = Effect::UdpBind { socket: id, ipv6: false, port, options: options() };
        assert_eq!(first, Some(expected));
        assert!(matches!(net.udp_set(id, group()), Ok(Some(_))), "from now on at once");
        assert!(net.udp_bind(id, 1).unwrap_err().contains("bound already"));
    }
}

#[test]
fn w38_a_bind_waits_for_its_result_and_may_be_tried_anew() {
    let mut net = net();
    let id = net.udp_create(false).unwrap();
    net.udp_set(id, UdpOption::Broadcast(true)).unwrap();
    let wait = net.udp_bind(id, 10010).unwrap();
    let failed = Report::UdpBound { socket: id, result: Err("in use".into()) };
    let outcome = Outcome::Failed("in use".into());
    assert_eq!(net.handle_report(failed), [Completed { wait, outcome }]);
    net.take_effects();
    let wait = net.udp_bind(id, 0).unwrap();
    let effects = net.take_effects();
    assert!(matches!(&effects[0], Effect::UdpBind { options, .. } if options.len() == 1));
    let bound = Report::UdpBound { socket: id, result: Ok(4711) };
    let outcome = Outcome::Number(0);
    assert_eq!(net.handle_report(bound), [Completed { wait, outcome }]);
    assert_eq!(net.udp_port(id), 4711);
}

#[test]
fn an_implicit_bind_and_an_option_after_it_are_told_apart() {
    let mut net = net();
    let id = net.udp_create(false).unwrap();
    net.udp_send(id, "radar.local", 7, Bytes::new()).unwrap();
    let wait = net.udp_set(id, UdpOption::Broadcast(true)).unwrap().unwrap();
    assert_eq!(net.handle_report(Report::UdpBound { socket: id, result: Ok(1) }), []);
    let set = Report::UdpSet { socket: id, result: Ok(()) };
    assert_eq!(net.handle_report(set), [Completed { wait, outcome: Outcome::Number(0) }]);
}

#[test]
fn the_1001st_datagram_drops_the_oldest_and_is_counted() {
    let mut net = net();
    let id = net.udp_create(false).unwrap();
    for number in 0..1001_u32 {
        arrive(&mut net, id, vec![datagram(&number.to_le_bytes())]);
    }
    assert_eq!((net.udp_pending(id), net.take_dropped()), (Some(1000), (1, 0)));
    assert_eq!(&net.udp_pop(id).unwrap().data[..], 1_u32.to_le_bytes());
    for _ in 0..200 {
        arrive(&mut net, id, vec![datagram(&[0; 60_000])]);
    }
    assert_eq!(net.udp_pending(id), Some(MOST_BYTES / 60_000), "and no more bytes than 8 MiB");
}

#[test]
fn what_the_system_would_refuse_is_refused_at_once() {
    let mut net = net();
    let id = net.udp_create(false).unwrap();
    let mut send = |host: &str, port, len| net.udp_send(id, host, port, vec![0; len].into());
    assert!(send("::1", 7, 1).is_err() && send("10.0.0.1", 0, 1).is_err());
    assert!(send("10.0.0.1", 65_536, 1).is_err() && send("10.0.0.1", 7, 65_508).is_err());
    assert!(send("255.255.255.255", 7, 1).unwrap_err().contains("broadcast"));
    assert!(send("", 7, 1).is_err());
    assert!(send("10.0.0.1", 7, 65_507).is_ok());
}

#[test]
fn a_group_that_is_no_address_is_refused_before_it_is_kept() {
    let mut net = net();
    let id = net.udp_create(false).unwrap();
    let long = "9".repeat(1 << 20);
    for (group, interface) in [("236.6.7.8", long.as_str()), (&long, ""), ("radar", ""), ("", "")] {
        for option in [
            UdpOption::Join { group: group.into(), interface: interface.into() },
            UdpOption::Leave { group: group.into(), interface: interface.into() },
        ] {
            let error = net.udp_set(id, option).unwrap_err();
            assert!(error.contains("is no address") && error.len() < 300, "{error}");
        }
    }
    assert!(net.udp(id).unwrap().options.is_empty());
    for interface in ["10.0.0.1", "::%eth0", "fe80::1%2"] {
        let interface = interface.to_owned();
        let option = UdpOption::Join { group: "ff02::1".into(), interface };
        assert_eq!(net.udp_set(id, option), Ok(None));
    }
    for interface in ["::%", "10.0.0.1%eth0", "%eth0"] {
        let option = UdpOption::Join { group: "ff02::1".into(), interface: interface.into() };
        assert!(net.udp_set(id, option).is_err(), "{interface}");
    }
}

/// Plugin ABI 6.1: an existing plugin is told 0 before the bind, and -1 afterwards.
#[test]
fn a_group_that_is_no_address_is_said_before_the_bind_and_refused_after_it() {
    let mut net = net();
    let id = net.udp_create(false).unwrap();
    let bad = || UdpOption::Join { group: "radar".into(), interface: String::new() };
    assert_eq!(net.udp_set_or_say(id, bad()), Ok(None));
    assert!(net.udp_set_or_say(SocketId(7), bad()).is_err(), "no such socket");
    assert!(net.udp(id).unwrap().options.is_empty());
    let said = net.take_troubles();
    assert!(said.iter().any(|text| text.contains("`radar` is no address")), "{said:?}");
    net.udp_bind(id, 7).unwrap();
    assert!(net.udp_set_or_say(id, bad()).unwrap_err().contains("is no address"));
}

#[test]
fn a_name_longer_than_any_is_refused() {
    let mut net = net();
    let id = net.udp_create(false).unwrap();
    let host = "x".repeat(254);
    assert!(net.udp_send(id, &host, 7, Bytes::new()).unwrap_err().contains("253"));
    let tcp = net.tcp_create().unwrap();
    assert!(net.tcp_connect(tcp, &host, 7, false).unwrap_err().contains("253"));
    assert!(net.take_effects().is_empty());
}

#[test]
fn all_queues_of_a_plugin_together_hold_64_mib() {
    let mut net = net();
    let ids: Vec<SocketId> = (0..64).map(|_| net.udp_create(false).unwrap()).collect();
    let data = Bytes::from(vec![0; 60_000]);
    for id in &ids {
        let from = "192.168.1.7:10010".parse().unwrap();
        let one = || Datagram { from, data: data.clone() };
        arrive(&mut net, *id, (0..20).map(|_| one()).collect());
    }
    let waiting: usize = ids.iter().map(|id| net.udp_pending(*id).unwrap()).sum();
    assert_eq!(waiting, 64 * ((1 << 20) / 60_000), "each has its share");
    assert_eq!(net.take_dropped().0, 64 * 20 - u64::try_from(waiting).unwrap());
}

#[test]
fn w18_ids_are_the_plugins_own_and_there_are_64() {
    let (mut one, mut two) = (net(), net());
    let id = one.udp_create(true).unwrap();
    assert_eq!(id, SocketId(1));
    assert_eq!(two.udp_bind(id, 0), Err("socket 1 not found".into()));
    assert!(two.udp_peek(id).is_err() && two.udp_pending(id).is_none());
    two.udp_close(id);
    assert!(two.take_effects().is_empty());
    for _ in 1..64 {
        one.udp_create(false).unwrap();
    }
    assert!(one.udp_create(false).unwrap_err().contains("64 sockets"));
    one.udp_close(id);
    assert_eq!(one.tcp_create(), Ok(SocketId(65)), "numbers are not used again");
}

#[test]
fn datagrams_that_were_not_sent_are_counted_and_troubles_without_room_are_numbered() {
    let mut net = net();
    let id = net.udp_create(false).unwrap();
    for number in 0..150_u64 {
        let text = format!("datagram {number}");
        net.handle_report(Report::SocketTrouble { socket: id, unsent: number % 2, text });
    }
    assert_eq!((net.take_not_sent(), net.take_not_sent()), (75, 0));
    let said = net.take_troubles();
    assert_eq!(said.len(), 101);
    assert_eq!(said[100], "50 more troubles of its network at once: they are not said");
    assert!(net.take_troubles().is_empty());
}
