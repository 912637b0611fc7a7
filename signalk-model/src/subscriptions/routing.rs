//! A delta on its way to its receivers: each value goes out at once, waits, or goes nowhere.

use std::hash::Hash;
use std::time::Duration;

use super::matching::{Lists, Routing, Row};
use super::{
    MAX_CONTEXTS, MAX_PATHS, NameId, RowId, SubscriberId, SubscriptionSet, flatten, index,
};
use crate::delta::Delta;
use crate::item::{Body, Item};
use crate::names::{Context, Path};
use crate::store::{Placement, Store};
use crate::subscription::Timing;
use crate::value::Value;

impl<Id: Clone + Eq + Hash> SubscriptionSet<Id> {
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
    /// once, by the quickest of its rows; what comes through the root path knows no timing. DIFFERENCE: the reference
    /// sends it once per row (server-api.md 11, 10).
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
                if self.contexts.len() >= MAX_CONTEXTS {
                    self.contexts.clear();
                    self.lists = Lists::new();
                }
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
}
