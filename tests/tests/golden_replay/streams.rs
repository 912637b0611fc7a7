//! Streams: what a client says, and every frame that it hears.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use crate::boat::{answer_put, device, golden_boat, publish_switch, said};
use crate::judge::{Outcome, canonical};
use crate::requests::replay_request;

/// A stream's transcript: the client's messages are sent, and what other clients caused (values of sources that are not
/// in ws/delta-input) is caused again: before the first message when the recording has it in a snapshot, after the last
/// otherwise. Frames are compared as a set: the reference orders a snapshot by its own tables, and repeats frames for
/// overlapping rows.
pub(crate) fn replay_stream(name: &str, recording: &Value) -> Outcome {
    let mut sim = golden_boat();
    // The PUTs were recorded before the streams, and this one is visible in them.
    let zones =
        json!({ "value": { "zones": [{ "upper": 3, "state": "alarm", "message": "shallow" }] } });
    sim.request(
        "PUT",
        "/signalk/v1/api/vessels/self/environment/depth/belowTransducer/meta",
        &[],
        &zones.to_string(),
    );
    let transcript = recording["transcript"].as_array().unwrap();
    let sent =
        transcript.iter().filter(|entry| entry["dir"] == "server").map(|entry| &entry["msg"]);
    let expected: Vec<&Value> =
        sent.filter(|message| **message != "primus::server::close").collect();
    let (before, after) = others(&expected);
    let feed = sim.open("/signalk/v1/stream?subscribe=none");
    before.iter().for_each(|delta| sim.say(feed, &delta.to_string()));
    let devices = if name == "ws/requests" {
        vec![device(&mut sim, "devA"), device(&mut sim, "devB")]
    } else {
        Vec::new()
    };
    let crossing = if name == "ws/sub-zone-notification" { &ZONE_CROSSING[..] } else { &[] };
    if let Some(first) = crossing.first() {
        let zones = json!([{ "upper": 1, "state": "alarm", "message": "too low" }]);
        let meta = json!([{ "path": ZONED, "value": { "zones": zones } }]);
        sim.say(feed, &json!({ "updates": [{ "$source": "feed", "meta": meta }] }).to_string());
        sim.say(feed, &zoned(*first));
    }
    let client = sim.open(recording["url"].as_str().unwrap());
    if name.starts_with("ws/put-forwarded") {
        publish_switch(&mut sim, client, "devA");
        sim.request(
            "PUT",
            "/signalk/v1/api/vessels/self/electrical/switches/bank/0/1/state",
            &[],
            "{\"value\":1}",
        );
    }
    for entry in transcript.iter().filter(|entry| entry["dir"] == "client") {
        sim.say(client, &said(&entry["msg"]));
        devices.iter().for_each(|device| answer_put(&mut sim, *device));
    }
    crossing.iter().skip(1).for_each(|value| sim.say(feed, &zoned(*value)));
    for delta in &after {
        sim.say(feed, &delta.to_string());
        sim.advance(Duration::from_millis(600));
    }
    let got: BTreeSet<String> = sim
        .heard(client)
        .iter()
        .map(|text| canonical(&serde_json::from_str(text).unwrap()))
        .collect();
    let want: BTreeSet<String> = expected.iter().map(|message| canonical(message)).collect();
    let closes = transcript.iter().any(|entry| entry["dir"] == "close");
    if closes != sim.closed(client).is_some() {
        return Outcome::Different(format!("closed: {:?}", sim.closed(client)));
    }
    if got == want {
        return Outcome::Same;
    }
    let missing = want.difference(&got).next().map(|text| format!("missing {text}"));
    let extra = got.difference(&want).next().map(|text| format!("extra {text}"));
    Outcome::Different([missing, extra].into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// A line over TCP is what a frame is over a WebSocket; `signalk-host` opens this for such a client, whose socket it
/// tests.
const LINES: &str = "/signalk/v1/stream?subscribe=none";

/// The stream, and what the delta on it left in the model.
pub(crate) fn replay_lines(recordings: Vec<(String, Value)>) -> Vec<(String, Outcome)> {
    let [(effect_name, effect), (stream_name, stream)] = &recordings[..] else {
        panic!("{} recordings of tcp, 2 are known", recordings.len())
    };
    let frames: Vec<Value> = stream["transcript"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let line: Value = serde_json::from_str(entry["line"].as_str().unwrap()).unwrap();
            json!({ "dir": entry["dir"], "msg": line })
        })
        .collect();
    let as_frames = json!({ "url": LINES, "transcript": frames });
    let heard = replay_stream(stream_name, &as_frames);
    let mut sim = golden_boat();
    let client = sim.open(LINES);
    for entry in frames.iter().filter(|entry| entry["dir"] == "client") {
        sim.say(client, &said(&entry["msg"]));
    }
    let left = replay_request(&mut sim, effect, None);
    vec![(effect_name.clone(), left), (stream_name.clone(), heard)]
}

/// The path whose zone is crossed in ws/sub-zone-notification, and values that cross it as often as was recorded.
const ZONED: &str = "foo.bar.custom";

const ZONE_CROSSING: [f64; 4] = [0.0, 2.0, 0.0, 2.0];

fn zoned(value: f64) -> String {
    let values = json!([{ "path": ZONED, "value": value }]);
    json!({ "updates": [{ "$source": "feed", "values": values }] }).to_string()
}

fn others(expected: &[&Value]) -> (Vec<Value>, Vec<Value>) {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for message in expected {
        for update in message["updates"].as_array().into_iter().flatten() {
            let source = update["$source"].as_str().unwrap_or_default();
            if source == "self.notificationhandler" {
                continue;
            }
            if !matches!(source, "feed" | "devA" | "devB")
                && !update.to_string().contains("\"state\":\"normal\"")
            {
                continue;
            }
            if update["meta"].is_array() && source == "feed" {
                after.push(json!({ "context": message["context"], "updates": [update] }));
            }
            for entry in update["values"].as_array().into_iter().flatten() {
                let delta = json!({ "context": message["context"], "updates": [{ "$source": source, "timestamp": update["timestamp"], "values": [entry] }] });
                let first = seen.insert((source.to_owned(), entry["path"].to_string()));
                let list = if first { &mut before } else { &mut after };
                if !list.contains(&delta) {
                    list.push(delta);
                }
            }
        }
    }
    (before, after)
}
