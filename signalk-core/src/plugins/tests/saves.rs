//! Options that are saved: by a client, by the plugin itself, and the routes for it. What a plugin makes of them is
//! `options`.

use super::options::{SCHEMA, configured};
use super::*;

/// `sk_save_config` answers when the disk has (plugin ABI 4.5), in any export; meanwhile others are served.
#[test]
fn a_plugin_that_saves_waits_for_the_disk_and_hears_its_answer() {
    let imports = r#"(import "env" "sk_save_config" (func $save (param i32 i32) (result i32)))"#;
    let saves = |export: &str, result: &str| {
        format!(
            r#"(func (export "{export}") {result}
                (i32.store8 (i32.const 950) (i32.add (i32.const 48) (call $save (i32.const 900) (i32.const 7))))
                (call $debug (i32.const 950) (i32.const 1)) (i32.const 0))"#
        )
    };
    let body = format!(
        r#"(data (i32.const 900) "{{\"a\":1}}") {} {}"#,
        saves("plugin_start", "(param i32 i32) (result i32)"),
        saves("poll", "(result i32)")
    );
    let mut sim = Sim::with_options(&[("p", r#"{"enabled":true}"#)]);
    sim.install("p", guest_with(imports, &body));
    sim.boot();
    assert_eq!((sim.state("p").as_str(), sim.lines("p")), ("running", vec!["0".to_owned()]));
    sim.disk_error = Some("no space left on device".to_owned());
    sim.advance_to(1.5);
    // 47 is 48 - 1.
    assert!(sim.lines("p").contains(&"/".to_owned()), "{:?}", sim.lines("p"));
    sim.disk_error = None;
    sim.advance_to(2.5);
    assert_eq!(sim.lines("p").last().map(String::as_str), Some("0"));
    assert_eq!(sim.get("/plugins/p/diagnostics")["counters"]["savesFailed"], 1);
}

/// What the disk says no to reaches the plugin's log, its last error and a counter.
#[test]
fn a_full_disk_is_told_to_the_plugin_that_saved() {
    let mut sim = Sim::with_options(&[("p", r#"{"enabled":true}"#)]);
    sim.install("p", configured("{}", "i"));
    sim.boot();
    sim.disk_error = Some("no space left on device".to_owned());
    sim.advance_to(1.5);
    let diagnostics = sim.get("/plugins/p/diagnostics");
    let text = diagnostics["lastError"]["text"].as_str().unwrap();
    let file = "plugin-config-data/p.json was not saved: no space left on device";
    assert!(text.contains("`p`: `options.save`: ") && text.contains(file), "{text}");
    assert_eq!(diagnostics["counters"]["savesFailed"], 1);
    assert!(sim.lines("p").iter().any(|line| line == text), "{text}");
    assert_eq!(sim.entry("p")["statusMessage"], "Started", "it goes on");
    assert!(sim.log.iter().any(|line| line.contains(file)), "{:?}", sim.log);
}

/// Plugin ABI 8.4: the file is written first. What the disk refuses is in force nowhere, and the owner is told where he
/// looks.
#[test]
fn a_configuration_that_the_disk_refuses_changes_nothing() {
    let mut sim = Sim::with_options(&[("p", r#"{"enabled":true,"configuration":{"a":1}}"#)]);
    sim.install("p", counter());
    sim.boot();
    sim.advance_to(1.5);
    let before = sim.get("/plugins/p/diagnostics")["exports"]["plugin_start"]["calls"].clone();
    sim.disk_error = Some("no space left on device".to_owned());
    for posted in [
        json!({ "enabled": true, "configuration": { "a": 2 } }),
        json!({ "enabled": false, "configuration": { "a": 3 } }),
    ] {
        let (status, body) = sim.post("p", posted);
        assert_eq!(status, 500, "{body}");
        assert!(body.contains(r#"{"error":"plugin-config-data/p.json was not saved"#), "{body}");
        let entry = sim.entry("p");
        assert_eq!(
            (&entry["state"], &entry["data"]["configuration"]["a"]),
            (&json!("running"), &json!(1))
        );
    }
    let diagnostics = sim.get("/plugins/p/diagnostics");
    assert_eq!(diagnostics["exports"]["plugin_start"]["calls"], before, "never started anew");
    let text = diagnostics["lastError"]["text"].as_str().unwrap();
    assert!(text.contains("no space left on device"), "{text}");
    assert!(sim.lines("p").iter().any(|line| line == text));
    sim.disk_error = None;
    assert_eq!(sim.post("p", json!({ "enabled": true, "configuration": { "a": 4 } })).0, 200);
    assert_eq!(sim.entry("p")["data"]["configuration"], json!({ "a": 4 }));
    assert_eq!(sim.post("p", json!({ "enabled": false })).0, 200);
    assert_eq!(sim.state("p"), "stopped");
}

/// W36: saving starts a plugin that failed, and the reply does not depend on whether that succeeds.
#[test]
fn w36_a_plugin_in_error_is_started_by_saving() {
    let mut sim = Sim::with_options(&[("p", r#"{"enabled":true,"configuration":{}}"#)]);
    let fails =
        guest(r#"(func (export "plugin_start") (param i32 i32) (result i32) (i32.const 3))"#);
    sim.install("p", fails);
    sim.boot();
    assert_eq!(sim.state("p"), "error");
    assert_eq!(sim.entry("p")["statusMessage"], "Plugin start() returned error code: 3");
    let said = json!({ "enabled": true, "configuration": { "a": 1 } });
    let (status, body) = sim.post("p", said.clone());
    assert_eq!((status, body.as_str()), (200, r#""Saved configuration for plugin p""#));
    assert_eq!(sim.state("p"), "error");
    sim.modules.insert("node_modules/p".to_owned(), configured("{}", "i"));
    sim.post("p", said);
    assert_eq!(sim.state("p"), "running");
}

#[test]
fn options_are_saved_and_the_plugin_starts_anew_with_them() {
    let start = r#"(func (export "plugin_start") (param i32 i32) (result i32)
        (call $debug (local.get 0) (local.get 1)) (i32.const 0))"#;
    let mut sim =
        Sim::with_options(&[("p", r#"{"enabled":false,"mine":1,"configuration":{"z":1,"a":2}}"#)]);
    sim.install_with("p", guest(start), json!({}));
    sim.boot();
    assert_eq!(sim.state("p"), "stopped");
    let written = sim.files.keys().any(|name| name.starts_with("plugin-config-data"));
    assert!(!written, "no file is written by mere discovery");
    assert_eq!(
        sim.get("/skServer/plugins/p/config"),
        json!({ "enabled": false, "enableDebug": false, "mine": 1, "configuration": { "z": 1, "a": 2 } })
    );
    let (status, body) = sim
        .post("p", json!({ "enabled": true, "enableDebug": true, "configuration": { "b": 1000 } }));
    assert_eq!((status, body.as_str()), (200, "\"Saved configuration for plugin p\""));
    assert_eq!(sim.state("p"), "running");
    let saved: Value = serde_json::from_str(&sim.files["plugin-config-data/p.json"]).unwrap();
    assert_eq!(
        saved.to_string(),
        r#"{"enabled":true,"mine":1,"configuration":{"b":1000},"enableDebug":true}"#
    );
    let lines: Vec<_> = sim.lines("p");
    assert_eq!(lines.last().unwrap(), r#"{"b":1000,"enableDebug":true}"#);
    sim.post("p", json!({ "enabled": false, "configuration": { "b": 1000 } }));
    assert_eq!(
        (sim.state("p").as_str(), &sim.entry("p")["statusMessage"]),
        ("stopped", &json!("Stopped"))
    );
    assert_eq!(sim.post("q", json!({})).0, 404);
}

/// W27: safe mode holds for these plugins too.
#[test]
fn w27_without_plugins_nothing_is_loaded_and_the_list_says_so() {
    let mut sim = Sim::with_config(Config { plugins_enabled: false, ..Config::default() });
    sim.install("p", configured(SCHEMA, "i"));
    sim.boot();
    let entry = sim.entry("p");
    assert_eq!(
        (&entry["state"], &entry["statusMessage"], &entry["schema"], &entry["name"]),
        (&json!("disabled"), &json!("WASM interface disabled"), &json!({}), &json!("p"))
    );
    // DIFFERENCE: the reference has no such routes then (plugin ABI 8.4); here a configuration can be mended in safe
    // mode.
    assert_eq!(sim.post("p", json!({ "enabled": true, "configuration": {} })).0, 200);
    assert_eq!(sim.state("p"), "disabled");
}

#[test]
fn the_routes_of_a_plugin_answer_as_the_reference_does() {
    let mut sim = Sim::new();
    let off = json!({ "signalk-plugin-enabled-by-default": false });
    sim.install_with("p", configured(SCHEMA, "i"), off);
    sim.boot();
    for mount in ["/plugins", "/skServer/plugins"] {
        assert_eq!(
            sim.get(&format!("{mount}/p/config")),
            json!({ "enabled": false, "enableDebug": false })
        );
        assert_eq!(
            sim.get(&format!("{mount}/p/")),
            json!({ "enabled": false, "enabledByDefault": false, "id": "p", "name": "p", "version": "1.0.0" })
        );
        assert_eq!(sim.get(&format!("{mount}/nosuch")), json!(404));
        assert_eq!(sim.get(&format!("{mount}/nosuch/config")), json!(404));
    }
    assert_eq!(sim.entry("p")["schema"]["properties"]["interval"]["default"], 1000);
    assert!(
        sim.files.keys().all(|name| !name.contains("plugin-config-data")),
        "no file by mere discovery"
    );
    let (status, _) = sim.post("p", json!({ "enabled": "yes", "enableDebug": true }));
    assert_eq!(status, 200);
    assert_eq!(
        sim.get("/plugins/p/config"),
        json!({ "enabled": false, "enableDebug": true, "configuration": {} })
    );
    let mut request = HttpRequest::get("/skServer/plugins/p/config");
    request.method = "POST".to_owned();
    request.body = "[1".into();
    sim.input(Input::Http { id: HttpId(3), request });
    let (status, body) = sim.answer.take().unwrap();
    assert_eq!(status, 400);
    assert!(body.contains("SyntaxError: "), "{body}");
}
