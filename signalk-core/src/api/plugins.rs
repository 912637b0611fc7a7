//! The plugins as the admin UI and the page see them (server-api.md 5.1). Their life is `crate::plugins`.

use serde_json::{Value, json};

use signalk_bridge::HandlerReply;

use super::{Answer, Call, body};
use crate::{
    http::HttpResponse,
    plugins::{DIAGNOSTIC_LINES, Later, Posted},
    query,
    saving::Saving,
};

/// `GET /skServer/plugins`
pub(super) fn list(call: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &call.plugins.list_json()).into()
}

/// `GET /skServer/plugins/{id}`
pub(super) fn info(call: &mut Call<'_>) -> Answer {
    found(call, |call, id| call.plugins.info(id))
}

/// `GET /plugins/freeboard-sk`: Freeboard-SK asks this to know whether somebody has logged in, and looks at the status
/// only.
///
/// DIFFERENCE: everybody who has logged in reads 200, also without the plugin; of the reference only administrators, so
/// that Freeboard takes everybody else for logged out (server-api.md 6.8).
pub(super) fn freeboard(call: &mut Call<'_>) -> Answer {
    let none = || json!({ "enabled": false, "enabledByDefault": true, "id": FREEBOARD });
    let is_on = call.server.security.is_on();
    let info = call.plugins.info(FREEBOARD).or_else(|| is_on.then(none));
    match info {
        Some(info) => HttpResponse::json(200, &info).into(),
        None => HttpResponse::not_found(&call.request.method, call.request.path()).into(),
    }
}

const FREEBOARD: &str = "freeboard-sk";

/// `GET /skServer/plugins/{id}/config`
pub(super) fn config(call: &mut Call<'_>) -> Answer {
    found(call, |call, id| call.plugins.config(id))
}

/// `POST /skServer/plugins/{id}/config`: the answer waits until the file is durable and the plugin has started or
/// stopped.
///
/// DIFFERENCE: while plugins are off (`interfaces.wasm`, safe mode) the reference has no such route (plugin ABI 8.4);
/// here what is posted is saved, so that a plugin that keeps the server from starting well can be switched off from its
/// page. What does not fit a strict plugin's schema is 400 with the reasons; the reference saves anything.
pub(super) fn save_config(call: &mut Call<'_>) -> Answer {
    let id = call.captured.first().cloned().unwrap_or_default();
    let options = match body::read(&call.request.body, serde_json::from_slice::<Value>) {
        Ok(Value::Object(options)) => options,
        Ok(_) => {
            return HttpResponse::error(400, "SyntaxError: the body must be a JSON object").into();
        }
        Err(refusal) => return refusal.into(),
    };
    let (name, text, body) = match call.plugins.save_config(&id, options) {
        Posted::Taken { name, text, body } => (name, text, body),
        Posted::Refused(why) => return HttpResponse::json(400, &json!({ "error": why })).into(),
        Posted::NoSuchPlugin => {
            return HttpResponse::not_found(&call.request.method, call.request.path()).into();
        }
    };
    call.server.save(name, text, Saving::PluginOptions { id: call.id, plugin: id, body });
    Answer::Later
}

/// `GET /skServer/plugins/{id}/diagnostics?lines=100` (an extension): shape and units in DIAGNOSTICS.md of this crate.
pub(super) fn diagnostics(call: &mut Call<'_>) -> Answer {
    let (_, query) = call.request.target.split_once('?').unwrap_or_default();
    let lines = match query::parse(query).get("lines") {
        None => DIAGNOSTIC_LINES,
        Some(lines) => match lines.as_str().and_then(|lines| lines.parse().ok()) {
            Some(lines) => lines,
            None => return HttpResponse::error(400, "`lines` must be a whole number").into(),
        },
    };
    let id = call.captured.first().cloned().unwrap_or_default();
    match call.plugins.diagnostics(&id, lines) {
        Some(value) => {
            let mut response = HttpResponse::json(200, &value);
            response.headers.push(("cache-control".into(), "no-store".into()));
            response.into()
        }
        None => HttpResponse::not_found(&call.request.method, call.request.path()).into(),
    }
}

/// `POST /skServer/plugins/{id}/reload` (an extension, plugin ABI 8.3): the answer waits until it runs again.
pub(super) fn reload(call: &mut Call<'_>) -> Answer {
    let id = call.captured.first().cloned().unwrap_or_default();
    let http = call.id;
    let then = Box::new(move |later: &mut Later<'_>, reply: HandlerReply| {
        let (status, body) = match reply {
            Ok(_) => (200, json!({ "state": "COMPLETED", "statusCode": 200 })),
            Err(failure) => {
                let text = failure.to_string();
                (500, json!({ "state": "FAILED", "statusCode": 500, "message": text }))
            }
        };
        later.server.respond_plainly(http, HttpResponse::json(status, &body));
    });
    match call.plugins.reload(call.now, &id, call.server, then) {
        Some(()) => Answer::Later,
        None => HttpResponse::not_found(&call.request.method, call.request.path()).into(),
    }
}

/// `GET /skServer/webapps`: the web page of the edge is no package. One that is a plugin too is
/// listed while that is enabled.
pub(super) fn webapps(call: &mut Call<'_>) -> Answer {
    let plugins = &*call.plugins;
    let list = call.server.webapps.list(|package| plugins.is_disabled(package));
    HttpResponse::json(200, &list).into()
}

/// `GET /skServer/addons`
pub(super) fn addons(call: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &call.server.webapps.addons()).into()
}

/// `GET /signalk/v1/apps/list`
pub(super) fn apps(call: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &call.server.webapps.apps()).into()
}

fn found(call: &mut Call<'_>, get: impl FnOnce(&Call<'_>, &str) -> Option<Value>) -> Answer {
    let id = call.captured.first().cloned().unwrap_or_default();
    match get(call, &id) {
        Some(value) => HttpResponse::json(200, &value).into(),
        None => HttpResponse::not_found(&call.request.method, call.request.path()).into(),
    }
}
