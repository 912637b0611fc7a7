//! The conformance table again, through a real guest under the engine.

#![allow(clippy::expect_used, clippy::panic, reason = "a failing test says where")]

#[path = "support/guest.rs"]
mod guest;
mod support;

use guest::Guest;

#[test]
fn every_row_of_the_table_holds_for_a_guest() {
    let module = Guest::module();
    let mut failures = Vec::new();
    for (name, case) in support::cases() {
        // Such a row says itself why it does not hold here.
        if case["engine"].is_string() {
            continue;
        }
        if let Err(what) = support::run(&mut Guest::new(&module), &case) {
            failures.push(format!("{name} ({}): {what}", case["clause"]));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
