//! One test for each trap of wasmi 2.0.0 that once ended a host or a plugin. The numbers are
//! those of the list in which they were found; each test fails if its cure is taken away.
//! README.md says where the traps are tested that are not here.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::{call, config, drive, fault, instance, load, module, one};
use wasmi_hdk::{
    CallError, Compile, Engine, Fault, HostReturn, Imports, Instance, Limits, LoadError, Module,
    Run, Step, Val,
};

/// A module of `count` functions that call each other in a row, so that each is translated
/// in the middle of a slice.
fn chain(count: u32) -> Vec<u8> {
    let mut text = String::from("(module ");
    for i in 0..count {
        let body = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(20);
        let next = if i + 1 < count {
            format!("(call $f{} (local.get 0))", i + 1)
        } else {
            "(local.get 0)".into()
        };
        text += &format!("(func $f{i} (param i32) (result i32) {body} {next})");
    }
    text += r#"(export "run" (func $f0)))"#;
    wat::parse_str(text).unwrap()
}

#[test]
fn trap_01_translation_in_the_middle_of_a_slice_loses_no_call() {
    let bytes = chain(300);
    let mut fuel = Vec::new();
    for compile in [Compile::Checked, Compile::Lazy, Compile::Eager, Compile::BySize] {
        for slice in [10, 100, 1_000_000] {
            let engine = Engine::new().with_compile(compile);
            let module = Module::load(&engine, "chain", &bytes, &Limits::default()).unwrap();
            let mut guest = Instance::new(&module, config()).unwrap();
            guest.begin("run", &[Val::I32(0)]).unwrap();
            assert_eq!(one(drive(&mut guest, slice)), Val::I32(6000), "{compile:?} {slice}");
            fuel.push(guest.stats().fuel_used);
        }
    }
    assert!(fuel.windows(2).all(|pair| pair[0] == pair[1]), "{fuel:?}");
}

/// Runs on a thread with the stack that Rust gives to threads.
#[cfg(not(target_family = "wasm"))]
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}

/// Here the stack is what the engine around us gives.
#[cfg(target_family = "wasm")]
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    work();
}

