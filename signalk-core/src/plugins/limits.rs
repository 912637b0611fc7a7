//! What does the owner let one plugin use? The key `limits` of its options file, over the
//! defaults of the server.
//!
//! Extension of plugin ABI W25: the reference server has no limits. A plugin cannot raise its own:
//! it may save its `configuration` only. Enforcing is `wasmi-hdk`'s and the session's work.

use std::time::Duration;

use serde_json::Value;
use wasmi_hdk::Limits;
use wasmi_hdk::vfs::Quota;

/// What one plugin may use.
#[derive(Debug, Clone)]
pub(super) struct Allowance {
    pub(super) limits: Limits,
    /// Guest time of one call; `None`: what the ABI gives to each kind of call.
    pub(super) call_time: Option<Duration>,
    /// Deltas that it may send per second.
    pub(super) deltas_per_second: u32,
    /// Deltas that may wait for it.
    pub(super) queue: usize,
    /// How long a delta may wait for its delta input handler.
    pub(super) input_time: Duration,
    /// Files that it may keep.
    pub(super) quota: Quota,
}

/// One key of `limits`: a whole number between `least` and `most`.
struct Row {
    key: &'static str,
    least: u64,
    most: u64,
    unit: &'static str,
    set: fn(&mut Allowance, u64),
}

/// All keys. README.md, "What a plugin may use", lists the same.
const ROWS: [Row; 11] = [
    Row {
        key: "memoryMiB",
        least: 1,
        most: 4096,
        unit: "MiB",
        set: |to, n| to.limits.memory_bytes = size(n << 20),
    },
    Row {
        key: "callSeconds",
        least: 1,
        most: 3600,
        unit: "seconds of computing",
        set: |to, n| to.call_time = Some(Duration::from_secs(n)),
    },
    Row {
        key: "callFuel",
        least: 1_000_000,
        most: 1_000_000_000_000_000,
        unit: "fuel",
        set: |to, n| to.limits.call_fuel = Some(n),
    },
    Row {
        key: "fuelPerSecond",
        least: 1_000_000,
        most: 1_000_000_000_000,
        unit: "fuel per second",
        set: |to, n| {
            to.limits.fuel_per_second = Some(n);
            to.limits.fuel_burst = n.saturating_mul(SAVED_SECONDS);
        },
    },
    Row {
        key: "messageMiB",
        least: 1,
        most: 256,
        unit: "MiB",
        set: |to, n| {
            to.limits.message_bytes = size(n << 20);
            to.limits.stdin_bytes = size(n << 21);
        },
    },
    Row {
        key: "logLinesPerSecond",
        least: 1,
        most: 100_000,
        unit: "lines per second",
        set: |to, n| to.limits.stderr_lines_per_second = narrow(n),
    },
    Row {
        key: "deltasPerSecond",
        least: 1,
        most: 1_000_000,
        unit: "deltas per second",
        set: |to, n| to.deltas_per_second = narrow(n),
    },
    Row {
        key: "deltasWaiting",
        least: 1,
        most: 1_000_000,
        unit: "deltas",
        set: |to, n| to.queue = size(n),
    },
    Row {
        key: "inputMillis",
        least: 1,
        most: 1000,
        unit: "milliseconds that a delta may wait",
        set: |to, n| to.input_time = Duration::from_millis(n),
    },
    Row {
        key: "storageMiB",
        least: 0,
        most: 1 << 20,
        unit: "MiB",
        set: |to, n| to.quota.max_bytes = n << 20,
    },
    Row {
        key: "storageFiles",
        least: 3,
        most: 10_000_000,
        unit: "files and folders",
        set: |to, n| to.quota.max_files = n,
    },
];

/// How long a delta may wait for a delta input handler, unless its owner says otherwise.
pub(super) const INPUT_TIME: Duration = Duration::from_millis(20);
/// Who rests may save up the fuel of so many seconds.
const SAVED_SECONDS: u64 = 10;

