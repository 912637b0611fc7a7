//! What a call costs the guest, pinned: fuel is the same number on every machine for one build of
//! the guest, so a ceiling catches the day somebody makes the way of a message longer.
//! A block is paid for as a whole when it is entered, also what is jumped over: fuel is not time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;
#[path = "common/rpc.rs"]
mod rpc;

use rpc::{Conversation, Either};

/// Fuel that the plugin has used so far.
fn fuel(plugin: &Conversation) -> u64 {
    match &plugin.plugin {
        Either::Stateful(plugin) => plugin.stats().fuel_used,
        Either::PerCall(_) => 0,
    }
}

/// Fuel of one call, when the guest is warm.
fn fuel_of(plugin: &mut Conversation, method: &str, params: &str, answer: &str) -> u64 {
    plugin.call(method, params).unwrap();
    let before = fuel(plugin);
    assert_eq!(plugin.call(method, params).unwrap(), answer);
    fuel(plugin) - before
}

/// The figure of 2026-11 (rustc 1.95) and a quarter.
fn assert_near(what: &str, fuel: u64, figure: u64) {
    assert!(fuel <= figure + figure / 4, "{what}: {fuel} fuel; it was {figure}");
}

#[test]
fn a_ping_costs_little_fuel() {
    let mut plugin = Conversation::new("rpc_ping");
    let fuel = fuel_of(&mut plugin, "ping", "", "\"pong\"");
    assert_near("ping", fuel, 12_012);
    let mut plugin = Conversation::new("rpc_methods");
    let fuel = fuel_of(&mut plugin, "ping", "", "\"pong\"");
    assert_near("ping among many methods", fuel, 12_624);
}

#[test]
fn a_call_to_the_host_costs_little_fuel() {
    let mut plugin = Conversation::new("rpc_many_echo");
    for (method, figure) in [("many_echo", 18_843), ("echo_at_once", 13_582)] {
        let few = fuel_of(&mut plugin, method, "[100]", "100");
        let many = fuel_of(&mut plugin, method, "[300]", "300");
        assert_near(method, (many - few) / 200, figure);
    }
}