const GROW: &str = r#"(module (memory (export "memory") 1 4) (table $t 1 8 funcref)
  (func (export "memory_grow") (param $n i32) (result i32)
    (loop $again
      (drop (memory.grow (i32.const 1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (memory.size))
  (func (export "memory_grow_0") (param $n i32) (result i32)
    (loop $again
      (drop (memory.grow (i32.const 0)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (memory.size))
  (func (export "table_grow") (param $n i32) (result i32)
    (loop $again
      (drop (table.grow $t (ref.null func) (i32.const 1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (table.size $t)))"#;

#[test]
fn trap_02_growing_two_million_times_does_not_overflow_the_native_stack() {
    for (export, size) in [("memory_grow", 4), ("memory_grow_0", 1), ("table_grow", 8)] {
        on_a_small_stack(move || {
            let mut guest = instance(GROW);
            guest.begin(export, &[Val::I32(2_000_000)]).unwrap();
            // More than a slice may be, as a careless embedder would ask.
            assert_eq!(one(drive(&mut guest, u64::MAX)), Val::I32(size), "{export}");
        });
    }
}

#[test]
fn trap_02_nested_calls_are_sliced_too() {
    on_a_small_stack(|| {
        let mut guest = instance(GROW);
        let sizes = guest.call_now("memory_grow", &[Val::I32(200_000)], u64::MAX).unwrap();
        assert_eq!(sizes, [Val::I32(4)]);
        let error = guest.call_now("memory_grow", &[Val::I32(200_000)], 1_000_000).unwrap_err();
        assert!(matches!(error, CallError::NestedFuel { limit: 1_000_000, .. }), "{error}");
    });
}

#[test]
fn trap_02b_table_grow_at_the_end_of_a_slice_is_a_fault_not_a_wrong_result() {
    // `table.grow` of 64 elements costs 8 fuel on top; some slice ends just there. wasmi then
    // goes on somewhere else, so the call must end. A `memory.grow` goes on in its place.
    let guest_of = |grow: &str| {
        format!(
            r#"(module (memory 1) (table $t 0 100000 funcref) (global $n (mut i32) (i32.const 0))
             (func (export "run") (param $n i32) (result i32)
               (loop $again
                 (global.set $n (i32.add (global.get $n) (i32.const 1)))
                 (drop {grow})
                 (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
               (global.get $n)))"#
        )
    };
    let mut ended = 0;
    for slice in 250..350 {
        let mut guest = instance(&guest_of("(table.grow $t (ref.null func) (i32.const 64))"));
        guest.begin("run", &[Val::I32(50)]).unwrap();
        match drive(&mut guest, slice) {
            Step::Finished(values) => assert_eq!(values, [Val::I32(50)], "slice {slice}"),
            step => {
                assert!(fault(step).contains("`table.grow` of many elements met the end"));
                ended += 1;
            }
        }
        let mut guest = instance(&guest_of("(memory.grow (i32.const 1))"));
        guest.begin("run", &[Val::I32(50)]).unwrap();
        assert_eq!(one(drive(&mut guest, slice)), Val::I32(50), "slice {slice}");
    }
    assert!(ended > 0, "wasmi has changed: look at Limiter::table_grow_failed again");
}

#[test]
fn trap_04_a_module_with_thousands_of_data_segments_loads() {
    let segments: String = (0..5000).map(|i| format!("(data (i32.const {i}) \"x\")")).collect();
    let text = format!(
        r#"(module (memory (export "memory") 1) {segments}
           (func (export "last") (result i32) (i32.load8_u (i32.const 4999))))"#
    );
    let mut guest = instance(&text);
    assert_eq!(one(call(&mut guest, "last", &[])), Val::I32(i32::from(b'x')));
    let strict = Limits { data_segments: 1000, ..Limits::default() };
    assert_eq!(
        load(&text, &strict).unwrap_err().to_string(),
        "guest: the number of data segments is 5000, the limit is 1000; let the linker merge them"
    );
}

#[test]
fn trap_05_a_host_function_cannot_call_back_into_the_guest() {
    // A host function gets no way to call an export: what it wants to call, it suspends for.
    // Then the calls stand side by side and the native stack does not grow.
    let text = r#"(module (import "env" "again" (func $again (param i32) (result i32)))
      (func (export "down") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
          (else (call $again (i32.sub (local.get 0) (i32.const 1)))))))"#;
    let mut imports = Imports::new();
    imports.define(
        "env",
        "again",
        Arc::new(|_, _, args| Ok(HostReturn::Suspend(Box::new(args[0].i32())))),
    );
    let mut config = config();
    config.imports = Arc::new(imports);
    let mut guest = Instance::new(&module(text), config).unwrap();
    guest.begin("down", &[Val::I32(3)]).unwrap();
    assert!(matches!(guest.run(1000), Step::HostCall(_)));
    // The nested call wants to suspend as well, which would be the recursion.
    let error = guest.call_now("down", &[Val::I32(2)], 1000).unwrap_err();
    assert_eq!(
        error.to_string(),
        "guest: `down` waits for the host, but a nested call must finish at once"
    );
}

const RECURSE: &str = r#"(module (func $down (export "down") (param i32) (result i32)
  (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
    (else (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))))))"#;

#[test]
fn trap_06_recursion_is_deep_enough_for_go_and_ends_with_a_name() {
    let mut guest = instance(RECURSE);
    assert_eq!(one(call(&mut guest, "down", &[Val::I32(19_000)])), Val::I32(19_000));
    assert_eq!(
        fault(call(&mut guest, "down", &[Val::I32(i32::MAX)])),
        "guest: call `down` recursed too deep: the limits are 20000 calls inside each other and 8388608 bytes of stack; recurse less deep"
    );
    let shallow = load(RECURSE, &Limits { recursion: 50, ..Limits::default() }).unwrap();
    let mut guest = Instance::new(&shallow, config()).unwrap();
    assert!(fault(call(&mut guest, "down", &[Val::I32(60)])).contains("recursed too deep"));
    let narrow = load(RECURSE, &Limits { stack_bytes: 0, ..Limits::default() }).unwrap();
    let mut guest = Instance::new(&narrow, config()).unwrap();
    assert!(fault(call(&mut guest, "down", &[Val::I32(5000)])).contains("recursed too deep"));
}

#[test]
fn trap_07_a_start_section_that_loops_is_sliced_and_ended_by_the_budget_of_a_call() {
    let text = r#"(module (func $spin (loop $again (br $again))) (start $spin)
                          (func (export "_initialize")) (func (export "run")))"#;
    let mut config = config();
    config.limits.call_fuel = Some(5_000_000);
    let mut guest = Instance::new(&module(text), config).unwrap();
    guest.begin("run", &[]).unwrap();
    let text = fault(drive(&mut guest, 1_000_000));
    assert!(text.starts_with("guest: call `(start)` used"), "{text}");
}

#[test]
fn trap_07_an_initialize_that_loops_is_sliced_and_ended_by_the_budget_of_a_call() {
    let text = r#"(module (func (export "_initialize") (loop $again (br $again)))
                          (func (export "run")))"#;
    let mut config = config();
    config.limits.call_fuel = Some(5_000_000);
    let mut guest = Instance::new(&module(text), config).unwrap();
    guest.begin("run", &[]).unwrap();
    let text = fault(drive(&mut guest, 1_000_000));
    assert!(text.starts_with("guest: call `_initialize` used"), "{text}");
}

#[test]
fn trap_08_memory_is_bounded_at_start_and_when_it_grows() {
    let error = load("(module (memory 65536))", &Limits::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "guest: the memory asked for at start is 4294967296, the limit is 268435456; \
         ask for less memory at start"
    );
    let text = r#"(module (memory (export "memory") 1)
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "give_up") (if (i32.eq (memory.grow (i32.const 60000)) (i32.const -1))
        (then unreachable))))"#;
    let mut guest = instance(text);
    // To the limit, then one page more.
    assert_eq!(one(call(&mut guest, "grow", &[Val::I32(4095)])), Val::I32(1));
    assert_eq!(one(call(&mut guest, "grow", &[Val::I32(1)])), Val::I32(-1));
    assert_eq!(guest.stats().memory_bytes, 256 << 20);
    assert_eq!(
        fault(call(&mut guest, "give_up", &[])),
        "guest: call `give_up` asked for 4200595456 bytes of memory, the limit is \
         268435456; keep less in memory"
    );
    let error = load("(module (memory 1) (memory 1))", &Limits::default());
    let refused = match error {
        Err(_) => true,
        Ok(module) => Instance::new(&module, config()).is_err(),
    };
    assert!(refused, "the limit is per memory, so there is one");
}

