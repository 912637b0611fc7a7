//! PUT over streams and its ends: one reply each, deadlines, and what a client can make the server keep.

use super::handlers::ask;
use super::*;

const TARGET: &str = "/signalk/v1/api/vessels/self/steering/target";

/// Takes PUTs to `steering.target` of the own vessel and always answers this.
fn answering(answer: &str) -> Vec<u8> {
    let data = answer.replace('"', "\\22");
    let len = answer.len();
    let body = format!(
        r#"(data (i32.const 3000) "{data}")
        (data (i32.const 900) "vessels.selfsteering.target")
        (func (export "plugin_start") (param i32 i32) (result i32)
            (drop (call $register (i32.const 900) (i32.const 12) (i32.const 912) (i32.const 15)))
            (i32.const 0))
        (func (export "handle_put_vessels_self_steering_target") (param $p i32) (param $n i32) (param $out i32) (param $max i32) (result i32)
            (call $debug (local.get $p) (local.get $n))
            (memory.copy (local.get $out) (i32.const 3000) (i32.const {len}))
            (i32.const {len}))"#
    );
    let text = r#"(import "env" "sk_register_put_handler" (func $register (param i32 i32 i32 i32) (result i32)))"#;
    guest_with(text, &body)
}

fn with_handler(answer: &str) -> Sim {
    let mut sim = Sim::new();
    let more = json!({
        "signalk-plugin-enabled-by-default": true,
        "wasmCapabilities": { "putHandlers": true },
    });
    sim.install_with("a", answering(answer), more);
    sim.boot();
    for client in [5, 6] {
        sim.open_stream(client, "/signalk/v1/stream?subscribe=none");
    }
    sim
}

fn put(id: &str) -> Value {
    json!({ "requestId": id, "context": "vessels.self", "put": { "path": "steering.target", "value": 1 } })
}

fn states(frames: &[Value]) -> Vec<(&str, &str, u64)> {
    let text = |frame: &'static str| frame;
    let (id, state) = (text("requestId"), text("state"));
    frames
        .iter()
        .map(|frame| {
            let status = frame["statusCode"].as_u64().unwrap();
            (frame[id].as_str().unwrap(), frame[state].as_str().unwrap(), status)
        })
        .collect()
}

const DONE: &str = r#"{"state":"COMPLETED","statusCode":200}"#;
const PENDING: &str = r#"{"state":"PENDING","statusCode":202}"#;

/// W2, its other half: the reference answers twice.
#[test]
fn w02_a_put_over_a_stream_has_exactly_one_reply() {
    let mut sim = with_handler(DONE);
    sim.say(5, &put("x"));
    sim.advance_to(120.0);
    assert_eq!(states(&sim.heard(5)), [("x", "COMPLETED", 200)]);
    assert!(sim.heard(6).is_empty());
    assert_eq!(sim.lines("a").pop().unwrap(), "1");
}

