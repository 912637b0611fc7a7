//! The conformance table: every import and export of `plugin-abi.json`, called by guests of every
//! flavour that are generated for it, with everything granted, with its capability denied, and with
//! every pointer and length out of range. `CONFORMANCE.md` is the table as it came out; a change
//! shows up as a difference there (`UPDATE_CONFORMANCE=1` writes it anew).
//!
//! What an import means beyond one call is proved beside its code; sequences of WASI calls in
//! `tests/conformance/wasi.json`.

#![cfg(not(target_family = "wasm"))] // reads the specification and the sources, which are files
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]
#![allow(missing_docs, unused_crate_dependencies)]

mod by_name;
mod call;
mod cases;
mod exports;
#[path = "../../src/fake.rs"]
#[allow(dead_code, reason = "shared with the tests inside the crate")]
mod fake;
mod guest;
mod instead;
mod rpc;
mod spec;
mod table;
mod wasi;
mod weaknesses;
mod world;

// What `fake.rs` looks for in its own crate.
use signalk_bridge::{
    BridgeError, ClientDeed, ClientSocketId, PluginId, PutId, PutRequest, Registration, SaveId,
    SignalK, Status, SubscribeRequest, SubscriptionId, Version,
};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/CONFORMANCE.md");

#[test]
fn the_table_is_what_comes_out() {
    let Some(spec) = spec::read() else { return };
    let mut faults = Vec::new();
    let text = table::whole(&spec, &mut faults);
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    if std::env::var_os("UPDATE_CONFORMANCE").is_some() {
        std::fs::write(TABLE, &text).unwrap();
    }
    let before = std::fs::read_to_string(TABLE).unwrap_or_default();
    let compared = |text: &'_ str| text.split(table::SHOWN).next().unwrap_or_default().to_owned();
    let (new, old) = (compared(&text), compared(&before));
    let differing = new.lines().zip(old.lines()).find(|(new, old)| new != old);
    assert!(
        new == old,
        "CONFORMANCE.md is not what comes out: {differing:#?}; read the difference, then write it anew with UPDATE_CONFORMANCE=1"
    );
}

#[test]
fn every_test_that_the_table_names_is_there() {
    let gone = weaknesses::gone(&std::fs::read_to_string(TABLE).unwrap());
    assert!(gone.is_empty(), "CONFORMANCE.md names tests that are gone: {gone:#?}");
}
