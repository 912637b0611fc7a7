//! The weaknesses W1 to W45 of the reference server (plugin ABI 14) that are about lives: each by its number.

use super::*;

/// Logs the count of its polls, as a digit, and traps at the third.
fn traps_at_the_third_poll() -> Vec<u8> {
    guest(&format!(
        r#"{START} (data (i32.const 500) "0")
        (func (export "poll") (result i32)
            (i32.store8 (i32.const 500) (i32.add (i32.load8_u (i32.const 500)) (i32.const 1)))
            (call $debug (i32.const 500) (i32.const 1))
            (if (i32.eq (i32.load8_u (i32.const 500)) (i32.const 51)) (then unreachable))
            (i32.const 0))"#
    ))
}

#[test]
fn w11_a_trap_is_a_visible_crash_and_the_next_life_is_a_new_instance() {
    let mut sim = Sim::new();
    sim.install("p", traps_at_the_third_poll());
    sim.boot();
    sim.advance_to(3.5);
    let entry = sim.entry("p");
    assert_eq!(entry["state"], "crashed");
    assert!(entry["statusMessage"].as_str().unwrap().contains("call `poll` trapped"), "{entry}");
    sim.advance_to(6.5);
    assert_eq!(sim.state("p"), "running");
    assert_eq!(sim.lines("p"), ["1", "2", "3", "1", "2"], "nothing of the old memory");
}

