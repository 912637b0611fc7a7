//! Weather of plugins in virtual time: who is asked, what a client reads, and what it reads when a plugin does not do
//! its part.

use super::handlers::ask;
use super::*;

const API: &str = "/signalk/v2/api/weather";
const HERE: &str = "lat=60.10&lon=25";

/// A guest that provides what `register` says. Each export logs what it is asked and gives its answer.
pub(super) fn provider(register: &str, exports: &[(&str, &str)]) -> Vec<u8> {
    let mut at = 2000;
    let mut body = r#"(data (i32.const 900) "Test provider")
        (func (export "plugin_start") (param i32 i32) (result i32)
            (drop (call $register (i32.const 900) (i32.const 13))) (i32.const 0))"#
        .to_owned();
    for (name, answer) in exports {
        let len = answer.len();
        body += &format!("(data (i32.const {at}) {answer:?})");
        let give = format!(
            "(memory.copy (local.get $out) (i32.const {at}) (i32.const {len})) (i32.const {len})"
        );
        body += &match *name {
            "radar_get_radars" => format!(
                r#"(func (export "{name}") (param $out i32) (param $max i32) (result i32)
                    (call $debug (i32.const 900) (i32.const 4)) {give})"#
            ),
            name => format!(
                r#"(func (export "{name}") (param $p i32) (param $n i32) (param $out i32) (param $max i32) (result i32)
                    (call $debug (local.get $p) (local.get $n)) {give})"#
            ),
        };
        at += len + 8;
    }
    let imports =
        format!(r#"(import "env" "{register}" (func $register (param i32 i32) (result i32)))"#);
    guest_with(&imports, &body)
}

/// Installs a provider with its capability.
pub(super) fn install(sim: &mut Sim, name: &str, capability: &str, wasm: Vec<u8>) {
    let capabilities: Value = [(capability.to_owned(), json!(true))].into_iter().collect();
    let more =
        json!({ "signalk-plugin-enabled-by-default": true, "wasmCapabilities": capabilities });
    sim.install_with(name, wasm, more);
}

const OBSERVED: &str = r#"[{"type":"observation","outside":{"temperature":283.0}}]"#;

fn weather(exports: &[(&str, &str)]) -> Vec<u8> {
    provider("sk_register_weather_provider", exports)
}

fn with(name: &str, wasm: Vec<u8>) -> Sim {
    let mut sim = Sim::new();
    install(&mut sim, name, "weatherProvider", wasm);
    sim.boot();
    sim
}

fn get(sim: &mut Sim, path: &str) -> (u16, Value) {
    let (status, body) = ask(sim, "GET", &format!("{API}/{path}"), "");
    (status, serde_json::from_str(&body).unwrap_or_else(|_| json!(body)))
}

fn failed(status: u16, message: &str) -> (u16, Value) {
    (status, json!({ "state": "FAILED", "statusCode": status, "message": message }))
}

