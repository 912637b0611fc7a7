//! What the admin UI changes: settings, the own vessel, connections. It is on disk before it is answered, and a
//! connection is opened and closed at once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use bytes::Bytes;
use serde_json::{Value, json};
use signalk_core::{
    Config, ConfigTexts, ConnectionConfig, ConnectionEvent, ConnectionKind, Endpoint,
};
use workspace_tests::Sim;

fn send(sim: &mut Sim, method: &str, path: &str, body: &Value) -> (u16, String) {
    let response = sim.request(method, path, &[], &body.to_string());
    (response.status, String::from_utf8_lossy(&response.body).into_owned())
}

fn ok(text: &str) -> (u16, String) {
    (200, text.into())
}

fn udp(id: &str, port: u16) -> Value {
    json!({ "id": id, "enabled": true, "type": "NMEA0183", "options": { "type": "udp", "port": port } })
}

fn stored(sim: &Sim) -> Value {
    serde_json::from_str(&sim.files["settings.json"]).unwrap()
}

#[test]
fn a_connection_is_opened_when_it_is_added_and_closed_when_it_is_deleted() {
    let mut sim = Sim::default();
    let added = send(&mut sim, "POST", "/skServer/providers", &udp("gps", 7777));
    assert_eq!(added, ok("Connection added"));
    let (_, first, endpoint) = sim.opened.last().unwrap().clone();
    assert_eq!(endpoint, Endpoint::Udp { address: None, port: 7777 });
    let bytes = Bytes::from_static(b"$HEHDT,090.0,T*26\r\n");
    sim.connection(first, ConnectionEvent::Bytes(bytes.clone()));
    let path = "/signalk/v1/api/vessels/self/navigation/headingTrue/$source";
    assert_eq!(sim.get_json(path), "gps.HE");

    let changed = send(&mut sim, "PUT", "/skServer/providers/gps", &udp("compass", 7778));
    assert_eq!(changed, ok("Connection updated"));
    assert_eq!(sim.closed_connections, [first]);
    let (_, second, endpoint) = sim.opened.last().unwrap().clone();
    assert_eq!(endpoint, Endpoint::Udp { address: None, port: 7778 });
    sim.connection(first, ConnectionEvent::Bytes(bytes.clone()));
    assert_eq!(sim.get_json(path), "gps.HE", "late bytes of a closed connection are nobody's");
    sim.connection(second, ConnectionEvent::Bytes(bytes));
    assert_eq!(sim.get_json("/signalk-host/status")["connections"][0]["id"], "compass");
    assert_eq!(stored(&sim)["pipedProviders"][0]["id"], "compass");

    let deleted = send(&mut sim, "DELETE", "/skServer/providers/compass", &Value::Null);
    assert_eq!(deleted, ok("Connection deleted"));
    assert_eq!(sim.closed_connections, [first, second]);
    assert_eq!(sim.get_json("/skServer/providers"), json!([]));
    assert_eq!(stored(&sim)["pipedProviders"], json!([]));
}

/// DIFFERENCE: the reference answers 401 to all of these.
#[test]
fn a_connection_that_cannot_be_is_refused_and_nothing_is_saved() {
    let mut sim = Sim::default();
    send(&mut sim, "POST", "/skServer/providers", &udp("gps", 7777));
    let (opened, before) = (sim.opened.len(), sim.files["settings.json"].clone());
    let refused = [
        ("POST", "/skServer/providers", udp("gps", 1), 400),
        ("POST", "/skServer/providers", udp("", 1), 400),
        ("PUT", "/skServer/providers/radar", udp("radar", 1), 404),
        ("DELETE", "/skServer/providers/radar", Value::Null, 404),
        ("POST", "/skServer/providers", json!({ "id": "x" }), 400),
    ];
    for (method, path, body, status) in refused {
        let (got, text) = send(&mut sim, method, path, &body);
        assert_eq!(got, status, "{method} {path} {body}: {text}");
    }
    let broken = sim.request("POST", "/skServer/providers", &[], "{");
    assert_eq!(broken.status, 400);
    assert_eq!((sim.opened.len(), &sim.files["settings.json"]), (opened, &before));
}

#[test]
fn a_kind_that_is_not_supported_is_kept_and_said() {
    let mut sim = Sim::default();
    let events = sim.open("/signalk/v1/stream?subscribe=none&serverevents=all");
    sim.heard(events);
    let can = json!({ "id": "can0", "enabled": true, "type": "NMEA2000", "options": { "type": "canbus-canboatjs" } });
    assert_eq!(send(&mut sim, "POST", "/skServer/providers", &can), ok("Connection added"));
    let status = sim.heard(events).join("\n");
    assert!(status.contains("connection `can0` of type NMEA2000"), "{status}");
    assert_eq!(stored(&sim)["pipedProviders"][0]["id"], "can0");
    let twice = send(&mut sim, "POST", "/skServer/providers", &can);
    assert_eq!(twice.0, 400);
    send(&mut sim, "DELETE", "/skServer/providers/can0", &Value::Null);
    let status = sim.heard(events).join("\n");
    assert!(!status.contains("canbus"), "{status}");
}

