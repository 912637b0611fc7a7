//! Everything known of one context: its tree, its leaves by path, and what came through the root
//! path. Writes its own JSON once per change.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use crate::hash::NameMap;
use serde_json::{Map, Value as Json};

use super::leaf::{Leaf, Placement};
use super::limits::{self, ATTRIBUTES, MAX_ROOT_BYTES, Room, Share};
use super::tree::{Branch, Child};
use crate::delta::Update;
use crate::item::{Body, Item};
use crate::json;
use crate::meta::Registry;
use crate::names::{Context, Path, SourceRef, segment_allowed};
use crate::source::Source;
use crate::timestamp::Timestamp;
use crate::value::Value;

#[derive(Debug)]
pub(super) struct ContextModel {
    pub(super) context: Context,
    pub(super) root: Branch,
    pub(super) leaves: Vec<Leaf>,
    by_path: NameMap<Path, usize>,
    /// Places in `leaves` whose leaf is gone.
    free: Vec<usize>,
    attributes: Vec<Attribute>,
    /// Counts root values, so that those keys are known that came together.
    told: u64,
    pub(super) share: Share,
    /// Who brought it.
    pub(super) provider: SourceRef,
    pub(super) touched: Duration,
    json: OnceCell<Box<[u8]>>,
}

/// The last value that gave one key of the root, per source: kept for receivers that come later.
#[derive(Debug)]
struct Attribute {
    key: Box<str>,
    source: Option<Arc<Source>>,
    source_ref: Option<SourceRef>,
    timestamp: Option<Timestamp>,
    placement: Placement,
    /// The whole root value that came with it.
    value: Value,
    /// The number of that value.
    told: u64,
    /// What it weighs in the budget.
    weight: usize,
    /// Who brought it.
    provider: SourceRef,
}

impl ContextModel {
    pub(super) fn new(context: Context, provider: SourceRef, now: Duration) -> Self {
        let mut root = Branch::default();
        if let Some(id) = context.identity() {
            let (key, value) = identity(id);
            root.assign(key, &Json::from(value));
        }
        Self {
            context,
            root,
            leaves: Vec::new(),
            by_path: NameMap::default(),
            free: Vec::new(),
            attributes: Vec::new(),
            told: 0,
            share: Share::default(),
            provider,
            touched: now,
            json: OnceCell::new(),
        }
    }

    pub(super) fn leaf(&self, path: &str) -> Option<&Leaf> {
        self.leaves.get(*self.by_path.get(path)?)
    }

    /// The tree has changed: its text is written anew when somebody asks.
    pub(super) fn changed(&mut self) {
        self.json.take();
    }

    /// Takes a value; false when there is no room for it.
    pub(super) fn set(
        &mut self,
        update: &Update,
        path: &Path,
        value: &Value,
        placement: Placement,
        registry: &mut Registry,
        room: &mut Room<'_>,
    ) -> bool {
        if path.is_root() {
            return self.set_attributes(update, value, placement, room);
        }
        let (source_ref, weight) = (update.source_ref.as_ref(), limits::weight(value));
        let at = match self.by_path.get(path) {
            Some(at) => *at,
            None => {
                let mut leaf = Leaf::new(path.clone());
                if Path::check(path).is_err()
                    || leaf.seat(source_ref, weight, room, &mut self.share).is_none()
                {
                    return false;
                }
                self.add_leaf(leaf)
            }
        };
        let Some(leaf) = self.leaves.get_mut(at) else { return false };
        let Some(seat) = leaf.seat(source_ref, weight, room, &mut self.share) else { return false };
        if placement == Placement::Tree && !leaf.shown() {
            match self.root.reach(path.segments()) {
                Some(branch) => branch.leaf = Some(at),
                // An attribute that is a text or a number is in the way; the value can still be
                // streamed, as the reference does.
                None => {
                    leaf.set(seat, update, value, Placement::CacheOnly);
                    return true;
                }
            }
            if let Some(meta) = registry.share(&self.context, path) {
                leaf.set_meta(meta);
            }
        }
        leaf.set(seat, update, value, placement);
        true
    }

    fn add_leaf(&mut self, leaf: Leaf) -> usize {
        let path = leaf.path.clone();
        let at = match self.free.pop() {
            Some(at) => {
                self.leaves[at] = leaf;
                at
            }
            None => {
                self.leaves.push(leaf);
                self.leaves.len() - 1
            }
        };
        self.by_path.insert(path, at);
        at
    }

    /// Forgets a leaf that the tree does not show. Whether there is none of that path now.
    pub(super) fn forget_hidden(&mut self, path: &Path, room: &mut Room<'_>) -> bool {
        let Some(at) = self.by_path.get(path).copied() else { return true };
        let Some(leaf) = self.leaves.get_mut(at).filter(|leaf| !leaf.shown()) else { return false };
        leaf.leave(room, &mut self.share);
        *leaf = Leaf::new(Path::root());
        self.by_path.remove(path);
        self.free.push(at);
        true
    }

