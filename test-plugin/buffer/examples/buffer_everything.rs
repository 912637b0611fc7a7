//! A plain library (neither `_start` nor `_initialize`) with every export and every import of the
//! buffer ABI. Each export writes `export NAME` to the log, so a test sees the order of calls;
//! those that are given something add it: `export plugin_start {"enableDebug":false}`.
//!
//! Configuration, all of it optional:
//! - `start`, `poll`, `delta`, `stop`: lists of calls that are made then (`script.rs`), logged as
//!   `start sk_udp_create -> 1`;
//! - `result`: what `plugin_start` gives back;
//! - `answers`: `{"weather_get_warnings": "[]"}`, what an export of this name answers instead of
//!   what it would: garbage, half a JSON text, something too long;
//! - `faults`: `{"poll": "trap"}`, what an export does instead: `trap`, `spin`, `exit`;
//! - `watch`: a text; deltas without it are not logged by `delta_handler`.
//!
//! HTTP: `GET|POST|PUT|DELETE /echo`, `/echo/:a/:b` answer the request; `GET /big?bytes=n` a text of
//! n times `x`; `POST /count` length and sum of the request's bytes; `POST /call` makes the call in
//! its body; `GET /answer?json=...` answers this response as it stands; `/absent` has no handler.
//!
//! PUT: `vessels.self` `test.value` and `navigation.anchor.maxRadius` answer COMPLETED with the
//! value as their message. Resources of any type are kept in memory; weather and radar
//! (`radar-0`) answer constants and show what they were asked.

use std::cell::RefCell;
use std::collections::BTreeMap;

use buffer_guests::{abi, allocator, exports, script};
use serde_json::{Value, json};

thread_local! {
    static CONFIG: RefCell<Value> = const { RefCell::new(Value::Null) };
    /// By type and id.
    static RESOURCES: RefCell<BTreeMap<(String, String), Value>> =
        const { RefCell::new(BTreeMap::new()) };
}

fn config(key: &str) -> Value {
    CONFIG.with_borrow(|config| config[key].clone())
}

/// Logs the call, misbehaves if that was asked for, and gives the answer that was ordered.
fn called(export: &str, with: &str) -> Option<String> {
    abi::debug(format!("export {export} {with}").trim_end());
    match config("faults")[export].as_str() {
        #[allow(clippy::panic, reason = "it is what was asked for")]
        Some("trap") => panic!("{export} was asked to trap"),
        Some("spin") => loop {
            std::hint::black_box(());
        },
        Some("exit") => std::process::exit(3),
        _ => config("answers")[export].as_str().map(str::to_owned),
    }
}

fn text(export: &str) -> String {
    called(export, "").unwrap_or_else(|| match export {
        "plugin_id" => "buffer-everything".to_owned(),
        "plugin_name" => "Buffer everything".to_owned(),
        "plugin_schema" => json!({
            "type": "object",
            "properties": { "result": { "type": "number", "default": 0 } },
        })
        .to_string(),
        _ => endpoints().to_string(),
    })
}

fn endpoints() -> Value {
    let rows = [
        ("GET", "/echo", "http_echo"),
        ("POST", "/echo", "http_echo"),
        ("PUT", "/echo", "http_echo"),
        ("DELETE", "/echo", "http_echo"),
        ("GET", "/echo/:a/:b", "http_echo"),
        ("GET", "/big", "http_big"),
        ("POST", "/count", "http_count"),
        ("POST", "/call", "http_call"),
        ("GET", "/answer", "http_answer"),
        ("GET", "/absent", "http_absent"),
    ];
    rows.into_iter()
        .map(
            |(method, path, handler)| json!({ "method": method, "path": path, "handler": handler }),
        )
        .collect()
}

fn start(given: &str) -> i32 {
    let config: Value = serde_json::from_str(given).unwrap_or_default();
    CONFIG.set(config.clone());
    called("plugin_start", given);
    script::run("start ", &config["start"]);
    config["result"].as_i64().and_then(|n| i32::try_from(n).ok()).unwrap_or_default()
}

fn stop() -> i32 {
    called("plugin_stop", "");
    script::run("stop ", &config("stop"));
    0
}

fn poll() -> i32 {
    called("poll", "");
    script::run("poll ", &config("poll"));
    0
}

fn delta(json: &str) {
    if config("watch").as_str().is_none_or(|watched| json.contains(watched)) {
        called("delta_handler", json);
        script::run("delta ", &config("delta"));
    }
}

fn event(json: &str) {
    called("event_handler", json);
}

fn http(handler: &str, request: &str) -> String {
    // Of a request of 16 MiB the log gets the beginning.
    let begin: String = request.chars().take(400).collect();
    if let Some(answer) = called(handler, &begin) {
        return answer;
    }
    if handler == "http_count" {
        let sum = request.bytes().fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(byte)));
        return json!({ "body": { "bytes": request.len(), "sum": sum } }).to_string();
    }
    let parsed: Value = serde_json::from_str(request).unwrap_or_default();
    match handler {
        "http_big" => {
            let bytes = parsed["query"]["bytes"].as_str().and_then(|n| n.parse().ok());
            let body = "x".repeat(bytes.unwrap_or_default());
            format!(r#"{{"headers":{{"content-type":"text/plain"}},"body":"{body}"}}"#)
        }
        "http_call" => json!({ "body": { "line": script::one(&parsed["body"]) } }).to_string(),
        "http_answer" => parsed["query"]["json"].as_str().unwrap_or_default().to_owned(),
        _ => json!({
            "statusCode": 200,
            "headers": { "content-type": "application/json" },
            "body": request,
        })
        .to_string(),
    }
}

