//! Resources: made, read, changed and deleted, and what a stream tells of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::boat::golden_boat;
use crate::judge::{Outcome, canonical, judge};
use crate::requests::ask;

/// In the order in which they were recorded; ids that the server draws are those of this run. The deltas that a stream
/// client saw meanwhile are compared as far as they are about resources.
pub(crate) fn replay_resources(recordings: Vec<(String, Value)>) -> Vec<(String, Outcome)> {
    let recordings: BTreeMap<String, Value> = recordings.into_iter().collect();
    let mut sim = golden_boat();
    let stream = &recordings["v2-resources/stream-deltas-during-crud-and-course"];
    let client = sim.open(stream["url"].as_str().unwrap());
    let mut ids: Vec<(String, String)> = Vec::new();
    let mut outcomes = Vec::new();
    for name in RESOURCES_ORDER {
        let name = format!("v2-resources/{name}");
        let recording = with_ids(&recordings[&name], &ids);
        let response = ask(&mut sim, &recording, None);
        let got: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        if let (Some(recorded), Some(drawn)) =
            (recording["response"]["body"]["id"].as_str(), got["id"].as_str())
        {
            ids.push((recorded.to_owned(), drawn.to_owned()));
        }
        let recording = with_ids(&recording, &ids);
        outcomes.push((name, judge(&recording["response"], &response)));
    }
    let about = |text: &Value| text.to_string().contains("\"resources.").then(|| canonical(text));
    let heard = sim.heard(client);
    let got: Vec<String> =
        heard.iter().filter_map(|text| about(&serde_json::from_str(text).unwrap())).collect();
    let stream = with_ids(stream, &ids);
    let sent = stream["transcript"].as_array().unwrap().iter().map(|entry| &entry["msg"]);
    let want: Vec<String> = sent.filter_map(about).collect();
    let outcome = match want.iter().zip(&got).find(|(want, got)| want != got) {
        None if got.len() >= want.len() => Outcome::Same,
        None => Outcome::Different(format!("{} deltas of {}", got.len(), want.len())),
        Some((want, got)) => Outcome::Different(format!("expected {want}, got {got}")),
    };
    outcomes.push(("v2-resources/stream-deltas-during-crud-and-course".into(), outcome));
    let replayed: BTreeSet<&String> = outcomes.iter().map(|(name, _)| name).collect();
    for name in recordings.keys() {
        assert!(replayed.contains(name), "{name} is not in RESOURCES_ORDER");
    }
    outcomes
}

fn with_ids(recording: &Value, ids: &[(String, String)]) -> Value {
    let mut text = recording.to_string();
    for (recorded, drawn) in ids {
        text = text.replace(recorded.as_str(), drawn);
        // Pages are recorded by their first letters.
        text = text.replace(&recorded[..9], &drawn[..9]);
    }
    serde_json::from_str(&text).unwrap()
}

const RESOURCES_ORDER: &[&str] = &[
    "types",
    "list-routes",
    "list-waypoints",
    "list-notes",
    "list-regions",
    "list-charts",
    "list-tracks",
    "list-infolayers",
    "list-groups",
    "list-symbols",
    "unknown-type",
    "providers",
    "providers-charts",
    "providers-default",
    "post-route",
    "post-waypoint",
    "post-region",
    "post-note",
    "post-invalid",
    "post-unknown-type",
    "get-route",
    "get-route-drill",
    "get-unknown",
    "list-routes-after",
    "list-waypoints-after",
    "list-bbox",
    "list-bad-bbox",
    "list-limit",
    "list-position-distance",
    "list-provider",
    "list-provider-unknown",
    "put-waypoint",
    "put-bad-id",
    "create-custom-collection",
    "list-infolayers-after",
    "delete-route",
    "delete-again",
];