    /// False when there is no room for any of its keys.
    fn set_attributes(
        &mut self,
        update: &Update,
        value: &Value,
        placement: Placement,
        room: &mut Room<'_>,
    ) -> bool {
        if value.text_bytes() > MAX_ROOT_BYTES {
            return false;
        }
        let Some(members) = value.as_object() else { return true };
        self.told += 1;
        let (weight, mut taken) = (limits::weight(value), members.is_empty());
        for (key, member) in members {
            if !segment_allowed(key) {
                continue;
            }
            let known = self.attributes.iter().position(|attribute| {
                *attribute.key == **key && attribute.source_ref == update.source_ref
            });
            let old = known.and_then(|at| self.attributes.get(at)).map_or(0, |known| known.weight);
            let of_this = self.attributes.iter().filter(|it| it.provider.same(room.provider));
            let full =
                known.is_none() && !ATTRIBUTES.is_free(self.attributes.len(), of_this.count());
            if known.is_none() && (full || !room.take_place(&mut self.share)) {
                continue;
            }
            if !room.weigh(&mut self.share, old, weight) {
                if known.is_none() {
                    room.give_place(&mut self.share);
                }
                continue;
            }
            taken = true;
            if placement == Placement::Tree {
                self.root.assign(key, member);
            }
            let attribute = Attribute {
                key: Box::from(&**key),
                source: update.source.clone(),
                source_ref: update.source_ref.clone(),
                timestamp: update.timestamp.clone(),
                placement,
                value: value.clone(),
                told: self.told,
                weight,
                provider: room.provider.clone(),
            };
            match known.and_then(|at| self.attributes.get_mut(at)) {
                Some(known) => *known = attribute,
                None => self.attributes.push(attribute),
            }
        }
        taken
    }

    /// Gives a leaf that is shown the metadata that came in.
    pub(super) fn merge_meta(&mut self, path: &Path, members: &Map<String, Json>) {
        let at = self.by_path.get(path).copied();
        if let Some(leaf) = at.and_then(|at| self.leaves.get_mut(at)).filter(|leaf| leaf.shown()) {
            leaf.merge_meta(members);
        }
    }

    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.json.get_or_init(|| {
            let mut text = Vec::with_capacity(1024);
            self.write_branch(&self.root, &mut text);
            text.into_boxed_slice()
        }));
    }

    pub(super) fn write_branch(&self, branch: &Branch, out: &mut Vec<u8>) {
        out.push(b'{');
        let start = out.len();
        if let Some(leaf) = branch.leaf.and_then(|at| self.leaves.get(at)) {
            leaf.write_members(out);
        }
        for (key, child) in branch.children.iter() {
            if out.len() > start {
                out.push(b',');
            }
            json::write_key(out, key);
            match child {
                Child::Plain(value) => json::write_value(out, value),
                Child::Branch(branch) => self.write_branch(branch, out),
            }
        }
        out.push(b'}');
    }

    /// Writes metadata of all shown leaves, in the order of the tree: `{"a.b":{...},...}`.
    pub(super) fn write_all_meta(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        let start = out.len();
        self.write_meta_below(&self.root, start, out);
        out.push(b'}');
    }

    fn write_meta_below(&self, branch: &Branch, start: usize, out: &mut Vec<u8>) {
        if let Some(leaf) = branch.leaf.and_then(|at| self.leaves.get(at))
            && let Some(meta) = &leaf.meta
        {
            if out.len() > start {
                out.push(b',');
            }
            json::write_key(out, &leaf.path);
            out.extend_from_slice(meta.shown_json().as_bytes());
        }
        for (_, child) in branch.children.iter() {
            if let Child::Branch(branch) = child {
                self.write_meta_below(branch, start, out);
            }
        }
    }

    /// Root values that still say something, each once although it may have given several keys.
    pub(super) fn cached_attributes<'a>(
        &'a self,
        fits: &impl Fn(Placement) -> bool,
        items: &mut Vec<Item<'a>>,
    ) {
        let root = root_path();
        for (at, attribute) in self.attributes.iter().enumerate() {
            let mut earlier = self.attributes.iter().take(at);
            let again = earlier.any(|earlier| earlier.told == attribute.told);
            if again || !fits(attribute.placement) {
                continue;
            }
            items.push(Item {
                context: &self.context,
                source: attribute.source.as_ref(),
                source_ref: attribute.source_ref.as_ref(),
                timestamp: attribute.timestamp.as_ref(),
                path: root,
                body: Body::Value(&attribute.value),
            });
        }
    }
}

fn root_path() -> &'static Path {
    static ROOT: std::sync::LazyLock<Path> = std::sync::LazyLock::new(Path::root);
    &ROOT
}

/// The attribute that an identity gives its context (server-api.md 7, rule 2).
fn identity(id: &str) -> (&'static str, &str) {
    match id.strip_prefix("urn:mrn:imo:mmsi:") {
        Some(mmsi) => ("mmsi", mmsi),
        None if id.starts_with("urn:mrn:signalk") => ("uuid", id),
        None => ("url", id),
    }
}
