//! Listeners without an edge: who is accepted, who waits, who is refused, and what ends with what.

use bytes::Bytes;

use super::*;
use crate::effect::Report;
use crate::net::{Fresh, Received};

const ID: SocketId = SocketId(1);

fn from() -> SocketAddr {
    "192.168.1.7:40000".parse().unwrap()
}

fn listening(lines: bool) -> Net {
    let mut net = Net::new();
    let (id, wait) = net.tcp_listen("", 10111, lines).unwrap();
    let at: SocketAddr = "127.0.0.1:10111".parse().unwrap();
    assert_eq!(net.take_effects(), [Effect::TcpListen { socket: id, at }]);
    let done = net.handle_report(Report::Listening { socket: id, result: Ok(at) });
    assert_eq!(done, [Completed { wait, outcome: Outcome::Number(1) }]);
    assert_eq!((id, net.tcp_listens_at(id)), (ID, Some(at)));
    net
}

fn knock(net: &mut Net, number: u64) {
    let connection = ConnectionId(number);
    net.handle_report(Report::Accepted { listener: ID, connection, from: from() });
}

#[test]
fn f56_a_connection_that_came_is_an_ordinary_socket() {
    for lines in [true, false] {
        let mut net = listening(lines);
        assert_eq!(net.tcp_accept(ID), Ok(None));
        knock(&mut net, 7);
        assert_eq!(net.take_fresh(), [Fresh::Listener(ID)]);
        assert_eq!(net.tcp_peek_accept(ID), Ok(Some(from())));
        let socket = SocketId(2);
        assert_eq!(net.tcp_accept(ID), Ok(Some((socket, from()))));
        let connection = ConnectionId(7);
        assert_eq!(net.take_effects(), [Effect::TcpAccept { listener: ID, connection, socket }]);
        assert_eq!(net.tcp_connected(socket), Some(true));
        net.handle_report(Report::TcpData { socket, data: Bytes::from_static(b"one\n") });
        let expected = if lines {
            Received::Lines(vec![b"one".to_vec()])
        } else {
            Received::Bytes(Bytes::from_static(b"one\n"))
        };
        assert_eq!(net.tcp_take(socket), Ok(Some(expected)));
        net.tcp_send(socket, Bytes::from_static(b"two")).unwrap();
        net.tcp_close(ID);
        assert_eq!(net.tcp_connected(socket), Some(true), "it outlives its listener");
        assert_eq!(net.tcp_accept(ID), Err("socket 1 not found".into()));
        assert_eq!(net.take_connections(), (1, 0));
    }
}

#[test]
fn f56_sixteen_wait_and_one_more_is_refused_and_counted() {
    let mut net = listening(false);
    for number in 0..18 {
        knock(&mut net, number);
    }
    let refused = |number| Effect::TcpRefuse { listener: ID, connection: ConnectionId(number) };
    assert_eq!(net.take_effects(), [refused(16), refused(17)]);
    assert_eq!(net.take_connections(), (0, 2));
    net.tcp_close(ID);
    assert_eq!(net.take_effects(), [Effect::Close { socket: ID, reason: None }]);
    assert_eq!(net.take_connections(), (0, 16), "who waited is closed with it");
    knock(&mut net, 18);
    assert!(net.take_effects().is_empty());
}

#[test]
fn f56_half_of_the_sockets_are_for_those_who_come_and_room_is_news() {
    let mut net = listening(false);
    for number in 0..32 {
        knock(&mut net, number);
        assert!(net.tcp_accept(ID).unwrap().is_some());
    }
    knock(&mut net, 32);
    assert_eq!(net.take_fresh(), [Fresh::Listener(ID)]);
    assert_eq!(net.tcp_peek_accept(ID), Ok(None), "it waits");
    assert_eq!(net.tcp_accept(ID), Ok(None));
    assert!(net.tcp_create().is_ok(), "the plugin's own sockets are not taken");
    assert_eq!(net.take_fresh(), []);
    net.tcp_close(SocketId(5));
    assert_eq!(net.take_fresh(), [Fresh::Listener(ID)], "there is room again");
    assert!(net.tcp_accept(ID).unwrap().is_some());
    net.tcp_close(SocketId(6));
    assert_eq!(net.take_fresh(), [], "nobody waits");
}

#[test]
fn f56_what_cannot_be_is_refused_in_words() {
    let mut net = listening(false);
    let refused = |net: &mut Net, host: &str, port| net.tcp_listen(host, port, false).unwrap_err();
    assert!(refused(&mut net, "pilot.local", 1).contains("`pilot.local` is no address"));
    assert!(refused(&mut net, "", 65536).contains("from 0 to 65535"));
    let failed = |net: &mut Net| {
        let (socket, wait) = net.tcp_listen("0.0.0.0", 80, false).unwrap();
        let result = Err("in use".to_owned());
        let done = net.handle_report(Report::Listening { socket, result });
        assert_eq!(done, [Completed { wait, outcome: Outcome::Failed("in use".into()) }]);
        assert!(!net.is_open(socket));
    };
    failed(&mut net);
    for _ in 1..8 {
        net.tcp_listen("::1", 0, false).unwrap();
    }
    assert_eq!(refused(&mut net, "", 1), "8 listeners are open; close one first");
    let (last, wait) = (SocketId(3), net.take_completed());
    assert!(wait.is_empty());
    net.tcp_close(last);
    let outcome = Outcome::Failed("listener 3 was closed".into());
    assert_eq!(net.take_completed().pop().map(|done| done.outcome), Some(outcome));
}
