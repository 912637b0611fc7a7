//! An hour of the demo boat in virtual time, through the real parser: the same deltas on every platform and in any
//! steps.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use signalk_core::{demo::DemoBoat, input::nmea0183::Parser};
use signalk_model::{Delta, Value};
use support::{assert_golden, fingerprint};

/// 2026-06-21T12:00:00Z.
const START_MS: i64 = 1_782_043_200_000;
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn an_hour_of_sailing_gives_exactly_these_deltas() {
    let (sentences, deltas) = voyage(1, HOUR);
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut text = Vec::new();
    for delta in &deltas {
        text.clear();
        delta.write_json(&mut text);
        let who = if delta.context.is_some() { "others" } else { "self" };
        for entry in delta.updates.iter().flat_map(|u| &u.values) {
            let mut line =
                format!("{} ", delta.context.as_deref().unwrap_or_default()).into_bytes();
            entry.value.write_json(&mut line);
            rows.entry(format!("{who} {}", entry.path)).or_default().add(&entry.value, &line);
        }
    }
    let mut summary =
        format!("{} bytes of sentences: {:016x}\n", sentences.len(), fingerprint(&sentences));
    writeln!(summary, "{} deltas", deltas.len()).unwrap();
    for (name, row) in &rows {
        writeln!(summary, "{name}: {row}").unwrap();
    }
    assert_golden("demo_hour.txt", include_str!("golden/demo_hour.txt"), &summary);
}

#[test]
fn the_first_seconds_read_as_a_boat_would_speak() {
    let (sentences, _) = voyage(1, Duration::from_secs(3));
    let text = String::from_utf8(sentences).unwrap().replace("\r\n", "\n");
    assert_golden("demo_three_seconds.txt", include_str!("golden/demo_three_seconds.txt"), &text);
}

#[test]
fn the_steps_of_the_clock_do_not_matter() {
    let (whole, _) = voyage(7, Duration::from_secs(300));
    for step_ms in [1, 37, 100, 999, 60_000, 299_999] {
        let mut boat = DemoBoat::new(7, START_MS);
        let mut out = Vec::new();
        for ms in (0..300_000).step_by(step_ms) {
            boat.sentences_until(Duration::from_millis(u64::try_from(ms).unwrap()), &mut out);
        }
        boat.sentences_until(Duration::from_secs(300), &mut out);
        assert!(out == whole, "steps of {step_ms} ms");
    }
}

#[test]
fn waking_when_told_misses_nothing() {
    let mut boat = DemoBoat::new(3, START_MS);
    let (mut out, mut wakes) = (Vec::new(), 0);
    while boat.next() <= Duration::from_secs(10) {
        let before = out.len();
        boat.sentences_until(boat.next(), &mut out);
        assert!(out.len() > before, "woken for nothing");
        wakes += 1;
    }
    assert_eq!(out, voyage(3, Duration::from_secs(10)).0);
    // Five headings and two winds a second, of which one falls together with the second.
    assert_eq!(wakes, 61);
}

#[test]
fn another_seed_is_another_voyage() {
    assert_ne!(voyage(1, Duration::from_secs(30)).0, voyage(2, Duration::from_secs(30)).0);
}

#[test]
fn a_dozen_neighbours_introduce_themselves_within_half_a_minute() {
    let (_, deltas) = voyage(1, Duration::from_secs(30));
    let mut names: BTreeMap<String, bool> = BTreeMap::new();
    for delta in &deltas {
        let Some(context) = &delta.context else { continue };
        let named = delta.to_json().contains("\"name\":");
        *names
            .entry(context.group().to_owned() + " " + context.identity().unwrap())
            .or_default() |= named;
    }
    assert_eq!(names.keys().filter(|name| name.starts_with("vessels")).count(), 12);
    assert_eq!(names.keys().filter(|name| name.starts_with("atons")).count(), 4);
    assert_eq!(names.keys().filter(|name| name.starts_with("aircraft")).count(), 1);
    let silent: Vec<&String> =
        names.iter().filter(|(_, named)| !**named).map(|(name, _)| name).collect();
    // The helicopter and the shore station have no message for a name.
    assert_eq!(silent, ["aircraft urn:mrn:imo:mmsi:111230990", "atons urn:mrn:imo:mmsi:002309900"]);
}

fn voyage(seed: u64, until: Duration) -> (Vec<u8>, Vec<Delta>) {
    let mut sentences = Vec::new();
    DemoBoat::new(seed, START_MS).sentences_until(until, &mut sentences);
    let mut parser = Parser::new("demo");
    let mut deltas = Vec::new();
    parser.push(&sentences, START_MS, &mut deltas);
    let counters = parser.counters();
    assert_eq!((counters.bad_checksum, counters.garbage_bytes, counters.truncated), (0, 0, 0));
    assert_eq!(
        (counters.bad_fields, counters.lost_fragments, counters.unsupported.len()),
        (0, 0, 0)
    );
    (sentences, deltas)
}

/// What a path carried in the hour.
struct Row {
    count: usize,
    least: f64,
    most: f64,
    all: u64,
}

impl Default for Row {
    fn default() -> Self {
        Self { count: 0, least: f64::INFINITY, most: f64::NEG_INFINITY, all: 0 }
    }
}

impl Row {
    fn add(&mut self, value: &Value, line: &[u8]) {
        self.count += 1;
        if let Some(number) = value.as_f64() {
            (self.least, self.most) = (self.least.min(number), self.most.max(number));
        }
        self.all = self.all.rotate_left(1) ^ fingerprint(line);
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} values", self.count)?;
        if self.least <= self.most {
            write!(f, ", {:.4} to {:.4}", self.least, self.most)?;
        }
        write!(f, ", {:016x}", self.all)
    }
}
