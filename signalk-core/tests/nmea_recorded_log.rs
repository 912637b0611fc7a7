//! The log of a real yacht: the first 100 seconds kept here, all 32000 lines where `shared/data` stands beside us.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{collections::BTreeMap, fmt::Write};

use support::{assert_golden, fingerprint, parse};

const NOW_MS: i64 = 1_767_323_045_000;
const LOG: &[u8] = include_bytes!("data/plaka_100_seconds.log");
/// Lines of one burst; the boat sends one a second.
const BURST: usize = 16;

#[test]
fn the_first_hundred_seconds_give_these_deltas() {
    let (deltas, counters) = parse([LOG], NOW_MS);
    assert_eq!((counters.sentences, counters.bad_checksum, counters.garbage_bytes), (1600, 0, 0));
    let mut text = String::new();
    for delta in &deltas {
        writeln!(text, "{}", delta.to_json()).unwrap();
    }
    let counts: Vec<String> = count_by_path(&deltas);
    let first: String = text.lines().take(24).map(|line| format!("{line}\n")).collect();
    let summary = format!(
        "{first}\n{}\nall {} deltas: {:016x}\n",
        counts.join("\n"),
        deltas.len(),
        fingerprint(text.as_bytes())
    );
    assert_golden("plaka_100_seconds.txt", include_str!("golden/plaka_100_seconds.txt"), &summary);
}

#[test]
fn every_split_of_a_burst_gives_the_same_deltas() {
    let lines: Vec<&[u8]> = LOG.split_inclusive(|&b| b == b'\n').take(2 * BURST).collect();
    let burst = lines.concat();
    let whole = parse([&burst[..]], NOW_MS);
    for at in 0..burst.len() {
        let (a, b) = burst.split_at(at);
        assert_eq!(parse([a, b], NOW_MS), whole, "split at {at}");
    }
}

#[test]
fn the_whole_log_is_read_without_a_fault() {
    let Some(log) = whole_log() else {
        eprintln!("shared/data is not beside the workspace: only the excerpt was tested");
        return;
    };
    let (deltas, counters) = parse(log.chunks(4096), NOW_MS);
    assert_eq!((counters.sentences, counters.bad_checksum, counters.truncated), (32_000, 0, 0));
    assert_eq!((counters.garbage_bytes, counters.bad_fields), (0, 0));
    assert!(counters.unsupported.is_empty());
    // Each burst of 16 sentences has the same nine that say something.
    let per_burst = parse_bursts(&log);
    let (fewest, most) = (per_burst.iter().min().unwrap(), per_burst.iter().max().unwrap());
    let summary = format!(
        "{} deltas of {} sentences, {fewest} to {most} a second\n{}\n",
        deltas.len(),
        counters.sentences,
        count_by_path(&deltas).join("\n")
    );
    assert_golden("plaka_whole.txt", include_str!("golden/plaka_whole.txt"), &summary);
}

fn parse_bursts(log: &[u8]) -> Vec<usize> {
    let lines: Vec<&[u8]> = log.split_inclusive(|&b| b == b'\n').collect();
    lines.chunks(BURST).map(|burst| parse(burst.iter().copied(), NOW_MS).0.len()).collect()
}

/// The log in the nearest `shared/data` above the workspace; a sandbox without files has none.
fn whole_log() -> Option<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    folder
        .ancestors()
        .find_map(|above| std::fs::read(above.join("shared/data/plaka-nmea0183.log")).ok())
}

fn count_by_path(deltas: &[signalk_model::Delta]) -> Vec<String> {
    let mut counts = BTreeMap::new();
    for entry in deltas.iter().flat_map(|d| &d.updates).flat_map(|u| &u.values) {
        *counts.entry(entry.path.to_string()).or_insert(0) += 1;
    }
    counts.iter().map(|(path, n)| format!("{n:6} {path}")).collect()
}
