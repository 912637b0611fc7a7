//! Endpoints of a plugin whose bodies move in pieces: slow clients, clients that go away, and handlers that end badly.
//! How little memory they take is `bodies_in_memory.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use signalk_core::{BodyNews, HttpId, Input};
use workspace_tests::Sim;

const PIECE: usize = 64 << 10;
/// Of an answer.
const WINDOW: usize = 2 * PIECE;

fn boat(capabilities: &Value) -> Sim {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join("target/guests/signalk_bodies.wasm");
    let wasm = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask guests`", path.display()));
    let mut sim = Sim::default();
    let package = json!({
        "name": "bodies", "version": "1.0.0", "keywords": ["signalk-wasm-plugin"],
        "wasmManifest": "plugin.wasm", "wasmInterface": "json-rpc",
        "wasmCapabilities": capabilities, "signalk-plugin-enabled-by-default": true,
    });
    sim.install(&package.to_string(), &wasm);
    sim.advance(Duration::from_millis(500));
    sim
}

fn running() -> Sim {
    let mut sim = boat(&json!({ "httpEndpoints": true }));
    assert_eq!(state(&mut sim), "running", "{:?}", sim.log);
    sim
}

fn state(sim: &mut Sim) -> String {
    let plugin = sim.get_json("/signalk-host/status")["plugins"]["bodies"].clone();
    plugin["state"].as_str().unwrap_or_default().to_owned()
}

fn begin(sim: &mut Sim, method: &str, path: &str) -> HttpId {
    sim.begin(method, &format!("/plugins/bodies{path}"), &[])
}

fn piece(fill: u8) -> Option<Bytes> {
    Some(Bytes::from(vec![fill; PIECE]))
}

/// Takes all that is there: how many bytes.
fn take_all(sim: &mut Sim, id: HttpId) -> usize {
    let mut bytes = 0;
    while let Some(piece) = sim.take(id) {
        bytes += piece.len();
    }
    bytes
}

fn error(sim: &mut Sim, id: HttpId) -> (u16, String) {
    let answer = sim.answer(id).expect("an answer");
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status, body["error"].as_str().unwrap_or_default().to_owned())
}

/// Handlers and host calls of the plugin that failed.
fn errors(sim: &mut Sim) -> (u64, u64) {
    let counters = sim.get_json("/plugins/bodies/diagnostics")["counters"].clone();
    let count = |name: &str| counters[name].as_u64().unwrap();
    (count("handlerErrors"), count("hostCallErrors"))
}

fn left(sim: &Sim, path: &str) -> bool {
    sim.log.iter().any(|line| line.contains(&format!("left {path}")))
}

#[test]
fn a_body_comes_in_pieces_and_the_answer_is_whole() {
    let mut sim = running();
    let id = begin(&mut sim, "POST", "/count");
    for fill in 1..=3 {
        assert_eq!(sim.exchange(id).wanted, 1, "one piece at a time");
        sim.send(id, piece(fill));
    }
    sim.send(id, None);
    let answer = sim.answer(id).unwrap();
    let expected = json!({ "bytes": 3 * PIECE, "sum": 6 * PIECE });
    assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), expected);
    assert_eq!(sim.exchange(id).wanted, 0);
}

#[test]
fn a_slow_client_makes_its_plugin_wait_and_no_other_client() {
    let mut sim = running();
    let slow = begin(&mut sim, "GET", "/down?bytes=1000000");
    let (head, length) = sim.exchange(slow).head.clone().unwrap();
    assert_eq!(
        (head.status, length, head.header("content-type")),
        (200, Some(1_000_000), Some("image/png"))
    );
    let mut taken = 0;
    while sim.exchange(slow).ended.is_none() {
        sim.advance(Duration::from_secs(30));
        assert_eq!(sim.exchange(slow).waiting(), WINDOW.min(1_000_000 - taken));
        // Somebody else gets everything meanwhile.
        let fast = begin(&mut sim, "GET", "/down?bytes=300000");
        assert_eq!((take_all(&mut sim, fast), sim.exchange(fast).ended), (300_000, Some(true)));
        taken += sim.take(slow).unwrap().len();
    }
    assert_eq!(taken + take_all(&mut sim, slow), 1_000_000);
    assert_eq!(
        sim.exchange(slow).ended,
        Some(true),
        "thirty seconds between two pieces are patience enough"
    );
}

#[test]
fn a_client_that_takes_nothing_is_given_up_after_a_minute() {
    let mut sim = running();
    let id = begin(&mut sim, "GET", "/down?bytes=1000000");
    sim.advance(Duration::from_secs(59));
    assert_eq!(sim.exchange(id).ended, None);
    sim.advance(Duration::from_secs(2));
    assert_eq!(sim.exchange(id).ended, Some(false), "broken off");
    assert!(left(&sim, "/down"));
    assert!(
        sim.log.iter().any(|line| line.contains("the client took nothing for 60s")),
        "{:?}",
        sim.log
    );
    assert_eq!(state(&mut sim), "running");
}

#[test]
fn a_client_that_sends_nothing_is_given_up_after_a_minute() {
    let mut sim = running();
    let id = begin(&mut sim, "POST", "/count");
    sim.send(id, piece(1));
    sim.advance(Duration::from_secs(61));
    assert_eq!(error(&mut sim, id), (408, "the client sent nothing for 60s".to_owned()));
    assert!(left(&sim, "/count"));
}

/// A talker of 4800 baud may be passed on for days; sixteen clients that send a byte a minute keep nobody out.
#[test]
fn a_client_that_drips_has_its_place_until_another_wants_it() {
    let mut sim = running();
    let (up, down) =
        (begin(&mut sim, "POST", "/count"), begin(&mut sim, "GET", "/down?bytes=1000000"));
    for _ in 0..20 {
        sim.advance(Duration::from_secs(50));
        assert_eq!(sim.exchange(up).wanted, 1);
        sim.send(up, Some(Bytes::from_static(b"x")));
        // One byte of what waits.
        sim.input(Input::HttpBody { id: down, news: BodyNews::Written(1) });
    }
    assert_eq!(sim.exchange(down).ended, None);
    sim.advance(Duration::from_secs(1));
    let open: Vec<_> = (0..16).map(|_| begin(&mut sim, "POST", "/count")).collect();
    assert!(open.into_iter().all(|id| sim.exchange(id).wanted == 1));
    assert_eq!(sim.exchange(down).ended, Some(false), "broken off");
    let slow = "less than 1 KiB in a second for two minutes, and another client wants the place";
    assert_eq!(error(&mut sim, up), (408, format!("the client sent {slow}")));
    assert!(sim.log.iter().any(|line| line.contains(&format!("the client took {slow}"))));
    assert!(left(&sim, "/count") && left(&sim, "/down"));
    assert_eq!(errors(&mut sim), (0, 0));
    // Those that have them are not slow.
    let next = begin(&mut sim, "POST", "/count");
    let (status, text) = error(&mut sim, next);
    assert!(status == 503 && text.contains("16 streamed requests open"), "{status}: {text}");
}

#[test]
fn a_slow_link_that_moves_is_waited_for_and_a_rest_of_the_plugin_costs_the_client_nothing() {
    let mut sim = running();
    let up = begin(&mut sim, "POST", "/count");
    for fill in 0..60 {
        sim.advance(Duration::from_secs(55));
        sim.send(up, piece(fill));
    }
    sim.send(up, None);
    assert_eq!(sim.answer(up).unwrap().status, 200);
}

#[test]
fn a_client_that_goes_away_ends_its_handler() {
    let mut sim = running();
    let (up, down) =
        (begin(&mut sim, "POST", "/count"), begin(&mut sim, "GET", "/down?bytes=1000000"));
    let idle = begin(&mut sim, "POST", "/idle");
    sim.send(up, piece(1));
    for (id, path) in [(up, "/count"), (down, "/down"), (idle, "/idle")] {
        assert!(!left(&sim, path));
        sim.go_away(id);
        assert!(left(&sim, path), "{path}: {:?}", sim.log);
        assert!(sim.answer(id).is_none() && sim.exchange(id).ended.is_none());
    }
    assert_eq!(state(&mut sim), "running");
    // It is not the plugin that failed.
    assert_eq!(errors(&mut sim), (0, 0));
    let blamed: Vec<_> = sim.log.iter().filter(|line| line.contains("http.")).collect();
    assert!(blamed.is_empty(), "{blamed:?}");
}

#[test]
fn a_handler_that_neither_reads_nor_writes_meets_its_deadline() {
    let mut sim = running();
    let id = begin(&mut sim, "POST", "/idle");
    sim.advance(Duration::from_secs(59));
    assert!(sim.answer(id).is_none());
    sim.advance(Duration::from_secs(2));
    assert_eq!(sim.exchange(id).wanted, 0, "nothing was read");
    assert_eq!(error(&mut sim, id), (504, "Plugin handler timeout".to_owned()));
    assert!(left(&sim, "/idle"));
    let silent = begin(&mut sim, "GET", "/silent");
    sim.advance(Duration::from_secs(61));
    assert_eq!(sim.exchange(silent).ended, Some(false));
    assert!(
        sim.log.iter().any(|line| line.contains("the plugin wrote nothing for 60s")),
        "{:?}",
        sim.log
    );
}

#[test]
fn an_answer_that_ends_badly_is_broken_off() {
    let mut sim = running();
    for (path, text) in [
        ("/short", "5 bytes were written of a content-length of 10"),
        ("/much", "15 bytes are more than the content-length of 10"),
        ("/fails", "the sensor is gone"),
    ] {
        let id = begin(&mut sim, "GET", path);
        assert_eq!((take_all(&mut sim, id), sim.exchange(id).ended), (5, Some(false)), "{path}");
        let line = sim.log.last().unwrap();
        assert!(
            line.contains(&format!("bodies: GET /plugins/bodies{path}: the answer is broken off")),
            "{line}"
        );
        assert!(sim.log.iter().any(|line| line.contains(text)), "{:?}", sim.log);
    }
    assert_eq!(state(&mut sim), "running");
}

#[test]
fn a_plugin_that_traps_in_the_middle_of_its_answer_breaks_it_off() {
    let mut sim = running();
    let other = begin(&mut sim, "POST", "/count");
    let id = begin(&mut sim, "GET", "/trap");
    assert_eq!(sim.exchange(id).head.clone().unwrap().1, None);
    assert_eq!((take_all(&mut sim, id), sim.exchange(id).ended), (5, Some(false)));
    // Whose answer had not begun reads why there is none.
    let (status, text) = error(&mut sim, other);
    assert!(status == 500 && text.contains("panic: planned"), "{status} {text}");
    sim.advance(Duration::from_secs(3));
    assert_eq!(state(&mut sim), "running", "it comes back");
    let again = begin(&mut sim, "GET", "/down?bytes=10");
    assert_eq!((take_all(&mut sim, again), sim.exchange(again).ended), (10, Some(true)));
}

#[test]
fn streams_are_bounded_and_one_too_many_is_told() {
    let mut sim = running();
    let open: Vec<_> = (0..16).map(|_| begin(&mut sim, "POST", "/count")).collect();
    let more = begin(&mut sim, "POST", "/count");
    let (status, text) = error(&mut sim, more);
    assert_eq!(status, 503);
    assert!(text.contains("plugin `bodies` has 16 streamed requests open; try again"), "{text}");
    // Others of its endpoints still answer.
    assert_eq!(sim.request("POST", "/plugins/bodies/whole", &[], "").status, 200);
    sim.go_away(open[3]);
    let fits = begin(&mut sim, "POST", "/count");
    assert_eq!(sim.exchange(fits).wanted, 1);
}

#[test]
fn endpoints_with_whole_bodies_are_asked_as_ever() {
    let mut sim = running();
    let whole = begin(&mut sim, "POST", "/whole");
    assert!(sim.exchange(whole).wants_whole && sim.answer(whole).is_none());
    // An edge that reads bodies first, and requests without one, need no pieces.
    let kind = [("content-type", "application/octet-stream")];
    for path in ["/whole", "/count"] {
        let answer = sim.request("POST", &format!("/plugins/bodies{path}"), &kind, "abc");
        let counted: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(counted, json!({ "bytes": 3, "sum": 294 }), "{path}");
    }
    let reload = sim.begin("POST", "/plugins/bodies/reload", &[]);
    assert!(sim.exchange(reload).wants_whole, "the server's own addresses come first");
}

#[test]
fn a_whole_body_that_fits_no_message_is_refused_with_the_remedy() {
    let mut sim = running();
    let kind = [("content-type", "application/octet-stream")];
    let text = "x".repeat(13 << 20);
    let answer = sim.request("POST", "/plugins/bodies/whole", &kind, &text);
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, 413, "{body}");
    assert!(
        body.contains("in one message, the limit is 16777216") && body.contains("http.read"),
        "{body}"
    );
    let answer = sim.request("POST", "/plugins/bodies/count", &kind, &text);
    assert_eq!(answer.status, 200, "the same in pieces");
}

#[test]
fn without_the_capability_there_are_no_endpoints() {
    let mut sim = boat(&json!({}));
    assert_eq!(state(&mut sim), "error");
    let id = begin(&mut sim, "POST", "/count");
    assert!(sim.exchange(id).wants_whole, "nobody takes it in pieces");
    assert!(
        sim.log.iter().any(|line| line.contains(r#"add "httpEndpoints": true"#)),
        "{:?}",
        sim.log
    );
}
