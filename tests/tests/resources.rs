//! Resources in whole runs: files and a plugin that provides, side by side; what others hear of a write; what the disk
//! or a guest does wrong. The guest (`buffer_everything`) is built by `cargo xtask guests`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use signalk_core::{
    ConfigTexts, HttpResponse,
    resources::{ChartFile, RawFile, StoredFile},
};
use workspace_tests::Sim;

const API: &str = "/signalk/v2/api/resources";
const ID: &str = "ac3a3b2d-07e8-4f25-92bc-98e7c92f7f1a";
const OTHER: &str = "56724e53-d730-432c-9d82-1a6562629af7";
const PLUGIN: &str = "buffer-everything";

fn body(response: &HttpResponse) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_default()
}

fn waypoint(name: &str, longitude: f64) -> Value {
    json!({ "name": name, "feature": { "type": "Feature", "geometry": { "type": "Point", "coordinates": [longitude, 60.1] } } })
}

fn send(sim: &mut Sim, method: &str, path: &str, value: &Value) -> (u16, Value) {
    let response = sim.request(method, &format!("{API}/{path}"), &[], &value.to_string());
    (response.status, body(&response))
}

fn get(sim: &mut Sim, path: &str) -> (u16, Value) {
    let response = sim.get(&format!("{API}/{path}"));
    (response.status, body(&response))
}