#[test]
fn a_provider_is_asked_in_the_abis_words_and_its_answer_is_handed_on() {
    let forecasts = r#"[{"type":"daily","n":1},{"type":"point","n":2},{"type":"daily","n":3},{}]"#;
    let exports = [
        ("weather_get_observations", OBSERVED),
        ("weather_get_forecasts", forecasts),
        ("weather_get_warnings", "[]"),
    ];
    let mut sim = with("@x/w", weather(&exports));
    for (path, answer, asked) in [
        (
            "observations",
            json!([{ "type": "observation", "outside": { "temperature": 283 } }]),
            r#"{"position":{"latitude":60.1,"longitude":25},"options":{"custom":{"days":"2"}}}"#,
        ),
        (
            "forecasts/daily",
            json!([{ "type": "daily", "n": 1 }, { "type": "daily", "n": 3 }]),
            r#"{"position":{"latitude":60.1,"longitude":25},"type":"daily","options":{"custom":{"days":"2"}}}"#,
        ),
        (
            "forecasts/point",
            json!([{ "type": "point", "n": 2 }]),
            r#"{"position":{"latitude":60.1,"longitude":25},"type":"point","options":{"custom":{"days":"2"}}}"#,
        ),
        ("warnings", json!([]), r#"{"position":{"latitude":60.1,"longitude":25}}"#),
    ] {
        assert_eq!(get(&mut sim, &format!("{path}?{HERE}&days=2")), (200, answer), "{path}");
        assert_eq!(sim.lines("_x_w").pop().unwrap(), asked);
    }
    assert_eq!(
        get(&mut sim, "forecasts").1["daily"]["description"],
        "Daily forecast data for the requested number of days."
    );
    assert_eq!(sim.get("/signalk/v2/features")["apis"], json!(["resources", "weather"]));
}

#[test]
fn without_a_provider_or_a_position_clients_are_told_in_the_words_of_the_reference() {
    let mut sim = Sim::new();
    sim.boot();
    assert_eq!(get(&mut sim, "observations"), failed(400, "Location not supplied!"));
    assert_eq!(get(&mut sim, "warnings?lat=x&lon=1"), failed(400, "Invalid position data!"));
    let none = failed(400, "No providers registered!");
    assert_eq!(get(&mut sim, &format!("forecasts/daily?{HERE}")), none);
    assert_eq!(get(&mut sim, "_providers"), (200, json!({})));
    assert_eq!(get(&mut sim, "_providers/_default"), (200, json!({})));
    assert_eq!(sim.get("/signalk/v2/features")["apis"], json!(["resources"]));
    // Registered without the capability: denied, and said.
    let mut sim = Sim::new();
    sim.install("denied", weather(&[("weather_get_observations", OBSERVED)]));
    sim.boot();
    assert_eq!(get(&mut sim, &format!("observations?{HERE}")), none);
    let lines = sim.lines("denied").join("\n");
    assert!(lines.contains(r#"add "weatherProvider": true to wasmCapabilities"#), "{lines}");
}

/// W32 and W19: providers are known by plugin id and by package name, and end with their plugin.
#[test]
fn w32_the_default_provider_is_the_first_or_the_chosen_one_while_it_runs() {
    let one = |n: u32| weather(&[("weather_get_warnings", &format!("[{n}]"))]);
    let mut sim = Sim::new();
    install(&mut sim, "a", "weatherProvider", one(1));
    install(&mut sim, "@x/b", "weatherProvider", one(2));
    sim.boot();
    let asked = |sim: &mut Sim, more: &str| get(sim, &format!("warnings?{HERE}{more}"));
    let row = |default: bool| json!({ "name": "Test provider", "isDefault": default });
    assert_eq!(get(&mut sim, "_providers"), (200, json!({ "a": row(true), "_x_b": row(false) })));
    assert_eq!(asked(&mut sim, ""), (200, json!([1])));
    for named in ["_x_b", "@x/b", "%40x%2Fb"] {
        assert_eq!(asked(&mut sim, &format!("&provider={named}")), (200, json!([2])), "{named}");
    }
    let unknown = failed(400, "Requested provider not found! (c)");
    assert_eq!(asked(&mut sim, "&provider=c"), unknown);
    let (status, body) = ask(&mut sim, "POST", &format!("{API}/_providers/_default/%40x%2Fb"), "");
    assert_eq!(
        (status, serde_json::from_str::<Value>(&body).unwrap()),
        (
            200,
            json!({ "state": "COMPLETED", "statusCode": 200, "message": "Default provider set to _x_b." })
        )
    );
    assert_eq!(get(&mut sim, "_providers/_default"), (200, json!({ "id": "_x_b" })));
    assert_eq!(asked(&mut sim, ""), (200, json!([2])));
    let (status, body) = ask(&mut sim, "POST", &format!("{API}/_providers/_default/c"), "");
    assert_eq!((status, body.contains("Provider c not found!")), (400, true));
    sim.post("_x_b", json!({ "enabled": false }));
    assert_eq!(asked(&mut sim, ""), (200, json!([1])));
    sim.post("_x_b", json!({ "enabled": true }));
    assert_eq!(asked(&mut sim, ""), (200, json!([2])), "chosen is chosen");
}

#[test]
fn w19_a_weather_provider_ends_with_its_plugin() {
    let mut sim = with("w", weather(&[("weather_get_observations", OBSERVED)]));
    let path = format!("observations?{HERE}");
    assert_eq!(get(&mut sim, &path).0, 200);
    sim.post("w", json!({ "enabled": false }));
    assert_eq!(get(&mut sim, &path), failed(400, "No providers registered!"));
}

/// W37: what is no answer is told, and is not "no weather".
#[test]
fn w37_a_weather_provider_that_fails_does_not_look_like_good_weather() {
    let path = format!("observations?{HERE}");
    for (answer, why) in [
        ("oops", "the provider's answer is not a JSON array"),
        ("", "the provider's answer is not a JSON array"),
        ("{}", "the provider's answer is not a JSON array"),
        ("[1", "the provider's answer is not a JSON array"),
        (r#"{"error":"no data here"}"#, "no data here"),
    ] {
        let mut sim = with("w", weather(&[("weather_get_observations", answer)]));
        assert_eq!(get(&mut sim, &path), failed(502, why), "{answer}");
        assert_eq!(sim.state("w"), "running");
    }
    let mut sim = with("w", weather(&[]));
    let missing = failed(501, "Provider does not support getObservations");
    assert_eq!(get(&mut sim, &path), missing);
    let trap = r#"(import "env" "sk_register_weather_provider" (func $register (param i32 i32) (result i32)))"#;
    let body = r#"(func (export "plugin_start") (param i32 i32) (result i32)
            (drop (call $register (i32.const 900) (i32.const 4))) (i32.const 0))
        (func (export "weather_get_observations") (param i32 i32 i32 i32) (result i32) unreachable)
        (func (export "weather_get_warnings") (param i32 i32 i32 i32) (result i32) (loop (br 0)) (i32.const 0))"#;
    let mut sim = with("w", guest_with(trap, body));
    let (status, told) = get(&mut sim, &path);
    let text = told["message"].as_str().unwrap();
    assert!(status == 502 && text.starts_with("WASM handler crashed: "), "{told}");
    assert_eq!(sim.state("w"), "crashed");
    sim.advance_to(1.5);
    assert_eq!(sim.state("w"), "running");
    // It computes for ever: each look at the clock takes 10 ms.
    sim.clock.tick.store(10_000, Ordering::Relaxed);
    let told = get(&mut sim, &format!("warnings?{HERE}"));
    sim.clock.tick.store(0, Ordering::Relaxed);
    assert_eq!(told, failed(502, "Plugin handler timeout: no reply within 10s"));
}

/// W13: more than the first buffer takes.
#[test]
fn w13_a_large_answer_of_a_weather_provider_arrives_whole() {
    let imports = r#"(import "env" "sk_register_weather_provider" (func $register (param i32 i32) (result i32)))"#;
    let body = r#"(data (i32.const 900) "[\"")
        (data (i32.const 910) "\"]")
        (func (export "plugin_start") (param i32 i32) (result i32)
            (drop (call $register (i32.const 900) (i32.const 2))) (i32.const 0))
        (func (export "weather_get_observations") (param i32 i32) (param $out i32) (param $max i32) (result i32)
            (if (i32.lt_u (local.get $max) (i32.const 100004)) (then (return (local.get $max))))
            (memory.copy (local.get $out) (i32.const 900) (i32.const 2))
            (memory.fill (i32.add (local.get $out) (i32.const 2)) (i32.const 120) (i32.const 100000))
            (memory.copy (i32.add (local.get $out) (i32.const 100002)) (i32.const 910) (i32.const 2))
            (i32.const 100004))"#;
    let mut sim = with("w", guest_with(imports, body));
    let (status, body) = get(&mut sim, &format!("observations?{HERE}"));
    assert_eq!((status, body[0].as_str().map(str::len)), (200, Some(100_000)));
}

/// W29: they wait for each other and each gets its own answer.
#[test]
fn w29_two_requests_at_once_are_both_answered() {
    let exports = [("weather_get_observations", OBSERVED), ("weather_get_warnings", "[7]")];
    let mut sim = with("w", weather(&exports));
    let now = sim.now();
    for (id, path) in [(21, "warnings"), (22, "observations"), (23, "warnings")] {
        let request = HttpRequest::get(&format!("{API}/{path}?{HERE}"));
        sim.core.handle_input(now, Input::Http { id: HttpId(id), request });
    }
    sim.input(Input::Tick);
    let answered: Vec<_> =
        sim.responses.iter().map(|(id, response)| (id.0, response.body.len())).collect();
    let observed = OBSERVED.len() - 2;
    assert_eq!(answered[answered.len() - 3..], [(21, 3), (22, observed), (23, 3)]);
}

/// The real guests of both conventions.
#[cfg(not(target_family = "wasm"))]
#[test]
fn guests_of_the_buffer_abi_and_in_assemblyscript_provide_weather() {
    for name in ["buffer_everything", "as_everything"] {
        let register = json!([["sk_register_weather_provider", name]]);
        let options = json!({ "enabled": true, "configuration": { "start": register } });
        let mut sim = Sim::with_options(&[(name, &options.to_string())]);
        install(&mut sim, name, "weatherProvider", built(name));
        sim.boot();
        assert_eq!(get(&mut sim, "_providers").1[name]["name"], name, "{:#?}", sim.log);
        let (status, rows) = get(&mut sim, &format!("observations?{HERE}"));
        assert_eq!((status, rows.as_array().map(Vec::len)), (200, Some(1)), "{name}: {rows}");
        assert_eq!(rows[0]["type"], "observation");
        let (status, rows) = get(&mut sim, &format!("forecasts/point?{HERE}"));
        let all_points = rows.as_array().unwrap().iter().all(|row| row["type"] == "point");
        assert_eq!((status, all_points), (200, true), "{name}: {rows}");
        assert_eq!(get(&mut sim, &format!("warnings?{HERE}")).0, 200, "{name}");
    }
}
