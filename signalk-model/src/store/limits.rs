//! How much the model may hold, and whose it is: names and values come from outside. The own vessel has a budget of its
//! own, so that nothing crowds out its data; and one provider (a connection, a plugin, the WebSocket clients without a
//! login together, or those of one user) has only a part of each budget, so that none crowds out the others, and is
//! sure of a few places however full it is: an instrument that is switched on late, and the server's own alarms, have
//! theirs. A value that has a place is always replaced, whatever is full, as long as it is small.

use std::fmt;

use crate::hash::NameMap;

use crate::delta::Delta;
use crate::names::SourceRef;
use crate::value::Value;

/// Most contexts beside the own vessel. The busiest ports have some 5000 AIS targets in range.
pub(super) const MAX_CONTEXTS: usize = 10_000;
/// Most of them that one provider may bring.
pub(super) const MAX_CONTEXTS_OF_ONE: usize = 5000;
/// Most sources of one path. Three GPS receivers over two wires are six.
pub(super) const SOURCES: Seats = Seats { all: 50, of_one: 40, sure: 5 };
/// Most members of the root (`name`, `mmsi`, `communication`) of one context, by source.
pub(super) const ATTRIBUTES: Seats = Seats { all: 100, of_one: 80, sure: 10 };
/// Nodes of the tree of sources: beyond these new sources are not shown, their values are. A device of NMEA 2000 has
/// some 30.
pub(super) const NODES: Seats = Seats { all: 20_000, of_one: 10_000, sure: 500 };
/// Largest root value in bytes; real ones have 500.
pub(super) const MAX_ROOT_BYTES: usize = 16 << 10;
/// A value of so many bytes weighs nothing: it is bounded by the number of values.
const SMALL_BYTES: usize = 1 << 10;

/// What the contexts of one kind may hold together. A value is one source's of one path, about 1 KB with its place in
/// the tree.
#[derive(Debug, Clone, Copy)]
struct Most {
    values: usize,
    /// Of one context.
    values_of_context: usize,
    /// Of one provider.
    values_of_one: usize,
    /// That one provider is sure of. Providers are few: they are the owner's connections and plugins.
    sure: usize,
    /// Of values that are not small.
    bytes: usize,
}

/// How many of something there may be, whoever brought them; of one provider; and of one provider however many there
/// are: the boat's GPS has its place, whatever labels another connection makes up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seats {
    all: usize,
    of_one: usize,
    sure: usize,
}

impl Seats {
    /// Whether there is one more, when there are so many and so many of them are the provider's.
    pub(super) fn is_free(self, all: usize, of_this: usize) -> bool {
        of_this < self.of_one && (all < self.all || of_this < self.sure)
    }
}

/// The own vessel: a large boat with every instrument on a bus has some 2000 paths.
const OWN: Most = Most {
    values: 60_000,
    values_of_context: 60_000,
    values_of_one: 20_000,
    sure: 2000,
    bytes: 64 << 20,
};

/// All others together: an AIS target has some 20.
const OTHERS: Most = Most {
    values: 300_000,
    values_of_context: 1000,
    values_of_one: 150_000,
    sure: 0,
    bytes: 64 << 20,
};

/// What is held of one budget.
#[derive(Debug)]
pub(super) struct Budget {
    most: Most,
    values: usize,
    bytes: usize,
    of_one: NameMap<SourceRef, usize>,
}

/// What one context has of its budget, to be given back when it is pruned.
#[derive(Debug, Default)]
pub(super) struct Share {
    values: usize,
    bytes: usize,
    /// Few: an AIS target is heard by one or two receivers.
    of_one: Vec<(SourceRef, usize)>,
}

/// A budget, and who wants something of it.
pub(super) struct Room<'a> {
    pub(super) budget: &'a mut Budget,
    pub(super) provider: &'a SourceRef,
}

impl Budget {
    pub(super) fn own() -> Self {
        Self::new(OWN)
    }

    pub(super) fn others() -> Self {
        Self::new(OTHERS)
    }

    fn new(most: Most) -> Self {
        Self { most, values: 0, bytes: 0, of_one: NameMap::default() }
    }

    /// A context was pruned.
    pub(super) fn give_back(&mut self, share: &Share) {
        self.values = self.values.saturating_sub(share.values);
        self.bytes = self.bytes.saturating_sub(share.bytes);
        for (provider, count) in &share.of_one {
            self.take_from(provider, *count);
        }
    }

