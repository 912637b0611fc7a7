//! A short call that finishes at once, also while another one rests.

use super::Instance;
use crate::engine::{EngineFault, Func};
use crate::error::CallError;
use crate::val::Val;
use crate::vals::Vals;

impl Instance {
    /// Makes a short call that finishes within `fuel` or fails, also while another call is
    /// suspended: `allocate`, `__new`. It may not wait. As the first call of all it runs the
    /// start section and `_initialize` by the same rules: better make another call before it.
    ///
    /// # Errors
    ///
    /// As [`Instance::begin`]; and when the call waits, runs out of fuel or faults, which ends
    /// the guest.
    pub fn call_now(&mut self, export: &str, args: &[Val], fuel: u64) -> Result<Vals, CallError> {
        if self.has_ended() {
            return Err(CallError::Ended {
                plugin: self.name.to_string(),
                call: export.to_owned(),
            });
        }
        let func = self.find(export, args)?.func;
        for found in self.first(export) {
            self.nested(&found.func, &found.name, &[], fuel)?;
        }
        self.nested(&func, export, args, fuel)
    }

    fn nested(
        &mut self,
        func: &Func,
        export: &str,
        args: &[Val],
        fuel: u64,
    ) -> Result<Vals, CallError> {
        let before = self.guest.fuel_used();
        let result = self.guest.nested(func, args, fuel);
        let used = self.guest.fuel_used().saturating_sub(before);
        let now = self.guest.state().platform.monotonic();
        self.purse.spend(now, used);
        let fault = match result {
            Ok(values) => return Ok(values),
            Err(fault) => fault,
        };
        let plugin = self.name.to_string();
        let error = match fault {
            EngineFault::Fuel => {
                CallError::NestedFuel { plugin, export: export.to_owned(), limit: fuel }
            }
            EngineFault::WouldWait => CallError::WouldWait { plugin, export: export.to_owned() },
            fault => {
                let outer = std::mem::replace(&mut self.call, export.into());
                let fault = self.describe(fault);
                self.call = outer;
                CallError::Fault(fault)
            }
        };
        // Whatever it was doing is half done.
        self.end();
        Err(error)
    }
}
