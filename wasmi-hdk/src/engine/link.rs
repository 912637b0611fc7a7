//! Imports of a module, resolved once: WASI calls by the table, the rest by index.
//!
//! Every function import is linked with exactly the type that the guest declares. What the
//! host does not have becomes a stub: it fails when it is called, never at load.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::guest::Data;
use super::{ExternKind, Import, func_type, panic_message, typed};
use crate::error::{HostFault, LoadError};
use crate::fuel;
use crate::imports::{HostCtx, HostFn, HostReturn, Imports};
use crate::state::{GuestState, Pending};
use crate::val::{FuncType, Val, ValType};
use crate::vals::Vals;
use crate::wasi::{self, Errno, WasiCall, WasiResult};

/// Where each import of a module leads, in the order of the module.
pub(crate) struct Links {
    entries: Vec<Entry>,
}

pub(crate) struct Entry {
    pub(crate) module: String,
    pub(crate) name: String,
    pub(crate) ty: FuncType,
    target: Target,
}

enum Target {
    Wasi(&'static WasiCall),
    /// A name of WASI that nobody knows: answers ENOSYS.
    UnknownWasi,
    /// A function that the instance brings, or none.
    Host,
    /// A memory that the guest wants to be given: a fresh one.
    Memory,
}

impl Links {
    pub(crate) fn prepare(plugin: &str, imports: &[Import]) -> Result<Self, LoadError> {
        let entries = imports.iter().map(|import| Entry::new(plugin, import));
        Ok(Self { entries: entries.collect::<Result<_, _>>()? })
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether import `index` leads to nothing, if `offered` has a function for it or not.
    pub(crate) fn is_unknown(&self, index: usize, offered: impl Fn(&str, &str) -> bool) -> bool {
        self.entries.get(index).is_some_and(|entry| match entry.target {
            Target::Wasi(_) | Target::Memory => false,
            Target::UnknownWasi => true,
            Target::Host => !offered(&entry.module, &entry.name),
        })
    }

    /// `module.name` of an import.
    pub(crate) fn name(&self, index: usize) -> String {
        self.entries
            .get(index)
            .map(|entry| format!("{}.{}", entry.module, entry.name))
            .unwrap_or_default()
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..self.entries.len()).map(|i| self.name(i))).finish()
    }
}

impl Entry {
    fn new(plugin: &str, import: &Import) -> Result<Self, LoadError> {
        if import.kind == ExternKind::Memory {
            return Ok(Self {
                module: import.module.clone(),
                name: import.name.clone(),
                ty: FuncType { params: [].into(), results: [].into() },
                target: Target::Memory,
            });
        }
        let ExternKind::Func(ty) = &import.kind else {
            return Err(LoadError::ImportKind {
                plugin: plugin.to_owned(),
                import: format!("{}.{}", import.module, import.name),
                kind: match import.kind {
                    ExternKind::Table => "table",
                    _ => "global",
                },
            });
        };
        let stable = import.module == wasi::MODULE;
        let target = if stable || import.module == wasi::UNSTABLE_MODULE {
            let differs = !stable && wasi::UNSTABLE_DIFFERS.contains(&import.name.as_str());
            let known = wasi::table().iter().find(|call| call.name == import.name && !differs);
            match known {
                Some(call) => {
                    let expected = wasi_type(call);
                    if expected != *ty {
                        return Err(LoadError::ImportType {
                            plugin: plugin.to_owned(),
                            import: format!("{}.{}", import.module, import.name),
                            declared: ty.clone(),
                            expected,
                        });
                    }
                    Target::Wasi(call)
                }
                None if *ty.results == [ValType::I32] => Target::UnknownWasi,
                None => Target::Host,
            }
        } else {
            Target::Host
        };
        Ok(Self {
            module: import.module.clone(),
            name: import.name.clone(),
            ty: ty.clone(),
            target,
        })
    }
}

fn wasi_type(call: &WasiCall) -> FuncType {
    FuncType {
        params: call.params.into(),
        results: if call.returns { [ValType::I32].into() } else { [].into() },
    }
}

