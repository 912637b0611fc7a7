//! Clients' WebSockets to a plugin over real sockets: text and bytes both ways, both closings, a client that does not
//! read. The guest (`signalk_socket`) is built by `cargo xtask guests`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{net::TcpStream, time::Duration};

use common::{Host, eventually, guest};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Error, Message, WebSocket, client::IntoClientRequest, connect, protocol::CloseFrame,
    stream::MaybeTlsStream,
};

const PLUGIN: &str = "signalk_socket";

fn host() -> Host {
    let options = json!({ "enabled": true, "configuration": {} });
    guest::running(PLUGIN, PLUGIN, &json!({ "httpEndpoints": true }), &options)
}

type Socket = WebSocket<MaybeTlsStream<TcpStream>>;

fn open(host: &Host, path: &str) -> Socket {
    let (socket, _) = connect(format!("ws://{}/plugins/{PLUGIN}{path}", host.address)).unwrap();
    if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    }
    socket
}

/// The next message that is none of the connection's own.
fn next(socket: &mut Socket) -> Message {
    loop {
        match socket.read().unwrap() {
            Message::Ping(_) | Message::Pong(_) => {}
            message => return message,
        }
    }
}

fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        match socket.read() {
            Ok(Message::Close(Some(CloseFrame { code, reason }))) => {
                return (code.into(), reason.as_str().to_owned());
            }
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_client_talks_with_a_plugin_until_one_of_them_closes() {
    let host = host();
    let mut socket = open(&host, "/live/wind?rate=5");
    let first: Value = serde_json::from_str(next(&mut socket).to_text().unwrap()).unwrap();
    assert_eq!(
        (&first["path"], &first["query"]["rate"], &first["params"]["name"]),
        (&json!("/live/wind"), &json!("5"), &json!("wind"))
    );
    for n in 0..50_u8 {
        socket.send(Message::text(format!("message {n}"))).unwrap();
        socket.send(Message::binary(vec![n, 1, 2])).unwrap();
    }
    for n in 0..50_u8 {
        assert_eq!(next(&mut socket), Message::text(format!("message {n}")));
        assert_eq!(next(&mut socket), Message::binary(vec![2, 1, n]));
    }
    let long: Vec<u8> = (0..1_u32 << 20).map(|n| n.to_le_bytes()[0]).collect();
    socket.send(Message::binary(long.clone())).unwrap();
    let back = next(&mut socket).into_data();
    assert!(back.iter().eq(long.iter().rev()), "{} bytes", back.len());
    socket.send(Message::text("close")).unwrap();
    assert_eq!(closed(&mut socket), (4001, "enough".to_owned()));

    let mut socket = open(&host, "/live/x");
    next(&mut socket);
    let dinner = CloseFrame { code: 4321.into(), reason: "dinner".into() };
    socket.close(Some(dinner)).unwrap();
    let left = || {
        let test = host.json("/signalk/v1/api/vessels/self/test");
        let said = (&test["left"]["value"], &test["code"]["value"]);
        (said == (&json!("dinner"), &json!(4321))).then_some(())
    };
    eventually("the plugin to hear of it", left, || host.log());
}

/// RFC 6455, 4.2.2: the plugin speaks `v2.test` and `v1.test`.
#[test]
fn the_answer_names_the_subprotocol_that_both_speak() {
    let host = host();
    for (offered, spoken) in [("v3.test, v1.test", Some("v1.test")), ("v3.test", None)] {
        let address = format!("ws://{}/plugins/{PLUGIN}/live/x", host.address);
        let mut request = address.into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", offered.parse().unwrap());
        match (connect(request), spoken) {
            (Ok((mut socket, answer)), Some(spoken)) => {
                assert_eq!(answer.headers()["sec-websocket-protocol"], spoken);
                let told: Value =
                    serde_json::from_str(next(&mut socket).to_text().unwrap()).unwrap();
                assert_eq!(told["protocol"], spoken);
            }
            // This client minds, as browsers do; others go on without one.
            (Err(error), None) => assert!(error.to_string().contains("rotocol"), "{error}"),
            (other, _) => panic!("{offered}: {other:?}"),
        }
    }
}

#[test]
fn refusals_and_the_end_of_the_plugin_are_said() {
    let host = host();
    let refused = connect(format!("ws://{}/plugins/{PLUGIN}/other", host.address));
    assert!(matches!(refused, Err(Error::Http(answer)) if answer.status() == 404));
    let mut socket = open(&host, "/live/x");
    next(&mut socket);
    let too_long = vec![0; (1 << 20) + 1];
    socket.send(Message::binary(too_long)).unwrap();
    assert_eq!(closed(&mut socket).0, 1009);
    let mut socket = open(&host, "/live/x");
    next(&mut socket);
    socket.send(Message::text("trap")).unwrap();
    assert_eq!(closed(&mut socket), (1001, "the plugin has ended".to_owned()));
}

#[test]
fn a_client_that_does_not_read_is_closed_and_the_host_goes_on() {
    let host = host();
    let mut slow = open(&host, "/flood");
    slow.send(Message::text("flood")).unwrap();
    let left = || {
        let path = "/signalk/v1/api/vessels/self/test/left/value";
        (host.json(path) == "the client does not keep up").then_some(())
    };
    eventually("the slow client to be closed", left, || host.log());
    let mut other = open(&host, "/live/x");
    next(&mut other);
    other.send(Message::text("still here")).unwrap();
    assert_eq!(next(&mut other), Message::text("still here"));
}
