//! The habits that no compiler checks, as one test.
//!
//! Arrows between crates, module headers, no clock or runtime in the core, no
//! `unsafe` outside the named files, licences, the engine named once, and comments that fit a screen.

mod licences;
mod shipped;
mod traps;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

/// Who may import whom: the picture of ARCHITECTURE.md.
const ARROWS: [(&str, &[&str]); 6] = [
    ("wasmi-rpc", &[]),
    ("signalk-model", &[]),
    ("wasmi-hdk", &["wasmi-rpc"]),
    ("wasmi-pdk", &["wasmi-rpc", "signalk-model"]),
    ("signalk-bridge", &["wasmi-rpc", "wasmi-hdk", "signalk-model"]),
    ("signalk-core", &["wasmi-rpc", "wasmi-hdk", "signalk-model", "signalk-bridge"]),
];

/// Crates that do no I/O and read no clock.
const CORE: [&str; 5] =
    ["wasmi-rpc", "wasmi-hdk", "signalk-model", "signalk-bridge", "signalk-core"];

/// Words that have no business in the core, and what is there instead.
const FOREIGN: [(&str, &str); 9] = [
    ("Instant::now", "take `now` as an argument"),
    ("SystemTime", "ask `Platform::wall_clock`"),
    ("std::thread", "the edge owns the threads"),
    ("thread::spawn", "the edge owns the threads"),
    ("std::fs", "the edge owns the files"),
    ("std::net", "the edge owns the sockets"),
    ("std::env::var", "options come in through `Config`"),
    ("tokio::", "the core names no runtime"),
    ("Rc<RefCell", "the owner passes it down"),
];

/// The only files that may hold `unsafe`: the border of the development kit, in two, and three of guests for tests and
/// measurements.
const UNSAFE: [&str; 5] = [
    "benches/counter/src/abi.rs",
    "wasmi-pdk/src/signalk/exports.rs",
    "wasmi-pdk/src/signalk/exports/rpc.rs",
    "test-plugin/buffer/src/abi.rs",
    "test-plugin/buffer/src/imports.rs",
];

/// Characters of a line with a comment: rustfmt breaks only code. A row of a table may be longer.
const LONGEST_COMMENT: usize = 120;

/// The only file that names the engine.
const ENGINE: &str = "wasmi-hdk/src/engine.rs";

pub(crate) fn run() -> Result<()> {
    let metadata: Value = serde_json::from_str(&process::output(&mut process::cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--locked",
    ]))?)?;
    let mut faults = arrows(&metadata);
    faults.extend(licences::check(&metadata)?);
    faults.extend(traps::check()?);
    let files = sources()?;
    for (name, text) in &files {
        faults.extend(file_faults(name, text));
    }
    if !faults.is_empty() {
        bail!("tidy found {} faults:\n  {}", faults.len(), faults.join("\n  "));
    }
    eprintln!("xtask: tidy: {} files, {} arrows, no faults", files.len(), ARROWS.len());
    Ok(())
}

fn arrows(metadata: &Value) -> Vec<String> {
    let rules: BTreeMap<_, _> = ARROWS.into_iter().collect();
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let ours: Vec<_> = packages
        .iter()
        .filter(|p| p["source"].is_null())
        .filter_map(|p| p["name"].as_str())
        .collect();
    let mut faults = Vec::new();
    for package in packages {
        let Some((name, allowed)) = package["name"].as_str().and_then(|n| rules.get_key_value(n))
        else {
            continue;
        };
        for dependency in package["dependencies"].as_array().map_or(&[][..], Vec::as_slice) {
            let on = dependency["name"].as_str().unwrap_or_default();
            let for_use = dependency["kind"].as_str() != Some("dev");
            if for_use && ours.contains(&on) && !allowed.contains(&on) {
                faults.push(format!("{name} may not import {on} (ARCHITECTURE.md, the arrows)"));
            }
        }
    }
    faults
}

fn file_faults(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with("//!") && !text.starts_with("#!") {
        faults.push(format!("{name}: opens without a `//!` header"));
    }
    let is_row = |line: &str| line.trim_start_matches(['/', '!', ' ']).starts_with('|');
    let is_long = |line: &str| line.chars().count() > LONGEST_COMMENT && !is_row(line);
    let comments = (1..).zip(text.lines()).filter(|(_, line)| line.trim_start().starts_with("//"));
    faults.extend(comments.filter(|(_, line)| is_long(line)).map(|(at, _)| {
        format!("{name}:{at}: a comment of more than {LONGEST_COMMENT} characters; wrap it")
    }));
    let shipped = shipped::shipped(text);
    // This file spells the words it looks for; rustc forbids `unsafe` here anyway.
    if name.contains("/src/")
        && !name.starts_with("xtask/")
        && !UNSAFE.contains(&name)
        && has_unsafe(&shipped)
    {
        faults.push(format!("{name}: `unsafe` outside the files that may hold it"));
    }
    let is_test = name.ends_with("/tests.rs") || name.contains("/tests/");
    let core = !is_test && CORE.iter().any(|c| name.starts_with(&format!("{c}/src/")));
    if core {
        for (word, instead) in FOREIGN {
            if shipped.contains(word) {
                faults.push(format!("{name}: names `{word}` in the core; {instead}"));
            }
        }
    }
    if core && name != ENGINE && !name.starts_with("wasmi-hdk/src/engine/") {
        let names_engine = shipped.contains("wasmi::");
        if names_engine {
            faults.push(format!("{name}: names the engine; only {ENGINE} may"));
        }
    }
    faults
}

fn has_unsafe(text: &str) -> bool {
    ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "#[unsafe("]
        .iter()
        .any(|word| text.contains(word))
}

/// Each Rust file of the workspace that git knows or would know, with its text.
fn sources() -> Result<Vec<(String, String)>> {
    let listed =
        process::output(std::process::Command::new("git").current_dir(process::root()).args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "*.rs",
        ]))?;
    let mut files = Vec::new();
    for name in listed.lines() {
        let path: PathBuf = process::root().join(name);
        if is_generated(&path) || !path.is_file() {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        files.push((name.to_owned(), text));
    }
    Ok(files)
}

fn is_generated(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "generated.rs")
}
