//! Delta input handlers (F49): modify, drop, pass, order, budgets, harm; with real guests of our own development kit.

use super::*;

const HEADING: &str = "navigation.headingMagnetic";

/// Plugins by id, each with what its handler says, and members of its options file.
fn with(plugins: &[(&str, Value, Value)]) -> Sim {
    with_rights(plugins, &json!({ "deltaInputHandler": true }))
}

fn with_rights(plugins: &[(&str, Value, Value)], rights: &Value) -> Sim {
    let text = |(id, configuration, more): &(&str, Value, Value)| {
        let mut options = json!({ "enabled": true, "configuration": configuration });
        for (key, value) in more.as_object().unwrap() {
            options[key] = value.clone();
        }
        ((*id).to_owned(), options.to_string())
    };
    let texts: Vec<(String, String)> = plugins.iter().map(text).collect();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(id, text)| (&**id, &**text)).collect();
    let mut sim = Sim::with_options(&texts);
    for (id, ..) in plugins {
        let more = json!({ "wasmInterface": "json-rpc", "wasmCapabilities": rights });
        sim.install_with(id, built("signalk_input"), more);
    }
    sim.boot();
    sim.advance_to(1.0);
    sim
}

fn one(say: &str) -> Sim {
    with(&[("p", json!({ "paths": [HEADING], "say": say, "by": 2 }), json!({}))])
}

fn send(sim: &mut Sim, source: &str, path: &str, value: impl Into<Value>) {
    let value: Value = value.into();
    let text =
        json!({ "updates": [{ "$source": source, "values": [{ "path": path, "value": value }] }] });
    sim.input(Input::StreamMessage { id: StreamId(1), text: text.to_string().into() });
}

/// The value and its `$source`.
fn leaf(sim: &mut Sim, path: &str) -> (Value, Value) {
    let leaf = sim.get(&format!("/signalk/v1/api/vessels/self/{}", path.replace('.', "/")));
    (leaf["value"].clone(), leaf["$source"].clone())
}

fn inputs(sim: &mut Sim, id: &str) -> Value {
    let counters = sim.get(&format!("/plugins/{id}/diagnostics"))["counters"].clone();
    let names = ["Answered", "Changed", "Dropped", "Skipped"].map(|name| format!("inputs{name}"));
    let all = names.iter().map(String::as_str).chain(["inputFailures"]);
    all.map(|name| {
        let short = name.trim_start_matches("inputs").trim_start_matches("input").to_lowercase();
        (short, counters[name].clone())
    })
    .collect()
}

#[test]
fn a_handler_changes_drops_or_lets_pass() {
    for (say, found, counted) in [
        ("pass", json!(3), [1, 0, 0]),
        ("times", json!(6), [1, 1, 0]),
        ("drop", json!(null), [1, 0, 1]),
    ] {
        let mut sim = one(say);
        send(&mut sim, "compass", HEADING, 3.0);
        send(&mut sim, "compass", "navigation.speedOverGround", 4.0);
        assert_eq!(leaf(&mut sim, HEADING).0, found, "{say}: {:?}", sim.log);
        assert_eq!(leaf(&mut sim, "navigation.speedOverGround").0, json!(4));
        let got = inputs(&mut sim, "p");
        let [answered, changed, dropped] = counted;
        let wanted = json!({
            "answered": answered, "changed": changed, "dropped": dropped, "skipped": 0, "failures": 0,
        });
        assert_eq!(got, wanted, "{say}");
    }
}

#[test]
fn a_corrected_value_stays_its_sources_and_a_new_one_is_the_plugins() {
    let mut sim = one("times");
    send(&mut sim, "compass", HEADING, 3.0);
    assert_eq!(leaf(&mut sim, HEADING), (json!(6), json!("compass")));
    let mut sim = one("add");
    send(&mut sim, "compass", HEADING, 3.0);
    assert_eq!(leaf(&mut sim, "test.added"), (json!(1), json!("p")));
    let mut sim = one("steal");
    send(&mut sim, "compass", HEADING, 3.0);
    assert_eq!(leaf(&mut sim, "test.stolen"), (json!(1), json!("p")));
    assert_eq!(leaf(&mut sim, HEADING), (json!(3), json!("compass")));
}

#[test]
fn handlers_have_the_owners_order() {
    for (times_first, found) in [(true, 7), (false, 8)] {
        let order = |order: i64| json!({ "inputOrder": order });
        let say = |say: &str, by: i64| json!({ "paths": ["navigation.*"], "say": say, "by": by });
        let (a, b) = if times_first { (-1, 5) } else { (5, -1) };
        let mut sim = with(&[("a", say("times", 2), order(a)), ("b", say("plus", 1), order(b))]);
        send(&mut sim, "compass", HEADING, 3.0);
        assert_eq!(leaf(&mut sim, HEADING), (json!(found), json!("compass")));
    }
}

