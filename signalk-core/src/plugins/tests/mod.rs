//! The whole core with plugins, in virtual time: a world that does at once what it is asked, and small guests.

mod binary;
mod bodies;
mod by_hand;
mod diagnostics;
mod documented;
mod found;
mod handlers;
mod options;
// Real guests: as wasm a test sees only its own folder.
#[cfg(not(target_family = "wasm"))]
mod inputs;
#[cfg(not(target_family = "wasm"))]
mod json_rpc;
mod lifecycle;
mod limits;
mod lives;
mod neighbours;
mod numbered;
mod puts;
mod radar;
mod reload;
mod rules;
mod saves;
mod secured;
#[cfg(not(target_family = "wasm"))]
mod sockets;
mod status;
mod values;
mod weather;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    Config, Core, Effect, FoundPackage, HttpId, HttpRequest, Input, ModuleFiles, Output, Platform,
    Report, StreamId,
};

/// A clock that jumps; with `tick`, it also moves a little whenever somebody looks.
#[derive(Default)]
struct Clock {
    micros: AtomicU64,
    tick: AtomicU64,
}

impl Platform for Clock {
    fn monotonic(&self) -> Duration {
        let tick = self.tick.load(Ordering::Relaxed);
        Duration::from_micros(self.micros.fetch_add(tick, Ordering::Relaxed))
    }
    fn wall_clock(&self) -> Duration {
        Duration::from_secs(1_767_323_045)
            + Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
    fn fill_random(&self, buf: &mut [u8]) {
        buf.fill(4);
    }
}

/// The core and a world that does at once what it is asked.
struct Sim {
    core: Core,
    clock: Arc<Clock>,
    modules: BTreeMap<String, Vec<u8>>,
    /// package.json by folder.
    packages: BTreeMap<String, String>,
    /// Pieces of guest work that were executed, by plugin.
    runs: BTreeMap<String, u64>,
    found: Vec<FoundPackage>,
    files: BTreeMap<String, String>,
    /// Reads are answered when somebody takes them from `late`.
    disk_is_slow: bool,
    /// What saving fails with.
    disk_error: Option<String>,
    /// The edge panics while it executes guests.
    falls: bool,
    late: Vec<Report>,
    answer: Option<(u16, String)>,
    /// `target: text` of warnings and errors.
    log: Vec<String>,
    /// All answers, in order.
    responses: Vec<(HttpId, crate::HttpResponse)>,
    /// Frames of binary streams, and whom they went to.
    binary: Vec<(StreamId, bytes::Bytes)>,
    /// Text frames, and whom they went to.
    frames: Vec<(StreamId, String)>,
    /// Clients of binary streams, and the limit of each.
    accepted: Vec<(StreamId, usize)>,
    /// Their subprotocols.
    protocols: Vec<Option<String>>,
    /// Streams that the server closed.
    closed: Vec<(StreamId, u16, String)>,
    /// Streams that the server did not open, and the status.
    rejected: Vec<(StreamId, u16)>,
    wake: Option<Duration>,
    stopped: bool,
}

impl Sim {
    fn new() -> Sim {
        Sim::with_options(&[])
    }

    fn with_options(options: &[(&str, &str)]) -> Sim {
        Sim::with(options, None)
    }

    /// With a `plugin-descriptions.json` of an earlier start.
    fn with(options: &[(&str, &str)], descriptions: Option<String>) -> Sim {
        let mut config = Config { plugin_descriptions: descriptions, ..Config::default() };
        for (id, text) in options {
            config.plugin_options.insert((*id).to_owned(), (*text).to_owned());
        }
        Sim::with_config(config)
    }

    fn with_config(config: Config) -> Sim {
        let clock = Arc::new(Clock::default());
        let core = Core::new(config, clock.clone());
        let mut sim = Sim {
            core,
            clock,
            modules: BTreeMap::new(),
            packages: BTreeMap::new(),
            runs: BTreeMap::new(),
            found: Vec::new(),
            files: BTreeMap::new(),
            disk_is_slow: false,
            disk_error: None,
            falls: false,
            late: Vec::new(),
            answer: None,
            log: Vec::new(),
            responses: Vec::new(),
            binary: Vec::new(),
            frames: Vec::new(),
            accepted: Vec::new(),
            protocols: Vec::new(),
            closed: Vec::new(),
            rejected: Vec::new(),
            wake: None,
            stopped: false,
        };
        sim.input(Input::StreamOpened {
            id: StreamId(1),
            request: HttpRequest::get("/signalk/v1/stream?subscribe=none"),
        });
        sim
    }

    /// An installed plugin, enabled by default.
    fn install(&mut self, name: &str, wasm: Vec<u8>) {
        self.install_with(name, wasm, json!({ "signalk-plugin-enabled-by-default": true }));
    }

    fn install_with(&mut self, name: &str, wasm: Vec<u8>, more: Value) {
        let mut package = json!({
            "name": name, "version": "1.0.0", "description": "A test",
            "keywords": ["signalk-wasm-plugin"], "wasmManifest": "plugin.wasm",
        });
        for (key, value) in more.as_object().unwrap() {
            package[key] = value.clone();
        }
        let dir = format!("node_modules/{name}");
        self.modules.insert(dir.clone(), wasm);
        self.packages.insert(dir.clone(), package.to_string());
        self.found.push(FoundPackage { dir, package_json: package.to_string() });
    }

