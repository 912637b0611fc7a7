//! How a life of a plugin begins and what is left of it: memory that is fresh or kept, the reason of a failed start.

use super::*;

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
