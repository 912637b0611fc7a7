//! What a client that does not read misses: the latest value per context, path and source, and nothing older
//! (server-api.md 3.10); and what was said of metadata meanwhile, member by member, because nobody says it again. So a
//! stuck client costs as much memory as there are values, however long it is stuck.

use std::{sync::Arc, time::Duration};

use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};
use signalk_model::{
    Body, Context, Delta, Item, Path, PathMeta, Source, SourceRef, Timestamp, Update, Value,
};

/// Latest values, in the order of their first change.
#[derive(Debug)]
pub(crate) struct Backlog {
    began: Duration,
    values: IndexMap<(Context, Path, SourceRef), Latest<Value>>,
    meta: IndexMap<(Context, Path), Latest<Map<String, Json>>>,
    /// Values taken in.
    accumulated: u64,
}

#[derive(Debug)]
struct Latest<T> {
    source: Option<Arc<Source>>,
    source_ref: Option<SourceRef>,
    timestamp: Option<Timestamp>,
    value: T,
}

impl<T> Latest<T> {
    fn new(item: &Item<'_>, value: T) -> Latest<T> {
        Latest {
            source: item.source.cloned(),
            source_ref: item.source_ref.cloned(),
            timestamp: item.timestamp.cloned(),
            value,
        }
    }
}

impl Backlog {
    pub(crate) fn new(now: Duration) -> Backlog {
        Backlog { began: now, values: IndexMap::new(), meta: IndexMap::new(), accumulated: 0 }
    }

    /// Keeps a value, or members of metadata; says how many older values it replaced.
    pub(crate) fn add(&mut self, item: &Item<'_>) -> u64 {
        match item.body {
            Body::Meta(members) => {
                self.add_meta(item, members);
                0
            }
            Body::Value(value) => {
                let source_ref = item.source_ref.cloned().unwrap_or_else(|| SourceRef::from(""));
                let key = (item.context.clone(), item.path.clone(), source_ref);
                self.accumulated += 1;
                u64::from(self.values.insert(key, Latest::new(item, value.clone())).is_some())
            }
        }
    }

    /// What was said before stays, unless it is said anew.
    fn add_meta(&mut self, item: &Item<'_>, members: &Map<String, Json>) {
        let key = (item.context.clone(), item.path.clone());
        let latest = self.meta.entry(key).or_insert_with(|| Latest::new(item, Map::new()));
        let mut all = std::mem::take(&mut latest.value);
        all.extend(members.iter().map(|(name, member)| (name.clone(), member.clone())));
        *latest = Latest::new(item, all);
    }

    /// Everything, grouped by context and by source and time, each delta saying that it was held back. Metadata goes
    /// first, as it does before the first value of a path.
    pub(crate) fn flush(self, now: Duration) -> Vec<String> {
        let mut groups = Groups::default();
        for ((context, path), latest) in self.meta {
            let head = (latest.source, latest.source_ref, latest.timestamp);
            if let Some(update) = groups.update(context, head) {
                update.meta.push(PathMeta { path, value: Arc::new(latest.value) });
            }
        }
        for ((context, path, source_ref), latest) in self.values {
            let head = (latest.source, Some(source_ref), latest.timestamp);
            if let Some(update) = groups.update(context, head) {
                update.push(path, latest.value);
            }
        }
        let duration =
            u64::try_from(now.saturating_sub(self.began).as_millis()).unwrap_or(u64::MAX);
        let tag = json!({ "accumulated": self.accumulated, "duration": duration }).to_string();
        let tagged = groups.deltas.into_values().map(|(delta, _)| {
            let mut text = delta.to_json();
            text.pop();
            text.push_str(",\"$backpressure\":");
            text.push_str(&tag);
            text.push('}');
            text
        });
        tagged.collect()
    }
}

/// Who said something, and when.
type Head = (Option<Arc<Source>>, Option<SourceRef>, Option<Timestamp>);

/// One delta per context with one update per head; where the update of a head is, is looked up.
#[derive(Default)]
struct Groups {
    deltas: IndexMap<Context, (Delta, IndexMap<Head, usize>)>,
}

impl Groups {
    fn update(&mut self, context: Context, head: Head) -> Option<&mut Update> {
        let (delta, heads) = self
            .deltas
            .entry(context)
            .or_insert_with_key(|context| (Delta::new(context.clone()), IndexMap::new()));
        let at = *heads.entry(head).or_insert_with_key(|(source, source_ref, timestamp)| {
            delta.updates.push(Update {
                source: source.clone(),
                source_ref: source_ref.clone(),
                timestamp: timestamp.clone(),
                ..Update::new()
            });
            delta.updates.len() - 1
        });
        delta.updates.get_mut(at)
    }
}

/// Above this many unsent bytes a client is given latest values only.
pub(crate) const ENTER_BYTES: usize = 512 * 1024;
/// At this many it has caught up.
pub(crate) const EXIT_BYTES: usize = 1024;
/// Above this many for [`OVERFLOW_AFTER`] it is closed.
pub(crate) const OVERFLOW_BYTES: usize = 2 * 1024 * 1024;
/// See [`OVERFLOW_BYTES`].
pub(crate) const OVERFLOW_AFTER: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_value_of_each_source_is_kept_and_the_text_says_so() {
        let context = Context::from("vessels.a");
        let mut backlog = Backlog::new(Duration::from_secs(1));
        let update = |n: u32, source: &'static str| {
            Update::new()
                .with_source_ref(source)
                .with_timestamp("t".into())
                .with_value("a.b", f64::from(n))
        };
        let mut add =
            |update: Update| backlog.add(&Item::of_value(&context, &update, &update.values[0]));
        assert_eq!(add(update(1, "x")), 0);
        assert_eq!(add(update(2, "y")), 0);
        assert_eq!(add(update(3, "x")), 1);
        assert_eq!(
            backlog.flush(Duration::from_millis(1500)),
            [concat!(
                r#"{"context":"vessels.a","updates":[{"$source":"x","timestamp":"t","values":[{"path":"a.b","value":3}]},"#,
                r#"{"$source":"y","timestamp":"t","values":[{"path":"a.b","value":2}]}],"$backpressure":{"accumulated":3,"duration":500}}"#
            )]
        );
    }

    /// `sendMeta=all` announces metadata once, and an alarm's zones are sent once: lost, they would never come again.
    #[test]
    fn metadata_waits_too_and_goes_first() {
        let context = Context::from("vessels.a");
        let mut backlog = Backlog::new(Duration::ZERO);
        let meta = |members: Json| Update::new().with_source_ref("x").with_meta("a.b", members);
        let updates = [
            Update::new().with_source_ref("x").with_value("a.b", 1),
            meta(json!({ "units": "m", "zones": [] })),
            meta(json!({ "zones": [{ "upper": 2 }] })),
        ];
        for update in &updates {
            update.values.iter().for_each(|it| {
                backlog.add(&Item::of_value(&context, update, it));
            });
            update.meta.iter().for_each(|it| {
                backlog.add(&Item::of_meta(&context, update, it));
            });
        }
        assert_eq!(
            backlog.flush(Duration::ZERO),
            [concat!(
                r#"{"context":"vessels.a","updates":[{"$source":"x","values":[{"path":"a.b","value":1}],"#,
                r#""meta":[{"path":"a.b","value":{"units":"m","zones":[{"upper":2}]}}]}],"$backpressure":{"accumulated":1,"duration":0}}"#
            )]
        );
    }
}
