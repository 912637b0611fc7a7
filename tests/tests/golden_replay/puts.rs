//! PUT and its requests: handlers of the server and of two clients.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use workspace_tests::Client;

use crate::boat::{device, golden_boat};
use crate::judge::{Outcome, judge};
use crate::requests::ask;

/// In the order in which they were recorded: requests depend on each other and on two device clients.
pub(crate) fn replay_puts(recordings: Vec<(String, Value)>) -> Vec<(String, Outcome)> {
    let recordings: BTreeMap<String, Value> = recordings.into_iter().collect();
    let mut sim = golden_boat();
    let mut outcomes = Vec::new();
    let mut request_id = String::new();
    let mut devices: Vec<Client> = Vec::new();
    for name in PUT_ORDER {
        match *name {
            "+devA" | "+devB" => {
                devices.push(device(&mut sim, &name[1..]));
                continue;
            }
            "+answer" => {
                let answer = json!({ "requestId": request_id, "state": "COMPLETED", "statusCode": 200, "message": "done" });
                sim.say(devices[0], &answer.to_string());
                continue;
            }
            _ => {}
        }
        let name = format!("put/{name}");
        let recording = &recordings[&name];
        let path = recording["request"]["path"].as_str().unwrap();
        let by_id = path.starts_with("/signalk/v1/requests/") && !path.ends_with("no-such-id");
        let path =
            if by_id { format!("/signalk/v1/requests/{request_id}") } else { path.to_owned() };
        let response = ask(&mut sim, recording, Some(&path));
        if let Some(id) = serde_json::from_slice::<Value>(&response.body)
            .ok()
            .and_then(|body| Some(body.get("requestId")?.as_str()?.to_owned()))
        {
            request_id = id;
        }
        outcomes.push((name, judge(&recording["response"], &response)));
    }
    let replayed: BTreeSet<&String> = outcomes.iter().map(|(name, _)| name).collect();
    assert!(
        recordings.keys().all(|name| replayed.contains(name)),
        "a recording of put is not in PUT_ORDER"
    );
    outcomes
}

const PUT_ORDER: &[&str] = &[
    "no-handler",
    "missing-value",
    "short-path",
    "bad-json",
    "null-value-no-handler",
    "post-not-supported",
    "delete-non-meta",
    "request-unknown",
    "meta-field",
    "meta-field-request-status",
    "meta-field-result",
    "meta-zones",
    "meta-delete",
    "notification-state",
    "notification-method",
    "notification-other-key",
    "notification-unknown",
    "+devA",
    "ws-client-single-source",
    "+answer",
    "ws-client-completed-status",
    "+devB",
    "ws-client-ambiguous",
    "ws-client-unknown-source",
    "ws-client-with-source",
];
