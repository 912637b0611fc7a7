//! Which rows a value belongs to: what can be said once for a context and a path is looked up once,
//! what changes from value to value is asked each time. Delivery is in the parent module.

use std::time::Duration;

use rustc_hash::FxHashMap;

use super::{NameId, RowId, SubscriberId, index};
use crate::item::Item;
use crate::names::{Context, Path};
use crate::selector::ContextSelector;
use crate::store::{Placement, Store};
use crate::subscription::{SourcePolicy, Subscription, Timing};

#[derive(Debug)]
pub(super) struct Row {
    pub(super) subscriber: SubscriberId,
    pub(super) subscription: Subscription,
}

pub(super) struct Routing<'a> {
    pub(super) now: Duration,
    pub(super) context: &'a Context,
    pub(super) context_id: NameId,
    pub(super) placement: Placement,
    pub(super) store: &'a Store,
}

/// Matching rows per context and path; equal lists are stored once.
#[derive(Debug)]
pub(super) struct Lists<Id> {
    pub(super) by_name: FxHashMap<(NameId, NameId), usize>,
    by_rows: FxHashMap<Box<[RowId]>, usize>,
    pub(super) lists: Vec<List<Id>>,
    /// Rows in all lists together.
    rows: usize,
}

#[derive(Debug)]
pub(super) struct List<Id> {
    /// Every matching row, grouped by subscriber, the quickest first.
    pub(super) rows: Box<[RowId]>,
    /// Subscribers that get every value that is not outranked, each once.
    pub(super) always: Vec<Id>,
    /// The rows of the other subscribers.
    pub(super) ask: Vec<RowId>,
}

/// Beyond this many distinct lists the cache starts anew.
const MAX_LISTS: usize = 8192;
/// Or beyond this many rows in them, 12 bytes each: thirty clients with 1000 rows each make long lists.
const MAX_LISTED_ROWS: usize = 1_000_000;

/// Whether a row with this selector may want values of a context: a distance is asked for each value.
pub(super) fn may_want_context(
    selector: &ContextSelector,
    context: &Context,
    own: &Context,
) -> bool {
    matches!(selector, ContextSelector::Around { .. }) || selector.matches_name(context, own)
}

impl Row {
    /// What can be said once for a context and a path.
    pub(super) fn may_want(&self, context: &Context, path: &Path, own: &Context) -> bool {
        may_want_context(&self.subscription.context, context, own)
            && self.subscription.path.matches(path)
    }

    /// Whether every value of a list it is in goes out at once.
    pub(super) fn always(&self) -> bool {
        self.subscription.timing == Timing::Instant
            && self.subscription.sources.exclude.is_empty()
            && !matches!(self.subscription.context, ContextSelector::Around { .. })
    }

    /// What has to be asked for each value.
    pub(super) fn wants(&self, routing: &Routing<'_>, item: &Item<'_>, own: &Context) -> bool {
        let Subscription { context, sources, .. } = &self.subscription;
        (routing.placement != Placement::Outranked || sources.policy == SourcePolicy::All)
            && sources.wants(item.source_ref)
            && (!matches!(context, ContextSelector::Around { .. })
                || context.matches(item.context, own, || routing.store.position(item.context)))
    }
}

impl<Id: Clone> Lists<Id> {
    pub(super) fn new() -> Self {
        Self {
            by_name: FxHashMap::default(),
            by_rows: FxHashMap::default(),
            lists: Vec::new(),
            rows: 0,
        }
    }

    pub(super) fn add(
        &mut self,
        key: (NameId, NameId),
        matching: Box<[RowId]>,
        rows: &[Option<Row>],
        subscribers: &[Option<Id>],
    ) -> usize {
        if self.lists.len() >= MAX_LISTS || self.rows >= MAX_LISTED_ROWS {
            *self = Self::new();
        }
        let at = match self.by_rows.get(&matching) {
            Some(at) => *at,
            None => {
                self.rows += matching.len();
                self.by_rows.insert(matching.clone(), self.lists.len());
                self.lists.push(List::new(matching, rows, subscribers));
                self.lists.len() - 1
            }
        };
        self.by_name.insert(key, at);
        at
    }
}

impl<Id: Clone> List<Id> {
    pub(super) fn new(
        matching: Box<[RowId]>,
        rows: &[Option<Row>],
        subscribers: &[Option<Id>],
    ) -> Self {
        let mut list = Self { rows: matching, always: Vec::new(), ask: Vec::new() };
        let (mut first, mut served) = (None, false);
        for &at in &list.rows {
            let Some(Some(row)) = rows.get(index(at)) else { continue };
            if first != Some(row.subscriber) {
                (first, served) = (Some(row.subscriber), false);
            }
            if served {
                continue;
            }
            if row.always() {
                served = true;
                list.always.extend(subscribers.get(index(row.subscriber)).cloned().flatten());
            } else {
                list.ask.push(at);
            }
        }
        list
    }
}
