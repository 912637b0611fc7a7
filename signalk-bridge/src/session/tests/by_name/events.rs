//! `on_event`: what JSON-RPC plugins are told by notifications.

use super::*;

const ON_EVENT: &str =
    r#"(func (export "on_event") (param i32 i32) (call $debug (local.get 0) (local.get 1)))"#;

fn listening() -> Drive {
    let calls = [("websocket.register", r#"{"paths":["/live"],"protocols":["v1"]}"#)];
    let mut drive = starting_with(&calls, ALL_ROOM, ON_EVENT, every_right());
    let trace = drive.server.take();
    assert!(trace[0].contains("registers WebSockets"), "{trace:?}");
    drive
}

fn message(text: &str) -> ClientNews {
    let message = WebSocketMessage::Text(text.to_owned());
    ClientNews::Message { id: ClientSocketId(1), message }
}

#[test]
fn clients_sockets_are_told_in_order_as_notifications_are() {
    let mut drive = listening();
    let id = ClientSocketId(1);
    let data = WebSocketMessage::Binary(Bytes::from_static(&[1, 255]));
    for news in [
        ClientNews::Opened { id, request: r#"{"path":"/live"}"#.into() },
        message("hä\"llo"),
        ClientNews::Message { id, message: data },
        ClientNews::Closed { id, end: ClientEnd::Client(4001, "enough".into()) },
    ] {
        drive.session.handle_input(drive.now, Input::Client(news), &mut drive.server);
    }
    drive.poll();
    let of = |method: &str, params: Value| json!({ "method": method, "params": params });
    let expected = [
        of("websocket.opened", json!({ "connection": 1, "request": { "path": "/live" } })),
        of("websocket.message", json!({ "connection": 1, "text": "hä\"llo" })),
        of("websocket.message", json!({ "connection": 1, "data": "Af8=" })),
        of("websocket.closed", json!({ "connection": 1, "code": 4001, "reason": "enough" })),
    ];
    let told: Vec<Value> = told(&mut drive).iter().map(|text| json_of(text)).collect();
    assert_eq!(told, expected);
}

/// What waits can be asked for, so that whoever hands it in knows when it is too much.
#[test]
fn what_waits_for_a_guest_that_is_away_is_counted_and_goes_in_pieces() {
    let calls = [("put.send", r#"{"path":"a.b","value":1}"#)];
    let poll =
        format!(r#"{ON_EVENT} (func (export "poll") (result i32) {ALL_ROOM} (i32.const 0))"#);
    let mut drive = starting_with(&calls, "", &poll, every_right());
    drive.at(1000);
    drive.server.take();
    let text = "x".repeat(100 << 10);
    for _ in 0..5 {
        drive.input(Input::Client(message(&text)));
    }
    assert!(drive.session.client_bytes() > 500 << 10);
    assert!(drive.server.trace.is_empty(), "it rests");
    let id = drive.server.puts.remove(0);
    drive.input(Input::PutDone { id, reply: "{}".to_owned() });
    assert_eq!(drive.session.client_bytes(), 0);
    assert_eq!(
        told(&mut drive).iter().filter(|line| line.contains("websocket.message")).count(),
        5
    );
}

#[test]
fn a_guest_that_traps_over_an_event_has_crashed() {
    let on_event = r#"(func (export "on_event") (param i32 i32) unreachable)"#;
    let mut drive = starting_with(&[], "", on_event, every_right());
    drive.input(Input::Client(message("a")));
    let last = drive.said.last().unwrap();
    assert!(last.starts_with("crashed") && last.contains("on_event"), "{last}");
}
