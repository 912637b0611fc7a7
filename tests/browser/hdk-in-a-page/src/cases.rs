//! What must hold in a page. Each case says what it saw instead.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, join_all, select};
use wasm_bindgen_futures::spawn_local;
use wasmi_hdk::{Client, ErrorCode, ErrorObject, Exit, HostMethods, Timer};

use crate::page::{EventLoop, client, text};

type Case = fn() -> Pin<Box<dyn Future<Output = Result<(), String>>>>;

/// Names and cases, in the order in which they run.
pub(crate) const ALL: [(&str, Case); 5] = [
    ("calls are typed, and the host answers at a later turn", || Box::pin(nested_calls())),
    ("sleeping calls wake by the page's timers, in their order", || Box::pin(sleeping_calls())),
    ("a call that is dropped or late leaves the plugin at work", || Box::pin(dropped_and_late())),
    ("the page lives while a plugin computes", || Box::pin(page_lives())),
    ("a plugin that never ends is stopped and named", || Box::pin(runaway())),
];

async fn nested_calls() -> Result<(), String> {
    let mut methods = HostMethods::new();
    methods.register("echo", |value: serde_json::Value| async move {
        EventLoop.sleep(Duration::from_millis(1)).await;
        Ok::<_, ErrorObject>(value)
    });
    let plugin = client("rpc_methods", methods)?;
    let sum: i64 = plugin.call("add", (1, 2)).await.map_err(said)?;
    let right: u32 = plugin.call("echo_at_once", (20,)).await.map_err(said)?;
    let in_turn: u32 = plugin.call("many_echo", (5,)).await.map_err(said)?;
    expect((sum, right, in_turn), (3, 20, 5))?;
    let exit = stopped(&plugin).await;
    if matches!(exit, Exit::Clean) { Ok(()) } else { Err(format!("{exit:?}")) }
}

async fn sleeping_calls() -> Result<(), String> {
    let plugin = client("rpc_methods", HostMethods::new())?;
    let serving = plugin.clone();
    spawn_local(async move { drop(serving.serve().await) });
    let order = RefCell::new(Vec::new());
    let sleep = async |ms: u64| {
        let slept: Result<u64, _> = plugin.call("sleep", (ms,)).await;
        order.borrow_mut().push(ms);
        slept.map_err(said).map(|slept| slept >= ms)
    };
    let slept = join_all([120, 60, 1].map(sleep)).await;
    expect(slept, vec![Ok(true); 3])?;
    plugin.stop();
    expect(order.take(), vec![1, 60, 120])
}

async fn dropped_and_late() -> Result<(), String> {
    let plugin = client("rpc_methods", HostMethods::new())?;
    let moment = Duration::from_millis(5);
    let long = plugin.call::<u64>("sleep", (3_600_000,));
    if let Either::Left(_) = select(long, EventLoop.sleep(moment)).await {
        return Err("an hour went by".into());
    }
    let late = plugin.call::<u64>("sleep", (3_600_000,)).within(moment).await;
    expect(late.map_err(|error| error.code()), Err(ErrorCode::Timeout.number()))?;
    expect(plugin.call::<i64>("add", (1, 2)).await.map_err(said), Ok(3))
}

/// Turns of the page's event loop are counted while a guest computes: one between any two runs.
async fn page_lives() -> Result<(), String> {
    let plugin = client("rpc_methods", HostMethods::new())?;
    let (turns, done) = (Rc::new(Cell::new(0_u32)), Rc::new(Cell::new(false)));
    let (counted, ended) = (turns.clone(), done.clone());
    spawn_local(async move {
        while !ended.get() {
            EventLoop.yield_now().await;
            counted.set(counted.get() + 1);
        }
    });
    let primes: u32 = plugin.call("prime_sieve", (200_000,)).await.map_err(said)?;
    done.set(true);
    expect(primes, 17_984)?;
    // 12 million of fuel, 400,000 a run.
    if turns.get() >= 15 { Ok(()) } else { Err(format!("{} turns", turns.get())) }
}

async fn runaway() -> Result<(), String> {
    let plugin = client("fuel_spin_forever", HostMethods::new())?;
    let error = plugin.call::<u64>("go", ()).await.map_err(said);
    let names_it = |text: &String| text.contains("fuel_spin_forever") && text.contains("fuel");
    match (error, plugin.serve().await) {
        (Err(text), Exit::Crashed(_)) if names_it(&text) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

async fn stopped(plugin: &Client) -> Exit {
    plugin.stop();
    plugin.serve().await
}

fn said(error: ErrorObject) -> String {
    text(error.message())
}

fn expect<T: PartialEq + std::fmt::Debug>(seen: T, wanted: T) -> Result<(), String> {
    if seen == wanted { Ok(()) } else { Err(format!("{seen:?}, not {wanted:?}")) }
}
