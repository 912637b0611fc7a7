//! One instance inside the engine: enter a function, go on after a slice, answer a host call.
//!
//! Fuel only goes in here in portions of a slice; who pays, and when a guest has had enough,
//! is decided by `instance.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::buffers::Buffers;
use super::fault::fault;
use super::limiter::Limiter;
use super::link::{self, Links, Signal};
use super::{EngineFault, Prepared, func_type, lift, lower, panic_message};
use crate::guest_memory::GuestMemory;
use crate::imports::Imports;
use crate::limits::{Limits, MAX_SLICE_FUEL};
use crate::state::GuestState;
use crate::val::{FuncType, Val, ValType};
use crate::vals::Vals;

/// What the engine carries for the guest.
pub(super) struct Data {
    pub(super) memory: Option<wasmi::Memory>,
    pub(super) links: Arc<Links>,
    pub(super) guest: GuestState,
    pub(super) limiter: Limiter,
}

pub(crate) struct Guest {
    store: wasmi::Store<Data>,
    instance: wasmi::Instance,
    resting: Option<Resting>,
    results: Vec<wasmi::Val>,
    used: u64,
    buffers: Buffers,
}

/// A function of the guest.
#[derive(Clone)]
pub(crate) struct Func {
    func: wasmi::Func,
    pub(crate) ty: Arc<FuncType>,
}

enum Resting {
    OutOfFuel(wasmi::ResumableCallOutOfFuel),
    HostCall(wasmi::ResumableCallHostTrap),
}

/// Why the guest does not run any more.
pub(crate) enum Stop {
    Finished,
    OutOfFuel,
    /// What it waits for is in [`GuestState::pending`].
    Suspended,
    Fault(EngineFault),
}

impl Guest {
    pub(crate) fn start(
        prepared: &Prepared,
        guest: GuestState,
        host: &Imports,
        limits: &Limits,
    ) -> Result<Self, EngineFault> {
        let compiled = &prepared.compiled;
        let imports_memory = compiled.module.imports().any(|import| import.ty().memory().is_some());
        let data = Data {
            memory: None,
            links: prepared.links.clone(),
            guest,
            limiter: Limiter::new(limits, imports_memory),
        };
        let mut store = wasmi::Store::new(&compiled.engine, data);
        store.limiter(|data| &mut data.limiter);
        // No code of the guest runs here: `module.rs` took its start section out.
        let fuel = MAX_SLICE_FUEL;
        // Cannot fail: fuel metering is on.
        let _ = store.set_fuel(fuel);
        let started = guarded(|| {
            let mut externs = Vec::new();
            for (index, import) in compiled.module.imports().enumerate() {
                match import.ty() {
                    wasmi::ExternType::Func(ty) => {
                        let way = prepared.links.way(index, host);
                        externs.push(wasmi::Extern::Func(link::function(&mut store, ty, way)));
                    }
                    wasmi::ExternType::Memory(ty) => {
                        let memory = wasmi::Memory::new(&mut store, *ty)?;
                        // A guest that imports its memory need not export it.
                        store.data_mut().memory.get_or_insert(memory);
                        externs.push(wasmi::Extern::Memory(memory));
                    }
                    // `Links::prepare` refused these.
                    wasmi::ExternType::Table(_) | wasmi::ExternType::Global(_) => {}
                }
            }
            wasmi::Instance::new(&mut store, &compiled.module, &externs)
        });
        match started {
            Ok(Ok(instance)) => {
                if let Some(memory) = instance.get_memory(&store, "memory") {
                    store.data_mut().memory = Some(memory);
                }
                let used = fuel.saturating_sub(store.get_fuel().unwrap_or(0));
                let (results, buffers) = (Vec::new(), compiled.buffers.clone());
                Ok(Self { store, instance, resting: None, results, used, buffers })
            }
            Ok(Err(error)) => Err(fault(&error, store.data())),
            Err(fault) => Err(fault),
        }
    }

    pub(crate) fn func(&self, name: &str) -> Option<Func> {
        let func = self.instance.get_func(&self.store, name)?;
        let ty = Arc::new(func_type(&func.ty(&self.store)));
        Some(Func { func, ty })
    }

    /// Begins a call. The arguments fit, and no other call rests.
    pub(crate) fn enter(&mut self, func: &Func, args: &[Val], fuel: u64) -> Stop {
        self.store.data_mut().limiter.denied = None;
        self.results.clear();
        self.results.resize(func.ty.results.len(), wasmi::Val::I32(0));
        self.slice(fuel, |store, results| {
            with_lowered(args, |args| func.func.call_resumable(store, args, results))
        })
    }

    /// Goes on after [`Stop::OutOfFuel`].
    pub(crate) fn go_on(&mut self, fuel: u64) -> Stop {
        match self.resting.take() {
            Some(Resting::OutOfFuel(call)) => {
                // One operation may need more than a slice has (`memory.fill` of many bytes).
                let fuel = fuel.max(call.required_fuel());
                self.slice(fuel, |store, results| call.resume(store, results))
            }
            other => {
                self.resting = other;
                Stop::Suspended
            }
        }
    }

