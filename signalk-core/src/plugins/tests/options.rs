//! The configuration of plugins: what they start with, what is refused, what waits for what.

use super::*;

/// Says at its start what it was given. `poll` saves `{"a":1}` and says what it reads then.
fn configured(schema: &str, id: &str) -> Vec<u8> {
    let text = |name: &str, at: usize, text: &str| {
        format!(
            r#"(data (i32.const {at}) {text:?})
            (func (export "{name}") (param $out i32) (param $max i32) (result i32)
                (memory.copy (local.get $out) (i32.const {at}) (i32.const {len}))
                (i32.const {len}))"#,
            len = text.len()
        )
        .replace("\\\\", "\\")
    };
    let imports = r#"(import "env" "sk_save_config" (func $save (param i32 i32) (result i32)))
        (import "env" "sk_read_config" (func $read (param i32 i32) (result i32)))"#;
    let body = format!(
        r#"{}{}
        (data (i32.const 900) "{{\"a\":1}}")
        (func (export "plugin_start") (param $p i32) (param $n i32) (result i32)
            (call $debug (local.get $p) (local.get $n))
            (i32.const 0))
        (func (export "poll") (result i32)
            (drop (call $save (i32.const 900) (i32.const 7)))
            (call $debug (i32.const 950) (call $read (i32.const 950) (i32.const 40)))
            (i32.const 0))"#,
        text("plugin_schema", 1000, schema),
        text("plugin_id", 3000, id),
    );
    guest_with(imports, &body)
}

const SCHEMA: &str = r#"{"type":"object","properties":{"interval":{"type":"number","minimum":1,"default":1000},"name":{"type":"string"},"deep":{"type":"object","properties":{"on":{"default":true}}}}}"#;

