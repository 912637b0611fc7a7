//! Binary streams over real sockets: the frames of a real guest, all of them, in order, at every address; a client that
//! does not read; the end. Rates and wall times are not tested: frames and bytes are counted. The guest
//! (`buffer_everything`) is built by `cargo xtask guests`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::net::TcpStream;

use common::{Host, guest, http};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Error, Message, WebSocket, connect, protocol::CloseFrame, stream::MaybeTlsStream,
};

const PLUGIN: &str = "buffer-everything";

/// A server with the guest, which provides the radar `radar-0`.
fn host() -> Host {
    let capabilities = json!({ "radarProvider": true, "httpEndpoints": true });
    let start = json!([["sk_register_radar_provider", "Test radar"]]);
    let options = json!({ "enabled": true, "configuration": { "start": start } });
    guest::running(PLUGIN, "buffer_everything", &capabilities, &options)
}

/// The guest makes a call of its ABI; what it logged about it.
fn call(host: &Host, call: &Value) -> String {
    let path = format!("/plugins/{PLUGIN}/call");
    let json = ["Content-Type: application/json"];
    let answer = http(&host.address, "POST", &path, &json, call.to_string().as_bytes());
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    body["line"].as_str().unwrap_or_else(|| panic!("{}\n{}", answer.status, host.log())).to_owned()
}

struct Spokes(WebSocket<MaybeTlsStream<TcpStream>>);

impl Spokes {
    fn open(host: &Host, path: &str) -> Spokes {
        let (socket, _) = connect(format!("ws://{}/signalk/v2/api/{path}", host.address)).unwrap();
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
        }
        Spokes(socket)
    }

    /// The number in the next frame, and its length.
    fn next(&mut self) -> (u32, usize) {
        loop {
            match self.0.read().unwrap() {
                Message::Binary(frame) => {
                    return (u32::from_le_bytes(frame[..4].try_into().unwrap()), frame.len());
                }
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Reads to the end: frames, and the last words.
    fn rest(mut self) -> (usize, Option<CloseFrame>) {
        let mut frames = 0;
        loop {
            match self.0.read() {
                Ok(Message::Binary(_)) => frames += 1,
                Ok(Message::Close(close)) => return (frames, close),
                Ok(_) => {}
                Err(_) => return (frames, None),
            }
        }
    }
}

fn emit(bytes: u32) -> Value {
    json!(["sk_radar_emit_spokes", "radar-0", { "counted": bytes }])
}

/// One revolution of a Furuno at full rate (F58): 8192 spokes, to three clients, none missing, none twice.
#[test]
fn a_revolution_of_spokes_arrives_whole_at_every_address() {
    let host = host();
    let paths = [
        "vessels/self/radars/radar-0/spokes",
        "vessels/self/radars/radar-0/stream",
        "streams/radars/radar-0",
    ];
    let mut clients = paths.map(|path| Spokes::open(&host, path));
    // As much at a time as a client may leave unread, so that the test does not depend on who is quick.
    let (rounds, frames, bytes) = (16_u32, 512_u32, 500_u32);
    for round in 0..rounds {
        let line = call(&host, &json!(["repeat", frames, emit(bytes)]));
        assert_eq!(line, format!("{frames} times sk_radar_emit_spokes -> 1"));
        for client in &mut clients {
            for frame in 0..frames {
                assert_eq!(client.next(), (round * frames + frame, bytes as usize));
            }
        }
    }
    let stream = &host.json("/signalk-host/status")["binary"]["streams"][0];
    let total = rounds * frames;
    assert_eq!(
        (&stream["name"], &stream["frames"], &stream["bytes"]),
        (&json!("radars/radar-0"), &json!(total), &json!(total * bytes))
    );
    let counts: Vec<_> = stream["clients"].as_array().unwrap().iter().collect();
    assert!(counts.iter().all(|c| c["frames"] == total && c["skipped"] == 0), "{counts:?}");
    let line = call(&host, &json!(["sk_radar_emit_spokes", "radar-9", { "zeros": 8 }]));
    assert_eq!(line, "sk_radar_emit_spokes -> 1", "only the core knows whose it is");
    host.logged("frames for the stream `radars/radar-9` are lost");
}

#[test]
fn a_client_that_does_not_read_is_closed_and_nobody_else_misses_a_frame() {
    let host = host();
    let slow = Spokes::open(&host, "streams/radars/radar-0");
    let mut quick = Spokes::open(&host, "streams/radars/radar-0");
    let clients = || host.json("/signalk-host/status")["binary"]["streams"][0]["clients"].take();
    let mut sent = 0;
    while clients().as_array().is_none_or(|clients| clients.len() == 2) || sent == 0 {
        call(&host, &emit(200 << 10));
        assert_eq!(quick.next(), (sent, 200 << 10));
        sent += 1;
        assert!(sent < 1000, "{}", clients());
    }
    assert_eq!(clients()[0]["skipped"], 0, "of the quick one");
    let (frames, close) = slow.rest();
    let missed = sent as usize - frames;
    assert!(missed >= 31, "{missed} of {sent}");
    // It may have been too late for last words.
    if let Some(close) = close {
        assert_eq!(u16::from(close.code), 1008);
        assert_eq!(close.reason.as_str(), "Client cannot keep up with data rate");
    }
}

#[test]
fn a_stopped_plugin_ends_its_streams_and_unknown_ones_wait() {
    let host = host();
    let mut own = Spokes::open(&host, "streams/plugins/buffer-everything/pictures");
    let waiting = Spokes::open(&host, "streams/radars/nobody");
    let frame = json!(["sk_emit_binary_stream", "plugins/buffer-everything/pictures", { "hex": "07000000ff" }]);
    assert_eq!(call(&host, &frame), "sk_emit_binary_stream -> 1");
    assert_eq!(own.next(), (7, 5));
    let options = json!({ "enabled": false, "configuration": {} }).to_string();
    let path = format!("/skServer/plugins/{PLUGIN}/config");
    let json = ["Content-Type: application/json"];
    assert_eq!(http(&host.address, "POST", &path, &json, options.as_bytes()).status, 200);
    let (frames, close) = own.rest();
    let close = close.expect("last words");
    assert_eq!((frames, u16::from(close.code), close.reason.as_str()), (0, 1001, "Stream ended"));
    let streams = host.json("/signalk-host/status")["binary"]["streams"].take();
    assert_eq!(streams.as_array().unwrap().len(), 1, "{streams}");
    drop(waiting);
    let wrong =
        connect(format!("ws://{}/signalk/v2/api/vessels/self/radars/x/other", host.address));
    let Err(Error::Http(response)) = wrong else { panic!("{wrong:?}") };
    assert_eq!(response.status(), 404);
}
