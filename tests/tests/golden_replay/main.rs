//! Replays the recordings of the reference server (2.32.0, with security off and on) through the core and counts how
//! many come out the same. Every failure that is known has its reason in `known.rs`; a new failure and a new pass both
//! fail this test, so the list is always true. Without the recordings the test says so; on CI (`CI=true`) their absence
//! is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod boat;
mod judge;
mod known;
mod puts;
mod requests;
mod resources;
mod secured;
mod streams;

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;
use workspace_tests::golden::folder;

use boat::{golden_boat, read};
use judge::Outcome;
use known::KNOWN;
use puts::replay_puts;
use requests::{SK_SERVER_ORDER, replay_request};
use resources::replay_resources;
use streams::{replay_lines, replay_stream};

/// Folders in the scope of the v1 server.
const FOLDERS: [&str; 8] =
    ["discovery", "rest", "put", "skServer", "tcp", "v2-other", "v2-resources", "ws"];

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
    let mut known: BTreeMap<&str, &str> = KNOWN.iter().copied().collect();
    known.extend(secured::known());
    let open = FOLDERS.map(|name| (name, replay_folder(&root.join(name), name)));
    let secured = [("secured", secured::replay(&root.join("../secured")))];
    for (name, outcomes) in open.into_iter().chain(secured) {
        let (mut same, mut different) = (0, 0);
        for (recording, outcome) in outcomes {
            let expected_to_differ = known.get(recording.as_str());
            match (&outcome, expected_to_differ) {
                (Outcome::Different(why), None) => unexpected.push(format!("{recording}: {why}")),
                (Outcome::Same, Some(_)) => {
                    unexpected.push(format!("{recording}: is the same now: remove it from KNOWN"))
                }
                _ => {}
            }
            match outcome {
                Outcome::Same => same += 1,
                Outcome::Different(_) => different += 1,
            }
        }
        table += &format!("{name:<12} {same:>3} same, {different:>3} different\n");
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