    /// A guest of `test-plugin` that speaks JSON-RPC, enabled by default, with these rights.
    #[cfg(not(target_family = "wasm"))]
    fn install_built(&mut self, name: &str, rights: &Value) {
        let more = json!({
            "signalk-plugin-enabled-by-default": true, "wasmInterface": "json-rpc",
            "wasmCapabilities": rights,
        });
        self.install_with(name, built(name), more);
    }

    /// The edge has looked for packages.
    fn boot(&mut self) {
        let found = std::mem::take(&mut self.found);
        self.input(Input::Packages { found, complaints: Vec::new() });
    }

    fn now(&self) -> Duration {
        Duration::from_micros(self.clock.micros.load(Ordering::Relaxed))
    }

    fn input(&mut self, input: Input) {
        self.core.handle_input(self.now(), input);
        loop {
            let next = match self.core.poll_output(self.now()) {
                Output::Wait { until } => {
                    self.wake = until;
                    return;
                }
                Output::Run { plugin, run } => {
                    *self.runs.entry(plugin.to_string()).or_default() += 1;
                    match self.falls {
                        true => Input::RunLost { plugin, reason: "planned".to_owned() },
                        false => Input::Ran { plugin, ran: run.execute() },
                    }
                }
                Output::Effect(effect) => match self.carry_out(effect) {
                    Some(report @ (Report::Module { .. } | Report::Package { .. }))
                        if self.disk_is_slow =>
                    {
                        self.late.push(report);
                        continue;
                    }
                    Some(report) => Input::Report(report),
                    None => continue,
                },
            };
            self.core.handle_input(self.now(), next);
        }
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Report> {
        match effect {
            Effect::ReadModule { plugin, want_code: false, .. } => {
                let result = Ok(ModuleFiles::new(Vec::new().into(), None));
                Some(Report::Module { plugin, result })
            }
            Effect::ReadModule { plugin, dir, wasm, .. } => {
                let missing = || format!("{dir}/{wasm}: no such file; check wasmManifest");
                let module = self.modules.get(&dir).filter(|wasm| !wasm.is_empty());
                let result = module
                    .map(|wasm| ModuleFiles::new(wasm.clone().into(), None))
                    .ok_or_else(missing);
                Some(Report::Module { plugin, result })
            }
            Effect::ReadPackage { plugin, dir } => {
                let text = self.packages.get(&dir).cloned();
                let result = text.ok_or_else(|| format!("{dir}/package.json: gone"));
                let options = self.files.get(&format!("plugin-config-data/{plugin}.json"));
                let options = options.cloned();
                Some(Report::Package { plugin, result, options })
            }
            Effect::SaveFile { ticket, name, bytes, before } => {
                let disk = self.files.get(&name).map(String::as_bytes);
                let foreign = before
                    .zip(disk)
                    .and_then(|(before, disk)| crate::keep_foreign_changes(&before, &bytes, disk));
                let result = self.disk_error.clone().map_or(Ok(foreign.clone()), Err);
                if result.is_ok() {
                    let ours = || String::from_utf8_lossy(&bytes).into_owned();
                    self.files.insert(name, foreign.unwrap_or_else(ours));
                }
                Some(Report::Saved { ticket, result })
            }
            Effect::HttpRespond { id, response } => {
                let body = String::from_utf8_lossy(&response.body).into_owned();
                self.answer = Some((response.status, body));
                self.responses.push((id, response));
                None
            }
            Effect::Log { level, target, text, .. } => {
                if level <= crate::LogLevel::Warn {
                    self.log.push(format!("{target}: {text}"));
                }
                None
            }
            Effect::StreamAccept { id, limit, protocol } => {
                self.accepted.push((id, limit));
                self.protocols.push(protocol);
                None
            }
            Effect::StreamSend { id, frame } => {
                self.frames.push((id, String::from_utf8_lossy(&frame).into_owned()));
                None
            }
            Effect::StreamSendMany { ids, frame } => {
                let text = String::from_utf8_lossy(&frame);
                self.frames.extend(ids.iter().map(|id| (*id, text.clone().into_owned())));
                None
            }
            Effect::StreamSendBinary { ids, frame } => {
                self.binary.extend(ids.iter().map(|id| (*id, frame.clone())));
                None
            }
            Effect::StreamClose { id, code, reason } => {
                self.closed.push((id, code, reason));
                None
            }
            Effect::StreamReject { id, response } => {
                self.rejected.push((id, response.status));
                None
            }
            Effect::Stopped => {
                self.stopped = true;
                None
            }
            _ => None,
        }
    }

    /// Time passes, and everything that is due happens when it is due.
    fn advance_to(&mut self, seconds: f64) {
        let end = Duration::from_secs_f64(seconds);
        while let Some(wake) = self.wake.filter(|wake| *wake <= end) {
            self.jump(wake.max(self.now()));
            self.input(Input::Tick);
        }
        self.jump(end.max(self.now()));
        self.input(Input::Tick);
    }

    fn jump(&mut self, to: Duration) {
        self.clock.micros.store(u64::try_from(to.as_micros()).unwrap(), Ordering::Relaxed);
    }

    fn delta(&mut self, path: &str, value: impl Into<Value>) {
        let value: Value = value.into();
        let text = json!({ "updates": [{ "values": [{ "path": path, "value": value }] }] });
        self.input(Input::StreamMessage { id: StreamId(1), text: text.to_string().into() });
    }

    fn get(&mut self, target: &str) -> Value {
        self.input(Input::Http { id: HttpId(1), request: HttpRequest::get(target) });
        let (status, body) = self.answer.take().unwrap();
        if status == 200 { serde_json::from_str(&body).unwrap() } else { json!(status) }
    }

    fn post(&mut self, id: &str, body: Value) -> (u16, String) {
        self.send_post(id, body);
        self.answer.take().unwrap()
    }

    /// The answer may have to wait.
    fn send_post(&mut self, id: &str, body: Value) {
        let mut request = HttpRequest::get(&format!("/skServer/plugins/{id}/config"));
        request.method = "POST".to_owned();
        request.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        request.body = body.to_string().into();
        self.input(Input::Http { id: HttpId(2), request });
    }

    fn value(&mut self, path: &str) -> Value {
        let path = path.replace('.', "/");
        let mut leaf = self.get(&format!("/signalk/v1/api/vessels/self/{path}"));
        leaf.get_mut("value").map(Value::take).unwrap_or_default()
    }

    /// A text stream; what it was sent is in `heard`.
    fn open_stream(&mut self, id: u64, target: &str) {
        let request = HttpRequest::get(target);
        self.input(Input::StreamOpened { id: StreamId(id), request });
        self.heard(id);
    }

    fn say(&mut self, id: u64, text: &Value) {
        self.input(Input::StreamMessage { id: StreamId(id), text: text.to_string().into() });
    }

    /// The text frames that a client got since the last call.
    fn heard(&mut self, id: u64) -> Vec<Value> {
        let all = std::mem::take(&mut self.frames);
        let (own, others) = all.into_iter().partition(|(to, _)| *to == StreamId(id));
        self.frames = others;
        let own: Vec<(StreamId, String)> = own;
        own.iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect()
    }

    fn entry(&mut self, id: &str) -> Value {
        let list = self.get("/skServer/plugins");
        list.as_array().unwrap().iter().find(|plugin| plugin["id"] == id).cloned().unwrap()
    }

    /// The log of a plugin, as its page shows it.
    fn lines(&mut self, id: &str) -> Vec<String> {
        let diagnostics = self.get(&format!("/plugins/{id}/diagnostics?lines=1000"));
        let lines = diagnostics["log"].as_array().unwrap();
        lines.iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect()
    }

    fn state(&mut self, id: &str) -> String {
        self.entry(id)["state"].as_str().unwrap().to_owned()
    }
}

/// The bump allocator of guests of the buffer ABI.
const HEAP: &str = r#"(global $heap (mut i32) (i32.const 65536))
            (func (export "allocate") (param $n i32) (result i32)
                (global.get $heap)
                (global.set $heap (i32.add (global.get $heap) (local.get $n))))
            (func (export "deallocate") (param $p i32) (param $n i32)
                (global.set $heap (i32.sub (global.get $heap) (local.get $n))))"#;

/// A guest of the buffer ABI with `$debug`, `$emit` and a bump allocator.
fn guest(body: &str) -> Vec<u8> {
    guest_with("", body)
}

/// The same with more imports.
fn guest_with(imports: &str, body: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module
            {imports}
            (import "env" "sk_debug" (func $debug (param i32 i32)))
            (import "env" "sk_handle_message" (func $emit (param i32 i32)))
            (memory (export "memory") 4)
            {HEAP}
            ;; 51 bytes; the digit of the value is at 145
            (data (i32.const 100) "{{\"updates\":[{{\"values\":[{{\"path\":\"a.b\",\"value\":0}}]}}]}}")
            {body})"#
    ))
    .unwrap()
}

const START: &str = r#"(func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))"#;

/// Sends `a.b` = number of polls modulo 10, each second.
fn counter() -> Vec<u8> {
    guest(&format!(
        r#"{START} (func (export "poll") (result i32)
            (i32.store8 (i32.const 145) (i32.add (i32.const 48)
                (i32.rem_u (i32.add (i32.const 1) (i32.sub (i32.load8_u (i32.const 145)) (i32.const 48))) (i32.const 10))))
            (call $emit (i32.const 100) (i32.const 51))
            (i32.const 0))"#
    ))
}

/// A guest that `cargo xtask guests` built. Not as wasm: there a test sees only its own folder.
#[cfg(not(target_family = "wasm"))]
fn built(name: &str) -> Vec<u8> {
    let path = format!("{}/../target/guests/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}; run `cargo xtask guests`"))
}
