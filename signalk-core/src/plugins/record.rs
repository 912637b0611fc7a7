//! What is remembered about one plugin for the person who looks after it.
//!
//! Status, last error, log lines, what it used. Nothing here decides anything.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use signalk_bridge::{Counters, Status};
use wasmi_hdk::{LogLine, Stats};

/// Log lines that are kept per plugin.
const LINES: usize = 1000;
/// Bytes of them.
const BYTES: usize = 256 << 10;

/// The record of one plugin, over all its lives.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) status: Option<Status>,
    /// The last error and when (ms since the Unix epoch).
    pub(super) last_error: Option<(String, i64)>,
    pub(super) restarts: u64,
    lines: VecDeque<(i64, LogLine)>,
    bytes: usize,
    lines_dropped: u64,
    /// Of the lives before this one.
    before: (Counters, u64),
    /// Of this life.
    now: (Counters, Stats),
    rate: Rate,
}

/// Fuel per second, over the last full second or more.
#[derive(Debug, Default)]
struct Rate {
    at: Duration,
    fuel: u64,
    per_second: u64,
}

impl Record {
    pub(super) fn log(&mut self, at_ms: i64, line: LogLine) {
        self.bytes += line.text.len();
        self.lines.push_back((at_ms, line));
        while self.lines.len() > LINES || self.bytes > BYTES {
            let Some((_, line)) = self.lines.pop_front() else { break };
            self.bytes -= line.text.len();
            self.lines_dropped += 1;
        }
    }

    pub(super) fn error(&mut self, at_ms: i64, text: String) {
        self.status = Some(Status::Error(text.clone()));
        self.last_error = Some((text, at_ms));
    }

    /// What the admin UI shows beside the name.
    pub(super) fn status_text(&self) -> &str {
        match &self.status {
            Some(Status::Ok(text) | Status::Error(text)) => text,
            None => "",
        }
    }

    pub(super) fn measured(&mut self, now: Duration, counters: Counters, stats: Stats) {
        self.now = (counters, stats);
        let fuel = self.before.1.saturating_add(stats.fuel_used);
        let since = now.saturating_sub(self.rate.at);
        if since >= Duration::from_secs(1) {
            let used = u128::from(fuel.saturating_sub(self.rate.fuel));
            let rate = used.saturating_mul(1_000_000_000) / since.as_nanos().max(1);
            self.rate = Rate { at: now, fuel, per_second: u64::try_from(rate).unwrap_or(u64::MAX) };
        }
    }

    /// A life has ended: its numbers are added to those before.
    pub(super) fn life_ended(&mut self) {
        let (counters, stats) = std::mem::take(&mut self.now);
        self.before.0.add(&counters);
        self.before.1 = self.before.1.saturating_add(stats.fuel_used);
    }

    fn totals(&self) -> Counters {
        let mut totals = self.before.0;
        totals.add(&self.now.0);
        totals
    }

    /// For the plugin page of the host.
    pub(super) fn json(&self, now: Option<Duration>, buffer: (usize, u64)) -> Value {
        let totals = self.totals();
        let stats = &self.now.1;
        let stale =
            now.is_some_and(|now| now.saturating_sub(self.rate.at) > Duration::from_secs(3));
        let lines = self.lines.iter().rev().take(100).rev();
        json!({
            "statusMessage": self.status_text(),
            "statusType": match self.status { Some(Status::Error(_)) => "error", _ => "status" },
            "memoryBytes": stats.memory_bytes,
            "fuelUsed": self.before.1.saturating_add(stats.fuel_used),
            "fuelPerSecond": if stale { 0 } else { self.rate.per_second },
            "hostCalls": totals.host_calls,
            "hostCallErrors": totals.host_call_errors,
            "deltasIn": totals.deltas_in,
            "deltasOut": totals.deltas_out,
            "deltasInDropped": totals.deltas_in_dropped.saturating_add(buffer.1),
            "deltasOutDropped": totals.deltas_out_dropped,
            "badDeltas": totals.bad_deltas,
            "pollsMissed": totals.polls_missed,
            "guestFaults": totals.guest_faults,
            "datagramsDropped": totals.datagrams_dropped,
            "tcpDropped": totals.tcp_dropped,
            "deltasBuffered": buffer.0,
            "storage": stats.storage.map(|(used, may)| json!({
                "bytes": used.bytes, "files": used.files, "refused": used.refused,
                "maxBytes": may.max_bytes, "maxFiles": may.max_files,
            })),
            "restarts": self.restarts,
            "lastError": self.last_error.as_ref().map(|(text, _)| text),
            "lastErrorTimeMs": self.last_error.as_ref().map(|(_, at)| at),
            "logLinesDropped": self.lines_dropped.saturating_add(stats.log_lines_dropped),
            "log": lines.map(|(at, line)| json!({
                "timeMs": at, "level": line.level.as_str(), "text": line.text,
            })).collect::<Vec<_>>(),
        })
    }

    /// Every kept line, oldest first.
    #[cfg(test)]
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|(_, line)| line.text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmi_hdk::Level;

    #[test]
    fn the_log_keeps_the_last_lines_and_counts_the_others() {
        let mut record = Record::default();
        for number in 0..LINES + 5 {
            record.log(0, LogLine { level: Level::Info, text: number.to_string() });
        }
        assert_eq!(record.lines().next(), Some("5"));
        assert_eq!(record.lines_dropped, 5);
        record.log(0, LogLine { level: Level::Info, text: "x".repeat(BYTES) });
        assert_eq!(record.lines().count(), 1);
    }

    #[test]
    fn fuel_per_second_is_that_of_the_last_full_second() {
        let mut record = Record::default();
        let stats = |fuel_used| Stats { fuel_used, ..Stats::default() };
        record.measured(Duration::from_secs(10), Counters::default(), stats(0));
        record.measured(Duration::from_millis(10_500), Counters::default(), stats(400));
        record.measured(Duration::from_secs(12), Counters::default(), stats(2000));
        assert_eq!(record.rate.per_second, 1000);
        record.life_ended();
        record.measured(Duration::from_secs(13), Counters::default(), stats(500));
        assert_eq!(record.rate.per_second, 500);
        assert_eq!(record.json(None, (0, 0))["fuelUsed"], 2500);
    }
}