/// What a host function tells the engine by failing.
#[derive(Debug)]
pub(super) enum Signal {
    /// The call rests; what it waits for is in the guest's state.
    Suspended,
    Exit(i32),
    Missing(usize),
    Refused(usize, String),
    Trap(String),
    WouldWait,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl wasmi::errors::HostError for Signal {}

pub(super) type Caller<'a> = wasmi::Caller<'a, Data>;

/// Where one import of one instance leads: everything that a call needs, so that it looks
/// nothing up.
pub(super) struct Way {
    links: Arc<Links>,
    index: usize,
    host: Option<HostFn>,
}

impl Links {
    /// The way of import `index`, with the function that `host` has for it.
    pub(super) fn way(self: &Arc<Self>, index: usize, host: &Imports) -> Way {
        let host = match self.entries.get(index) {
            Some(Entry { module, name, target: Target::Host, .. }) => host.get(module, name),
            _ => None,
        };
        Way { links: self.clone(), index, host: host.cloned() }
    }
}

/// The host function behind an import, ready to be put into a store.
pub(super) fn function(
    store: &mut wasmi::Store<Data>,
    ty: &wasmi::FuncType,
    way: Way,
) -> wasmi::Func {
    debug_assert!(way.links.entries.get(way.index).is_none_or(|e| e.ty == func_type(ty)));
    match typed::function(store, ty, way) {
        Ok(function) => function,
        Err(way) => wasmi::Func::new(store, ty.clone(), move |caller, params, results| {
            let Some(args) = params.iter().map(super::lift).collect::<Option<Vals>>() else {
                return Err(wasmi::Error::host(Signal::Missing(way.index)));
            };
            let answer = way.call(caller, &args)?;
            for (to, from) in results.iter_mut().zip(answer.iter()) {
                *to = super::lower(*from);
            }
            Ok(())
        }),
    }
}

impl Way {
    /// Makes the call. The arguments are of the types that the guest declares, and so are the
    /// results.
    pub(super) fn call(&self, mut caller: Caller<'_>, args: &[Val]) -> Result<Vals, wasmi::Error> {
        let Some(entry) = self.links.entries.get(self.index) else {
            return Err(wasmi::Error::host(Signal::Missing(self.index)));
        };
        let memory = caller
            .data()
            .memory
            .or_else(|| caller.get_export("memory").and_then(wasmi::Extern::into_memory));
        let (bytes, data): (&mut [u8], &mut Data) = match memory {
            Some(memory) => memory.data_and_store_mut(&mut caller),
            None => (&mut [], caller.data_mut()),
        };
        let guest = &mut data.guest;
        guest.host_calls = guest.host_calls.saturating_add(1);
        let outcome = match &entry.target {
            Target::Wasi(wasi) => self.call_wasi(wasi, guest, bytes, args),
            Target::UnknownWasi => {
                guest.charge(fuel::HOST_CALL);
                Ok(Vals::one(Errno::Nosys.number()))
            }
            // Nobody calls a memory.
            Target::Memory => Err(Signal::Missing(self.index)),
            Target::Host => self.call_host(entry, guest, bytes, args),
        };
        let charge = guest.take_charge();
        pay(&mut caller, charge);
        outcome.map_err(wasmi::Error::host)
    }

    fn call_wasi(
        &self,
        wasi: &'static WasiCall,
        guest: &mut GuestState,
        bytes: &mut [u8],
        args: &[Val],
    ) -> Result<Vals, Signal> {
        match caught(|| guest.call_wasi(wasi, bytes, args)).map_err(|text| self.refused(text))? {
            WasiResult::Errno(errno) if wasi.returns => Ok(Vals::one(errno.number())),
            WasiResult::Errno(_) => Ok(Vals::NONE),
            WasiResult::Exit(code) => Err(Signal::Exit(code)),
            WasiResult::Suspend(_) if guest.nested => {
                guest.wasi.abandon_call();
                Err(Signal::WouldWait)
            }
            WasiResult::Suspend(wait) => {
                guest.pending = Some(Pending::Wasi { call: wasi, args: args.into(), wait });
                Err(Signal::Suspended)
            }
        }
    }

    fn call_host(
        &self,
        entry: &Entry,
        guest: &mut GuestState,
        bytes: &mut [u8],
        args: &[Val],
    ) -> Result<Vals, Signal> {
        let Some(function) = &self.host else {
            return Err(Signal::Missing(self.index));
        };
        guest.charge(fuel::HOST_CALL);
        let returned = caught(|| {
            let mut ctx = HostCtx::new(bytes, guest);
            function(&mut ctx, &entry.ty, args)
        });
        match returned.map_err(|text| self.refused(text))? {
            Err(HostFault::Exit(code)) => Err(Signal::Exit(code)),
            Err(HostFault::Trap(text)) => Err(Signal::Trap(text)),
            Err(fault) => Err(Signal::Refused(self.index, fault.to_string())),
            Ok(HostReturn::Suspend(_)) if guest.nested => Err(Signal::WouldWait),
            Ok(HostReturn::Suspend(payload)) => {
                let import = self.index;
                guest.pending =
                    Some(Pending::Host { import, payload: Some(payload), values: None });
                Err(Signal::Suspended)
            }
            Ok(HostReturn::Values(values)) => self.answer(entry, values.as_slice().into()),
            Ok(HostReturn::One(value)) => self.answer(entry, Vals::one(value)),
        }
    }

    fn answer(&self, entry: &Entry, values: Vals) -> Result<Vals, Signal> {
        if fits(&values, &entry.ty.results) {
            return Ok(values);
        }
        Err(self.refused(format!("the host answered {values:?}, the guest expects {}", entry.ty)))
    }

    fn refused(&self, text: String) -> Signal {
        Signal::Refused(self.index, text)
    }
}

pub(crate) fn fits(values: &[Val], types: &[ValType]) -> bool {
    values.len() == types.len() && values.iter().zip(types).all(|(v, ty)| v.ty() == *ty)
}

/// A panic must not reach the engine, whose handlers cannot unwind: it would end the host.
pub(crate) fn caught<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|panic| format!("the host function panicked: {}", panic_message(&*panic)))
}

/// Takes `charge` from the fuel of the slice; what the slice cannot pay is owed.
fn pay(caller: &mut Caller<'_>, charge: u64) {
    let left = caller.get_fuel().unwrap_or(0);
    // Cannot fail: fuel metering is on.
    let _ = caller.set_fuel(left.saturating_sub(charge));
    if charge > left {
        caller.data_mut().guest.owe(charge - left);
    }
}
