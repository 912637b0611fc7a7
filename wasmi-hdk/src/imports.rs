//! Functions that the host offers to guests besides WASI, by module and name.
//!
//! A function is linked with exactly the type that the guest declares, so one function can
//! serve guests of several ABI versions: it is told the type.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::error::HostFault;
use crate::guest_memory::GuestMemory;
use crate::platform::Platform;
use crate::state::GuestState;
use crate::val::{FuncType, Val};

/// A function of the host.
pub type HostFn =
    Arc<dyn Fn(&mut HostCtx<'_>, &FuncType, &[Val]) -> Result<HostReturn, HostFault> + Send + Sync>;

/// What a host function answers.
pub enum HostReturn {
    /// The results, exactly of the types that the guest declares.
    Values(Vec<Val>),
    /// One result, of the type that the guest declares; takes no allocation.
    One(Val),
    /// The call rests. [`Step::HostCall`](crate::Step::HostCall) hands the payload out, and
    /// [`Instance::resume`](crate::Instance::resume) goes on with the results.
    Suspend(Box<dyn Any + Send>),
}

impl fmt::Debug for HostReturn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostReturn::Values(values) => f.debug_tuple("Values").field(values).finish(),
            HostReturn::One(value) => f.debug_tuple("One").field(value).finish(),
            HostReturn::Suspend(_) => f.write_str("Suspend"),
        }
    }
}

impl HostReturn {
    /// The call answers nothing.
    pub fn nothing() -> Self {
        HostReturn::Values(Vec::new())
    }

    /// The call answers one value.
    pub fn one(value: impl Into<Val>) -> Self {
        HostReturn::One(value.into())
    }
}

/// The host's functions, shared by instances.
#[derive(Clone, Default)]
pub struct Imports {
    functions: BTreeMap<String, BTreeMap<String, HostFn>>,
}

impl Imports {
    /// None at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers a function; a second one of the same name takes the place of the first.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wasmi_hdk::{HostReturn, Imports, Val};
    /// let mut imports = Imports::new();
    /// imports.define("env", "add", Arc::new(|_, _, args| match args {
    ///     [Val::I32(a), Val::I32(b)] => Ok(HostReturn::one(a.wrapping_add(*b))),
    ///     _ => Ok(HostReturn::nothing()),
    /// }));
    /// ```
    pub fn define(&mut self, module: &str, name: &str, function: HostFn) {
        self.functions.entry(module.to_owned()).or_default().insert(name.to_owned(), function);
    }

    /// The function of that name.
    pub fn get(&self, module: &str, name: &str) -> Option<&HostFn> {
        self.functions.get(module)?.get(name)
    }
}

impl fmt::Debug for Imports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self
            .functions
            .iter()
            .flat_map(|(module, names)| names.keys().map(move |name| format!("{module}.{name}")));
        f.debug_set().entries(names).finish()
    }
}

/// What a host function may use while it runs.
pub struct HostCtx<'a> {
    bytes: &'a mut [u8],
    guest: &'a mut GuestState,
}

impl<'a> HostCtx<'a> {
    pub(crate) fn new(bytes: &'a mut [u8], guest: &'a mut GuestState) -> Self {
        Self { bytes, guest }
    }

    /// The guest's memory; empty when it exports none.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        GuestMemory::new(self.bytes)
    }

    /// The data that the embedder gave the instance, if it is of this type.
    pub fn state<T: 'static>(&mut self) -> Option<&mut T> {
        self.guest.user.downcast_mut()
    }

    /// Memory and data at the same time.
    pub fn memory_and_state<T: 'static>(&mut self) -> (GuestMemory<'_>, Option<&mut T>) {
        (GuestMemory::new(self.bytes), self.guest.user.downcast_mut())
    }

    /// Charges the guest for work that it causes, on top of the price of a call.
    pub fn charge(&mut self, fuel: u64) {
        self.guest.charge(fuel);
    }

    /// Whether [`HostReturn::Suspend`] is possible: not in a call that another one has to wait
    /// for.
    pub fn may_wait(&self) -> bool {
        !self.guest.nested
    }

    /// The world.
    pub fn platform(&self) -> &dyn Platform {
        &*self.guest.platform
    }
}

impl fmt::Debug for HostCtx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostCtx").field("memory_bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}
