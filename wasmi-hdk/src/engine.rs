//! The one place that names wasmi: its version, its configuration, its fuel prices.
//!
//! The rest of the crate sees [`Engine`], a compiled module and a `Guest`. What the numbers
//! here defend against is said at each; `tests/traps_of_the_engine.rs` holds one test for each.

mod buffers;
mod fault;
mod guest;
mod limiter;
mod link;
mod typed;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub(crate) use guest::{Func, Guest, Stop, only_numbers};
pub(crate) use link::{Links, caught, fits};

use self::buffers::Buffers;
use crate::limits::Limits;
use crate::module::START_SECTION;
use crate::val::{FuncType, Val, ValType};

/// Makes modules. Cheap to clone; one per process is enough.
#[derive(Debug, Clone, Default)]
pub struct Engine {
    compile: Compile,
}

/// When the code of a module is checked and translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compile {
    /// Small modules as [`Compile::Checked`], large ones as [`Compile::Lazy`].
    #[default]
    BySize,
    /// All code is checked at load and translated function by function when first called.
    Checked,
    /// Code is checked and translated when first called: an invalid function is found
    /// only then, as [`Fault::Invalid`](crate::Fault::Invalid).
    Lazy,
    /// All code is checked and translated at load.
    Eager,
}

/// From this size on code is checked when first called. Checking takes about 7 ms per MB,
/// so a module below it is loaded in less than a tenth of a millisecond either way.
const LAZY_FROM_BYTES: usize = 8 << 10;

/// Calls of `memory.grow` and `table.grow` leave native stack behind until the guest leaves
/// the interpreter; this price bounds how many fit into a slice.
const GROW_FUEL: u8 = 255;

/// Bytes that a bulk operation copies for one unit of fuel.
const BYTES_PER_FUEL: u32 = 64;

impl Engine {
    /// An engine with the settings that serve a server with many plugins.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same engine with another choice of when code is compiled.
    pub fn with_compile(self, compile: Compile) -> Self {
        Self { compile }
    }

    fn mode(&self, size: usize) -> wasmi::CompilationMode {
        match self.compile {
            Compile::BySize if size >= LAZY_FROM_BYTES => wasmi::CompilationMode::Lazy,
            Compile::BySize | Compile::Checked => wasmi::CompilationMode::LazyTranslation,
            Compile::Lazy => wasmi::CompilationMode::Lazy,
            Compile::Eager => wasmi::CompilationMode::Eager,
        }
    }

    /// Compiles a module. Its form was checked by `module.rs` before.
    pub(crate) fn compile(&self, bytes: &[u8], limits: &Limits) -> Result<Compiled, String> {
        let costs = wasmi::OperatorCost {
            memory_grow: GROW_FUEL,
            table_grow: GROW_FUEL,
            ..wasmi::OperatorCost::default()
        };
        let mut config = wasmi::Config::default();
        config
            .consume_fuel(true)
            .compilation_mode(self.mode(bytes.len()))
            // Translation costs no fuel: running out of fuel inside it would lose the call.
            .fuel_cost(wasmi::CustomFuelCosts {
                bytes_copied_per_fuel: BYTES_PER_FUEL,
                fuel_per_bytes_translated: 0,
                fuel_per_bytes_validated: 0,
            })
            .operator_cost(costs)
            .ignore_custom_sections(true)
            .set_max_recursion_depth(limits.recursion)
            // wasmi panics when the maximum is below the minimum of 1,000.
            .set_max_stack_height(limits.stack_bytes.max(MIN_STACK_BYTES))
            .set_max_cached_stacks(4);
        // An engine of its own for every module: its code and stacks go when the module goes.
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            let engine = wasmi::Engine::new(&config);
            wasmi::Module::new(&engine, bytes).map(|module| (engine, module))
        }));
        match compiled {
            Ok(Ok((engine, module))) => {
                let buffers = match self.mode(bytes.len()) {
                    wasmi::CompilationMode::Lazy => Buffers::lazy(),
                    _ => Buffers::default(),
                };
                Ok(Compiled { engine, module, buffers })
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(panic) => Err(format!("the engine panicked: {}", panic_message(&*panic))),
        }
    }
}

const MIN_STACK_BYTES: usize = 4096;

