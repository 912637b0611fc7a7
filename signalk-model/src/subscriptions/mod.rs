//! Who gets which value, and when (server-api.md 3.3). For each context and path the matching rows
//! are looked up once and kept, so a delta costs by its matches and not by the subscribers. Sans-IO:
//! the caller gives the time, asks for the next one, and sends what is delivered.
//!
//! Messages are read in `subscription`; the grouped deltas of a `?subscribe=self` stream are the
//! core's business.

use std::hash::Hash;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use self::waiting::Waiting;
use crate::delta::Delta;
use crate::item::{Body, Item};
use crate::names::{Context, Path};
use crate::store::{Placement, Store};
use crate::subscription::{
    ContextSelector, SourcePolicy, Subscribe, Subscription, Timing, Unsubscribe,
};
use crate::value::Value;

mod flatten;
mod waiting;

/// Index of a context or a path that was seen.
type NameId = u32;
/// Index of a subscriber.
type SubscriberId = u32;
type RowId = u32;

/// Every subscription of every receiver; `Id` names a receiver.
///
/// ```
/// use signalk_model::{Delta, Placement, Store, Subscribe, SubscriptionSet, Update};
/// use std::time::Duration;
///
/// let store = Store::new("urn:mrn:imo:mmsi:230099999");
/// let mut set = SubscriptionSet::new(store.self_context().clone());
/// let rows = Subscribe::parse(br#"{"context":"vessels.self","subscribe":[{"path":"navigation.*"}]}"#);
/// set.subscribe(7, &rows.unwrap(), &store, |_cached| {});
///
/// let update = Update::new().with_source_ref("gps0").with_value("navigation.log", 12);
/// let delta = Delta::new(store.self_context().clone()).with_update(update);
/// let mut sent = Vec::new();
/// set.route(Duration::ZERO, &delta, Placement::Tree, &store, |item, to| {
///     sent.push((to.to_vec(), item.path.to_string()));
/// });
/// assert_eq!(sent, [(vec![7], "navigation.log".to_string())]);
/// ```
#[derive(Debug)]
pub struct SubscriptionSet<Id> {
    self_context: Context,
    subscribers: Vec<Option<Id>>,
    rows: Vec<Option<Row>>,
    /// Rows without a star by their path; the others have to be tried one by one.
    exact: FxHashMap<Box<str>, Vec<RowId>>,
    wild: Vec<RowId>,
    announcers: Vec<Announcer>,
    contexts: FxHashMap<Context, NameId>,
    paths: FxHashMap<Path, NameId>,
    /// Never given twice: values that wait are told apart by it.
    last_name: NameId,
    lists: Lists<Id>,
    waiting: Waiting,
    scratch: Vec<Id>,
}

#[derive(Debug)]
struct Row {
    subscriber: SubscriberId,
    subscription: Subscription,
}

/// A receiver that is told each new path once.
#[derive(Debug)]
struct Announcer {
    subscriber: SubscriberId,
    context: ContextSelector,
    told: FxHashSet<(Context, Path)>,
}

/// Matching rows per context and path; equal lists are stored once.
#[derive(Debug)]
struct Lists<Id> {
    by_name: FxHashMap<(NameId, NameId), usize>,
    by_rows: FxHashMap<Box<[RowId]>, usize>,
    lists: Vec<List<Id>>,
}

#[derive(Debug)]
struct List<Id> {
    /// Every matching row, grouped by subscriber, the quickest first.
    rows: Box<[RowId]>,
    /// Subscribers that get every value that is not outranked, each once.
    always: Vec<Id>,
    /// The rows of the other subscribers.
    ask: Vec<RowId>,
}

/// Beyond this many distinct lists the cache starts anew.
const MAX_LISTS: usize = 8192;
/// Beyond this many paths the lookup starts anew: paths come from outside.
const MAX_PATHS: usize = 50_000;

impl<Id: Clone + Eq + Hash> SubscriptionSet<Id> {
    /// No subscriptions, for a server whose own vessel is `self_context`.
    pub fn new(self_context: Context) -> Self {
        Self {
            self_context,
            subscribers: Vec::new(),
            rows: Vec::new(),
            exact: FxHashMap::default(),
            wild: Vec::new(),
            announcers: Vec::new(),
            contexts: FxHashMap::default(),
            paths: FxHashMap::default(),
            last_name: 0,
            lists: Lists::new(),
            waiting: Waiting::default(),
            scratch: Vec::new(),
        }
    }

