//! How clients find the rest: `GET /signalk` and the list of features (server-api.md 1.1, 4.1).

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::http::HttpResponse;

/// `GET /signalk`: the addresses are built from what the client itself called us.
pub(super) fn endpoints(call: &mut Call<'_>) -> Answer {
    let host = call.request.header("host").unwrap_or("localhost");
    let (http, ws) = if super::is_secure(call.request) { ("https", "wss") } else { ("http", "ws") };
    let version = call.server.config.version.as_str();
    let mut v1 = json!({
        "version": version,
        "signalk-http": format!("{http}://{host}/signalk/v1/api/"),
        "signalk-ws": format!("{ws}://{host}/signalk/v1/stream"),
    });
    if let (Some(port), Some(v1)) = (call.server.config.tcp_port, v1.as_object_mut()) {
        let name = without_port(host);
        v1.insert("signalk-tcp".into(), format!("tcp://{name}:{port}").into());
    }
    let body = json!({ "endpoints": { "v1": v1 }, "server": { "id": "signalk-server-node", "version": version } });
    HttpResponse::json(200, &body).into()
}

/// The name in a `Host` header. An IPv6 address is in brackets and has colons of its own.
fn without_port(host: &str) -> &str {
    let after_address = host.rfind(']').map_or(0, |at| at + 1);
    let port = host.get(after_address..).and_then(|rest| rest.rfind(':'));
    port.and_then(|at| host.get(..after_address + at)).unwrap_or(host)
}

/// `GET /signalk/v2/features`: only what works is listed, because Freeboard-SK shows controls for what is.
pub(super) fn features(call: &mut Call<'_>) -> Answer {
    let filter = match call.request.query("enabled").as_deref() {
        Some("1" | "true") => Some(true),
        Some("0" | "false") => Some(false),
        _ => None,
    };
    let plugins = call.plugins.list_json();
    let feature = |plugin: &Value| {
        let enabled = plugin.pointer("/data/enabled").and_then(Value::as_bool).unwrap_or(false);
        let member = |name: &str| plugin.get(name).cloned().unwrap_or(Value::Null);
        let wanted = filter.is_none_or(|filter| filter == enabled);
        wanted.then(|| json!({ "id": member("id"), "name": member("name"), "version": member("version"), "enabled": enabled }))
    };
    let plugins: Vec<Value> =
        plugins.as_array().into_iter().flatten().filter_map(feature).collect();
    HttpResponse::json(200, &json!({ "apis": apis(call), "plugins": plugins })).into()
}

/// The v2 APIs that somebody serves now: those of weather and radar only with a plugin that has some.
fn apis(call: &Call<'_>) -> Vec<&'static str> {
    let mut apis = vec!["resources"];
    if !call.plugins.weather_providers().is_empty() {
        apis.push("weather");
    }
    if !call.plugins.radar_providers().is_empty() {
        apis.push("radar");
    }
    apis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_host_is_not_part_of_its_name() {
        for (host, name) in [
            ("boat.local:3000", "boat.local"),
            ("boat.local", "boat.local"),
            ("[::1]", "[::1]"),
            ("[fe80::1]:3000", "[fe80::1]"),
            ("", ""),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
