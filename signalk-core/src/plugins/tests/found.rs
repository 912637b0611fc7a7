//! What the server makes of the packages that it found: a list of plugins, and what is wrong with some.

use super::*;

#[test]
fn a_plugin_is_found_started_listed_and_sends() {
    let mut sim = Sim::new();
    sim.install("@signalk/counter", counter());
    sim.boot();
    assert_eq!(sim.state("_signalk_counter"), "running");
    sim.advance_to(3.5);
    let leaf = sim.get("/signalk/v1/api/vessels/self/a/b");
    assert_eq!((&leaf["value"], &leaf["$source"]), (&json!(3), &json!("_signalk_counter")));
    assert_eq!(
        sim.entry("_signalk_counter"),
        json!({
            "id": "_signalk_counter", "name": "@signalk/counter", "packageName": "@signalk/counter",
            "keywords": ["signalk-wasm-plugin"], "version": "1.0.0", "description": "A test",
            "schema": {}, "statusMessage": "Started", "state": "running",
            "data": { "enabled": true, "enableDebug": false },
            "type": "wasm", "bundled": false,
        })
    );
    assert_eq!(
        sim.get("/plugins/_signalk_counter"),
        json!({ "enabled": true, "enabledByDefault": true, "id": "_signalk_counter",
                "name": "@signalk/counter", "version": "1.0.0" })
    );
    sim.input(Input::Shutdown);
    assert!(sim.stopped);
}

#[test]
fn what_is_broken_is_named_and_the_rest_goes_on() {
    let mut sim = Sim::with_options(&[("badoptions", "{ enabled")]);
    sim.install("counter", counter());
    sim.install("missing", Vec::new());
    sim.install("component", b"\0asm\x0d\0\x01\0".to_vec());
    sim.install("badoptions", counter());
    sim.install_with("@a/b", counter(), json!({}));
    sim.install_with("_a_b", counter(), json!({}));
    sim.install_with("typo", counter(), json!({ "wasmCapabilities": { "rawSokets": true } }));
    let dir = "node_modules/broken".to_owned();
    sim.found.push(FoundPackage { dir, package_json: "{".to_owned() });
    sim.boot();
    sim.advance_to(2.5);
    assert_eq!(sim.value("a.b"), json!(2));
    for (id, state, status) in [
        ("counter", "running", "Started"),
        ("missing", "error", "node_modules/missing/plugin.wasm: no such file; check wasmManifest"),
        ("component", "error", "component: this is a WebAssembly component"),
        (
            "badoptions",
            "stopped",
            "plugin `badoptions`: plugin-config-data/badoptions.json is not JSON",
        ),
    ] {
        let entry = sim.entry(id);
        assert_eq!(entry["state"], state, "{id}");
        let got = entry["statusMessage"].as_str().unwrap();
        assert!(got.starts_with(status), "{id}: {got}");
    }
    let log = sim.log.join("\n");
    for text in [
        "node_modules/_a_b (version 1.0.0): its plugin id `_a_b` is that of node_modules/@a/b (version 1.0.0), which was found first",
        "node_modules/broken: package.json is not a JSON object",
        "typo: node_modules/typo/package.json: wasmCapabilities.rawSokets is not a capability",
    ] {
        assert!(log.contains(text), "{text}\n{log}");
    }
    // Looked for again, nothing is said twice.
    sim.install_with("_a_b", counter(), json!({}));
    sim.boot();
    assert_eq!(sim.log.join("\n").matches("which was found first").count(), 1);
}
