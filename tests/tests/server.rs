//! Configuration, identity, saving and stopping in whole runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use serde_json::{Value, json};
use signalk_core::{ConfigTexts, Input};
use workspace_tests::Sim;

const METADATA: &str = "/signalk/v1/api/vessels/self/navigation/speedOverGround/meta";

#[test]
fn a_new_boat_gets_a_name_that_stays() {
    let mut sim = Sim::default();
    let first = sim.get_json("/signalk/v1/api/self");
    assert!(first.as_str().unwrap().starts_with("vessels.urn:mrn:signalk:uuid:"), "{first}");
    let saved = sim.files.remove("baseDeltas.json").unwrap();
    let mut again = Sim::new(ConfigTexts { base_deltas: Some(saved), ..ConfigTexts::default() });
    assert_eq!(again.get_json("/signalk/v1/api/self"), first);
    assert!(again.files.is_empty(), "nothing is written while idle");
}

#[test]
fn metadata_set_by_a_user_survives_a_restart() {
    let mut sim = Sim::with_vessel("230099999", "A");
    let put = sim.request("PUT", &format!("{METADATA}/displayName"), &[], r#"{"value":"SOG"}"#);
    let put: Value = serde_json::from_slice(&put.body).unwrap();
    assert_eq!((&put["state"], &put["statusCode"]), (&json!("PENDING"), &json!(202)));
    let state = sim.get_json(put["href"].as_str().unwrap());
    assert_eq!((&state["state"], &state["statusCode"]), (&json!("COMPLETED"), &json!(200)));
    let saved = sim.files.remove("baseDeltas.json").unwrap();
    let mut again = Sim::new(ConfigTexts { base_deltas: Some(saved), ..ConfigTexts::default() });
    assert_eq!(again.get_json(&format!("{METADATA}/displayName")), "SOG");
}

#[test]
fn a_full_disk_is_told_to_whoever_asked() {
    let mut sim = Sim::with_vessel("230099999", "A");
    sim.disk_error = Some("no space left on device".into());
    let put = sim.request("PUT", &format!("{METADATA}/displayName"), &[], r#"{"value":"SOG"}"#);
    let put: Value = serde_json::from_slice(&put.body).unwrap();
    let state = sim.get_json(put["href"].as_str().unwrap());
    assert_eq!(state["statusCode"], 502);
    assert_eq!(state["message"], "baseDeltas.json was not saved: no space left on device");
    assert!(sim.log.iter().any(|line| line.contains("baseDeltas.json was not saved")));
}

/// DIFFERENCE 4 of server-api.md 11.
#[test]
fn an_unknown_request_is_404_with_the_usual_object() {
    let mut sim = Sim::default();
    let response = sim.get("/signalk/v1/requests/nosuch");
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(
        (response.status, &body["statusCode"], &body["state"]),
        (404, &json!(404), &json!("COMPLETED"))
    );
}

/// A directory with a security.json that says nothing: what is not said is not allowed.
#[test]
fn a_secured_directory_is_closed() {
    let mut sim = Sim::new(ConfigTexts { security: Some("{}".into()), ..ConfigTexts::default() });
    let client = sim.open("/signalk/v1/stream?subscribe=none");
    sim.say(client, r#"{"updates":[{"values":[{"path":"a.b","value":1}]}]}"#);
    let put = sim.request("PUT", "/signalk/v1/api/vessels/self/a/b/c", &[], r#"{"value":1}"#);
    assert_eq!(put.status, 401);
    assert_eq!(sim.get("/signalk/v1/api/self").status, 401);
    assert_eq!(sim.get("/signalk").status, 200);
    assert!(sim.log.iter().any(|line| line.contains("security.json")), "{:?}", sim.log);
}

#[test]
fn a_damaged_settings_file_is_told_and_kept() {
    let mut sim = Sim::new(ConfigTexts { settings: Some("{".into()), ..ConfigTexts::default() });
    assert!(
        sim.log.iter().any(|line| line.contains("settings.json") && line.contains("repair")),
        "{:?}",
        sim.log
    );
    assert!(!sim.files.contains_key("settings.json"));
    assert_eq!(sim.get("/signalk").status, 200);
}

#[test]
fn contexts_that_fall_silent_are_forgotten_after_an_hour_and_the_own_vessel_is_not() {
    let mut sim = Sim::with_vessel("230099999", "A");
    let client = sim.open("/signalk/v1/stream?subscribe=none");
    sim.say(client, r#"{"context":"vessels.urn:mrn:imo:mmsi:1","updates":[{"values":[{"path":"a.b","value":1}]}]}"#);
    sim.advance(Duration::from_secs(59 * 60));
    assert_eq!(sim.get("/signalk/v1/api/vessels/urn:mrn:imo:mmsi:1").status, 200);
    sim.advance(Duration::from_secs(3 * 60));
    assert_eq!(sim.get("/signalk/v1/api/vessels/urn:mrn:imo:mmsi:1").status, 404);
    assert_eq!(sim.get("/signalk/v1/api/vessels/self").status, 200);
}

#[test]
fn a_body_that_the_client_has_is_not_sent_again() {
    let mut sim = Sim::with_vessel("230099999", "A");
    let first = sim.get("/signalk/v1/api/vessels/self/name");
    let tag = first.header("etag").unwrap().to_owned();
    let second =
        sim.request("GET", "/signalk/v1/api/vessels/self/name", &[("If-None-Match", &tag)], "");
    assert_eq!((second.status, second.body.len()), (304, 0));
}

#[test]
fn stopping_stops_and_waits_no_more() {
    let mut sim = Sim::default();
    sim.input(Input::Shutdown);
    assert!(sim.stopped);
    assert_eq!(sim.deadline(), None);
}

#[test]
fn the_status_page_names_everything_that_costs() {
    let mut sim = Sim::with_vessel("230099999", "A");
    let client = sim.open("/signalk/v1/stream?subscribe=all");
    sim.queue(client, 700_000);
    let status = sim.get_json("/signalk-host/status");
    assert_eq!(status["streams"][0]["queuedBytes"], 700_000);
    assert_eq!(status["streams"][0]["accumulating"], true);
    assert!(status["plugins"].is_object() && status["connections"].is_array());
}