fn put(export: &str, value: &str) -> String {
    called(export, value).unwrap_or_else(|| {
        abi::emit(&format!(
            r#"{{"updates":[{{"values":[{{"path":"test.put","value":{value}}}]}}]}}"#
        ));
        json!({ "state": "COMPLETED", "statusCode": 200, "message": value }).to_string()
    })
}

fn resource(export: &str, request: &str) -> String {
    if let Some(answer) = called(export, request) {
        return answer;
    }
    let request: Value = serde_json::from_str(request).unwrap_or_default();
    let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
    let key = (text("resourceType"), text("id"));
    let missing = || json!({ "error": "no such resource" }).to_string();
    RESOURCES.with_borrow_mut(|all| match export {
        "resources_list_resources" => {
            let of_type = all.iter().filter(|((kind, _), _)| *kind == key.0);
            of_type
                .map(|((_, id), value)| (id.clone(), value.clone()))
                .collect::<Value>()
                .to_string()
        }
        "resources_set_resource" => {
            all.insert(key, request["value"].clone());
            String::new()
        }
        "resources_delete_resource" => all.remove(&key).map_or_else(missing, |_| String::new()),
        _ => {
            let pointer = text("property").replace('.', "/");
            let pointer = if pointer.is_empty() { pointer } else { format!("/{pointer}") };
            let found = all.get(&key).and_then(|value| value.pointer(&pointer));
            found.map_or_else(missing, Value::to_string)
        }
    })
}

fn weather(export: &str, request: &str) -> String {
    called(export, request).unwrap_or_else(|| {
        let date = "2026-11-21T12:00:00.000Z";
        match export {
            "weather_get_warnings" => json!([{
                "startTime": date, "endTime": date, "details": "Gale", "source": "test", "type": "Warning",
            }]),
            "weather_get_observations" => json!([{
                "date": date, "type": "observation", "description": request,
                "outside": { "temperature": 283.15, "pressure": 101_300 },
            }]),
            _ => json!([
                { "date": date, "type": "daily", "outside": { "temperature": 284.15 } },
                { "date": date, "type": "point", "wind": { "speedTrue": 7.5, "directionTrue": 1.5 } },
            ]),
        }
        .to_string()
    })
}

fn radars(export: &str) -> String {
    called(export, "").unwrap_or_else(|| r#"["radar-0"]"#.to_owned())
}

fn radar(export: &str, request: &str) -> String {
    if let Some(answer) = called(export, request) {
        return answer;
    }
    let asked: Value = serde_json::from_str(request).unwrap_or_default();
    if asked["radarId"] != "radar-0" {
        return json!({ "error": "no such radar" }).to_string();
    }
    match export {
        "radar_get_radar_info" => json!({
            "name": "Radar 0", "brand": "Furuno", "model": "DRS4D-NXT", "radarIpAddress": "127.0.0.1",
        }),
        "radar_get_capabilities" => json!({ "id": "radar-0", "maxRange": 88_896 }),
        "radar_get_state" => json!({ "status": "transmit", "controls": { "gain": { "value": 50 } } }),
        "radar_get_control" => json!({ "value": 50, "controlId": asked["controlId"] }),
        "radar_get_targets" => json!({ "targets": [] }),
        "radar_get_arpa_settings" => json!({ "enabled": true }),
        "radar_set_control" | "radar_set_arpa_settings" => json!({ "success": true }),
        "radar_acquire_target" => json!({ "success": true, "targetId": 7 }),
        _ => json!(true),
    }
    .to_string()
}

allocator!();

exports! {
    texts {
        plugin_id = text;
        plugin_name = text;
        plugin_schema = text;
        http_endpoints = text;
        radar_get_radars = radars;
    }
    takes {
        plugin_start = start;
    }
    runs {
        plugin_stop = stop;
        poll = poll;
    }
    tells {
        delta_handler = delta;
        event_handler = event;
    }
    asks {
        http_echo = http;
        http_big = http;
        http_count = http;
        http_call = http;
        http_answer = http;
        handle_put_vessels_self_test_value = put;
        handle_put_vessels_self_navigation_anchor_maxRadius = put;
        resources_list_resources = resource;
        resources_get_resource = resource;
        resources_set_resource = resource;
        resources_delete_resource = resource;
        weather_get_observations = weather;
        weather_get_forecasts = weather;
        weather_get_warnings = weather;
        radar_get_radar_info = radar;
        radar_set_power = radar;
        radar_set_range = radar;
        radar_set_gain = radar;
        radar_set_sea = radar;
        radar_set_rain = radar;
        radar_set_controls = radar;
        radar_get_capabilities = radar;
        radar_get_state = radar;
        radar_get_control = radar;
        radar_set_control = radar;
        radar_get_targets = radar;
        radar_acquire_target = radar;
        radar_cancel_target = radar;
        radar_get_arpa_settings = radar;
        radar_set_arpa_settings = radar;
    }
}
