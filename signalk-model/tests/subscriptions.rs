//! Delivery: who gets which value and when. Time jumps; nothing sleeps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use signalk_model::{
    Delta, Item, Placement, Store, Subscribe, SubscriptionSet, Timestamp, Unsubscribe, Update, json,
};

const OWN: &str = "vessels.urn:mrn:imo:mmsi:230099999";
const OTHER: &str = "vessels.urn:mrn:imo:mmsi:230111111";

/// A store, its subscriptions, and what every receiver got since the last look.
struct Sim {
    store: Store,
    set: SubscriptionSet<u32>,
    now: Duration,
    got: Vec<String>,
}

impl Sim {
    fn new() -> Self {
        let store = Store::new("urn:mrn:imo:mmsi:230099999");
        let set = SubscriptionSet::new(store.self_context().clone());
        Self { store, set, now: Duration::ZERO, got: Vec::new() }
    }

    fn subscribe(&mut self, id: u32, text: &str) -> Vec<String> {
        let request = Subscribe::parse(text.as_bytes()).unwrap();
        let got = &mut self.got;
        let _ = self.set.subscribe(id, &request, &self.store, |item| got.push(line(id, item)));
        request.warnings
    }

    fn unsubscribe(&mut self, id: u32, text: &str) -> usize {
        let message = json::parse(text.as_bytes()).unwrap();
        let request = Unsubscribe::from_json(message.as_object().unwrap()).unwrap();
        self.set.unsubscribe(&id, &request)
    }

    fn at(&mut self, ms: u64) -> &mut Self {
        self.now = Duration::from_millis(ms);
        let got = &mut self.got;
        self.set.handle_timeout(self.now, |item, to| {
            got.extend(to.iter().map(|id| line(*id, item)));
        });
        self
    }

    fn delta(&mut self, context: &str, update: Update) -> &mut Self {
        self.placed(context, update, Placement::Tree)
    }

    fn placed(&mut self, context: &str, update: Update, placement: Placement) -> &mut Self {
        let delta = Delta::new(context)
            .with_update(update.with_timestamp(Timestamp::from("2026-01-01T00:00:00.000Z")));
        self.store.apply_as(self.now, &delta, placement);
        let got = &mut self.got;
        self.set.route(self.now, &delta, placement, &self.store, |item, to| {
            got.extend(to.iter().map(|id| line(*id, item)));
        });
        self
    }

    fn sog(&mut self, value: f64) -> &mut Self {
        let update = Update::new().with_source_ref("feed");
        self.delta(OWN, update.with_value("navigation.speedOverGround", value))
    }

    fn got(&mut self) -> Vec<String> {
        std::mem::take(&mut self.got)
    }
}

fn line(id: u32, item: &Item<'_>) -> String {
    let mut value = Vec::new();
    match item.body {
        signalk_model::Body::Value(it) => it.write_json(&mut value),
        signalk_model::Body::Meta(it) => json::write_map(&mut value, it),
    }
    let whose = if item.context == OWN { "own" } else { "other" };
    format!("{id} {whose} {} {}", item.path, String::from_utf8(value).unwrap())
}

