//! A real boat's data through a real plugin, in the real program: 100 seconds of a yacht's log come in as NMEA 0183,
//! the example `derived-data` computes from them, and what it says is read by HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::{Path, PathBuf};

use common::{Host, eventually};
use serde_json::Value;

const PLUGIN: &str = "_signalk-host_derived-data";
const KNOT: f64 = 1852.0 / 3600.0;

/// A file or folder of the workspace.
fn workspace(path: &str) -> PathBuf {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    assert!(found.exists(), "{} is missing: run `cargo xtask guests`", found.display());
    found
}

/// A value of the own vessel by who says it, waited for until it is near enough.
fn said_by(host: &Host, source: &str, path: &str, wanted: f64) {
    let url = format!("/signalk/v1/api/vessels/self/{path}");
    let last = std::cell::RefCell::new(Value::Null);
    let near = || {
        let answer = host.get(&url);
        let node: Value = serde_json::from_slice(&answer.body).ok()?;
        let value = node["values"][source]["value"].as_f64();
        last.replace(node);
        value.filter(|value| (value - wanted).abs() < 0.001)
    };
    let what = format!("{path} = {wanted} of {source}");
    eventually(&what, near, || format!("{:#}\n{}", last.borrow(), host.log()));
}

#[test]
fn a_yachts_log_goes_through_the_parser_the_model_a_plugin_and_out_by_http() {
    let log = workspace("signalk-core/tests/data/plaka_100_seconds.log");
    let package = workspace("target/plugins/derived-data");
    let source = format!("file:{}?pace=max&id=yacht", log.display());
    let host = Host::start(&["--nmea0183", &source, "--plugin", package.to_str().unwrap()]);
    host.logged("read to its end");

    // The last words of the log: apparent wind of 14.38 knots, 11 degrees to port; 6.06 knots through the water.
    let (apparent, angle, through_water) = (14.38 * KNOT, -11_f64.to_radians(), 6.06 * KNOT);
    let (ahead, abeam) = (apparent * angle.cos() - through_water, apparent * angle.sin());
    let (speed, true_angle) = (ahead.hypot(abeam), abeam.atan2(ahead));
    said_by(&host, PLUGIN, "environment/wind/speedTrue", speed);
    said_by(&host, PLUGIN, "environment/wind/angleTrueWater", true_angle);
    said_by(&host, PLUGIN, "performance/velocityMadeGood", through_water * true_angle.cos());

    // The yacht's own computer damps its figures; its true wind is 4.34 m/s, ours 4.38.
    said_by(&host, "yacht.II", "environment/wind/speedTrue", 4.34);
    said_by(&host, "yacht.II", "performance/velocityMadeGood", 5.77 * KNOT);
    assert!((speed - 4.34).abs() < 0.1, "{speed}");

    let status = host.json("/signalk-host/status");
    let plugin = &status["plugins"][PLUGIN];
    assert_eq!(plugin["state"], "running", "{plugin:#}");
    assert_eq!(plugin["lastError"], Value::Null, "{plugin:#}");
}
