//! Counts the deltas that it is handed and says how many: so a measurement knows that they arrived.
//!
//! How each delta is read is set by `read`: `typed`, `value`, `text` or `nothing` (`read.rs`). What it says, at
//! paths of its own that begin with `bench.` and its name:
//! - `mark`, the number of its configuration, when it starts;
//! - `counted` and `others`, after every so many deltas, and once a second if they changed. Counted are deltas with
//!   `navigation.log`, which only the measurement sends; other plugins' words are among the others.
//!
//! Nothing here is special to one server, unless it is built with the feature `values` (`values.rs`). Where the ABI
//! touches memory is `abi.rs`.

mod abi;
mod read;
#[cfg(feature = "values")]
mod values;

use std::cell::RefCell;

use read::{How, Newest};
use serde::Deserialize;

const SCHEMA: &str = r#"{"type":"object","properties":{
"name":{"type":"string","title":"Name in its paths","default":"counter"},
"read":{"type":"string","title":"How deltas are read","enum":["typed","value","text","nothing"],"default":"typed"},
"every":{"type":"number","title":"Deltas between two reports","default":250},
"mark":{"type":"number","title":"Said when it starts","default":0}}}"#;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Options {
    name: String,
    read: How,
    every: u64,
    mark: u64,
}

#[derive(Default)]
struct Counter {
    options: Options,
    newest: Newest,
    #[cfg(feature = "values")]
    heads: values::Heads,
    counted: u64,
    others: u64,
    /// Of which was spoken.
    told: u64,
}

thread_local! {
    static COUNTER: RefCell<Counter> = RefCell::default();
}

impl Counter {
    fn start(&mut self, options: Options) -> String {
        *self = Counter { options, ..Counter::default() };
        let Options { name, mark, .. } = &self.options;
        format!(r#"{{"updates":[{{"values":[{{"path":"bench.{name}.mark","value":{mark}}}]}}]}}"#)
    }

    fn take(&mut self, delta: &[u8]) -> Option<String> {
        if !read::read(self.options.read, delta, &mut self.newest) {
            self.others += 1;
            return None;
        }
        self.counted += 1;
        if self.counted.is_multiple_of(self.options.every.max(1)) { self.report() } else { None }
    }

    #[cfg(feature = "values")]
    fn take_values(&mut self, block: &[u8]) -> Option<String> {
        let (counted, others) = self.heads.take(block, &mut self.newest);
        (self.counted, self.others) = (self.counted + counted, self.others + others);
        let every = self.options.every.max(1);
        if self.counted / every > self.told / every { self.report() } else { None }
    }

    fn report(&mut self) -> Option<String> {
        if self.told == self.counted {
            return None;
        }
        self.told = self.counted;
        let (name, Counter { counted, others, .. }) = (&self.options.name, &*self);
        Some(format!(
            r#"{{"updates":[{{"values":[{{"path":"bench.{name}.counted","value":{counted}}},{{"path":"bench.{name}.others","value":{others}}}]}}]}}"#
        ))
    }
}

fn start(options: &[u8]) -> i32 {
    let Ok(options) = serde_json::from_slice(options) else { return 1 };
    abi::set_status("Running");
    let mark = COUNTER.with_borrow_mut(|counter| counter.start(options));
    abi::emit(&mark);
    0
}

fn poll() -> i32 {
    say(COUNTER.with_borrow_mut(Counter::report));
    0
}

fn delta(delta: &[u8]) {
    say(COUNTER.with_borrow_mut(|counter| counter.take(delta)));
}

#[cfg(feature = "values")]
fn take_values(block: &[u8]) {
    say(COUNTER.with_borrow_mut(|counter| counter.take_values(block)));
}

/// Nothing may be borrowed meanwhile: a server may hand out this delta before `emit` returns.
fn say(report: Option<String>) {
    if let Some(report) = report {
        abi::emit(&report);
    }
}
