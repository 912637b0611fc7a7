//! The plugins as the admin UI and the page see them (server-api.md 5.1). Their life is `crate::plugins`.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{http::HttpResponse, plugins::Posted, server::Saving};

/// `GET /skServer/plugins`
pub(super) fn list(call: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &call.plugins.list_json()).into()
}

/// `GET /skServer/plugins/{id}`
pub(super) fn info(call: &mut Call<'_>) -> Answer {
    found(call, |call, id| call.plugins.info(id))
}

/// `GET /skServer/plugins/{id}/config`
pub(super) fn config(call: &mut Call<'_>) -> Answer {
    found(call, |call, id| call.plugins.config(id))
}

/// `POST /skServer/plugins/{id}/config`: the answer waits until the file is durable and the plugin has started or stopped.
pub(super) fn save_config(call: &mut Call<'_>) -> Answer {
    let id = call.captured.first().cloned().unwrap_or_default();
    let options = match serde_json::from_slice::<Value>(&call.request.body) {
        Ok(Value::Object(options)) => options,
        Ok(_) => {
            return HttpResponse::error(400, "SyntaxError: the body must be a JSON object").into();
        }
        Err(error) => return HttpResponse::error(400, &format!("SyntaxError: {error}")).into(),
    };
    let (name, text) = match call.plugins.save_config(call.now, &id, options, call.server) {
        Posted::Taken { name, text } => (name, text),
        Posted::Refused(why) => return HttpResponse::json(400, &json!({ "error": why })).into(),
        Posted::NoSuchPlugin => {
            return HttpResponse::not_found(&call.request.method, call.request.path()).into();
        }
    };
    call.server.save(name, text, Saving::PluginOptions { id: call.id, plugin: id });
    Answer::Later
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
