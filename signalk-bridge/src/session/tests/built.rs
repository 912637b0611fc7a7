//! JSON-RPC guests that `cargo xtask guests` built. Not as wasm: there a test sees only its own folder.

use super::*;

pub(super) fn built(name: &str) -> Vec<u8> {
    let path = format!("{}/../target/guests/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}; run `cargo xtask guests`"))
}

#[test]
fn a_json_rpc_plugin_subscribes_and_sends() {
    let mut drive =
        Drive::new(built("signalk_speed_logger"), Purpose::Run, Capabilities::default());
    assert_eq!(
        drive.said,
        [r#"described: Some("Speed logger") {"type":"object","properties":{}}"#, "Started"]
    );
    let trace = drive.server.take();
    assert_eq!(
        trace,
        [
            r#"p subscribe 1 vessels.self [{"path":"navigation.speedOverGround"}]"#,
            r#"p Ok("logging")"#
        ]
    );
    let delta = |speed: f64| {
        format!(
            r#"{{"updates":[{{"values":[{{"path":"navigation.speedOverGround","value":{speed}}}]}}]}}"#
        )
    };
    drive.deltas(Some(1), &[&delta(3.1), &delta(3.2)]);
    assert_eq!(
        drive.server.take(),
        [
            "p info: signalk_speed_logger: 3.1",
            "p info: signalk_speed_logger: 3.2",
            r#"p V1 {"updates":[{"$source":"p","values":[{"path":"test.speed","value":{"speed":3.1,"count":1}}]}]}"#,
            r#"p V1 {"updates":[{"$source":"p","values":[{"path":"test.speed","value":{"speed":3.2,"count":2}}]}]}"#,
        ]
    );
    drive.input(Input::Stop);
    assert_eq!(drive.said.last().unwrap(), "Stopped");
}

#[test]
fn a_json_rpc_plugin_with_no_rights_hears_no_by_number() {
    let drive = Drive::new(built("signalk_denied"), Purpose::Run, Capabilities::NONE);
    assert_eq!(drive.said.last().unwrap(), "Started");
    let log = drive.server.trace.join("\n");
    for denied in [
        "deltas.emit",
        "deltas.subscribe",
        "paths.get",
        "meta.get",
        "meta.set",
        "notifications.raise",
    ] {
        assert!(log.contains(&format!("{denied}: -32040 ")), "{denied}: {log}");
    }
    for granted in
        ["options.read: ok {}", "options.save: ok null", "status.set: ok null", "log: ok null"]
    {
        assert!(log.contains(granted), "{granted}: {log}");
    }
    assert!(log.contains("no.such.method: -32601 "), "{log}");
}

#[test]
fn a_json_rpc_plugin_may_refuse_to_start() {
    let drive = Drive::new(built("signalk_fails_to_start"), Purpose::Run, Capabilities::default());
    assert_eq!(drive.said[1], r#"Failed("start: the sensor is not connected")"#);
}

#[test]
fn a_json_rpc_plugin_that_traps_or_spins_is_named() {
    for (name, text) in
        [("signalk_crash_on_delta", "trapped"), ("signalk_spin_on_delta", "without a rest")]
    {
        let mut drive = Drive::new(built(name), Purpose::Run, Capabilities::default());
        assert_eq!(drive.said.last().unwrap(), "Started");
        drive.deltas(Some(1), &["{\"updates\":[]}"]);
        let last = drive.said.last().unwrap();
        assert!(last.starts_with("crashed: p: call ") && last.contains(text), "{last}");
    }
}

#[test]
fn a_flood_is_cut_to_the_limit_and_the_flooder_told() {
    let drive = Drive::new(built("signalk_flood"), Purpose::Run, Capabilities::default());
    let out = drive.session.counters();
    assert_eq!(out.deltas_out, 1000);
    assert!(out.deltas_out_dropped > 0, "{out:?}");
    assert!(drive.server.trace.iter().any(|line| line.contains("over its limit of 1000 deltas")));
}
