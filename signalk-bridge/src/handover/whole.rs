//! A delta for plugins that take values in binary: with the head of each value and the time of each update, found once
//! for all plugins. How one guest reads it is `session/values`.

use std::sync::{Arc, OnceLock};

use signalk_model::{Body, Context, Delta, Item, Timestamp, Update, json};

use super::{Handed, Head, Heads};

/// The time of what says none, or none that can be read.
const NO_TIME: f64 = f64::NAN;

/// A delta and what its values are.
#[derive(Debug)]
pub struct Whole {
    delta: Delta,
    /// Of each entry, in the order of [`items`].
    heads: Vec<Arc<Head>>,
    /// Of each update: milliseconds since the Unix epoch.
    times: Vec<f64>,
    weight: usize,
    json: OnceLock<String>,
}

/// One value or one piece of metadata.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) head: &'a Head,
    /// Milliseconds since the Unix epoch, or [`NO_TIME`].
    pub(crate) time: f64,
    pub(crate) body: Body<'a>,
}

impl Whole {
    /// The delta as compact JSON.
    pub fn json(&self) -> &str {
        self.json.get_or_init(|| self.delta.to_json())
    }

    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// Its entries, in order: of each update the values, then the metadata.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let timed = self.delta.updates.iter().zip(&self.times);
        let bodies = timed.flat_map(|(update, time)| bodies(update).map(move |body| (*time, body)));
        self.heads.iter().zip(bodies).map(|(head, (time, body))| Entry { head, time, body })
    }
}

impl Heads {
    /// Prepares a delta for whoever takes values in binary.
    pub fn whole(&mut self, delta: &Delta) -> Handed {
        let context = delta.context.as_ref().or(self.own.as_ref());
        let context = context.cloned().unwrap_or_else(|| Context::new(""));
        let times = delta.updates.iter().map(|update| unix_ms(update.timestamp.as_ref())).collect();
        let heads: Vec<_> = items(delta, &context).map(|item| self.head(&item)).collect();
        let weight = delta.updates.iter().flat_map(bodies).map(weight).sum();
        let (delta, json) = (delta.clone(), OnceLock::new());
        Handed::Whole(Arc::new(Whole { delta, heads, times, weight, json }))
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn unix_ms(time: Option<&Timestamp>) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "exact until the year 287396")]
    time.and_then(Timestamp::unix_ms).map_or(NO_TIME, |ms| ms as f64)
}

fn items<'a>(delta: &'a Delta, context: &'a Context) -> impl Iterator<Item = Item<'a>> {
    delta.updates.iter().flat_map(move |update| {
        let values = update.values.iter().map(move |entry| Item::of_value(context, update, entry));
        values.chain(update.meta.iter().map(move |entry| Item::of_meta(context, update, entry)))
    })
}

fn bodies(update: &Update) -> impl Iterator<Item = Body<'_>> {
    let values = update.values.iter().map(|entry| Body::Value(&entry.value));
    values.chain(update.meta.iter().map(|entry| Body::Meta(&entry.value)))
}

/// With what an entry takes beside its text: a queue of numbers is bounded as one of texts.
fn weight(body: Body<'_>) -> usize {
    const ENTRY: usize = 64;
    let text = match body {
        Body::Value(value) => value.text_bytes(),
        Body::Meta(members) => {
            let mut text = Vec::new();
            json::write_map(&mut text, members);
            text.len()
        }
    };
    ENTRY + text
}
