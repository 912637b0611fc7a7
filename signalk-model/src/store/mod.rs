//! The full model: the last value of every context, path and source, and the tree that REST
//! clients read (server-api.md 2). Which deltas get here, and in which rank, is decided before; who
//! is told about them is `subscriptions`' business.
//!
//! Each context keeps its JSON text until it changes, so a read of the whole model costs about the
//! contexts that changed since the last one.

use std::time::Duration;

use crate::hash::{NameMap, Seeded};
use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use self::context::ContextModel;
use self::limits::{Budget, MAX_CONTEXTS, MAX_CONTEXTS_OF_ONE, Room};
use self::places::{Place, remove_place};
use self::sources::Sources;
use self::tree::JsMap;
use crate::delta::Delta;
use crate::meta::Registry;
use crate::names::{Context, Path, SourceRef};

mod context;
mod leaf;
mod limits;
mod node;
mod places;
mod read;
mod sources;
mod tree;

pub use leaf::Placement;
pub use limits::LeftOut;
pub use node::Node;

/// The full model.
///
/// ```
/// use signalk_model::{Delta, Store, Update};
/// use std::time::Duration;
///
/// let mut store = Store::new("urn:mrn:imo:mmsi:230099999");
/// let update = Update::new().with_source_ref("gps0").with_value("environment.mode", "day");
/// let delta = Delta::new(store.self_context().clone()).with_update(update);
/// store.apply(Duration::ZERO, &delta);
///
/// let node = store.get(&["vessels", "self", "environment", "mode", "value"]).unwrap();
/// assert_eq!(node.to_json(), r#""day""#);
/// ```
#[derive(Debug)]
pub struct Store {
    self_context: Context,
    /// This vessel is the first.
    contexts: IndexMap<Context, ContextModel, Seeded>,
    /// How many of the other contexts each provider brought.
    brought: NameMap<SourceRef, usize>,
    /// The provider of deltas whose provider nobody named.
    nobody: SourceRef,
    own: Budget,
    others: Budget,
    /// Where the contexts stand in the tree: `vessels`, `atons`, `shore.basestations`, ...
    groups: JsMap<Place>,
    sources: Sources,
    meta: Registry,
    version: u64,
}

/// The place of this vessel among the contexts.
const OWN: usize = 0;

/// What begins so is a resource: a null that only streams see says that it was deleted, and nobody needs to know that
/// later.
const RESOURCES: &str = "resources.";

impl Store {
    /// A model with one context: this vessel, named by its urn (without `vessels.`).
    pub fn new(self_id: &str) -> Self {
        let mut groups = JsMap::default();
        groups.insert("vessels", Place::Group(JsMap::default()));
        let mut store = Self {
            self_context: Context::from(format!("vessels.{self_id}")),
            contexts: IndexMap::default(),
            brought: NameMap::default(),
            nobody: SourceRef::from(""),
            own: Budget::own(),
            others: Budget::others(),
            groups,
            sources: Sources::default(),
            meta: Registry::default(),
            version: 0,
        };
        let own = store.self_context.clone();
        store.add_context(Duration::ZERO, &own, &SourceRef::from(""));
        store
    }

    /// This vessel's context.
    pub fn self_context(&self) -> &Context {
        &self.self_context
    }

    /// Takes a delta that was normalised. Later values win, whatever their timestamps.
    pub fn apply(&mut self, now: Duration, delta: &Delta) {
        self.apply_as(now, delta, Placement::Tree);
    }

    /// Takes a delta that does not get everywhere.
    pub fn apply_as(&mut self, now: Duration, delta: &Delta, placement: Placement) {
        let provider = self.nobody.clone();
        self.apply_from(now, delta, placement, &provider);
    }

