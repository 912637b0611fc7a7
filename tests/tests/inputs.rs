//! Input connections in whole runs: bytes in, values out; a broken connection comes back; the demo boat sails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use bytes::Bytes;
use signalk_core::{
    Config, ConnectionConfig, ConnectionEvent, ConnectionId, ConnectionKind, Endpoint,
};
use workspace_tests::Sim;

fn with_connection(kind: ConnectionKind, endpoint: Endpoint) -> Sim {
    let mut config = Config::default();
    config.connections.push(ConnectionConfig {
        label: "gps".into(),
        kind,
        endpoint,
        enabled: true,
    });
    Sim::with_config(config)
}

fn tcp() -> Endpoint {
    Endpoint::TcpClient { host: "10.0.0.1".into(), port: 10110 }
}

const FIRST: ConnectionId = ConnectionId(1);

#[test]
fn a_sentence_in_two_pieces_becomes_a_value() {
    let mut sim = with_connection(ConnectionKind::Nmea0183, tcp());
    assert_eq!(sim.opened.len(), 1);
    sim.connection(FIRST, ConnectionEvent::Opened);
    sim.connection(FIRST, ConnectionEvent::Bytes(Bytes::from_static(b"garbage\x00\x01$HEHDT,09")));
    sim.connection(FIRST, ConnectionEvent::Bytes(Bytes::from_static(b"0.0,T*26\r\n")));
    let heading = sim.get_json("/signalk/v1/api/vessels/self/navigation/headingTrue");
    assert!(
        (heading["value"].as_f64().unwrap() - std::f64::consts::FRAC_PI_2).abs() < 1e-3,
        "{heading}"
    );
    assert_eq!(heading["$source"], "gps.HE");
    let status = sim.get_json("/signalk-host/status");
    assert_eq!(status["connections"][0]["state"], "open");
    assert_eq!(status["connections"][0]["deltas"], 1);
    assert_eq!(status["connections"][0]["counters"]["sentences"], 1);
}

#[test]
fn lines_of_deltas_are_an_input_too() {
    let mut sim = with_connection(ConnectionKind::SignalK, tcp());
    let line = b"{\"updates\":[{\"values\":[{\"path\":\"a.b\",\"value\":1}]}]}\nnoise\n";
    sim.connection(FIRST, ConnectionEvent::Bytes(Bytes::from_static(line)));
    assert_eq!(sim.get_json("/signalk/v1/api/vessels/self/a/b/value"), 1);
    assert_eq!(sim.get_json("/signalk/v1/api/vessels/self/a/b/$source"), "gps");
    assert_eq!(sim.get_json("/signalk-host/status")["connections"][0]["counters"]["notDeltas"], 1);
}

#[test]
fn a_broken_connection_is_opened_again_with_longer_and_longer_pauses() {
    let mut sim = with_connection(ConnectionKind::Nmea0183, tcp());
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let broken = sim.now();
        sim.connection(
            FIRST,
            ConnectionEvent::Failed { error: "10.0.0.1:10110: connection refused".into() },
        );
        sim.advance(Duration::from_secs(120));
        pauses.push((sim.opened.last().unwrap().0 - broken).as_secs());
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    sim.connection(FIRST, ConnectionEvent::Bytes(Bytes::from_static(b"$HEHDT,090.0,T*26\r\n")));
    let broken = sim.now();
    sim.connection(FIRST, ConnectionEvent::Closed { reason: "closed by the peer".into() });
    sim.advance(Duration::from_secs(120));
    assert_eq!((sim.opened.last().unwrap().0 - broken).as_secs(), 1, "it worked meanwhile");
    let status = sim.get_json("/signalk-host/status");
    assert_eq!(status["connections"][0]["lastError"], "closed by the peer");
}

#[test]
fn the_last_line_of_a_file_needs_no_end_and_half_a_sentence_of_a_broken_line_is_counted() {
    let file = || Endpoint::File {
        path: "a.log".into(),
        pace: signalk_core::config::Pace::Max,
        stamped: false,
    };
    let mut sim = with_connection(ConnectionKind::Nmea0183, file());
    sim.connection(FIRST, ConnectionEvent::Bytes(Bytes::from_static(b"$HEHDT,090.0,T")));
    sim.connection(FIRST, ConnectionEvent::Finished);
    let status = sim.get_json("/signalk-host/status");
    assert_eq!(status["connections"][0]["state"], "finished");
    assert_eq!(status["connections"][0]["deltas"], 1);

    let mut sim = with_connection(ConnectionKind::SignalK, file());
    let line = b"{\"updates\":[{\"values\":[{\"path\":\"a.b\",\"value\":1}]}]}";
    sim.connection(FIRST, ConnectionEvent::Bytes(Bytes::from_static(line)));
    sim.connection(FIRST, ConnectionEvent::Finished);
    assert_eq!(sim.get_json("/signalk/v1/api/vessels/self/a/b/value"), 1);
    assert_eq!(sim.get_json("/signalk-host/status")["connections"][0]["deltas"], 1);

    let mut sim = with_connection(ConnectionKind::Nmea0183, tcp());
    sim.connection(FIRST, ConnectionEvent::Bytes(Bytes::from_static(b"$HEHDT,090.0,T")));
    sim.connection(FIRST, ConnectionEvent::Closed { reason: "unplugged".into() });
    let status = sim.get_json("/signalk-host/status");
    assert_eq!(status["connections"][0]["counters"]["truncated"], 1);
    assert_eq!(status["connections"][0]["deltas"], 0);
}