#[test]
fn what_one_handler_adds_the_next_one_sees_and_it_itself_does_not() {
    let say = |paths: &str, say: &str| json!({ "paths": [paths], "say": say, "by": 10 });
    let mut sim =
        with(&[("a", say("*", "add"), json!({})), ("b", say("test.*", "plus"), json!({}))]);
    send(&mut sim, "compass", HEADING, 3.0);
    assert_eq!(leaf(&mut sim, "test.added"), (json!(11), json!("a")));
    assert_eq!(inputs(&mut sim, "a")["answered"], 1);
}

#[test]
fn a_plugin_is_not_asked_about_what_it_sends() {
    let mut sim = one("echo");
    send(&mut sim, "compass", HEADING, 3.0);
    sim.advance_to(2.0);
    assert_eq!(inputs(&mut sim, "p")["answered"], 1);
    let both = sim.get("/signalk/v1/api/vessels/self/navigation/headingMagnetic")["values"].clone();
    assert_eq!((&both["compass"]["value"], &both["p"]["value"]), (&json!(3), &json!(3)));
}

#[test]
fn who_never_answers_delays_by_its_budget_and_is_taken_off() {
    let mut sim = one("never");
    for n in 0..10_u32 {
        sim.advance_to(2.0 + f64::from(n));
        send(&mut sim, "compass", HEADING, n);
        sim.advance_to(2.019 + f64::from(n));
        assert_ne!(leaf(&mut sim, HEADING).0, json!(n));
        // What it did not ask for is not delayed.
        send(&mut sim, "compass", "a.b", n);
        assert_eq!(leaf(&mut sim, "a.b").0, json!(n));
        sim.advance_to(2.02 + f64::from(n));
        assert_eq!(leaf(&mut sim, HEADING), (json!(n), json!("compass")));
    }
    let got = inputs(&mut sim, "p");
    assert_eq!((&got["skipped"], &got["failures"]), (&json!(10), &json!(10)), "{got}");
    // Off: nobody waits any more, and the owner reads why and what helps.
    send(&mut sim, "compass", HEADING, 99);
    assert_eq!(leaf(&mut sim, HEADING).0, json!(99));
    let status = sim.entry("p")["statusMessage"].as_str().unwrap().to_owned();
    assert_eq!(
        status,
        "plugin `p`: its delta input handler failed 10 times in a row, the last time: no answer within 20ms. It is taken off: deltas pass unchanged until the plugin is started again. Let it do less in its handler, or ask for fewer paths when it registers it; or raise `inputMillis` in \"limits\" of plugin-config-data/p.json"
    );
    assert_eq!(sim.state("p"), "running");
}

#[test]
fn the_owner_gives_it_more_time() {
    let options = json!({ "limits": { "inputMillis": 300 } });
    let mut sim = with(&[("p", json!({ "paths": ["*"], "say": "never" }), options)]);
    send(&mut sim, "compass", HEADING, 1);
    sim.advance_to(1.299);
    assert_eq!(leaf(&mut sim, HEADING).0, json!(null));
    sim.advance_to(1.3);
    assert_eq!(leaf(&mut sim, HEADING).0, json!(1));
}

#[test]
fn who_computes_for_ever_is_late_by_its_fuel_though_no_time_passes() {
    let options = json!({ "limits": { "callFuel": 40_000_000 } });
    let mut sim = with(&[("p", json!({ "paths": ["*"], "say": "spin" }), options)]);
    send(&mut sim, "compass", HEADING, 1);
    assert_eq!(leaf(&mut sim, HEADING).0, json!(1));
    let lines = sim.lines("p");
    assert!(lines.iter().any(|line| line.contains("no answer within 20000000 fuel")), "{lines:?}");
    assert_eq!(sim.state("p"), "crashed");
}

#[test]
fn who_traps_loses_nothing() {
    let mut sim = one("trap");
    send(&mut sim, "compass", HEADING, 1);
    assert_eq!((leaf(&mut sim, HEADING).0, sim.state("p").as_str()), (json!(1), "crashed"));
    // Until it is back nobody waits.
    send(&mut sim, "compass", HEADING, 2);
    assert_eq!(leaf(&mut sim, HEADING).0, json!(2));
    sim.advance_to(10.0);
    assert_eq!(sim.state("p"), "running");
    send(&mut sim, "compass", HEADING, 3);
    assert_eq!((leaf(&mut sim, HEADING).0, sim.state("p").as_str()), (json!(3), "crashed"));
    assert_eq!(inputs(&mut sim, "p")["skipped"], 2);
}