#[test]
fn trap_08_tables_are_bounded_in_size_and_number() {
    let text = r#"(module (table $t 1 funcref)
      (func (export "grow") (param i32) (result i32)
        (table.grow $t (ref.null func) (local.get 0))))"#;
    let mut guest = instance(text);
    assert_eq!(one(call(&mut guest, "grow", &[Val::I32(99_999)])), Val::I32(1));
    assert_eq!(one(call(&mut guest, "grow", &[Val::I32(1)])), Val::I32(-1));
    let error = load("(module (table 1000000 funcref))", &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("the elements of a table at start is"), "{error}");
    let tables = "(table 1 funcref)".repeat(9);
    let module = module(&format!("(module {tables})"));
    assert!(matches!(Instance::new(&module, config()), Err(LoadError::Start { .. })));
}

#[test]
fn trap_09_one_operation_that_needs_more_than_a_slice_goes_on() {
    let text = r#"(module (memory (export "memory") 1)
      (func (export "fill") (param i32) (result i32)
        (drop (memory.grow (i32.const 1600)))
        (memory.fill (i32.const 0) (local.get 0) (i32.const 104857600))
        (i32.load8_u (i32.const 104857599))))"#;
    for slice in [1, 1000, 1_000_000] {
        let mut guest = instance(text);
        guest.begin("fill", &[Val::I32(7)]).unwrap();
        assert_eq!(one(drive(&mut guest, slice)), Val::I32(7), "{slice}");
        assert!(guest.stats().fuel_used >= 2 * 104_857_600 / 64);
    }
}

#[test]
fn trap_10_fuel_is_the_brake_and_the_fault_names_the_call() {
    let text = r#"(module (func (export "spin") (loop $again (br $again))))"#;
    let mut config = config();
    config.limits.call_fuel = Some(10_000_000);
    let mut guest = Instance::new(&module(text), config).unwrap();
    let step = call(&mut guest, "spin", &[]);
    let Step::Failed(Fault::OutOfFuel { plugin, call, used, limit }) = step else { panic!() };
    assert_eq!((plugin.as_str(), call.as_str(), limit), ("guest", "spin", 10_000_000));
    assert!(used > limit && used <= limit + 100_000, "{used}");
}

