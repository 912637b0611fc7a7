//! A module: its bytes checked against the limits of form (`form.rs`), then compiled, then its
//! imports looked up (`interface.rs`). No guest code runs here.

mod data_segments;
mod form;
mod interface;
mod start_section;

use std::sync::{Arc, OnceLock};

use self::form::check_form;
pub use self::interface::Interface;
pub use self::start_section::START_SECTION;
use crate::engine::{Compiled, Engine, ExternKind, Import, Links, Prepared};
use crate::error::LoadError;
use crate::imports::Imports;
use crate::limits::Limits;
use crate::val::FuncType;

/// A validated module, ready to be instantiated any number of times. Cheap to clone.
///
/// An instance does not need it any more: who wants no further instance drops it, which gives back
/// its data segments, and keeps its [`Interface`].
#[derive(Debug, Clone)]
pub struct Module {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    entry: Entry,
    imports: Arc<[Import]>,
    /// The exports are copied from the engine when they are first looked at: most modules are
    /// only asked for a name or two, and a large one has thousands.
    interface: OnceLock<Interface>,
    size: usize,
    prepared: Prepared,
}

/// How a module wants to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Exports `_start`: runs once, from beginning to end.
    Command,
    /// Exports `_initialize` or `rpc_poll`: is called again and again.
    Reactor,
    /// Exports neither: is called again and again and needs no preparation.
    Library,
}

/// The export that a JSON-RPC reactor is polled by.
pub const RPC_POLL: &str = "rpc_poll";
/// The export that prepares a reactor.
pub const INITIALIZE: &str = "_initialize";
/// The export that runs a command.
pub const START: &str = "_start";

impl Module {
    /// Checks and compiles `bytes`. `name` stands in every error about this module.
    ///
    /// The limits of form (`module_bytes`, `custom_section_bytes`, `functions`, ...) and
    /// `recursion` and `stack_bytes` are those given here; the others are the instance's.
    ///
    /// # Errors
    ///
    /// When the bytes are no module that this host can run; the error says why.
    pub fn load(
        engine: &Engine,
        name: &str,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Self, LoadError> {
        let invalid =
            |offset, reason| LoadError::Invalid { plugin: name.to_owned(), offset, reason };
        let (rewritten, starts) = check_form(name, bytes, limits)?.rewritten(bytes).unzip();
        let starts = starts.unwrap_or(false);
        let compiled = engine
            .compile(rewritten.as_deref().unwrap_or(bytes), limits)
            .map_err(|reason| invalid(offset_in(&reason), reason))?;
        if starts && !compiled.has_start_section() {
            return Err(invalid(0, "the start function has parameters or results".to_owned()));
        }
        Self::prepare(name, bytes.len(), starts, compiled)
    }

    fn prepare(
        name: &str,
        size: usize,
        starts: bool,
        compiled: Compiled,
    ) -> Result<Self, LoadError> {
        let imports: Arc<[Import]> = compiled.imports().into();
        let links = Arc::new(Links::prepare(name, &imports)?);
        let entry = if compiled.has_export(RPC_POLL) || compiled.has_export(INITIALIZE) {
            Entry::Reactor
        } else if compiled.has_export(START) {
            Entry::Command
        } else {
            Entry::Library
        };
        let prepared = Prepared { compiled, links, starts };
        let (name, interface) = (name.to_owned(), OnceLock::new());
        Ok(Self { inner: Arc::new(Inner { name, entry, imports, interface, size, prepared }) })
    }

    /// Checks all code of `bytes` as well, which [`Module::load`] leaves for the first call when
    /// the module is large. For tools that look at a module before it is published.
    ///
    /// # Errors
    ///
    /// When the module, or any function in it, is invalid.
    pub fn check(name: &str, bytes: &[u8], limits: &Limits) -> Result<Self, LoadError> {
        let engine = Engine::new().with_compile(crate::engine::Compile::Checked);
        Self::load(&engine, name, bytes, limits)
    }

    /// The name given at load.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// How the module wants to be used.
    pub fn entry(&self) -> Entry {
        self.inner.entry
    }

    /// Size of the binary in bytes.
    pub fn size(&self) -> usize {
        self.inner.size
    }

    /// What the module wants from the host, in its own order.
    pub fn imports(&self) -> impl Iterator<Item = &Import> {
        self.inner.imports.iter()
    }

    /// All that it wants and offers, for longer than the module is kept.
    pub fn interface(&self) -> &Interface {
        let Inner { name, imports, interface, prepared, .. } = &*self.inner;
        interface.get_or_init(|| Interface::new(name, imports.clone(), prepared))
    }

    /// [`Interface::unknown_imports`].
    pub fn unknown_imports(&self, offered: &Imports) -> Vec<String> {
        self.interface().unknown_imports(offered)
    }

    /// [`Interface::exports`].
    pub fn exports(&self) -> impl Iterator<Item = (&str, &ExternKind)> {
        self.interface().exports()
    }

    /// [`Interface::has_export`], without looking at all the others.
    pub fn has_export(&self, name: &str) -> bool {
        match self.inner.interface.get() {
            Some(interface) => interface.has_export(name),
            None => self.inner.prepared.compiled.has_export(name),
        }
    }

    /// [`Interface::export_type`].
    pub fn export_type(&self, name: &str) -> Option<&FuncType> {
        self.interface().export_type(name)
    }

    /// True when it has a start section, which runs before the first call whatever that is, as
    /// the export [`START_SECTION`]; who wants to give it a budget of its own calls that first.
    pub fn has_start_section(&self) -> bool {
        self.inner.prepared.starts
    }

    pub(crate) fn prepared(&self) -> &Prepared {
        &self.inner.prepared
    }
}

/// wasmi says "... (at offset 0x1f)" at the end of its errors.
fn offset_in(reason: &str) -> u64 {
    reason
        .rsplit_once("offset 0x")
        .and_then(|(_, rest)| {
            let digits = rest.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
            u64::from_str_radix(digits, 16).ok()
        })
        .unwrap_or(0)
}