impl Allowance {
    /// Takes what is understood; what is not is named, and the default holds.
    pub(super) fn narrowed_by(mut self, id: &str, limits: Option<&Value>) -> (Self, Vec<String>) {
        let mut complaints = Vec::new();
        let mut complain = |what: String| {
            complaints.push(format!("plugin `{id}`: plugin-config-data/{id}.json: {what}"));
        };
        match limits {
            None => {}
            Some(Value::Object(limits)) => {
                for (key, value) in limits {
                    match ROWS.iter().find(|row| row.key == key) {
                        Some(row) => match value.as_u64() {
                            Some(n) if (row.least..=row.most).contains(&n) => {
                                (row.set)(&mut self, n);
                            }
                            _ => complain(row.refuses(value)),
                        },
                        None => complain(format!(
                            "limits.{key} is unknown and has no effect; there are {}",
                            ROWS.map(|row| row.key).join(", ")
                        )),
                    }
                }
            }
            Some(other) => complain(format!(
                "limits is {other}, not an object; the defaults hold: write \"limits\": {{ \"memoryMiB\": 256 }}"
            )),
        }
        (self, complaints)
    }
}

impl Row {
    fn refuses(&self, value: &Value) -> String {
        let Row { key, least, most, unit, .. } = self;
        format!(
            "limits.{key} is {value}; the default holds: give a whole number from {least} to {most} ({unit})"
        )
    }
}

fn size(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn narrow(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn default() -> Allowance {
        Allowance {
            limits: Limits::default(),
            call_time: None,
            deltas_per_second: 2000,
            queue: 1000,
            input_time: INPUT_TIME,
            quota: Quota::default(),
        }
    }

    #[test]
    fn every_key_sets_its_limit() {
        let value = json!({
            "memoryMiB": 16, "callSeconds": 2, "callFuel": 1_000_000, "fuelPerSecond": 5_000_000,
            "messageMiB": 1, "logLinesPerSecond": 3, "deltasPerSecond": 4, "deltasWaiting": 5,
            "inputMillis": 8, "storageMiB": 6, "storageFiles": 7,
        });
        assert_eq!(value.as_object().unwrap().len(), ROWS.len());
        let (got, complaints) = default().narrowed_by("p", Some(&value));
        assert_eq!(complaints, Vec::<String>::new());
        assert_eq!(got.limits.memory_bytes, 16 << 20);
        assert_eq!(got.call_time, Some(Duration::from_secs(2)));
        assert_eq!(got.limits.call_fuel, Some(1_000_000));
        assert_eq!(
            (got.limits.fuel_per_second, got.limits.fuel_burst),
            (Some(5_000_000), 50_000_000)
        );
        assert_eq!((got.limits.message_bytes, got.limits.stdin_bytes), (1 << 20, 2 << 20));
        assert_eq!(got.limits.stderr_lines_per_second, 3);
        assert_eq!((got.deltas_per_second, got.queue), (4, 5));
        assert_eq!(got.input_time, Duration::from_millis(8));
        assert_eq!(got.quota, Quota { max_bytes: 6 << 20, max_files: 7 });
    }

    #[test]
    fn a_bad_limit_is_named_with_what_is_allowed_and_the_default_holds() {
        let value =
            json!({ "memoryMiB": "a lot", "callSeconds": 0, "memoryMb": 5, "deltasWaiting": 7 });
        let (got, complaints) = default().narrowed_by("p", Some(&value));
        assert_eq!(got.limits, Limits::default());
        assert_eq!((got.call_time, got.queue), (None, 7));
        assert_eq!(
            complaints,
            [
                "plugin `p`: plugin-config-data/p.json: limits.memoryMiB is \"a lot\"; the default \
                 holds: give a whole number from 1 to 4096 (MiB)",
                "plugin `p`: plugin-config-data/p.json: limits.callSeconds is 0; the default holds: \
                 give a whole number from 1 to 3600 (seconds of computing)",
                "plugin `p`: plugin-config-data/p.json: limits.memoryMb is unknown and has no \
                 effect; there are memoryMiB, callSeconds, callFuel, fuelPerSecond, messageMiB, \
                 logLinesPerSecond, deltasPerSecond, deltasWaiting, inputMillis, storageMiB, storageFiles",
            ]
        );
        let (got, complaints) = default().narrowed_by("p", Some(&json!(5)));
        assert_eq!(got.limits, Limits::default());
        assert!(complaints[0].contains("limits is 5, not an object"), "{complaints:?}");
    }
}
