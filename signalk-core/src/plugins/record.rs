//! What is remembered about one plugin for the person who looks after it.
//!
//! Status, last error, log lines, what it used. Nothing here decides anything; how it is shown is
//! `diagnostics.rs`.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use signalk_bridge::{Cause, Counters, Crash, Failure, Status, Usage};
use signalk_model::Timestamp;
use wasmi_hdk::{Fault, Level, LogLine, Stats};

use super::inputs::InputCounters;
use super::log_budget::LogBudget;

/// Log lines that are kept per plugin.
const LINES: usize = 1000;
/// Bytes of them.
const BYTES: usize = 256 << 10;
/// One line about a handler that failed or adds too much; all of them are counted.
const HANDLER_LINES_EVERY: Duration = Duration::from_secs(1);
/// One line about an error that it says itself, while it says the same.
const OWN_ERRORS_EVERY: Duration = Duration::from_secs(1);

/// The record of one plugin, over all its lives.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) status: Option<Status>,
    /// Since when that is its status: milliseconds since the Unix epoch.
    status_at_ms: i64,
    /// What was its status before a request failed, while that is its status.
    before_fetch_error: Option<Option<Status>>,
    /// The last error that it said itself, and when its log was told of it.
    said: Option<(String, Duration)>,
    pub(super) last_error: Option<LastError>,
    pub(super) restarts: u64,
    pub(super) crashes: Crashes,
    /// `module.name` of what the module imports and nobody has, as of its latest life.
    pub(super) unknown_imports: Vec<String>,
    /// What was not understood of the options file, as of the latest life.
    pub(super) complaints: Vec<String>,
    pub(super) log_budget: LogBudget,
    /// Handlers that gave no reply, or none that is one.
    pub(super) handler_errors: u64,
    /// When its log was told of one last.
    handler_told: Option<Duration>,
    /// When its log was told last that its handler adds too much.
    too_much_told: Option<Duration>,
    pub(super) inputs: InputCounters,
    /// Frames of its binary streams that went nowhere.
    pub(super) frames_lost: u64,
    /// Its own options that the disk refused.
    pub(super) saves_failed: u64,
    lines: VecDeque<(i64, LogLine)>,
    bytes: usize,
    lines_dropped: u64,
    before: Past,
    /// Of this life.
    now: (Counters, Stats),
    rate: Rate,
}

/// The last thing that went wrong.
#[derive(Debug)]
pub(super) struct LastError {
    pub(super) text: String,
    /// What the owner can do, when the text does not say it itself.
    pub(super) remedy: Option<String>,
    /// Milliseconds since the Unix epoch.
    pub(super) at_ms: i64,
}

/// How lives have ended unasked.
#[derive(Debug, Default)]
pub(super) struct Crashes {
    pub(super) all: u64,
    /// Of those: WebAssembly traps, panics included.
    pub(super) traps: u64,
    /// Of those: a call took too long.
    pub(super) deadlines: u64,
}

/// Of the lives before this one.
#[derive(Debug, Default)]
struct Past {
    counters: Counters,
    fuel: u64,
    log_lines_dropped: u64,
    throttled: u64,
    usage: Usage,
}

/// Fuel per second, over the last full second or more.
#[derive(Debug, Default)]
struct Rate {
    at: Duration,
    fuel: u64,
    per_second: u64,
}

