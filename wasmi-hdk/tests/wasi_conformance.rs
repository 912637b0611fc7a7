//! The conformance table against the functions themselves.

#![allow(clippy::expect_used, clippy::panic, reason = "a failing test says where")]

mod support;

use std::collections::BTreeSet;

use support::direct::Direct;

#[test]
fn every_row_of_the_table_holds() {
    let mut failures = Vec::new();
    for (name, case) in support::cases() {
        if let Err(what) = support::run(&mut Direct::new(), &case) {
            failures.push(format!("{name} ({}): {what}", case["clause"]));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_call_has_a_row_and_every_row_a_clause() {
    let mut called = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (name, case) in support::cases() {
        assert!(case["clause"].is_string(), "{name} names no clause");
        for step in case["steps"].as_array().expect("steps") {
            called.extend(step["call"].as_str().map(String::from));
        }
        assert!(names.insert(name.clone()), "{name} stands twice");
    }
    let missing: Vec<_> = wasmi_hdk::wasi::table()
        .iter()
        .map(|row| row.name)
        .filter(|name| !called.contains(*name))
        .collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
}

#[test]
fn the_types_of_all_calls_are_those_of_the_specification() {
    let mut ours: Vec<_> = wasmi_hdk::wasi::table()
        .iter()
        .map(|row| {
            let params: Vec<_> = row.params.iter().map(ToString::to_string).collect();
            let result = if row.returns { " -> i32" } else { "" };
            format!("{}({}){result}", row.name, params.join(", "))
        })
        .collect();
    ours.sort();
    let specified = include_str!("../../tests/conformance/wasi-signatures.txt");
    let specified: Vec<_> = specified.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(ours, specified);
}
