//! The async client on tokio, with its threads and its timers. They follow a real clock, so what is awaited is short,
//! and nothing is asserted of how long it took. Natively only: in a browser there is no tokio.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/rpc.rs"]
mod rpc;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rpc::{guest, strict};
use wasmi_hdk::{
    BoxFuture, Client, ErrorCode, ErrorObject, Exit, HostMethods, InstanceConfig, Platform, Timer,
};

struct RealClock(Instant);

impl Platform for RealClock {
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
    fn wall_clock(&self) -> Duration {
        self.monotonic()
    }
    fn fill_random(&self, buf: &mut [u8]) {
        buf.fill(0);
    }
}

struct TokioTimer;

impl Timer for TokioTimer {
    fn sleep(&self, time: Duration) -> BoxFuture<()> {
        Box::pin(tokio::time::sleep(time))
    }
}

fn client(name: &str) -> Client {
    let mut methods = HostMethods::new();
    methods.register("echo", |value: serde_json::Value| async move {
        // An answer that takes its time: the plugin's call waits meanwhile.
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok::<_, ErrorObject>(value)
    });
    let clock = Arc::new(RealClock(Instant::now()));
    let config = InstanceConfig { limits: strict(), ..InstanceConfig::new(clock) };
    Client::new(&guest(name), config, methods, Arc::new(TokioTimer)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_from_tasks_on_several_threads_are_answered() {
    let plugin = client("rpc_methods");
    let server = tokio::spawn(plugin.serve());
    let calls: Vec<_> = (0..20_i64)
        .map(|number| {
            let plugin = plugin.clone();
            tokio::spawn(async move {
                let sum: i64 = plugin.call("add", (number, 2)).await.unwrap();
                let right: u32 = plugin.call("echo_at_once", (5,)).await.unwrap();
                (sum, right)
            })
        })
        .collect();
    for (number, call) in (0..).zip(calls) {
        assert_eq!(call.await.unwrap(), (number + 2, 5));
    }
    plugin.stop();
    assert!(matches!(server.await.unwrap(), Exit::Clean));
}

#[tokio::test(flavor = "current_thread")]
async fn a_plugin_that_sleeps_wakes_by_tokios_timer() {
    let plugin = client("rpc_methods");
    let server = tokio::spawn(plugin.serve());
    let order = Mutex::new(Vec::new());
    let sleep = async |ms: u64| {
        let slept: u64 = plugin.call("sleep", (ms,)).await.unwrap();
        assert!(slept >= ms, "{slept} of {ms}");
        order.lock().unwrap().push(ms);
    };
    // The guests' clock is the real one here, which is what tokio's timers are tested with; only the order is asserted,
    // and that none woke too early.
    tokio::join!(sleep(60), sleep(30), sleep(1));
    assert_eq!(*order.lock().unwrap(), [1, 30, 60]);
    plugin.stop();
    assert!(matches!(server.await.unwrap(), Exit::Clean));
}

#[tokio::test(flavor = "current_thread")]
async fn a_call_that_is_dropped_or_late_leaves_the_plugin_at_work() {
    let plugin = client("rpc_methods");
    let moment = Duration::from_millis(10);
    let dropped = plugin.call::<u64>("sleep", (3_600_000,));
    assert!(tokio::time::timeout(moment, dropped).await.is_err());
    let late = plugin.call::<u64>("sleep", (3_600_000,)).within(moment);
    assert_eq!(late.await.unwrap_err().code(), ErrorCode::Timeout.number());
    assert_eq!(plugin.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}
