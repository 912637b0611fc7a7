//! `GET /signalk-host/status`: what our own page shows and no Signal K client needs. The reference has no such route.

use serde_json::{Map, Value, json};

use super::{Answer, Call};
use crate::http::HttpResponse;

/// Uptime, input connections with counters, stream clients with queue and drops, and what each plugin costs.
pub(super) fn status(call: &mut Call<'_>) -> Answer {
    let server = &call.server;
    let mut response = HttpResponse::json(
        200,
        &json!({
            "name": "signalk-host",
            "version": env!("CARGO_PKG_VERSION"),
            "signalkVersion": server.config.version,
            "self": server.self_context.to_string(),
            "uptime": server.uptime(call.now).as_secs_f64(),
            "deltas": server.providers.total(),
            "connections": server.connections.status_json(),
            "streams": server.streams.status_json(call.now),
            "binary": server.binary.status_json(call.now),
            "resources": server.resources.status_json(),
            "plugins": by_id(call.plugins.status_json()),
            "pluginTotals": call.plugins.totals_json(),
            "restartNeeded": server.needs_restart,
            "complaints": server.config.complaints,
        }),
    );
    response.headers.push(("cache-control".into(), "no-store".into()));
    response.into()
}

/// The page looks plugins up by their id.
fn by_id(plugins: Value) -> Value {
    let Value::Array(plugins) = plugins else { return plugins };
    let row = |plugin: Value| Some((plugin.get("id")?.as_str()?.to_owned(), plugin));
    Value::Object(plugins.into_iter().filter_map(row).collect::<Map<_, _>>())
}
