//! `values_handler`: what a plugin by exports gets by it is what one with `delta_handler` gets.

use super::*;

/// Says of each new name its flags as a letter and its path, and of each row the text, if it is one, and its number
/// modulo 10 as a letter.
const READER: &str = r#"
    (data (i32.const 30000) "0123456789")
    (func $letter (param $n i32)
        (call $debug (i32.add (i32.const 30000) (i32.rem_u (local.get $n) (i32.const 10))) (i32.const 1)))
    (func $text (param $b i32) (param $r i32)
        (call $debug (i32.add (local.get $b) (i32.load (local.get $r))) (i32.load offset=4 (local.get $r))))
    (func (export "values_handler") (param $b i32) (param i32) (local $n i32) (local $r i32)
        (local.set $n (i32.load offset=20 (local.get $b)))
        (local.set $r (i32.add (local.get $b) (i32.load offset=16 (local.get $b))))
        (block (loop
            (br_if 1 (i32.eqz (local.get $n)))
            (call $letter (i32.load offset=4 (local.get $r)))
            (call $text (local.get $b) (i32.add (local.get $r) (i32.const 32)))
            (call $text (local.get $b) (i32.add (local.get $r) (i32.const 40)))
            (local.set $r (i32.add (local.get $r) (i32.const 48)))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br 0)))
        (local.set $n (i32.load offset=28 (local.get $b)))
        (local.set $r (i32.add (local.get $b) (i32.load offset=24 (local.get $b))))
        (block (loop
            (br_if 1 (i32.eqz (local.get $n)))
            (if (i32.eq (i32.load offset=4 (local.get $r)) (i32.const 3))
                (then (call $letter (i32.trunc_sat_f64_u (f64.load offset=8 (local.get $r))))))
            (if (i32.eq (i32.load offset=4 (local.get $r)) (i32.const 4))
                (then (call $text (local.get $b) (i32.add (local.get $r) (i32.const 24)))))
            (local.set $r (i32.add (local.get $r) (i32.const 32)))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br 0))))"#;

fn reader() -> Vec<u8> {
    guest(&format!(
        r#"{START} {READER} (func (export "delta_handler") (param i32 i32) unreachable)"#
    ))
}

fn send(sim: &mut Sim, delta: &Value) {
    sim.input(Input::StreamMessage { id: StreamId(1), text: delta.to_string().into() });
}

/// Its log since the last call, in one line.
fn said(sim: &mut Sim, id: &str, before: &mut usize) -> String {
    let lines = sim.lines(id);
    let new = lines[*before..].join(" ");
    *before = lines.len();
    new
}

#[test]
fn values_metadata_notifications_and_resources_arrive() {
    let mut sim = Sim::new();
    sim.install("p", reader());
    sim.boot();
    let mut before = sim.lines("p").len();
    sim.delta("navigation.speedOverGround", 3);
    sim.advance_to(0.1);
    assert_eq!(
        said(&mut sim, "p", &mut before),
        "2 navigation.speedOverGround  3",
        "the own vessel's"
    );
    send(
        &mut sim,
        &json!({ "context": "vessels.urn:mrn:imo:mmsi:230000007",
        "updates": [{ "values": [{ "path": "navigation.speedOverGround", "value": 4 }] }] }),
    );
    sim.advance_to(0.2);
    assert_eq!(said(&mut sim, "p", &mut before), "0 navigation.speedOverGround  4", "another's");
    send(
        &mut sim,
        &json!({ "updates": [{
        "meta": [{ "path": "navigation.speedOverGround", "value": { "displayName": "SOG" } }] }] }),
    );
    sim.advance_to(0.3);
    let meta = said(&mut sim, "p", &mut before);
    assert!(
        meta.starts_with("3 navigation.speedOverGround  7 navigation.speedOverGround displayName"),
        "{meta}"
    );
    assert!(meta.ends_with("SOG"), "{meta}");
    send(
        &mut sim,
        &json!({ "updates": [{ "values": [
        { "path": "notifications.a.b", "value": { "state": "alarm", "message": "too hot" } },
        { "path": "resources.notes.x", "value": { "title": "a note" } }] }] }),
    );
    sim.advance_to(0.4);
    let rest = said(&mut sim, "p", &mut before);
    for part in ["2 notifications.a.b", "too hot", "2 resources.notes.x", "a note"] {
        assert!(rest.contains(part), "{part}: {rest}");
    }
    assert_eq!(sim.get("/signalk-host/status")["plugins"]["p"]["deltasIn"], json!(4));
}