#[test]
fn garbage_passes_and_is_counted() {
    for (say, says) in [
        ("garbage", "the answer is no array"),
        ("short", "0 members for 1 deltas"),
        ("error", "not today"),
    ] {
        let mut sim = one(say);
        for n in 0..10 {
            send(&mut sim, "compass", HEADING, n);
            assert_eq!(leaf(&mut sim, HEADING).0, json!(n), "{say}");
        }
        let got = inputs(&mut sim, "p");
        assert_eq!((&got["skipped"], &got["failures"]), (&json!(10), &json!(10)), "{say}: {got}");
        let status = sim.entry("p")["statusMessage"].to_string();
        assert!(status.contains(says) && status.contains("taken off"), "{say}: {status}");
    }
}

#[test]
fn a_handler_that_registers_again_while_it_answers_goes_on() {
    let mut sim = one("twice");
    for n in 0..20 {
        send(&mut sim, "compass", HEADING, n);
        assert_eq!(leaf(&mut sim, HEADING).0, json!(n));
    }
    let got = inputs(&mut sim, "p");
    assert_eq!((&got["answered"], &got["skipped"]), (&json!(20), &json!(0)), "{got}");
}

#[test]
fn what_is_held_when_its_plugin_stops_or_is_loaded_anew_passes() {
    for reload in [true, false] {
        let mut sim = one("never");
        send(&mut sim, "compass", HEADING, 1);
        assert_eq!(leaf(&mut sim, HEADING).0, json!(null));
        if reload {
            let mut request = HttpRequest::get("/plugins/p/reload");
            request.method = "POST".to_owned();
            sim.input(Input::Http { id: HttpId(7), request });
        } else {
            sim.post("p", json!({ "enabled": false }));
        }
        assert_eq!(leaf(&mut sim, HEADING).0, json!(1), "reload: {reload}");
        let before = sim.state("p");
        assert_eq!(before, if reload { "running" } else { "stopped" });
    }
}

#[test]
fn a_flood_is_answered_in_batches_and_in_order() {
    let mut sim = one("plus");
    sim.open_stream(5, "/signalk/v1/stream?subscribe=none");
    sim.say(5, &json!({ "context": "vessels.self", "subscribe": [{ "path": HEADING, "policy": "instant" }] }));
    for n in 0..500 {
        let text =
            json!({ "updates": [{ "$source": "c", "values": [{ "path": HEADING, "value": n }] }] });
        sim.core.handle_input(
            sim.now(),
            Input::StreamMessage { id: StreamId(1), text: text.to_string().into() },
        );
    }
    sim.input(Input::Tick);
    let heard: Vec<Value> = sim.heard(5);
    let values: Vec<f64> = heard
        .iter()
        .flat_map(|frame| frame["updates"].as_array().cloned().unwrap_or_default())
        .flat_map(|update| update["values"].as_array().cloned().unwrap_or_default())
        .filter_map(|entry| entry["value"].as_f64())
        .collect();
    assert_eq!(inputs(&mut sim, "p")["failures"], 0);
    let wanted: Vec<f64> = (0..500_u32).map(|n| f64::from(n) + 2.0).collect();
    assert_eq!(values, wanted);
    let lines = sim.lines("p");
    assert_eq!(inputs(&mut sim, "p")["answered"], 500, "{lines:?}");
}

/// A plugin of the buffer interface that answers every batch with this text.
fn buffer(answer: &str) -> Vec<u8> {
    let wish = r#"{"paths":["navigation.*"]}"#;
    let (wish_len, answer_len) = (wish.len(), answer.len());
    guest_with(
        r#"(import "env" "sk_register_delta_input_handler" (func $intercept (param i32 i32) (result i32)))"#,
        &format!(
            r#"(data (i32.const 1000) {wish:?}) (data (i32.const 2000) {answer:?})
            (func (export "plugin_start") (param i32 i32) (result i32)
                (i32.eqz (call $intercept (i32.const 1000) (i32.const {wish_len}))))
            (func (export "delta_input_handler") (param $in i32) (param $len i32) (param $out i32) (param $max i32) (result i32)
                (call $debug (local.get $in) (local.get $len))
                (memory.copy (local.get $out) (i32.const 2000) (i32.const {answer_len}))
                (i32.const {answer_len}))"#
        ),
    )
}

