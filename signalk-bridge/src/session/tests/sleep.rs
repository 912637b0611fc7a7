//! Guests that sleep in `poll_oneoff`: time asleep is time of the call (plugin ABI 4.11).

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// A clock that the test moves.
#[derive(Default)]
pub(super) struct Clock(AtomicU64);

impl wasmi_hdk::Platform for Clock {
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn wall_clock(&self) -> Duration {
        self.monotonic()
    }

    fn fill_random(&self, buf: &mut [u8]) {
        buf.fill(0);
    }
}

/// A plugin whose `export` sleeps for so long on the monotonic clock.
fn sleeper(export: &str, milliseconds: u64) -> (Drive, Arc<Clock>) {
    let sleep = format!(
        r#"(i32.store (i32.const 1040) (i32.const 1))
           (i64.store (i32.const 1048) (i64.const {}))
           (drop (call $poll_oneoff (i32.const 1024) (i32.const 1100) (i32.const 1) (i32.const 1200)))"#,
        milliseconds * 1_000_000
    );
    let body = match export {
        "plugin_start" => format!(
            r#"(func (export "plugin_start") (param i32 i32) (result i32) {sleep} (i32.const 0))"#
        ),
        _ => {
            format!(r#"{START} (func (export "{export}") (result i32) {sleep} (i32.const 0))"#)
        }
    };
    let import = r#"(import "wasi_snapshot_preview1" "poll_oneoff"
        (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))"#;
    let clock = Arc::new(Clock::default());
    let platform = clock.clone();
    let wasm = guest(&format!("{import} --- {body}"));
    let change = |config: &mut SessionConfig| config.platform = platform;
    let none = Capabilities::default();
    let drive = Drive::with_config(Fake::default(), wasm, Purpose::Run, none, change);
    (drive, clock)
}

pub(super) fn at(drive: &mut Drive, clock: &Clock, ms: u64) -> Option<Duration> {
    clock.0.store(ms, Ordering::Relaxed);
    drive.at(ms)
}

#[test]
fn a_start_that_sleeps_within_its_time_is_a_start() {
    let (mut drive, clock) = sleeper("plugin_start", 20_000);
    assert_eq!(drive.poll(), Some(Duration::from_secs(20)));
    assert!(!drive.said.contains(&"Started".to_owned()));
    at(&mut drive, &clock, 20_000);
    assert!(drive.said.contains(&"Started".to_owned()), "{:?}", drive.said);
}

#[test]
fn a_start_that_sleeps_for_an_hour_is_stopped_after_its_time() {
    let (mut drive, clock) = sleeper("plugin_start", 3_600_000);
    let late = drive.poll().unwrap();
    assert_eq!(late.as_secs(), 30);
    at(&mut drive, &clock, 29_000);
    assert!(!drive.said.iter().any(|said| said.starts_with("crashed")), "{:?}", drive.said);
    at(&mut drive, &clock, 30_001);
    let crash = drive.said.last().unwrap();
    assert!(crash.contains("`plugin_start`") && crash.contains("waiting for the host"), "{crash}");
}

#[test]
fn a_poll_that_sleeps_too_long_is_named() {
    let (mut drive, clock) = sleeper("poll", 60_000);
    at(&mut drive, &clock, 1_000);
    at(&mut drive, &clock, 5_999);
    assert_eq!(drive.said.last().unwrap(), "Started");
    at(&mut drive, &clock, 6_001);
    let crash = drive.said.last().unwrap();
    assert!(crash.contains("`poll`") && crash.contains("5s"), "{crash}");
}
