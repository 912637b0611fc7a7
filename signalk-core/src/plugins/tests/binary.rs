//! Binary streams in virtual time: who hears what a plugin emits, who may emit it, and what a client that does not read
//! costs.

use bytes::Bytes;

use super::handlers::ask;
use super::*;

const LIMIT: usize = 256 << 10;

/// A provider of radars that lists these; `GET /emit` emits a frame of 8 bytes to the stream, `GET /spokes` one to the
/// radar `r1` by its own import, `GET /burst` a hundred; each answers what the import did.
fn radar(lists: &str, stream: &str) -> Vec<u8> {
    let endpoints = r#"[{"method":"GET","path":"/emit","handler":"h_emit"},{"method":"GET","path":"/spokes","handler":"h_spokes"},{"method":"GET","path":"/burst","handler":"h_burst"}]"#;
    let call = format!(
        "(call $emit_frame (i32.const 900) (i32.const {}) (i32.const 960) (i32.const 8))",
        stream.len()
    );
    let handler = |name: &str, body: &str| {
        format!(
            r#"(func (export "{name}") (param i32 i32) (param $out i32) (param i32) (result i32) (local $n i32)
                (i64.store (local.get $out) (i64.load (i32.const 3000)))
                (i32.store8 offset=8 (local.get $out) (i32.add (i32.const 48) {body}))
                (i32.store8 offset=9 (local.get $out) (i32.const 125))
                (i32.const 10))"#
        )
    };
    let burst = format!(
        "(block (result i32) (loop (drop {call}) (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if 0 (i32.lt_u (local.get $n) (i32.const 100)))) (i32.const 1))"
    );
    let body = format!(
        r#"(data (i32.const 900) "{stream}") (data (i32.const 950) "r1") (data (i32.const 960) "spokes:1")
        (data (i32.const 1000) {endpoints:?}) (data (i32.const 2000) {lists:?}) (data (i32.const 3000) "{{\"body\":")
        (func (export "http_endpoints") (param $out i32) (param i32) (result i32)
            (memory.copy (local.get $out) (i32.const 1000) (i32.const {n})) (i32.const {n}))
        (func (export "radar_get_radars") (param $out i32) (param i32) (result i32)
            (memory.copy (local.get $out) (i32.const 2000) (i32.const {m})) (i32.const {m}))
        (func (export "plugin_start") (param i32 i32) (result i32)
            (drop (call $provide (i32.const 950) (i32.const 2))) (i32.const 0))
        {}{}{}"#,
        handler("h_emit", &call),
        handler(
            "h_spokes",
            "(call $spokes (i32.const 950) (i32.const 2) (i32.const 960) (i32.const 8))"
        ),
        handler("h_burst", &burst),
        n = endpoints.len(),
        m = lists.len(),
    );
    let imports = r#"(import "env" "sk_emit_binary_stream" (func $emit_frame (param i32 i32 i32 i32) (result i32)))
        (import "env" "sk_register_radar_provider" (func $provide (param i32 i32) (result i32)))
        (import "env" "sk_radar_emit_spokes" (func $spokes (param i32 i32 i32 i32) (result i32)))"#;
    guest_with(imports, &body)
}

fn install(sim: &mut Sim, name: &str, wasm: Vec<u8>, provides_radars: bool) {
    let capabilities = json!({ "radarProvider": provides_radars, "httpEndpoints": true });
    let more =
        json!({ "signalk-plugin-enabled-by-default": true, "wasmCapabilities": capabilities });
    sim.install_with(name, wasm, more);
}

fn with_radar(lists: &str, stream: &str) -> Sim {
    let mut sim = Sim::new();
    install(&mut sim, "p", radar(lists, stream), true);
    sim.boot();
    sim
}

fn open(sim: &mut Sim, id: u64, path: &str) -> StreamId {
    let id = StreamId(id);
    let request = HttpRequest::get(&format!("/signalk/v2/api/{path}"));
    sim.input(Input::StreamOpened { id, request });
    id
}

/// What the plugin's import answered.
fn trigger(sim: &mut Sim, plugin: &str, endpoint: &str) -> u64 {
    let (status, body) = ask(sim, "GET", &format!("/plugins/{plugin}/{endpoint}"), "");
    assert_eq!(status, 200, "{body}");
    body.parse().unwrap()
}

fn repeat(sim: &mut Sim, plugin: &str, times: usize) {
    for _ in 0..times {
        trigger(sim, plugin, "emit");
    }
}

fn heard(sim: &mut Sim, id: StreamId) -> usize {
    let before = sim.binary.len();
    sim.binary.retain(|(to, _)| *to != id);
    before - sim.binary.len()
}

