//! Radars of plugins in virtual time: whose one is, what its plugin is asked, what a client reads.

use super::handlers::ask;
use super::weather::{install, provider};
use super::*;

const API: &str = "/signalk/v2/api/vessels/self/radars";

const INFO: &str = r#"{"name":"Radar","brand":"Test","radarIpAddress":"127.0.0.1"}"#;

fn radar(exports: &[(&str, &str)]) -> Vec<u8> {
    provider("sk_register_radar_provider", exports)
}

/// One with the radar `r`.
fn with(exports: &[(&str, &str)]) -> Sim {
    let mut exports = exports.to_vec();
    exports.push(("radar_get_radars", r#"["r"]"#));
    let mut sim = Sim::new();
    install(&mut sim, "p", "radarProvider", radar(&exports));
    sim.boot();
    sim
}

fn put(sim: &mut Sim, method: &str, path: &str, body: &str) -> (u16, Value) {
    let (status, body) = ask(sim, method, &format!("{API}{path}"), body);
    let last = &sim.responses.last().unwrap().1;
    assert_eq!(last.header("cache-control"), Some("no-cache"), "{method} {path}");
    (status, serde_json::from_str(&body).unwrap_or_else(|_| json!(body)))
}

fn get(sim: &mut Sim, path: &str) -> (u16, Value) {
    put(sim, "GET", path, "")
}

fn failed(status: u16, message: &str) -> (u16, Value) {
    (status, json!({ "state": "FAILED", "statusCode": status, "message": message }))
}

fn ok() -> (u16, Value) {
    (200, json!({ "state": "COMPLETED", "statusCode": 200, "message": "OK" }))
}

#[test]
fn radars_of_all_plugins_are_listed_and_the_first_has_an_id() {
    let mut sim = Sim::new();
    sim.boot();
    assert_eq!(get(&mut sim, ""), (200, json!({ "version": "3.4.0", "radars": {} })));
    assert_eq!(get(&mut sim, "/_providers"), (200, json!({})));
    let lists = |ids| radar(&[("radar_get_radars", ids), ("radar_get_info", INFO)]);
    install(&mut sim, "a", "radarProvider", lists(r#"["r1","r2"]"#));
    install(&mut sim, "b", "radarProvider", lists(r#"["r2","r3"]"#));
    install(&mut sim, "garbage", "radarProvider", lists("oops"));
    install(&mut sim, "denied", "dataRead", lists(r#"["r9"]"#));
    sim.boot();
    let info: Value = serde_json::from_str(INFO).unwrap();
    let expected = json!({ "version": "3.4.0", "radars": { "r1": info, "r2": info, "r3": info } });
    assert_eq!(get(&mut sim, ""), (200, expected.clone()));
    assert_eq!(sim.lines("a"), ["Test", r#"{"radarId":"r1"}"#, r#"{"radarId":"r2"}"#]);
    assert_eq!(sim.lines("b"), ["Test", r#"{"radarId":"r3"}"#]);
    // For a second nobody is asked again which radars it has.
    assert_eq!(get(&mut sim, "/r3"), (200, info));
    assert_eq!(sim.lines("b").len(), 3);
    sim.advance_to(1.5);
    assert_eq!(get(&mut sim, ""), (200, expected));
    assert_eq!(sim.lines("b")[3..], ["Test", r#"{"radarId":"r3"}"#]);
    assert_eq!(sim.get("/signalk/v2/features")["apis"], json!(["resources", "radar"]));
    let providers = get(&mut sim, "/_providers").1;
    assert_eq!(providers["a"], json!({ "name": "Test provider", "isDefault": true }));
    assert!(providers.get("denied").is_none());
    let chosen = put(&mut sim, "POST", "/_providers/_default/b", "");
    assert_eq!(chosen.1["message"], "Default provider set to b.");
    assert_eq!(get(&mut sim, "/_providers/_default"), (200, json!({ "id": "b" })));
    // A radar that nobody has; one plugin cannot even say.
    let no_list = failed(502, "radar_get_radars gave no JSON array");
    assert_eq!(get(&mut sim, "/r9/state"), no_list);
    sim.post("garbage", json!({ "enabled": false }));
    assert_eq!(get(&mut sim, "/r9"), failed(404, "Resource not found."));
    assert_eq!(get(&mut sim, "/r9/state"), failed(404, "Radar r9 not found"));
}

/// What a plugin is asked by each route, byte for byte, and what its good answer becomes.
#[test]
fn each_route_asks_in_the_abis_words() {
    let done = r#"{"success":true}"#;
    let exports = [
        ("radar_get_radar_info", INFO),
        ("radar_set_controls", "true"),
        ("radar_get_capabilities", r#"{"maxRange":100.0}"#),
        ("radar_get_state", r#"{"status":"off","controls":{"gain":{"value":5}}}"#),
        ("radar_get_control", r#"{"auto":false,"value":5}"#),
        ("radar_set_control", done),
        ("radar_get_targets", r#"{"targets":[]}"#),
        ("radar_acquire_target", r#"{"success":true,"targetId":7}"#),
        ("radar_cancel_target", "true"),
        ("radar_get_arpa_settings", r#"{"enabled":true}"#),
        ("radar_set_arpa_settings", done),
    ];
    let mut sim = with(&exports);
    let gain = json!({ "gain": { "value": 5 } });
    let acquired =
        json!({ "state": "COMPLETED", "statusCode": 201, "message": "OK", "targetId": 7 });
    let set = |control: &str, value: &str| {
        format!(r#"{{"radarId":"r","controlId":"{control}","value":{value}}}"#)
    };
    let id = || r#"{"radarId":"r"}"#.to_owned();
    for (method, path, body, asked, answer) in [
        ("GET", "/r", "", id(), (200, serde_json::from_str(INFO).unwrap())),
        ("PUT", "/r", r#"{"gain":5}"#, r#"{"radarId":"r","controls":{"gain":5}}"#.into(), ok()),
        (
            "PUT",
            "/r",
            r#"{"value":{"sea":1}}"#,
            r#"{"radarId":"r","controls":{"sea":1}}"#.into(),
            ok(),
        ),
        ("PUT", "/r/power", r#"{"value":"transmit"}"#, set("power", r#""transmit""#), ok()),
        ("PUT", "/r/range", r#"{"value":1852.0}"#, set("range", "1852"), ok()),
        (
            "PUT",
            "/r/gain",
            r#"{"value":{"auto":false,"value":50}}"#,
            set("gain", r#"{"auto":false,"value":50}"#),
            ok(),
        ),
        (
            "PUT",
            "/r/sea",
            r#"{"auto":false,"value":50}"#,
            set("sea", r#"{"auto":false,"value":50}"#),
            ok(),
        ),
        ("PUT", "/r/rain", r#"{"value":{"auto":true}}"#, set("rain", r#"{"auto":true}"#), ok()),
        ("GET", "/r/capabilities", "", id(), (200, json!({ "maxRange": 100 }))),
        ("GET", "/r/state", "", id(), (200, json!({ "status": "off", "controls": gain }))),
        ("GET", "/r/controls", "", id(), (200, gain.clone())),
        (
            "GET",
            "/r/controls/gain",
            "",
            r#"{"radarId":"r","controlId":"gain"}"#.into(),
            (200, json!({ "auto": false, "value": 5 })),
        ),
        ("PUT", "/r/controls/gain", r#"{"value":7}"#, set("gain", "7"), ok()),
        (
            "PUT",
            "/r/controls/zone",
            r#"{"value":0.5,"endValue":1}"#,
            set("zone", r#"{"value":0.5,"endValue":1}"#),
            ok(),
        ),
        ("GET", "/r/targets", "", id(), (200, json!({ "targets": [] }))),
        (
            "POST",
            "/r/targets",
            r#"{"distance":100,"bearing":1.5}"#,
            r#"{"radarId":"r","bearing":1.5,"distance":100}"#.into(),
            (201, acquired),
        ),
        ("DELETE", "/r/targets/12", "", r#"{"radarId":"r","targetId":12}"#.into(), ok()),
        ("GET", "/r/arpa/settings", "", id(), (200, json!({ "enabled": true }))),
        (
            "PUT",
            "/r/arpa/settings",
            r#"{"value":{"enabled":false}}"#,
            r#"{"radarId":"r","settings":{"enabled":false}}"#.into(),
            ok(),
        ),
    ] {
        assert_eq!(put(&mut sim, method, path, body), answer, "{method} {path}");
        assert_eq!(sim.lines("p").pop().unwrap(), asked, "{method} {path}");
    }
}

/// The generation of signalk-server 2.23 has a setter for each control, and no other.
#[test]
fn older_setters_are_found_where_the_present_one_is_missing() {
    let exports =
        ["power", "range", "gain", "sea", "rain"].map(|control| format!("radar_set_{control}"));
    let exports: Vec<_> = exports.iter().map(|name| (name.as_str(), "true")).collect();
    let mut sim = with(&exports);
    let auto = r#"{"auto":false,"value":50}"#;
    for (control, body, asked) in [
        ("power", r#"{"value":"off"}"#, r#"{"radarId":"r","state":"off"}"#.to_owned()),
        ("range", r#"{"value":100}"#, r#"{"radarId":"r","range":100}"#.to_owned()),
        ("gain", auto, format!(r#"{{"radarId":"r","gain":{auto}}}"#)),
        ("sea", auto, format!(r#"{{"radarId":"r","sea":{auto}}}"#)),
        ("rain", auto, format!(r#"{{"radarId":"r","rain":{auto}}}"#)),
    ] {
        assert_eq!(put(&mut sim, "PUT", &format!("/r/{control}"), body), ok(), "{control}");
        assert_eq!(sim.lines("p").pop().unwrap(), asked);
    }
    let none = failed(501, "Provider does not support setControl");
    assert_eq!(put(&mut sim, "PUT", "/r/controls/gain", "{}"), none);
    let mut sim = with(&[]);
    let none = failed(501, "Provider does not support setGain");
    assert_eq!(put(&mut sim, "PUT", "/r/gain", auto), none);
    assert_eq!(get(&mut sim, "/r/targets"), failed(501, "Provider does not support ARPA targets"));
}

#[test]
fn a_request_that_is_wrong_reaches_no_plugin() {
    let mut sim = with(&[("radar_set_control", "oops"), ("radar_acquire_target", "oops")]);
    let power = "Invalid power state. Must be: off, standby, transmit, or warming";
    let range = "Invalid range value. Must be a positive number (meters)";
    let target = "Invalid request. Must provide bearing (radians) and distance (meters)";
    for (method, path, body, why) in [
        ("PUT", "/r/power", r#"{"value":"on"}"#, power),
        ("PUT", "/r/power", "", power),
        ("PUT", "/r/range", r#"{"value":0}"#, range),
        ("PUT", "/r/range", r#"{"value":"1"}"#, range),
        (
            "PUT",
            "/r/gain",
            r#"{"value":5}"#,
            r#"Invalid gain value. Must have "auto" boolean property"#,
        ),
        (
            "PUT",
            "/r/sea",
            r#"{"value":{"auto":1}}"#,
            r#"Invalid sea value. Must have "auto" boolean property"#,
        ),
        ("POST", "/r/targets", r#"{"bearing":1}"#, target),
        (
            "POST",
            "/r/targets",
            r#"{"bearing":6.3,"distance":1}"#,
            "Bearing must be in radians [0, 2π)",
        ),
        (
            "POST",
            "/r/targets",
            r#"{"bearing":-1,"distance":1}"#,
            "Bearing must be in radians [0, 2π)",
        ),
        (
            "POST",
            "/r/targets",
            r#"{"bearing":0,"distance":0}"#,
            "Distance must be a positive number (meters)",
        ),
        ("DELETE", "/r/targets/x", "", "Invalid target ID. Must be a number"),
    ] {
        assert_eq!(put(&mut sim, method, path, body), failed(400, why), "{method} {path} {body}");
    }
    assert_eq!(put(&mut sim, "PUT", "/r/range", "{").0, 400);
    assert_eq!(put(&mut sim, "PUT", "/x/power", "{}"), failed(404, "Resource not found."));
    assert!(sim.lines("p").iter().all(|line| line == "Test"), "only asked whose it is");
}

/// W37: a failure of the plugin is one for the client.
#[test]
fn w37_a_radar_provider_that_fails_does_not_look_like_success() {
    let range = ("PUT", "/r/range", r#"{"value":1}"#);
    let garbage = "the provider's answer is not the JSON that was asked for";
    for (export, answer, (method, path, body), expected) in [
        (
            "radar_set_control",
            r#"{"success":false,"error":"too far"}"#,
            range,
            failed(400, "too far"),
        ),
        (
            "radar_set_control",
            r#"{"success":false}"#,
            range,
            failed(400, "Failed to set radar range"),
        ),
        ("radar_set_control", "{}", range, failed(400, "Failed to set radar range")),
        ("radar_set_control", "", range, failed(400, "Failed to set radar range")),
        ("radar_set_control", "oops", range, failed(502, garbage)),
        ("radar_set_range", "false", range, failed(400, "Failed to set radar range")),
        ("radar_set_range", "1", range, failed(400, "Failed to set radar range")),
        (
            "radar_set_controls",
            "oops",
            ("PUT", "/r", "{}"),
            failed(400, "Failed to update radar controls"),
        ),
        (
            "radar_get_radar_info",
            r#"{"error":"x"}"#,
            ("GET", "/r", ""),
            failed(404, "Resource not found."),
        ),
        ("radar_get_state", "null", ("GET", "/r/state", ""), failed(404, "Radar r not found")),
        ("radar_get_state", "{}", ("GET", "/r/controls", ""), failed(404, "Radar r not found")),
        ("radar_get_state", "[]", ("GET", "/r/state", ""), failed(502, garbage)),
        ("radar_get_targets", "oops", ("GET", "/r/targets", ""), failed(502, garbage)),
        (
            "radar_get_control",
            r#"{"error":"x"}"#,
            ("GET", "/r/controls/g", ""),
            failed(404, "Control g not found"),
        ),
        (
            "radar_acquire_target",
            "{}",
            ("POST", "/r/targets", r#"{"bearing":0,"distance":1}"#),
            failed(400, "Failed to acquire target"),
        ),
        (
            "radar_cancel_target",
            "false",
            ("DELETE", "/r/targets/1", ""),
            failed(404, "Target not found or already cancelled"),
        ),
        (
            "radar_set_arpa_settings",
            "{}",
            ("PUT", "/r/arpa/settings", "{}"),
            failed(400, "Failed to update ARPA settings"),
        ),
    ] {
        let mut sim = with(&[(export, answer)]);
        assert_eq!(put(&mut sim, method, path, body), expected, "{export} {answer}");
        assert_eq!(sim.state("p"), "running");
    }
}

/// W19, and the deadline: a plugin that never answers is told to the client, restarted, and meanwhile has no radars.
#[test]
fn w19_a_radar_ends_with_its_plugin_and_one_that_never_answers_is_given_up() {
    let imports = r#"(import "env" "sk_register_radar_provider" (func $register (param i32 i32) (result i32)))"#;
    let body = r#"(data (i32.const 900) "[\"r\"]")
        (func (export "plugin_start") (param i32 i32) (result i32)
            (drop (call $register (i32.const 900) (i32.const 5))) (i32.const 0))
        (func (export "radar_get_radars") (param $out i32) (param i32) (result i32)
            (memory.copy (local.get $out) (i32.const 900) (i32.const 5)) (i32.const 5))
        (func (export "radar_get_state") (param i32 i32 i32 i32) (result i32) (loop (br 0)) (i32.const 0))
        (func (export "radar_get_targets") (param i32 i32 i32 i32) (result i32) unreachable)"#;
    let mut sim = Sim::new();
    install(&mut sim, "p", "radarProvider", guest_with(imports, body));
    sim.boot();
    sim.clock.tick.store(10_000, Ordering::Relaxed);
    let told = get(&mut sim, "/r/state");
    sim.clock.tick.store(0, Ordering::Relaxed);
    assert_eq!(told, failed(502, "Plugin handler timeout: no reply within 10s"));
    assert_eq!(sim.state("p"), "crashed");
    assert_eq!(get(&mut sim, "/r/state"), failed(404, "Radar r not found"));
    let later = sim.now().as_secs_f64() + 1.5;
    sim.advance_to(later);
    let (status, told) = get(&mut sim, "/r/targets");
    let text = told["message"].as_str().unwrap();
    assert!(status == 502 && text.starts_with("WASM handler crashed: "), "{told}");
}

/// The real guests: one with the present setter, one with the older ones only.
#[cfg(not(target_family = "wasm"))]
#[test]
fn guests_of_the_buffer_abi_and_in_assemblyscript_provide_radars() {
    for name in ["buffer_everything", "as_everything"] {
        let register = json!([["sk_register_radar_provider", name]]);
        let options = json!({ "enabled": true, "configuration": { "start": register } });
        let mut sim = Sim::with_options(&[(name, &options.to_string())]);
        install(&mut sim, name, "radarProvider", built(name));
        sim.boot();
        let (status, list) = get(&mut sim, "");
        assert_eq!(
            (status, &list["radars"]["radar-0"]["name"]),
            (200, &json!("Radar 0")),
            "{list}"
        );
        assert_eq!(get(&mut sim, "/radar-0/state").0, 200, "{name}");
        assert_eq!(get(&mut sim, "/radar-1/state").0, 404, "{name}");
        for (control, body) in [
            ("power", r#"{"value":"transmit"}"#),
            ("range", r#"{"value":1852}"#),
            ("gain", r#"{"auto":true}"#),
        ] {
            let path = format!("/radar-0/{control}");
            assert_eq!(put(&mut sim, "PUT", &path, body), ok(), "{name} {control}");
        }
    }
}
