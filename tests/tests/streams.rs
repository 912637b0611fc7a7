//! The streaming protocol in whole runs: what clients hear, and that a client that does not read harms nobody.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use serde_json::{Value, json};
use workspace_tests::Sim;

const NONE: &str = "/signalk/v1/stream?subscribe=none";
const LIVE: &str = "/signalk/v1/stream?subscribe=all&sendCachedValues=false";

fn sim() -> Sim {
    Sim::with_vessel("230099999", "Golden Boat")
}

fn delta(path: &str, value: impl Into<Value>) -> String {
    let value: Value = value.into();
    json!({ "updates": [{ "$source": "feed", "timestamp": "2026-01-02T03:04:05.000Z", "values": [{ "path": path, "value": value }] }] }).to_string()
}

/// Path and value of each heard value.
fn values(frames: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    for frame in frames {
        let frame: Value = serde_json::from_str(frame).unwrap();
        for update in frame["updates"].as_array().into_iter().flatten() {
            for entry in update["values"].as_array().into_iter().flatten() {
                out.push(format!("{}={}", entry["path"].as_str().unwrap(), entry["value"]));
            }
        }
    }
    out
}

#[test]
fn the_first_message_says_who_we_are() {
    let mut sim = sim();
    let client = sim.open(NONE);
    let hello: Value = serde_json::from_str(&sim.heard(client)[0]).unwrap();
    assert_eq!(hello["self"], "vessels.urn:mrn:imo:mmsi:230099999");
    assert_eq!(hello["timestamp"], "2026-03-01T00:00:00.000Z");
    assert_eq!(hello["roles"], json!(["master", "main"]));
}

#[test]
fn query_clients_share_one_text_of_the_whole_delta() {
    let mut sim = sim();
    let clients: Vec<_> = (0..3).map(|_| sim.open(LIVE)).collect();
    let feed = sim.open(NONE);
    let two = r#"{"updates":[{"$source":"feed","timestamp":"2026-01-02T03:04:05.000Z","values":[{"path":"a.b","value":1},{"path":"a.c","value":2}]}]}"#;
    sim.say(feed, two);
    for client in clients {
        let heard = sim.heard(client);
        assert_eq!(heard.len(), 2, "hello and one delta, in its original grouping");
        assert_eq!(values(&heard), ["a.b=1", "a.c=2"]);
        assert_eq!(sim.shared_frames(client), 1);
    }
    assert_eq!(sim.heard(feed).len(), 1, "who sends hears nothing");
}

