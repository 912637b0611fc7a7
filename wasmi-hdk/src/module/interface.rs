//! What a module wants and what it offers, by name. Its code and data are not here: they are
//! [`Module`](super::Module)'s, which need not be kept for as long as an instance lives.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::START_SECTION;
use crate::engine::{ExternKind, Import, Links, Prepared};
use crate::imports::Imports;
use crate::val::FuncType;

/// The imports and exports of a module. Cheap to clone, and small: it outlives the module.
#[derive(Debug, Clone)]
pub struct Interface {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    imports: Arc<[Import]>,
    exports: BTreeMap<String, ExternKind>,
    /// One of the exports is its start section.
    starts: bool,
    links: Arc<Links>,
}

impl Interface {
    pub(super) fn new(name: &str, imports: Arc<[Import]>, prepared: &Prepared) -> Self {
        let Prepared { compiled, links, starts } = prepared;
        let (name, exports) = (name.to_owned(), compiled.exports());
        let (links, starts) = (links.clone(), *starts);
        Self { inner: Arc::new(Inner { name, imports, exports, starts, links }) }
    }

    /// The name given at load.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// What the module wants from the host, in its own order.
    pub fn imports(&self) -> impl Iterator<Item = &Import> {
        self.inner.imports.iter()
    }

    /// `module.name` of each import that neither WASI nor `offered` has: it traps when called.
    pub fn unknown_imports(&self, offered: &Imports) -> Vec<String> {
        let links = &self.inner.links;
        let has = |module: &str, name: &str| offered.get(module, name).is_some();
        (0..links.entries().len())
            .filter(|index| links.is_unknown(*index, has))
            .map(|index| links.name(index))
            .collect()
    }

    /// What the module offers, by name; its start section is not among them.
    pub fn exports(&self) -> impl Iterator<Item = (&str, &ExternKind)> {
        let exports = self.inner.exports.iter().map(|(name, kind)| (name.as_str(), kind));
        exports.filter(|(name, _)| !(self.inner.starts && *name == START_SECTION))
    }

    /// True when something of that name is exported, [`START_SECTION`] included.
    pub fn has_export(&self, name: &str) -> bool {
        self.inner.exports.contains_key(name)
    }

    /// The type of an exported function.
    pub fn export_type(&self, name: &str) -> Option<&FuncType> {
        match self.inner.exports.get(name)? {
            ExternKind::Func(ty) => Some(ty),
            _ => None,
        }
    }
}
