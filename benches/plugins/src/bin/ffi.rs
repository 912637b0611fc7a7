//! A2 for guests of the buffer ABI: what one call of the host costs, with a text in and a text out.
//!
//! `ffi at-once|rests TIMES`: the host answers inside the call, or the call rests and goes on in
//! the next slice. Instructions by `valgrind --tool=callgrind`, as README.md says.

use std::sync::Arc;
use std::time::Instant;

use bench_plugins::{Real, limits};
use wasmi_hdk::{
    Engine, HostCtx, HostFault, HostReturn, Imports, Instance, InstanceConfig, Module, Step, Val,
};

/// Calls `echo(ptr, len, out, max) -> len` so many times, and answers the sum of the lengths.
const GUEST: &str = r#"(module
    (import "env" "echo" (func $echo (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "{\"path\":\"navigation.speedOverGround\",\"value\":3.85}")
    (func (export "calls") (param $left i32) (result i32) (local $sum i32)
        (loop $again
            (local.set $sum (i32.add (local.get $sum)
                (call $echo (i32.const 16) (i32.const 50) (i32.const 1024) (i32.const 256))))
            (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        (local.get $sum)))"#;

/// What a call that rests gives out: where its answer goes, and the text.
struct Resting {
    out: u32,
    text: String,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [how, times] = args.as_slice() else { return eprintln!("ffi at-once|rests TIMES") };
    let times: i32 = times.parse().expect("a number");
    let mut imports = Imports::new();
    match how.as_str() {
        "at-once" => imports.define("env", "echo", Arc::new(at_once)),
        _ => imports.define("env", "echo", Arc::new(rests)),
    }
    let bytes = wat::parse_str(GUEST).expect("a module");
    let limits = limits();
    let module = Module::load(&Engine::new(), "ffi", &bytes, &limits).expect("loads");
    let config = InstanceConfig::new(Arc::new(Real::default()));
    let config = InstanceConfig { limits, imports: imports.into(), ..config };
    let mut instance = Instance::new(&module, config).expect("starts");
    // Once before: translation is no part of a call.
    calls(&mut instance, 1);
    let begun = Instant::now();
    calls(&mut instance, times);
    let each = begun.elapsed().as_secs_f64() * 1e6 / f64::from(times);
    println!("a call that is answered {how}: {each:.3} us, of {times}");
}

fn calls(instance: &mut Instance, times: i32) {
    instance.begin("calls", &[Val::I32(times)]).expect("begins");
    let slice = instance.limits().slice_fuel;
    loop {
        match instance.run(slice) {
            Step::Yielded => {}
            Step::HostCall(payload) => {
                let resting = payload.downcast::<Resting>().expect("ours");
                let bytes = resting.text.as_bytes();
                instance.memory().write(resting.out, bytes).expect("inside");
                let length = i32::try_from(bytes.len()).expect("short");
                instance.resume(&[Val::I32(length)]).expect("goes on");
            }
            Step::Finished(values) => {
                return assert_eq!(values.first(), Some(&Val::I32(times.wrapping_mul(50))));
            }
            other => panic!("{other:?}"),
        }
    }
}

fn at_once(
    ctx: &mut HostCtx<'_>,
    _: &wasmi_hdk::FuncType,
    args: &[Val],
) -> Result<HostReturn, HostFault> {
    let Resting { out, text } = asked(ctx, args);
    ctx.memory().write(out, text.as_bytes())?;
    Ok(HostReturn::one(i32::try_from(text.len()).expect("short")))
}

fn rests(
    ctx: &mut HostCtx<'_>,
    _: &wasmi_hdk::FuncType,
    args: &[Val],
) -> Result<HostReturn, HostFault> {
    Ok(HostReturn::Suspend(Box::new(asked(ctx, args))))
}

/// The text is copied and checked, as the calls of the buffer ABI do.
fn asked(ctx: &mut HostCtx<'_>, args: &[Val]) -> Resting {
    let [Val::I32(ptr), Val::I32(len), Val::I32(out), Val::I32(_)] = args else {
        panic!("{args:?}")
    };
    let memory = ctx.memory();
    let text = memory.read_str(ptr.cast_unsigned(), len.cast_unsigned()).expect("a text inside");
    Resting { out: out.cast_unsigned(), text: text.to_owned() }
}
