//! One call: begun, sliced, suspended, resumed, nested.

mod common;

use std::sync::Arc;

use common::{call, config, drive, fault, instance, module, one};
use wasmi_hdk::{CallError, HostReturn, Imports, Instance, Step, Val};

const SUM: &str = r#"(module
  (func (export "sum") (param $n i64) (result i64) (local $sum i64)
    (loop $again
      (local.set $sum (i64.add (local.get $sum) (local.get $n)))
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (br_if $again (i64.ne (local.get $n) (i64.const 0))))
    (local.get $sum)))"#;

#[test]
fn slices_of_any_size_give_the_same_result_for_the_same_fuel() {
    let mut seen = Vec::new();
    for slice in [1, 17, 1_000, 100_000, 1_000_000, u64::MAX] {
        let mut guest = instance(SUM);
        guest.begin("sum", &[Val::I64(10_000)]).unwrap();
        assert_eq!(one(drive(&mut guest, slice)), Val::I64(50_005_000), "{slice}");
        seen.push(guest.stats().fuel_used);
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
}

#[test]
fn one_call_at_a_time_and_only_what_is_there() {
    let mut guest = instance(SUM);
    guest.begin("sum", &[Val::I64(10_000)]).unwrap();
    assert!(matches!(guest.run(100), Step::Yielded));
    assert!(matches!(guest.begin("sum", &[Val::I64(1)]), Err(CallError::Busy { .. })));
    drive(&mut guest, 100_000);
    assert!(matches!(guest.begin("nothing", &[]), Err(CallError::NoExport { .. })));
    let error = guest.begin("sum", &[Val::I32(1)]).unwrap_err();
    assert_eq!(error.to_string(), "guest: `sum` takes (i64) -> (i64), not the 1 values given");
}

const ASK: &str = r#"(module
  (import "env" "ask" (func $ask (param i32) (result i32)))
  (import "env" "absent" (func $absent))
  (memory (export "memory") 1)
  (func (export "twice") (param i32) (result i32)
    (i32.add (call $ask (local.get 0)) (call $ask (i32.const 1))))
  (func (export "allocate") (param i32) (result i32) (i32.const 64))
  (func (export "use_absent") (call $absent)))"#;

#[test]
fn a_host_function_that_suspends_is_answered_later() {
    let mut imports = Imports::new();
    imports.define(
        "env",
        "ask",
        Arc::new(|_, _, args| Ok(HostReturn::Suspend(Box::new(args[0].i32())))),
    );
    let mut config = config();
    config.imports = Arc::new(imports);
    let mut guest = Instance::new(&module(ASK), config).unwrap();
    guest.begin("twice", &[Val::I32(7)]).unwrap();
    for (asked, answer) in [(7, 40), (1, 2)] {
        let Step::HostCall(payload) = guest.run(10_000) else { panic!() };
        assert_eq!(payload.downcast_ref::<Option<i32>>(), Some(&Some(asked)));
        assert!(matches!(guest.run(10_000), Step::Waiting { stdin: false, until: None }));
        assert_eq!(guest.call_now("allocate", &[Val::I32(8)], 1000).unwrap(), [Val::I32(64)]);
        assert!(matches!(guest.resume(&[Val::I64(1)]), Err(CallError::Results { .. })));
        guest.resume(&[Val::I32(answer)]).unwrap();
    }
    assert_eq!(one(guest.run(10_000)), Val::I32(42));
    assert!(matches!(guest.resume(&[]), Err(CallError::NothingSuspended { .. })));
}

#[test]
fn a_missing_import_is_a_stub_that_fails_when_called() {
    let mut guest = instance(ASK);
    assert_eq!(one(call(&mut guest, "allocate", &[Val::I32(1)])), Val::I32(64));
    assert_eq!(
        fault(call(&mut guest, "use_absent", &[])),
        "guest: call `use_absent` used the missing host function env.absent"
    );
    assert!(matches!(guest.begin("allocate", &[Val::I32(1)]), Err(CallError::Ended { .. })));
}

#[test]
fn initialize_runs_once_before_the_first_call() {
    let text = r#"(module (global $n (mut i32) (i32.const 0))
      (func (export "_initialize") (global.set $n (i32.add (global.get $n) (i32.const 1))))
      (func (export "count") (result i32) (global.get $n)))"#;
    let mut guest = instance(text);
    assert_eq!(one(call(&mut guest, "count", &[])), Val::I32(1));
    assert_eq!(one(call(&mut guest, "count", &[])), Val::I32(1));
    assert_eq!(instance(text).call_now("count", &[], 1000).unwrap(), [Val::I32(1)]);
}

#[test]
fn a_host_function_of_the_wrong_answer_ends_the_guest_with_a_name() {
    let mut imports = Imports::new();
    imports.define("env", "ask", Arc::new(|_, _, _| Ok(HostReturn::one(1_i64))));
    let mut config = config();
    config.imports = Arc::new(imports);
    let mut guest = Instance::new(&module(ASK), config).unwrap();
    let text = fault(call(&mut guest, "twice", &[Val::I32(7)]));
    assert!(text.starts_with("guest: call `twice`: env.ask: the host answered"), "{text}");
}
