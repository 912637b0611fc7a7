//! Which rows of one receiver a path belongs to, each path looked at once: for the replay of everything that is known,
//! which has few paths and many items. Rows of one message nearly always share context and sources: only what differs
//! is told.

use crate::hash::NameMap;

use crate::names::Path;
use crate::selector::ContextSelector;
use crate::subscription::{SourceFilter, Subscription};

/// What a row asks of an item besides its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms<'a> {
    pub(super) context: &'a ContextSelector,
    pub(super) sources: &'a SourceFilter,
}

/// Some rows, by path.
#[derive(Debug)]
pub(super) struct Picked<'a> {
    exact: NameMap<&'a str, Vec<usize>>,
    wild: Vec<(&'a Subscription, usize)>,
    terms: Vec<Terms<'a>>,
    known: NameMap<Path, Box<[usize]>>,
}

impl<'a> Picked<'a> {
    pub(super) fn new(rows: impl Iterator<Item = &'a Subscription>) -> Self {
        let mut picked = Self {
            exact: NameMap::default(),
            wild: Vec::new(),
            terms: Vec::new(),
            known: NameMap::default(),
        };
        for row in rows {
            let terms = Terms { context: &row.context, sources: &row.sources };
            let at = picked.terms.iter().position(|known| *known == terms).unwrap_or_else(|| {
                picked.terms.push(terms);
                picked.terms.len() - 1
            });
            if row.path.is_exact() {
                picked.exact.entry(row.path.as_str()).or_default().push(at);
            } else {
                picked.wild.push((row, at));
            }
        }
        picked
    }

    /// Every distinct set of terms.
    pub(super) fn terms(&self) -> &[Terms<'a>] {
        &self.terms
    }

    /// Whether a row of this path has terms that `fit`.
    pub(super) fn any(&mut self, path: &Path, mut fit: impl FnMut(&Terms<'a>) -> bool) -> bool {
        if !self.known.contains_key(path) {
            let wild = self.wild.iter().filter(|(row, _)| row.path.matches(path));
            let mut found: Vec<usize> = wild.map(|(_, at)| *at).collect();
            found.extend(self.exact.get(&**path).into_iter().flatten());
            found.sort_unstable();
            found.dedup();
            self.known.insert(path.clone(), found.into());
        }
        let found = self.known.get(path).into_iter().flatten();
        found.filter_map(|at| self.terms.get(*at)).any(&mut fit)
    }
}
