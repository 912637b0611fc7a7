//! REST v1: reads of the full model (server-api.md 2). The model itself, drill-down and metadata, is
//! `signalk_model::Store`.

use super::{Answer, Call};
use crate::http::HttpResponse;

/// `GET /signalk/v1/api/`, with the slash only.
pub(super) fn full(call: &mut Call<'_>) -> Answer {
    node_at(call, &[])
}

/// `GET /signalk/v1/api/{path}`
pub(super) fn node(call: &mut Call<'_>) -> Answer {
    let segments = std::mem::take(&mut call.captured);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    node_at(call, &segments)
}

/// `GET /signalk/v1/snapshot/{path}`: no history provider exists yet, but a bad question is told so.
pub(super) fn snapshot(call: &mut Call<'_>) -> Answer {
    match call.request.query("time") {
        None => HttpResponse::html(400, "Snapshot api requires time query parameter"),
        Some(time) if !is_utc_time(&time) => {
            HttpResponse::html(400, "Time query parameter must be a valid ISO 8601 UTC time value like 2018-12-11T18:40:03.246")
        }
        Some(_) => HttpResponse::html(501, "No history provider"),
    }
    .into()
}

fn node_at(call: &mut Call<'_>, segments: &[&str]) -> Answer {
    let mut body = Vec::new();
    match call.server.store.get(segments) {
        Some(node) => {
            node.write_json(&mut body);
            HttpResponse::json_text(200, body).into()
        }
        None => HttpResponse::not_found(&call.request.method, call.request.path()).into(),
    }
}

fn is_utc_time(text: &str) -> bool {
    text.ends_with('Z') && signalk_model::Timestamp::from(text).unix_ms().is_some()
}
