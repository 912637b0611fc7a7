//! Providers that speak JSON-RPC, with a real guest of our own development kit.

use super::handlers::ask;
use super::*;

const WEATHER: &str = "/signalk/v2/api/weather";
const RADAR: &str = "/signalk/v2/api/vessels/self/radars/radar-0";

fn with(capabilities: &Value) -> Sim {
    let mut sim = Sim::new();
    sim.install_built("signalk_providers", capabilities);
    sim.boot();
    sim
}

#[test]
fn weather_and_a_radar_come_by_json_rpc() {
    let mut sim = with(&json!({ "weatherProvider": true, "radarProvider": true }));
    assert_eq!(sim.state("signalk_providers"), "running", "{:#?}", sim.log);
    let rows = sim.get(&format!("{WEATHER}/observations?lat=60&lon=25"));
    assert_eq!(
        rows[0]["description"],
        r#"{"position":{"latitude":60,"longitude":25},"options":{"custom":{}}}"#
    );
    assert_eq!(sim.get(RADAR), json!({ "name": "radar-0", "brand": "Test" }));
    let missing = ask(&mut sim, "GET", &format!("{RADAR}/targets"), "");
    assert_eq!((missing.0, missing.1.contains("does not support ARPA targets")), (501, true));
    for (id, path) in [(10, "radars/radar-0"), (11, "plugins/signalk_providers/picture")] {
        let request = HttpRequest::get(&format!("/signalk/v2/api/streams/{path}"));
        sim.input(Input::StreamOpened { id: StreamId(id), request });
    }
    let (status, body) = ask(&mut sim, "PUT", &format!("{RADAR}/controls/gain"), "5");
    assert_eq!(status, 200, "{body}");
    let heard: Vec<_> = sim.binary.iter().map(|(id, frame)| (id.0, &frame[..])).collect();
    assert_eq!(heard, [(10, &b"spokes:1"[..]), (11, b"spokes:1")]);
}

#[test]
fn without_the_capability_the_start_fails_and_says_what_to_add() {
    let mut sim = with(&json!({ "weatherProvider": true }));
    assert_eq!(sim.state("signalk_providers"), "error");
    let status = sim.entry("signalk_providers")["statusMessage"].to_string();
    assert!(status.contains(r#"add \"radarProvider\": true to wasmCapabilities"#), "{status}");
    let (status, body) = ask(&mut sim, "GET", &format!("{WEATHER}/warnings?lat=1&lon=1"), "");
    assert_eq!((status, body.contains("No providers registered!")), (400, true), "{body}");
}

#[test]
fn an_answer_that_never_comes_is_given_up_after_a_minute() {
    let mut sim = with(&json!({ "weatherProvider": true, "radarProvider": true }));
    let request = HttpRequest::get(&format!("{WEATHER}/warnings?lat=60&lon=25"));
    sim.input(Input::Http { id: HttpId(9), request });
    sim.advance_to(59.0);
    assert!(sim.answer.is_none());
    // Others are served meanwhile.
    let rows = sim.get(&format!("{WEATHER}/observations?lat=60&lon=25"));
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    sim.advance_to(61.0);
    let (status, body) = sim.answer.take().unwrap();
    assert_eq!(status, 502);
    assert!(body.contains("Plugin handler timeout: no reply within 60s"), "{body}");
    assert_eq!(sim.state("signalk_providers"), "running");
    // Late once, and its own answer that it gave up is nobody's any more.
    let counters = sim.get("/plugins/signalk_providers/diagnostics")["counters"].clone();
    assert_eq!(counters["handlerErrors"], 1);
}

/// A flow to plugins that take it as rows, one of all paths and one of one: what they took is what was sent.
#[test]
fn values_of_a_flow_reach_all_subscribers_on_the_beat() {
    let options =
        |path: &str| json!({ "enabled": true, "configuration": { "paths": [path] } }).to_string();
    let (all, one) = (options("navigation.*"), options("navigation.speedOverGround"));
    let mut sim = Sim::with_options(&[("all", &all), ("one", &one)]);
    for name in ["all", "one"] {
        sim.install(name, built("signalk_taker"));
    }
    sim.boot();
    for at in 0..300_u32 {
        sim.advance_to(1.0 + f64::from(at) / 1000.0);
        let place = json!({ "latitude": 60, "longitude": f64::from(at) / 8.0 });
        sim.delta("navigation.position", place);
        sim.delta("navigation.speedOverGround", f64::from(at) / 4.0);
    }
    sim.advance_to(2.0);
    for (name, taken) in [("all", 600), ("one", 300)] {
        let counters = sim.get(&format!("/plugins/{name}/diagnostics"))["counters"].clone();
        assert_eq!(
            (&counters["deltasIn"], &counters["deltasInDropped"]),
            (&json!(taken), &json!(0))
        );
        // One trip takes what came in five milliseconds.
        assert!(sim.runs[name] < 90, "{name}: {}", sim.runs[name]);
        sim.post(name, json!({ "enabled": false }));
        let lines = sim.lines(name);
        assert!(
            lines.iter().any(|line| line.contains(&format!("took {taken}, speed 74.75"))),
            "{lines:?}"
        );
    }
}
