//! The weaknesses of the reference host, W1 to W45 of plugin-abi.md, chapter 14, and the tests that
//! bear their names: found by looking through the sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::spec;

/// Number of a weakness to `path: name` of its tests.
pub(crate) fn tests() -> BTreeMap<u32, Vec<String>> {
    let mut found = BTreeMap::new();
    let root = spec::root();
    let rooms = fs::read_dir(&root).unwrap().filter_map(Result::ok);
    for room in rooms.filter(|room| room.path().join("Cargo.toml").exists()) {
        for part in ["src", "tests"] {
            look(&room.path().join(part), &root, &mut found);
        }
    }
    for tests in found.values_mut() {
        tests.sort();
    }
    found
}

/// Tests that a table names and no source has.
pub(crate) fn gone(table: &str) -> Vec<String> {
    let known: Vec<String> = tests().into_values().flatten().collect();
    let rows = table.lines().filter(|line| line.starts_with("| W"));
    let named = rows.flat_map(|row| row.split([' ', '`', '|'])).filter(|word| is_name(word));
    let is_there = |name: &str| known.iter().any(|test| test.ends_with(&format!("`{name}`")));
    named.filter(|name| !is_there(name)).map(str::to_owned).collect()
}

fn is_name(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next() == Some('w') && letters.next().is_some_and(|c| c.is_ascii_digit())
}

fn look(folder: &Path, root: &Path, found: &mut BTreeMap<u32, Vec<String>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.is_dir() {
            look(&path, root, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let short = path.strip_prefix(root).unwrap().display().to_string();
            for name in text.lines().filter_map(name_of) {
                let digits: String = name[1..].chars().take_while(char::is_ascii_digit).collect();
                if let (Ok(number), 2) = (digits.parse(), digits.len()) {
                    found.entry(number).or_default().push(format!("{short}: `{name}`"));
                }
            }
        }
    }
}

fn name_of(line: &str) -> Option<&str> {
    let rest = line.trim_start().trim_start_matches("async ").strip_prefix("fn ")?;
    let name = &rest[..rest.find('(')?];
    is_name(name).then_some(name)
}

/// What the specification calls them, as far as a table needs it.
pub(crate) const TITLES: [&str; 45] = [
    "storage dead at boot",
    "PUT answered 500 or twice",
    "fetch ruins the instance",
    "only the first fetch of a call is followed",
    "one as-fetch state for all plugins",
    "headers and bodies of requests lost",
    "sk_get_self_path is always 0",
    "configuration under the package's name",
    "HTTP requests to AssemblyScript are half a text",
    "PUT handlers of AssemblyScript get null",
    "traps are ignored",
    "no limit of time",
    "answers cut silently",
    "Date.now, console.* missing",
    "no WASI in AssemblyScript",
    "_initialize twice",
    "capabilities not checked",
    "sockets of others",
    "nothing ends at stop",
    "restart on old memory",
    "foreign sources",
    "foreign streams",
    "cookies reach plugins",
    "endpoints for admins or nobody",
    "no limits",
    "network without rules",
    "safe mode does not count",
    "deltas inside the dispatch",
    "calls during a fetch",
    "arguments not pinned",
    "two starts at once",
    "names of two kinds",
    "failures of starts invisible",
    "hot reload not reachable",
    "delta buffer unused",
    "an error is for ever",
    "errors look like success",
    "UDP",
    "TCP",
    "logs need a switch",
    "unknown imports refuse the plugin",
    "boot one by one",
    "special code for one plugin",
    "tmp, quota, migration",
    "contradictory documents",
];