    /// Goes on after [`Stop::Suspended`] with the results of the host call, which fit.
    pub(crate) fn answer(&mut self, values: &[Val], fuel: u64) -> Stop {
        match self.resting.take() {
            Some(Resting::HostCall(call)) => self.slice(fuel, |store, results| {
                with_lowered(values, |values| call.resume(store, values, results))
            }),
            other => {
                self.resting = other;
                Stop::OutOfFuel
            }
        }
    }

    /// A short call that finishes or fails, also while another one rests.
    pub(crate) fn nested(
        &mut self,
        func: &Func,
        args: &[Val],
        fuel: u64,
    ) -> Result<Vals, EngineFault> {
        let resting = self.resting.take();
        let results = std::mem::take(&mut self.results);
        let was_nested = std::mem::replace(&mut self.store.data_mut().guest.nested, true);
        let mut left = fuel;
        let mut before = self.used;
        let mut stop = self.enter(func, args, left.clamp(1, MAX_SLICE_FUEL));
        let outcome = loop {
            left = left.saturating_sub(self.used.saturating_sub(before));
            before = self.used;
            match stop {
                Stop::Finished => break Ok(self.results()),
                Stop::OutOfFuel if left == 0 => break Err(EngineFault::Fuel),
                Stop::OutOfFuel => stop = self.go_on(left.clamp(1, MAX_SLICE_FUEL)),
                Stop::Suspended => break Err(EngineFault::WouldWait),
                Stop::Fault(fault) => break Err(fault),
            }
        };
        self.store.data_mut().guest.nested = was_nested;
        self.resting = resting;
        self.results = results;
        outcome
    }

    fn slice(
        &mut self,
        fuel: u64,
        work: impl FnOnce(
            &mut wasmi::Store<Data>,
            &mut [wasmi::Val],
        ) -> Result<wasmi::ResumableCall, wasmi::Error>,
    ) -> Stop {
        // Cannot fail: fuel metering is on.
        let _ = self.store.set_fuel(fuel);
        let owed = self.store.data().guest.owed_in_total();
        let outcome = guarded(|| work(&mut self.store, &mut self.results));
        self.buffers.stopped(self.store.engine());
        let left = self.store.get_fuel().unwrap_or(0);
        let owed = self.store.data().guest.owed_in_total().saturating_sub(owed);
        self.used = self.used.saturating_add(fuel.saturating_sub(left)).saturating_add(owed);
        match outcome {
            Ok(Ok(wasmi::ResumableCall::Finished)) => Stop::Finished,
            Ok(Ok(wasmi::ResumableCall::OutOfFuel(call))) => {
                self.resting = Some(Resting::OutOfFuel(call));
                Stop::OutOfFuel
            }
            Ok(Ok(wasmi::ResumableCall::HostTrap(call))) => {
                if let Some(Signal::Suspended) = call.host_error().downcast_ref() {
                    self.resting = Some(Resting::HostCall(call));
                    return Stop::Suspended;
                }
                Stop::Fault(fault(&call.into_host_error(), self.store.data()))
            }
            Ok(Err(error)) => Stop::Fault(fault(&error, self.store.data())),
            Err(fault) => Stop::Fault(fault),
        }
    }

    /// Results of the call that finished last; references are left out.
    pub(crate) fn results(&self) -> Vals {
        self.results.iter().filter_map(lift).collect()
    }

    /// Forgets a call that rests.
    pub(crate) fn abandon(&mut self) {
        self.resting = None;
        self.state_mut().pending = None;
    }

    /// Counts fuel that was spent outside of a slice.
    pub(crate) fn spend(&mut self, fuel: u64) {
        self.used = self.used.saturating_add(fuel);
    }

    pub(crate) fn fuel_used(&self) -> u64 {
        self.used
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.store.data().memory.map_or(0, |memory| memory.data_size(&self.store))
    }

    pub(crate) fn memory(&mut self) -> GuestMemory<'_> {
        GuestMemory::new(match self.store.data().memory {
            Some(memory) => memory.data_mut(&mut self.store),
            None => &mut [],
        })
    }

    pub(crate) fn state(&self) -> &GuestState {
        &self.store.data().guest
    }

    pub(crate) fn state_mut(&mut self) -> &mut GuestState {
        &mut self.store.data_mut().guest
    }

    pub(crate) fn memory_and_state(&mut self) -> (&mut [u8], &mut GuestState) {
        match self.store.data().memory {
            Some(memory) => {
                let (bytes, data) = memory.data_and_store_mut(&mut self.store);
                (bytes, &mut data.guest)
            }
            None => (&mut [], &mut self.store.data_mut().guest),
        }
    }

    pub(crate) fn links(&self) -> &Links {
        &self.store.data().links
    }
}

fn with_lowered<R>(vals: &[Val], f: impl FnOnce(&[wasmi::Val]) -> R) -> R {
    match vals {
        [] => f(&[]),
        [one] => f(&[lower(*one)]),
        [one, two] => f(&[lower(*one), lower(*two)]),
        many => f(&many.iter().map(|val| lower(*val)).collect::<Vec<_>>()),
    }
}

/// A panic of the engine ends the guest, not the host (where panics unwind).
fn guarded<R>(work: impl FnOnce() -> R) -> Result<R, EngineFault> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        EngineFault::Trap(format!("the engine panicked: {}", panic_message(&*panic)))
    })
}

/// True when all types are numbers, which is all that host and guest exchange.
pub(crate) fn only_numbers(types: &[ValType]) -> bool {
    !types.contains(&ValType::Other)
}
