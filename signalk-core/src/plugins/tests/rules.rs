//! What an owner's `strict`, `sourceName` and `lenientSource` do to a running plugin (plugin ABI chapter 16).

use super::*;

/// One delta in the name of a GPS, each second.
fn impostor() -> Vec<u8> {
    let delta = r#"{"updates":[{"source":{"label":"gps","talker":"GP"},"values":[{"path":"a.b","value":1}]}]}"#;
    guest(&format!(
        r#"{START} (data (i32.const 1000) {delta:?})
        (func (export "poll") (result i32) (call $emit (i32.const 1000) (i32.const {})) (i32.const 0))"#,
        delta.len()
    ))
}

fn source(wasm: &[u8], options: &str) -> String {
    let mut sim = Sim::with_options(&[("p", options)]);
    sim.install("p", wasm.to_vec());
    sim.boot();
    sim.advance_to(1.5);
    let leaf = sim.get("/signalk/v1/api/vessels/self/a/b");
    leaf["$source"].as_str().unwrap().to_owned()
}

#[test]
fn the_owner_says_under_whose_name_a_plugins_data_appear() {
    let enabled = r#"{"enabled":true}"#;
    let named = r#"{"enabled":true,"sourceName":"@signalk/p"}"#;
    let lenient = r#"{"enabled":true,"lenientSource":true}"#;
    assert_eq!(source(&counter(), enabled), "p");
    assert_eq!(source(&counter(), named), "@signalk/p");
    assert_eq!(source(&counter(), lenient), "p");
    assert_eq!(source(&impostor(), enabled), "p.gps");
    assert_eq!(source(&impostor(), named), "@signalk/p.gps");
    assert_eq!(source(&impostor(), lenient), "gps.GP");
}

/// Its own deltas are known by the name that the owner gave them, so a feedback loop still ends.
#[test]
fn a_loop_ends_under_another_name_too() {
    let answer_itself = guest(&format!(
        r#"{START}
        (func (export "delta_handler") (param i32 i32) (call $emit (i32.const 100) (i32.const 51)))
        (func (export "poll") (result i32) (call $emit (i32.const 100) (i32.const 51)) (i32.const 0))"#
    ));
    for options in [r#"{"enabled":true}"#, r#"{"enabled":true,"sourceName":"other"}"#] {
        let mut sim = Sim::with_options(&[("p", options)]);
        sim.install_with("p", answer_itself.clone(), json!({}));
        sim.boot();
        sim.advance_to(20.0);
        let error = sim.get("/plugins/p/diagnostics")["lastError"]["text"].clone();
        assert!(error.as_str().unwrap_or_default().contains("feedback loop"), "{options}: {error}");
    }
}

#[test]
fn what_a_strict_owner_gets_is_refused_with_the_remedy() {
    let strict = r#"{"enabled":true,"strict":true}"#;
    let schema = r#"{\"properties\":{\"n\":{\"type\":\"number\"}}}"#;
    let configured = guest(&format!(
        r#"{START} (data (i32.const 1000) "{schema}")
        (func (export "plugin_schema") (param $out i32) (param i32) (result i32)
            (memory.copy (local.get $out) (i32.const 1000) (i32.const 38)) (i32.const 38))"#
    ));
    let mut sim =
        Sim::with_options(&[("p", strict), ("q", r#"{"enabled":true}"#), ("old", strict)]);
    sim.install("p", configured.clone());
    sim.install("q", configured);
    sim.install("old", guest_with(r#"(import "env" "sk_gone" (func $gone))"#, START));
    sim.boot();
    let misfit = json!({ "enabled": true, "configuration": { "n": "many" } });
    let (status, text) = sim.post("p", misfit.clone());
    assert_eq!(status, 400, "{text}");
    assert!(text.contains("does not fit the plugin's schema"), "{text}");
    assert_eq!(sim.post("q", misfit).0, 200);
    assert_eq!(sim.state("old"), "error");
    let error = sim.get("/plugins/old/diagnostics")["lastError"]["text"].clone();
    let error = error.as_str().unwrap();
    assert!(error.contains("env.sk_gone") && error.contains(r#""strict": true"#), "{error}");
}