#[test]
fn trap_11_a_second_call_waits_for_the_end_of_the_first() {
    let text = r#"(module (import "env" "wait" (func $wait)) (func (export "a") (call $wait)))"#;
    let mut imports = Imports::new();
    imports.define("env", "wait", Arc::new(|_, _, _| Ok(HostReturn::Suspend(Box::new(())))));
    let mut config = config();
    config.imports = Arc::new(imports);
    let mut guest = Instance::new(&module(text), config).unwrap();
    guest.begin("a", &[]).unwrap();
    assert!(matches!(guest.run(1000), Step::HostCall(_)));
    let error = guest.begin("a", &[]).unwrap_err();
    assert_eq!(error.to_string(), "guest: `a` cannot begin: `a` is not finished");
    guest.resume(&[]).unwrap();
    assert!(matches!(guest.run(1000), Step::Finished(_)));
}

#[test]
fn trap_12_wrong_values_for_resume_do_not_lose_the_call() {
    let text = r#"(module (import "env" "ask" (func $ask (result i64)))
                          (func (export "a") (result i64) (call $ask)))"#;
    let mut imports = Imports::new();
    imports.define("env", "ask", Arc::new(|_, _, _| Ok(HostReturn::Suspend(Box::new(())))));
    let mut config = config();
    config.imports = Arc::new(imports);
    let mut guest = Instance::new(&module(text), config).unwrap();
    guest.begin("a", &[]).unwrap();
    guest.run(1000);
    for wrong in [&[][..], &[Val::I32(1)], &[Val::I64(1), Val::I64(1)]] {
        let error = guest.resume(wrong).unwrap_err();
        let text = "guest: env.ask gives () -> (i64): the values given do not fit";
        assert_eq!(error.to_string(), text);
    }
    guest.resume(&[Val::I64(5)]).unwrap();
    assert_eq!(one(guest.run(1000)), Val::I64(5));
}

#[test]
fn trap_12_a_run_travels_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let mut guest = Box::new(instance(RECURSE));
    guest.begin("down", &[Val::I32(10_000)]).unwrap();
    let mut rounds = 0;
    loop {
        let run = Run::new(guest);
        is_send(&run);
        #[cfg(not(target_family = "wasm"))]
        let ran = std::thread::spawn(move || run.execute()).join().unwrap();
        #[cfg(target_family = "wasm")]
        let ran = run.execute();
        rounds += 1;
        match ran.step {
            Step::Yielded => guest = ran.instance,
            step => {
                assert_eq!(one(step), Val::I32(10_000));
                break;
            }
        }
    }
    assert!(rounds >= 1);
}

// Where panics do not unwind, nothing can be caught.
#[cfg(panic = "unwind")]
#[test]
fn trap_14_a_panic_in_a_host_function_ends_the_guest_only() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let text = r#"(module (import "env" "boom" (func $boom)) (func (export "a") (call $boom)))"#;
    let mut imports = Imports::new();
    imports.define(
        "env",
        "boom",
        Arc::new(|_, _, args| {
            CALLS.fetch_add(1, Ordering::Relaxed);
            let none: Option<&Val> = args.first();
            Ok(HostReturn::one(none.unwrap().i32().unwrap()))
        }),
    );
    let mut config = config();
    config.imports = Arc::new(imports);
    let mut guest = Instance::new(&module(text), config).unwrap();
    let text = fault(call(&mut guest, "a", &[]));
    assert!(text.starts_with("guest: call `a`: env.boom: the host function panicked:"), "{text}");
    assert!(matches!(guest.begin("a", &[]), Err(CallError::Ended { .. })));
    assert_eq!(CALLS.load(Ordering::Relaxed), 1);
}

#[test]
fn trap_15_a_guest_loop_does_not_overflow_the_native_stack_in_this_profile() {
    on_a_small_stack(|| {
        let text = r#"(module (func (export "count") (param $n i32) (result i32) (local $i i32)
          (loop $again
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
          (local.get $i)))"#;
        let mut guest = instance(text);
        guest.begin("count", &[Val::I32(1_000_000)]).unwrap();
        assert_eq!(one(drive(&mut guest, 1_000_000)), Val::I32(1_000_000));
    });
}

#[test]
fn trap_17_instances_share_one_module() {
    let module = module(RECURSE);
    let many: Vec<_> = (0..100).map(|_| Instance::new(&module, config()).unwrap()).collect();
    for mut guest in many {
        assert_eq!(one(call(&mut guest, "down", &[Val::I32(3)])), Val::I32(3));
    }
}