#[test]
fn w12_every_kind_of_call_has_its_deadline_and_the_neighbour_goes_on() {
    let spins = |export: &str, params: &str, result: &str| {
        format!(r#"(func (export "{export}") {params} {result} (loop (br 0)) unreachable)"#)
    };
    for (export, body, limit) in [
        ("plugin_start", spins("plugin_start", "(param i32 i32)", "(result i32)"), "30s"),
        ("poll", format!("{START}{}", spins("poll", "", "(result i32)")), "5s"),
        (
            "delta_handler",
            format!("{START}{}", spins("delta_handler", "(param i32 i32)", "")),
            "5s",
        ),
        (
            "plugin_schema",
            format!("{START}{}", spins("plugin_schema", "(param i32 i32)", "(result i32)")),
            "5s",
        ),
    ] {
        let mut sim = Sim::new();
        sim.install("counter", counter());
        sim.install("spins", guest(&body));
        // Each look at the clock takes 100 ms: a slice of a loop is worth two looks.
        sim.clock.tick.store(100_000, Ordering::Relaxed);
        sim.boot();
        sim.delta("x.y", 1);
        let now = sim.now().as_secs_f64();
        sim.advance_to(now + 1.1);
        sim.clock.tick.store(0, Ordering::Relaxed);
        let all = sim.get("/plugins/spins/diagnostics");
        let text = all["lastError"]["text"].as_str().unwrap().to_owned();
        assert!(text.contains(&format!("call `{export}`")), "{export}: {text}");
        assert!(text.contains(&format!("for the host, the limit is {limit}")), "{export}: {text}");
        let remedy = all["lastError"]["remedy"].as_str().unwrap();
        assert!(remedy.contains("callSeconds"), "{remedy}");
        // A start that spins is tried again within this time.
        let counters = &all["counters"];
        assert!(counters["deadlineHits"].as_u64() >= Some(1), "{export}: {counters}");
        assert_eq!(counters["deadlineHits"], counters["crashes"], "{export}");
        assert_eq!(sim.state("counter"), "running");
    }
}

#[test]
fn w20_a_changed_configuration_starts_a_fresh_instance() {
    let mut sim = Sim::new();
    sim.install("p", traps_at_the_third_poll());
    sim.boot();
    sim.advance_to(2.5);
    sim.post("p", json!({ "enabled": true, "configuration": { "x": 1 } }));
    sim.advance_to(4.0);
    assert_eq!(sim.lines("p"), ["1", "2", "1"]);
}

#[test]
fn w25_a_flood_of_log_lines_is_cut_and_counted_and_said_once() {
    let floods = r#"(func (export "plugin_start") (param i32 i32) (result i32) (local $n i32)
        (loop
            (call $debug (i32.const 100) (i32.const 9))
            (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 500))))
        (i32.const 0))"#;
    let mut sim =
        Sim::with_options(&[("small", r#"{"enabled":true,"limits":{"logLinesPerSecond":3}}"#)]);
    sim.install("p", guest(floods));
    sim.install("small", guest(floods));
    sim.boot();
    for (id, kept) in [("p", 100), ("small", 3)] {
        let dropped =
            &sim.get(&format!("/plugins/{id}/diagnostics"))["counters"]["logLinesDropped"];
        assert_eq!(dropped, &json!(500 - kept), "{id}");
        let lines = sim.lines(id);
        assert_eq!(lines.len(), kept + 1);
        let last = lines.last().unwrap();
        assert!(last.contains(&format!("more than {kept} log lines per second")), "{last}");
        assert!(last.contains("logLinesPerSecond"), "{last}");
    }
}

#[test]
fn w27_without_plugins_nothing_is_read_and_the_list_says_so() {
    let mut sim = Sim::new();
    let config = Config { plugins_enabled: false, ..Config::default() };
    sim.core = Core::new(config, sim.clock.clone());
    sim.install("p", counter());
    sim.boot();
    let entry = sim.entry("p");
    assert_eq!(
        (&entry["state"], &entry["statusMessage"]),
        (&json!("disabled"), &json!("WASM interface disabled"))
    );
    assert_eq!(sim.get("/plugins/p/diagnostics")["state"], "disabled");
    assert!(sim.runs.is_empty());
    let mut request = HttpRequest::get("/plugins/p/reload");
    request.method = "POST".to_owned();
    sim.input(Input::Http { id: HttpId(3), request });
    let (status, body) = sim.answer.take().unwrap();
    assert_eq!(status, 500);
    assert!(body.contains("DISABLEPLUGINS"), "{body}");
}

/// W27: the list enables while no options file says otherwise, also after a reload; it never wins over a file or over
/// safe mode.
#[test]
fn w27_a_list_enables_plugins_without_an_options_file() {
    let list: std::collections::BTreeSet<String> = ["p", "@x/q", "off"].map(str::to_owned).into();
    for plugins_enabled in [true, false] {
        let plugins_enabled_by_default = list.clone();
        let mut config =
            Config { plugins_enabled, plugins_enabled_by_default, ..Config::default() };
        config.plugin_options.insert("off".to_owned(), r#"{"enabled":false}"#.to_owned());
        let mut sim = Sim::with_config(config);
        for name in ["p", "@x/q", "off", "unlisted"] {
            sim.install_with(name, counter(), json!({}));
        }
        sim.boot();
        let expected = match plugins_enabled {
            true => ["running", "running", "stopped", "stopped"],
            false => ["disabled"; 4],
        };
        assert_eq!(["p", "_x_q", "off", "unlisted"].map(|id| sim.state(id)), expected);
        assert_eq!(sim.get("/plugins/p")["enabledByDefault"], true);
        if plugins_enabled {
            let mut request = HttpRequest::get("/plugins/p/reload");
            request.method = "POST".to_owned();
            sim.input(Input::Http { id: HttpId(3), request });
            assert_eq!(sim.state("p"), "running");
            assert_eq!(
                sim.get("/plugins/p")["enabledByDefault"],
                true,
                "its package was read anew"
            );
            sim.post("p", json!({ "enabled": false, "configuration": {} }));
            assert_eq!(sim.state("p"), "stopped");
        }
    }
}

/// The delta that a handler sends reaches it later, never inside the call that sends it.
#[test]
fn w28_a_delta_handler_is_not_entered_again_by_its_own_delta() {
    let body = format!(
        r#"{START} (global $depth (mut i32) (i32.const 0)) (global $calls (mut i32) (i32.const 0))
        (func (export "delta_handler") (param i32 i32)
            (if (global.get $depth) (then unreachable))
            (global.set $depth (i32.const 1))
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (if (i32.lt_u (global.get $calls) (i32.const 5))
                (then (call $emit (i32.const 100) (i32.const 51))))
            (call $debug (i32.const 100) (i32.const 2))
            (global.set $depth (i32.const 0)))"#
    );
    let mut sim = Sim::new();
    sim.install("p", guest(&body));
    sim.boot();
    sim.delta("x.y", 1);
    sim.advance_to(1.0);
    assert_eq!(sim.state("p"), "running");
    assert_eq!(sim.lines("p").len(), 5, "the client's and four of its own");
}

#[test]
fn w31_starts_that_meet_are_one_start_each_time() {
    let starts = r#"(func (export "plugin_start") (param i32 i32) (result i32)
        (call $debug (i32.const 100) (i32.const 9)) (i32.const 0))"#;
    let mut sim = Sim::new();
    sim.install("p", guest(starts));
    sim.disk_is_slow = true;
    sim.boot();
    for _ in 0..3 {
        sim.send_post("p", json!({ "enabled": true, "configuration": {} }));
    }
    sim.disk_is_slow = false;
    sim.late.reverse();
    while let Some(report) = sim.late.pop() {
        sim.input(Input::Report(report));
    }
    assert_eq!(sim.state("p"), "running");
    assert_eq!(sim.lines("p").len(), 1, "plugin_start ran once");
}

#[test]
fn w32_a_scoped_plugin_has_one_id_everywhere_and_its_package_name_is_an_alias() {
    let mut sim = Sim::new();
    sim.install("@signalk/counter", counter());
    sim.boot();
    sim.advance_to(1.5);
    let leaf = sim.get("/signalk/v1/api/vessels/self/a/b");
    assert_eq!(leaf["$source"], "_signalk_counter");
    for name in ["_signalk_counter", "@signalk%2Fcounter"] {
        for route in ["", "/config", "/diagnostics"] {
            let answer = sim.get(&format!("/plugins/{name}{route}"));
            assert!(answer.is_object(), "{name}{route}: {answer}");
        }
    }
    sim.post("@signalk%2Fcounter", json!({ "enabled": false }));
    assert_eq!(sim.state("_signalk_counter"), "stopped");
    assert!(sim.files.contains_key("plugin-config-data/_signalk_counter.json"));
}

#[test]
fn deltas_of_a_restart_are_replayed_in_order_before_live_ones() {
    // Logs the last 20 bytes of each delta; a delta with a long path is its end.
    let body = format!(
        r#"{START} (func (export "delta_handler") (param $p i32) (param $n i32)
            (if (i32.gt_u (local.get $n) (i32.const 400)) (then unreachable))
            (call $debug (i32.add (local.get $p) (i32.sub (local.get $n) (i32.const 12))) (i32.const 7)))"#
    );
    let mut sim = Sim::new();
    sim.install("p", guest(&body));
    sim.boot();
    sim.delta("x.y", 1.25);
    sim.delta(&format!("x.{}", "long".repeat(100)), 0);
    // A flow is handed over on a beat.
    sim.advance_to(0.01);
    assert_eq!(sim.state("p"), "crashed");
    sim.delta("x.y", 2.25);
    sim.delta("x.y", 3.25);
    sim.advance_to(1.5);
    assert_eq!(sim.state("p"), "running");
    sim.delta("x.y", 4.25);
    let lines: String = sim.lines("p").join(" ");
    let order: Vec<_> = ["1.25", "2.25", "3.25", "4.25"].map(|n| lines.find(n)).into();
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{lines}");
}

#[test]
fn a_panic_of_the_host_over_a_guest_is_a_crash_of_that_plugin_alone() {
    let mut sim = Sim::new();
    sim.install("p", counter());
    sim.boot();
    sim.advance_to(1.5);
    assert_eq!(sim.state("p"), "running");
    sim.falls = true;
    sim.advance_to(2.5);
    sim.falls = false;
    let entry = sim.entry("p");
    assert_eq!(entry["state"], "crashed");
    let text = entry["statusMessage"].as_str().unwrap();
    assert!(text.contains("the host panicked") && text.contains("planned"), "{text}");
    sim.advance_to(6.5);
    assert_eq!(sim.state("p"), "running", "started again like after any crash");
    sim.falls = true;
    sim.input(Input::Shutdown);
    assert!(sim.stopped, "nobody waits for a piece that does not come");
}
