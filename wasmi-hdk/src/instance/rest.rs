//! What does a call that rests wait for, and may it go on?
//!
//! A call that waits is a value inside the engine; what it waits for is
//! [`GuestState::pending`](crate::state::GuestState::pending).

use std::time::Duration;

use super::budget::Burst;
use super::{Instance, State, Step};
use crate::engine::{EngineFault, Stop, caught, fits};
use crate::error::CallError;
use crate::state::Pending;
use crate::val::Val;
use crate::wasi::WasiResult;

impl Instance {
    /// Answers the host function that said [`HostReturn::Suspend`](crate::HostReturn::Suspend);
    /// [`Instance::run`] goes on.
    ///
    /// # Errors
    ///
    /// When no host function waits, or the values are not of the types the guest declares.
    pub fn resume(&mut self, values: &[Val]) -> Result<(), CallError> {
        let plugin = || self.name.to_string();
        let Some(Pending::Host { import, values: None, .. }) = self.guest.state().pending else {
            return Err(CallError::NothingSuspended { plugin: plugin() });
        };
        let entry = self.guest.links().entries().get(import);
        if let Some(entry) = entry.filter(|entry| !fits(values, &entry.ty.results)) {
            return Err(CallError::Results {
                plugin: plugin(),
                import: format!("{}.{}", entry.module, entry.name),
                expected: entry.ty.clone(),
            });
        }
        if let Some(Pending::Host { values: slot, .. }) = &mut self.guest.state_mut().pending {
            *slot = Some(values.into());
        }
        Ok(())
    }

    /// The guest waits. To wait for a time that is past is no rest: it gives others a turn,
    /// and the budget of the call goes on.
    pub(super) fn rest(&mut self, now: Duration, step: Step) -> Step {
        match step {
            Step::Waiting { until: Some(until), .. } if until <= now => match self.overrun() {
                Some(fault) => self.fail(fault),
                None => step,
            },
            step => {
                self.burst = Burst::default();
                self.guest.state_mut().wasi.forget_panic();
                step
            }
        }
    }

    /// A suspended call goes on if what it waits for is there.
    pub(super) fn wake(&mut self, now: Duration, fuel: u64) -> Result<Stop, Step> {
        let (bytes, state) = self.guest.memory_and_state();
        let Some(pending) = state.pending.take() else {
            return Ok(Stop::OutOfFuel);
        };
        let rest = |this: &mut Self, pending, step| {
            this.guest.state_mut().pending = Some(pending);
            this.state = State::Suspended;
            Err(step)
        };
        match pending {
            Pending::Host { values: Some(values), .. } => Ok(self.guest.answer(&values, fuel)),
            Pending::Host { import, payload, values: None } => {
                let pending = Pending::Host { import, payload, values: None };
                rest(self, pending, Step::Waiting { stdin: false, until: None })
            }
            Pending::Wasi { call, args, wait } => {
                let ready = (wait.stdin && state.wasi.stdin_ready())
                    || wait.until.is_some_and(|until| until <= now);
                if !ready {
                    let step = Step::Waiting { stdin: wait.stdin, until: wait.until };
                    return rest(self, Pending::Wasi { call, args, wait }, step);
                }
                let result = caught(|| state.call_wasi(call, bytes, &args));
                let charge = state.take_charge();
                let paid = charge.min(fuel.saturating_sub(1));
                state.owe(charge - paid);
                self.guest.spend(charge);
                match result {
                    Err(text) => {
                        let text = format!("{}: {text}", call.name);
                        Ok(Stop::Fault(EngineFault::Trap(text)))
                    }
                    Ok(WasiResult::Errno(errno)) => {
                        let answer = [Val::I32(errno.number())];
                        Ok(self.guest.answer(&answer, fuel - paid))
                    }
                    Ok(WasiResult::Exit(code)) => Ok(Stop::Fault(EngineFault::Exit(code))),
                    Ok(WasiResult::Suspend(wait)) => {
                        let step = Step::Waiting { stdin: wait.stdin, until: wait.until };
                        rest(self, Pending::Wasi { call, args, wait }, step)
                    }
                }
            }
        }
    }
}
