//! Replays the recordings of the reference server (2.32.0, security off) through the core and counts how many come out the
//! same. Every failure that is known has its reason in [`KNOWN`]; a new failure and a new pass both fail this test, so the
//! list is always true. Without the recordings the test says so; on CI (`CI=true`) their absence is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};
use signalk_core::{Config, ConfigTexts, HttpResponse};
use workspace_tests::{
    Client, Sim,
    golden::{difference, folder, masked, without_display_units},
};

/// Recordings that do not come out the same, with the reason. `#` starts a class of reasons.
const KNOWN: &[(&str, &str)] = &[
    ("discovery/apps-list", WEBAPPS),
    ("discovery/features", V2),
    ("discovery/features-enabled", V2),
    ("discovery/features-enabled-0", OTHER_PLUGINS),
    ("put/request-unknown", "DIFFERENCE: 404 with the usual object, not 500 with a text"),
    (
        "rest/meta-unseen-known-path",
        "the specification 1.8.2 describes the path in other words than npm path-metadata 1.0.1",
    ),
    ("skServer/get-asyncapi", NOT_OURS),
    ("skServer/get-availablePaths", LATER_STATE),
    ("skServer/get-debugKeys", NOT_OURS),
    ("skServer/get-deviceIdentities", NOT_OURS),
    ("skServer/get-eventsRoutingData", NOT_OURS),
    ("skServer/get-multiSourcePaths", LATER_STATE),
    ("skServer/get-n2kDeviceStatus", NOT_OURS),
    ("skServer/get-nodeInfo", "404: there is no node whose version could be old"),
    (
        "skServer/get-paths",
        "the specification 1.8.2 has paths that npm path-metadata 1.0.1 has not",
    ),
    ("skServer/get-plugin-config-after", OTHER_PLUGINS),
    ("skServer/get-plugins", OTHER_PLUGINS),
    ("skServer/get-reconciledGroups", NOT_OURS),
    (
        "skServer/get-serialports",
        "200 with empty lists: a machine without serial ports is no error",
    ),
    ("skServer/get-webapps", WEBAPPS),
    ("skServer/get_plugins_freeboard-sk", OTHER_PLUGINS),
    ("skServer/get_plugins_freeboard-sk_", OTHER_PLUGINS),
    ("skServer/get_plugins_freeboard-sk_config", OTHER_PLUGINS),
    ("skServer/get_plugins_freeboard-sk_settings", OTHER_PLUGINS),
    ("skServer/get_skServer_plugins_course-provider_config", OTHER_PLUGINS),
    ("skServer/post-debug", NOT_OURS),
    ("skServer/post-plugin-config", OTHER_PLUGINS),
    ("skServer/post-plugin-config-disable", OTHER_PLUGINS),
    ("skServer/post-rememberDebug", NOT_OURS),
    ("skServer/put-settings-no-options", "DIFFERENCE: 400 with a text, not 500 with a stack trace"),
    ("v2-other/autopilot-default", NO_API),
    ("v2-other/autopilots", NO_API),
    ("v2-other/ble", NO_API),
    ("v2-other/history-contexts", NO_API),
    ("v2-other/history-paths", NO_API),
    ("v2-other/history-providers", NO_API),
    ("v2-other/history-values", NO_API),
    ("v2-other/sensors-gnss", NO_API),
    ("ws/serverevents-all", "only the events that something here can cause are sent"),
    ("ws/sub-log-path", NOT_OURS),
    ("ws/sub-unsubscribe-one-is-an-error", "DIFFERENCE: rows can be unsubscribed one by one"),
];

const WEBAPPS: &str = "the web apps of the recorded server are not installed here";
const V2: &str = "the v2 APIs are not there yet, and only what works is listed";
const NO_API: &str = "autopilots, history, sensors and BLE have no routes here yet";
const OTHER_PLUGINS: &str =
    "answers for plugins of the recorded server that are not installed here";
