//! What the engine keeps after translating a function, and how it is made to give it back.
//!
//! wasmi 2.0.0 keeps the buffers of the largest function that it has translated, for the next one:
//! about eight times the function's size, 100 KB for a guest whose instances take 170 KB. Most
//! functions that are ever called are called soon, so this is memory for nothing. There is no call
//! to free it, but a translation that fails takes the buffers with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// `(module (func (export "f") i32.add))`: the operands are missing.
const INVALID: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\
    \x07\x05\x01\x01f\0\0\x0a\x05\x01\x03\0\x6a\x0b";

/// When the buffers of one engine are freed. Shared by all instances of a module.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers {
    /// How often guests stopped running. Not counted when code is translated otherwise than at
    /// its first call: then the small modules are the only ones.
    stops: Option<Arc<AtomicU64>>,
}

impl Buffers {
    /// Of an engine that checks and translates at the first call.
    pub(super) fn lazy() -> Self {
        Self { stops: Some(Arc::default()) }
    }

    /// A guest of `engine` has stopped. Frees after the 1st, 2nd, 4th, 8th ... stop: each time
    /// leaves one entry in the engine's list of functions, and new code gets rarer and rarer.
    pub(super) fn stopped(&self, engine: &wasmi::Engine) {
        if let Some(stops) = &self.stops
            && stops.fetch_add(1, Ordering::Relaxed).wrapping_add(1).is_power_of_two()
        {
            free(engine);
        }
    }
}

/// Each `Err` here is as good: nothing depends on it.
fn free(engine: &wasmi::Engine) {
    let Ok(module) = wasmi::Module::new(engine, INVALID) else { return };
    let mut store = wasmi::Store::new(engine, ());
    let Ok(instance) = wasmi::Instance::new(&mut store, &module, &[]) else { return };
    if let Some(func) = instance.get_func(&store, "f") {
        let _ = func.call(&mut store, &[], &mut []);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If it were valid, nothing would be freed and nobody would notice.
    #[test]
    fn the_function_is_called_and_not_translated() {
        let mut config = wasmi::Config::default();
        config.compilation_mode(wasmi::CompilationMode::Lazy);
        let engine = wasmi::Engine::new(&config);
        let module = wasmi::Module::new(&engine, INVALID).unwrap();
        let mut store = wasmi::Store::new(&engine, ());
        let instance = wasmi::Instance::new(&mut store, &module, &[]).unwrap();
        let func = instance.get_func(&store, "f").unwrap();
        let error = func.call(&mut store, &[], &mut []).unwrap_err().to_string();
        assert!(error.contains("type mismatch"), "{error}");
    }

    #[test]
    fn stops_are_counted_for_the_module_not_for_the_instance() {
        let (buffers, engine) = (Buffers::lazy(), wasmi::Engine::default());
        buffers.stopped(&engine);
        buffers.clone().stopped(&engine);
        assert_eq!(buffers.stops.unwrap().load(Ordering::Relaxed), 2);
    }
}
