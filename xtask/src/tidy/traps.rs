//! Two traps of the engine that no guest can show, because they lie in how the host is built.
//!
//! The others have a test each in `wasmi-hdk/tests/traps_of_the_engine.rs`, whose numbers these are.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

use crate::process;

/// Trap 3: compiled with tail calls for a browser, wasmi picks the dispatch that needs them, LLVM
/// does not emit them all, and the first loop of a guest overflows the stack of the page. Spelt in
/// two halves, so that this file is none of those that say it.
const TAIL_CALLS: [&str; 4] = [
    concat!("+tail", "-call"),
    concat!("+tail", "_call"),
    concat!("-mtail", "-call"),
    concat!("target-cpu=", "bleeding-edge"),
];

/// Crates of the engine.
const ENGINE: [&str; 4] = ["wasmi", "wasmi_core", "wasmi_ir", "wasmi_collections"];

/// Traps 13 and 15: without optimisation the engine is too slow to be tested; with several codegen
/// units, or with debug assertions, loops of a guest overflow the native stack.
const DEV: [(&str, &str); 4] = [
    ("opt-level", "3"),
    ("codegen-units", "1"),
    ("debug-assertions", "false"),
    ("overflow-checks", "false"),
];

/// What a profile without fat LTO needs; it inherits the rest from `release`.
const PORTABLE: [(&str, &str); 2] = [("opt-level", "3"), ("codegen-units", "1")];

/// What is shipped.
const RELEASE: [(&str, &str); 2] = [("lto", "\"fat\""), ("codegen-units", "1")];

/// Says what would bring a trap back.
pub(super) fn check() -> Result<Vec<String>> {
    let manifest = process::root().join("Cargo.toml");
    let text = fs::read_to_string(&manifest)
        .with_context(|| format!("cannot read {}", manifest.display()))?;
    let mut faults = unpinned(&text);
    let mut git = std::process::Command::new("git");
    let listed = process::output(git.current_dir(process::root()).arg("ls-files"))?;
    for name in listed.lines().filter(|name| !name.ends_with(".md")) {
        // What is no text compiles nothing; what is listed and gone was deleted just now.
        if let Ok(text) = fs::read_to_string(process::root().join(name)) {
            faults.extend(tail_calls(name, &text));
        }
    }
    Ok(faults)
}

fn tail_calls(name: &str, text: &str) -> Option<String> {
    let word = TAIL_CALLS.into_iter().find(|word| text.contains(word))?;
    Some(format!(
        "{name}: names `{word}`; with tail calls a guest's loop overflows the stack of a browser: leave it off"
    ))
}

/// Which pins of the profiles are not there.
fn unpinned(manifest: &str) -> Vec<String> {
    let sections = sections(manifest);
    let mut faults = Vec::new();
    let mut wants = |section: String, pins: &[(&str, &str)]| {
        for (key, value) in pins {
            if sections.get(&*section).and_then(|found| found.get(key)) != Some(value) {
                faults.push(format!(
                    "Cargo.toml: [{section}] needs `{key} = {value}`: without it the engine is too slow, or overflows the stack in a guest's loop"
                ));
            }
        }
    };
    for name in ENGINE {
        wants(format!("profile.dev.package.{name}"), &DEV);
        wants(format!("profile.portable.package.{name}"), &PORTABLE);
    }
    wants("profile.release".to_owned(), &RELEASE);
    faults
}

type Section<'a> = BTreeMap<&'a str, &'a str>;

/// Sections with their keys and values, as far as profiles need it: one key a line, no arrays.
fn sections(toml: &str) -> BTreeMap<&str, Section<'_>> {
    let mut sections = BTreeMap::new();
    let mut section = "";
    for line in toml.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if let Some((key, value)) = line.split_once('=') {
            let found: &mut Section<'_> = sections.entry(section).or_default();
            found.insert(key.trim(), value.trim());
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinned() -> String {
        let section = |name: String, pins: &[(&str, &str)]| {
            let lines: String =
                pins.iter().map(|(key, value)| format!("{key} = {value} # why\n")).collect();
            format!("[{name}]\n{lines}\n")
        };
        let of = |name: &str| {
            section(format!("profile.dev.package.{name}"), &DEV)
                + &section(format!("profile.portable.package.{name}"), &PORTABLE)
        };
        ENGINE.map(of).concat() + &section("profile.release".to_owned(), &RELEASE)
    }

    #[test]
    fn each_pin_is_missed() {
        let all = pinned();
        assert_eq!(unpinned(&all), Vec::<String>::new());
        let lines: Vec<_> = all.lines().collect();
        let mut missed = 0;
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains('=')) {
            let without = [&lines[..at], &lines[at + 1..]].concat().join("\n");
            assert_eq!(unpinned(&without).len(), 1, "{line}");
            let other = all.replacen(line, &line.replacen("= ", "= 1", 1), 1);
            assert_eq!(unpinned(&other).len(), 1, "{line}");
            missed += 1;
        }
        assert_eq!(missed, 4 * (4 + 2) + 2);
    }

    #[test]
    fn a_build_with_tail_calls_is_named() {
        for word in TAIL_CALLS {
            let flags = format!("rustflags = [\"-C\", \"target-feature=+simd128,{word}\"]");
            assert!(tail_calls(".cargo/config.toml", &flags).unwrap().contains(word));
        }
        assert_eq!(tail_calls("a.rs", "a tail-call is no flag"), None);
    }
}
