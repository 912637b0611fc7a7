//! Limits of one plugin: they hold for it only, and a bad one is said.

use super::*;

#[test]
fn the_limits_of_an_options_file_hold_for_that_plugin_only() {
    // Starts with 4 pages; 16 more are 1.25 MiB.
    let grows = format!(
        r#"{START} (func (export "poll") (result i32)
            (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
            (i32.const 0))"#
    );
    let spin =
        format!(r#"{START} (func (export "poll") (result i32) (loop (br 0)) (i32.const 0))"#);
    let mut sim = Sim::with_options(&[
        ("small", r#"{"enabled":true,"limits":{"memoryMiB":1}}"#),
        ("short", r#"{"enabled":true,"limits":{"callSeconds":2}}"#),
    ]);
    sim.install("small", guest(&grows));
    sim.install("free", guest(&grows));
    sim.install("short", guest(&spin));
    sim.boot();
    sim.clock.tick.store(10_000, Ordering::Relaxed);
    sim.advance_to(1.0);
    sim.clock.tick.store(0, Ordering::Relaxed);
    let log = sim.log.join("\n");
    assert!(log.contains("asked for 1310720 bytes of memory, the limit is 1048576"), "{log}");
    assert!(log.contains("short: call `poll` took 2"), "{log}");
    assert_eq!(sim.state("free"), "running");
}

#[test]
fn a_bad_limit_is_said_and_the_plugin_runs_with_the_default() {
    let mut sim = Sim::with_options(&[(
        "counter",
        r#"{"enabled":true,"limits":{"memoryMiB":"1 GB","deltasPerSecond":0}}"#,
    )]);
    sim.install("counter", counter());
    sim.boot();
    sim.advance_to(1.5);
    assert_eq!(sim.state("counter"), "running");
    let log = sim.log.join("\n");
    assert!(log.contains("limits.memoryMiB is \"1 GB\"; the default holds"), "{log}");
    assert!(log.contains("limits.deltasPerSecond is 0"), "{log}");
    assert_eq!(sim.get("/signalk/v1/api/vessels/self/a/b")["value"], json!(1));
    // What the admin UI sends does not touch them; they are shown with the rest.
    sim.post("counter", json!({ "enabled": true, "enableDebug": false, "configuration": {} }));
    let kept = &sim.get("/plugins/counter/config")["limits"];
    assert_eq!(*kept, json!({ "memoryMiB": "1 GB", "deltasPerSecond": 0 }));
}

/// F61, F56: where it may go, listen, and whom it trusts.
#[test]
fn rules_of_the_network_that_are_not_understood_are_named() {
    let mut sim = Sim::with_options(&[(
        "p",
        r#"{"enabled":true,"egress":{"onyl":["a.b"]},"listen":"all","trust":["../pilot.pem"]}"#,
    )]);
    let declared = json!({ "signalk": { "wasmEgress": ["api.example.org", "no way"] } });
    sim.install_with("p", counter(), declared);
    sim.boot();
    let said = sim.get("/plugins/p/diagnostics")["complaints"].to_string();
    for text in
        ["egress: `onyl`", "listen: ", "trust: `../pilot.pem`", "signalk.wasmEgress: `no way`"]
    {
        assert!(said.contains(text), "{said}");
    }
}
