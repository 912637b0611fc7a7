//! Plugins by exports, in four languages, and the methods that have no import of their own: a PUT, a subscription,
//! clients' WebSockets and streamed bodies by `sk_call` and `on_event`. What one call does is
//! `signalk-bridge/src/session/tests`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use signalk_core::{BodyNews, Config, HttpId, Input};
use workspace_tests::Sim;

const RUST: &str = "buffer_by_name";
const GUESTS: [&str; 4] = [RUST, "c_by_name", "go_by_name", "as_by_name"];
const PIECE: usize = 64 << 10;
const WINDOW: usize = 2 * PIECE;
const SIZE: usize = 2_000_000;

fn path(name: &str) -> PathBuf {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("target/guests").join(name).with_extension("wasm")
}

/// Guests of other languages need their toolchain: those that are there.
fn guests() -> impl Iterator<Item = &'static str> {
    let (there, missing): (Vec<_>, Vec<_>) = GUESTS.iter().partition(|name| path(name).exists());
    assert!(there.contains(&&RUST), "run `cargo xtask guests`");
    for name in missing {
        eprintln!("skipped: {name} is missing; run `cargo xtask guests`");
    }
    there.into_iter().copied()
}

/// Takes PUTs to `steering.target`, and says so.
const TAKER: &str = r#"(module
    (import "env" "sk_register_put_handler" (func $register (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 20)
    (data (i32.const 100) "vessels.selfsteering.target")
    (data (i32.const 200) "{\"state\":\"COMPLETED\",\"statusCode\":200}")
    (func (export "allocate") (param i32) (result i32) (i32.const 4096))
    (func (export "plugin_start") (param i32 i32) (result i32)
        (i32.sub (call $register (i32.const 100) (i32.const 12) (i32.const 112) (i32.const 15)) (i32.const 1)))
    (func (export "handle_put_vessels_self_steering_target") (param i32 i32 i32 i32) (result i32)
        (memory.copy (local.get 2) (i32.const 200) (i32.const 38)) (i32.const 38)))"#;

fn package(name: &str, rights: &Value) -> String {
    json!({
        "name": name, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"], "wasmManifest": "plugin.wasm",
        "wasmCapabilities": rights, "signalk-plugin-enabled-by-default": true,
    })
    .to_string()
}

fn running(guest: &str) -> Sim {
    let mut sim = Sim::with_config(Config::default());
    let taker = wat::parse_str(TAKER).unwrap();
    sim.install(&package("taker", &json!({ "putHandlers": true })), &taker);
    sim.advance(Duration::from_millis(500));
    let wasm = std::fs::read(path(guest)).unwrap();
    sim.install(&package("p", &json!({ "httpEndpoints": true })), &wasm);
    sim.advance(Duration::from_millis(500));
    assert_eq!(state(&mut sim), "running", "{guest}: {:#?}", sim.log);
    sim
}

fn state(sim: &mut Sim) -> String {
    let plugin = sim.get_json("/signalk-host/status")["plugins"]["p"].clone();
    plugin["state"].as_str().unwrap_or_default().to_owned()
}

fn counter(sim: &mut Sim, name: &str) -> u64 {
    let counters = sim.get_json("/plugins/p/diagnostics")["counters"].clone();
    counters[name].as_u64().unwrap_or_else(|| panic!("{counters}"))
}

/// Lines of the plugin's own log that have this in them.
fn said(sim: &mut Sim, text: &str) -> Vec<String> {
    let log = sim.get_json("/plugins/p/diagnostics?lines=1000")["log"].clone();
    let lines =
        log.as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap().to_owned());
    lines.filter(|line| line.contains(text)).collect()
}

#[test]
fn a_put_is_answered_when_it_has_ended() {
    for guest in guests() {
        let mut sim = running(guest);
        sim.advance(Duration::from_secs(2));
        let said = said(&mut sim, "put ");
        assert_eq!(said.len(), 1, "{guest}: {:#?}", sim.log);
        let answer: Value = serde_json::from_str(said[0].trim_start_matches("put ")).unwrap();
        assert_eq!((&answer["state"], &answer["statusCode"]), (&json!("COMPLETED"), &json!(200)));
    }
}

/// Once a second, although they come five times as often; and nothing else.
#[test]
fn what_is_subscribed_comes_to_the_delta_handler_and_nothing_else() {
    for guest in guests() {
        let mut sim = running(guest);
        let feed = sim.open("/signalk/v1/stream?subscribe=none");
        let before = counter(&mut sim, "deltasIn");
        for value in 1..=50 {
            for path in ["navigation.speedOverGround", "navigation.courseOverGroundTrue"] {
                let values = json!([{ "path": path, "value": value }]);
                let delta = json!({ "updates": [{ "$source": "feed", "values": values }] });
                sim.say(feed, &delta.to_string());
            }
            sim.advance(Duration::from_millis(200));
        }
        let came = said(&mut sim, "delta").len();
        assert!((9..=11).contains(&came), "{guest}: {came}");
        let counted = usize::try_from(counter(&mut sim, "deltasIn") - before).unwrap();
        assert_eq!(counted, came, "{guest}: nothing but what is subscribed");
    }
}

