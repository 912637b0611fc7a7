//! Every guest of `test-plugin` beside a plugin that works, in the whole server: whatever it does, the values flow, the
//! neighbour hears each of them, and what went wrong is said under the guest's own name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::json;
use signalk_core::{Config, Limits};
use workspace_tests::{Guest, NEIGHBOUR, Outcome, Sim, beside};

const VALUES: u32 = 40;

/// Guests that do harm by themselves, or in `start`: what their owner reads as the plugin's last error.
const MUST_END: [(&str, &str); 38] = [
    ("exit_one_in_call", "exited with code 1 while it should run"),
    ("exit_zero_in_call", "exited with code 0 while it should run"),
    ("fuel_spin_forever", "fuel without a rest, the limit is 2000000"),
    ("import_unknown_called", "used the missing host function env.sk_teleport"),
    ("import_wasi_wrong_type", "import wasi_snapshot_preview1.fd_write is declared as"),
    ("initialize_spins", "call `_initialize` used"),
    ("log_one_gigabyte", "fuel without a rest, the limit is 2000000"),
    ("memory_allocate_forever", "bytes of memory, the limit is 16777216"),
    (
        "memory_four_gib_minimum",
        "the memory asked for at start is 4294967296, the limit is 16777216",
    ),
    ("memory_grow_loop", "fuel without a rest, the limit is"),
    ("memory_grow_two_million", "fuel without a rest, the limit is"),
    ("no_exports", "exports neither `_start` nor `rpc_poll`"),
    ("no_memory", "exited with code 0 while it should run"),
    ("poll_at_once_for_ever", "did not answer `initialize` within 30s"),
    ("poll_spins", "call `rpc_poll` used"),
    ("poll_wrong_type", "nor `rpc_poll`"),
    ("rpc_closes_stdout", "did not answer `initialize` within 30s"),
    ("rpc_garbage_for_ever", "standard input, the limit is 1048576"),
    ("rpc_half_line_then_silence", "did not answer `start` within 30s"),
    ("signalk_crash_on_delta", "trapped"),
    ("signalk_fails_to_start", "the sensor is not connected"),
    // Each of its calls takes time here, so that it is late rather than over its rate.
    ("signalk_flood", "did not answer `start` within 30s"),
    ("signalk_spin_on_delta", "fuel without a rest, the limit is"),
    ("stack_recurse_forever", "call `rpc_poll`"),
    ("stack_recurse_frames", "recursed too deep"),
    ("start_section_spins", "call `(start)` used"),
    ("table_grow_loop", "fuel without a rest, the limit is"),
    ("table_grow_two_million", "fuel without a rest, the limit is"),
    ("trap_in_call", "call `rpc_poll` trapped"),
    ("wasi_exit_again", "exited with code 3 while it should run"),
    ("wasi_huge_iovec_count", "exited with code 2828 while it should run"),
    ("wasi_lying_lengths", "exited with code 2121 while it should run"),
    ("wasi_lying_result_pointer", "exited with code 21 while it should run"),
    ("wasi_many_empty_iovecs", "fuel without a rest, the limit is"),
    ("wasi_poll_huge_count", "exited with code 2828 while it should run"),
    ("wasi_random_2_gib", "exited with code 21 while it should run"),
    ("wasi_random_32_mib_for_ever", "fuel without a rest, the limit is"),
    ("wasi_stdin_lines", "did not answer `initialize` within 30s"),
];

/// Guests that break a rule and may go on: what is said in the log under their name.
const MUST_BE_SAID: [(&str, &str); 3] = [
    ("rpc_answers_unknown_ids", "which waits for no answer"),
    ("rpc_garbage", "message is not JSON"),
    ("rpc_line_of_100_mb", "exceeds the limit of 16777216"),
];

fn guests() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("target/guests");
    let entries = std::fs::read_dir(&dir)
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask guests`", dir.display()));
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "wasm"))
        .collect();
    found.sort();
    assert!(found.len() > 40, "only {} guests: run `cargo xtask guests`", found.len());
    found
}

/// Budgets a hundredth of the usual ones, so that the loops end while one waits.
fn small() -> Limits {
    Limits {
        call_fuel: Some(20_000_000),
        fuel_burst: 50_000_000,
        memory_bytes: 16 << 20,
        stdin_bytes: 1 << 20,
        ..Limits::default()
    }
}

/// What its owner lets this guest use besides: what it needs to do its harm, or less of what it wastes.
fn options_of(name: &str) -> BTreeMap<String, String> {
    let limits = match name {
        // Its own standard library looks through each byte.
        "rpc_line_of_100_mb" => json!({ "callFuel": 1_000_000_000 }),
        "fuel_spin_forever" | "log_one_gigabyte" => json!({ "callFuel": 2_000_000 }),
        "wasi_random_32_mib_for_ever" => json!({ "memoryMiB": 64, "callFuel": 2_000_000 }),
        _ => return BTreeMap::new(),
    };
    let options = json!({ "enabled": true, "limits": limits });
    BTreeMap::from([(name.to_owned(), options.to_string())])
}

/// What is wrong with forty values beside a guest.
fn faults_beside(path: &Path) -> Vec<String> {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let sim = Sim::with_config(Config {
        plugin_limits: small(),
        plugin_options: options_of(name),
        ..Config::default()
    });
    let wasm = std::fs::read(path).unwrap();
    let guest = Guest { name, interface: "json-rpc", rights: &[], wasm: &wasm };
    let outcome = beside(sim, guest, VALUES, |_| ()).unwrap();
    let mut faults = Vec::new();
    let Outcome { status, heard, speed, sim } = &outcome;
    if !outcome.is_unharmed(VALUES) {
        faults.push(format!("data at {speed}, the neighbour heard {heard}"));
    }
    let (state, error) = (&status["state"], &status["lastError"]);
    let ended = state != "running";
    if ended == error.is_null() {
        faults.push(format!("{state}, and its last error is {error}"));
    }
    let said = |text: &str| sim.log.iter().any(|line| line.contains(name) && line.contains(text));
    if let Some((_, text)) = MUST_END.iter().find(|(listed, _)| *listed == name)
        && !(ended && error.to_string().contains(text) && said(text))
    {
        faults.push(format!("{state}, expected an end by `{text}`, got {error}"));
    }
    if let Some((_, text)) = MUST_BE_SAID.iter().find(|(listed, _)| *listed == name)
        && !said(text)
    {
        let log: Vec<_> = sim.log.iter().filter(|line| !line.contains(NEIGHBOUR)).collect();
        faults.push(format!("{state}, expected `{text}` in {log:#?}"));
    }
    faults
}

#[test]
fn every_guest_leaves_the_server_and_its_neighbour_unharmed_and_is_reported_by_name() {
    let mut faults = Vec::new();
    let mut unseen: BTreeSet<&str> =
        MUST_END.iter().chain(&MUST_BE_SAID).map(|(name, _)| *name).collect();
    for guest in guests() {
        let name = guest.file_stem().unwrap().to_str().unwrap();
        unseen.remove(name);
        let found = faults_beside(&guest);
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(unseen.is_empty(), "{unseen:?} are not built: run `cargo xtask guests`");
}
