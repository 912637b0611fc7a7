//! What a page has: clocks, random bytes, timers, turns of the event loop. An embedder writes the same.

use std::sync::Arc;
use std::time::Duration;

use futures::channel::oneshot;
use js_sys::{Function, Reflect, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasmi_hdk::{
    BoxFuture, Client, Engine, HostMethods, InstanceConfig, Limits, Module, Platform, Timer,
};

/// The page's clocks and random bytes.
pub(crate) struct Page;

impl Platform for Page {
    fn monotonic(&self) -> Duration {
        milliseconds(&call(&global("performance"), "now", &[]))
    }
    fn wall_clock(&self) -> Duration {
        milliseconds(&js_sys::Date::now().into())
    }
    fn fill_random(&self, buf: &mut [u8]) {
        // What one call of the browser gives at most.
        for part in buf.chunks_mut(65_536) {
            let bytes = Uint8Array::new_with_length(u32::try_from(part.len()).unwrap_or(0));
            call(&global("crypto"), "getRandomValues", &[bytes.clone().into()]);
            bytes.copy_to(part);
        }
    }
}

/// The page's timers.
pub(crate) struct EventLoop;

impl Timer for EventLoop {
    fn sleep(&self, time: Duration) -> BoxFuture<()> {
        let (done, wait) = oneshot::channel();
        let wake = Closure::once_into_js(move || done.send(()).unwrap_or(()));
        // Rounded up: who wakes too early only asks again.
        let time = JsValue::from_f64((time.as_secs_f64() * 1e3).ceil());
        call(&js_sys::global(), "setTimeout", &[wake, time]);
        Box::pin(async move { wait.await.unwrap_or(()) })
    }

    fn yield_now(&self) -> BoxFuture<()> {
        // A message is a macrotask, like a click; `setTimeout` would soon wait 4 ms each time.
        let (done, wait) = oneshot::channel();
        let channel = construct("MessageChannel");
        let wake = Closure::once_into_js(move || done.send(()).unwrap_or(()));
        set(&get(&channel, "port1"), "onmessage", &wake);
        call(&get(&channel, "port2"), "postMessage", &[JsValue::NULL]);
        Box::pin(async move {
            wait.await.unwrap_or(());
            call(&get(&channel, "port1"), "close", &[]);
        })
    }
}

/// A plugin out of a guest that the page fetched.
pub(crate) fn client(guest: &str, methods: HostMethods) -> Result<Client, String> {
    let bytes = get(&global("guests"), guest).dyn_into::<Uint8Array>();
    let bytes = bytes.map_err(|_| format!("the page has no guest {guest}"))?.to_vec();
    let limits = Limits {
        memory_bytes: 16 << 20,
        call_fuel: Some(50_000_000),
        fuel_per_second: None,
        run_time: Some(Duration::from_millis(4)),
        ..Limits::default()
    };
    let module = Module::load(&Engine::new(), guest, &bytes, &limits).map_err(text)?;
    let config = InstanceConfig { limits, ..InstanceConfig::new(Arc::new(Page)) };
    Client::new(&module, config, methods, Arc::new(EventLoop)).map_err(text)
}

/// Tells the page how a case ended; no name: that was the last one.
pub(crate) fn report(name: Option<&str>, error: Option<&str>) {
    call(&js_sys::global(), "report", &[name.into(), error.into()]);
}

pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn milliseconds(value: &JsValue) -> Duration {
    Duration::from_secs_f64(value.as_f64().unwrap_or_default().max(0.0) / 1e3)
}

fn global(name: &str) -> JsValue {
    get(&js_sys::global(), name)
}

fn get(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

fn set(of: &JsValue, name: &str, value: &JsValue) {
    // Only a frozen object refuses, and a port of ours is none.
    let _ = Reflect::set(of, &name.into(), value);
}

fn construct(class: &str) -> JsValue {
    let class = global(class).unchecked_into::<Function>();
    Reflect::construct(&class, &js_sys::Array::new()).unwrap_or(JsValue::UNDEFINED)
}

fn call(of: &JsValue, name: &str, arguments: &[JsValue]) -> JsValue {
    let function = get(of, name).unchecked_into::<Function>();
    function.apply(of, &arguments.iter().cloned().collect()).unwrap_or(JsValue::UNDEFINED)
}
