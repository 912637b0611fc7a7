//! What the owner of a plugin that misbehaves is shown, and what the server remembers of those at rest.

use super::*;

impl Sim {
    fn diagnostics(&mut self, id: &str) -> Value {
        self.get(&format!("/skServer/plugins/{id}/diagnostics"))
    }
}

/// Polls, and calls what nobody has at the second poll.
fn built_for_another_host() -> Vec<u8> {
    let imports = r#"(import "env" "sk_gone" (func $gone (param i32 f64) (result i32)))
        (import "other" "thing" (func $thing))"#;
    let body = format!(
        r#"{START} (global $n (mut i32) (i32.const 0))
        (func (export "poll") (result i32)
            (global.set $n (i32.add (global.get $n) (i32.const 1)))
            (call $debug (i32.const 100) (i32.const 9))
            (if (i32.eq (global.get $n) (i32.const 2))
                (then (drop (call $gone (i32.const 1) (f64.const 2)))))
            (i32.const 0))"#
    );
    guest_with(imports, &body)
}

#[test]
fn the_shape_of_the_diagnostics() {
    let mut sim = Sim::with_options(&[("counter", r#"{"enabled":true,"limits":{"memoryMiB":8}}"#)]);
    sim.install("counter", counter());
    sim.boot();
    sim.advance_to(2.5);
    let mut all = sim.diagnostics("counter");
    assert_eq!(all["module"]["sha256"].as_str().unwrap().len(), 64);
    // What it costs depends on the engine.
    for (at, key) in
        [("fuel", "used"), ("fuel", "perSecond"), ("module", "sha256"), ("module", "bytes")]
    {
        assert_ne!(all[at][key].take(), json!(0), "{at}.{key}");
    }
    let exports = all["exports"].as_object_mut().unwrap();
    for (_, export) in exports.iter_mut() {
        assert!(export["fuel"].take().as_u64() > Some(0));
    }
    let counters = json!({
        "hostCalls": 2, "hostCallErrors": 0, "hostCallsDropped": 0, "deltasIn": 0, "deltasOut": 2,
        "deltasInDropped": 0, "deltasOutDropped": 0, "badDeltas": 0, "pollsMissed": 0,
        "guestFaults": 0, "datagramsDropped": 0, "datagramsNotSent": 0, "tcpDropped": 0, "tcpAccepted": 0, "tcpRefused": 0,
        "logLinesDropped": 0,
        "throttled": 0, "handlerErrors": 0, "requests": 0, "requestsFailed": 0,
        "inputsAnswered": 0, "inputsChanged": 0, "inputsDropped": 0, "inputsSkipped": 0,
        "inputFailures": 0, "savesFailed": 0, "framesLost": 0, "crashes": 0, "traps": 0, "deadlineHits": 0,
        "deltasBuffered": 0, "subscriptions": 0,
    });
    assert_eq!(
        all,
        json!({
            "id": "counter", "name": "counter", "packageName": "counter", "version": "1.0.0",
            "state": "running", "enabled": true, "statusMessage": "Started",
            "lastError": null, "complaints": [], "unknownImports": [],
            "capabilities": ["storage", "dataRead", "dataWrite"],
            "module": { "folder": "node_modules/counter", "file": "plugin.wasm", "bytes": null, "sha256": null },
            "supervision": { "restarts": 0, "crashesInSeries": 0, "nextRestartInMs": null, "reloading": false },
            "memory": { "bytes": 262_144, "limitBytes": 8 << 20 },
            "storage": null,
            "fuel": { "used": null, "perSecond": null, "limitPerSecond": 500_000_000 },
            "exports": {
                "plugin_start": { "calls": 1, "fuel": null }, "poll": { "calls": 2, "fuel": null },
            },
            "counters": counters,
            "subscriptions": [],
            "log": [],
        })
    );
    assert_eq!(sim.get("/plugins/nobody/diagnostics"), json!(404));
    assert_eq!(sim.get("/plugins/counter/diagnostics?lines=many"), json!(400));
}

/// R52: what plugins have subscribed to, and what waits for those that do not live.
#[test]
fn the_status_of_the_host_has_totals_over_all_plugins() {
    let mut sim = Sim::new();
    sim.install("counter", counter());
    let listens = format!(
        r#"{START} (func (export "delta_handler") (param i32 i32)
            (if (i32.eq (local.get 1) (i32.const 0)) (then unreachable)))
        (func (export "poll") (result i32) unreachable)"#
    );
    sim.install("listens", guest(&listens));
    sim.boot();
    let totals = |sim: &mut Sim| sim.get("/signalk-host/status")["pluginTotals"].take();
    let expected = json!({ "plugins": 2, "running": 2, "subscriptions": 1, "buffering": 0, "deltasBuffered": 0 });
    assert_eq!(totals(&mut sim), expected);
    sim.advance_to(1.5);
    sim.delta("a.c", 1);
    sim.delta("a.c", 2);
    let now = totals(&mut sim);
    assert_eq!((&now["running"], &now["buffering"]), (&json!(1), &json!(1)), "{now}");
    assert!(now["deltasBuffered"].as_u64() >= Some(2), "{now}");
}

#[test]
fn w40_log_lines_and_counters_outlive_the_crash() {
    let mut sim = Sim::new();
    sim.install("@x/chatty", built_for_another_host());
    sim.boot();
    sim.advance_to(3.5); // two polls, a crash, a restart
    let all = sim.diagnostics("_x_chatty");
    assert_eq!(all["state"], "running");
    assert_eq!((&all["counters"]["crashes"], &all["counters"]["traps"]), (&json!(1), &json!(1)));
    assert_eq!(all["supervision"]["restarts"], 1);
    assert_eq!(all["exports"]["plugin_start"]["calls"], 2);
    let lines = all["log"].as_array().unwrap();
    assert!(lines.iter().all(|line| line["text"] == "{\"updates"), "{lines:?}");
    let few = sim.get("/plugins/@x%2Fchatty/diagnostics?lines=1");
    assert_eq!(few["log"].as_array().unwrap().len(), 1);
}

#[test]
fn w41_an_unknown_import_is_listed_and_traps_only_when_it_is_called() {
    let mut sim = Sim::new();
    sim.install("p", built_for_another_host());
    sim.boot();
    assert_eq!(sim.state("p"), "running");
    sim.advance_to(1.5);
    assert_eq!(sim.state("p"), "running", "a poll that does not call it");
    assert_eq!(sim.diagnostics("p")["unknownImports"], json!(["env.sk_gone", "other.thing"]));
    sim.advance_to(2.5);
    let all = sim.diagnostics("p");
    assert_eq!(all["state"], "crashed");
    let error = &all["lastError"];
    assert_eq!(error["text"], "p: call `poll` used the missing host function env.sk_gone");
    let remedy = error["remedy"].as_str().unwrap();
    assert!(remedy.contains("built for a host that has `env.sk_gone`"), "{remedy}");
    assert_eq!(all["supervision"]["nextRestartInMs"], 500);
    assert_eq!(all["unknownImports"], json!(["env.sk_gone", "other.thing"]), "also between lives");
}

#[test]
fn w33_a_failed_start_is_the_status_in_the_list_with_its_remedy_in_the_diagnostics() {
    let mut sim = Sim::new();
    let refuses = r#"(func (export "plugin_start") (param i32 i32) (result i32) (i32.const 7))"#;
    sim.install("p", guest(refuses));
    sim.boot();
    let entry = sim.entry("p");
    assert_eq!(
        (&entry["state"], &entry["statusMessage"]),
        (&json!("error"), &json!("Plugin start() returned error code: 7"))
    );
    let error = &sim.diagnostics("p")["lastError"];
    assert!(error["remedy"].as_str().unwrap().contains("check its configuration"), "{error}");
    sim.advance_to(300.0);
    assert_eq!(sim.diagnostics("p")["supervision"]["restarts"], 0, "a refused start is no crash");
}

#[test]
fn a_bad_package_json_and_bad_limits_are_complaints_of_a_plugin_that_runs() {
    let mut sim = Sim::with_options(&[("p", r#"{"enabled":true,"limits":{"memoryMiB":0}}"#)]);
    sim.install_with("p", counter(), json!({ "wasmCapabilities": { "flying": true } }));
    sim.boot();
    let all = sim.diagnostics("p");
    let complaints = all["complaints"].to_string();
    assert!(
        complaints.contains("flying") && complaints.contains("limits.memoryMiB"),
        "{complaints}"
    );
    assert_eq!(all["state"], "running");
}

fn named(name: &str) -> Vec<u8> {
    let schema = r#"{"type":"object"}"#;
    guest(&format!(
        r#"{START} (data (i32.const 500) {name:?}) (data (i32.const 600) {schema:?})
        (func (export "plugin_name") (param $out i32) (param i32) (result i32)
            (memory.copy (local.get $out) (i32.const 500) (i32.const {})) (i32.const {}))
        (func (export "plugin_schema") (param $out i32) (param i32) (result i32)
            (memory.copy (local.get $out) (i32.const 600) (i32.const {})) (i32.const {}))"#,
        name.len(),
        name.len(),
        schema.len(),
        schema.len(),
    ))
}

#[test]
fn w42_plugins_at_rest_are_described_once_and_then_known_by_the_hash_of_their_module() {
    let at_rest =
        |sim: &mut Sim, name: &str, wasm: Vec<u8>| sim.install_with(name, wasm, json!({}));
    let mut first = Sim::new();
    for (name, title) in [("a", "Anchor"), ("b", "Barometer")] {
        at_rest(&mut first, name, named(title));
    }
    first.boot();
    assert_eq!(first.entry("a")["name"], "Anchor");
    assert_eq!(first.runs.len(), 2);
    let file = first.files.get("plugin-descriptions.json").unwrap().clone();

    let mut second = Sim::with(&[], Some(file.clone()));
    at_rest(&mut second, "a", named("Anchor"));
    at_rest(&mut second, "b", named("Barograph"));
    second.boot();
    assert_eq!(second.entry("a")["name"], "Anchor");
    assert_eq!(second.entry("a")["schema"], json!({ "type": "object" }));
    assert_eq!(second.entry("b")["name"], "Barograph", "its module has changed");
    assert_eq!(second.runs.keys().collect::<Vec<_>>(), ["b"], "no guest code of a was run");
    assert!(second.files["plugin-descriptions.json"].contains("Barograph"));
    second.post("a", json!({ "enabled": true, "configuration": {} }));
    assert_eq!(second.state("a"), "running");

    for damaged in ["", "{", &file[..file.len() / 2], "[1]"] {
        let mut third = Sim::with(&[], Some(damaged.to_owned()));
        at_rest(&mut third, "a", named("Anchor"));
        third.boot();
        assert_eq!(third.entry("a")["name"], "Anchor");
        assert!(third.files.contains_key("plugin-descriptions.json"), "rebuilt");
        assert_eq!(third.log, Vec::<String>::new());
    }
}
