//! PUT and DELETE over HTTP, and the state of a request (server-api.md 2.5). What a request does is `crate::put`.

use serde_json::{Value, json};

use super::{Answer, Call, body};
use crate::{
    http::HttpResponse,
    put::{Asker, Change, Target},
};

/// `PUT /signalk/v1/api/{path}`, body `{"value": ..., "source": "..."}`.
pub(super) fn put(call: &mut Call<'_>) -> Answer {
    let body = match body::read(&call.request.body, serde_json::from_slice::<Value>) {
        Ok(body) => body,
        Err(refusal) => return refusal.into(),
    };
    let Some(value) = body.get("value") else {
        return HttpResponse::html(400, "input is missing a value").into();
    };
    let Some(target) = target(&call.captured) else {
        return HttpResponse::html(400, "invalid path").into();
    };
    let source = body.get("source").and_then(Value::as_str);
    ask(call, target, Change::Put { value: value.clone(), source })
}

/// `DELETE /signalk/v1/api/{path}`: of metadata only.
pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let Some(target) = target(&call.captured) else {
        return HttpResponse::html(400, "invalid path").into();
    };
    ask(call, target, Change::Delete)
}

/// `GET /signalk/v1/requests/{id}`
///
/// DIFFERENCE: an unknown id is 404 with the usual object; the reference answers 500 with a text.
pub(super) fn request_state(call: &mut Call<'_>) -> Answer {
    let id = call.captured.first().map_or("", String::as_str);
    match call.server.requests.get(id) {
        Some(request) if call.caller.may_read() => {
            HttpResponse::json(200, &request.to_json()).into()
        }
        Some(request) => HttpResponse::json(200, &request.to_bare_json()).into(),
        None => {
            let body = json!({ "state": "COMPLETED", "requestId": id, "statusCode": 404, "message": "Unable to check request: not found" });
            HttpResponse::json(404, &body).into()
        }
    }
}

fn ask(call: &mut Call<'_>, target: Target, change: Change<'_>) -> Answer {
    let asker = Asker::Http(call.id, call.caller.id.clone());
    match call.server.request(call.now, call.plugins, target, change, None, asker) {
        Some(request) => HttpResponse::json(request.reply.status, &request.to_http_json()).into(),
        None => Answer::Later,
    }
}

/// Group, id and at least one name below it.
fn target(segments: &[String]) -> Option<Target> {
    let [group, id, path @ ..] = segments else { return None };
    (!path.is_empty()).then(|| Target { context: format!("{group}.{id}"), path: path.join(".") })
}
