//! The rows of all subscribers: their places, the indexes by path, and which looked-up lists they outdate. Which rows
//! match a value is `matching.rs`.

use std::hash::Hash;

use crate::hash::{NameMap, NameSet};

use super::matching::{self, Lists, Row};
use super::{NameId, RowId, SubscriberId, SubscriptionSet, index};
use crate::names::Context;
use crate::pattern::Pattern;
use crate::selector::ContextSelector;
use crate::subscription::Subscription;

/// The rows of one subscriber.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) rows: NameMap<Subscription, RowId>,
    /// How many of them are [costly](is_costly).
    pub(super) costly: usize,
}

impl<Id: Clone + Eq + Hash> SubscriptionSet<Id> {
    pub(super) fn add_rows(&mut self, subscriber: SubscriberId, fresh: &[(RowId, &Subscription)]) {
        if fresh.is_empty() {
            return;
        }
        self.forget_lists_of(fresh);
        for (at, row) in fresh {
            if row.path.is_exact() {
                self.exact.entry(Box::from(row.path.as_str())).or_default().push(*at);
            } else {
                self.wild.push(*at);
            }
            if let Some(place) = self.rows.get_mut(index(*at)) {
                *place = Some(Row { subscriber, subscription: (*row).clone() });
            }
        }
    }

    /// Only lists that one of the rows may belong to are made anew, all of them in one pass.
    fn forget_lists_of(&mut self, fresh: &[(RowId, &Subscription)]) {
        let own = &self.self_context;
        let mut selectors: Vec<&ContextSelector> = Vec::new();
        for (_, row) in fresh {
            if !selectors.contains(&&row.context) {
                selectors.push(&row.context);
            }
        }
        let wanted = |context: &Context| {
            selectors.iter().any(|selector| matching::may_want_context(selector, context, own))
        };
        let contexts = self.contexts.iter().filter(|(context, _)| wanted(context));
        let contexts: NameSet<NameId> = contexts.map(|(_, id)| *id).collect();
        let (exact, wild): (Vec<&Pattern>, Vec<&Pattern>) =
            fresh.iter().map(|(_, row)| &row.path).partition(|path| path.is_exact());
        let mut paths: NameSet<NameId> =
            exact.iter().filter_map(|path| self.paths.get(path.as_str()).copied()).collect();
        if !wild.is_empty() {
            let wanted =
                self.paths.iter().filter(|(name, _)| wild.iter().any(|it| it.matches(name)));
            paths.extend(wanted.map(|(_, id)| *id));
        }
        self.lists
            .by_name
            .retain(|(context, path), _| !(contexts.contains(context) && paths.contains(path)));
    }

    pub(super) fn drop_rows(&mut self, mut gone: Vec<RowId>) {
        if gone.is_empty() {
            return;
        }
        // They come out of a table, and the numbers of later rows go by the order in which these are free.
        gone.sort_unstable();
        // Rows are named by their place, which may be taken again: no list may survive.
        self.lists = Lists::new();
        for at in gone {
            let Some(row) = self.rows.get_mut(index(at)).and_then(Option::take) else { continue };
            self.free.push(at);
            if let Some(held) = self.held.get_mut(index(row.subscriber)) {
                let held_it = held.rows.remove(&row.subscription).is_some();
                held.costly -= usize::from(held_it && is_costly(&row.subscription));
            }
            let path = row.subscription.path.as_str();
            if let Some(rows) = self.exact.get_mut(path) {
                rows.retain(|known| *known != at);
                if rows.is_empty() {
                    self.exact.remove(path);
                }
            }
        }
        let rows = &self.rows;
        self.wild.retain(|at| matches!(rows.get(index(*at)), Some(Some(_))));
        if self.free.len() == self.rows.len() {
            self.rows.clear();
            self.free.clear();
        }
    }
}

/// Whether the row must be tried on every path, or asked for every value.
pub(super) fn is_costly(row: &Subscription) -> bool {
    !row.path.is_exact() || matches!(row.context, ContextSelector::Around { .. })
}

#[cfg(test)]
mod tests {
    use crate::{Context, Store, Subscribe, SubscriptionSet};

    /// The table of a subscriber's rows has another order with each seed.
    #[test]
    fn rows_are_free_again_in_the_order_of_their_numbers() {
        let store = Store::new("urn:mrn:imo:mmsi:230099999");
        let mut set = SubscriptionSet::new(Context::from("vessels.self"));
        let rows: Vec<String> = (0..50).map(|at| format!(r#"{{"path":"a.p{at}"}}"#)).collect();
        let text = format!(r#"{{"context":"vessels.self","subscribe":[{}]}}"#, rows.join(","));
        let ask = Subscribe::parse(text.as_bytes()).unwrap();
        assert_eq!(set.subscribe(1, &ask, &store, |_| {}).rows, 0);
        assert_eq!(set.subscribe(2, &ask, &store, |_| {}).rows, 0);
        set.remove(&2);
        assert_eq!(set.free, (50..100).collect::<Vec<_>>());
    }
}
