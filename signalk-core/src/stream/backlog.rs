//! What a client that does not read misses: the latest value per context, path and source, and nothing older
//! (server-api.md 3.10). So a stuck client costs as much memory as there are values, however long it is stuck.

use std::{sync::Arc, time::Duration};

use indexmap::IndexMap;
use serde_json::json;
use signalk_model::{Context, Delta, Item, Path, Source, SourceRef, Timestamp, Update, Value};

/// Latest values, in the order of their first change.
#[derive(Debug)]
pub(crate) struct Backlog {
    began: Duration,
    values: IndexMap<(Context, Path, SourceRef), Latest>,
    /// Values taken in.
    accumulated: u64,
}

#[derive(Debug)]
struct Latest {
    source: Option<Arc<Source>>,
    timestamp: Option<Timestamp>,
    value: Value,
}

impl Backlog {
    pub(crate) fn new(now: Duration) -> Backlog {
        Backlog { began: now, values: IndexMap::new(), accumulated: 0 }
    }

    /// Keeps a value; says how many older ones it replaced. Metadata is not kept: a client that wants it
    /// gets it before the first value, or asks for it.
    pub(crate) fn add(&mut self, item: &Item<'_>) -> u64 {
        let Some(value) = item.value() else { return 0 };
        let source_ref = item.source_ref.cloned().unwrap_or_else(|| SourceRef::from(""));
        let latest = Latest {
            source: item.source.cloned(),
            timestamp: item.timestamp.cloned(),
            value: value.clone(),
        };
        let old = self.values.insert((item.context.clone(), item.path.clone(), source_ref), latest);
        self.accumulated += 1;
        u64::from(old.is_some())
    }

    /// Everything, grouped by context and by source and time, each delta saying that it was held back.
    pub(crate) fn flush(self, now: Duration) -> Vec<String> {
        let mut deltas: Vec<Delta> = Vec::new();
        for ((context, path, source_ref), latest) in self.values {
            let at = deltas
                .iter()
                .position(|delta| delta.context.as_ref() == Some(&context))
                .unwrap_or_else(|| {
                    deltas.push(Delta::new(context));
                    deltas.len() - 1
                });
            let Some(delta) = deltas.get_mut(at) else { continue };
            let same = |update: &&mut Update| {
                update.source_ref.as_ref() == Some(&source_ref)
                    && update.timestamp == latest.timestamp
                    && update.source == latest.source
            };
            if let Some(update) = delta.updates.iter_mut().find(same) {
                update.push(path, latest.value);
            } else {
                let mut update = Update {
                    source: latest.source,
                    source_ref: Some(source_ref),
                    timestamp: latest.timestamp,
                    ..Update::new()
                };
                update.push(path, latest.value);
                delta.updates.push(update);
            }
        }
        let duration =
            u64::try_from(now.saturating_sub(self.began).as_millis()).unwrap_or(u64::MAX);
        let tag = json!({ "accumulated": self.accumulated, "duration": duration }).to_string();
        let tagged = deltas.iter().map(|delta| {
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
}
