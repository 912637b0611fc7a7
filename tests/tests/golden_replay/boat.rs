//! The boat of the recordings, and devices with a switch that its clients can set.

use std::path::Path;

use serde_json::{Value, json};
use signalk_core::{Config, ConfigTexts};
use workspace_tests::{Client, Sim, golden::folder};

pub(crate) fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// What its owner wrote down.
pub(crate) fn golden_base() -> Value {
    json!([{ "context": "vessels.self", "updates": [{ "values": [
        { "path": "", "value": { "name": "Golden Boat", "mmsi": "230099999", "communication": { "callsignVhf": "OH1234" } } },
        { "path": "design.length", "value": { "overall": 12.5 } },
        { "path": "design.beam", "value": 3.9 },
        { "path": "design.draft", "value": { "maximum": 1.9 } },
    ] }] }])
}

/// The boat of the recordings, with the deltas of ws/delta-input.
pub(crate) fn golden_boat() -> Sim {
    let mut config = Config::from_texts(ConfigTexts {
        base_deltas: Some(golden_base().to_string()),
        ..ConfigTexts::default()
    });
    config.tcp_port = Some(8375);
    let mut sim = Sim::with_config(config);
    let input = read(&folder().unwrap().join("ws/delta-input.json"));
    let client = sim.open(input["url"].as_str().unwrap());
    for entry in
        input["transcript"].as_array().unwrap().iter().filter(|entry| entry["dir"] == "client")
    {
        sim.say(client, &said(&entry["msg"]));
    }
    assert_eq!(sim.heard(client).len(), 1, "hello and nothing else");
    sim.leave(client);
    sim
}

pub(crate) fn said(message: &Value) -> String {
    message.as_str().map_or_else(|| message.to_string(), str::to_owned)
}

const SWITCH: &str = "electrical.switches.bank.0.1.state";

/// A client with a switch that can be set.
pub(crate) fn device(sim: &mut Sim, source: &str) -> Client {
    let device = sim.open("/signalk/v1/stream?subscribe=none");
    publish_switch(sim, device, source);
    device
}

pub(crate) fn publish_switch(sim: &mut Sim, device: Client, source: &str) {
    let delta =
        json!({ "updates": [{ "$source": source, "values": [{ "path": SWITCH, "value": 0 }] }] });
    sim.say(device, &delta.to_string());
}

/// The device does what it was asked.
pub(crate) fn answer_put(sim: &mut Sim, device: Client) {
    for text in sim.heard(device) {
        let message: Value = serde_json::from_str(&text).unwrap();
        if message["put"].is_array() {
            let answer = json!({ "requestId": message["requestId"], "state": "COMPLETED", "statusCode": 200 });
            sim.say(device, &answer.to_string());
        }
    }
}
