//! Values without JSON in the languages that plugins are written in: each guest reads the records as its compiler lays
//! them out, and all of them have to say the same.

use signalk_model::{Delta, Update, Value as SkValue};

use super::*;
use crate::Heads;

const GUESTS: [&str; 4] = ["buffer_values", "as_values", "c_values", "go_values"];
const OWN: &str = "vessels.urn:mrn:imo:mmsi:230000000";

fn delta(context: &str, path: &str, value: Value) -> Delta {
    let update = Update::new().with_source_ref("gps.1");
    Delta::new(context).with_update(update.with_value(path.to_owned(), SkValue::from_json(value)))
}

/// What a boat says, with what a guest has to tell apart.
fn deltas(round: u32) -> Vec<Delta> {
    let speed = "navigation.speedOverGround";
    let at = json!({ "longitude": 24 + round, "latitude": 60.5, "altitude": null });
    let meta = Update::new().with_meta(speed, json!({ "units": "m/s", "zones": [round] }));
    vec![
        delta(OWN, speed, json!(1.5)),
        delta(OWN, speed, json!("none")),
        delta(OWN, "navigation.position", at),
        delta("vessels.urn:mrn:imo:mmsi:1", speed, json!(100)),
        delta("vessels.urn:mrn:imo:mmsi:1", "navigation.position", json!({ "latitude": 1 })),
        delta(OWN, "navigation.state", json!(format!("motoring \u{e4}{round}"))),
        delta(OWN, "a.list", json!([1, 2, 3])),
        Delta::new(OWN).with_update(meta),
    ]
}

fn later(drive: &mut Drive, clock: &Clock, ms: u64) {
    drive.now += Duration::from_millis(ms);
    clock.0.fetch_max(u64::try_from(drive.now.as_micros()).unwrap(), Ordering::Relaxed);
    drive.input(Input::Tick);
    nap(drive, clock);
}

fn hand_over(drive: &mut Drive, heads: &mut Heads, deltas: Vec<Delta>) {
    let whole = |delta| Delivery { subscription: None, delta: heads.whole(&delta) };
    drive.input(Input::Deltas(deltas.into_iter().map(whole).collect()));
}

/// Its log after the next second.
fn said(drive: &mut Drive, clock: &Clock) -> Vec<String> {
    later(drive, clock, 1100);
    drive.server.take()
}

#[test]
fn every_language_reads_the_same_values() {
    for name in GUESTS {
        let (mut drive, clock) = begun(name, Fake::default(), every_right());
        assert_eq!(drive.said.last().unwrap(), "Started", "{name}");
        let mut heads = Heads::of(OWN.into());
        said(&mut drive, &clock);
        for round in 1..4 {
            hand_over(&mut drive, &mut heads, deltas(round));
            let (speed, at) = (1500 * round, 24_000 + 1000 * round);
            let line = format!(
                "p debug: 8 values, speed {speed}, at 60500 {at}, state motoring \u{e4}{round}, zones [{round}], lost 0"
            );
            assert_eq!(said(&mut drive, &clock), [line], "{name}");
        }
        assert_eq!(drive.session.counters().deltas_in, 24, "{name}");
    }
}

/// Names without end: every guest is told in time to forget, and goes on.
#[test]
fn a_table_that_is_full_is_told_anew() {
    for name in GUESTS {
        let (mut drive, clock) = begun(name, Fake::default(), every_right());
        let mut heads = Heads::of(OWN.into());
        for round in 0..30 {
            let many = (0..400).map(|at| delta(OWN, &format!("a.b{round}.c{at}"), json!(at)));
            hand_over(&mut drive, &mut heads, many.collect());
            later(&mut drive, &clock, 10);
        }
        said(&mut drive, &clock);
        hand_over(&mut drive, &mut heads, deltas(2));
        let lines = said(&mut drive, &clock);
        let end = ", speed 1500, at 60500 26000, state motoring \u{e4}2, zones [2], lost 0";
        assert!(lines.last().unwrap().ends_with(end), "{name}: {lines:?} {:?}", drive.said);
        assert_eq!(drive.session.counters().deltas_in, 12_008, "{name}");
    }
}