const NOT_OURS: &str = "a list or log of the reference's own inner workings";
const LATER_STATE: &str = "recorded after other recordings had added paths";

/// Folders in the scope of the v1 server.
const FOLDERS: [&str; 8] =
    ["discovery", "rest", "put", "skServer", "tcp", "v2-other", "v2-resources", "ws"];

enum Outcome {
    Same,
    /// The same but for `displayUnits`.
    SameButUnits,
    Different(String),
}

#[test]
fn recordings_of_the_reference_come_out_the_same() {
    let Some(root) = folder() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "the recordings in ../shared/spec/golden are missing: on CI they must be there"
        );
        eprintln!("skipped: no recordings in ../shared/spec/golden");
        return;
    };
    let mut table = String::new();
    let mut unexpected = Vec::new();
    let known: BTreeMap<&str, &str> = KNOWN.iter().copied().collect();
    for name in FOLDERS {
        let outcomes = replay_folder(&root.join(name), name);
        let (mut same, mut units, mut different) = (0, 0, 0);
        for (recording, outcome) in outcomes {
            let expected_to_differ = known.get(recording.as_str());
            match (&outcome, expected_to_differ) {
                (Outcome::Different(why), None) => unexpected.push(format!("{recording}: {why}")),
                (Outcome::Same | Outcome::SameButUnits, Some(_)) => {
                    unexpected.push(format!("{recording}: is the same now: remove it from KNOWN"))
                }
                _ => {}
            }
            match outcome {
                Outcome::Same => same += 1,
                Outcome::SameButUnits => units += 1,
                Outcome::Different(_) => different += 1,
            }
        }
        table += &format!(
            "{name:<10} {same:>3} same, {units:>3} same but for displayUnits, {different:>3} different\n"
        );
    }
    println!("{table}");
    assert!(
        unexpected.is_empty(),
        "{table}\n{} unexpected:\n{}",
        unexpected.len(),
        unexpected.join("\n")
    );
}

