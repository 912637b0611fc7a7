//! What the admin UI asks at its start (server-api.md 5.1). It uses an answer only when its status is 200, so a list
//! that is always empty here is answered as an empty list, and what does not exist is 404.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::http::HttpResponse;

/// `GET /skServer/availablePaths`
pub(super) fn available_paths(call: &mut Call<'_>) -> Answer {
    let paths: Vec<String> =
        call.server.store.paths(&call.server.self_context).map(|path| path.to_string()).collect();
    HttpResponse::json(200, &json!(paths)).into()
}

/// `GET /skServer/serialports`: a browser or a container has none, and that is no error.
pub(super) fn serial_ports(_: &mut Call<'_>) -> Answer {
    HttpResponse::json(
        200,
        &json!({ "byId": [], "byPath": [], "byOpenPlotter": [], "serialports": [] }),
    )
    .into()
}

/// `GET /skServer/multiSourcePaths`
pub(super) fn multi_source_paths(call: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &call.server.multi_source_paths()).into()
}

/// `GET /skServer/priorities`: none are configured.
pub(super) fn priorities(_: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &json!({ "groups": [], "overrides": {}, "defaults": {} })).into()
}

/// `GET /skServer/paths`: the specification's metadata by path.
pub(super) fn paths(_: &mut Call<'_>) -> Answer {
    let mut body = Vec::new();
    signalk_model::meta::write_paths_json(&mut body);
    HttpResponse::json_text(200, body).into()
}

/// For what is always an empty list here.
pub(super) fn empty_list(_: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &json!([])).into()
}

/// For what is always an empty object here.
pub(super) fn empty_object(_: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &json!({})).into()
}

/// For what is never there.
pub(super) fn no(_: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &Value::Bool(false)).into()
}

/// `GET /skServer/security/hasBackup`
pub(super) fn no_backup(_: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &json!({ "hasBackup": false })).into()
}

/// `GET /`
pub(super) fn landing_page(call: &mut Call<'_>) -> Answer {
    HttpResponse::redirect(302, call.server.config.settings.landing_page()).into()
}

/// `GET /admin`: with the slash it is the edge's file, so only the bare form is redirected.
pub(super) fn admin_folder(call: &mut Call<'_>) -> Answer {
    if call.request.path() == "/admin" {
        HttpResponse::redirect(301, "/admin/").into()
    } else {
        HttpResponse::not_found(&call.request.method, call.request.path()).into()
    }
}