    fn take_from(&mut self, provider: &SourceRef, count: usize) {
        if let Some(known) = self.of_one.get_mut(provider) {
            *known = known.saturating_sub(count);
            if *known == 0 {
                self.of_one.remove(provider);
            }
        }
    }
}

impl Room<'_> {
    /// A place for one more value, if there is one.
    pub(super) fn take_place(&mut self, share: &mut Share) -> bool {
        let Budget { most, values, of_one, .. } = &mut *self.budget;
        let of_this = of_one.get(self.provider).copied().unwrap_or_default();
        let is_full = *values >= most.values || share.values >= most.values_of_context;
        if (is_full && of_this >= most.sure) || of_this >= most.values_of_one {
            return false;
        }
        *values += 1;
        share.values += 1;
        of_one.insert(self.provider.clone(), of_this + 1);
        match share.of_one.iter_mut().find(|(known, _)| known.same(self.provider)) {
            Some((_, count)) => *count += 1,
            None => share.of_one.push((self.provider.clone(), 1)),
        }
        true
    }

    /// Gives a place back: what this provider had, or else whoever had one.
    pub(super) fn give_place(&mut self, share: &mut Share) {
        let own = share.of_one.iter().position(|(known, _)| known.same(self.provider));
        let Some((provider, count)) = share.of_one.get_mut(own.unwrap_or_default()) else { return };
        *count -= 1;
        let (provider, last) = (provider.clone(), *count == 0);
        share.of_one.retain(|(_, count)| !last || *count > 0);
        share.values = share.values.saturating_sub(1);
        self.budget.values = self.budget.values.saturating_sub(1);
        self.budget.take_from(&provider, 1);
    }

    /// Whether a value may weigh `new` where one weighed `old`; then it does.
    pub(super) fn weigh(&mut self, share: &mut Share, old: usize, new: usize) -> bool {
        if old == new {
            return true;
        }
        let bytes = self.budget.bytes.saturating_sub(old) + new;
        if new > old && bytes > self.budget.most.bytes {
            return false;
        }
        self.budget.bytes = bytes;
        share.bytes = share.bytes.saturating_sub(old) + new;
        true
    }
}

/// What a value weighs, in bytes of text; 0 when it is small.
#[inline]
pub(super) fn weight(value: &Value) -> usize {
    let bytes = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => return 0,
        value => value.text_bytes(),
    };
    if bytes > SMALL_BYTES { bytes } else { 0 }
}

/// What of a delta the store did not take because something is full. Usually nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The whole delta: there are too many contexts.
    pub context: bool,
    /// Values, as (update, entry) in ascending order.
    pub values: Vec<(usize, usize)>,
    /// Metadata, as (update, entry) in ascending order.
    pub meta: Vec<(usize, usize)>,
}

impl LeftOut {
    /// Whether everything was taken.
    pub fn is_empty(&self) -> bool {
        !self.context && self.values.is_empty() && self.meta.is_empty()
    }

    /// How many values and pieces of metadata were left out.
    pub fn count(&self, delta: &Delta) -> usize {
        if self.context {
            return delta.updates.iter().map(|it| it.values.len() + it.meta.len()).sum();
        }
        self.values.len() + self.meta.len()
    }

    /// Takes from the delta what the store does not have, so that nobody is told of it.
    pub fn take_from(&self, delta: &mut Delta) {
        if self.context {
            delta.updates.clear();
            return;
        }
        let (mut values, mut meta) = (self.values.iter().peekable(), self.meta.iter().peekable());
        for (at, update) in delta.updates.iter_mut().enumerate() {
            let mut entries = 0..;
            update.values.retain(|_| {
                let here = (at, entries.next().unwrap_or_default());
                values.next_if_eq(&&here).is_none()
            });
            let mut entries = 0..;
            update.meta.retain(|_| {
                let here = (at, entries.next().unwrap_or_default());
                meta.next_if_eq(&&here).is_none()
            });
        }
        delta.updates.retain(|update| !update.values.is_empty() || !update.meta.is_empty());
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Most { values, values_of_context, values_of_one, bytes, .. } = OTHERS;
        write!(
            f,
            "too much for the model: of the own vessel it holds {} values ({} of one provider), of {MAX_CONTEXTS} others \
             ({MAX_CONTEXTS_OF_ONE} of one provider) {values} ({values_of_context} each, {values_of_one} of one provider), \
             {} sources of a path, and {} MiB of values above {SMALL_BYTES} bytes. What has no place is left out: \
             look at who sends so many names",
            OWN.values,
            OWN.values_of_one,
            SOURCES.all,
            bytes >> 20,
        )
    }
}
