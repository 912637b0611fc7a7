//! Calls every method of the host's table once, at its start, and logs what came of each, one line
//! per method: `deltas.emit: ok null`, `meta.set: -32040 ...`. Run it with no capability and with
//! all of them.

use serde_json::{Value, json};
use wasmi_pdk::Result;
use wasmi_pdk::signalk::{Plugin, SignalK, serve};

struct Denied;

impl Plugin for Denied {
    const NAME: &'static str = "Denied";
    type Options = serde_json::Map<String, Value>;

    async fn start(sk: SignalK, _: Self::Options) -> Result<Self> {
        for (method, params) in calls() {
            match sk.host().call::<Value>(method, params).await {
                Ok(result) => log::info!("{method}: ok {result}"),
                Err(error) => log::info!("{method}: {} {error}", error.code()),
            }
        }
        Ok(Denied)
    }
}

/// The rows of `wit/signalk-plugin.wit`, and one that is not there.
fn calls() -> Vec<(&'static str, Value)> {
    let delta = json!({ "updates": [{ "values": [{ "path": "test.value", "value": 1 }] }] });
    vec![
        ("deltas.emit", json!({ "delta": delta })),
        ("deltas.subscribe", json!({ "path": "test.nothing", "minPeriod": 1000 })),
        ("deltas.unsubscribe", json!({})),
        ("paths.get", json!({ "path": "test.value" })),
        ("meta.get", json!({ "path": "test.value" })),
        ("meta.set", json!({ "path": "test.value", "meta": { "units": "m" } })),
        ("options.read", json!({})),
        ("options.save", json!({ "options": { "saved": true } })),
        ("status.set", json!({ "message": "calling every method" })),
        ("status.error", json!({ "message": "" })),
        (
            "notifications.raise",
            json!({ "path": "test.alarm", "state": "warn", "message": "hear" }),
        ),
        ("notifications.clear", json!({ "path": "test.alarm" })),
        ("log", json!({ "level": "info", "message": "through the host" })),
        ("no.such.method", json!({})),
    ]
}

wasmi_pdk::plugin!(serve::<Denied>());
