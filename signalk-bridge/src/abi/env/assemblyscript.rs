//! What the compiler of AssemblyScript and its standard library import from `env`.
//!
//! Clause: plugin ABI 4.10. These functions take the guest's own strings, so
//! nothing is known of their class yet: they may be called while the module is
//! instantiated. Not here: `crypto.getRandomValuesN`, whose result is an object
//! of a class that only the guest knows; it traps as unknown imports do.

use std::sync::Arc;

use wasmi_hdk::{
    FuncType, GuestFault, HostCtx, HostFault, HostReturn, Imports, Level, LogLine, Val,
};

use crate::abi::adapt::{Args, result_f64, results, to_int32};
use crate::abi::assemblyscript::object;
use crate::abi::queue::{Queued, Shared};

/// Bytes of a string that goes to the log: 8 Ki units.
const LONGEST_LINE: u32 = 16 << 10;
/// Labels of `console.time`.
const MOST_TIMERS: usize = 100;

/// A function that cannot fail and whose result is no number.
type Say = fn(&mut HostCtx<'_>, &FuncType, &Args<'_>);

const SAY: &[(&str, Say)] = &[
    ("trace", trace),
    ("console.log", console_log),
    ("console.debug", |ctx, _, args| console(ctx, args, Level::Debug)),
    ("console.info", |ctx, _, args| console(ctx, args, Level::Info)),
    ("console.warn", |ctx, _, args| console(ctx, args, Level::Warn)),
    ("console.error", |ctx, _, args| console(ctx, args, Level::Error)),
    ("console.assert", console_assert),
    ("console.time", time),
    ("console.timeLog", |ctx, _, args| time_log(ctx, args, false)),
    ("console.timeEnd", |ctx, _, args| time_log(ctx, args, true)),
];

type Clock = fn(&mut HostCtx<'_>) -> f64;
type Unary = fn(f64) -> f64;
type Binary = fn(f64, f64) -> f64;

const CLOCKS: &[(&str, Clock)] = &[
    ("seed", random),
    ("Math.random", random),
    ("Date.now", |ctx| (ctx.platform().wall_clock().as_secs_f64() * 1000.0).floor()),
    ("performance.now", |ctx| ctx.platform().monotonic().as_secs_f64() * 1000.0),
];

const UNARY: &[(&str, Unary)] = &[
    ("Math.abs", f64::abs),
    ("Math.acos", f64::acos),
    ("Math.acosh", f64::acosh),
    ("Math.asin", f64::asin),
    ("Math.asinh", f64::asinh),
    ("Math.atan", f64::atan),
    ("Math.atanh", f64::atanh),
    ("Math.cbrt", f64::cbrt),
    ("Math.ceil", f64::ceil),
    ("Math.clz32", |x| to_int32(x).leading_zeros().into()),
    ("Math.cos", f64::cos),
    ("Math.cosh", f64::cosh),
    ("Math.exp", f64::exp),
    ("Math.expm1", f64::exp_m1),
    ("Math.floor", f64::floor),
    ("Math.fround", fround),
    ("Math.log", f64::ln),
    ("Math.log10", f64::log10),
    ("Math.log1p", f64::ln_1p),
    ("Math.log2", f64::log2),
    ("Math.round", round),
    ("Math.sign", |x| if x == 0.0 || x.is_nan() { x } else { x.signum() }),
    ("Math.sin", f64::sin),
    ("Math.sinh", f64::sinh),
    ("Math.sqrt", f64::sqrt),
    ("Math.tan", f64::tan),
    ("Math.tanh", f64::tanh),
    ("Math.trunc", f64::trunc),
];

const BINARY: &[(&str, Binary)] = &[
    ("Math.atan2", f64::atan2),
    ("Math.hypot", f64::hypot),
    ("Math.imul", |a, b| to_int32(a).wrapping_mul(to_int32(b)).into()),
    ("Math.max", |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }),
    ("Math.min", |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }),
    ("Math.pow", pow),
];

/// Offers them to guests.
pub(super) fn define(imports: &mut Imports) {
    imports.define("env", "abort", Arc::new(|ctx, _, args| Err(abort(ctx, &Args(args)))));
    let exit =
        |_: &mut HostCtx<'_>, _: &FuncType, args: &[Val]| Err(HostFault::Exit(Args(args).i32(0)));
    imports.define("env", "process.exit", Arc::new(exit));
    for &(name, say) in SAY {
        let said = move |ctx: &mut HostCtx<'_>, ty: &FuncType, args: &[Val]| {
            say(ctx, ty, &Args(args));
            Ok(HostReturn::Values(results(ty, 0)))
        };
        imports.define("env", name, Arc::new(said));
    }
    for &(name, clock) in CLOCKS {
        let read = move |ctx: &mut HostCtx<'_>, ty: &FuncType, _: &[Val]| {
            Ok(HostReturn::Values(result_f64(ty, clock(ctx))))
        };
        imports.define("env", name, Arc::new(read));
    }
    for &(name, of) in UNARY {
        let compute = move |_: &mut HostCtx<'_>, ty: &FuncType, args: &[Val]| {
            Ok(HostReturn::Values(result_f64(ty, of(Args(args).f64(0)))))
        };
        imports.define("env", name, Arc::new(compute));
    }
    for &(name, of) in BINARY {
        let compute = move |_: &mut HostCtx<'_>, ty: &FuncType, args: &[Val]| {
            let args = Args(args);
            Ok(HostReturn::Values(result_f64(ty, of(args.f64(0), args.f64(1)))))
        };
        imports.define("env", name, Arc::new(compute));
    }
}

