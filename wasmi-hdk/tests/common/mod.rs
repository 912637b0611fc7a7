//! What the tests share: guests written inline and a world that stands still.

// Each test file uses some of it.
#![allow(dead_code, unreachable_pub, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use wasmi_hdk::{
    Engine, FixedPlatform, Instance, InstanceConfig, Limits, LoadError, Module, Step, Val,
};

/// A module out of text.
pub fn module(text: &str) -> Module {
    load(text, &Limits::default()).expect("the module is good")
}

/// A module out of text, which may be refused.
pub fn load(text: &str, limits: &Limits) -> Result<Module, LoadError> {
    let bytes = wat::parse_str(text).expect("the text is good");
    Module::load(&Engine::new(), "guest", &bytes, limits)
}

/// A configuration with no throttle and a world that stands still.
pub fn config() -> InstanceConfig {
    InstanceConfig {
        limits: Limits { fuel_per_second: None, ..Limits::default() },
        ..InstanceConfig::new(Arc::new(FixedPlatform::default()))
    }
}

/// A living guest.
pub fn instance(text: &str) -> Instance {
    Instance::new(&module(text), config()).expect("the guest starts")
}

/// Runs slices of `fuel` until the call stops by itself.
pub fn drive(instance: &mut Instance, fuel: u64) -> Step {
    loop {
        match instance.run(fuel) {
            Step::Yielded => {}
            step => return step,
        }
    }
}

/// Calls and runs to the end.
pub fn call(instance: &mut Instance, export: &str, args: &[Val]) -> Step {
    instance.begin(export, args).expect("the call begins");
    drive(instance, 100_000)
}

/// The only result of a finished call.
pub fn one(step: Step) -> Val {
    match step {
        Step::Finished(values) => match values[..] {
            [value] => value,
            _ => panic!("{values:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// The text of a failed call.
pub fn fault(step: Step) -> String {
    match step {
        Step::Failed(fault) => fault.to_string(),
        other => panic!("{other:?}"),
    }
}
