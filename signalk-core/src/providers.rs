//! Who delivered how many deltas: the numbers of the dashboard. No delta is looked at here.

use std::time::Duration;

use serde_json::{Map, Value, json};
use signalk_model::SourceRef;
use signalk_model::hash::NameMap;

/// Counters by provider id.
#[derive(Debug, Default)]
pub(crate) struct Providers {
    by_id: NameMap<SourceRef, Counter>,
    total: u64,
    total_at_interval: u64,
    interval_began: Duration,
}

#[derive(Debug, Default)]
struct Counter {
    count: u64,
    at_interval: u64,
    /// Values and metadata for which the model had no room.
    left_out: u64,
}

impl Providers {
    pub(crate) fn count(&mut self, provider: &SourceRef) {
        self.total += 1;
        if let Some(counter) = self.by_id.get_mut(provider) {
            counter.count += 1;
        } else {
            self.by_id.insert(provider.clone(), Counter { count: 1, ..Counter::default() });
        }
    }

    /// The model had no room for so many values. Whether it is the first time.
    pub(crate) fn count_left_out(&mut self, provider: &SourceRef, values: usize) -> bool {
        let counter = self.by_id.entry(provider.clone()).or_default();
        let first = counter.left_out == 0;
        counter.left_out += u64::try_from(values).unwrap_or(u64::MAX);
        first
    }

    /// Deltas since the start.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Rates since the last call: (deltas per second, the object by provider).
    pub(crate) fn interval(&mut self, now: Duration) -> (Value, Value) {
        let seconds = now.saturating_sub(self.interval_began).as_secs_f64().max(0.001);
        let rate = |count: u64| {
            json!(
                (f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds * 10.0).round()
                    / 10.0
            )
        };
        let total = rate(self.total - self.total_at_interval);
        let mut by_id: Vec<_> = self.by_id.iter_mut().collect();
        by_id.sort_by(|a, b| a.0.cmp(b.0));
        let statistics = by_id.into_iter().map(|(id, counter)| {
            let mut row = json!({
                "writeRate": 0, "writeCount": 0, "lastIntervalWriteCount": 0,
                "deltaRate": rate(counter.count - counter.at_interval),
                "deltaCount": counter.count, "lastIntervalDeltaCount": counter.at_interval,
            });
            if let Some(row) = row.as_object_mut().filter(|_| counter.left_out > 0) {
                row.insert("valuesLeftOut".into(), counter.left_out.into());
            }
            counter.at_interval = counter.count;
            (id.to_string(), row)
        });
        let statistics = statistics.collect::<Map<_, _>>();
        self.total_at_interval = self.total;
        self.interval_began = now;
        (total, Value::Object(statistics))
    }
}
