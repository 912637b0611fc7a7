//! Who gets which value, and when (server-api.md 3.3). For each context and path the matching rows
//! are looked up once and kept, so a delta costs by its matches and not by the subscribers. Sans-IO:
//! the caller gives the time, asks for the next one, and sends what is delivered.
//!
//! Messages are read in `subscription`; the grouped deltas of a `?subscribe=self` stream are the
//! core's business.

use std::hash::Hash;
use std::time::Duration;

use crate::hash::{NameMap, NameSet};

use self::matching::{Lists, Row};
use self::picked::Picked;
pub use self::refused::Refused;
use self::refused::{MAX_ANNOUNCERS, MAX_COSTLY};
use self::rows::{Held, is_costly};
use self::waiting::Waiting;
use crate::item::Item;
use crate::names::{Context, Path};
use crate::pattern::Pattern;
use crate::selector::ContextSelector;
use crate::store::Store;
use crate::subscription::{MAX_ROWS, SourcePolicy, Subscribe, Subscription, Unsubscribe};

mod flatten;
mod matching;
mod picked;
mod refused;
mod replay;
mod routing;
mod rows;
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
/// let refused = set.subscribe(7, &rows.unwrap(), &store, |_cached| {});
/// assert_eq!(refused.rows, 0);
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
    /// What each subscriber holds, by its index.
    held: Vec<Held>,
    seats: NameMap<Id, SubscriberId>,
    rows: Vec<Option<Row>>,
    free: Vec<RowId>,
    /// Rows without a star by their path; the others have to be tried one by one.
    exact: NameMap<Box<str>, Vec<RowId>>,
    wild: Vec<RowId>,
    announcers: Vec<Announcer>,
    contexts: NameMap<Context, NameId>,
    paths: NameMap<Path, NameId>,
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
    told: NameSet<(Context, Path)>,
}

/// Beyond this many paths the lookup starts anew: paths come from outside.
const MAX_PATHS: usize = 50_000;
/// The same for contexts. The store has half of them at most.
const MAX_CONTEXTS: usize = 20_000;

impl<Id: Clone + Eq + Hash> SubscriptionSet<Id> {
    /// No subscriptions, for a server whose own vessel is `self_context`.
    pub fn new(self_context: Context) -> Self {
        Self {
            self_context,
            subscribers: Vec::new(),
            held: Vec::new(),
            seats: NameMap::default(),
            rows: Vec::new(),
            free: Vec::new(),
            exact: NameMap::default(),
            wild: Vec::new(),
            announcers: Vec::new(),
            contexts: NameMap::default(),
            paths: NameMap::default(),
            last_name: 0,
            lists: Lists::new(),
            waiting: Waiting::default(),
            scratch: Vec::new(),
        }
    }

