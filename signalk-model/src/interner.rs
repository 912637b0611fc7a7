//! Names that were seen before, so that parsing a delta clones a counter instead of copying text.
//! Give the same `Interner` to every `Delta::parse_with` of one thread. It is bounded: names come
//! from outside.

use std::sync::Arc;

use crate::hash::{NameMap, NameSet};

use crate::error::NameError;
use crate::names::{Context, Path, SourceRef};
use crate::source::Source;
use crate::timestamp::Timestamp;

/// A parse context: hands out shared names and sources.
#[derive(Debug, Default)]
pub struct Interner {
    contexts: NameSet<Context>,
    paths: NameSet<Path>,
    source_refs: NameSet<SourceRef>,
    /// By the text on the wire, not the compact one: the lookup happens before parsing.
    sources: NameMap<Box<str>, Arc<Source>>,
    timestamp: Option<Timestamp>,
}

/// Above this many names of one kind the table starts anew. A fleet of 500 vessels has 500
/// contexts and some 300 paths.
const MAX_NAMES: usize = 20_000;
/// Longest source object that is remembered.
const MAX_SOURCE_BYTES: usize = 512;

impl Interner {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// The shared context; checked when it is new.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn context(&mut self, text: &str) -> Result<Context, NameError> {
        intern(&mut self.contexts, text, Context::check)
    }

    /// The shared path; checked when it is new.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn path(&mut self, text: &str) -> Result<Path, NameError> {
        intern(&mut self.paths, text, Path::check)
    }

    /// The shared `$source`; checked when it is new.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn source_ref(&mut self, text: &str) -> Result<SourceRef, NameError> {
        intern(&mut self.source_refs, text, SourceRef::check)
    }

    /// The timestamp; neighbours often carry the same.
    pub fn timestamp(&mut self, text: &str) -> Timestamp {
        if let Some(last) = &self.timestamp
            && last.as_str() == text
        {
            return last.clone();
        }
        let timestamp = Timestamp::from(text);
        self.timestamp = Some(timestamp.clone());
        timestamp
    }

    /// The shared source object of that JSON text; `None` when it is no object.
    pub fn source(&mut self, text: &str) -> Option<Arc<Source>> {
        if let Some(source) = self.sources.get(text) {
            return Some(Arc::clone(source));
        }
        let source = Arc::new(Source::parse(text.as_bytes()).ok()??);
        if text.len() <= MAX_SOURCE_BYTES {
            if self.sources.len() >= MAX_NAMES {
                self.sources.clear();
            }
            self.sources.insert(Box::from(text), Arc::clone(&source));
        }
        Some(source)
    }
}

fn intern<T>(
    table: &mut NameSet<T>,
    text: &str,
    check: fn(&str) -> Result<(), NameError>,
) -> Result<T, NameError>
where
    T: Clone + Eq + std::hash::Hash + std::borrow::Borrow<str> + for<'a> From<&'a str>,
{
    if let Some(name) = table.get(text) {
        return Ok(name.clone());
    }
    check(text)?;
    if table.len() >= MAX_NAMES {
        table.clear();
    }
    let name = T::from(text);
    table.insert(name.clone());
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_gives_the_same_name() {
        let mut interner = Interner::new();
        let (a, b) = (interner.path("a.b").unwrap(), interner.path("a.b").unwrap());
        assert!(Arc::ptr_eq(a.as_arc(), b.as_arc()));
        assert!(interner.path("a.__proto__").is_err());
    }

    #[test]
    fn a_flood_of_names_does_not_grow_the_table_for_ever() {
        let mut interner = Interner::new();
        for at in 0..3 * MAX_NAMES {
            interner.context(&format!("vessels.{at}")).unwrap();
        }
        assert!(interner.contexts.len() <= MAX_NAMES);
    }
}
