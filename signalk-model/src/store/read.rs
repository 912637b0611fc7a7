//! What the model says about single paths, and about everything at once. The tree that REST clients read is `node.rs`.

use super::Store;
use super::leaf::{Leaf, Placement, Reading};
use crate::item::{Body, Item};
use crate::names::{Context, Path, SourceRef};
use crate::subscription::SourcePolicy;
use crate::value::Value;

impl Store {
    /// Every context, in the order of arrival.
    pub fn contexts(&self) -> impl Iterator<Item = &Context> {
        self.contexts.keys()
    }

    /// Every path of a context that has a value in the tree; the root path is not among them.
    pub fn paths(&self, context: &str) -> impl Iterator<Item = &Path> {
        let leaves = self.contexts.get(context).map(|model| model.leaves.as_slice());
        leaves.unwrap_or_default().iter().filter(|leaf| leaf.shown()).map(|leaf| &leaf.path)
    }

    /// The value of a path as the tree shows it.
    pub fn value(&self, context: &str, path: &str) -> Option<&Value> {
        Some(&self.contexts.get(context)?.leaf(path)?.latest()?.value)
    }

    /// The value of a path with its source and time.
    pub fn item(&self, context: &str, path: &str) -> Option<Item<'_>> {
        let model = self.contexts.get(context)?;
        let leaf = model.leaf(path)?;
        let reading = leaf.latest()?;
        Some(item(&model.context, leaf, reading))
    }

    /// Every source that gave a path a value.
    pub fn sources_of(&self, context: &str, path: &str) -> impl Iterator<Item = &SourceRef> {
        let leaf = self.contexts.get(context).and_then(|model| model.leaf(path));
        leaf.into_iter().flat_map(|leaf| &leaf.readings).filter_map(|it| it.source_ref.as_ref())
    }

    /// Latitude and longitude of a context, in degrees.
    pub fn position(&self, context: &str) -> Option<(f64, f64)> {
        self.value(context, "navigation.position")?.as_position()
    }

    /// The last value of every path and source of the contexts that are `wanted`, oldest first: what
    /// a receiver gets when it connects or subscribes (server-api.md 3.2).
    pub fn cached(&self, wanted: impl Fn(&Context) -> bool, policy: SourcePolicy) -> Vec<Item<'_>> {
        let all = policy == SourcePolicy::All;
        let fits = |placement| all || placement != Placement::Outranked;
        let mut items = Vec::new();
        for model in self.contexts.values().filter(|model| wanted(&model.context)) {
            for leaf in &model.leaves {
                for reading in leaf.readings.iter().filter(|reading| fits(reading.placement)) {
                    items.push(item(&model.context, leaf, reading));
                }
            }
            model.cached_attributes(&fits, &mut items);
        }
        items.sort_by_cached_key(|item| item.timestamp.and_then(|time| time.unix_ms()));
        items
    }
}

fn item<'a>(context: &'a Context, leaf: &'a Leaf, reading: &'a Reading) -> Item<'a> {
    Item {
        context,
        source: reading.source.as_ref(),
        source_ref: reading.source_ref.as_ref(),
        timestamp: reading.timestamp.as_ref(),
        path: &leaf.path,
        body: Body::Value(&reading.value),
    }
}
