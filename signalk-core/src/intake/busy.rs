//! Which values are held: nothing of the same context, source and path may overtake them.

use signalk_model::hash::NameMap;
use signalk_model::{Context, Delta, Path, SourceRef};

/// Of a value or its metadata.
pub(super) type Key = (Option<Context>, Option<SourceRef>, Path);

/// How many held deltas have each.
#[derive(Debug, Default)]
pub(super) struct Busy(NameMap<Key, usize>);

impl Busy {
    /// Whether the delta has something that is held.
    pub(super) fn shares(&self, delta: &Delta) -> bool {
        !self.0.is_empty() && keys(delta).any(|key| self.0.contains_key(&key))
    }

    /// Holds all of the delta, until these keys are released.
    pub(super) fn hold(&mut self, delta: &Delta) -> Vec<Key> {
        let held: Vec<Key> = keys(delta).collect();
        for key in &held {
            *self.0.entry(key.clone()).or_default() += 1;
        }
        held
    }

    pub(super) fn release(&mut self, held: &[Key]) {
        for key in held {
            if let Some(count) = self.0.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    self.0.remove(key);
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn keys(delta: &Delta) -> impl Iterator<Item = Key> + '_ {
    delta.updates.iter().flat_map(|update| {
        let values = update.values.iter().map(|entry| &entry.path);
        let paths = values.chain(update.meta.iter().map(|entry| &entry.path));
        paths.map(|path| (delta.context.clone(), update.source_ref.clone(), path.clone()))
    })
}