    /// Adds the rows of a message to those of `id`, and hands out what `store` knows of them: the
    /// last value of each matching context, path and source, once and at once, whatever the timing.
    /// Rows that `id` has already are not added again.
    pub fn subscribe(
        &mut self,
        id: Id,
        request: &Subscribe,
        store: &Store,
        mut deliver: impl FnMut(&Item<'_>),
    ) {
        let subscriber = self.subscriber(id);
        for subscription in &request.subscriptions {
            let known = self
                .rows
                .iter()
                .flatten()
                .any(|row| row.subscriber == subscriber && row.subscription == *subscription);
            if !known {
                self.add_row(Row { subscriber, subscription: subscription.clone() });
            }
        }
        let announce = request.context.as_ref().filter(|_| request.announce_new_paths);
        self.replay(request, announce, store, &mut deliver);
        if let Some(context) = announce {
            let own = &self.self_context;
            let known = store.cached(|name| context.matches_name(name, own), SourcePolicy::All);
            let told = known.iter().map(|item| (item.context.clone(), item.path.clone())).collect();
            self.announcers.push(Announcer { subscriber, context: context.clone(), told });
        }
    }

    fn replay(
        &self,
        request: &Subscribe,
        announce: Option<&ContextSelector>,
        store: &Store,
        deliver: &mut impl FnMut(&Item<'_>),
    ) {
        let own = &self.self_context;
        let in_place = |selector: &ContextSelector, context: &Context| {
            selector.matches(context, own, || store.position(context))
        };
        let rows = &request.subscriptions;
        let policy = rows.first().map_or(SourcePolicy::Preferred, |row| row.sources.policy);
        let wanted = |context: &Context| {
            rows.iter().any(|row| in_place(&row.context, context))
                || announce.is_some_and(|selector| in_place(selector, context))
        };
        for item in store.cached(wanted, policy) {
            let rows = || {
                rows.iter().filter(|row| {
                    row.sources.wants(item.source_ref) && in_place(&row.context, item.context)
                })
            };
            let announced = announce.is_some_and(|selector| in_place(selector, item.context));
            if announced || rows().any(|row| row.path.matches(item.path)) {
                deliver(&item);
            }
            if let (true, Some(value)) = (item.path.is_root(), item.value()) {
                flatten::for_each_leaf(value, &mut |path, value| {
                    let path = Path::from(path);
                    if rows().any(|row| row.path.matches(&path) && !row.path.matches("")) {
                        deliver(&Item { path: &path, body: Body::Value(value), ..item });
                    }
                });
            }
        }
    }

    /// Takes rows away. DIFFERENCE: the reference only knows "all" and closes the socket for
    /// anything else (server-api.md 11, 1). Returns how many rows went.
    pub fn unsubscribe(&mut self, id: &Id, request: &Unsubscribe) -> usize {
        if request.is_all() {
            return self.remove(id);
        }
        let Some(subscriber) = self.find(id) else { return 0 };
        let gone = |row: &Row| {
            row.subscriber == subscriber
                && row.subscription.context == request.context
                && request.paths.contains(&row.subscription.path)
        };
        let count = self.drop_rows(gone);
        if count > 0 {
            let left: Vec<&Subscription> = self
                .rows
                .iter()
                .flatten()
                .filter(|row| row.subscriber == subscriber)
                .map(|row| &row.subscription)
                .collect();
            let own = &self.self_context;
            self.waiting.keep(subscriber, |item| {
                left.iter().any(|row| {
                    row.path.matches(item.path)
                        && (matches!(row.context, ContextSelector::Around { .. })
                            || row.context.matches_name(item.context, own))
                })
            });
        }
        count
    }

    /// Takes everything of a receiver away. Returns how many rows went.
    pub fn remove(&mut self, id: &Id) -> usize {
        let Some(subscriber) = self.find(id) else { return 0 };
        self.announcers.retain(|announcer| announcer.subscriber != subscriber);
        self.waiting.remove(subscriber);
        let count = self.drop_rows(|row| row.subscriber == subscriber);
        if let Some(place) = self.subscribers.get_mut(index(subscriber)) {
            *place = None;
        }
        count
    }

    /// The rows of a receiver.
    pub fn rows_of(&self, id: &Id) -> impl Iterator<Item = &Subscription> {
        let subscriber = self.find(id);
        let rows = self.rows.iter().flatten();
        rows.filter(move |row| Some(row.subscriber) == subscriber).map(|row| &row.subscription)
    }

    /// Whether nobody has subscribed to anything.
    pub fn is_empty(&self) -> bool {
        self.subscribers.iter().all(Option::is_none)
    }

    /// Forgets what was looked up for a context that the store has pruned.
    pub fn forget(&mut self, context: &Context) {
        if let Some(gone) = self.contexts.remove(context) {
            self.lists.by_name.retain(|(name, _), _| *name != gone);
        }
        for announcer in &mut self.announcers {
            announcer.told.retain(|(told, _)| told != context);
        }
    }

    /// When `handle_timeout` is due.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.waiting.poll_timeout()
    }

    /// Hands out what waited for `now`.
    pub fn handle_timeout(&mut self, now: Duration, mut deliver: impl FnMut(&Item<'_>, &[Id])) {
        let subscribers = &self.subscribers;
        self.waiting.handle_timeout(now, |subscriber, item| {
            if let Some(Some(id)) = subscribers.get(index(subscriber)) {
                deliver(item, std::slice::from_ref(id));
            }
        });
    }

    /// Hands out each value and each piece of metadata of a normalised delta to those who want it
    /// now, and keeps what they want later. `store` answers where ships are.
    pub fn route(
        &mut self,
        now: Duration,
        delta: &Delta,
        placement: Placement,
        store: &Store,
        mut deliver: impl FnMut(&Item<'_>, &[Id]),
    ) {
        if self.rows.is_empty() && self.announcers.is_empty() {
            return;
        }
        let own = self.self_context.clone();
        let context = delta.context.as_ref().unwrap_or(&own);
        let routing =
            Routing { now, context, context_id: self.context_id(context), placement, store };
        for update in &delta.updates {
            for entry in &update.values {
                let item = Item::of_value(context, update, entry);
                self.route_value(&routing, &item, &entry.value, &mut deliver);
            }
            for entry in &update.meta {
                let item = Item::of_meta(context, update, entry);
                let list = self.list(&routing, &entry.path);
                let to = self.receivers_of_meta(list, &routing, &item);
                if !to.is_empty() {
                    deliver(&item, &to);
                }
                self.scratch = to;
            }
        }
    }

    fn route_value(
        &mut self,
        routing: &Routing<'_>,
        item: &Item<'_>,
        value: &Value,
        deliver: &mut impl FnMut(&Item<'_>, &[Id]),
    ) {
        let list = self.list(routing, item.path);
        let simple = routing.placement != Placement::Outranked && self.announcers.is_empty();
        match self.lists.lists.get(list) {
            Some(list) if simple && list.ask.is_empty() => {
                if !list.always.is_empty() {
                    deliver(item, &list.always);
                }
            }
            _ => {
                let timed = !item.path.is_root();
                let mut to = self.receivers(list, routing, item, value, timed, |_| true);
                self.announce(routing, item, &mut to);
                if !to.is_empty() {
                    deliver(item, &to);
                }
                self.scratch = to;
            }
        }
        if item.path.is_root() {
            flatten::for_each_leaf(value, &mut |path, value| {
                let path = Path::from(path);
                let item = Item { path: &path, body: Body::Value(value), ..*item };
                let list = self.list(routing, &path);
                let to = self.receivers(list, routing, &item, value, false, |row| {
                    !row.subscription.path.matches("")
                });
                if !to.is_empty() {
                    deliver(&item, &to);
                }
                self.scratch = to;
            });
        }
    }

    /// Those who get the value now; what others get later is put aside. One subscriber gets a value
    /// once, by the quickest of its rows; what comes through the root path knows no timing. DIFFERENCE: the reference sends it once per row
    /// (server-api.md 11, 10).
    fn receivers(
        &mut self,
        list: usize,
        routing: &Routing<'_>,
        item: &Item<'_>,
        value: &Value,
        timed: bool,
        chosen: impl Fn(&Row) -> bool,
    ) -> Vec<Id> {
        let mut to = std::mem::take(&mut self.scratch);
        to.clear();
        let Some(list) = self.lists.lists.get(list) else { return to };
        let mut served = None;
        for &at in &list.rows {
            let Some(Some(row)) = self.rows.get(index(at)) else { continue };
            let subscriber = row.subscriber;
            if served == Some(subscriber)
                || !chosen(row)
                || !row.wants(routing, item, &self.self_context)
            {
                continue;
            }
            served = Some(subscriber);
            let now = routing.now;
            let names =
                (routing.context_id, self.paths.get(item.path).copied().unwrap_or(NameId::MAX));
            let at_once = match row.subscription.timing {
                Timing::MinPeriod(period) if timed => {
                    let key = (subscriber, names.0, names.1);
                    self.waiting.min_period(now, key, period, item, value)
                }
                Timing::Fixed(period) if timed => {
                    self.waiting.fixed(now, (subscriber, period), names, item, value);
                    false
                }
                _ => true,
            };
            if at_once && let Some(Some(id)) = self.subscribers.get(index(subscriber)) {
                to.push(id.clone());
            }
        }
        to
    }

    fn receivers_of_meta(
        &mut self,
        list: usize,
        routing: &Routing<'_>,
        item: &Item<'_>,
    ) -> Vec<Id> {
        let mut to = std::mem::take(&mut self.scratch);
        to.clear();
        let mut served = None;
        for &at in self.lists.lists.get(list).map_or(&[][..], |list| &list.rows) {
            let Some(Some(row)) = self.rows.get(index(at)) else { continue };
            if served == Some(row.subscriber) || !row.wants(routing, item, &self.self_context) {
                continue;
            }
            served = Some(row.subscriber);
            if let Some(Some(id)) = self.subscribers.get(index(row.subscriber)) {
                to.push(id.clone());
            }
        }
        to
    }

    fn announce(&mut self, routing: &Routing<'_>, item: &Item<'_>, to: &mut Vec<Id>) {
        for announcer in &mut self.announcers {
            let here = announcer
                .context
                .matches(item.context, &self.self_context, || routing.store.position(item.context));
            if here
                && announcer.told.insert((item.context.clone(), item.path.clone()))
                && let Some(Some(id)) = self.subscribers.get(index(announcer.subscriber))
                && !to.contains(id)
            {
                to.push(id.clone());
            }
        }
    }

    fn context_id(&mut self, context: &Context) -> NameId {
        match self.contexts.get(context) {
            Some(id) => *id,
            None => {
                self.last_name = self.last_name.wrapping_add(1);
                self.contexts.insert(context.clone(), self.last_name);
                self.last_name
            }
        }
    }

    /// The list for a path, found or made.
    fn list(&mut self, routing: &Routing<'_>, path: &Path) -> usize {
        let path_id = match self.paths.get(path) {
            Some(id) => *id,
            None => {
                if self.paths.len() >= MAX_PATHS {
                    self.paths.clear();
                    self.lists = Lists::new();
                }
                self.last_name = self.last_name.wrapping_add(1);
                self.paths.insert(path.clone(), self.last_name);
                self.last_name
            }
        };
        let key = (routing.context_id, path_id);
        if let Some(list) = self.lists.by_name.get(&key) {
            return *list;
        }
        let mut rows: Vec<RowId> = self
            .exact
            .get(&**path)
            .into_iter()
            .flatten()
            .chain(&self.wild)
            .copied()
            .filter(|&at| {
                matches!(self.rows.get(index(at)), Some(Some(row))
                    if row.may_want(routing.context, path, &self.self_context))
            })
            .collect();
        let rank = |at: &RowId| match self.rows.get(index(*at)) {
            Some(Some(row)) => (row.subscriber, row.subscription.timing.rank(), *at),
            _ => (SubscriberId::MAX, (Duration::ZERO, false), *at),
        };
        rows.sort_unstable_by_key(rank);
        self.lists.add(key, rows.into_boxed_slice(), &self.rows, &self.subscribers)
    }

    fn subscriber(&mut self, id: Id) -> SubscriberId {
        if let Some(known) = self.find(&id) {
            return known;
        }
        let free = self.subscribers.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.subscribers.push(None);
            self.subscribers.len() - 1
        });
        self.subscribers[at] = Some(id);
        name_id(at)
    }

    fn find(&self, id: &Id) -> Option<SubscriberId> {
        self.subscribers.iter().position(|known| known.as_ref() == Some(id)).map(name_id)
    }

    fn add_row(&mut self, row: Row) {
        // Only lists that the row belongs to are made anew.
        let own = &self.self_context;
        let contexts: FxHashSet<NameId> = self
            .contexts
            .iter()
            .filter(|(context, _)| row.may_want_context(context, own))
            .map(|(_, id)| *id)
            .collect();
        let path = &row.subscription.path;
        let paths: FxHashSet<NameId> =
            self.paths.iter().filter(|(name, _)| path.matches(name)).map(|(_, id)| *id).collect();
        self.lists
            .by_name
            .retain(|(context, path), _| !(contexts.contains(context) && paths.contains(path)));

        let free = self.rows.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.rows.push(None);
            self.rows.len() - 1
        });
        if path.is_exact() {
            self.exact.entry(Box::from(path.as_str())).or_default().push(name_id(at));
        } else {
            self.wild.push(name_id(at));
        }
        self.rows[at] = Some(row);
    }

