//! Two hosts for the same work: ours, driven by hand as an edge drives it, and the peer.
//!
//! Guests: ours by `cargo xtask guests`, the peer's by
//! `cargo build --release --target wasm32-wasip1` in `peer-guest/`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use serde_json::value::RawValue;
use wasmi_hdk::{
    CallId, Engine, Input, InstanceConfig, Limits, Module, Output, Platform, Plugin,
};
use wasmi_plugin_hdk::plugin::Plugin as PeerPlugin;
use wasmi_plugin_hdk::server::HostServer;
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

/// Code of about `bytes` bytes, in functions of 250 bytes.
pub fn synthetic(bytes: usize) -> Vec<u8> {
    let mut text = String::from("(module (memory (export \"memory\") 1)");
    for i in 0..bytes / 250 {
        text += &format!("(func (export \"f{i}\") (param i32 i32) (result i32)");
        for k in 0..20 {
            text += &format!(
                "(local.set 0 (i32.add (local.get 0) (i32.load offset={k} (local.get 1))))"
            );
        }
        text += "(local.get 0))";
    }
    text += ")";
    wat::parse_str(text).expect("the text is good")
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
        let platform = Arc::new(Real::default());
        let config = InstanceConfig { limits, ..InstanceConfig::new(platform.clone()) };
        let plugin = Plugin::new("bench", &module, config).expect("starts");
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
}

/// No throttle and no budget: what is measured is speed.
pub fn limits() -> Limits {
    Limits { fuel_per_second: None, call_fuel: None, ..Limits::default() }
}
