//! Sessions driven by hand: inline guests of the buffer ABI, and the built JSON-RPC ones.

use std::sync::Arc;
use std::time::Duration;

use wasmi_hdk::{Engine, FixedPlatform, Limits};

use super::*;
use crate::fake::Fake;
use crate::{Capabilities, Effect, HandlerCall, HandlerCallId, Report, SubscriptionId};

#[cfg(not(target_family = "wasm"))]
mod assemblyscript;
#[cfg(not(target_family = "wasm"))]
mod built;
mod by_name;
mod calls;
mod deltas;
mod floods;
#[cfg(not(target_family = "wasm"))]
mod guests;
mod hand_over;
mod handshake;
mod harm;
mod imports;
mod life;
mod objects;
mod sleep;
mod sockets;
mod values;
mod weaknesses;
mod web;

/// A session, a fake server and a clock that jumps.
struct Drive {
    session: Session,
    server: Fake,
    now: Duration,
    /// What the session said, runs left out.
    said: Vec<String>,
    runs: usize,
    /// What it wants of the world.
    effects: VecDeque<Effect>,
}

impl Drive {
    fn new(wasm: Vec<u8>, purpose: Purpose, capabilities: Capabilities) -> Drive {
        Drive::with_server(Fake::default(), wasm, purpose, capabilities)
    }

    fn with_server(
        server: Fake,
        wasm: Vec<u8>,
        purpose: Purpose,
        capabilities: Capabilities,
    ) -> Drive {
        Drive::with_config(server, wasm, purpose, capabilities, |_| ())
    }

    fn with_config(
        server: Fake,
        wasm: Vec<u8>,
        purpose: Purpose,
        capabilities: Capabilities,
        change: impl FnOnce(&mut SessionConfig),
    ) -> Drive {
        let package = r#"{"name":"p","version":"1","keywords":["signalk-wasm-plugin"],"wasmManifest":"p.wasm"}"#;
        let mut manifest = Manifest::read(package.as_bytes()).unwrap().manifest;
        manifest.capabilities = capabilities;
        let mut config = SessionConfig {
            engine: Engine::new(),
            limits: Limits { call_fuel: Some(20_000_000), ..Limits::default() },
            call_time: None,
            platform: Arc::new(FixedPlatform::default()),
            fs: None,
            host: HostInfo { name: "test".into(), version: "0".into() },
            options: server.options.clone().unwrap_or_else(|| "{}".to_owned()),
            enable_debug: false,
            deltas_per_second: 1000,
            queue: 1000,
            rules: crate::Rules::default(),
            wants_id: false,
            purpose,
        };
        change(&mut config);
        let session = Session::new(&manifest, Code::Bytes(wasm.into()), config);
        let effects = VecDeque::new();
        let now = Duration::ZERO;
        let mut drive = Drive { session, server, now, said: vec![], runs: 0, effects };
        drive.poll();
        drive
    }

    fn wat(text: &str) -> Drive {
        Drive::new(guest(text), Purpose::Run, Capabilities::default())
    }

    /// Polls until it waits, executing runs at once; the time it waits for.
    fn poll(&mut self) -> Option<Duration> {
        loop {
            match self.session.poll_output(self.now, &mut self.server) {
                Output::Run(run) => {
                    self.runs += 1;
                    assert!(self.runs < 100_000, "runs for ever: {:?}", self.said);
                    let ran = Input::Ran(run.execute());
                    self.session.handle_input(self.now, ran, &mut self.server);
                }
                Output::Wait { until } => return until,
                Output::Effect(effect) => self.effects.push_back(effect),
                Output::Crashed(crash) => self.said.push(format!("crashed: {crash}")),
                Output::Described(d) => {
                    let ui = d.ui_schema.map(|text| format!(" {text}")).unwrap_or_default();
                    self.said.push(format!("described: {:?} {}{ui}", d.name, d.schema));
                }
                other => self.said.push(format!("{other:?}")),
            }
        }
    }

    fn input(&mut self, input: Input) -> Option<Duration> {
        self.session.handle_input(self.now, input, &mut self.server);
        self.poll()
    }

    fn deltas(&mut self, subscription: Option<u64>, deltas: &[&str]) {
        let subscription = subscription.map(SubscriptionId);
        let deltas =
            deltas.iter().map(|json| Delivery { subscription, delta: (*json).into() }).collect();
        self.input(Input::Deltas(deltas));
    }

    fn at(&mut self, ms: u64) -> Option<Duration> {
        self.now = Duration::from_millis(ms);
        self.input(Input::Tick)
    }
}

/// A plugin of the buffer ABI around `body`: bump allocator, name, imports `$debug` and `$emit`.
fn guest(body: &str) -> Vec<u8> {
    let (imports, body) = body.split_once("---").unwrap_or(("", body));
    wat::parse_str(format!(
        r#"(module
            (import "env" "sk_debug" (func $debug (param i32 i32)))
            (import "env" "sk_handle_message" (func $emit (param i32 i32)))
            {imports}
            (memory (export "memory") 4)
            (global $heap (mut i32) (i32.const 65536))
            (data (i32.const 0) "Test guest")
            (data (i32.const 100) "{{\"updates\":[{{\"values\":[{{\"path\":\"a.b\",\"value\":1}}]}}]}}")
            (data (i32.const 200) "navigation.speedOverGround")
            (data (i32.const 300) "polled")
            (func (export "allocate") (param $n i32) (result i32)
                (if (i32.eqz (local.get $n)) (then (unreachable)))
                (global.get $heap)
                (global.set $heap (i32.add (global.get $heap) (local.get $n))))
            (func (export "deallocate") (param $p i32) (param $n i32)
                (global.set $heap (i32.sub (global.get $heap) (local.get $n))))
            (func (export "plugin_name") (param $out i32) (param $max i32) (result i32)
                (memory.copy (local.get $out) (i32.const 0) (i32.const 10))
                (i32.const 10))
            {body})"#
    ))
    .unwrap()
}

const START: &str = r#"(func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))"#;