/// The same rules as by JSON-RPC, in `intake/`.
#[test]
fn the_buffer_interface_has_a_delta_input_handler_too() {
    let changed = format!(
        r#"[{{"updates":[{{"$source":"compass","values":[{{"path":"{HEADING}","value":7}}]}},{{"values":[{{"path":"test.added","value":1}}]}}]}}]"#
    );
    for (answer, found) in [("[true]", 3), ("[false]", 0), (&*changed, 7), ("[7]", 3)] {
        let mut sim = Sim::new();
        let rights = json!({ "deltaInputHandler": true });
        let more = json!({ "signalk-plugin-enabled-by-default": true, "wasmCapabilities": rights });
        sim.install_with("p", buffer(answer), more);
        sim.boot();
        send(&mut sim, "compass", HEADING, 3);
        send(&mut sim, "compass", "a.b", 4);
        let value = if found == 0 { json!(null) } else { json!(found) };
        assert_eq!(leaf(&mut sim, HEADING).0, value, "{answer}: {:?}", sim.log);
        assert_eq!(leaf(&mut sim, "a.b").0, json!(4));
        let failures = i32::from(answer == "[7]");
        assert_eq!(inputs(&mut sim, "p")["failures"], failures, "{answer}");
        let asked = sim.lines("p");
        assert!(asked[0].starts_with(r#"{"deltas":[{"context":"vessels.urn:"#), "{asked:?}");
        if answer == changed {
            assert_eq!(leaf(&mut sim, "test.added"), (json!(1), json!("p")));
        }
    }
    let mut sim = Sim::new();
    sim.install("p", buffer("[false]"));
    sim.boot();
    assert_eq!(sim.state("p"), "error");
    send(&mut sim, "compass", HEADING, 3);
    assert_eq!(leaf(&mut sim, HEADING).0, json!(3));
    let lines = sim.lines("p").join("\n");
    assert!(lines.contains(r#"add "deltaInputHandler": true to wasmCapabilities"#), "{lines}");
}

/// What a handler adds is what its plugin sends: beyond its budget it is dropped, and the delta itself is not.
#[test]
fn what_a_handler_adds_is_bounded_as_what_its_plugin_sends() {
    let options = json!({ "limits": { "deltasPerSecond": 10 } });
    let mut sim = with(&[("p", json!({ "paths": [HEADING], "say": "add" }), options)]);
    for n in 0..30 {
        send(&mut sim, "compass", HEADING, n);
    }
    assert_eq!(leaf(&mut sim, HEADING).0, json!(29));
    sim.advance_to(1.001);
    let counters = sim.get("/plugins/p/diagnostics")["counters"].clone();
    assert_eq!((&counters["deltasOut"], &counters["deltasOutDropped"]), (&json!(10), &json!(20)));
    let said = sim.lines("p");
    let said: Vec<_> = said.iter().filter(|line| line.contains("deltas.input")).collect();
    assert!(said.len() == 1 && said[0].contains("10"), "{said:?}");
    assert_eq!(inputs(&mut sim, "p")["failures"], 0);
}

/// Also of a plugin whose own lines are between: once in a second.
#[test]
fn that_a_handler_adds_too_much_is_said_once_in_a_second() {
    let added = r#"[{"updates":[{"values":[{"path":"test.added","value":1}]}]}]"#;
    let options = r#"{"enabled":true,"limits":{"deltasPerSecond":5}}"#;
    let mut sim = Sim::with_options(&[("p", options)]);
    let more = json!({ "wasmCapabilities": { "deltaInputHandler": true } });
    sim.install_with("p", buffer(added), more);
    sim.boot();
    sim.advance_to(1.0);
    let said = |sim: &mut Sim| {
        let lines = sim.lines("p");
        lines.iter().filter(|line| line.contains("deltas.input")).count()
    };
    for second in 1..=2 {
        for n in 0..20 {
            send(&mut sim, "compass", HEADING, n);
        }
        assert_eq!(said(&mut sim), second, "{:?}", sim.lines("p"));
        sim.advance_to(1.0 + 1.1 * second as f64);
    }
}

#[test]
fn the_servers_own_deltas_wait_for_nobody() {
    let mut sim =
        with(&[("p", json!({ "paths": ["*"], "context": "*", "say": "never" }), json!({}))]);
    let failing = json!({ "signalk-plugin-enabled-by-default": true });
    sim.install_with(
        "broken",
        guest("(func (export \"plugin_start\") (param i32 i32) (result i32) unreachable)"),
        failing,
    );
    sim.boot();
    sim.advance_to(300.0);
    assert_eq!(sim.state("broken"), "error", "{:?}", sim.log);
    let alarm = sim.value("notifications.plugins.broken");
    assert_eq!(alarm["state"], "alert", "{alarm}");
    assert_eq!(inputs(&mut sim, "p")["skipped"], 0);
}

#[test]
fn without_the_capability_the_start_fails_and_says_what_to_add() {
    let plugin = ("p", json!({ "paths": ["*"], "say": "drop" }), json!({}));
    let mut sim = with_rights(&[plugin], &json!({ "dataRead": true, "dataWrite": true }));
    assert_eq!(sim.state("p"), "error");
    let status = sim.entry("p")["statusMessage"].to_string();
    assert!(status.contains(r#"add \"deltaInputHandler\": true to wasmCapabilities"#), "{status}");
    send(&mut sim, "compass", HEADING, 1);
    assert_eq!(leaf(&mut sim, HEADING).0, json!(1));
}