fn replay_folder(folder: &Path, name: &str) -> Vec<(String, Outcome)> {
    let mut recordings: Vec<(String, Value)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            (format!("{name}/{}", path.file_stem().unwrap().to_string_lossy()), read(&path))
        })
        .collect();
    recordings.sort_by(|a, b| a.0.cmp(&b.0));
    match name {
        "ws" => recordings
            .into_iter()
            .map(|(name, recording)| {
                let outcome = replay_stream(&name, &recording);
                (name, outcome)
            })
            .collect(),
        "put" => replay_puts(recordings),
        "tcp" => replay_lines(recordings),
        "v2-resources" => replay_resources(recordings),
        "skServer" => {
            let mut sim = golden_boat();
            recordings.sort_by_key(|(name, _)| {
                let at = SK_SERVER_ORDER.iter().position(|first| name.ends_with(first));
                at.unwrap_or(SK_SERVER_ORDER.len())
            });
            recordings
                .into_iter()
                .map(|(name, recording)| (name, replay_request(&mut sim, &recording, None)))
                .collect()
        }
        _ => {
            let mut sim = golden_boat();
            recordings
                .into_iter()
                .map(|(name, recording)| (name, replay_request(&mut sim, &recording, None)))
                .collect()
        }
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The boat of the recordings, with the deltas of ws/delta-input.
fn golden_boat() -> Sim {
    let base = json!([{ "context": "vessels.self", "updates": [{ "values": [
        { "path": "", "value": { "name": "Golden Boat", "mmsi": "230099999", "communication": { "callsignVhf": "OH1234" } } },
        { "path": "design.length", "value": { "overall": 12.5 } },
        { "path": "design.beam", "value": 3.9 },
        { "path": "design.draft", "value": { "maximum": 1.9 } },
    ] }] }]);
    let mut config = Config::from_texts(ConfigTexts {
        base_deltas: Some(base.to_string()),
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

fn said(message: &Value) -> String {
    message.as_str().map_or_else(|| message.to_string(), str::to_owned)
}

fn replay_request(sim: &mut Sim, recording: &Value, path: Option<&str>) -> Outcome {
    let response = ask(sim, recording, path);
    judge(&recording["response"], &response)
}

fn ask(sim: &mut Sim, recording: &Value, path: Option<&str>) -> HttpResponse {
    let request = &recording["request"];
    let given = request["headers"].as_object().into_iter().flatten();
    let mut headers: Vec<(&str, &str)> =
        given.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())).collect();
    headers.push(("host", "HOST:PORT"));
    let body = match &request["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    sim.request(
        request["method"].as_str().unwrap(),
        path.unwrap_or_else(|| request["path"].as_str().unwrap()),
        &headers,
        &body,
    )
}

fn judge(expected: &Value, response: &HttpResponse) -> Outcome {
    if expected["status"] != response.status {
        return Outcome::Different(format!(
            "status {} expected, got {}",
            expected["status"], response.status
        ));
    }
    for name in ["content-type", "location", "access-control-allow-methods"] {
        let want = expected["headers"][name].as_str();
        if want != response.header(name) {
            return Outcome::Different(format!(
                "{name}: {want:?} expected, got {:?}",
                response.header(name)
            ));
        }
    }
    if expected["headers"].get("etag").is_some()
        && response.header("etag").is_none_or(|tag| !tag.starts_with("W/\""))
    {
        return Outcome::Different("no weak etag".into());
    }
    let text = String::from_utf8_lossy(&response.body).into_owned();
    let want = &expected["body"];
    if want.get("__html__").is_some() {
        let (head, got) =
            (want["head"].as_str().unwrap(), text.split_whitespace().collect::<Vec<_>>().join(" "));
        let same = !head.contains("Cannot ") || got.starts_with(head.trim());
        return if same {
            Outcome::Same
        } else {
            Outcome::Different(format!("page starts {head:?}, got {got:?}"))
        };
    }
    if response.header("content-type").is_none_or(|kind| !kind.contains("json")) {
        let same = want.as_str() == Some(&text);
        return if same {
            Outcome::Same
        } else {
            Outcome::Different(format!("body {want} expected, got {text:?}"))
        };
    }
    let Ok(got) = serde_json::from_str::<Value>(&text) else {
        return Outcome::Different(format!("not JSON: {text}"));
    };
    match difference(want, &got) {
        None => Outcome::Same,
        Some(why) => {
            let (stripped, had) = without_display_units(want);
            if had && difference(&stripped, &got).is_none() {
                Outcome::SameButUnits
            } else {
                Outcome::Different(why)
            }
        }
    }
}

/// What depends on each other, in the order in which it was recorded; but the settings are sent first, because they are
/// those of the recorded server: so they come back from what was saved.
const SK_SERVER_ORDER: &[&str] = &[
    "/put-settings",
    "/get-settings",
    "/get-providers",
    "/post-provider",
    "/get-providers-after",
    "/put-provider",
    "/delete-provider",
    "/put-vessel",
    "/get-vessel",
];

/// In the order in which they were recorded: requests depend on each other and on two device clients.
fn replay_puts(recordings: Vec<(String, Value)>) -> Vec<(String, Outcome)> {
    let recordings: BTreeMap<String, Value> = recordings.into_iter().collect();
    let mut sim = golden_boat();
    let mut outcomes = Vec::new();
    let mut request_id = String::new();
    let mut devices: Vec<Client> = Vec::new();
    for name in PUT_ORDER {
        match *name {
            "+devA" | "+devB" => {
                devices.push(device(&mut sim, &name[1..]));
                continue;
            }
            "+answer" => {
                let answer = json!({ "requestId": request_id, "state": "COMPLETED", "statusCode": 200, "message": "done" });
                sim.say(devices[0], &answer.to_string());
                continue;
            }
            _ => {}
        }
        let name = format!("put/{name}");
        let recording = &recordings[&name];
        let path = recording["request"]["path"].as_str().unwrap();
        let by_id = path.starts_with("/signalk/v1/requests/") && !path.ends_with("no-such-id");
        let path =
            if by_id { format!("/signalk/v1/requests/{request_id}") } else { path.to_owned() };
        let response = ask(&mut sim, recording, Some(&path));
        if let Some(id) = serde_json::from_slice::<Value>(&response.body)
            .ok()
            .and_then(|body| Some(body.get("requestId")?.as_str()?.to_owned()))
        {
            request_id = id;
        }
        outcomes.push((name, judge(&recording["response"], &response)));
    }
    let replayed: BTreeSet<&String> = outcomes.iter().map(|(name, _)| name).collect();
    assert!(
        recordings.keys().all(|name| replayed.contains(name)),
        "a recording of put is not in PUT_ORDER"
    );
    outcomes
}

const PUT_ORDER: &[&str] = &[
    "no-handler",
    "missing-value",
    "short-path",
    "bad-json",
    "null-value-no-handler",
    "post-not-supported",
    "delete-non-meta",
    "request-unknown",
    "meta-field",
    "meta-field-request-status",
    "meta-field-result",
    "meta-zones",
    "meta-delete",
    "notification-state",
    "notification-method",
    "notification-other-key",
    "notification-unknown",
    "+devA",
    "ws-client-single-source",
    "+answer",
    "ws-client-completed-status",
    "+devB",
    "ws-client-ambiguous",
    "ws-client-unknown-source",
    "ws-client-with-source",
];

/// In the order in which they were recorded; ids that the server draws are those of this run. The deltas that a stream client
/// saw meanwhile are compared as far as they are about resources.
fn replay_resources(recordings: Vec<(String, Value)>) -> Vec<(String, Outcome)> {
    let recordings: BTreeMap<String, Value> = recordings.into_iter().collect();
    let mut sim = golden_boat();
    let stream = &recordings["v2-resources/stream-deltas-during-crud-and-course"];
    let client = sim.open(stream["url"].as_str().unwrap());
    let mut ids: Vec<(String, String)> = Vec::new();
    let mut outcomes = Vec::new();
    for name in RESOURCES_ORDER {
        let name = format!("v2-resources/{name}");
        let recording = with_ids(&recordings[&name], &ids);
        let response = ask(&mut sim, &recording, None);
        let got: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        if let (Some(recorded), Some(drawn)) =
            (recording["response"]["body"]["id"].as_str(), got["id"].as_str())
        {
            ids.push((recorded.to_owned(), drawn.to_owned()));
        }
        let recording = with_ids(&recording, &ids);
        outcomes.push((name, judge(&recording["response"], &response)));
    }
    let about = |text: &Value| text.to_string().contains("\"resources.").then(|| canonical(text));
    let heard = sim.heard(client);
    let got: Vec<String> =
        heard.iter().filter_map(|text| about(&serde_json::from_str(text).unwrap())).collect();
    let stream = with_ids(stream, &ids);
    let sent = stream["transcript"].as_array().unwrap().iter().map(|entry| &entry["msg"]);
    let want: Vec<String> = sent.filter_map(about).collect();
    let outcome = match want.iter().zip(&got).find(|(want, got)| want != got) {
        None if got.len() >= want.len() => Outcome::Same,
        None => Outcome::Different(format!("{} deltas of {}", got.len(), want.len())),
        Some((want, got)) => Outcome::Different(format!("expected {want}, got {got}")),
    };
    outcomes.push(("v2-resources/stream-deltas-during-crud-and-course".into(), outcome));
    let replayed: BTreeSet<&String> = outcomes.iter().map(|(name, _)| name).collect();
    for name in recordings.keys() {
        assert!(replayed.contains(name), "{name} is not in RESOURCES_ORDER");
    }
    outcomes
}

fn with_ids(recording: &Value, ids: &[(String, String)]) -> Value {
    let mut text = recording.to_string();
    for (recorded, drawn) in ids {
        text = text.replace(recorded.as_str(), drawn);
        // Pages are recorded by their first letters.
        text = text.replace(&recorded[..9], &drawn[..9]);
    }
    serde_json::from_str(&text).unwrap()
}

const RESOURCES_ORDER: &[&str] = &[
    "types",
    "list-routes",
    "list-waypoints",
    "list-notes",
    "list-regions",
    "list-charts",
    "list-tracks",
    "list-infolayers",
    "list-groups",
    "list-symbols",
    "unknown-type",
    "providers",
    "providers-charts",
    "providers-default",
    "post-route",
    "post-waypoint",
    "post-region",
    "post-note",
    "post-invalid",
    "post-unknown-type",
    "get-route",
    "get-route-drill",
    "get-unknown",
    "list-routes-after",
    "list-waypoints-after",
    "list-bbox",
    "list-bad-bbox",
    "list-limit",
    "list-position-distance",
    "list-provider",
    "list-provider-unknown",
    "put-waypoint",
    "put-bad-id",
    "create-custom-collection",
    "list-infolayers-after",
    "delete-route",
    "delete-again",
];

/// A stream's transcript: the client's messages are sent, and what other clients caused (values of sources that are not in
/// ws/delta-input) is caused again: before the first message when the recording has it in a snapshot, after the last
/// otherwise. Frames are compared as a set: the reference orders a snapshot by its own tables, and repeats frames for
/// overlapping rows.
fn replay_stream(name: &str, recording: &Value) -> Outcome {
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
    let want_plain: BTreeSet<String> =
        expected.iter().map(|message| canonical(&without_display_units(message).0)).collect();
    let closes = transcript.iter().any(|entry| entry["dir"] == "close");
    if closes != sim.closed(client).is_some() {
        return Outcome::Different(format!("closed: {:?}", sim.closed(client)));
    }
    if got == want {
        return Outcome::Same;
    }
    if got == want_plain {
        return Outcome::SameButUnits;
    }
    let missing = want_plain.difference(&got).next().map(|text| format!("missing {text}"));
    let extra = got.difference(&want_plain).next().map(|text| format!("extra {text}"));
    Outcome::Different([missing, extra].into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// A line over TCP is what a frame is over a WebSocket; `signalk-host` opens this for such a client, whose socket it tests.
const LINES: &str = "/signalk/v1/stream?subscribe=none";

/// The stream, and what the delta on it left in the model.
fn replay_lines(recordings: Vec<(String, Value)>) -> Vec<(String, Outcome)> {
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

const SWITCH: &str = "electrical.switches.bank.0.1.state";

/// A client with a switch that can be set.
fn device(sim: &mut Sim, source: &str) -> Client {
    let device = sim.open("/signalk/v1/stream?subscribe=none");
    publish_switch(sim, device, source);
    device
}

fn publish_switch(sim: &mut Sim, device: Client, source: &str) {
    let delta =
        json!({ "updates": [{ "$source": source, "values": [{ "path": SWITCH, "value": 0 }] }] });
    sim.say(device, &delta.to_string());
}

/// The device does what it was asked.
fn answer_put(sim: &mut Sim, device: Client) {
    for text in sim.heard(device) {
        let message: Value = serde_json::from_str(&text).unwrap();
        if message["put"].is_array() {
            let answer = json!({ "requestId": message["requestId"], "state": "COMPLETED", "statusCode": 200 });
            sim.say(device, &answer.to_string());
        }
    }
}

/// Keys in alphabetical order, volatile texts masked, the reference's own close message left out.
fn canonical(message: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let members: BTreeMap<&String, Value> =
                    members.iter().map(|(name, value)| (name, sorted(value))).collect();
                json!(members)
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            Value::Number(number) => json!(number.as_f64()),
            value => value.clone(),
        }
    }
    sorted(&masked(message)).to_string()
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
