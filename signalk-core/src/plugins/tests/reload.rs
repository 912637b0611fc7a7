//! A plugin is loaded anew while the server goes on.

use super::*;

impl Sim {
    pub(super) fn reload(&mut self, id: &str) -> (u16, Value) {
        let mut request = HttpRequest::get(&format!("/plugins/{id}/reload"));
        request.method = "POST".to_owned();
        self.input(Input::Http { id: HttpId(3), request });
        let (status, body) = self.answer.take().unwrap();
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    pub(super) fn replace(&mut self, name: &str, wasm: Vec<u8>) {
        self.modules.insert(format!("node_modules/{name}"), wasm);
    }
}

/// Writes each delta into its log, after its own letter.
fn scribe(letter: &str) -> Vec<u8> {
    guest(&format!(
        r#"{START} (data (i32.const 700) {letter:?})
        (func (export "delta_handler") (param $p i32) (param $n i32)
            (call $debug (i32.const 700) (i32.const 1))
            (call $debug (local.get $p) (local.get $n)))"#
    ))
}

#[test]
fn w34_a_changed_module_is_loaded_without_a_restart_of_the_server() {
    let mut sim = Sim::new();
    sim.install("@x/s", scribe("A"));
    sim.boot();
    sim.delta("x.y", 1.25);
    sim.advance_to(0.1);
    sim.replace("@x/s", scribe("B"));
    let before = sim.get("/plugins/_x_s/diagnostics")["module"]["sha256"].clone();
    assert_eq!(sim.reload("_x_s"), (200, json!({ "state": "COMPLETED", "statusCode": 200 })));
    assert_eq!(sim.state("_x_s"), "running");
    assert_ne!(sim.get("/plugins/_x_s/diagnostics")["module"]["sha256"], before);
    sim.delta("x.y", 2.25);
    sim.advance_to(0.2);
    let lines = sim.lines("_x_s");
    assert_eq!((lines[0].as_str(), lines[2].as_str()), ("A", "B"), "{lines:?}");
    assert!(lines[3].contains("2.25"), "{lines:?}");
    assert_eq!(sim.reload("nobody").0, 404);
}

/// The world answers slowly: deltas come between the old life and the new one.
#[test]
fn w35_deltas_that_come_during_a_reload_are_replayed_in_order() {
    let options = r#"{"enabled":true,"limits":{"logLinesPerSecond":100000}}"#;
    let mut sim = Sim::with_options(&[("s", options)]);
    sim.install("s", scribe("A"));
    sim.boot();
    sim.replace("s", scribe("B"));
    sim.disk_is_slow = true;
    let mut request = HttpRequest::get("/plugins/s/reload");
    request.method = "POST".to_owned();
    sim.input(Input::Http { id: HttpId(3), request });
    assert!(sim.answer.is_none(), "the answer waits");
    for value in 1..=1001 {
        sim.delta("x.y", value);
    }
    assert_eq!(sim.state("s"), "starting");
    sim.disk_is_slow = false;
    sim.answer = None;
    while let Some(report) = sim.late.pop() {
        sim.input(Input::Report(report));
    }
    assert_eq!(sim.answer.take().unwrap().0, 200);
    sim.delta("x.y", 1002);
    sim.advance_to(5.0);
    let seen: Vec<i64> = (sim.lines("s").iter())
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|delta| delta["updates"][0]["values"][0]["value"].as_i64())
        .collect();
    assert!(seen.is_sorted() && seen.last() == Some(&1002), "{seen:?}");
    let dropped = &sim.get("/plugins/s/diagnostics")["counters"]["deltasInDropped"];
    assert_eq!(dropped, &json!(1), "the first of 1001");
}