#[test]
fn a_row_gets_what_its_pattern_matches_and_nothing_else() {
    let mut sim = Sim::new();
    sim.subscribe(1, r#"{"context":"vessels.self","subscribe":[{"path":"navigation.*"}]}"#);
    sim.subscribe(2, r#"{"context":"vessels.*","subscribe":[{"path":"*.speedOverGround"}]}"#);
    sim.subscribe(3, r#"{"context":"atons.*","subscribe":[{"path":"*"}]}"#);
    sim.sog(1.0);
    sim.delta(OTHER, Update::new().with_value("navigation.speedOverGround", 2));
    sim.delta(OWN, Update::new().with_value("environment.mode", "day"));
    assert_eq!(
        sim.got(),
        [
            "1 own navigation.speedOverGround 1",
            "2 own navigation.speedOverGround 1",
            "2 other navigation.speedOverGround 2"
        ]
    );
}

#[test]
fn overlapping_rows_of_one_receiver_deliver_a_value_once() {
    let mut sim = Sim::new();
    for path in ["navigation.*", "navigation.speedOverGround", "*"] {
        sim.subscribe(
            1,
            &format!(r#"{{"context":"vessels.self","subscribe":[{{"path":"{path}"}}]}}"#),
        );
    }
    sim.subscribe(1, r#"{"subscribe":[{"path":"*","period":1000}]}"#);
    sim.sog(1.0);
    sim.at(5000);
    assert_eq!(sim.got(), ["1 own navigation.speedOverGround 1"]);
}

#[test]
fn min_period_delivers_the_first_value_and_the_last_one() {
    let mut sim = Sim::new();
    sim.subscribe(1, r#"{"subscribe":[{"path":"navigation.*","minPeriod":500}]}"#);
    sim.at(1000).sog(6.1).at(1001).sog(6.2).at(1002).sog(6.3);
    assert_eq!(sim.got(), ["1 own navigation.speedOverGround 6.1"]);
    assert_eq!(sim.set.poll_timeout(), Some(Duration::from_millis(1500)));
    sim.at(1499);
    assert!(sim.got().is_empty());
    sim.at(1500);
    assert_eq!(sim.got(), ["1 own navigation.speedOverGround 6.3"]);
    // The trailing value opens a period of its own.
    sim.at(1600).sog(6.4);
    assert!(sim.got().is_empty());
    sim.at(2000);
    assert_eq!(sim.got(), ["1 own navigation.speedOverGround 6.4"]);
    sim.at(3000).sog(6.5);
    assert_eq!(sim.got(), ["1 own navigation.speedOverGround 6.5"]);
    assert_eq!(sim.set.poll_timeout(), None);
}

#[test]
fn fixed_delivers_the_last_value_per_path_and_source_at_the_end_of_the_period() {
    let mut sim = Sim::new();
    sim.subscribe(1, r#"{"subscribe":[{"path":"*","policy":"fixed"}]}"#);
    sim.at(100).sog(1.0).at(300).sog(2.0);
    sim.delta(
        OWN,
        Update::new().with_source_ref("gps").with_value("navigation.speedOverGround", 3),
    );
    assert!(sim.got().is_empty());
    sim.at(1099);
    assert!(sim.got().is_empty());
    sim.at(1100);
    assert_eq!(
        sim.got(),
        ["1 own navigation.speedOverGround 2", "1 own navigation.speedOverGround 3"]
    );
    sim.at(9000);
    assert!(sim.got().is_empty());
    assert_eq!(sim.set.poll_timeout(), None);
}

#[test]
fn root_values_know_no_timing_and_are_flattened_for_rows_that_ask_for_a_leaf() {
    let mut sim = Sim::new();
    sim.subscribe(1, r#"{"context":"vessels.*","subscribe":[{"path":"","period":1000}]}"#);
    sim.subscribe(2, r#"{"subscribe":[{"path":"name"},{"path":"communication.*","minPeriod":9}]}"#);
    sim.delta(
        OTHER,
        Update::new()
            .with_value("", serde_json::json!({"name":"X","communication":{"callsignVhf":"Y"}})),
    );
    let expected = [
        r#"1 other  {"name":"X","communication":{"callsignVhf":"Y"}}"#,
        r#"2 other name "X""#,
        r#"2 other communication.callsignVhf "Y""#,
    ];
    assert_eq!(sim.got(), expected);

    // A receiver that comes later gets the same from the store.
    sim.subscribe(3, r#"{"context":"vessels.*","subscribe":[{"path":""},{"path":"name"}]}"#);
    let expected: Vec<_> = expected[..2].iter().map(|line| format!("3{}", &line[1..])).collect();
    assert_eq!(sim.got(), expected);
}

#[test]
fn the_last_values_are_sent_on_subscribe_even_for_fixed_rows() {
    let mut sim = Sim::new();
    sim.sog(4.0);
    sim.delta(OWN, Update::new().with_source_ref("b").with_value("navigation.speedOverGround", 5));
    sim.subscribe(1, r#"{"context":"self","subscribe":[{"path":"navigation.*","period":60000},{"path":"*.speedOverGround"}]}"#);
    assert_eq!(
        sim.got(),
        ["1 own navigation.speedOverGround 4", "1 own navigation.speedOverGround 5"]
    );
}

#[test]
fn one_row_can_be_taken_away() {
    let mut sim = Sim::new();
    sim.subscribe(1, r#"{"context":"vessels.self","subscribe":[{"path":"navigation.*"},{"path":"environment.*","period":1000}]}"#);
    sim.delta(OWN, Update::new().with_value("environment.mode", "day"));
    assert_eq!(
        sim.unsubscribe(
            1,
            r#"{"context":"vessels.self","unsubscribe":[{"path":"environment.*"}]}"#
        ),
        1
    );
    sim.at(2000).sog(1.0);
    sim.delta(OWN, Update::new().with_value("environment.mode", "night"));
    sim.at(9000);
    assert_eq!(sim.got(), ["1 own navigation.speedOverGround 1"]);
    assert_eq!(sim.unsubscribe(1, r#"{"context":"*","unsubscribe":[{"path":"*"}]}"#), 1);
    sim.sog(2.0);
    assert!(sim.got().is_empty() && sim.set.is_empty());
}

#[test]
fn a_place_left_free_is_taken_without_confusion() {
    let mut sim = Sim::new();
    sim.subscribe(1, r#"{"subscribe":[{"path":"navigation.*"}]}"#);
    sim.subscribe(2, r#"{"subscribe":[{"path":"navigation.*"}]}"#);
    sim.sog(1.0);
    sim.got();
    sim.set.remove(&1);
    sim.subscribe(3, r#"{"subscribe":[{"path":"environment.*"}]}"#);
    sim.sog(2.0);
    sim.delta(OWN, Update::new().with_value("environment.mode", "day"));
    assert_eq!(sim.got(), ["2 own navigation.speedOverGround 2", "3 own environment.mode \"day\""]);
}

#[test]
fn rows_apply_to_paths_and_contexts_that_come_later() {
    let mut sim = Sim::new();
    sim.sog(1.0);
    sim.subscribe(1, r#"{"context":"vessels.*","subscribe":[{"path":"*.log"}]}"#);
    sim.delta("vessels.urn:new", Update::new().with_value("navigation.log", 7));
    sim.delta(OWN, Update::new().with_value("navigation.trip.log", 8));
    assert_eq!(sim.got(), ["1 other navigation.log 7", "1 own navigation.trip.log 8"]);
}

#[test]
fn a_circle_follows_the_ships_in_it() {
    let mut sim = Sim::new();
    sim.subscribe(1, r#"{"context":{"radius":2000,"position":{"latitude":60,"longitude":25}},"subscribe":[{"path":"navigation.speedOverGround"}]}"#);
    let position = |lat| {
        Update::new().with_value("navigation.position", signalk_model::Value::position(lat, 25.0))
    };
    let speed = |value| Update::new().with_value("navigation.speedOverGround", value);
    sim.delta(OTHER, speed(1));
    sim.delta(OTHER, position(60.01)).delta(OTHER, speed(2));
    sim.delta(OTHER, position(61.0)).delta(OTHER, speed(3));
    assert_eq!(sim.got(), ["1 other navigation.speedOverGround 2"]);
}

#[test]
fn outranked_values_reach_only_those_who_ask_for_all_sources() {
    let mut sim = Sim::new();
    sim.subscribe(1, r#"{"subscribe":[{"path":"*"}]}"#);
    sim.subscribe(2, r#"{"sourcePolicy":"all","subscribe":[{"path":"*"}]}"#);
    sim.subscribe(3, r#"{"sourcePolicy":"all","excludeSources":["b"],"subscribe":[{"path":"*"}]}"#);
    let update = |source: &str, value: i32| {
        Update::new().with_source_ref(source).with_value("navigation.log", value)
    };
    sim.delta(OWN, update("a", 1)).placed(OWN, update("b", 2), Placement::Outranked);
    assert_eq!(
        sim.got(),
        [
            "1 own navigation.log 1",
            "2 own navigation.log 1",
            "3 own navigation.log 1",
            "2 own navigation.log 2"
        ]
    );
    sim.subscribe(4, r#"{"subscribe":[{"path":"*"}]}"#);
    sim.subscribe(5, r#"{"sourcePolicy":"all","subscribe":[{"path":"*"}]}"#);
    assert_eq!(
        sim.got(),
        ["4 own navigation.log 1", "5 own navigation.log 1", "5 own navigation.log 2"]
    );
    assert_eq!(sim.store.value(OWN, "navigation.log").unwrap().as_f64(), Some(1.0));
}

#[test]
fn every_path_is_announced_once() {
    let mut sim = Sim::new();
    sim.sog(1.0);
    sim.subscribe(1, r#"{"context":"vessels.self","announceNewPaths":true,"subscribe":[{"path":"environment.mode"}]}"#);
    assert_eq!(sim.got(), ["1 own navigation.speedOverGround 1"]);
    sim.sog(2.0);
    let update = |value: i32| Update::new().with_value("new.path.one", value);
    sim.delta(OWN, update(1)).delta(OWN, update(2)).delta(OTHER, update(3));
    assert_eq!(sim.got(), ["1 own new.path.one 1"]);
}

#[test]
fn metadata_is_delivered_live_to_rows_that_match_its_path() {
    let mut sim = Sim::new();
    sim.subscribe(1, r#"{"context":"vessels.self","subscribe":[{"path":"foo.*","period":1000}]}"#);
    sim.delta(OWN, Update::new().with_meta("foo.bar", serde_json::json!({"displayName":"Custom"})));
    assert_eq!(sim.got(), [r#"1 own foo.bar {"displayName":"Custom"}"#]);
}

#[test]
fn pruned_contexts_are_forgotten() {
    let mut sim = Sim::new();
    sim.subscribe(1, r#"{"context":"vessels.*","subscribe":[{"path":"*"}]}"#);
    sim.delta(OTHER, Update::new().with_value("navigation.log", 1));
    sim.at(10_000).sog(1.0);
    let gone = sim.store.prune(Duration::from_secs(5));
    assert_eq!(gone.len(), 1);
    sim.set.forget(&gone);
    sim.got();
    sim.delta(OTHER, Update::new().with_value("navigation.log", 2));
    assert_eq!(sim.got(), ["1 other navigation.log 2"]);
}
