//! A start section runs before the first call, in slices, and may wait: the engine alone can do
//! neither. AssemblyScript runs the top level of a program there.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::{call, config, drive, fault, module, one};
use wasmi_hdk::{
    Engine, FuncType, HostCtx, HostReturn, Imports, Instance, Limits, Module, START_SECTION, Step,
    Val,
};

/// Adds a digit to `order`; the start section 1, `_initialize` 2, the others 3.
const ORDERED: &str = r#"(module
    (import "env" "wait" (func $wait (result i32)))
    (memory 1)
    (global $order (mut i32) (i32.const 0))
    (func $add (param i32)
        (global.set $order
            (i32.add (i32.mul (global.get $order) (i32.const 10)) (local.get 0))))
    (func $main (local $n i32)
        (local.set $n (i32.const 2000000))
        (loop $again
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $again (local.get $n)))
        (call $add (call $wait)))
    (start $main)
    EXPORTS
    (data (i32.const 0) "x"))"#;

#[test]
fn a_start_section_runs_before_the_first_call_and_may_take_its_time_and_wait() {
    let exports = r#"(func (export "_initialize") (call $add (i32.const 2)))
        (func (export "_start") (call $add (i32.const 3)))
        (func (export "run") (result i32) (call $add (i32.const 3)) (global.get $order))
        (func (export "order") (result i32) (global.get $order))"#;
    let module = module(&ORDERED.replace("EXPORTS", exports));
    assert!(module.has_start_section());
    assert!(module.exports().all(|(name, _)| name != START_SECTION));
    let guest = || {
        let mut config = config();
        let mut imports = Imports::new();
        let wait = Arc::new(|_: &mut HostCtx<'_>, _: &FuncType, _: &[Val]| {
            Ok(HostReturn::Suspend(Box::new(())))
        });
        imports.define("env", "wait", wait);
        config.imports = Arc::new(imports);
        Instance::new(&module, config).unwrap()
    };
    let wait = |guest: &mut Instance| {
        assert!(matches!(drive(guest, 100_000), Step::HostCall(_)));
        guest.resume(&[Val::I32(1)]).unwrap();
        drive(guest, 100_000)
    };
    let order = |guest: &mut Instance| one(call(guest, "order", &[]));
    let mut first = guest();
    assert_eq!(first.stats().fuel_used, 0);
    first.begin("run", &[]).unwrap();
    assert_eq!(one(wait(&mut first)), Val::I32(123));
    assert!(first.stats().fuel_used > 2_000_000);
    assert_eq!(one(call(&mut first, "run", &[])), Val::I32(1233));
    // A command prepares itself, and the start section comes before it too.
    let mut command = guest();
    command.begin("_start", &[]).unwrap();
    wait(&mut command);
    assert_eq!(order(&mut command), Val::I32(13));
    // As a call of its own; `_initialize` waits for the next one.
    let mut alone = guest();
    alone.begin(START_SECTION, &[]).unwrap();
    wait(&mut alone);
    assert_eq!(order(&mut alone), Val::I32(12));
}

#[test]
fn a_module_without_exports_has_a_start_section_too() {
    let text = "(module (import \"env\" \"gone\" (func $gone)) (start $gone))";
    let mut guest = Instance::new(&module(text), config()).unwrap();
    let text = fault(call(&mut guest, START_SECTION, &[]));
    assert_eq!(text, "guest: call `(start)` used the missing host function env.gone");
}

#[test]
fn what_is_invalid_with_a_start_section_is_invalid_still() {
    let header = b"\0asm\x01\0\0\0".to_vec();
    let types = vec![1, 5, 1, 0x60, 1, 0x7f, 0]; // (func (param i32))
    let plain = vec![1, 4, 1, 0x60, 0, 0]; // (func)
    let functions = vec![3, 2, 1, 0];
    let start = vec![8, 1, 0];
    let code = vec![10, 4, 1, 2, 0, 0x0b];
    let load = |sections: &[&Vec<u8>]| {
        let bytes = [&header].into_iter().chain(sections.iter().copied()).flatten().copied();
        let bytes: Vec<u8> = bytes.collect();
        Module::load(&Engine::new(), "guest", &bytes, &Limits::default())
    };
    assert!(load(&[&plain, &functions, &start, &code]).is_ok());
    let error = load(&[&types, &functions, &start, &code]).unwrap_err().to_string();
    assert!(error.contains("the start function has parameters or results"), "{error}");
    for sections in [
        [&plain, &functions, &code, &start],
        [&plain, &start, &functions, &code],
        [&start, &plain, &functions, &code],
    ] {
        assert!(load(&sections).unwrap_err().to_string().contains("invalid module"));
    }
    assert!(load(&[&plain, &functions, &start, &start, &code]).is_err());
    assert!(load(&[&plain, &functions, &vec![8, 1, 5], &code]).is_err());
}
