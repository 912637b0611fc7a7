//! Which plugin gets which delta: subscriptions, and the handlers of plugins by exports (`delta_handler`,
//! `values_handler`), which get everything until their plugin subscribes to something: from then on, in this life, they
//! get what it subscribed to.
//!
//! Clauses: plugin ABI 7.4, 7.6. A delta is prepared once for all handlers of a kind.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use signalk_bridge::{Delivery, Handed, Heads, SubscribeRequest, SubscriptionId};
use signalk_model::{Context, Delta, Item, Pattern, Placement, Store, Subscribe, SubscriptionSet};

/// Number of a plugin in this run of the server.
pub(super) type At = usize;

/// Who wants what.
#[derive(Debug)]
pub(super) struct Routes {
    set: SubscriptionSet<(At, SubscriptionId)>,
    /// Subscriptions and the life of the plugin in which each was made.
    lives: BTreeMap<(At, SubscriptionId), u64>,
    handlers: BTreeMap<At, Handler>,
    /// Values for subscriptions, prepared once for all.
    heads: Heads,
}

/// How a handler takes deltas.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// As JSON: `delta_handler`.
    Text,
    /// Value by value: `values_handler`.
    Values,
}

/// One handler of all deltas.
#[derive(Debug)]
struct Handler {
    form: Form,
    /// `None`: every delta.
    patterns: Option<Vec<Pattern>>,
}

impl Routes {
    pub(super) fn new(self_context: Context) -> Routes {
        Routes {
            heads: Heads::of(self_context.clone()),
            set: SubscriptionSet::new(self_context),
            lives: BTreeMap::new(),
            handlers: BTreeMap::new(),
        }
    }

    /// Adds a subscription, hands out what the store knows of it, and returns warnings.
    pub(super) fn subscribe(
        &mut self,
        (at, life): (At, u64),
        id: SubscriptionId,
        request: &SubscribeRequest,
        store: &Store,
        deliver: &mut Vec<Delivery>,
    ) -> Vec<String> {
        let mut message = Map::new();
        message.insert("context".to_owned(), request.context.clone().into());
        let rows = serde_json::to_value(&request.rows).unwrap_or(Value::Null);
        message.insert("subscribe".to_owned(), rows);
        let Some(subscribe) = Subscribe::from_json(&message) else { return Vec::new() };
        self.set.remove(&(at, id));
        self.lives.insert((at, id), life);
        self.handlers.remove(&at);
        let heads = &mut self.heads;
        let refused = self.set.subscribe((at, id), &subscribe, store, |item| {
            deliver.push(Delivery { subscription: Some(id), delta: heads.piece(item) });
        });
        let mut warnings = subscribe.warnings;
        warnings.extend(refused.warnings());
        warnings
    }

    pub(super) fn unsubscribe(&mut self, at: At, id: SubscriptionId) {
        self.lives.remove(&(at, id));
        self.set.remove(&(at, id));
    }

    /// The plugin has a handler of all deltas. If it has subscribed already, that is what it gets.
    pub(super) fn handle_all(
        &mut self,
        at: At,
        life: u64,
        form: Form,
        patterns: Option<&[String]>,
    ) {
        if self.of(at).any(|(_, made_in)| made_in == life) {
            return self.handle_none(at);
        }
        let patterns =
            patterns.map(|patterns| patterns.iter().map(|text| Pattern::new(text)).collect());
        self.handlers.insert(at, Handler { form, patterns });
    }

    /// The plugin has no such handler, unlike perhaps in its life before.
    pub(super) fn handle_none(&mut self, at: At) {
        self.handlers.remove(&at);
    }

    /// A plugin started: what an earlier life subscribed and this one did not is over.
    pub(super) fn keep_only(&mut self, at: At, life: u64) {
        let old: Vec<_> =
            self.of(at).filter(|(_, made_in)| *made_in != life).map(|(id, _)| id).collect();
        for id in old {
            self.unsubscribe(at, id);
        }
    }

    /// A plugin stopped for good.
    pub(super) fn remove(&mut self, at: At) {
        self.handlers.remove(&at);
        for id in self.of(at).map(|(id, _)| id).collect::<Vec<_>>() {
            self.unsubscribe(at, id);
        }
    }

    fn of(&self, at: At) -> impl Iterator<Item = (SubscriptionId, u64)> {
        let (from, to) = ((at, SubscriptionId(0)), (at, SubscriptionId(u64::MAX)));
        self.lives.range(from..=to).map(|((_, id), life)| (*id, *life))
    }

    /// How many subscriptions there are, handlers of all deltas included.
    pub(super) fn count(&self, at: At) -> usize {
        self.of(at).count() + usize::from(self.handlers.contains_key(&at))
    }

    /// Hands out a delta that the server let through.
    pub(super) fn route(
        &mut self,
        now: Duration,
        delta: &Delta,
        placement: Placement,
        store: &Store,
        mut deliver: impl FnMut(At, Delivery),
    ) {
        let (mut text, mut values) = (None::<Handed>, None::<Handed>);
        for (at, handler) in &self.handlers {
            if handler.wants(delta) {
                let prepared = match handler.form {
                    Form::Text => text.get_or_insert_with(|| delta.to_json().into()),
                    Form::Values => values.get_or_insert_with(|| self.heads.whole(delta)),
                };
                deliver(*at, Delivery { subscription: None, delta: prepared.clone() });
            }
        }
        if self.lives.is_empty() {
            return;
        }
        let Routes { set, heads, .. } = self;
        set.route(now, delta, placement, store, |item, to| hand_out(heads, item, to, &mut deliver));
    }

    /// Hands out what waited for the end of a period.
    pub(super) fn handle_timeout(&mut self, now: Duration, mut deliver: impl FnMut(At, Delivery)) {
        let Routes { set, heads, .. } = self;
        set.handle_timeout(now, |item, to| hand_out(heads, item, to, &mut deliver));
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.set.poll_timeout()
    }
}

impl Handler {
    fn wants(&self, delta: &Delta) -> bool {
        let Some(patterns) = &self.patterns else { return true };
        delta.updates.iter().any(|update| {
            let values = update.values.iter().map(|entry| &entry.path);
            let meta = update.meta.iter().map(|entry| &entry.path);
            values.chain(meta).any(|path| patterns.iter().any(|pattern| pattern.matches(path)))
        })
    }
}

fn hand_out(
    heads: &mut Heads,
    item: &Item<'_>,
    to: &[(At, SubscriptionId)],
    deliver: &mut impl FnMut(At, Delivery),
) {
    let piece = heads.piece(item);
    for (at, id) in to {
        deliver(*at, Delivery { subscription: Some(*id), delta: piece.clone() });
    }
}
