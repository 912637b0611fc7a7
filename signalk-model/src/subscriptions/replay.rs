//! What a receiver gets when it subscribes: the last values that its rows match, and those of contexts whose new paths
//! it wants to be told.

use std::hash::Hash;

use super::picked::{Picked, Terms};
use super::{SubscriptionSet, flatten};
use crate::item::{Body, Item};
use crate::names::{Context, Path};
use crate::selector::ContextSelector;
use crate::store::Store;
use crate::subscription::{SourcePolicy, Subscription};

impl<Id: Clone + Eq + Hash> SubscriptionSet<Id> {
    pub(super) fn replay(
        &self,
        rows: &[&Subscription],
        announce: Option<&ContextSelector>,
        store: &Store,
        deliver: &mut impl FnMut(&Item<'_>),
    ) {
        let own = &self.self_context;
        let in_place = |selector: &ContextSelector, context: &Context| {
            selector.matches(context, own, || store.position(context))
        };
        let policy = rows.first().map_or(SourcePolicy::Preferred, |row| row.sources.policy);
        let mut picked = Picked::new(rows.iter().copied());
        // Rows that get a root value whole do not get its leaves too.
        let leaves = rows.iter().copied().filter(|row| !row.path.matches(""));
        let mut picked_leaves = Picked::new(leaves);
        let items = store.cached(
            |context| {
                picked.terms().iter().any(|terms| in_place(terms.context, context))
                    || announce.is_some_and(|selector| in_place(selector, context))
            },
            policy,
        );
        for item in items {
            let fits = |terms: &Terms<'_>| {
                terms.sources.wants(item.source_ref) && in_place(terms.context, item.context)
            };
            let announced = announce.is_some_and(|selector| in_place(selector, item.context));
            if announced || picked.any(item.path, fits) {
                deliver(&item);
            }
            if let (true, Some(value)) = (item.path.is_root(), item.value()) {
                flatten::for_each_leaf(value, &mut |path, value| {
                    let path = Path::from(path);
                    if picked_leaves.any(&path, fits) {
                        deliver(&Item { path: &path, body: Body::Value(value), ..item });
                    }
                });
            }
        }
    }
}