#[test]
fn pending_is_completed_by_504_after_a_minute() {
    let mut sim = with_handler(PENDING);
    sim.say(5, &put("x"));
    assert_eq!(states(&sim.heard(5)), [("x", "PENDING", 202)]);
    let (status, body) = ask(&mut sim, "PUT", TARGET, r#"{"value":1}"#);
    assert_eq!(status, 202, "{body}");
    let href = serde_json::from_str::<Value>(&body).unwrap()["href"].as_str().unwrap().to_owned();
    sim.advance_to(59.0);
    assert!(sim.heard(5).is_empty());
    sim.advance_to(61.0);
    assert_eq!(states(&sim.heard(5)), [("x", "COMPLETED", 504)]);
    assert_eq!(sim.get(&href)["statusCode"], 504);
    sim.advance_to(200.0);
    assert!(sim.heard(5).is_empty());
}

#[test]
fn an_unknown_source_over_a_stream_is_not_supported() {
    let mut sim = with_handler(DONE);
    let mut asked = put("x");
    asked["put"]["source"] = json!("nobody");
    sim.say(5, &asked);
    let heard = sim.heard(5);
    assert_eq!(states(&heard), [("x", "COMPLETED", 405)]);
    assert_eq!(heard[0]["message"], "PUT not supported for steering.target");
}

/// Plugin ABI 10.1: the own vessel has two names, and registering twice replaces.
#[test]
fn a_plugin_that_registers_both_names_of_the_own_vessel_takes_the_put_by_the_later_one() {
    const REGISTER: &str = r#"(import "env" "sk_register_put_handler" (func $register (param i32 i32 i32 i32) (result i32)))"#;
    let own = Sim::new().get("/signalk/v1/api/self").as_str().unwrap().to_owned();
    for (first, second) in [("vessels.self", own.as_str()), (own.as_str(), "vessels.self")] {
        let handler = |context: &str, code: u16| {
            let answer = format!(r#"{{\22state\22:\22COMPLETED\22,\22statusCode\22:{code}}}"#);
            let (at, name) = (2000 + 100 * u32::from(code - 200), context.replace('.', "_"));
            format!(
                r#"(data (i32.const {at}) "{answer}")
                (func (export "handle_put_{name}_a_b") (param i32 i32) (param $out i32) (param i32) (result i32)
                    (memory.copy (local.get $out) (i32.const {at}) (i32.const 38)) (i32.const 38))"#
            )
        };
        let (a, b) = (first.len(), second.len());
        let body = format!(
            r#"(data (i32.const 900) "{first}{second}a.b") {} {}
            (func (export "plugin_start") (param i32 i32) (result i32)
                (drop (call $register (i32.const 900) (i32.const {a}) (i32.const {path}) (i32.const 3)))
                (drop (call $register (i32.const {}) (i32.const {b}) (i32.const {path}) (i32.const 3)))
                (i32.const 0))"#,
            handler(first, 201),
            handler(second, 203),
            900 + a,
            path = 900 + a + b,
        );
        let mut sim = Sim::new();
        let more = json!({
            "signalk-plugin-enabled-by-default": true,
            "wasmCapabilities": { "putHandlers": true },
        });
        sim.install_with("a", guest_with(REGISTER, &body), more);
        sim.boot();
        sim.open_stream(5, "/signalk/v1/stream?subscribe=none");
        for context in ["self", own.strip_prefix("vessels.").unwrap()] {
            for value in [r#"{"value":1}"#, r#"{"value":1,"source":"a"}"#] {
                let path = format!("/signalk/v1/api/vessels/{context}/a/b");
                let (status, body) = ask(&mut sim, "PUT", &path, value);
                assert_eq!(status, 203, "{context}: {body}");
            }
            let put = json!({ "path": "a.b", "value": 1 });
            let context = format!("vessels.{context}");
            sim.say(5, &json!({ "requestId": "x", "context": context, "put": put }));
            assert_eq!(states(&sim.heard(5)), [("x", "COMPLETED", 203)]);
        }
    }
}

/// Ids are the clients' own.
#[test]
fn two_clients_may_use_the_same_request_id() {
    let mut sim = with_handler(PENDING);
    sim.say(5, &put("1"));
    sim.say(6, &put("1"));
    for client in [5, 6] {
        assert_eq!(states(&sim.heard(client)), [("1", "PENDING", 202)]);
    }
    sim.advance_to(61.0);
    for client in [5, 6] {
        assert_eq!(states(&sim.heard(client)), [("1", "COMPLETED", 504)], "{client}");
    }
}

/// The two requests are answered by the device, each to its own client.
#[test]
fn a_device_may_answer_two_requests_of_the_same_id() {
    let mut sim = Sim::new();
    for client in [5, 6, 7] {
        sim.open_stream(client, "/signalk/v1/stream?subscribe=none");
    }
    sim.say(7, &json!({ "updates": [{ "values": [{ "path": "steering.target", "value": 0 }] }] }));
    sim.say(5, &put("1"));
    sim.say(6, &put("1"));
    let asked = sim.heard(7);
    assert_eq!(asked.len(), 2);
    for request in &asked {
        let id = &request["requestId"];
        sim.say(7, &json!({ "requestId": id, "state": "COMPLETED", "statusCode": 200 }));
    }
    for client in [5, 6] {
        let heard = sim.heard(client);
        assert_eq!(states(&heard), [("1", "PENDING", 202), ("1", "COMPLETED", 200)], "{client}");
    }
}

/// Plugin ABI 10.2, rule 4: devices come after plugins.
#[test]
fn a_client_that_published_the_path_does_not_take_it_from_the_plugin() {
    let mut sim = with_handler(DONE);
    sim.say(6, &json!({ "updates": [{ "values": [{ "path": "steering.target", "value": 0 }] }] }));
    assert_eq!(ask(&mut sim, "PUT", TARGET, r#"{"value":1}"#).0, 200);
    assert!(sim.heard(6).is_empty());
}

#[test]
fn a_client_that_published_the_path_of_another_vessel_is_not_asked() {
    let mut sim = Sim::new();
    sim.open_stream(5, "/signalk/v1/stream?subscribe=none");
    let context = "vessels.urn:mrn:imo:mmsi:230099998";
    sim.say(5, &json!({ "context": context, "updates": [{ "values": [{ "path": "steering.target", "value": 0 }] }] }));
    assert_eq!(ask(&mut sim, "PUT", TARGET, r#"{"value":1}"#).0, 405);
    assert!(sim.heard(5).is_empty());
    let theirs = "/signalk/v1/api/vessels/urn:mrn:imo:mmsi:230099998/steering/target";
    assert_eq!(ask(&mut sim, "PUT", theirs, r#"{"value":1}"#).0, 202);
    assert_eq!(sim.heard(5).len(), 1);
}

/// While the plugin thinks, newer requests fill the table: those that have ended make room, and its client reads what
/// it said.
#[test]
fn a_put_that_waits_outlives_newer_ones() {
    let mut sim = with_handler(DONE);
    let http = |number: u64, path: &str| {
        let mut request = HttpRequest::get(&format!("/signalk/v1/api/vessels/self/{path}"));
        request.method = "PUT".to_owned();
        request.body = r#"{"value":1}"#.into();
        Input::Http { id: HttpId(number), request }
    };
    let now = sim.now();
    sim.core.handle_input(now, http(100, "steering/target"));
    for number in 0..10_001 {
        sim.core.handle_input(now, http(1000 + number, "a/b/c"));
    }
    sim.input(Input::Tick);
    let answers = sim.responses.iter().filter(|(id, _)| *id == HttpId(100));
    assert_eq!(answers.map(|(_, response)| response.status).collect::<Vec<_>>(), [200]);
}

/// A second PUT under an id that is still waited for: each client hears what its plugin did.
#[test]
fn an_id_used_twice_while_it_waits_is_answered_by_what_was_done() {
    let mut sim = with_handler(DONE);
    let put = json!({ "requestId": "1", "put": { "path": "steering.target", "value": 1 } });
    let now = sim.now();
    for _ in 0..2 {
        let text = put.to_string().into();
        sim.core.handle_input(now, Input::StreamMessage { id: StreamId(5), text });
    }
    sim.input(Input::Tick);
    assert_eq!(states(&sim.heard(5)), [("1", "COMPLETED", 200), ("1", "COMPLETED", 200)]);
}

#[test]
fn of_a_clients_text_a_request_keeps_no_more_than_a_line() {
    let mut sim = with_handler(DONE);
    let long = "x".repeat(100_000);
    for (path, status) in [(long.clone(), 400), (format!("{long}.meta"), 400)] {
        sim.say(5, &json!({ "requestId": "1", "put": { "path": path, "value": 1 } }));
        let heard = sim.heard(5);
        assert_eq!(states(&heard), [("1", "COMPLETED", status)]);
        assert!(heard[0].to_string().len() < 1000);
    }
    let bad = json!({ "requestId": "1", "put": { "path": "__proto__.meta", "value": { "a": 1 } } });
    sim.say(5, &bad);
    assert_eq!(states(&sim.heard(5)), [("1", "COMPLETED", 400)]);
    let saved = sim.files.get("baseDeltas.json").cloned().unwrap_or_default();
    assert!(!saved.contains("__proto__") && saved.len() < 10_000);
    // What a device says about it is cut too.
    sim.say(6, &json!({ "updates": [{ "values": [{ "path": "a.b.c", "value": 0 }] }] }));
    sim.say(5, &json!({ "requestId": "2", "put": { "path": "a.b.c", "value": 1 } }));
    sim.say(
        6,
        &json!({ "requestId": "2", "state": "COMPLETED", "statusCode": 70, "message": long }),
    );
    let heard = sim.heard(5);
    assert_eq!(states(&heard), [("2", "PENDING", 202), ("2", "COMPLETED", 502)]);
    assert!(heard[1].to_string().len() < 2000);
}

/// What the model would leave out is refused, not saved.
#[test]
fn metadata_that_is_too_long_is_refused_and_nothing_of_it_is_saved() {
    let mut sim = with_handler(DONE);
    let target = "/signalk/v1/api/vessels/self/a/b/meta/description";
    let long = json!({ "value": "x".repeat(33_000) }).to_string();
    let (status, text) = ask(&mut sim, "PUT", target, &long);
    assert_eq!(status, 413, "{text}");
    assert!(text.contains("32640 bytes"), "{text}");
    let saved = sim.files.get("baseDeltas.json").cloned().unwrap_or_default();
    assert!(!saved.contains("xxx"), "{saved}");
    sim.say(5, &json!({ "requestId": "1", "put": { "path": "a.b.meta.description", "value": "x".repeat(33_000) } }));
    assert_eq!(states(&sim.heard(5)), [("1", "COMPLETED", 413)]);
    assert_eq!(ask(&mut sim, "PUT", target, r#"{"value":"short"}"#).0, 202);
    assert!(sim.files["baseDeltas.json"].contains("short"));
}

/// A plugin's status codes are answers: 100 to 199 are none, and hyper closes the connection for them.
#[test]
fn a_status_that_is_no_answer_is_not_given_on() {
    for (status, given) in
        [(100, 200), (199, 200), (299, 299), (599, 599), (600, 200), (65535, 200)]
    {
        let mut sim =
            with_handler(&json!({ "state": "COMPLETED", "statusCode": status }).to_string());
        assert_eq!(ask(&mut sim, "PUT", TARGET, r#"{"value":1}"#).0, given, "{status}");
    }
}

/// The client reads it; so does the owner, once a second at most.
#[test]
fn an_answer_that_is_none_is_counted_and_in_the_plugins_log() {
    let mut sim = with_handler("oops");
    for _ in 0..3 {
        let (status, body) = ask(&mut sim, "PUT", TARGET, r#"{"value":1}"#);
        assert_eq!(status, 500, "{body}");
    }
    let diagnostics = sim.get("/plugins/a/diagnostics");
    assert_eq!(diagnostics["counters"]["handlerErrors"], 3);
    let lines = sim.lines("a");
    let failed: Vec<_> =
        lines.iter().filter(|line| line.starts_with("a handler failed: ")).collect();
    assert!(failed.len() == 1 && failed[0].contains("no JSON"), "{failed:?}");
}

/// Each field by its own PUT, in either order, as the admin UI does it.
#[test]
fn an_alarm_keeps_its_methods_when_metadata_is_changed_field_by_field() {
    let meta = "/signalk/v1/api/vessels/self/environment/depth/belowKeel/meta";
    let methods = (format!("{meta}/alarmMethod"), r#"{"value":["visual","sound"]}"#);
    let zones = (format!("{meta}/zones"), r#"{"value":[{"upper":2,"state":"alarm"}]}"#);
    let name = (format!("{meta}/displayName"), r#"{"value":"Keel"}"#);
    for order in [[&methods, &zones, &name], [&zones, &name, &methods]] {
        let mut sim = Sim::new();
        for (target, body) in order {
            assert_eq!(ask(&mut sim, "PUT", target, body).0, 202);
        }
        sim.delta("environment.depth.belowKeel", 1);
        let alarm = sim.value("notifications.environment.depth.belowKeel");
        assert_eq!(alarm["state"], "alarm", "{order:?}");
        assert_eq!(alarm["method"], json!(["visual", "sound"]), "{order:?}");
    }
}

/// The same by deltas; a change of the methods alone reaches an alarm that stands.
#[test]
fn methods_that_come_after_the_zones_hold_from_the_next_value() {
    let mut sim = Sim::new();
    sim.open_stream(5, "/signalk/v1/stream?subscribe=none");
    let meta =
        |value: Value| json!({ "updates": [{ "meta": [{ "path": "a.b", "value": value }] }] });
    sim.say(5, &meta(json!({ "zones": [{ "upper": 2, "state": "alarm" }] })));
    sim.delta("a.b", 1);
    assert_eq!(sim.value("notifications.a.b")["method"], json!(["visual"]));
    sim.say(5, &meta(json!({ "alarmMethod": ["sound"] })));
    sim.delta("a.b", 1);
    assert_eq!(sim.value("notifications.a.b")["method"], json!(["sound"]));
}

/// F50: a plugin asks for a change as a client does. A real guest: as wasm a test sees only its own folder.
#[cfg(not(target_family = "wasm"))]
mod of_plugins {
    use super::*;

    fn with(answer: &str, rights: Value) -> Sim {
        let mut sim = Sim::new();
        let more = json!({
            "signalk-plugin-enabled-by-default": true,
            "wasmCapabilities": { "putHandlers": true },
        });
        sim.install_with("a", answering(answer), more);
        sim.install_built("signalk_puts", &rights);
        sim.boot();
        assert_eq!(sim.state("signalk_puts"), "running", "{:#?}", sim.log);
        sim
    }

    fn asked(sim: &mut Sim, what: Value) -> Value {
        sim.delta("test.ask", what);
        let now = sim.now().as_secs_f64();
        sim.advance_to(now + 0.5);
        sim.value("test.answer")
    }

    #[test]
    fn a_plugin_puts_to_another_plugin_and_hears_what_became_of_it() {
        let mut sim = with(r#"{"state":"COMPLETED","statusCode":200,"message":"set"}"#, json!({}));
        let target = json!({ "path": "steering.target", "value": { "on": true } });
        assert_eq!(asked(&mut sim, target), json!({ "status": 200, "message": "set" }));
        assert_eq!(sim.lines("a").pop().unwrap(), r#"{"on":true}"#);
        for (source, status) in [("a", 200), ("nobody", 405)] {
            let target = json!({ "path": "steering.target", "value": 1, "source": source });
            assert_eq!(asked(&mut sim, target)["status"], status, "{source}");
        }
        for path in ["no.such.path", "__proto__.x"] {
            let status = asked(&mut sim, json!({ "path": path, "value": 1 }))["status"].clone();
            assert!(status == 405 || status == 400, "{path}: {status}");
        }
        let metadata = asked(&mut sim, json!({ "path": "a.b.meta.zones", "value": [] }));
        assert!(metadata["error"].as_str().unwrap().contains("metadata"), "{metadata}");
    }

    #[test]
    fn a_plugin_puts_to_a_device() {
        let mut sim = with(DONE, json!({}));
        sim.open_stream(5, "/signalk/v1/stream?subscribe=none");
        sim.say(5, &json!({ "updates": [{ "values": [{ "path": "a.b", "value": 0 }] }] }));
        assert_eq!(asked(&mut sim, json!({ "path": "a.b", "value": 1 })), json!(null));
        let request = sim.heard(5).pop().unwrap();
        assert_eq!(request["put"], json!([{ "path": "a.b", "value": 1 }]));
        let id = &request["requestId"];
        sim.say(5, &json!({ "requestId": id, "state": "COMPLETED", "statusCode": 200 }));
        sim.advance_to(2.0);
        assert_eq!(sim.value("test.answer")["status"], 200);
    }

    /// PENDING is no end: the plugin waits, at most as long as everybody.
    #[test]
    fn a_plugin_whose_put_stays_pending_hears_504() {
        let mut sim = with(PENDING, json!({}));
        let target = json!({ "path": "steering.target", "value": 1 });
        assert_eq!(asked(&mut sim, target), json!(null));
        sim.advance_to(59.0);
        assert_eq!(sim.value("test.answer"), json!(null));
        sim.advance_to(62.0);
        assert_eq!(sim.value("test.answer")["status"], 504);
    }

    #[test]
    fn without_the_capability_nothing_is_asked() {
        let mut sim = with(DONE, json!({ "dataWrite": false }));
        let target = json!({ "path": "steering.target", "value": 1 });
        asked(&mut sim, target);
        assert!(sim.lines("a").is_empty());
        let diagnostics = sim.get("/plugins/signalk_puts/diagnostics");
        assert!(diagnostics["counters"]["hostCallErrors"].as_u64().unwrap() >= 1);
    }
}
