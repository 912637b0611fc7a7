//! The full model: the last value of every context, path and source, and the tree that REST
//! clients read (server-api.md 2). Which deltas get here, and in which rank, is decided before; who
//! is told about them is `subscriptions`' business.
//!
//! Each context keeps its JSON text until it changes, so a read of the whole model costs about the
//! contexts that changed since the last one.

use std::time::Duration;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};
use serde_json::{Map, Value as Json};

use self::context::ContextModel;
use self::limits::{Budget, MAX_CONTEXTS, MAX_CONTEXTS_OF_ONE, Room};
use self::sources::Sources;
use self::tree::JsMap;
use crate::delta::Delta;
use crate::item::{Body, Item};
use crate::json;
use crate::meta::Registry;
use crate::names::{Context, Path, SourceRef};
use crate::subscription::SourcePolicy;
use crate::value::Value;

mod context;
mod leaf;
mod limits;
mod node;
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
    contexts: IndexMap<Context, ContextModel, FxBuildHasher>,
    /// How many of the other contexts each provider brought.
    brought: FxHashMap<SourceRef, usize>,
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

#[derive(Debug)]
enum Place {
    Context(Context),
    Group(JsMap<Place>),
}

/// The place of this vessel among the contexts.
const OWN: usize = 0;

/// What begins so is a resource: a null that only streams see says that it was deleted, and nobody needs to know that later.
const RESOURCES: &str = "resources.";

/// Root members that are no groups of contexts.
const RESERVED: [&str; 3] = ["self", "version", "sources"];

impl Store {
    /// A model with one context: this vessel, named by its urn (without `vessels.`).
    pub fn new(self_id: &str) -> Self {
        let mut groups = JsMap::default();
        groups.insert("vessels", Place::Group(JsMap::default()));
        let mut store = Self {
            self_context: Context::from(format!("vessels.{self_id}")),
            contexts: IndexMap::default(),
            brought: FxHashMap::default(),
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

    /// Takes a delta of a provider: a connection, a plugin. Of what the model may hold each has only a part. Says what had no
    /// room; then nobody should be told of it.
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

    /// Gives a new context its place in the tree; one without identity gets none.
    fn place(&mut self, context: &Context) {
        let Some(identity) = context.identity() else { return };
        if RESERVED.contains(&context.group()) {
            return;
        }
        let group =
            self.groups.get_or_insert_with(context.group(), || Place::Group(JsMap::default()));
        let Place::Group(mut here) = std::mem::replace(group, Place::Context(context.clone()))
        else {
            return;
        };
        insert_place(&mut here, identity, context);
        *group = Place::Group(here);
    }

    /// Counts the changes: the same number, the same model.
    pub fn version(&self) -> u64 {
        self.version
    }

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
        Some(Item {
            context: &model.context,
            source: reading.source.as_ref(),
            source_ref: reading.source_ref.as_ref(),
            timestamp: reading.timestamp.as_ref(),
            path: &leaf.path,
            body: Body::Value(&reading.value),
        })
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

    /// The last value of every path and source of the contexts that are `wanted`, oldest first: what
    /// a receiver gets when it connects or subscribes (server-api.md 3.2).
    pub fn cached(&self, wanted: impl Fn(&Context) -> bool, policy: SourcePolicy) -> Vec<Item<'_>> {
        let all = policy == SourcePolicy::All;
        let fits = |placement| all || placement != Placement::Outranked;
        let mut items = Vec::new();
        for model in self.contexts.values().filter(|model| wanted(&model.context)) {
            for leaf in &model.leaves {
                for reading in leaf.readings.iter().filter(|reading| fits(reading.placement)) {
                    items.push(Item {
                        context: &model.context,
                        source: reading.source.as_ref(),
                        source_ref: reading.source_ref.as_ref(),
                        timestamp: reading.timestamp.as_ref(),
                        path: &leaf.path,
                        body: Body::Value(&reading.value),
                    });
                }
            }
            model.cached_attributes(&fits, &mut items);
        }
        items.sort_by_cached_key(|item| item.timestamp.and_then(|time| time.unix_ms()));
        items
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

    /// Appends the full model, as `GET /signalk/v1/api/` gives it.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"vessels\":");
        match self.groups.get("vessels") {
            Some(place) => self.write_place(place, out),
            None => out.extend_from_slice(b"{}"),
        }
        out.extend_from_slice(b",\"self\":");
        json::write_str(out, &self.self_context);
        out.extend_from_slice(b",\"version\":\"0.1.0\",\"sources\":");
        self.sources.write_json(out);
        for (key, place) in self.groups.iter().filter(|(key, _)| &***key != "vessels") {
            out.push(b',');
            json::write_key(out, key);
            self.write_place(place, out);
        }
        out.push(b'}');
    }

    fn write_place(&self, place: &Place, out: &mut Vec<u8>) {
        match place {
            Place::Context(context) => match self.contexts.get(context) {
                Some(model) => model.write_json(out),
                None => out.extend_from_slice(b"{}"),
            },
            Place::Group(members) => {
                out.push(b'{');
                for (at, (key, place)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    json::write_key(out, key);
                    self.write_place(place, out);
                }
                out.push(b'}');
            }
        }
    }
}

/// Contexts with more than two segments stand deeper; where another context is in the way, the
/// rest stays one key.
fn insert_place(group: &mut JsMap<Place>, identity: &str, context: &Context) {
    if let Some((first, rest)) = identity.split_once('.')
        && !rest.is_empty()
        && !matches!(group.get(first), Some(Place::Context(_)))
    {
        let below = group.get_or_insert_with(first, || Place::Group(JsMap::default()));
        if let Place::Group(below) = below {
            insert_place(below, rest, context);
        }
    } else {
        group.insert(identity, Place::Context(context.clone()));
    }
}

fn remove_place(group: &mut JsMap<Place>, identity: &str, context: &Context) {
    if matches!(group.get(identity), Some(Place::Context(found)) if found == context) {
        group.remove(identity);
        return;
    }
    let Some((first, rest)) = identity.split_once('.') else { return };
    if let Some(Place::Group(below)) = group.get_mut(first) {
        remove_place(below, rest, context);
        if below.is_empty() {
            group.remove(first);
        }
    }
}