/// `wasmSubscribe` leaves the values that fit, not the deltas that have one.
#[test]
fn only_the_paths_that_its_package_names() {
    let mut sim = Sim::new();
    let package = json!({ "signalk-plugin-enabled-by-default": true,
        "signalk": { "wasmSubscribe": ["navigation.*"] } });
    sim.install_with("p", reader(), package);
    sim.boot();
    let mut before = sim.lines("p").len();
    sim.delta("a.b", 1);
    send(
        &mut sim,
        &json!({ "updates": [{ "values": [
        { "path": "a.b", "value": 1 }, { "path": "navigation.log", "value": 5 }] }] }),
    );
    sim.advance_to(0.1);
    assert_eq!(said(&mut sim, "p", &mut before), "2 navigation.log  5");
    assert_eq!(sim.get("/signalk-host/status")["plugins"]["p"]["deltasIn"], json!(1));
}

#[test]
fn denied_without_data_read() {
    let mut sim = Sim::new();
    let package = json!({ "signalk-plugin-enabled-by-default": true,
        "wasmCapabilities": { "dataRead": false } });
    sim.install_with("p", reader(), package);
    sim.boot();
    let mut before = sim.lines("p").len();
    sim.delta("a.b", 1);
    sim.advance_to(0.1);
    assert_eq!(said(&mut sim, "p", &mut before), "");
    assert_eq!(sim.state("p"), "running");
}

#[test]
fn a_plugin_that_answers_itself_is_paused_and_told() {
    let body = format!(
        r#"{START} (func (export "values_handler") (param $b i32) (param i32) (local $n i32)
            (local.set $n (i32.load offset=28 (local.get $b)))
            (block (loop
                (br_if 1 (i32.eqz (local.get $n)))
                (call $emit (i32.const 100) (i32.const 51))
                (call $emit (i32.const 100) (i32.const 51))
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br 0))))"#
    );
    let mut sim = Sim::new();
    sim.install("echo", guest(&body));
    sim.boot();
    sim.delta("x.y", 1);
    sim.advance_to(0.1);
    assert_eq!(sim.state("echo"), "running");
    let status = sim.entry("echo")["statusMessage"].as_str().unwrap().to_owned();
    assert!(status.contains("a feedback loop"), "{status}");
}

/// A trap costs the call; what came meanwhile is there for the next life, in order, and names are said again.
#[test]
fn what_comes_during_a_restart_is_kept_in_order() {
    let trap = r#"(if (i32.eq (i32.load offset=4 (i32.add (local.get $b) (i32.load offset=24 (local.get $b))))
        (i32.const 2)) (then unreachable))"#;
    let body = READER.replace(
        "(local.set $n (i32.load offset=20",
        &format!("{trap} (local.set $n (i32.load offset=20"),
    );
    let mut sim = Sim::new();
    sim.install("p", guest(&format!("{START} {body}")));
    sim.boot();
    sim.delta("x.y", 1);
    sim.delta("x.trap", true);
    sim.advance_to(0.01);
    assert_eq!(sim.state("p"), "crashed");
    let mut before = sim.lines("p").len();
    sim.delta("x.y", 2);
    sim.delta("x.y", 3);
    sim.advance_to(1.5);
    assert_eq!(sim.state("p"), "running");
    sim.delta("x.y", 4);
    sim.advance_to(1.6);
    let said = said(&mut sim, "p", &mut before);
    assert!(said.contains("2 x.y  2 3 4"), "{said}");
}

/// A newer module takes values, the one before took deltas: nothing that came in between is lost.
#[test]
fn a_reload_from_deltas_to_values_loses_nothing() {
    let deltas = format!(
        r#"{START} (func (export "delta_handler") (param i32 i32)
            (call $debug (local.get 0) (local.get 1)))"#
    );
    let mut sim = Sim::new();
    sim.install("s", guest(&deltas));
    sim.boot();
    // What was kept as text has numbers of its own.
    let told = ["2 x.y  7", "2 x.y  8"];
    let written = [r#""value":7"#, r#""value":8"#];
    for (module, wanted) in [(reader(), told), (guest(&deltas), written)] {
        sim.replace("s", module);
        sim.disk_is_slow = true;
        let mut request = HttpRequest::get("/plugins/s/reload");
        request.method = "POST".to_owned();
        sim.input(Input::Http { id: HttpId(3), request });
        sim.delta("x.y", 7);
        sim.disk_is_slow = false;
        sim.answer = None;
        while let Some(report) = sim.late.pop() {
            sim.input(Input::Report(report));
        }
        assert_eq!(sim.answer.take().unwrap().0, 200);
        sim.delta("x.y", 8);
        sim.advance_to(sim.now().as_secs_f64() + 0.1);
        let lines = sim.lines("s").join(" ");
        assert!(wanted.iter().all(|part| lines.contains(part)), "{wanted:?}: {lines}");
    }
}
