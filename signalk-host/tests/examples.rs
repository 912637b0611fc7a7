//! The example plugins as their users have them: every package of `target/plugins` (`cargo xtask guests`) in
//! `node_modules` of the real program, configured through its schema, with a boat's sentences coming in by TCP. Each
//! does what its README says, and complains of nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs,
    io::Write,
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
};

use common::{Host, eventually, free_port, http, sentence};
use serde_json::{Value, json};

/// One package.
struct Example {
    /// Its folder in `examples` and in `target/plugins`.
    name: &'static str,
    /// What its owner sets; each member is one that its schema names.
    configuration: fn() -> Value,
    /// What it does with [`sail`].
    works: fn(&Host, &str),
}

const EXAMPLES: [Example; 5] = [
    Example { name: "anchor-watch", configuration: anchor, works: the_anchor_drags },
    Example { name: "bilge-pump", configuration: || json!({}), works: the_pump_is_switched },
    Example { name: "derived-data", configuration: wind_only, works: true_wind_is_derived },
    Example { name: "shallow-water", configuration: limit, works: shallow_water_alarms },
    Example { name: "trip-log", configuration: || json!({}), works: the_trip_is_counted },
];

fn packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins")
}

fn id(name: &str) -> String {
    format!("_signalk-host_{name}")
}

/// Under way at 6 knots, 100 m north of the anchor, in 1.5 m of water, 12 knots of wind from ahead.
fn sail(source: &mut TcpStream) {
    let lines = [
        "$GPRMC,120000,A,3700.0540,N,02430.0000,E,6.0,000.0,221126,,,A",
        "$IIDPT,2.5,-1.0",
        "$IIVHW,,,,,6.0,N,,",
        "$IIMWV,000.0,R,12.0,N,A",
    ];
    source.write_all(lines.map(sentence).concat().as_bytes()).unwrap();
}

fn install(config: &Path, name: &str) {
    let (from, to) = (packages().join(name), config.join("node_modules/@signalk-host").join(name));
    fs::create_dir_all(&to).unwrap();
    for file in ["package.json", "plugin.wasm"] {
        fs::copy(from.join(file), to.join(file)).expect("run `cargo xtask guests`");
    }
}

fn configure(host: &Host, id: &str, enabled: bool, configuration: &Value) {
    let body = json!({ "enabled": enabled, "configuration": configuration }).to_string();
    let (path, kind) = (format!("/skServer/plugins/{id}/config"), "Content-Type: application/json");
    let answer = http(&host.address, "POST", &path, &[kind], body.as_bytes());
    assert_eq!(answer.status, 200, "{id}: {}", String::from_utf8_lossy(&answer.body));
}

fn in_state(host: &Host, id: &str, state: &str) -> Value {
    let last = RefCell::new(Value::Null);
    let reached = || {
        last.replace(host.json("/signalk-host/status")["plugins"][id].clone());
        Some(last.borrow().clone()).filter(|plugin| plugin["state"] == state)
    };
    eventually(&format!("{id} to be {state}"), reached, || {
        format!("{:#}\n{}", last.borrow(), host.log())
    })
}

#[test]
fn every_example_is_installed_configured_and_works() {
    let built = fs::read_dir(packages()).expect("run `cargo xtask guests`");
    let built = built.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let known = EXAMPLES.map(|example| example.name.to_owned());
    assert_eq!(built.collect::<BTreeSet<_>>(), BTreeSet::from(known), "a package without a row");

    let port = free_port();
    let input = format!("tcp-listen://127.0.0.1:{port}");
    let host = Host::start_with(&["--nmea0183", &input], &[], |config| {
        EXAMPLES.iter().for_each(|example| install(config, example.name));
    });
    for Example { name, configuration, .. } in &EXAMPLES {
        let (id, configuration) = (id(name), configuration());
        let last = RefCell::new(Value::Null);
        let listed = || {
            let answer = host.get("/skServer/plugins");
            last.replace(serde_json::from_slice(&answer.body).ok()?);
            let all = last.borrow().as_array()?.clone();
            let plugin = all.into_iter().find(|plugin| plugin["id"] == *id)?;
            Some(plugin).filter(|plugin| plugin["schema"]["type"] == "object")
        };
        let plugin = eventually(&format!("the schema of {id}"), listed, || {
            format!("{:#}\n{}", last.borrow(), host.log())
        });
        for member in configuration.as_object().unwrap().keys() {
            assert!(
                plugin["schema"]["properties"][member].is_object(),
                "{id} {member}: {plugin:#}"
            );
        }
        configure(&host, &id, true, &configuration);
        in_state(&host, &id, "running");
    }
    let mut source = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    sail(&mut source);
    for Example { name, works, .. } in &EXAMPLES {
        works(&host, &id(name));
    }

    for Example { name, configuration, .. } in &EXAMPLES {
        let id = id(name);
        let plugin = in_state(&host, &id, "running");
        assert_eq!(plugin["lastError"], Value::Null, "{plugin:#}");
        assert_eq!(plugin["unknownImports"], json!([]), "{plugin:#}");
        for counter in ["crashes", "traps", "guestFaults", "handlerErrors", "hostCallErrors"] {
            assert_eq!(plugin[counter], 0, "{counter}: {plugin:#}");
        }
        configure(&host, &id, false, &configuration());
        in_state(&host, &id, "stopped");
    }
    let log = host.log();
    let complains = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
    assert_eq!(log.lines().filter(complains).collect::<Vec<_>>(), [""; 0]);
}

