//! Two hosts for the same work: ours, driven by hand as an edge drives it, and the peer.
//!
//! Guests: ours by `cargo xtask guests`, the peer's by
//! `cargo build --release --target wasm32-wasip1` in `peer-guest/`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use serde_json::Value;
use serde_json::value::RawValue;
use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, MemArg, MemArgTarget,
    MemorySection, MemoryType, TypeSection, ValType,
};
use wasmi_hdk::{CallId, Engine, Input, InstanceConfig, Limits, Module, Output, Platform, Plugin};
use wasmi_plugin_hdk::plugin::Plugin as PeerPlugin;
use wasmi_plugin_hdk::server::HostServer;
use wasmi_plugin_pdk::rpc_message::RpcError;
use wasmi_plugin_pdk::transport::Transport;

/// Real clocks; random bytes are not needed.
pub struct Real(Instant);

impl Default for Real {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Platform for Real {
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
    fn wall_clock(&self) -> Duration {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
    }
    fn fill_random(&self, buf: &mut [u8]) {
        buf.fill(4);
    }
}

/// Bytes of one of our guests.
pub fn guest(name: &str) -> Vec<u8> {
    let path = format!("{}/../../target/guests/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}: run `cargo xtask guests`"))
}

/// Bytes of the peer's guest.
pub fn peer_guest() -> Vec<u8> {
    let path = format!(
        "{}/peer-guest/target/wasm32-wasip1/release/peer-guest.wasm",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}: build peer-guest"))
}

/// A module of about `bytes` bytes: functions of 290 bytes, each exported up to `exports`.
pub fn synthetic(bytes: usize, exports: usize) -> Vec<u8> {
    let memory = MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    let (mut types, mut memories) = (TypeSection::new(), MemorySection::new());
    types.ty().function([ValType::I32, ValType::I32], [ValType::I32]);
    memories.memory(memory);
    let (mut functions, mut names, mut code) =
        (FunctionSection::new(), ExportSection::new(), CodeSection::new());
    names.export("memory", ExportKind::Memory, 0);
    for (nth, index) in (0..bytes / 290).zip(0..) {
        functions.function(0);
        if nth < exports {
            names.export(&format!("f{nth}"), ExportKind::Func, index);
        }
        let mut body = Function::new([]);
        let mut code_of = body.instructions();
        for offset in 0..28 {
            let arg = MemArg { offset, align: 2, target: MemArgTarget::Memory(0), ordering: None };
            code_of.local_get(0).local_get(1).i32_load(arg).i32_add().local_set(0);
        }
        code_of.local_get(0).end();
        code.function(&body);
    }
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions).section(&memories).section(&names).section(&code);
    module.finish()
}

/// Our host, driven by its loop rule.
pub struct Ours {
    plugin: Plugin,
    platform: Arc<Real>,
    next: u64,
}

impl Ours {
    pub fn new(wasm: &[u8], limits: Limits) -> Self {
        let module = Module::load(&Engine::new(), "bench", wasm, &limits).expect("loads");
        Self::of(&module, limits)
    }

    /// One more instance of a loaded module.
    pub fn of(module: &Module, limits: Limits) -> Self {
        let platform = Arc::new(Real::default());
        let config = InstanceConfig { limits, ..InstanceConfig::new(platform.clone()) };
        let plugin = Plugin::new("bench", module, config).expect("starts");
        Self { plugin, platform, next: 0 }
    }

    /// A call with JSON in and JSON out.
    pub fn call(&mut self, method: &str, params: Option<&str>) -> Box<RawValue> {
        self.next += 1;
        let params = params.map(|text| RawValue::from_string(text.to_owned()).expect("JSON"));
        let id = CallId(self.next);
        let call = Input::Call { id, method: method.to_owned(), params, deadline: None };
        self.plugin.handle_input(self.platform.monotonic(), call);
        loop {
            let now = self.platform.monotonic();
            match self.plugin.poll_output(now) {
                Output::Run(run) => {
                    let ran = run.execute();
                    self.plugin.handle_input(now, Input::Ran(ran));
                }
                Output::Request { id, params, .. } => {
                    let result = Ok(params.unwrap_or_default());
                    self.plugin.handle_input(now, Input::Respond { id, result });
                }
                Output::Answer { result, .. } => return result.expect("an answer"),
                Output::Wait { until } => assert!(until.is_some(), "never answered"),
                Output::Stopped(exit) => panic!("{exit:?}"),
                _ => {}
            }
        }
    }
}

/// The peer, awaited.
pub struct Peer(PeerPlugin);

impl Peer {
    pub fn new(wasm: Vec<u8>) -> Self {
        let host = HostServer::<()>::default()
            .with_method("echo", |_, value: Value| async move { Ok(value) });
        let plugin = PeerPlugin::new("bench", wasm, Arc::new(host)).expect("loads");
        Self(plugin.with_logger(Box::new(|_, _| {})))
    }

    pub fn call(&self, method: &str, params: Value) -> Value {
        futures::executor::block_on(self.0.call(method, params)).expect("an answer").result
    }

    /// A peer whose host counts calls of `echo` and never answers them.
    pub fn silent(wasm: Vec<u8>, asked: Arc<AtomicUsize>) -> Self {
        let host = HostServer::<()>::default().with_method("echo", move |_, _: Value| {
            asked.fetch_add(1, Ordering::Relaxed);
            std::future::pending::<Result<Value, RpcError>>()
        });
        let plugin = PeerPlugin::new("bench", wasm, Arc::new(host)).expect("loads");
        Self(plugin.with_logger(Box::new(|_, _| {})))
    }

    /// A call that is not awaited; the peer starts an instance for each call.
    pub fn begin(&self, method: &'static str, params: Value) -> BoxFuture<'_, ()> {
        Box::pin(async move { drop(self.0.call(method, params).await) })
    }
}

/// No throttle and no budget: what is measured is speed.
pub fn limits() -> Limits {
    Limits { fuel_per_second: None, call_fuel: None, ..Limits::default() }
}
