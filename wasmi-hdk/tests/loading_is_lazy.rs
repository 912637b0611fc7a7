//! Loading a module costs what the engine needs and no more: this crate copies no names, and
//! does not walk through code that may never be called. Counted, not timed.

#![allow(clippy::unwrap_used)]

use std::alloc::System;
use std::fmt::Write as _;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use wasmi_hdk::{Engine, Entry, Limits, Module};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FUNCTIONS: usize = 2000;

/// 2,000 functions, of which so many are exported.
fn module(exports: usize) -> Vec<u8> {
    let mut text = String::from(r#"(module (memory (export "memory") 1)"#);
    for nth in 0..FUNCTIONS {
        let export =
            if nth < exports { format!("(export \"export_{nth}\")") } else { String::new() };
        let adds = "(local.set 0 (i32.add (local.get 0) (i32.const 7)))".repeat(8);
        write!(text, "(func {export} (param i32) (result i32) {adds} (local.get 0))").unwrap();
    }
    wat::parse_str(text + ")").unwrap()
}

fn load(bytes: &[u8]) -> Module {
    Module::load(&Engine::new(), "big", bytes, &Limits::default()).unwrap()
}

/// Allocations made by loading `bytes`, without reallocations.
fn allocations(bytes: &[u8]) -> usize {
    let region = Region::new(ALLOCATOR);
    let module = load(bytes);
    let count = region.change().allocations;
    drop(module);
    count
}

// One test: the allocator counts for the whole process.
#[test]
fn loading_a_large_module_allocates_little() {
    let (few, many) = (module(10), module(FUNCTIONS));
    assert!(few.len() > 64 << 10, "large enough to be lazy");
    allocations(&few);
    let (with_few, with_many) = (allocations(&few), allocations(&many));
    // The engine keeps the code of each function in a box of its own.
    let per_function = with_few as f64 / FUNCTIONS as f64;
    assert!(per_function < 1.2, "{per_function} allocations for each function");
    // The engine and its validator keep a name and a tree each: 3.4 in wasmi 2.0.0.
    let per_export = (with_many - with_few) as f64 / (FUNCTIONS - 10) as f64;
    assert!(per_export < 4.0, "{per_export} allocations for each export");

    // To ask for a name copies nothing; to go through all of them does, once.
    let module = load(&many);
    let region = Region::new(ALLOCATOR);
    assert!(module.has_export("export_1999") && !module.has_export("export_2000"));
    assert_eq!(module.entry(), Entry::Library);
    let asked = region.change().allocations;
    assert!(asked <= 4, "{asked} allocations for two names");
    assert_eq!(module.exports().count(), FUNCTIONS + 1);
    assert!(module.has_export("export_1999") && !module.has_export("export_2000"));
    assert_eq!(module.export_type("export_7").unwrap().to_string(), "(i32) -> (i32)");

    // The code section is stepped over, not through; what it says is still looked at.
    for cut in [many.len() - 1, many.len() / 2, many.len() - 5000] {
        let cut = Module::load(&Engine::new(), "cut", &many[..cut], &Limits::default());
        let text = cut.unwrap_err().to_string();
        assert!(text.starts_with("cut: invalid module at byte 0x"), "{text}");
    }
    let mut followed = many;
    followed.extend([11, 2, 1, 0]);
    let text = Module::load(&Engine::new(), "after", &followed, &Limits::default());
    assert!(text.unwrap_err().to_string().starts_with("after: invalid module at byte 0x"));
}
