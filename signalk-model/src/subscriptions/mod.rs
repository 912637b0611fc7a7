//! Who gets which value, and when (server-api.md 3.3). For each context and path the matching rows
//! are looked up once and kept, so a delta costs by its matches and not by the subscribers. Sans-IO:
//! the caller gives the time, asks for the next one, and sends what is delivered.
//!
//! Messages are read in `subscription`; the grouped deltas of a `?subscribe=self` stream are the
//! core's business.

use std::hash::Hash;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use self::matching::{Lists, Row};
use self::waiting::Waiting;
use crate::item::{Body, Item};
use crate::names::{Context, Path};
use crate::selector::ContextSelector;
use crate::store::Store;
use crate::subscription::{SourcePolicy, Subscribe, Subscription, Unsubscribe};

mod flatten;
mod matching;
mod routing;
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

/// A receiver that is told each new path once.
#[derive(Debug)]
struct Announcer {
    subscriber: SubscriberId,
    context: ContextSelector,
    told: FxHashSet<(Context, Path)>,
}

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

fn index(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

fn name_id(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