#[test]
fn a_multiplexed_log_of_settings_json_is_read() {
    let settings = r#"{"pipedProviders":[{"id":"log","enabled":true,"pipeElements":[{"type":"providers/simple",
        "options":{"type":"FileStream","subOptions":{"dataType":"Multiplexed","filename":"a.log"}}}]}]}"#;
    let mut sim = Sim::new(signalk_core::ConfigTexts {
        settings: Some(settings.into()),
        ..signalk_core::ConfigTexts::default()
    });
    let (_, id, endpoint) = sim.opened[0].clone();
    assert!(matches!(endpoint, Endpoint::File { stamped: true, .. }), "{endpoint:?}");
    let lines = b"1516133443123;N;$HEHDT,090.0,T*26\r\n1516133443123;A;2018-01-16,2,127250\n";
    sim.connection(id, ConnectionEvent::Bytes(Bytes::from_static(lines)));
    let heading = sim.get_json("/signalk/v1/api/vessels/self/navigation/headingTrue");
    assert_eq!(heading["timestamp"], "2018-01-16T20:10:43.123Z");
    assert_eq!(heading["$source"], "log.HE");
    let status = sim.get_json("/signalk-host/status");
    let counters = &status["connections"][0]["counters"];
    assert_eq!((&counters["sentences"], &counters["nmea2000Lines"]), (&1.into(), &1.into()));
}

#[test]
fn the_place_of_a_failure_is_said_once() {
    let mut sim = with_connection(ConnectionKind::Nmea0183, tcp());
    let error = "tcp://10.0.0.1:10110: connection refused".to_owned();
    sim.connection(FIRST, ConnectionEvent::Failed { error });
    let line = "gps: tcp://10.0.0.1:10110: connection refused; trying again in 1 s";
    assert_eq!(sim.log.last().map(String::as_str), Some(line));
}

#[test]
fn the_demo_boat_sleeps_with_the_machine() {
    let mut config = Config::default();
    config.connections.push(ConnectionConfig {
        label: "demo".into(),
        kind: ConnectionKind::Nmea0183,
        endpoint: Endpoint::Demo { seed: 7 },
        enabled: true,
    });
    let mut sim = Sim::with_config(config);
    let bytes = |sim: &mut Sim| {
        sim.get_json("/signalk-host/status")["connections"][0]["bytes"].as_u64().unwrap()
    };
    sim.advance(Duration::from_secs(60));
    let (minute, before) = (bytes(&mut sim), sim.now());
    sim.sleep(Duration::from_secs(8 * 3600));
    let after_sleep = bytes(&mut sim);
    assert!(after_sleep - minute < minute / 10, "{minute} {after_sleep}");
    sim.advance(Duration::from_secs(60));
    let caught_up = bytes(&mut sim) - after_sleep;
    assert!(caught_up > minute / 2 && caught_up < minute * 2, "{minute} {caught_up}");
    let time = sim.get_json("/signalk/v1/api/vessels/self/navigation/position/timestamp");
    let hours = (sim.now() - before).as_secs() / 3600;
    assert_eq!(hours, 8);
    assert!(time.as_str().unwrap().starts_with("2026-03-01T08:0"), "{time}");
}

#[test]
fn an_hour_of_the_demo_boat_is_the_same_every_time() {
    let run = || {
        let mut config = Config::default();
        let endpoint = Endpoint::Demo { seed: 7 };
        config.connections.push(ConnectionConfig {
            label: "demo".into(),
            kind: ConnectionKind::Nmea0183,
            endpoint,
            enabled: true,
        });
        let mut sim = Sim::with_config(config);
        sim.advance(Duration::from_secs(3600));
        let status = sim.get_json("/signalk-host/status");
        let counters = status["connections"][0]["counters"].clone();
        assert_eq!((&counters["badChecksum"], &counters["badFields"]), (&0.into(), &0.into()));
        assert!(sim.opened.is_empty(), "the edge has nothing to open");
        let vessels = sim.get_json("/signalk/v1/api/vessels");
        assert!(vessels.as_object().unwrap().len() > 10, "neighbours");
        (status["deltas"].as_u64().unwrap(), sim.get("/signalk/v1/api/").body)
    };
    let (deltas, model) = run();
    assert!(deltas > 3600, "{deltas}");
    assert_eq!((deltas, model), run());
}
