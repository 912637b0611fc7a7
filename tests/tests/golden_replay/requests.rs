//! One request as it was recorded, and the order of those of the admin interface.

use serde_json::Value;
use signalk_core::HttpResponse;
use workspace_tests::Sim;

use crate::judge::{Outcome, judge};

pub(crate) fn replay_request(sim: &mut Sim, recording: &Value, path: Option<&str>) -> Outcome {
    let response = ask(sim, recording, path);
    judge(&recording["response"], &response)
}

pub(crate) fn ask(sim: &mut Sim, recording: &Value, path: Option<&str>) -> HttpResponse {
    ask_with(sim, recording, path, "")
}

/// With this token wherever one was recorded.
pub(crate) fn ask_with(
    sim: &mut Sim,
    recording: &Value,
    path: Option<&str>,
    token: &str,
) -> HttpResponse {
    let request = &recording["request"];
    let given = request["headers"].as_object().into_iter().flatten();
    let given: Vec<(&str, String)> = given
        .map(|(name, value)| {
            (name.as_str(), value.as_str().unwrap_or_default().replace("<JWT>", token))
        })
        .collect();
    let mut headers: Vec<(&str, &str)> =
        given.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.push(("host", "HOST:PORT"));
    let body = match &request["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    sim.request(
        request["method"].as_str().unwrap(),
        &path.unwrap_or_else(|| request["path"].as_str().unwrap()).replace("<JWT>", token),
        &headers,
        &body,
    )
}

/// What depends on each other, in the order in which it was recorded; but the settings are sent first, because they are
/// those of the recorded server: so they come back from what was saved.
pub(crate) const SK_SERVER_ORDER: &[&str] = &[
    "/put-settings",
    "/get-settings",
    "/get-providers",
    "/post-provider",
    "/get-providers-after",
    "/put-provider",
    "/delete-provider",
    "/put-vessel",
    "/get-vessel",
];
