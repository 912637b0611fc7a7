//! The async client: driven by whoever awaits, on any executor.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/rpc.rs"]
mod rpc;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use futures::executor::{LocalPool, block_on};
use futures::future::join_all;
use futures::task::LocalSpawnExt;
use rpc::{guest, strict};
use wasmi_hdk::{
    BoxFuture, Client, ErrorCode, ErrorObject, Exit, HostMethods, InstanceConfig, Platform, Said,
    Timer,
};

/// A clock that goes on by itself: whoever sleeps has slept.
#[derive(Default)]
struct Jumping(Mutex<Duration>);

impl Platform for Jumping {
    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }
    fn wall_clock(&self) -> Duration {
        self.monotonic()
    }
    fn fill_random(&self, buf: &mut [u8]) {
        buf.fill(0);
    }
}

struct JumpingTimer(Arc<Jumping>);

impl Timer for JumpingTimer {
    fn sleep(&self, time: Duration) -> BoxFuture<()> {
        let clock = self.0.clone();
        let at = clock.monotonic() + time;
        let mut slept = false;
        Box::pin(futures::future::poll_fn(move |cx| {
            if std::mem::replace(&mut slept, true) {
                let mut now = clock.0.lock().unwrap();
                *now = at.max(*now);
                return std::task::Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        }))
    }
}

fn client(name: &str, methods: HostMethods) -> (Client, Arc<Jumping>) {
    let clock = Arc::new(Jumping::default());
    let config = InstanceConfig { limits: strict(), ..InstanceConfig::new(clock.clone()) };
    let timer = Arc::new(JumpingTimer(clock.clone()));
    (Client::new(&guest(name), config, methods, timer).unwrap(), clock)
}

fn echo() -> HostMethods {
    let mut methods = HostMethods::new();
    methods.register("echo", |value: serde_json::Value| async move { Ok::<_, ErrorObject>(value) });
    methods
}

#[test]
fn calls_are_typed_and_may_be_nested() {
    let (plugin, _) = client("rpc_methods", echo());
    let pong: String = block_on(plugin.call("ping", ())).unwrap();
    assert_eq!(pong, "pong");
    let right: u32 = block_on(plugin.call("many_echo", (50,))).unwrap();
    assert_eq!(right, 50);
    let wrong: Result<u32, _> = block_on(plugin.call("ping", ()));
    assert_eq!(wrong.unwrap_err().code(), ErrorCode::InternalError.number());
}

#[test]
fn many_calls_wait_at_once() {
    let (plugin, clock) = client("rpc_sleep", HostMethods::new());
    let calls = (1..=20_u64).rev().map(|i| plugin.call::<u64>("sleep", (i * 1000,)));
    let slept: Vec<_> = block_on(join_all(calls)).into_iter().map(Result::unwrap).collect();
    assert!(slept.iter().rev().zip(1..).all(|(ms, i)| *ms >= i * 1000), "{slept:?}");
    assert_eq!(clock.monotonic(), Duration::from_secs(20));
}

#[test]
fn a_call_in_another_task_is_driven_by_both() {
    let (plugin, _) = client("rpc_sleep", HostMethods::new());
    let mut pool = LocalPool::new();
    let done = Arc::new(Mutex::new(Vec::new()));
    for ms in [300_u64, 100, 200] {
        let (plugin, done) = (plugin.clone(), done.clone());
        pool.spawner()
            .spawn_local(async move {
                plugin.call::<u64>("sleep", (ms,)).await.unwrap();
                done.lock().unwrap().push(ms);
            })
            .unwrap();
    }
    pool.run();
    assert_eq!(*done.lock().unwrap(), [100, 200, 300]);
}

#[test]
fn a_dropped_call_is_cancelled_and_a_late_one_times_out() {
    let (plugin, _) = client("rpc_sleep", HostMethods::new());
    let mut call = plugin.call::<u64>("sleep", (60_000,));
    let polled = block_on(async { futures::poll!(&mut call) });
    assert!(polled.is_pending());
    drop(call);
    let late = plugin.call::<u64>("sleep", (60_000,)).within(Duration::from_secs(1));
    assert_eq!(block_on(late).unwrap_err().code(), ErrorCode::Timeout.number());
    assert!(block_on(plugin.call::<u64>("sleep", (1,))).is_ok());
}

#[test]
fn a_method_of_the_host_may_call_the_plugin_that_called_it() {
    let itself: Arc<OnceLock<Client>> = Arc::default();
    let mut methods = HostMethods::new();
    let plugin = itself.clone();
    methods.register("echo", move |(value,): (i64,)| {
        let call = plugin.get().unwrap().call::<i64>("add", (value, 0));
        async move { call.await.map(|sum| (sum,)) }
    });
    let (plugin, _) = client("rpc_methods", methods);
    itself.set(plugin.clone()).unwrap();
    let right: u32 = block_on(plugin.call("echo_at_once", (5,))).unwrap();
    assert_eq!(right, 5);
}

#[test]
fn what_the_plugin_no_longer_waits_for_is_dropped() {
    let working = Arc::new(());
    let mut methods = HostMethods::new();
    let worker = Arc::downgrade(&working);
    methods.register("slow", move |()| {
        let work = worker.upgrade();
        async move {
            futures::future::pending::<()>().await;
            Ok::<_, ErrorObject>(work.is_some())
        }
    });
    let (plugin, _) = client("rpc_methods", methods);
    let faults = Arc::new(Mutex::new(Vec::new()));
    let heard = faults.clone();
    plugin.on_said(move |said| {
        if let Said::Fault(fault) = said {
            heard.lock().unwrap().push(fault);
        }
    });
    assert!(block_on(plugin.call::<bool>("give_up", (10,))).unwrap());
    assert!(block_on(plugin.call::<bool>("give_up", (10,))).unwrap());
    assert_eq!(Arc::strong_count(&working), 1);
    assert!(faults.lock().unwrap().is_empty(), "{faults:?}");
}

#[test]
fn a_listener_may_stop_the_plugin() {
    let (plugin, _) = client("rpc_trouble", HostMethods::new());
    let heard = plugin.clone();
    plugin.on_said(move |said| {
        if let Said::Log(_) = said {
            heard.stop();
        }
    });
    block_on(plugin.call::<()>("log", ("warn", "shallow water"))).unwrap();
    assert!(matches!(block_on(plugin.serve()), Exit::Clean));
}

#[test]
fn others_have_their_turn_while_a_plugin_computes() {
    let (plugin, _) = client("rpc_methods", HostMethods::new());
    let mut call = Box::pin(plugin.call::<u32>("prime_sieve", (200_000,)));
    let turns = block_on(async {
        let mut turns = 0_u64;
        while futures::poll!(&mut call).is_pending() {
            turns += 1;
        }
        turns
    });
    let runs = plugin.stats().fuel_used / strict().run_fuel;
    // A run goes on to the end of a slice, so there are fewer than the fuel alone would say.
    assert!(runs > 10 && turns > runs / 2, "{turns} of {runs}");
}

#[test]
fn what_the_plugin_says_is_heard_and_serve_ends_with_it() {
    let (plugin, _) = client("rpc_trouble", HostMethods::new());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = heard.clone();
    plugin.on_said(move |said| {
        if let Said::Log(line) = said {
            log.lock().unwrap().push(line.text);
        }
    });
    block_on(plugin.call::<()>("log", ("warn", "shallow water"))).unwrap();
    assert!(heard.lock().unwrap().iter().any(|text| text.contains("shallow water")));
    let error = block_on(plugin.call::<()>("panic", ("aground",))).unwrap_err();
    assert!(error.message().contains("aground"), "{error:?}");
    assert!(matches!(block_on(plugin.serve()), Exit::Crashed(_)));
}

#[test]
fn stop_is_a_clean_end() {
    let (plugin, _) = client("rpc_ping", HostMethods::new());
    let pong: String = block_on(plugin.call("ping", ())).unwrap();
    assert_eq!(pong, "pong");
    plugin.stop();
    assert!(matches!(block_on(plugin.serve()), Exit::Clean));
    assert_eq!(
        block_on(plugin.call::<String>("ping", ())).unwrap_err().code(),
        ErrorCode::NotRunning.number()
    );
}
