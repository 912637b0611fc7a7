//! Imports of a module, resolved once: WASI calls by the table, the rest by index.
//!
//! Every function import is linked with exactly the type that the guest declares. What the
//! host does not have becomes a stub: it fails when it is called, never at load.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::guest::Data;
use super::{ExternKind, Import, func_type, panic_message};
use crate::error::{HostFault, LoadError};
use crate::fuel;
use crate::imports::{HostCtx, HostReturn};
use crate::state::Pending;
use crate::val::{FuncType, Val, ValType};
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

type Caller<'a> = wasmi::Caller<'a, Data>;

/// The host function for import `index`, ready to be put into a store.
pub(super) fn function(
    store: &mut wasmi::Store<Data>,
    ty: &wasmi::FuncType,
    index: usize,
) -> wasmi::Func {
    debug_assert!(store.data().links.entries.get(index).is_none_or(|e| e.ty == func_type(ty)));
    wasmi::Func::new(store, ty.clone(), move |caller: Caller<'_>, params, results| {
        call(caller, index, params, results)
    })
}

fn call(
    mut caller: Caller<'_>,
    index: usize,
    params: &[wasmi::Val],
    results: &mut [wasmi::Val],
) -> Result<(), wasmi::Error> {
    let links = caller.data().links.clone();
    let Some(entry) = links.entries.get(index) else {
        return Err(wasmi::Error::host(Signal::Missing(index)));
    };
    let Some(args) = Args::new(params) else {
        return Err(wasmi::Error::host(Signal::Missing(index)));
    };
    let memory = caller
        .data()
        .memory
        .or_else(|| caller.get_export("memory").and_then(wasmi::Extern::into_memory));
    let (bytes, data): (&mut [u8], &mut Data) = match memory {
        Some(memory) => memory.data_and_store_mut(&mut caller),
        None => (&mut [], caller.data_mut()),
    };
    data.guest.host_calls = data.guest.host_calls.saturating_add(1);
    let outcome = match &entry.target {
        Target::Wasi(wasi) => {
            match caught(index, || data.guest.call_wasi(wasi, bytes, args.as_slice())) {
                Err(signal) => Err(signal),
                Ok(WasiResult::Errno(errno)) => {
                    answer_one(results, wasmi::Val::I32(errno.number()));
                    Ok(())
                }
                Ok(WasiResult::Exit(code)) => Err(Signal::Exit(code)),
                Ok(WasiResult::Suspend(_)) if data.guest.nested => {
                    data.guest.wasi.abandon_call();
                    Err(Signal::WouldWait)
                }
                Ok(WasiResult::Suspend(wait)) => {
                    let args = args.as_slice().to_vec();
                    data.guest.pending = Some(Pending::Wasi { call: wasi, args, wait });
                    Err(Signal::Suspended)
                }
            }
        }
        Target::UnknownWasi => {
            data.guest.charge(fuel::HOST_CALL);
            answer_one(results, wasmi::Val::I32(Errno::Nosys.number()));
            Ok(())
        }
        // Nobody calls a memory.
        Target::Memory => Err(Signal::Missing(index)),
        Target::Host => call_host(data, entry, index, bytes, args.as_slice(), results),
    };
    let charge = data.guest.take_charge();
    pay(&mut caller, charge);
    outcome.map_err(wasmi::Error::host)
}

fn call_host(
    data: &mut Data,
    entry: &Entry,
    index: usize,
    bytes: &mut [u8],
    args: &[Val],
    results: &mut [wasmi::Val],
) -> Result<(), Signal> {
    let Some(function) = data.guest.bound.get(index).cloned().flatten() else {
        return Err(Signal::Missing(index));
    };
    data.guest.charge(fuel::HOST_CALL);
    let returned = caught(index, || {
        let mut ctx = HostCtx::new(bytes, &mut data.guest);
        function(&mut ctx, &entry.ty, args)
    });
    match returned? {
        Err(HostFault::Exit(code)) => Err(Signal::Exit(code)),
        Err(HostFault::Trap(text)) => Err(Signal::Trap(text)),
        Err(fault) => Err(Signal::Refused(index, fault.to_string())),
        Ok(HostReturn::Suspend(_)) if data.guest.nested => Err(Signal::WouldWait),
        Ok(HostReturn::Suspend(payload)) => {
            data.guest.pending =
                Some(Pending::Host { import: index, payload: Some(payload), values: None });
            Err(Signal::Suspended)
        }
        Ok(HostReturn::Values(values)) => {
            if !fits(&values, &entry.ty.results) {
                let text = format!("the host answered {values:?}, the guest expects {}", entry.ty);
                return Err(Signal::Refused(index, text));
            }
            for (to, from) in results.iter_mut().zip(values) {
                *to = super::lower(from);
            }
            Ok(())
        }
    }
}

pub(crate) fn fits(values: &[Val], types: &[ValType]) -> bool {
    values.len() == types.len() && values.iter().zip(types).all(|(v, ty)| v.ty() == *ty)
}

fn answer_one(results: &mut [wasmi::Val], val: wasmi::Val) {
    if let Some(first) = results.first_mut() {
        *first = val;
    }
}

/// A panic must not reach the engine, whose handlers cannot unwind: it would end the host.
fn caught<R>(index: usize, work: impl FnOnce() -> R) -> Result<R, Signal> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = format!("the host function panicked: {}", panic_message(&*panic));
        Signal::Refused(index, text)
    })
}

/// Takes `charge` from the fuel of the slice; what the slice cannot pay is owed.
fn pay(caller: &mut Caller<'_>, charge: u64) {
    let left = caller.get_fuel().unwrap_or(0);
    // Cannot fail: fuel metering is on.
    let _ = caller.set_fuel(left.saturating_sub(charge));
    let owed = charge.saturating_sub(left);
    caller.data_mut().guest.owe(owed);
}

/// Arguments of a host call; those of WASI (nine at most) need no allocation.
struct Args {
    few: [Val; Args::FEW],
    many: Vec<Val>,
    len: usize,
}

impl Args {
    const FEW: usize = 10;

    /// `None` when there is a reference among them.
    fn new(params: &[wasmi::Val]) -> Option<Self> {
        let mut args = Self { few: [Val::I32(0); Self::FEW], many: Vec::new(), len: params.len() };
        if params.len() > Self::FEW {
            args.many = params.iter().map(super::lift).collect::<Option<_>>()?;
        } else {
            for (to, from) in args.few.iter_mut().zip(params) {
                *to = super::lift(from)?;
            }
        }
        Some(args)
    }

    fn as_slice(&self) -> &[Val] {
        if self.len > Self::FEW { &self.many } else { self.few.get(..self.len).unwrap_or(&[]) }
    }
}
