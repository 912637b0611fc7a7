//! Rows of the conformance table that wasi-common must answer as we do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wasi_oracle::Oracle;
pub use wasi_oracle::support;

#[path = "../../../wasmi-hdk/tests/support/guest.rs"]
mod guest;

#[test]
fn wasi_common_answers_the_same() {
    let forwarder = wat::parse_str(guest::forwarder()).expect("the forwarder is a module");
    let (mut same, mut differs, mut skipped) = (0, Vec::new(), 0);
    for (name, case) in support::cases() {
        if case["oracle"].is_string() {
            skipped += 1;
            continue;
        }
        let mut oracle = Oracle::new(&forwarder);
        match catch_unwind(AssertUnwindSafe(|| support::run(&mut oracle, &case))) {
            Ok(Ok(())) => same += 1,
            Ok(Err(what)) => differs.push(format!("{name}: {what}")),
            Err(_) => differs.push(format!("{name}: panicked")),
        }
    }
    println!("{same} rows the same, {} differ, {skipped} not for the oracle", differs.len());
    assert!(differs.is_empty(), "{}", differs.join("\n"));
}