/// DIFFERENCE 1 of server-api.md 11: rows can be taken away one by one, and the socket stays open.
#[test]
fn a_single_row_can_be_unsubscribed() {
    let mut sim = sim();
    let (client, feed) = (sim.open(NONE), sim.open(NONE));
    sim.say(client, r#"{"context":"vessels.self","subscribe":[{"path":"a.b"},{"path":"a.c"}]}"#);
    sim.say(client, r#"{"context":"vessels.self","unsubscribe":[{"path":"a.b"}]}"#);
    sim.say(feed, &delta("a.b", 1));
    sim.say(feed, &delta("a.c", 2));
    assert_eq!(values(&sim.heard(client)), ["a.c=2"]);
    assert_eq!(sim.closed(client), None);
}

/// DIFFERENCE 2: the last value of a `minPeriod` window is delivered at its end.
#[test]
fn min_period_delivers_the_trailing_value() {
    let mut sim = sim();
    let (client, feed) = (sim.open(NONE), sim.open(NONE));
    sim.say(client, r#"{"context":"vessels.self","subscribe":[{"path":"a.b","minPeriod":500}]}"#);
    for value in 1..4 {
        sim.say(feed, &delta("a.b", value));
    }
    assert_eq!(values(&sim.heard(client)), ["a.b=1"]);
    sim.advance(Duration::from_millis(499));
    assert_eq!(values(&sim.heard(client)), Vec::<String>::new());
    sim.advance(Duration::from_millis(1));
    assert_eq!(values(&sim.heard(client)), ["a.b=3"]);
}

/// DIFFERENCE 5: an unknown path is refused at the upgrade.
#[test]
fn an_unknown_stream_path_is_404() {
    let mut sim = sim();
    let client = sim.open("/signalk/v1/nosuch");
    assert_eq!((sim.rejected(client), sim.heard(client).len()), (Some(404), 0));
}

/// DIFFERENCE 6: an unknown query subscription is `none`.
#[test]
fn an_unknown_query_subscription_hears_nothing() {
    let mut sim = sim();
    let (client, feed) = (sim.open("/signalk/v1/stream?subscribe=bogus"), sim.open(NONE));
    sim.say(feed, &delta("a.b", 1));
    assert_eq!(sim.heard(client).len(), 1, "hello only");
}

/// DIFFERENCE 9: errors and warnings stay bare JSON strings, as clients print them.
#[test]
fn warnings_are_bare_json_strings() {
    let mut sim = sim();
    let client = sim.open(NONE);
    sim.say(client, r#"{"subscribe":[{"path":"a.b","format":"full"}]}"#);
    assert_eq!(sim.heard(client)[1..], [r#""Only delta format supported, using it""#]);
}

/// DIFFERENCE 10: overlapping rows, and rows beside a query subscription, deliver a value once.
#[test]
fn overlapping_subscriptions_deliver_once() {
    let mut sim = sim();
    let (client, live, feed) = (sim.open(NONE), sim.open(LIVE), sim.open(NONE));
    let rows = r#"{"context":"vessels.self","subscribe":[{"path":"a.b"},{"path":"a.*"}]}"#;
    sim.say(client, rows);
    sim.say(live, rows);
    sim.say(feed, &delta("a.b", 1));
    assert_eq!(values(&sim.heard(client)), ["a.b=1"]);
    assert_eq!(values(&sim.heard(live)), ["a.b=1"]);
}

#[test]
fn a_client_that_does_not_read_gets_the_latest_values_later_and_others_notice_nothing() {
    let mut sim = sim();
    let (slow, good, feed) = (sim.open(LIVE), sim.open(LIVE), sim.open(NONE));
    sim.queue(slow, 600 * 1024);
    for value in 0..1000 {
        sim.say(feed, &delta("a.b", value));
        sim.say(feed, &delta("a.c", value));
    }
    assert_eq!(values(&sim.heard(good)).len(), 2000);
    assert_eq!(sim.heard(slow).len(), 1, "hello only");
    sim.advance(Duration::from_secs(3));
    sim.queue(slow, 900);
    let flushed = sim.heard(slow);
    assert_eq!(flushed.len(), 1);
    assert_eq!(values(&flushed), ["a.b=999", "a.c=999"]);
    let flushed: Value = serde_json::from_str(&flushed[0]).unwrap();
    assert_eq!(flushed["$backpressure"], json!({ "accumulated": 2000, "duration": 3000 }));
    sim.say(feed, &delta("a.b", 1));
    assert_eq!(values(&sim.heard(slow)), ["a.b=1"], "live again");
}

#[test]
fn a_subscriber_that_does_not_read_is_held_back_too() {
    let mut sim = sim();
    let (slow, feed) = (sim.open(NONE), sim.open(NONE));
    sim.say(slow, r#"{"context":"vessels.self","subscribe":[{"path":"a.*"}]}"#);
    sim.queue(slow, 600 * 1024);
    sim.say(feed, &delta("a.b", 1));
    sim.say(feed, &delta("a.b", 2));
    assert_eq!(sim.heard(slow).len(), 1, "hello only");
    sim.queue(slow, 0);
    assert_eq!(values(&sim.heard(slow)), ["a.b=2"]);
}

#[test]
fn a_client_stuck_above_two_megabytes_for_thirty_seconds_is_closed() {
    let mut sim = sim();
    let (stuck, recovers) = (sim.open(LIVE), sim.open(LIVE));
    for client in [stuck, recovers] {
        sim.queue(client, 3 << 20);
    }
    sim.advance(Duration::from_secs(29));
    sim.queue(recovers, 1 << 20);
    assert_eq!(sim.closed(stuck), None);
    sim.advance(Duration::from_secs(1));
    let (code, reason) = sim.closed(stuck).unwrap();
    assert_eq!(
        (code, reason.as_str()),
        (1008, "Server outgoing buffer overflow, terminating connection")
    );
    assert!(sim.heard(stuck).last().unwrap().contains("errorMessage"));
    assert_eq!(sim.closed(recovers), None);
}

#[test]
fn metadata_comes_once_and_before_the_first_value() {
    let mut sim = sim();
    let (client, feed) = (
        sim.open("/signalk/v1/stream?subscribe=all&sendCachedValues=false&sendMeta=all"),
        sim.open(NONE),
    );
    sim.heard(client);
    sim.say(feed, &delta("navigation.speedOverGround", 1));
    sim.say(feed, &delta("navigation.speedOverGround", 2));
    let heard = sim.heard(client);
    assert_eq!(heard.len(), 3);
    assert!(heard[0].contains(r#""meta":[{"path":"navigation.speedOverGround""#), "{}", heard[0]);
    assert_eq!(values(&heard), ["navigation.speedOverGround=1", "navigation.speedOverGround=2"]);
}

#[test]
fn only_the_configuration_may_name_the_own_vessel() {
    let mut sim = sim();
    let feed = sim.open(NONE);
    sim.say(feed, r#"{"updates":[{"$source":"evil","values":[{"path":"","value":{"name":"EVIL","flag":"FI"}}]}]}"#);
    assert_eq!(sim.get_json("/signalk/v1/api/vessels/self/name"), "Golden Boat");
    assert_eq!(sim.get_json("/signalk/v1/api/vessels/self/flag"), "FI");
}

#[test]
fn events_tell_the_dashboard_how_much_arrives() {
    let mut sim = sim();
    let (client, feed) =
        (sim.open("/signalk/v1/stream?subscribe=none&serverevents=all"), sim.open(NONE));
    let first: Value = serde_json::from_str(&sim.heard(client)[1]).unwrap();
    assert_eq!(
        first,
        json!({ "type": "VESSEL_INFO", "data": { "name": "Golden Boat", "mmsi": "230099999" } })
    );
    for value in 0..50 {
        sim.say(feed, &delta("a.b", value));
    }
    sim.advance(Duration::from_secs(5));
    let statistics =
        sim.heard(client).into_iter().find(|text| text.contains("SERVERSTATISTICS")).unwrap();
    let statistics: Value = serde_json::from_str(&statistics).unwrap();
    assert_eq!(statistics["data"]["providerStatistics"]["ws"]["deltaCount"], 50);
    assert_eq!(statistics["data"]["wsClients"], 2);
}