#[test]
fn a_plugin_starts_with_what_was_saved_then_the_defaults_then_enable_debug() {
    let mut sim = Sim::with_options(&[
        ("new", r#"{"enabled":true}"#),
        (
            "old",
            r#"{"enabled":true,"enableDebug":true,"configuration":{"name":"x","interval":5,"more":[1.0]}}"#,
        ),
        ("plain", r#"{"enabled":true,"configuration":{"b":2}}"#),
    ]);
    sim.install("new", configured(SCHEMA, "i"));
    sim.install("old", configured(SCHEMA, "i"));
    sim.install("plain", configured("{}", "i"));
    sim.boot();
    for (id, start) in [
        ("new", r#"{"interval":1000,"deep":{"on":true},"enableDebug":false}"#),
        ("old", r#"{"name":"x","interval":5,"more":[1],"deep":{"on":true},"enableDebug":true}"#),
        ("plain", r#"{"b":2,"enableDebug":false}"#),
    ] {
        assert_eq!(sim.lines(id), [start], "{id}");
    }
    // Nothing of it is written to the owner's file, and the form still shows "Configure".
    assert_eq!(sim.entry("new")["data"], json!({ "enabled": true }));
    assert!(
        sim.files.keys().all(|name| !name.starts_with("plugin-config-data")),
        "{:?}",
        sim.files.keys()
    );
}

#[test]
fn how_a_form_is_drawn_is_listed_also_of_a_plugin_that_was_described_before() {
    let wasm = || {
        guest(&format!(
            r#"{START} (data (i32.const 1000) "{{\22key\22:{{\22ui:widget\22:\22password\22}}}}")
            (func (export "plugin_ui_schema") (param i32 i32) (result i32)
                (memory.copy (local.get 0) (i32.const 1000) (i32.const 32))
                (i32.const 32))"#
        ))
    };
    let mut sim = Sim::new();
    sim.install_with("p", wasm(), json!({}));
    sim.boot();
    let ui_schema = json!({ "key": { "ui:widget": "password" } });
    assert_eq!(sim.entry("p")["uiSchema"], ui_schema);
    let known = sim.files["plugin-descriptions.json"].clone();
    let mut sim = Sim::with(&[], Some(known));
    sim.install_with("p", wasm(), json!({}));
    sim.install_with("plain", counter(), json!({}));
    sim.boot();
    assert_eq!((&sim.entry("p")["uiSchema"], sim.runs.get("p")), (&ui_schema, None));
    assert!(sim.entry("plain").get("uiSchema").is_none());
}

/// Plugin ABI 1.5: the file appears with the first start, never by mere discovery.
#[test]
fn a_plugin_that_its_package_enables_gets_its_file_at_its_first_start() {
    let file =
        |sim: &Sim, id: &str| sim.files.get(&format!("plugin-config-data/{id}.json")).cloned();
    let mut sim = Sim::with_options(&[("saved", r#"{"enabled":true}"#)]);
    sim.install("@a/on", counter());
    sim.install("broken", Vec::new());
    sim.install("saved", counter());
    sim.install_with("off", counter(), json!({}));
    sim.boot();
    let text = file(&sim, "_a_on").unwrap();
    assert_eq!(text, "{\n  \"enabled\": true,\n  \"enableDebug\": false\n}");
    for id in ["broken", "saved", "off"] {
        assert_eq!(file(&sim, id), None, "{id}");
    }
    // The owner's word, from now on: the package does not enable it any more.
    let config = sim.get("/plugins/_a_on/config");
    assert_eq!(config, json!({ "enabled": true, "enableDebug": false }));
    let mut sim = Sim::with_options(&[("_a_on", &text)]);
    sim.install_with("@a/on", counter(), json!({}));
    sim.boot();
    assert_eq!(sim.state("_a_on"), "running");
}

#[test]
fn a_configuration_that_does_not_fit_is_said_and_an_existing_plugin_runs_all_the_same() {
    let mut sim = Sim::with_options(&[
        ("bad", r#"{"enabled":true,"configuration":{"interval":0}}"#),
        ("odd", r#"{"enabled":true,"configuration":{}}"#),
    ]);
    sim.install("bad", configured(SCHEMA, "i"));
    sim.install("odd", configured(r#"{"type":"anything"}"#, "i"));
    sim.boot();
    assert_eq!((sim.state("bad"), sim.state("odd")), ("running".to_owned(), "running".to_owned()));
    let log = sim.log.join("\n");
    assert!(
        log.contains("bad: its configuration does not fit its schema: /interval: value is less than the minimum of 1; it runs all the same"),
        "{log}"
    );
    assert!(
        log.contains(
            "odd: its configuration is not checked, because its schema cannot be used: /type: "
        ),
        "{log}"
    );
    // Saving it is allowed as well, as in the reference.
    let (status, body) =
        sim.post("bad", json!({ "enabled": true, "configuration": { "interval": "x" } }));
    assert_eq!((status, body.as_str()), (200, r#""Saved configuration for plugin bad""#));
    assert_eq!(sim.state("bad"), "running");
}

/// W8: by plugin id, also of a scoped package; the other members stay; no restart.
#[test]
fn w08_a_scoped_plugin_reads_and_saves_its_configuration() {
    let file = r#"{"enabled":true,"enableLogging":true,"configuration":{"z":1}}"#;
    let mut sim = Sim::with_options(&[("_signalk_p", file)]);
    sim.install("@signalk/p", configured("{}", "i"));
    sim.boot();
    sim.advance_to(1.5);
    assert_eq!(sim.lines("_signalk_p"), [r#"{"z":1,"enableDebug":false}"#, r#"{"a":1}"#]);
    let saved: Value =
        serde_json::from_str(&sim.files["plugin-config-data/_signalk_p.json"]).unwrap();
    assert_eq!(
        saved,
        json!({ "enabled": true, "enableLogging": true, "configuration": { "a": 1 } })
    );
    assert_eq!(sim.get("/plugins/_signalk_p/config")["configuration"], json!({ "a": 1 }));
}

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

/// W33: why a start failed is in the list and in the log, not in a field that nobody shows.
#[test]
fn w33_the_reason_of_a_failed_start_is_shown() {
    let mut sim =
        Sim::with_options(&[("code", r#"{"enabled":true}"#), ("trap", r#"{"enabled":true}"#)]);
    let code = r#"(func (export "plugin_start") (param i32 i32) (result i32) (i32.const -7))"#;
    let trap = r#"(func (export "plugin_start") (param i32 i32) (result i32) unreachable)"#;
    sim.install("code", guest(code));
    sim.install("trap", guest(trap));
    sim.boot();
    assert_eq!(sim.entry("code")["statusMessage"], "Plugin start() returned error code: -7");
    let text = sim.entry("trap")["statusMessage"].as_str().unwrap().to_owned();
    assert!(text.contains("`plugin_start` trapped"), "{text}");
    let log = sim.log.join("\n");
    assert!(log.contains("code: Plugin start() returned error code: -7"), "{log}");
}

/// W20: a new configuration meets a new instance.
#[test]
fn w20_a_restart_begins_with_fresh_memory() {
    let counts = r#"(func (export "plugin_start") (param i32 i32) (result i32)
        (i32.store8 (i32.const 900) (i32.add (i32.const 49) (i32.load8_u (i32.const 900))))
        (call $debug (i32.const 900) (i32.const 1))
        (i32.const 0))"#;
    let mut sim = Sim::new();
    sim.install("p", guest(counts));
    sim.boot();
    sim.post("p", json!({ "enabled": true, "configuration": {} }));
    assert_eq!(sim.lines("p"), ["1", "1"]);
}

/// Counts its starts in its memory, and says the number of a new socket.
fn remembers(stop: &str) -> Vec<u8> {
    guest_with(
        r#"(import "env" "sk_udp_create" (func $socket (param i32) (result i32)))"#,
        &format!(
            r#"(data (i32.const 900) "0")
            (func (export "plugin_start") (param i32 i32) (result i32)
                (i32.store8 (i32.const 900) (i32.add (i32.const 1) (i32.load8_u (i32.const 900))))
                (i32.store8 (i32.const 901) (i32.add (i32.const 48) (call $socket (i32.const 0))))
                (call $debug (i32.const 900) (i32.const 2))
                (i32.const 0))
            (func (export "plugin_stop") (result i32) {stop})
            (func (export "poll") (result i32)
                (if (i32.gt_u (i32.load8_u (i32.const 900)) (i32.const 50)) (then unreachable))
                (i32.const 0))"#
        ),
    )
}

/// D5: the owner may have it as on the reference server. Numbers of sockets of the life before are not used again.
#[test]
fn w20_an_owner_may_keep_the_memory_of_a_plugin_that_stops_in_good_order() {
    let keep = r#"{"enabled":true,"keepInstanceOnRestart":true}"#;
    for (options, stop, second) in [
        (keep, "(i32.const 0)", "22"),
        (keep, "(i32.const 7)", "11"),
        (keep, "unreachable", "11"),
        (r#"{"enabled":true,"keepInstanceOnRestart":1}"#, "(i32.const 0)", "11"),
        (r#"{"enabled":true}"#, "(i32.const 0)", "11"),
    ] {
        let mut sim = Sim::with_options(&[("p", options)]);
        sim.install_with(
            "p",
            remembers(stop),
            json!({ "wasmCapabilities": { "rawSockets": true } }),
        );
        sim.boot();
        let fuel =
            |sim: &mut Sim| sim.get("/plugins/p/diagnostics")["fuel"]["used"].as_u64().unwrap();
        let once = fuel(&mut sim);
        let posted = sim.post("p", json!({ "enabled": true, "configuration": {} }));
        assert_eq!((posted.0, sim.state("p")), (200, "running".to_owned()));
        let said: Vec<_> = sim.lines("p").into_iter().filter(|line| line.len() == 2).collect();
        assert_eq!(said, ["11", second], "{options} {stop}");
        assert!(fuel(&mut sim) < 3 * once, "what it used is counted once");
    }
}

#[test]
fn w20_memory_that_is_kept_ends_with_a_crash_a_reload_and_a_pause() {
    let keep = r#"{"enabled":true,"keepInstanceOnRestart":true}"#;
    let mut sim = Sim::with_options(&[("p", keep)]);
    sim.install_with(
        "p",
        remembers("(i32.const 0)"),
        json!({ "wasmCapabilities": { "rawSockets": true } }),
    );
    sim.boot();
    let on = json!({ "enabled": true, "configuration": {} });
    sim.post("p", on.clone());
    sim.post("p", json!({ "enabled": false }));
    sim.post("p", on.clone());
    let mut request = HttpRequest::get("/plugins/p/reload");
    request.method = "POST".to_owned();
    sim.input(Input::Http { id: HttpId(7), request });
    sim.post("p", on.clone());
    sim.post("p", on);
    // The third start in one memory traps in its poll.
    sim.advance_to(3.5);
    assert_eq!(sim.state("p"), "running");
    let said: Vec<_> = sim.lines("p").into_iter().filter(|line| line.len() == 2).collect();
    assert_eq!(said, ["11", "22", "11", "11", "22", "33", "11"]);
}

/// 1.4: early hosts named the file by the export `plugin_id`; it is copied once.
#[test]
fn a_file_named_by_plugin_id_is_taken_over_once() {
    let old = r#"{"enabled":true,"configuration":{"old":1}}"#;
    let mut sim = Sim::with_options(&[("short", old), ("owned", old)]);
    let off = json!({ "signalk-plugin-enabled-by-default": false });
    sim.install_with("@signalk/p", configured(SCHEMA, "short"), off.clone());
    sim.install_with("second", configured("{}", "short"), json!({}));
    sim.install_with("owned", configured("{}", "x"), off.clone());
    sim.install_with("thief", configured("{}", "owned"), off);
    sim.boot();
    assert_eq!(sim.state("_signalk_p"), "running");
    assert_eq!(
        sim.lines("_signalk_p"),
        [r#"{"old":1,"interval":1000,"deep":{"on":true},"enableDebug":false}"#]
    );
    let saved = &sim.files["plugin-config-data/_signalk_p.json"];
    assert_eq!(
        serde_json::from_str::<Value>(saved).unwrap(),
        serde_json::from_str::<Value>(old).unwrap()
    );
    assert_eq!(sim.state("thief"), "stopped", "what belongs to another plugin is not taken");
    assert_eq!(sim.entry("thief")["data"], json!({}));
    assert!(!sim.files.contains_key("plugin-config-data/thief.json"));
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

/// A plugin that was written for this host may rely on its schema; while it is off, anything is kept.
#[cfg(not(target_family = "wasm"))]
#[test]
fn a_plugin_by_json_rpc_is_not_saved_with_what_does_not_fit() {
    let mut sim = Sim::new();
    let more = json!({ "wasmInterface": "json-rpc", "signalk-plugin-enabled-by-default": true });
    sim.install_with("d", built("derived-data"), more);
    sim.boot();
    let switch = sim.entry("d")["schema"]["properties"].as_object().unwrap().keys().next().cloned();
    let bad = json!({ switch.unwrap(): "perhaps" });
    let (status, body) = sim.post("d", json!({ "enabled": true, "configuration": bad }));
    assert_eq!(status, 400, "{body}");
    assert!(
        body.starts_with(r#"{"error":"Configuration of plugin d is not saved, it does not fit the plugin's schema: /"#),
        "{body}"
    );
    assert_eq!(sim.entry("d")["data"], json!({ "enabled": true, "enableDebug": false }));
    assert_eq!(sim.post("d", json!({ "enabled": false, "configuration": bad })).0, 200);
    assert_eq!(sim.state("d"), "stopped");
    assert_eq!(sim.post("d", json!({ "enabled": true, "configuration": {} })).0, 200);
    assert_eq!(sim.state("d"), "running");
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

/// What the plugin says of it itself is more than a number.
#[test]
fn w33_the_plugins_own_reason_of_a_failed_start_is_shown_and_logged() {
    let mut sim = Sim::with_options(&[("p", r#"{"enabled":true}"#)]);
    let body = r#"(data (i32.const 900) "No API key configured")
        (func (export "plugin_start") (param i32 i32) (result i32)
            (call $error (i32.const 900) (i32.const 21))
            (call $error (i32.const 900) (i32.const 21))
            (i32.const 1))"#;
    let error = r#"(import "env" "sk_set_error" (func $error (param i32 i32)))"#;
    sim.install("p", guest_with(error, body));
    sim.boot();
    let text = "Plugin start() returned error code: 1: No API key configured";
    assert_eq!(sim.entry("p")["statusMessage"], text);
    assert_eq!(sim.lines("p"), ["error: No API key configured"], "once");
    let said = sim.log.iter().filter(|line| line.contains("No API key")).collect::<Vec<_>>();
    assert_eq!(said, ["p: error: No API key configured", &format!("p: {text}")]);
}

/// Errors begin with their plugin, and so does each line of the log.
#[test]
fn a_line_of_the_log_names_its_plugin_once() {
    let mut sim = Sim::with_options(&[("p", r#"{"enabled":true}"#)]);
    let trap = r#"(func (export "plugin_start") (param i32 i32) (result i32) unreachable)"#;
    sim.install("p", guest(trap));
    sim.boot();
    let line = sim.log.iter().find(|line| line.contains("trapped")).unwrap();
    assert!(line.starts_with("p: call `plugin_start` trapped"), "{line}");
    let entry = sim.entry("p");
    let text = entry["statusMessage"].as_str().unwrap();
    assert!(text.starts_with("p: call `plugin_start` trapped"), "{text}");
}
