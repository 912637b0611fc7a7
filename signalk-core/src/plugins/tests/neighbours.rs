//! A plugin that crashes, spins, floods or answers itself: what becomes of it, and that nobody else notices.

use super::*;

/// Story T1: restarts after 1, 2, 4 s, then given up, one notification, the neighbour unharmed.
#[test]
fn a_plugin_that_keeps_crashing_is_given_up_and_its_neighbour_is_not_disturbed() {
    let mut sim = Sim::new();
    let trap = format!(r#"{START} (func (export "poll") (result i32) unreachable)"#);
    sim.install("trap", guest(&trap));
    sim.install("counter", counter());
    sim.boot();
    // Polls a second after each start, traps, and rests 1, 2, 4 s.
    for (time, state) in [
        (0.9, "running"),
        (1.1, "crashed"),
        (1.9, "crashed"),
        (2.1, "running"),
        (3.1, "crashed"),
        (4.9, "crashed"),
        (5.1, "running"),
        (6.1, "crashed"),
        (9.9, "crashed"),
        (10.1, "running"),
        (11.1, "error"),
        (300.0, "error"),
    ] {
        sim.advance_to(time);
        assert_eq!(sim.state("trap"), state, "at {time} s");
        assert_eq!(sim.state("counter"), "running");
    }
    assert_eq!(sim.value("a.b"), json!(0), "300 polls");
    let entry = sim.entry("trap");
    assert_eq!(entry["statusMessage"], "Plugin repeatedly crashing, automatic restart disabled");
    let alarm = sim.value("notifications.plugins.trap");
    assert_eq!(alarm["state"], "alert");
    let message = alarm["message"].as_str().unwrap();
    assert!(
        message.starts_with(
            "Plugin repeatedly crashing, automatic restart disabled: trap: call `poll` trapped"
        ),
        "{message}"
    );
    let given_up = sim.log.iter().filter(|line| line.contains("automatic restart disabled"));
    assert_eq!(given_up.count(), 1);

    // The owner toggles it: forgiven, and tried again.
    sim.post("trap", json!({ "enabled": true, "configuration": {} }));
    assert_eq!(sim.state("trap"), "running");
    assert_eq!(sim.value("notifications.plugins.trap")["state"], "normal");
}

#[test]
fn an_endless_loop_is_stopped_by_its_deadline_and_charged_to_the_looper() {
    let mut sim = Sim::new();
    let spin =
        format!(r#"{START} (func (export "poll") (result i32) (loop (br 0)) (i32.const 0))"#);
    sim.install("loop", guest(&spin));
    sim.install("counter", counter());
    sim.boot();
    // Each look at the clock takes 10 ms: a slice of the loop is worth two looks.
    sim.clock.tick.store(10_000, Ordering::Relaxed);
    sim.advance_to(1.0);
    sim.clock.tick.store(0, Ordering::Relaxed);
    assert_eq!(sim.state("counter"), "running");
    let log = sim.log.join("\n");
    assert!(log.contains("loop: call `poll` took 5"), "{log}");
}

#[test]
fn a_plugin_that_answers_itself_is_paused_and_told() {
    let body = format!(
        r#"{START} (func (export "delta_handler") (param i32 i32)
            (call $emit (i32.const 100) (i32.const 51))
            (call $emit (i32.const 100) (i32.const 51)))"#
    );
    let mut sim = Sim::new();
    sim.install("echo", guest(&body));
    sim.boot();
    sim.delta("x.y", 1);
    // Twice as many on each beat.
    sim.advance_to(0.1);
    assert_eq!(sim.state("echo"), "running");
    let status = sim.entry("echo")["statusMessage"].as_str().unwrap().to_owned();
    assert!(status.contains("a feedback loop"), "{status}");
}

/// Sends 5000 deltas while it starts.
#[cfg(not(target_family = "wasm"))]
const FLOOD: &str = r#"(func (export "plugin_start") (param i32 i32) (result i32) (local $n i32)
    (loop
        (call $emit (i32.const 100) (i32.const 51))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if 0 (i32.lt_u (local.get $n) (i32.const 5000))))
    (i32.const 0))"#;

/// Story T1 with the real guests: the alarm fires while the neighbours misbehave.
#[cfg(not(target_family = "wasm"))]
#[test]
fn the_anchor_alarm_fires_among_hostile_neighbours() {
    let mut sim = Sim::with_options(&[(
        "anchor",
        r#"{"enabled":true,"configuration":{"radius":40,"position":{"latitude":60,"longitude":20}}}"#,
    )]);
    sim.install("anchor", built("anchor_watch"));
    sim.install("crash", built("signalk_crash_on_delta"));
    sim.install("flood", guest(FLOOD));
    sim.install("logger", built("signalk_speed_logger"));
    sim.install("refuses", built("signalk_fails_to_start"));
    sim.boot();
    assert_eq!(sim.state("anchor"), "running");
    assert_eq!(sim.state("refuses"), "error");
    let status = sim.get("/signalk-host/status");
    let flood = &status["plugins"]["flood"];
    assert_eq!((&flood["deltasOut"], &flood["deltasOutDropped"]), (&json!(2000), &json!(3000)));
    for step in 0..20 {
        sim.advance_to(f64::from(step) / 10.0);
        sim.delta("navigation.position", json!({ "latitude": 60.0, "longitude": 20.0 }));
        sim.delta("navigation.speedOverGround", f64::from(step));
    }
    assert_eq!(sim.value("notifications.navigation.anchor")["state"], "normal");
    assert_ne!(sim.state("crash"), "running");
    sim.delta("navigation.position", json!({ "latitude": 60.01, "longitude": 20.0 }));
    sim.advance_to(2.0);
    let alarm = sim.value("notifications.navigation.anchor");
    assert!(matches!(alarm["state"].as_str(), Some("alarm" | "emergency")), "{alarm}");
    assert_eq!(sim.value("test.speed"), json!({ "speed": 19, "count": 20 }));
    // A life that crashes while the boat drags leaves the alarm up; weighing the anchor ends it.
    let plugin = signalk_bridge::PluginId::from_package("anchor");
    sim.input(Input::RunLost { plugin, reason: "a test".to_owned() });
    assert_eq!(sim.state("anchor"), "crashed");
    sim.post(
        "anchor",
        json!({ "enabled": true, "configuration": { "radius": 40, "anchored": false } }),
    );
    assert_eq!(sim.state("anchor"), "running");
    assert_eq!(sim.value("notifications.navigation.anchor")["state"], "normal");
}
