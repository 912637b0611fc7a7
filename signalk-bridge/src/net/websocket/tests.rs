//! A connection from its making to its end, driven by hand.

use bytes::Bytes;

use super::*;
use crate::effect::Report;

const ID: SocketId = SocketId(1);

fn text(text: &str) -> WebSocketMessage {
    WebSocketMessage::Text(text.to_owned())
}

fn open() -> Net {
    let mut net = Net::new();
    let headers = vec![("Sec-WebSocket-Key".into(), "x".into()), ("X-A".into(), "1".into())];
    let (id, wait) = net.ws_connect("wss://a.b/c", headers, vec!["v1".into()]).unwrap();
    let effects = net.take_effects();
    assert!(matches!(&effects[0], Effect::WebSocketConnect { headers, .. } if headers.len() == 1));
    let connected = Report::Connected { socket: id, result: Ok("v1".into()) };
    let outcome = Outcome::Number(0);
    assert_eq!(net.handle_report(connected), [Completed { wait, outcome }]);
    assert_eq!(net.ws_protocol(id), "v1");
    net
}

#[test]
fn messages_are_taken_in_order_and_the_end_comes_last_and_once() {
    let mut net = open();
    assert_eq!(net.ws_take(ID), Ok(None));
    for message in ["one", "", "three"] {
        net.handle_report(Report::WebSocketMessage { socket: ID, message: text(message) });
    }
    assert_eq!(net.ws_take(ID), Ok(Some(Heard::Message(text("one")))));
    assert_eq!(net.ws_take(ID), Ok(Some(Heard::Message(text("")))));
    let taken: Vec<_> = net.take_effects().into();
    assert!(matches!(taken[..], [_, Effect::Taken { bytes: 1.., .. }]), "{taken:?}");
    let close = Some((4001, "enough".to_owned()));
    net.handle_report(Report::Closed { socket: ID, error: None, close: close.clone() });
    assert!(net.ws_send(ID, text("x")).unwrap_err().contains("not connected"));
    assert_eq!(net.ws_take(ID), Ok(Some(Heard::Message(text("three")))));
    assert_eq!(net.ws_take(ID), Ok(Some(Heard::End(End { error: None, close }))));
    assert_eq!(net.ws_take(ID), Err("socket 1 not found".into()));
    assert!(net.take_effects().is_empty(), "there is nothing left to close");
}

#[test]
fn who_sends_may_wait_and_too_much_is_refused() {
    let mut net = open();
    let large = WebSocketMessage::Binary(vec![0; MOST_UNSENT + 1].into());
    net.ws_send(ID, large).unwrap();
    let wait = net.when_sent(ID).unwrap();
    assert!(net.ws_send(ID, text("x")).unwrap_err().contains("wait to be sent"));
    let sent = Report::Sent { socket: ID, bytes: MOST_UNSENT + 1 };
    let outcome = Outcome::Number(0);
    assert_eq!(net.handle_report(sent), [Completed { wait, outcome }]);
    assert_eq!(net.when_sent(ID), None, "all is sent");
    net.ws_send(ID, text("x")).unwrap();
    let wait = net.when_sent(ID).unwrap();
    net.ws_close(ID, Some((1000, "bye".into()))).unwrap();
    let outcome = Outcome::Failed("socket 1 was closed".into());
    assert_eq!(net.take_completed(), [Completed { wait, outcome }]);
}

#[test]
fn empty_messages_count_too() {
    let mut net = open();
    let most = (0..100_000).take_while(|_| net.ws_send(ID, text("")).is_ok()).count();
    assert_eq!(most, MOST_UNSENT / 64);
    assert!(net.when_sent(ID).is_some(), "who sends nothing may wait for it as well");
    net.handle_report(Report::Sent { socket: ID, bytes: text("").weight() });
    assert_eq!(net.ws_send(ID, text("")), Ok(()));
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let mut net = open();
    assert!(net.ws_connect("http://a.b", vec![], vec![]).unwrap_err().contains("ws: or wss:"));
    let long = vec!["x".repeat(1 << 20)];
    let error = net.ws_connect("ws://a.b", vec![], long.clone()).unwrap_err();
    assert!(error.contains("1048576"), "{error}");
    let headers = long.into_iter().map(|value| ("x".to_owned(), value)).collect();
    assert!(net.fetch("GET", "http://a.b", headers, Bytes::new()).is_err());
    assert!(net.ws_close(ID, Some((1006, String::new()))).unwrap_err().contains("1006"));
    assert!(net.ws_close(ID, Some((1000, "x".repeat(124)))).is_err());
    assert_eq!(net.ws_take(SocketId(2)), Err("socket 2 not found".into()));
    let (id, wait) = net.ws_connect("ws://nobody", vec![], vec![]).unwrap();
    let failed = Report::Connected { socket: id, result: Err("nobody".into()) };
    let outcome = Outcome::Failed("nobody".into());
    assert_eq!(net.handle_report(failed), [Completed { wait, outcome }]);
    assert!(net.ws_take(id).is_err());
}

#[test]
fn all_sockets_together_keep_so_much_unsent() {
    let mut net = Net::new();
    let sockets: Vec<SocketId> = (0..4)
        .map(|_| {
            let (id, _) = net.ws_connect("ws://a.b", vec![], vec![]).unwrap();
            net.handle_report(Report::Connected { socket: id, result: Ok(String::new()) });
            id
        })
        .collect();
    let long = || WebSocketMessage::Binary(Bytes::from(vec![7; LONGEST]));
    let taken: Vec<bool> = sockets.iter().map(|id| net.ws_send(*id, long()).is_ok()).collect();
    assert_eq!(taken, [true, true, false, false]);
    assert!(net.ws_send(sockets[3], long()).unwrap_err().contains("by all WebSockets"));
    net.handle_report(Report::Sent { socket: sockets[0], bytes: LONGEST });
    assert_eq!(net.ws_send(sockets[3], long()), Ok(()));
}

#[test]
fn a_socket_that_the_edge_lost_answers_who_waits_and_is_gone() {
    let mut net = Net::new();
    let lost = |socket| Report::Lost { socket, text: "lost".into() };
    let udp = net.udp_create(false).unwrap();
    let bound = net.udp_bind(udp, 0).unwrap();
    let tcp = net.tcp_create().unwrap();
    let connected = net.tcp_connect(tcp, "a.b", 1, false).unwrap();
    let (web, opened) = net.ws_connect("ws://a.b", vec![], vec![]).unwrap();
    let (listener, listens) = net.tcp_listen("127.0.0.1", 0, false).unwrap();
    for (socket, wait) in [(udp, bound), (tcp, connected), (web, opened), (listener, listens)] {
        let done = net.handle_report(lost(socket));
        assert!(done.len() == 1 && done[0].wait == wait, "{done:?}");
        assert!(matches!(done[0].outcome, Outcome::Failed(_)));
    }
    assert_eq!(net.take_troubles().len(), 4);
    let mut net = open();
    net.ws_send(ID, text("x")).unwrap();
    let wait = net.when_sent(ID).unwrap();
    let outcome = Outcome::Failed("lost".into());
    assert_eq!(net.handle_report(lost(ID)), [Completed { wait, outcome }]);
    assert!(matches!(net.ws_take(ID), Ok(Some(Heard::End(_)))));
}