#[test]
fn a_connection_of_the_command_line_is_shown_and_not_edited() {
    let mut config = Config::default();
    config.connections.push(ConnectionConfig {
        label: "gateway".into(),
        kind: ConnectionKind::Nmea0183,
        endpoint: Endpoint::TcpClient { host: "10.0.0.1".into(), port: 10110 },
        enabled: true,
    });
    let mut sim = Sim::with_config(config);
    let listed = sim.get_json("/skServer/providers");
    assert_eq!((&listed[0]["id"], &listed[0]["editable"]), (&json!("gateway"), &json!(false)));
    assert_eq!(send(&mut sim, "DELETE", "/skServer/providers/gateway", &Value::Null).0, 404);
    assert_eq!(send(&mut sim, "POST", "/skServer/providers", &udp("gateway", 1)).0, 400);
}

#[test]
fn settings_are_saved_and_say_what_needs_a_restart() {
    let settings = json!({ "mine": true, "interfaces": { "tcp": true } });
    let mut sim =
        Sim::new(ConfigTexts { settings: Some(settings.to_string()), ..ConfigTexts::default() });
    let mut form = sim.get_json("/skServer/settings");
    form["pruneContextsMinutes"] = json!("5");
    assert_eq!(send(&mut sim, "PUT", "/skServer/settings", &form), ok("Settings changed"));
    assert_eq!(stored(&sim)["mine"], true);
    assert_eq!(sim.get_json("/skServer/settings")["pruneContextsMinutes"], 5);
    sim.log.clear();
    form["port"] = json!(3100);
    send(&mut sim, "PUT", "/skServer/settings", &form);
    assert!(sim.log.join("\n").contains("port: changed; restart the server"), "{:?}", sim.log);
    assert!(sim.get_json("/signalk-host/status")["restartNeeded"].to_string().contains("port"));
}

/// DIFFERENCE: the reference answers 500 with a stack trace.
#[test]
fn a_form_without_options_is_refused_in_words() {
    let mut sim = Sim::default();
    let refused = send(&mut sim, "PUT", "/skServer/settings", &json!({}));
    assert_eq!(refused, (400, "the settings need `options`".into()));
    assert!(!sim.files.contains_key("settings.json"));
}

#[test]
fn a_change_that_cannot_be_saved_is_an_error_that_names_the_file() {
    let mut sim = Sim::default();
    sim.disk_error = Some("disk full".into());
    let (status, text) = send(&mut sim, "POST", "/skServer/providers", &udp("gps", 7777));
    assert_eq!(status, 500);
    assert!(text.contains("settings.json was not saved: disk full"), "{text}");
    let mut sim = Sim::new(ConfigTexts { settings: Some("{".into()), ..ConfigTexts::default() });
    let (status, text) = send(&mut sim, "POST", "/skServer/providers", &udp("gps", 7777));
    assert_eq!(status, 500);
    assert!(text.contains("repair or remove it"), "{text}");
    assert!(sim.opened.is_empty());
}

#[test]
fn the_vessel_is_saved_told_to_everybody_and_keeps_its_context_until_the_restart() {
    let mut sim = Sim::with_vessel("230099999", "Golden Boat");
    let client = sim.open("/signalk/v1/stream?serverevents=all&sendCachedValues=false");
    sim.heard(client);
    let vessel = json!({ "name": "Silver Boat", "mmsi": "230088888", "draft": "2.1", "callsignVhf": "OH1234" });
    assert_eq!(send(&mut sim, "PUT", "/skServer/vessel", &vessel), ok("Vessel changed"));
    let shown = json!({ "name": "Silver Boat", "mmsi": "230088888", "draft": 2.1, "callsignVhf": "OH1234" });
    assert_eq!(sim.get_json("/skServer/vessel"), shown);
    assert!(sim.files["baseDeltas.json"].contains("230088888"));
    let heard = sim.heard(client).join("\n");
    assert!(heard.contains(r#""$source":"defaults""#) && heard.contains("Silver Boat"), "{heard}");
    assert!(heard.contains(r#"{"type":"VESSEL_INFO","data":{"name":"Silver Boat""#), "{heard}");
    assert_eq!(sim.get_json("/signalk/v1/api/self"), "vessels.urn:mrn:imo:mmsi:230099999");
    assert!(sim.get_json("/signalk-host/status")["restartNeeded"].to_string().contains("mmsi"));
    assert_eq!(sim.get_json("/signalk/v1/api/vessels/self/design/draft/value/maximum"), 2.1);
}

#[test]
fn a_secured_directory_cannot_be_changed() {
    let mut sim = Sim::new(ConfigTexts { security: Some("{}".into()), ..ConfigTexts::default() });
    for (method, path) in [
        ("PUT", "/skServer/settings"),
        ("PUT", "/skServer/vessel"),
        ("POST", "/skServer/providers"),
        ("PUT", "/skServer/providers/x"),
        ("DELETE", "/skServer/providers/x"),
    ] {
        assert_eq!(send(&mut sim, method, path, &json!({})).0, 401, "{method} {path}");
    }
}

/// What is refused has not happened: the answer and the server agree.
#[test]
fn a_damaged_settings_file_is_not_followed_either() {
    let mut sim = Sim::new(ConfigTexts { settings: Some("{".into()), ..ConfigTexts::default() });
    let before = sim.get_json("/skServer/settings");
    let mut form = before.clone();
    form["port"] = json!(8080);
    form["options"] = json!({ "mdns": false });
    let (status, text) = send(&mut sim, "PUT", "/skServer/settings", &form);
    assert_eq!(status, 500, "{text}");
    assert_eq!(sim.get_json("/skServer/settings"), before);
    assert_eq!(sim.get_json("/signalk-host/status")["restartNeeded"], json!([]));
}
