//! A server with plugins in virtual time, driven by hand: one delta a millisecond, as goals B1 to B7 feed it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use signalk_core::{
    Config, Core, Effect, FoundPackage, HttpId, HttpRequest, Input, ModuleFiles, Output, Platform,
    Report, StreamId,
};

/// A clock that jumps.
#[derive(Default)]
struct Clock(AtomicU64);

impl Platform for Clock {
    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
    fn wall_clock(&self) -> Duration {
        Duration::from_secs(1_767_323_045) + self.monotonic()
    }
    fn fill_random(&self, buf: &mut [u8]) {
        buf.fill(4);
    }
}

/// What a plugin is and wants.
pub struct Kind {
    pub wasm: Vec<u8>,
    /// Members of package.json.
    pub package: Value,
    /// Its configuration.
    pub options: Value,
}

/// The core and a world that does at once what it is asked.
pub struct Boat {
    core: Core,
    clock: Arc<Clock>,
    modules: BTreeMap<String, Vec<u8>>,
    answer: Vec<u8>,
    wake: Option<Duration>,
    sequence: u64,
    text: String,
}

impl Boat {
    /// A server with so many plugins of one kind, started.
    pub fn new(kind: &Kind, plugins: usize) -> Boat {
        let (mut config, mut modules, mut found) = (Config::default(), BTreeMap::new(), Vec::new());
        for number in 0..plugins {
            let (name, dir) = (format!("bench{number}"), format!("node_modules/bench{number}"));
            let mut package = json!({
                "name": name, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"],
                "wasmManifest": "plugin.wasm",
            });
            for (key, value) in kind.package.as_object().into_iter().flatten() {
                package[key] = value.clone();
            }
            let options = json!({ "enabled": true, "configuration": kind.options });
            config.plugin_options.insert(name, options.to_string());
            modules.insert(dir.clone(), kind.wasm.clone());
            found.push(FoundPackage { dir, package_json: package.to_string() });
        }
        let clock = Arc::new(Clock::default());
        let core = Core::new(config, clock.clone());
        let mut boat = Boat {
            core,
            clock,
            modules,
            answer: Vec::new(),
            wake: None,
            sequence: 0,
            text: String::new(),
        };
        let request = HttpRequest::get("/signalk/v1/stream?subscribe=none");
        boat.input(Input::StreamOpened { id: StreamId(1), request });
        boat.input(Input::Packages { found, complaints: Vec::new() });
        boat
    }

    /// So many deltas, `at_once` of them in one turn.
    pub fn sail(&mut self, deltas: u64, at_once: u64) {
        for _ in 0..deltas / at_once {
            self.pass(Duration::from_millis(at_once));
            for _ in 0..at_once {
                self.write_delta();
                let text = self.text.clone().into();
                self.core.handle_input(self.now(), Input::StreamMessage { id: StreamId(1), text });
            }
            self.poll();
        }
        self.pass(Duration::from_millis(20));
    }

    /// Deltas that plugins took, each counted where it arrived, and those that were dropped.
    pub fn taken(&mut self) -> (u64, u64) {
        let target = "/signalk-host/status";
        self.input(Input::Http { id: HttpId(1), request: HttpRequest::get(target) });
        let all: Value = serde_json::from_slice(&self.answer).unwrap_or_default();
        let sum = |key: &str| {
            let plugins = all["plugins"].as_object().into_iter().flat_map(|all| all.values());
            plugins.filter_map(|plugin| plugin[key].as_u64()).sum()
        };
        (sum("deltasIn"), sum("deltasInDropped"))
    }

    /// The delta of `benches/server`: four values, about 420 bytes.
    fn write_delta(&mut self) {
        use std::fmt::Write;
        self.sequence += 1;
        let (sequence, ms) = (self.sequence, self.sequence % 1000);
        let (six, four) = (sequence % 1_000_000, sequence % 10_000);
        self.text.clear();
        let _ = write!(
            self.text,
            r#"{{"context":"vessels.self","updates":[{{"$source":"bench.1","timestamp":"2026-01-02T03:04:05.{ms:03}Z","values":[{{"path":"navigation.log","value":{sequence}}},{{"path":"navigation.position","value":{{"latitude":60.{six:06},"longitude":24.7654321}}}},{{"path":"navigation.speedOverGround","value":3.{four:04}}},{{"path":"navigation.courseOverGroundTrue","value":1.{four:04}}}]}}]}}"#
        );
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now() + time;
        while let Some(wake) = self.wake.filter(|wake| *wake <= end) {
            self.jump(wake.max(self.now()));
            self.input(Input::Tick);
        }
        self.jump(end);
    }

    fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    fn jump(&mut self, to: Duration) {
        // Up: a wake is never missed by a fraction.
        self.clock.0.store(to.as_nanos().div_ceil(1000) as u64, Ordering::Relaxed);
    }

    fn input(&mut self, input: Input) {
        self.core.handle_input(self.now(), input);
        self.poll();
    }

    fn poll(&mut self) {
        loop {
            let next = match self.core.poll_output(self.now()) {
                Output::Wait { until } => {
                    self.wake = until;
                    return;
                }
                Output::Run { plugin, run } => Input::Ran { plugin, ran: run.execute() },
                Output::Effect(Effect::ReadModule { plugin, dir, .. }) => {
                    let wasm = self.modules.get(&dir).cloned().unwrap_or_default().into();
                    let result = Ok(ModuleFiles::new(wasm, None));
                    Input::Report(Report::Module { plugin, result })
                }
                Output::Effect(Effect::SaveFile { ticket, .. }) => {
                    Input::Report(Report::Saved { ticket, result: Ok(None) })
                }
                Output::Effect(Effect::HttpRespond { response, .. }) => {
                    self.answer = response.body.to_vec();
                    continue;
                }
                Output::Effect(Effect::Log { target, text, .. }) => {
                    if std::env::var_os("BENCH_LOG").is_some() {
                        eprintln!("{target}: {text}");
                    }
                    continue;
                }
                Output::Effect(_) => continue,
            };
            self.core.handle_input(self.now(), next);
        }
    }
}