/// A server whose guest registers for these types and answers as told.
fn with_plugin(kinds: &[&str], more: &Value) -> Sim {
    let start: Value =
        kinds.iter().map(|kind| json!(["sk_register_resource_provider", kind])).collect();
    let mut configuration = json!({ "start": start });
    for (name, value) in more.as_object().unwrap() {
        configuration[name] = value.clone();
    }
    let options = json!({ "enabled": true, "enableDebug": true, "configuration": configuration });
    let mut sim = Sim::new(ConfigTexts {
        plugin_options: [(PLUGIN.to_owned(), options.to_string())].into(),
        ..ConfigTexts::default()
    });
    let package = json!({
        "name": PLUGIN, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"],
        "wasmManifest": "plugin.wasm", "wasmCapabilities": { "resourceProvider": true },
    });
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join("target/guests/buffer_everything.wasm");
    let wasm = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask guests`", path.display()));
    sim.install(&package.to_string(), &wasm);
    sim.advance(Duration::from_millis(100));
    let state = &sim.get_json("/signalk-host/status")["plugins"][PLUGIN]["state"];
    assert_eq!(state, "running", "{:#?}", sim.log);
    sim
}

/// The last request that the guest got for this export.
fn asked(sim: &Sim, export: &str) -> String {
    let begin = format!("{PLUGIN}: export {export} ");
    let mut lines = sim.log.iter().rev();
    lines.find_map(|line| line.strip_prefix(&begin)).unwrap_or_default().to_owned()
}

#[test]
fn a_write_is_told_to_everybody_and_a_failed_one_to_nobody() {
    let mut sim = Sim::default();
    let listener = sim.open("/signalk/v1/stream?subscribe=self&sendCachedValues=false");
    sim.heard(listener);
    let path = format!("waypoints/{ID}");
    let written = json!({ "state": "COMPLETED", "statusCode": 200, "message": ID });
    assert_eq!(send(&mut sim, "PUT", &path, &waypoint("A", 24.9)), (200, written.clone()));
    assert_eq!(send(&mut sim, "DELETE", &path, &json!({})), (200, written));
    let heard = sim.heard(listener);
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(
        heard[0].contains(&format!("resources.waypoints.{ID}"))
            && heard[0].contains("\"name\":\"A\"")
    );
    assert!(
        heard[1].contains("\"value\":null")
            && heard[1].contains("\"$source\":\"resources-provider\"")
    );
    // Version 2: not in the model of version 1.
    assert_eq!(sim.get("/signalk/v1/api/vessels/self/resources").status, 404);
    sim.disk_error = Some("the disk is full".into());
    let (status, failed) = send(&mut sim, "PUT", &path, &waypoint("A", 24.9));
    assert_eq!(
        (status, &failed["message"]),
        (404, &json!(format!("Error saving waypoints resource ({ID})!")))
    );
    let (status, failed) = send(&mut sim, "POST", "waypoints", &waypoint("A", 24.9));
    assert_eq!((status, &failed["state"]), (400, &json!("FAILED")));
    assert!(sim.heard(listener).is_empty());
    assert!(sim.log.iter().any(|line| line.contains("the disk is full")), "{:?}", sim.log);
}

#[test]
fn ids_and_values_that_are_wrong_never_reach_a_provider() {
    let mut sim = Sim::default();
    let wrong = send(&mut sim, "PUT", "routes/notauuid", &json!({}));
    assert_eq!(wrong.1["message"], "Invalid resource id provided (notauuid)");
    let (status, wrong) = send(&mut sim, "PUT", &format!("notes/{ID}"), &json!({ "title": 5 }));
    assert_eq!(status, 400);
    let told: Value = serde_json::from_str(wrong["message"].as_str().unwrap()).unwrap();
    assert_eq!(told[0]["keyword"], "required");
    let response = sim.request("POST", &format!("{API}/notes"), &[], "{\"title");
    assert_eq!(response.status, 400);
    assert!(sim.resources.is_empty());
    assert_eq!(get(&mut sim, "waypoints?limit=0").0, 400);
    assert_eq!(get(&mut sim, "waypoints?foo=1").0, 400);
    assert_eq!(get(&mut sim, "waypoints/..%2F..%2Fsettings.json").0, 404);
    assert_eq!(send(&mut sim, "DELETE", "waypoints/..%2Fx", &json!({})).0, 404);
}

#[test]
fn a_collection_of_ones_own_is_configured_used_and_survives_a_restart() {
    let mut sim = Sim::default();
    let config = "/plugins/resources-provider/_config";
    assert_eq!(get(&mut sim, "fishing").0, 404);
    let added =
        sim.request("POST", &format!("{config}/fishing"), &[], "{\"description\":\"Spots\"}");
    assert_eq!(added.status, 200);
    assert_eq!(sim.request("POST", &format!("{config}/Fishing"), &[], "{}").status, 400);
    let (status, written) = send(&mut sim, "PUT", "fishing/urn:x:spot1", &json!({ "fish": "cod" }));
    assert_eq!((status, &written["message"]), (200, &json!("urn:x:spot1")));
    assert_eq!(get(&mut sim, "fishing/spot1/fish").1["value"], "cod");
    assert_eq!(get(&mut sim, "").1["fishing"]["description"], "Path containing fishing resources");
    let file = "plugin-config-data/resources-provider.json";
    let saved = sim.files[file].clone();
    let again = Sim::new(ConfigTexts {
        plugin_options: [("resources-provider".to_owned(), saved)].into(),
        ..ConfigTexts::default()
    });
    let kept = sim.resources.clone();
    let mut sim = again;
    sim.resources = kept;
    assert_eq!(get(&mut sim, "fishing").1["spot1"]["fish"], "cod");
    assert_eq!(body(&sim.get(config))["custom"][0]["description"], "Spots");
    assert_eq!(sim.request("DELETE", &format!("{config}/fishing"), &[], "").status, 200);
    assert_eq!(get(&mut sim, "fishing").0, 404);
    assert!(!sim.resources.is_empty(), "its files stay");
}

#[test]
fn a_damaged_file_is_left_out_counted_and_said_once() {
    let mut sim = Sim::default();
    send(&mut sim, "PUT", &format!("waypoints/{ID}"), &waypoint("A", 24.9));
    let damaged = StoredFile { modified_ms: 0, bytes: Bytes::from_static(b"{\"na") };
    sim.resources.insert(("resources/waypoints".into(), OTHER.into()), damaged);
    for _ in 0..3 {
        let (status, list) = get(&mut sim, "waypoints");
        assert_eq!((status, list.as_object().unwrap().len()), (200, 1));
    }
    assert_eq!(get(&mut sim, &format!("waypoints/{OTHER}")).0, 404);
    let said = sim.log.iter().filter(|line| line.contains(OTHER)).count();
    assert_eq!(said, 1, "{:?}", sim.log);
    let status = sim.get_json("/signalk-host/status");
    assert_eq!(status["resources"]["damaged"], json!([format!("waypoints/{OTHER}")]));
    assert_eq!(send(&mut sim, "PUT", &format!("waypoints/{OTHER}"), &waypoint("B", 25.0)).0, 200);
    assert_eq!(get(&mut sim, "waypoints").1.as_object().unwrap().len(), 2);
    assert_eq!(sim.get_json("/signalk-host/status")["resources"]["damaged"], json!([]));
}

#[test]
fn a_plugin_provides_a_type_of_its_own() {
    let mut sim = with_plugin(&["fishing"], &json!({}));
    assert_eq!(get(&mut sim, "fishing/_providers"), (200, json!([PLUGIN])));
    assert_eq!(get(&mut sim, "fishing/_providers/_default"), (200, json!(PLUGIN)));
    let listener = sim.open("/signalk/v1/stream?subscribe=self&sendCachedValues=false");
    sim.heard(listener);
    let (status, written) =
        send(&mut sim, "PUT", "fishing/spot", &json!({ "z": 1.0, "a": { "fish": "cod" } }));
    assert_eq!((status, &written["message"]), (200, &json!("spot")));
    assert_eq!(
        asked(&sim, "resources_set_resource"),
        r#"{"id":"spot","value":{"z":1,"a":{"fish":"cod"}},"resourceType":"fishing"}"#
    );
    let heard = sim.heard(listener);
    assert!(
        heard[0].contains("resources.fishing.spot")
            && heard[0].contains(&format!("\"$source\":\"{PLUGIN}\"")),
        "{heard:?}"
    );
    assert_eq!(get(&mut sim, "fishing/spot"), (200, json!({ "z": 1, "a": { "fish": "cod" } })));
    assert_eq!(asked(&sim, "resources_get_resource"), r#"{"id":"spot","resourceType":"fishing"}"#);
    assert_eq!(get(&mut sim, "fishing/spot/a/fish"), (200, json!("cod")));
    assert_eq!(
        asked(&sim, "resources_get_resource"),
        r#"{"id":"spot","property":"a.fish","resourceType":"fishing"}"#
    );
    let list = get(&mut sim, "fishing?bbox=[24,60,26.50,61]&limit=5&near=here");
    assert_eq!(list.1["spot"]["a"]["fish"], "cod");
    assert_eq!(
        asked(&sim, "resources_list_resources"),
        r#"{"bbox":[24,60,26.5,61],"limit":5,"near":"here","resourceType":"fishing"}"#
    );
    let missing =
        json!({ "state": "FAILED", "statusCode": 404, "message": "Resource not found! (nope)" });
    assert_eq!(get(&mut sim, "fishing/nope"), (404, missing));
    assert_eq!(send(&mut sim, "DELETE", "fishing/spot", &json!({})).0, 200);
    assert_eq!(
        asked(&sim, "resources_delete_resource"),
        r#"{"id":"spot","resourceType":"fishing"}"#
    );
    assert_eq!(get(&mut sim, "fishing"), (200, json!({})));
    assert_eq!(send(&mut sim, "DELETE", "fishing/spot", &json!({})).0, 404);
}

#[test]
fn files_and_a_plugin_are_merged_and_a_write_goes_to_the_owner() {
    let mut sim = with_plugin(&["waypoints"], &json!({}));
    assert_eq!(get(&mut sim, "waypoints/_providers").1, json!(["resources-provider", PLUGIN]));
    send(&mut sim, "PUT", &format!("waypoints/{ID}"), &waypoint("file", 24.9));
    let named = format!("waypoints/{OTHER}?provider={PLUGIN}");
    assert_eq!(send(&mut sim, "PUT", &named, &waypoint("plugin", 24.9)).0, 200);
    assert_eq!(
        sim.resources.len(),
        1,
        "the default provider got the first, the named one the second"
    );
    let (_, list) = get(&mut sim, "waypoints");
    assert_eq!((&list[ID]["name"], &list[OTHER]["name"]), (&json!("file"), &json!("plugin")));
    assert_eq!(
        get(&mut sim, &format!("waypoints?provider={PLUGIN}")).1.as_object().unwrap().len(),
        1
    );
    // The owner is asked, whoever is the default or named.
    send(&mut sim, "PUT", &format!("waypoints/{OTHER}"), &waypoint("again", 24.9));
    assert_eq!(sim.resources.len(), 1);
    assert_eq!(get(&mut sim, &format!("waypoints/{OTHER}")).1["name"], "again");
    let default = format!("{API}/waypoints/_providers/_default");
    assert_eq!(sim.request("POST", &format!("{default}/nobody"), &[], "").status, 400);
    assert_eq!(sim.request("POST", &format!("{default}/{PLUGIN}"), &[], "").status, 201);
    assert!(sim.files["settings.json"].contains(PLUGIN));
    let (status, created) = send(&mut sim, "POST", "waypoints", &waypoint("new", 24.9));
    assert_eq!((status, sim.resources.len()), (201, 1), "{created}");
    assert_eq!(send(&mut sim, "DELETE", &format!("waypoints/{ID}"), &json!({})).0, 200);
    assert!(sim.resources.is_empty());
    let unknown = send(&mut sim, "POST", "waypoints?provider=nobody", &waypoint("x", 1.0));
    assert_eq!(unknown.0, 404);
}

#[test]
fn a_guest_that_says_no_or_traps_changes_nothing_and_the_others_go_on() {
    let refuses = json!({ "answers": { "resources_set_resource": "disk full", "resources_delete_resource": "{\"error\":\"locked\"}", "resources_list_resources": "[garbage" } });
    let mut sim = with_plugin(&["fishing", "waypoints"], &refuses);
    let listener = sim.open("/signalk/v1/stream?subscribe=self&sendCachedValues=false");
    sim.heard(listener);
    let (status, failed) = send(&mut sim, "PUT", "fishing/a", &json!({}));
    assert_eq!((status, &failed["message"]), (404, &json!("disk full")));
    let (status, failed) = send(&mut sim, "POST", "fishing", &json!({}));
    assert_eq!((status, &failed["message"]), (400, &json!("disk full")));
    let (status, failed) =
        send(&mut sim, "DELETE", &format!("fishing/a?provider={PLUGIN}"), &json!({}));
    assert_eq!((status, &failed["message"]), (400, &json!("locked")));
    assert!(sim.heard(listener).is_empty());
    assert_eq!(get(&mut sim, "fishing").0, 502);
    send(&mut sim, "PUT", &format!("waypoints/{ID}"), &waypoint("file", 24.9));
    let (status, list) = get(&mut sim, "waypoints");
    assert_eq!((status, list.as_object().unwrap().len()), (200, 1));

    let mut sim = with_plugin(
        &["fishing", "waypoints"],
        &json!({ "faults": { "resources_get_resource": "trap" } }),
    );
    send(&mut sim, "PUT", &format!("waypoints/{ID}"), &waypoint("file", 24.9));
    let (status, found) = get(&mut sim, &format!("waypoints/{ID}"));
    assert_eq!((status, &found["name"]), (200, &json!("file")));
}

#[test]
fn a_plugin_that_stops_provides_no_more() {
    let mut sim = with_plugin(&["fishing", "waypoints"], &json!({}));
    let off = json!({ "enabled": false });
    sim.request("POST", &format!("/plugins/{PLUGIN}/config"), &[], &off.to_string());
    sim.advance(Duration::from_secs(1));
    assert_eq!(get(&mut sim, "fishing").0, 404);
    assert_eq!(get(&mut sim, "waypoints/_providers").1, json!(["resources-provider"]));
    assert!(get(&mut sim, "").1.get("fishing").is_none());
}

#[test]
fn charts_are_listed_in_both_versions_and_are_not_written() {
    let mut sim = Sim::default();
    sim.charts.push(ChartFile {
        id: "archipelago".into(),
        name: "Archipelago".into(),
        description: String::new(),
        bounds: Some([20.0, 59.0, 25.0, 61.0]),
        min_zoom: 3,
        max_zoom: 14,
        format: "pbf".into(),
        scale: 250_000.0,
        layers: vec!["depth".into()],
        file: Some(RawFile {
            name: "archipelago.pmtiles".into(),
            length: 1000,
            etag: "\"1\"".into(),
        }),
    });
    // Found when somebody looks; from then on they have a provider.
    assert_eq!(
        body(&sim.get("/signalk/v1/api/resources/charts"))["archipelago"]["chartLayers"],
        json!(["depth"])
    );
    let (_, list) = get(&mut sim, "charts");
    assert_eq!(list["archipelago"]["url"], "/signalk/chart-tiles/archipelago/{z}/{x}/{y}");
    assert_eq!(get(&mut sim, "charts/archipelago").1["maxzoom"], 14);
    assert_eq!(get(&mut sim, "charts/_providers").1, json!(["resources-provider", "charts"]));
    assert_eq!(send(&mut sim, "DELETE", "charts/archipelago", &json!({})).0, 400);
    let piece = sim.request("GET", "/pmtiles/archipelago.pmtiles", &[("Range", "bytes=0-99")], "");
    assert_eq!((piece.status, piece.header("content-range")), (206, Some("bytes 0-99/1000")));
    let known =
        sim.request("GET", "/pmtiles/archipelago.pmtiles", &[("If-None-Match", "\"1\"")], "");
    assert_eq!(known.status, 304);
    let outside =
        sim.request("GET", "/pmtiles/archipelago.pmtiles", &[("Range", "bytes=1000-")], "");
    assert_eq!((outside.status, outside.header("content-range")), (416, Some("bytes */1000")));
    assert_eq!(sim.get("/signalk/chart-tiles/archipelago/2/9/0").status, 400);
    assert_eq!(sim.get("/signalk/chart-tiles/archipelago/2/1/0").status, 404);
    sim.charts.clear();
    assert_eq!(get(&mut sim, "charts").1, json!({}));
}