#[test]
fn w34_a_module_that_cannot_be_used_leaves_the_one_before_at_work() {
    let traps = r#"(func (export "plugin_start") (param i32 i32) (result i32) unreachable)"#;
    let refuses = r#"(func (export "plugin_start") (param i32 i32) (result i32) (i32.const 9))"#;
    for (bad, why) in [
        (b"\0asm\x01\0\0\0\x01".to_vec(), "invalid module"),
        (Vec::new(), "no such file"),
        (guest(traps), "trapped"),
        (guest(refuses), "error code: 9"),
    ] {
        let mut sim = Sim::new();
        sim.install("s", scribe("A"));
        sim.boot();
        sim.replace("s", bad);
        let (status, body) = sim.reload("s");
        let message = body["message"].as_str().unwrap();
        assert_eq!(status, 500);
        assert!(message.contains(why), "{message}");
        assert!(message.ends_with("the module from before runs again"), "{message}");
        assert_eq!(sim.state("s"), "running");
        sim.delta("x.y", 3);
        sim.advance_to(0.1);
        assert_eq!(sim.lines("s")[0], "A");
        let error = &sim.get("/plugins/s/diagnostics")["lastError"]["text"];
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn w36_a_plugin_in_error_is_started_again_by_saving_or_reloading() {
    let refuses = r#"(func (export "plugin_start") (param i32 i32) (result i32) (i32.const 9))"#;
    let mut sim = Sim::new();
    sim.install("p", guest(refuses));
    sim.boot();
    assert_eq!(sim.state("p"), "error");
    let (status, body) = sim.reload("p");
    assert_eq!((status, &body["message"]), (500, &json!("Plugin start() returned error code: 9")));
    assert_eq!(sim.state("p"), "error");
    sim.replace("p", counter());
    assert_eq!(sim.post("p", json!({ "enabled": true, "configuration": {} })).0, 200);
    assert_eq!(sim.state("p"), "running");
    sim.replace("p", guest(refuses));
    sim.post("p", json!({ "enabled": true, "configuration": {} }));
    assert_eq!(sim.state("p"), "error");
    sim.replace("p", counter());
    assert_eq!(sim.reload("p").0, 200);
    assert_eq!(sim.state("p"), "running");
}

#[test]
fn a_capability_that_was_added_to_package_json_holds_after_a_reload() {
    let mut sim = Sim::new();
    sim.install("p", counter());
    sim.boot();
    let folder = "node_modules/p".to_owned();
    let mut package: Value = serde_json::from_str(&sim.packages[&folder]).unwrap();
    package["wasmCapabilities"] = json!({ "rawSockets": true, "dataWrite": false });
    package["version"] = "1.1.0".into();
    sim.packages.insert(folder.clone(), package.to_string());
    assert_eq!(sim.reload("p").0, 200);
    let all = sim.get("/plugins/p/diagnostics");
    assert_eq!(all["capabilities"], json!(["storage", "dataRead", "rawSockets"]));
    assert_eq!(sim.entry("p")["version"], "1.1.0");
    // A damaged one changes nothing, and is said.
    sim.packages.insert(folder, "{".to_owned());
    assert_eq!(sim.reload("p").0, 200);
    assert!(sim.log.join("\n").contains("what it said before holds"), "{:?}", sim.log);
}

#[test]
fn a_disabled_plugin_is_described_anew_by_a_reload_and_not_started() {
    let mut sim = Sim::new();
    sim.install_with("p", counter(), json!({}));
    sim.boot();
    assert_eq!(sim.reload("p").0, 200);
    assert_eq!(sim.state("p"), "stopped");
}

#[test]
fn two_reloads_at_once_are_one_and_a_stop_ends_it() {
    let mut sim = Sim::new();
    sim.install("p", counter());
    sim.boot();
    sim.disk_is_slow = true;
    for id in [3, 4] {
        let mut request = HttpRequest::get("/plugins/p/reload");
        request.method = "POST".to_owned();
        sim.input(Input::Http { id: HttpId(id), request });
    }
    assert_eq!(sim.late.len(), 1, "package.json is read once");
    sim.answer = None;
    sim.post("p", json!({ "enabled": false }));
    let (_, answer) = sim.responses.iter().find(|(id, _)| id.0 == 4).unwrap();
    assert_eq!(answer.status, 500);
    let body = String::from_utf8_lossy(&answer.body);
    assert!(body.contains("stopped before it was complete"), "{body}");
    assert_eq!(sim.state("p"), "stopped");
}