    /// Takes a delta of a provider: a connection, a plugin. Of what the model may hold each has only a part. Says what
    /// had no room; then nobody should be told of it.
    pub fn apply_from(
        &mut self,
        now: Duration,
        delta: &Delta,
        placement: Placement,
        provider: &SourceRef,
    ) -> LeftOut {
        let mut left_out = LeftOut::default();
        let context = match &delta.context {
            Some(context) => context.clone(),
            None => self.self_context.clone(),
        };
        let Some(at) = self.context_at(now, &context, provider) else {
            left_out.context = true;
            return left_out;
        };
        let Some((_, model)) = self.contexts.get_index_mut(at) else { return left_out };
        let budget = if at == OWN { &mut self.own } else { &mut self.others };
        let mut room = Room { budget, provider };
        model.touched = now;
        for (at_update, update) in delta.updates.iter().enumerate() {
            if placement == Placement::Tree {
                self.sources.heard(
                    provider,
                    update.source.as_ref(),
                    update.source_ref.as_ref(),
                    update.timestamp.as_ref(),
                );
            }
            for (at_entry, entry) in update.values.iter().enumerate() {
                let deleted = placement == Placement::CacheOnly
                    && entry.value.is_null()
                    && entry.path.starts_with(RESOURCES);
                if deleted && model.forget_hidden(&entry.path, &mut room) {
                    continue;
                }
                let meta = &mut self.meta;
                if !model.set(update, &entry.path, &entry.value, placement, meta, &mut room) {
                    left_out.values.push((at_update, at_entry));
                }
            }
            for (at_entry, entry) in update.meta.iter().enumerate() {
                let whose = (at == OWN).then_some(provider);
                if self.meta.merge(&context, &entry.path, &entry.value, whose) {
                    model.merge_meta(&entry.path, &entry.value);
                } else {
                    left_out.meta.push((at_update, at_entry));
                }
            }
        }
        model.changed();
        self.version += 1;
        left_out
    }

    /// The model of a context, made when it is new; `None` when its name is refused or there are too many.
    fn context_at(
        &mut self,
        now: Duration,
        context: &Context,
        provider: &SourceRef,
    ) -> Option<usize> {
        if let Some(at) = self.contexts.get_index_of(context) {
            return Some(at);
        }
        Context::check(context).ok()?;
        let of_one = self.brought.get(provider).copied().unwrap_or_default();
        if self.contexts.len() > MAX_CONTEXTS || of_one >= MAX_CONTEXTS_OF_ONE {
            return None;
        }
        self.brought.insert(provider.clone(), of_one + 1);
        Some(self.add_context(now, context, provider))
    }

    fn add_context(&mut self, now: Duration, context: &Context, provider: &SourceRef) -> usize {
        self.place(context);
        let model = ContextModel::new(context.clone(), provider.clone(), now);
        self.contexts.insert_full(context.clone(), model).0
    }

    /// Counts the changes: the same number, the same model.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Metadata of paths, from the run time and from the specification.
    pub fn meta(&self) -> &Registry {
        &self.meta
    }

    /// Lays members over the metadata of a path, as a meta delta does.
    pub fn merge_meta(&mut self, context: &Context, path: &Path, members: &Map<String, Json>) {
        let own = *context == self.self_context;
        if self.meta.merge(context, path, members, own.then_some(&self.nobody))
            && let Some(model) = self.contexts.get_mut(context)
        {
            model.merge_meta(path, members);
            model.changed();
        }
        self.version += 1;
    }

    /// Forgets contexts that were last heard before `older_than`; this vessel stays. Returns them.
    pub fn prune(&mut self, older_than: Duration) -> Vec<Context> {
        let own = &self.self_context;
        let mut gone = Vec::new();
        self.contexts.retain(|context, model| {
            if model.touched >= older_than || context == own {
                return true;
            }
            self.others.give_back(&model.share);
            if let Some(count) = self.brought.get_mut(&model.provider) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.brought.remove(&model.provider);
                }
            }
            gone.push(context.clone());
            false
        });
        for context in &gone {
            self.meta.forget(context);
            let Some(Place::Group(group)) = self.groups.get_mut(context.group()) else { continue };
            if let Some(identity) = context.identity() {
                remove_place(group, identity, context);
            }
            // Names of groups come from outside too.
            if group.is_empty() && context.group() != "vessels" {
                self.groups.remove(context.group());
            }
        }
        self.version += u64::from(!gone.is_empty());
        gone
    }
}