    fn drop_rows(&mut self, gone: impl Fn(&Row) -> bool) -> usize {
        let mut count = 0;
        for row in &mut self.rows {
            if row.as_ref().is_some_and(&gone) {
                *row = None;
                count += 1;
            }
        }
        if count > 0 {
            // Rows are named by their place, which may be taken again: no list may survive.
            self.lists = Lists::new();
            let rows = &self.rows;
            let alive = |at: &RowId| matches!(rows.get(index(*at)), Some(Some(_)));
            self.wild.retain(alive);
            self.exact.retain(|_, rows| {
                rows.retain(alive);
                !rows.is_empty()
            });
            while matches!(self.rows.last(), Some(None)) {
                self.rows.pop();
            }
        }
        count
    }
}

struct Routing<'a> {
    now: Duration,
    context: &'a Context,
    context_id: NameId,
    placement: Placement,
    store: &'a Store,
}

impl Row {
    /// What can be said once for a context and a path.
    fn may_want(&self, context: &Context, path: &Path, own: &Context) -> bool {
        self.may_want_context(context, own) && self.subscription.path.matches(path)
    }

    fn may_want_context(&self, context: &Context, own: &Context) -> bool {
        matches!(self.subscription.context, ContextSelector::Around { .. })
            || self.subscription.context.matches_name(context, own)
    }