/// A string as far as it can be read.
fn text(ctx: &mut HostCtx<'_>, string: u32) -> String {
    let text = object::text(&ctx.memory(), string, LONGEST_LINE);
    text.unwrap_or_else(|fault| counted(ctx, string, &fault))
}

/// What stands in the log instead of a text that is not there.
fn counted(ctx: &mut HostCtx<'_>, at: u32, fault: &GuestFault) -> String {
    if let Some(shared) = ctx.state::<Shared>() {
        shared.guest_faults += 1;
    }
    format!("(no string at {at}: {fault})")
}

fn abort(ctx: &mut HostCtx<'_>, args: &Args<'_>) -> HostFault {
    let (message, file) = (text(ctx, args.u32(0)), text(ctx, args.u32(1)));
    HostFault::Trap(format!("abort: {message} at {file}:{}:{}", args.u32(2), args.u32(3)))
}

fn line(ctx: &mut HostCtx<'_>, level: Level, text: String) {
    ctx.charge(u64::try_from(text.len() / 8).unwrap_or(0));
    if let Some(shared) = ctx.state::<Shared>() {
        let bytes = text.len();
        shared.push(Queued::Log(LogLine { level, text }), bytes);
    }
}

fn console(ctx: &mut HostCtx<'_>, args: &Args<'_>, level: Level) {
    let text = text(ctx, args.u32(0));
    line(ctx, level, text);
}

/// One parameter: a string. Two: UTF-8 at an address, as the reference server reads it.
fn console_log(ctx: &mut HostCtx<'_>, ty: &FuncType, args: &Args<'_>) {
    if ty.params.len() != 2 {
        return console(ctx, args, Level::Debug);
    }
    let at = args.u32(0);
    let memory = ctx.memory();
    let text = memory.read(at, args.u32(1)).map(|bytes| {
        let most = usize::try_from(LONGEST_LINE).unwrap_or(usize::MAX);
        String::from_utf8_lossy(bytes.get(..most).unwrap_or(bytes)).into_owned()
    });
    let text = text.unwrap_or_else(|fault| counted(ctx, at, &fault));
    line(ctx, Level::Debug, text);
}

fn console_assert(ctx: &mut HostCtx<'_>, _: &FuncType, args: &Args<'_>) {
    if args.i32(0) == 0 {
        let message = text(ctx, args.u32(1));
        line(ctx, Level::Error, format!("Assertion failed: {message}"));
    }
}

fn trace(ctx: &mut HostCtx<'_>, _: &FuncType, args: &Args<'_>) {
    let mut message = text(ctx, args.u32(0));
    let numbers = usize::try_from(args.i32(1)).unwrap_or(0).min(5);
    for index in 0..numbers {
        message.push_str(&format!(" {}", args.f64(2 + index)));
    }
    line(ctx, Level::Debug, message);
}

fn time(ctx: &mut HostCtx<'_>, _: &FuncType, args: &Args<'_>) {
    let label = text(ctx, args.u32(0));
    let now = ctx.platform().monotonic();
    if let Some(shared) = ctx.state::<Shared>()
        && shared.timers.len() < MOST_TIMERS
    {
        shared.timers.insert(label, now);
    }
}

fn time_log(ctx: &mut HostCtx<'_>, args: &Args<'_>, ends: bool) {
    let label = text(ctx, args.u32(0));
    let now = ctx.platform().monotonic();
    let Some(shared) = ctx.state::<Shared>() else { return };
    let began =
        if ends { shared.timers.remove(&label) } else { shared.timers.get(&label).copied() };
    if let Some(began) = began {
        let ms = now.saturating_sub(began).as_secs_f64() * 1000.0;
        line(ctx, Level::Debug, format!("{label}: {ms:.3}ms"));
    }
}

/// 53 random bits, from 0 to below 1.
fn random(ctx: &mut HostCtx<'_>) -> f64 {
    let mut bytes = [0; 8];
    ctx.platform().fill_random(&mut bytes);
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
    let number = (u64::from_le_bytes(bytes) >> 11) as f64;
    number / 9_007_199_254_740_992.0
}

fn fround(x: f64) -> f64 {
    #[allow(clippy::cast_possible_truncation, reason = "what the function is for")]
    let narrow = x as f32;
    narrow.into()
}

/// Halves go up, and what becomes zero keeps its sign.
fn round(x: f64) -> f64 {
    let floor = x.floor();
    let rounded = if x - floor >= 0.5 { floor + 1.0 } else { floor };
    if rounded == 0.0 { rounded.copysign(x) } else { rounded }
}

/// Where JavaScript has no number, C has 1.
fn pow(base: f64, exponent: f64) -> f64 {
    if exponent.is_nan() || (base.abs() == 1.0 && exponent.is_infinite()) {
        f64::NAN
    } else {
        base.powf(exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_javascript() {
        let rounded: Vec<f64> =
            [2.5, -2.5, 0.499_999_999_999_999_94, -0.2].into_iter().map(round).collect();
        assert_eq!(rounded, [3.0, -2.0, 0.0, -0.0]);
        assert!(round(-0.2).is_sign_negative());
        assert!(pow(1.0, f64::INFINITY).is_nan() && pow(1.0, f64::NAN).is_nan());
        assert_eq!(pow(f64::NAN, 0.0), 1.0);
        assert_eq!(fround(1.1), 1.100_000_023_841_858);
    }
}