fn anchor() -> Value {
    json!({ "radius": 50, "position": { "latitude": 37.0, "longitude": 24.5 } })
}

/// R66.
fn the_anchor_drags(host: &Host, id: &str) {
    let alarm =
        host.value("notifications.navigation.anchor", |alarm| alarm["state"] == "emergency");
    assert_eq!(alarm["message"], "Anchor drags: 100 m, limit 50 m");
    assert_eq!(alarm["method"], json!(["visual", "sound"]));
    assert_eq!(host.json("/signalk/v1/api/vessels/self/navigation/anchor/maxRadius/value"), 50.0);
    let status = host.json(&format!("/plugins/{id}/api/status"));
    assert_eq!((&status["state"], &status["radius"]), (&json!("dragging"), &json!(50)), "{status}");
    let position = host.json(&format!("/plugins/{id}/api/position"));
    assert_eq!(position["anchor"], json!({ "latitude": 37, "longitude": 24.5 }));
    assert_eq!(position["vessel"]["longitude"], 24.5, "{position}");
    // Where the boat is: it does not drag any more.
    let kind = "Content-Type: application/json";
    let (path, wish) = (format!("/plugins/{id}/api/drop"), b"{\"radius\":30}");
    assert_eq!(http(&host.address, "POST", &path, &[kind], b"{\"radius\":0}").status, 400);
    let dropped = http(&host.address, "POST", &path, &[kind], wish);
    let text = String::from_utf8_lossy(&dropped.body);
    assert_eq!(dropped.status, 200, "{text}");
    assert!(text.contains("\"state\":\"holding\"") && text.contains("\"radius\":30,"), "{text}");
    host.value("notifications.navigation.anchor", |alarm| alarm["state"] == "normal");
    let saved = host.json(&format!("/skServer/plugins/{id}/config"));
    assert_eq!(saved["configuration"]["position"], position["vessel"], "{saved}");
}

fn the_pump_is_switched(host: &Host, _: &str) {
    let path = "electrical.switches.bilgePump.state";
    host.value(path, |state| *state == 0);
    let url = format!("/signalk/v1/api/vessels/self/{}", path.replace('.', "/"));
    let put = |value: &str| {
        let body = format!("{{\"value\":{value}}}");
        let kind = "Content-Type: application/json";
        let answer = http(&host.address, "PUT", &url, &[kind], body.as_bytes());
        serde_json::from_slice::<Value>(&answer.body).unwrap()
    };
    let done = put("1");
    let href = done["href"].as_str().unwrap_or_else(|| panic!("{done}")).to_owned();
    let completed = || Some(host.json(&href)).filter(|request| request["state"] == "COMPLETED");
    assert_eq!(eventually("the PUT", completed, || host.log())["statusCode"], 200);
    host.value(path, |state| *state == 1);
    let refused = put("7");
    let href = refused["href"].as_str().unwrap().to_owned();
    let completed = || Some(host.json(&href)).filter(|request| request["state"] == "COMPLETED");
    let refused = eventually("the PUT", completed, || host.log());
    assert_eq!((&refused["statusCode"], &refused["message"]), (&json!(400), &json!("0 or 1")));
}

fn wind_only() -> Value {
    json!({ "windDirection": false, "velocityMadeGood": false, "current": false, "timeout": 60 })
}

fn true_wind_is_derived(host: &Host, _: &str) {
    let knots = 1852.0 / 3600.0;
    host.value("environment.wind.speedTrue", |speed| {
        speed.as_f64().is_some_and(|speed| (speed - 6.0 * knots).abs() < 0.01)
    });
    let off = host.get("/signalk/v1/api/vessels/self/performance/velocityMadeGood");
    assert_eq!(off.status, 404, "it is switched off");
}

fn limit() -> Value {
    json!({ "limit": 1.75 })
}

fn shallow_water_alarms(host: &Host, _: &str) {
    let path = "notifications.environment.depth.belowKeel";
    let alarm = host.value(path, |alarm| alarm["state"] == "alarm");
    assert_eq!(alarm["message"], "1.5 m under the keel");
}

fn the_trip_is_counted(host: &Host, id: &str) {
    host.value("navigation.trip.log", |metres| metres.as_f64() > Some(3.0));
    let trip = host.json(&format!("/plugins/{id}/trip"));
    assert!(trip["metres"].as_f64() > Some(3.0), "{trip}");
    let reset = http(&host.address, "POST", &format!("/plugins/{id}/reset"), &[], b"");
    assert_eq!(reset.status, 204);
}