    /// Whether every value of a list it is in goes out at once.
    fn always(&self) -> bool {
        self.subscription.timing == Timing::Instant
            && self.subscription.sources.exclude.is_empty()
            && !matches!(self.subscription.context, ContextSelector::Around { .. })
    }

    /// What has to be asked for each value.
    fn wants(&self, routing: &Routing<'_>, item: &Item<'_>, own: &Context) -> bool {
        let Subscription { context, sources, .. } = &self.subscription;
        (routing.placement != Placement::Outranked || sources.policy == SourcePolicy::All)
            && sources.wants(item.source_ref)
            && (!matches!(context, ContextSelector::Around { .. })
                || context.matches(item.context, own, || routing.store.position(item.context)))
    }
}

impl<Id: Clone> Lists<Id> {
    fn new() -> Self {
        Self { by_name: FxHashMap::default(), by_rows: FxHashMap::default(), lists: Vec::new() }
    }

    fn add(
        &mut self,
        key: (NameId, NameId),
        matching: Box<[RowId]>,
        rows: &[Option<Row>],
        subscribers: &[Option<Id>],
    ) -> usize {
        if self.lists.len() >= MAX_LISTS {
            *self = Self::new();
        }
        let at = match self.by_rows.get(&matching) {
            Some(at) => *at,
            None => {
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
    fn new(matching: Box<[RowId]>, rows: &[Option<Row>], subscribers: &[Option<Id>]) -> Self {
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

fn index(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

fn name_id(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