    /// Adds the rows of a message to those of `id`, and hands out what `store` knows of them: the
    /// last value of each matching context, path and source, once and at once, whatever the timing.
    /// Rows that `id` has already are not added again; those beyond its bounds are not added at all.
    pub fn subscribe(
        &mut self,
        id: Id,
        request: &Subscribe,
        store: &Store,
        mut deliver: impl FnMut(&Item<'_>),
    ) -> Refused {
        let subscriber = self.subscriber(id);
        let mut refused = Refused::default();
        let (mut taken, mut fresh) = (Vec::new(), Vec::new());
        if let Some(held) = self.held.get_mut(index(subscriber)) {
            for row in &request.subscriptions {
                let costly = usize::from(is_costly(row));
                let full = held.rows.len() >= MAX_ROWS || costly > 0 && held.costly >= MAX_COSTLY;
                if held.rows.contains_key(row) {
                    taken.push(row);
                } else if full {
                    refused.rows += 1;
                } else {
                    held.costly += costly;
                    let at = self.free.pop().unwrap_or_else(|| {
                        self.rows.push(None);
                        name_id(self.rows.len() - 1)
                    });
                    held.rows.insert(row.clone(), at);
                    taken.push(row);
                    fresh.push((at, row));
                }
            }
        }
        self.add_rows(subscriber, &fresh);
        let announce = request.context.as_ref().filter(|_| request.announce_new_paths);
        let announce = announce.filter(|context| {
            refused.announcement = !self.may_announce(subscriber, context);
            !refused.announcement
        });
        self.replay(&taken, announce, store, &mut deliver);
        if let Some(context) = announce {
            let own = &self.self_context;
            let known = store.cached(|name| context.matches_name(name, own), SourcePolicy::All);
            let told = known.iter().map(|item| (item.context.clone(), item.path.clone())).collect();
            self.announcers.retain(|known| !known.is(subscriber, context));
            self.announcers.push(Announcer { subscriber, context: context.clone(), told });
        }
        refused
    }

    /// Whether there is room for one more context, or it replaces one.
    fn may_announce(&self, subscriber: SubscriberId, context: &ContextSelector) -> bool {
        let own = self.announcers.iter().filter(|known| known.subscriber == subscriber);
        own.clone().count() < MAX_ANNOUNCERS || own.into_iter().any(|it| it.is(subscriber, context))
    }

    /// Takes rows away. DIFFERENCE: the reference only knows "all" and closes the socket for
    /// anything else (server-api.md 11, 1). Returns how many rows went.
    pub fn unsubscribe(&mut self, id: &Id, request: &Unsubscribe) -> usize {
        if request.is_all() {
            return self.remove(id);
        }
        let Some(subscriber) = self.find(id) else { return 0 };
        let Some(held) = self.held.get(index(subscriber)) else { return 0 };
        let paths: NameSet<&Pattern> = request.paths.iter().collect();
        let gone = |row: &Subscription| row.context == request.context && paths.contains(&row.path);
        let gone: Vec<RowId> =
            held.rows.iter().filter(|(row, _)| gone(row)).map(|(_, at)| *at).collect();
        let count = gone.len();
        self.drop_rows(gone);
        if count > 0
            && let Some(held) = self.held.get(index(subscriber))
        {
            let mut left = Picked::new(held.rows.keys());
            let own = &self.self_context;
            self.waiting.keep(subscriber, |item| {
                left.any(item.path, |terms| {
                    matches!(terms.context, ContextSelector::Around { .. })
                        || terms.context.matches_name(item.context, own)
                })
            });
        }
        count
    }

    /// Takes everything of a receiver away. Returns how many rows went.
    pub fn remove(&mut self, id: &Id) -> usize {
        let Some(subscriber) = self.seats.remove(id) else { return 0 };
        self.announcers.retain(|announcer| announcer.subscriber != subscriber);
        self.waiting.remove(subscriber);
        let held = self.held.get_mut(index(subscriber)).map(std::mem::take).unwrap_or_default();
        let gone: Vec<RowId> = held.rows.into_values().collect();
        let count = gone.len();
        self.drop_rows(gone);
        if let Some(place) = self.subscribers.get_mut(index(subscriber)) {
            *place = None;
        }
        count
    }

    /// The rows of a receiver.
    pub fn rows_of(&self, id: &Id) -> impl Iterator<Item = &Subscription> {
        let held = self.find(id).and_then(|subscriber| self.held.get(index(subscriber)));
        held.into_iter().flat_map(|held| held.rows.keys())
    }

    /// Whether nobody has subscribed to anything.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Forgets what was looked up for contexts that the store has pruned: all of them in one pass.
    pub fn forget(&mut self, contexts: &[Context]) {
        let gone: NameSet<NameId> =
            contexts.iter().filter_map(|context| self.contexts.remove(context)).collect();
        if !gone.is_empty() {
            self.lists.by_name.retain(|(name, _), _| !gone.contains(name));
        }
        if self.announcers.is_empty() || contexts.is_empty() {
            return;
        }
        let contexts: NameSet<&Context> = contexts.iter().collect();
        for announcer in &mut self.announcers {
            announcer.told.retain(|(told, _)| !contexts.contains(told));
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
        // Receivers are few: streams and plugins.
        let free = self.subscribers.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.subscribers.push(None);
            self.held.push(Held::default());
            self.subscribers.len() - 1
        });
        self.subscribers[at] = Some(id.clone());
        self.seats.insert(id, name_id(at));
        name_id(at)
    }

    fn find(&self, id: &Id) -> Option<SubscriberId> {
        self.seats.get(id).copied()
    }
}

impl Announcer {
    fn is(&self, subscriber: SubscriberId, context: &ContextSelector) -> bool {
        self.subscriber == subscriber && self.context == *context
    }
}

fn index(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

fn name_id(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