#[test]
fn clients_sockets_are_greeted_and_answered() {
    for guest in guests() {
        let mut sim = running(guest);
        let client = sim.open("/plugins/p/live");
        assert_eq!(sim.heard(client), ["hello"], "{guest}: {:#?}", sim.log);
        sim.say(client, "how \"are\" you, ålesund?");
        assert_eq!(sim.heard(client), ["how \"are\" you, ålesund?"], "{guest}");
        sim.leave(client);
        assert_eq!(said(&mut sim, "closed").len(), 1, "{guest}");
        let other = sim.open("/plugins/p/elsewhere");
        assert_eq!(sim.rejected(other), Some(404));
        assert_eq!(counter(&mut sim, "hostCallErrors"), 0, "{guest}");
    }
}

fn begin(sim: &mut Sim, method: &str, path: &str) -> HttpId {
    sim.begin(method, &format!("/plugins/p{path}"), &[])
}

#[test]
fn bodies_come_and_go_in_pieces() {
    for guest in guests() {
        let mut sim = running(guest);
        let up = begin(&mut sim, "POST", "/count");
        for fill in 1..=5 {
            assert_eq!(sim.exchange(up).wanted, 1, "{guest}: one piece at a time");
            sim.send(up, Some(Bytes::from(vec![fill; PIECE])));
        }
        sim.send(up, None);
        let answer = sim.answer(up).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), json!({ "pieces": 5 }));
        let down = begin(&mut sim, "GET", "/down");
        let (head, length) = sim.exchange(down).head.clone().unwrap();
        assert_eq!((head.status, length), (200, u64::try_from(SIZE).ok()), "{guest}");
        let mut bytes = 0;
        while sim.exchange(down).ended.is_none() {
            let waiting = sim.exchange(down).waiting();
            assert!(waiting > 0 && waiting <= WINDOW, "{guest}: {waiting}");
            sim.advance(Duration::from_secs(3));
            bytes += sim.take(down).unwrap().len();
        }
        while let Some(piece) = sim.take(down) {
            assert!(piece.iter().all(|byte| *byte == b'x'));
            bytes += piece.len();
        }
        assert_eq!((sim.exchange(down).ended, bytes), (Some(true), SIZE), "{guest}");
        assert_eq!((state(&mut sim), counter(&mut sim, "hostCallErrors")), ("running".into(), 0));
    }
}

/// A plugin by exports does one thing at a time: a client that stops reading, or sending, holds it up for ten seconds.
#[test]
fn a_client_that_stops_is_given_up_after_ten_seconds_and_the_plugin_goes_on() {
    for guest in guests() {
        let mut sim = running(guest);
        sim.advance(Duration::from_secs(2));
        let down = begin(&mut sim, "GET", "/down");
        let next = begin(&mut sim, "POST", "/count");
        let client = sim.open("/plugins/p/live");
        sim.advance(Duration::from_millis(9500));
        // Each trip of the guest takes a moment.
        let stands = (sim.exchange(down).ended, sim.heard(client).len());
        assert_eq!(stands, (None, 0), "{guest}: {:#?}", sim.log);
        sim.advance(Duration::from_millis(600));
        assert_eq!(sim.exchange(down).ended, Some(false), "{guest}: broken off");
        assert_eq!(said(&mut sim, "left").len(), 1, "{guest}");
        let why = "the answer is broken off: the client took nothing for 10s";
        assert!(sim.log.iter().any(|line| line.contains(why)), "{guest}: {:#?}", sim.log);
        // What waited for the plugin is next; that client sends nothing.
        assert_eq!((sim.exchange(next).wanted, sim.heard(client).len()), (1, 1), "{guest}");
        sim.advance(Duration::from_secs(12));
        let answer = sim.answer(next).unwrap();
        let error = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status == 408 && error.contains("sent nothing for 10s"), "{guest}: {error}");
        assert_eq!(said(&mut sim, "left").len(), 2, "{guest}");
        sim.say(client, "still there?");
        assert_eq!(sim.heard(client), ["still there?"], "{guest}");
        assert_eq!(state(&mut sim), "running");
        // Not the plugin's fault.
        let errors = ["handlerErrors", "hostCallErrors"].map(|name| counter(&mut sim, name));
        assert_eq!(errors, [0, 0], "{guest}: {:#?}", sim.log);
    }
}

/// Ten seconds in all, besides a second for each KiB.
#[test]
fn a_client_that_drips_is_given_up_too() {
    let mut sim = running(RUST);
    let down = begin(&mut sim, "GET", "/down");
    let mut drips = 0;
    while sim.exchange(down).ended.is_none() && drips < 20 {
        sim.advance(Duration::from_secs(4));
        sim.input(Input::HttpBody { id: down, news: BodyNews::Written(1) });
        drips += 1;
    }
    assert_eq!((sim.exchange(down).ended, drips), (Some(false), 3));
    let why = "the client took less than 1 KiB in a second for 10s";
    assert!(sim.log.iter().any(|line| line.contains(why)), "{:#?}", sim.log);
}

#[test]
fn a_client_that_goes_away_ends_the_wait_of_its_handler() {
    for guest in guests() {
        let mut sim = running(guest);
        for (method, path) in [("GET", "/down"), ("POST", "/count")] {
            let id = begin(&mut sim, method, path);
            sim.go_away(id);
            assert!(sim.answer(id).is_none() && sim.exchange(id).ended.is_none());
        }
        assert_eq!(said(&mut sim, "left").len(), 2, "{guest}");
        assert_eq!(counter(&mut sim, "hostCallErrors"), 0, "{guest}");
    }
}