/// Whether a line about a handler is due, and then it is told.
fn is_due(told: &mut Option<Duration>, now: Duration) -> bool {
    let is_due = told.is_none_or(|told| now >= told + HANDLER_LINES_EVERY);
    if is_due {
        *told = Some(now);
    }
    is_due
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

    pub(super) fn set_status(&mut self, at_ms: i64, status: Option<Status>) {
        if self.status != status {
            self.status_at_ms = at_ms;
        }
        self.status = status;
        self.before_fetch_error = None;
    }

    /// It runs: its own status stays, one that a request has left during the start is not its own.
    pub(super) fn started(&mut self, at_ms: i64) {
        let started = Some(Status::Ok("Started".to_owned()));
        match &mut self.before_fetch_error {
            Some(before @ None) => *before = started,
            None if self.status.is_none() => self.set_status(at_ms, started),
            _ => {}
        }
    }

    /// A request failed, or they work again.
    pub(super) fn fetch_error(&mut self, at_ms: i64, text: Option<String>) {
        let before = self.before_fetch_error.take();
        match (text, before) {
            (Some(text), before) => {
                let before = before.unwrap_or_else(|| self.status.clone());
                self.error(at_ms, text);
                self.before_fetch_error = Some(before);
            }
            (None, Some(before)) => self.set_status(at_ms, before),
            (None, None) => {}
        }
    }

    /// Why it did not start, with what it said of it itself.
    pub(super) fn why_not_started(&self, failure: &Failure) -> String {
        match (&failure.cause, &self.status) {
            (Cause::Refused, Some(Status::Error(own))) if !failure.text.contains(own) => {
                format!("{}: {own}", failure.text)
            }
            _ => failure.text.clone(),
        }
    }

    /// Whether an error that it says itself is worth a line: the same one is, once a second.
    pub(super) fn is_news(&mut self, now: Duration, text: &str) -> bool {
        if let Some((said, at)) = &self.said
            && said == text
            && now < *at + OWN_ERRORS_EVERY
        {
            return false;
        }
        self.said = Some((text.to_owned(), now));
        true
    }

    /// Its row of PROVIDERSTATUS (plugin ABI 4.2); `None`: it says nothing.
    pub(super) fn status_row(&self, id: &str) -> Option<Value> {
        let message = Some(self.status_text()).filter(|text| !text.is_empty())?;
        let kind = if matches!(self.status, Some(Status::Error(_))) { "error" } else { "status" };
        let time = Timestamp::from_unix_ms(self.status_at_ms);
        let mut row = json!({
            "type": kind, "id": id, "statusType": "plugin", "timeStamp": time.as_str(), "message": message,
        });
        if let (Some(error), Some(row)) = (&self.last_error, row.as_object_mut()) {
            let time = Timestamp::from_unix_ms(error.at_ms);
            row.insert("lastError".to_owned(), error.text.as_str().into());
            row.insert("lastErrorTimeStamp".to_owned(), time.as_str().into());
        }
        Some(row)
    }

    pub(super) fn error(&mut self, at_ms: i64, text: String) {
        self.error_with(at_ms, text, None);
    }

    /// An error and what helps against it.
    pub(super) fn error_with(&mut self, at_ms: i64, text: String, remedy: Option<String>) {
        self.set_status(at_ms, Some(Status::Error(text.clone())));
        self.last_error = Some(LastError { text, remedy, at_ms });
    }

    /// Something is wrong that keeps nobody from running: the status stays.
    pub(super) fn complain(&mut self, at_ms: i64, text: String) {
        self.complaints.push(text.clone());
        self.last_error = Some(LastError { text, remedy: None, at_ms });
    }

    /// Something failed that keeps it from nothing else: the status stays.
    pub(super) fn failed(&mut self, at_ms: i64, text: String) {
        self.log(at_ms, LogLine { level: Level::Error, text: text.clone() });
        self.last_error = Some(LastError { text, remedy: None, at_ms });
    }

    /// A handler failed: whether that is worth a line. A client may ask a hundred times a second.
    pub(super) fn handler_failed(&mut self, now: Duration) -> bool {
        self.handler_errors += 1;
        is_due(&mut self.handler_told, now)
    }

    /// Its handler adds more than it may send: whether that is worth a line. There are deltas a thousand times a
    /// second.
    pub(super) fn added_too_much(&mut self, now: Duration) -> bool {
        is_due(&mut self.too_much_told, now)
    }

    /// A life ended unasked.
    pub(super) fn crashed(&mut self, crash: &Crash) {
        self.crashes.all += 1;
        match crash {
            Crash::Fault(fault) => match **fault {
                Fault::Deadline { .. } | Fault::OutOfFuel { .. } => self.crashes.deadlines += 1,
                Fault::Exit { .. } => {}
                _ => self.crashes.traps += 1,
            },
            Crash::NoAnswer { .. } => self.crashes.deadlines += 1,
            _ => {}
        }
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
        let fuel = self.fuel_used();
        let since = now.saturating_sub(self.rate.at);
        if since >= Duration::from_secs(1) {
            let used = u128::from(fuel.saturating_sub(self.rate.fuel));
            let rate = used.saturating_mul(1_000_000_000) / since.as_nanos().max(1);
            self.rate = Rate { at: now, fuel, per_second: u64::try_from(rate).unwrap_or(u64::MAX) };
        }
    }

    /// A life has ended: its numbers are added to those before.
    pub(super) fn life_ended(&mut self, usage: Option<&Usage>) {
        let (counters, stats) = std::mem::take(&mut self.now);
        self.before.counters.add(&counters);
        self.before.fuel = self.before.fuel.saturating_add(stats.fuel_used);
        self.before.log_lines_dropped += stats.log_lines_dropped;
        self.before.throttled += stats.throttled;
        if let Some(usage) = usage {
            self.before.usage.add(usage);
        }
    }

    /// Over all lives.
    pub(super) fn totals(&self) -> Counters {
        let mut totals = self.before.counters;
        totals.add(&self.now.0);
        totals
    }

    /// What it keeps in its folder and how much it may; null without one.
    pub(super) fn storage(&self) -> Value {
        self.now.1.storage.map_or(Value::Null, |(used, may)| {
            json!({
                "bytes": used.bytes, "files": used.files, "refused": used.refused,
                "maxBytes": may.max_bytes, "maxFiles": may.max_files,
            })
        })
    }

    /// Over all lives; `usage` is that of the living session.
    pub(super) fn usage(&self, usage: Option<&Usage>) -> Usage {
        let mut all = self.before.usage.clone();
        if let Some(usage) = usage {
            all.add(usage);
        }
        all
    }

    /// Linear memory of the living instance in bytes.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.now.1.memory_bytes
    }

    /// Over all lives.
    pub(super) fn fuel_used(&self) -> u64 {
        self.before.fuel.saturating_add(self.now.1.fuel_used)
    }

    /// Over the last second; 0 when it has rested since.
    pub(super) fn fuel_per_second(&self, now: Option<Duration>) -> u64 {
        let stale =
            now.is_some_and(|now| now.saturating_sub(self.rate.at) > Duration::from_secs(3));
        if stale { 0 } else { self.rate.per_second }
    }

    /// Times that it had to rest for its fuel, over all lives.
    pub(super) fn throttled(&self) -> u64 {
        self.before.throttled + self.now.1.throttled
    }

    /// Lines that were too many per second, or had to make room for newer ones.
    pub(super) fn log_lines_dropped(&self) -> u64 {
        let too_fast = self.before.log_lines_dropped + self.now.1.log_lines_dropped;
        self.lines_dropped.saturating_add(too_fast).saturating_add(self.log_budget.dropped)
    }

    /// The last lines and when they came (ms since the Unix epoch), oldest first.
    pub(super) fn last_lines(&self, count: usize) -> impl Iterator<Item = (i64, &LogLine)> {
        let skip = self.lines.len().saturating_sub(count);
        self.lines.iter().skip(skip).map(|(at, line)| (*at, line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_the_last_lines_and_counts_the_others() {
        let mut record = Record::default();
        for number in 0..LINES + 5 {
            record.log(0, LogLine { level: Level::Info, text: number.to_string() });
        }
        assert_eq!(record.last_lines(LINES).next().unwrap().1.text, "5");
        assert_eq!(record.lines_dropped, 5);
        record.log(0, LogLine { level: Level::Info, text: "x".repeat(BYTES) });
        assert_eq!(record.last_lines(LINES).count(), 1);
    }

    #[test]
    fn fuel_per_second_is_that_of_the_last_full_second() {
        let mut record = Record::default();
        let stats = |fuel_used| Stats { fuel_used, ..Stats::default() };
        record.measured(Duration::from_secs(10), Counters::default(), stats(0));
        record.measured(Duration::from_millis(10_500), Counters::default(), stats(400));
        record.measured(Duration::from_secs(12), Counters::default(), stats(2000));
        assert_eq!(record.rate.per_second, 1000);
        record.life_ended(None);
        record.measured(Duration::from_secs(13), Counters::default(), stats(500));
        assert_eq!(record.rate.per_second, 500);
        assert_eq!(record.fuel_used(), 2500);
    }

    #[test]
    fn the_error_of_a_request_goes_when_another_works_unless_the_plugin_says_more() {
        let mut record = Record::default();
        let fails = |record: &mut Record, text: &str| record.fetch_error(1, Some(text.to_owned()));
        fails(&mut record, "no route");
        record.started(2);
        assert_eq!(record.status_text(), "no route", "while it started");
        record.fetch_error(3, None);
        assert_eq!(record.status_text(), "Started");
        record.set_status(4, Some(Status::Ok("3 stations".to_owned())));
        fails(&mut record, "no route");
        fails(&mut record, "no name");
        assert_eq!(record.status_text(), "no name");
        record.fetch_error(5, None);
        assert_eq!(record.status_text(), "3 stations");
        fails(&mut record, "no route");
        record.error(6, "no wind".to_owned());
        record.fetch_error(7, None);
        assert_eq!(record.status_text(), "no wind", "its own");
    }
}
