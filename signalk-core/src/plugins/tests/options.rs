//! The configuration of plugins: what they start with, what is refused, what waits for what.

use super::*;

/// Says at its start what it was given. `poll` saves `{"a":1}` and says what it reads then.
pub(super) fn configured(schema: &str, id: &str) -> Vec<u8> {
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

pub(super) const SCHEMA: &str = r#"{"type":"object","properties":{"interval":{"type":"number","minimum":1,"default":1000},"name":{"type":"string"},"deep":{"type":"object","properties":{"on":{"default":true}}}}}"#;

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

/// C3: an owner who means to close and misspells it learns that it stands open.
#[test]
fn members_that_may_be_meant_otherwise_are_complaints_whether_the_plugin_runs_or_not() {
    let options = [
        ("on", r#"{"enabled":true,"egres":{"only":[]},"inputOrder":"first","mine":1}"#),
        ("off", r#"{"enabled":"yes"}"#),
    ];
    let mut sim = Sim::with_options(&options);
    for (id, _) in options {
        sim.install(id, counter());
    }
    sim.boot();
    let complaints = |sim: &mut Sim, id: &str| {
        sim.get(&format!("/plugins/{id}/diagnostics"))["complaints"].to_string()
    };
    let on = complaints(&mut sim, "on");
    assert!(on.contains("write `egress`") && on.contains("`inputOrder` is a whole number"), "{on}");
    assert!(!on.contains("mine"), "{on}");
    let off = complaints(&mut sim, "off");
    assert!(off.contains("`enabled` is true or false"), "{off}");
    for said in ["`egres` is not known", "`enabled` is true or false"] {
        assert_eq!(sim.log.iter().filter(|line| line.contains(said)).count(), 1, "{:?}", sim.log);
    }
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