/// A module that the engine has accepted.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    engine: wasmi::Engine,
    module: wasmi::Module,
    buffers: Buffers,
}

/// The kind of an import or export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExternKind {
    /// A function of this type.
    Func(FuncType),
    /// A linear memory.
    Memory,
    /// A table.
    Table,
    /// A global variable.
    Global,
}

/// An import of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// First half of the name.
    pub module: String,
    /// Second half of the name.
    pub name: String,
    /// What is imported.
    pub kind: ExternKind,
}

impl Compiled {
    pub(crate) fn imports(&self) -> Vec<Import> {
        self.module
            .imports()
            .map(|import| Import {
                module: import.module().to_owned(),
                name: import.name().to_owned(),
                kind: extern_kind(import.ty()),
            })
            .collect()
    }

    pub(crate) fn exports(&self) -> BTreeMap<String, ExternKind> {
        self.module
            .exports()
            .map(|export| (export.name().to_owned(), extern_kind(export.ty())))
            .collect()
    }

    /// Whether the function of the start section is one that can be started.
    pub(crate) fn has_start_section(&self) -> bool {
        match self.module.get_export(START_SECTION) {
            Some(wasmi::ExternType::Func(ty)) => ty.params().is_empty() && ty.results().is_empty(),
            _ => false,
        }
    }

    pub(crate) fn has_export(&self, name: &str) -> bool {
        self.module.get_export(name).is_some()
    }
}

/// Why the engine stopped for good.
#[derive(Debug, Clone)]
pub(crate) enum EngineFault {
    Trap(String),
    Stack,
    Exit(i32),
    /// The import with this index has no function behind it.
    Missing(usize),
    /// The function behind this import refused.
    Refused(usize, String),
    /// A nested call wanted to wait.
    WouldWait,
    Memory {
        wanted: u64,
    },
    Table {
        wanted: u64,
    },
    Invalid(String),
    Fuel,
}

fn extern_kind(ty: &wasmi::ExternType) -> ExternKind {
    match ty {
        wasmi::ExternType::Func(ty) => ExternKind::Func(func_type(ty)),
        wasmi::ExternType::Memory(_) => ExternKind::Memory,
        wasmi::ExternType::Table(_) => ExternKind::Table,
        wasmi::ExternType::Global(_) => ExternKind::Global,
    }
}

fn func_type(ty: &wasmi::FuncType) -> FuncType {
    let types = |types: &[wasmi::ValType]| types.iter().map(|ty| val_type(*ty)).collect();
    FuncType { params: types(ty.params()), results: types(ty.results()) }
}

fn val_type(ty: wasmi::ValType) -> ValType {
    match ty {
        wasmi::ValType::I32 => ValType::I32,
        wasmi::ValType::I64 => ValType::I64,
        wasmi::ValType::F32 => ValType::F32,
        wasmi::ValType::F64 => ValType::F64,
        wasmi::ValType::V128 | wasmi::ValType::FuncRef | wasmi::ValType::ExternRef => {
            ValType::Other
        }
    }
}

/// A number of ours as wasmi's.
fn lower(val: Val) -> wasmi::Val {
    match val {
        Val::I32(v) => wasmi::Val::I32(v),
        Val::I64(v) => wasmi::Val::I64(v),
        Val::F32(v) => wasmi::Val::F32(wasmi::F32::from_bits(v.to_bits())),
        Val::F64(v) => wasmi::Val::F64(wasmi::F64::from_bits(v.to_bits())),
    }
}

/// A number of wasmi's as ours; references are refused before any call is made.
fn lift(val: &wasmi::Val) -> Option<Val> {
    match val {
        wasmi::Val::I32(v) => Some(Val::I32(*v)),
        wasmi::Val::I64(v) => Some(Val::I64(*v)),
        wasmi::Val::F32(v) => Some(Val::F32(f32::from_bits(v.to_bits()))),
        wasmi::Val::F64(v) => Some(Val::F64(f64::from_bits(v.to_bits()))),
        _ => None,
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// Shared by all instances of a module: the compiled code and what its imports lead to.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) compiled: Compiled,
    pub(crate) links: Arc<Links>,
    /// Its start section is the export [`START_SECTION`].
    pub(crate) starts: bool,
}