fn stream(sim: &mut Sim, name: &str) -> Value {
    let streams = sim.get("/signalk-host/status")["binary"]["streams"].take();
    streams.as_array().unwrap().iter().find(|row| row["name"] == name).cloned().unwrap_or_default()
}

#[test]
fn a_frame_reaches_every_client_of_its_stream_at_each_address() {
    let mut sim = with_radar(r#"["r1","r2"]"#, "radars/r1");
    let clients = [
        "streams/radars/r1",
        "vessels/self/radars/r1/spokes",
        "vessels/self/radars/r1/stream?token=x",
    ];
    let clients: Vec<_> =
        clients.iter().zip(10..).map(|(path, id)| open(&mut sim, id, path)).collect();
    let other = open(&mut sim, 20, "vessels/self/radars/r2/spokes");
    assert_eq!(sim.accepted, [10, 11, 12, 20].map(|id| (StreamId(id), LIMIT)));
    assert_eq!(trigger(&mut sim, "p", "emit"), 1);
    assert_eq!(sim.binary.len(), 3);
    assert!(sim.binary.iter().all(|(_, frame)| *frame == "spokes:1"));
    let shared: Vec<_> = sim.binary.iter().map(|(_, frame)| frame.as_ptr()).collect();
    assert!(shared.windows(2).all(|pair| pair[0] == pair[1]), "one frame, not three copies");
    assert_eq!(trigger(&mut sim, "p", "spokes"), 1);
    let late = open(&mut sim, 21, "streams/radars/r1");
    assert_eq!((heard(&mut sim, clients[0]), heard(&mut sim, late)), (2, 0));
    sim.input(Input::StreamClosed { id: clients[0], close: None });
    // What a client says is ignored.
    let text = Bytes::from_static(br#"{"context":"*","subscribe":[{"path":"*"}]}"#);
    sim.input(Input::StreamMessage { id: late, text });
    assert_eq!(trigger(&mut sim, "p", "emit"), 1);
    let counts = [clients[0], clients[1], late, other].map(|id| heard(&mut sim, id));
    assert_eq!(counts, [0, 3, 1, 0]);
    let row = stream(&mut sim, "radars/r1");
    assert_eq!(
        (&row["plugin"], &row["frames"], &row["bytes"]),
        (&json!("p"), &json!(3), &json!(24))
    );
}

/// R80, F58: no rate cuts. What one call emits goes out whole to a client that keeps up.
#[test]
fn a_burst_is_not_cut() {
    let mut sim = with_radar(r#"["r1"]"#, "radars/r1");
    let client = open(&mut sim, 10, "streams/radars/r1");
    trigger(&mut sim, "p", "burst");
    assert_eq!(heard(&mut sim, client), 100);
}

#[test]
fn a_client_that_does_not_read_misses_frames_and_is_closed_after_31_in_a_row() {
    let mut sim = with_radar(r#"["r1"]"#, "radars/r1");
    let (slow, quick) =
        (open(&mut sim, 10, "streams/radars/r1"), open(&mut sim, 11, "streams/radars/r1"));
    sim.input(Input::StreamQueue { id: slow, bytes: LIMIT });
    trigger(&mut sim, "p", "emit");
    assert_eq!(heard(&mut sim, slow), 1, "as much as the limit may wait");
    for round in 0..2 {
        sim.input(Input::StreamQueue { id: slow, bytes: LIMIT + 1 });
        repeat(&mut sim, "p", 30);
        assert_eq!((heard(&mut sim, slow), sim.closed.len()), (0, 0), "{round}");
        // One frame that is sent begins the count anew.
        sim.input(Input::StreamQueue { id: slow, bytes: LIMIT });
        trigger(&mut sim, "p", "emit");
        assert_eq!(heard(&mut sim, slow), 1);
    }
    let row = &stream(&mut sim, "radars/r1")["clients"][0];
    assert_eq!((&row["skipped"], &row["frames"]), (&json!(60), &json!(3)));
    sim.input(Input::StreamQueue { id: slow, bytes: LIMIT + 1 });
    repeat(&mut sim, "p", 30);
    // Caught up and fallen behind again without a frame between: still in a row.
    sim.input(Input::StreamQueue { id: slow, bytes: 0 });
    sim.input(Input::StreamQueue { id: slow, bytes: LIMIT + 1 });
    trigger(&mut sim, "p", "emit");
    let text = "Client cannot keep up with data rate".to_owned();
    assert_eq!(sim.closed, [(slow, 1008, text)]);
    assert_eq!((heard(&mut sim, slow), heard(&mut sim, quick)), (0, 94));
}

/// W22: a plugin draws on its own radars' pictures only.
#[test]
fn w22_a_plugin_cannot_emit_to_a_radar_of_another() {
    let mut sim = with_radar(r#"["r1"]"#, "radars/r1");
    install(&mut sim, "q", radar(r#"["r9"]"#, "radars/r1"), true);
    install(&mut sim, "denied", radar(r#"["r1"]"#, "radars/r1"), false);
    install(&mut sim, "liar", radar(r#"["r1"]"#, "radars/r1"), true);
    install(&mut sim, "other", radar("[]", "plugins/p/x"), true);
    install(&mut sim, "garbage", radar("oops", "radars/r1"), true);
    sim.boot();
    let client = open(&mut sim, 10, "streams/radars/r1");
    trigger(&mut sim, "p", "emit");
    assert_eq!(heard(&mut sim, client), 1);
    // The capability is missing, or the name is another's: the import says so itself.
    for name in ["denied", "other"] {
        assert_eq!(trigger(&mut sim, name, "emit"), 0, "{name}");
    }
    assert_eq!(trigger(&mut sim, "denied", "spokes"), 0);
    for name in ["q", "liar", "garbage"] {
        repeat(&mut sim, name, 3);
    }
    assert_eq!(heard(&mut sim, client), 0);
    let refused = sim.get("/signalk-host/status")["binary"]["refusedFrames"].take();
    assert_eq!(refused, json!({ "q": 3, "liar": 3, "garbage": 3 }));
    for text in [
        "q: plugin `q`: frames for the stream `radars/r1` are lost: its radar_get_radars does not list `r1`; add it there",
        "liar: plugin `liar`: frames for the stream `radars/r1` are lost: plugin `p` emits to it",
    ] {
        assert_eq!(sim.log.iter().filter(|line| *line == text).count(), 1, "{:#?}", sim.log);
    }
    for name in ["q", "liar", "garbage"] {
        let lost =
            sim.get(&format!("/plugins/{name}/diagnostics"))["counters"]["framesLost"].take();
        assert_eq!(lost, 3, "{name}");
        let lines = sim.lines(name);
        let said = lines.iter().filter(|line| line.contains("frames for the stream")).count();
        assert_eq!(said, 1, "{name}: {lines:?}");
    }
    let denied = sim.lines("denied").join("\n");
    assert!(denied.contains("`radars/r1` is not a stream of this plugin"), "{denied}");
}

/// W19: nobody listens to a plugin that has stopped, and its streams are free again.
#[test]
fn w19_binary_streams_end_with_the_plugins_life() {
    let mut sim = with_radar(r#"["r1"]"#, "radars/r1");
    install(&mut sim, "heir", radar(r#"["r1"]"#, "radars/r1"), true);
    sim.boot();
    let client = open(&mut sim, 10, "streams/radars/r1");
    let waiting = open(&mut sim, 11, "streams/radars/r2");
    trigger(&mut sim, "p", "emit");
    trigger(&mut sim, "heir", "emit");
    assert_eq!(heard(&mut sim, client), 1);
    sim.post("p", json!({ "enabled": false }));
    assert_eq!(sim.closed, [(client, 1001, "Stream ended".to_owned())]);
    let again = open(&mut sim, 12, "streams/radars/r1");
    trigger(&mut sim, "heir", "emit");
    assert_eq!((heard(&mut sim, again), heard(&mut sim, waiting)), (1, 0));
    sim.post("p", json!({ "enabled": true }));
    trigger(&mut sim, "p", "emit");
    assert_eq!(heard(&mut sim, again), 0, "the radar has found another plugin");
}

/// W32: one name, whichever the plugin or the client writes.
#[test]
fn w32_a_stream_is_the_same_by_plugin_id_and_by_package_name() {
    for emitted in ["plugins/_x_p/a/b", "plugins/@x/p/a/b"] {
        let mut sim = Sim::new();
        install(&mut sim, "@x/p", radar("[]", emitted), false);
        sim.boot();
        let clients = [
            open(&mut sim, 10, "streams/plugins/_x_p/a/b"),
            open(&mut sim, 11, "streams/plugins/@x/p/a/b"),
            open(&mut sim, 12, "streams/plugins%2F%40x%2Fp%2Fa%2Fb"),
        ];
        assert_eq!(trigger(&mut sim, "_x_p", "emit"), 1);
        assert_eq!(clients.map(|id| heard(&mut sim, id)), [1, 1, 1], "{emitted}");
        assert_eq!(stream(&mut sim, "plugins/_x_p/a/b")["plugin"], "_x_p");
    }
}
