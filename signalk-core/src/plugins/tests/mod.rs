//! The whole core with plugins, in virtual time: lives, crashes, neighbours, options.

mod binary;
mod bodies;
mod diagnostics;
mod handlers;
mod options;
// A real guest: as wasm a test sees only its own folder.
#[cfg(not(target_family = "wasm"))]
mod json_rpc;
mod lifecycle;
mod radar;
mod reload;
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
    late: Vec<Report>,
    answer: Option<(u16, String)>,
    /// `target: text` of warnings and errors.
    log: Vec<String>,
    /// All answers, in order.
    responses: Vec<(HttpId, crate::HttpResponse)>,
    /// Frames of binary streams, and whom they went to.
    binary: Vec<(StreamId, bytes::Bytes)>,
    /// Clients of binary streams, and the limit of each.
    accepted: Vec<(StreamId, usize)>,
    /// Streams that the server closed.
    closed: Vec<(StreamId, u16, String)>,
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
            late: Vec::new(),
            answer: None,
            log: Vec::new(),
            responses: Vec::new(),
            binary: Vec::new(),
            accepted: Vec::new(),
            closed: Vec::new(),
            wake: None,
            stopped: false,
        };
        sim.input(Input::StreamOpened {
            id: StreamId(1),
            target: "/signalk/v1/stream?subscribe=none".to_owned(),
            headers: Vec::new(),
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
                    Input::Ran { plugin, ran: run.execute() }
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
                Some(Report::Package { plugin, result })
            }
            Effect::SaveFile { ticket, name, bytes } => {
                self.files.insert(name, String::from_utf8_lossy(&bytes).into_owned());
                Some(Report::Saved { ticket, result: Ok(()) })
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
            Effect::StreamAccept { id, limit } => {
                self.accepted.push((id, limit));
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
            (global $heap (mut i32) (i32.const 65536))
            ;; 51 bytes; the digit of the value is at 145
            (data (i32.const 100) "{{\"updates\":[{{\"values\":[{{\"path\":\"a.b\",\"value\":0}}]}}]}}")
            (func (export "allocate") (param $n i32) (result i32)
                (global.get $heap)
                (global.set $heap (i32.add (global.get $heap) (local.get $n))))
            (func (export "deallocate") (param $p i32) (param $n i32)
                (global.set $heap (i32.sub (global.get $heap) (local.get $n))))
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

#[test]
fn a_plugin_is_found_started_listed_and_sends() {
    let mut sim = Sim::new();
    sim.install("@signalk/counter", counter());
    sim.boot();
    assert_eq!(sim.state("_signalk_counter"), "running");
    sim.advance_to(3.5);
    let leaf = sim.get("/signalk/v1/api/vessels/self/a/b");
    assert_eq!((&leaf["value"], &leaf["$source"]), (&json!(3), &json!("_signalk_counter")));
    assert_eq!(
        sim.entry("_signalk_counter"),
        json!({
            "id": "_signalk_counter", "name": "@signalk/counter", "packageName": "@signalk/counter",
            "keywords": ["signalk-wasm-plugin"], "version": "1.0.0", "description": "A test",
            "schema": {}, "statusMessage": "Started", "state": "running", "data": {},
            "type": "wasm", "bundled": false,
        })
    );
    assert_eq!(
        sim.get("/plugins/_signalk_counter"),
        json!({ "enabled": true, "enabledByDefault": true, "id": "_signalk_counter",
                "name": "@signalk/counter", "version": "1.0.0" })
    );
    sim.input(Input::Shutdown);
    assert!(sim.stopped);
}

/// Story T1: restarts after 1, 2, 4 s, then given up, one notification, the neighbour unharmed.
#[test]
fn a_plugin_that_keeps_crashing_is_given_up_and_its_neighbour_is_not_disturbed() {
    let mut sim = Sim::new();
    let trap = format!(r#"{START} (func (export "poll") (result i32) unreachable)"#);
    sim.install("trap", guest(&trap));
    sim.install("counter", counter());
    sim.boot();
    // Polls a second after each start, traps, and rests 1, 2, 4 s.
    for (time, state) in [
        (0.9, "running"),
        (1.1, "crashed"),
        (1.9, "crashed"),
        (2.1, "running"),
        (3.1, "crashed"),
        (4.9, "crashed"),
        (5.1, "running"),
        (6.1, "crashed"),
        (9.9, "crashed"),
        (10.1, "running"),
        (11.1, "error"),
        (300.0, "error"),
    ] {
        sim.advance_to(time);
        assert_eq!(sim.state("trap"), state, "at {time} s");
        assert_eq!(sim.state("counter"), "running");
    }
    assert_eq!(sim.value("a.b"), json!(0), "300 polls");
    let entry = sim.entry("trap");
    assert_eq!(entry["statusMessage"], "Plugin repeatedly crashing, automatic restart disabled");
    let alarm = sim.value("notifications.plugins.trap");
    assert_eq!(alarm["state"], "alert");
    let message = alarm["message"].as_str().unwrap();
    assert!(
        message.starts_with(
            "Plugin repeatedly crashing, automatic restart disabled: trap: call `poll` trapped"
        ),
        "{message}"
    );
    let given_up = sim.log.iter().filter(|line| line.contains("automatic restart disabled"));
    assert_eq!(given_up.count(), 1);

    // The owner toggles it: forgiven, and tried again.
    sim.post("trap", json!({ "enabled": true, "configuration": {} }));
    assert_eq!(sim.state("trap"), "running");
    assert_eq!(sim.value("notifications.plugins.trap")["state"], "normal");
}

#[test]
fn an_endless_loop_is_stopped_by_its_deadline_and_charged_to_the_looper() {
    let mut sim = Sim::new();
    let spin =
        format!(r#"{START} (func (export "poll") (result i32) (loop (br 0)) (i32.const 0))"#);
    sim.install("loop", guest(&spin));
    sim.install("counter", counter());
    sim.boot();
    // Each look at the clock takes 10 ms: a slice of the loop is worth two looks.
    sim.clock.tick.store(10_000, Ordering::Relaxed);
    sim.advance_to(1.0);
    sim.clock.tick.store(0, Ordering::Relaxed);
    assert_eq!(sim.state("counter"), "running");
    let log = sim.log.join("\n");
    assert!(log.contains("loop: loop: call `poll` took 5"), "{log}");
}

#[test]
fn the_limits_of_an_options_file_hold_for_that_plugin_only() {
    // Starts with 4 pages; 16 more are 1.25 MiB.
    let grows = format!(
        r#"{START} (func (export "poll") (result i32)
            (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
            (i32.const 0))"#
    );
    let spin =
        format!(r#"{START} (func (export "poll") (result i32) (loop (br 0)) (i32.const 0))"#);
    let mut sim = Sim::with_options(&[
        ("small", r#"{"enabled":true,"limits":{"memoryMiB":1}}"#),
        ("short", r#"{"enabled":true,"limits":{"callSeconds":2}}"#),
    ]);
    sim.install("small", guest(&grows));
    sim.install("free", guest(&grows));
    sim.install("short", guest(&spin));
    sim.boot();
    sim.clock.tick.store(10_000, Ordering::Relaxed);
    sim.advance_to(1.0);
    sim.clock.tick.store(0, Ordering::Relaxed);
    let log = sim.log.join("\n");
    assert!(
        log.contains("asked for 1310720 bytes of memory, the limit `memory_bytes` is 1048576"),
        "{log}"
    );
    assert!(log.contains("short: short: call `poll` took 2"), "{log}");
    assert_eq!(sim.state("free"), "running");
}

#[test]
fn a_bad_limit_is_said_and_the_plugin_runs_with_the_default() {
    let mut sim = Sim::with_options(&[(
        "counter",
        r#"{"enabled":true,"limits":{"memoryMiB":"1 GB","deltasPerSecond":0}}"#,
    )]);
    sim.install("counter", counter());
    sim.boot();
    sim.advance_to(1.5);
    assert_eq!(sim.state("counter"), "running");
    let log = sim.log.join("\n");
    assert!(log.contains("limits.memoryMiB is \"1 GB\"; the default holds"), "{log}");
    assert!(log.contains("limits.deltasPerSecond is 0"), "{log}");
    assert_eq!(sim.get("/signalk/v1/api/vessels/self/a/b")["value"], json!(1));
    // What the admin UI sends does not touch them; they are shown with the rest.
    sim.post("counter", json!({ "enabled": true, "enableDebug": false, "configuration": {} }));
    let kept = &sim.get("/plugins/counter/config")["limits"];
    assert_eq!(*kept, json!({ "memoryMiB": "1 GB", "deltasPerSecond": 0 }));
}

#[test]
fn options_are_saved_and_the_plugin_starts_anew_with_them() {
    let start = r#"(func (export "plugin_start") (param i32 i32) (result i32)
        (call $debug (local.get 0) (local.get 1)) (i32.const 0))"#;
    let mut sim =
        Sim::with_options(&[("p", r#"{"enabled":false,"mine":1,"configuration":{"z":1,"a":2}}"#)]);
    sim.install_with("p", guest(start), json!({}));
    sim.boot();
    assert_eq!(sim.state("p"), "stopped");
    let written = sim.files.keys().any(|name| name.starts_with("plugin-config-data"));
    assert!(!written, "no file is written by mere discovery");
    assert_eq!(
        sim.get("/skServer/plugins/p/config"),
        json!({ "enabled": false, "enableDebug": false, "mine": 1, "configuration": { "z": 1, "a": 2 } })
    );
    let (status, body) = sim
        .post("p", json!({ "enabled": true, "enableDebug": true, "configuration": { "b": 1000 } }));
    assert_eq!((status, body.as_str()), (200, "\"Saved configuration for plugin p\""));
    assert_eq!(sim.state("p"), "running");
    let saved: Value = serde_json::from_str(&sim.files["plugin-config-data/p.json"]).unwrap();
    assert_eq!(
        saved.to_string(),
        r#"{"enabled":true,"mine":1,"configuration":{"b":1000},"enableDebug":true}"#
    );
    let lines: Vec<_> = sim.lines("p");
    assert_eq!(lines.last().unwrap(), r#"{"b":1000,"enableDebug":true}"#);
    sim.post("p", json!({ "enabled": false, "configuration": { "b": 1000 } }));
    assert_eq!(
        (sim.state("p").as_str(), &sim.entry("p")["statusMessage"]),
        ("stopped", &json!("Stopped"))
    );
    assert_eq!(sim.post("q", json!({})).0, 404);
}

#[test]
fn what_is_broken_is_named_and_the_rest_goes_on() {
    let mut sim = Sim::with_options(&[("badoptions", "{ enabled")]);
    sim.install("counter", counter());
    sim.install("missing", Vec::new());
    sim.install("component", b"\0asm\x0d\0\x01\0".to_vec());
    sim.install("badoptions", counter());
    sim.install_with("@a/b", counter(), json!({}));
    sim.install_with("_a_b", counter(), json!({}));
    sim.install_with("typo", counter(), json!({ "wasmCapabilities": { "rawSokets": true } }));
    let dir = "node_modules/broken".to_owned();
    sim.found.push(FoundPackage { dir, package_json: "{".to_owned() });
    sim.boot();
    sim.advance_to(2.5);
    assert_eq!(sim.value("a.b"), json!(2));
    for (id, state, status) in [
        ("counter", "running", "Started"),
        ("missing", "error", "node_modules/missing/plugin.wasm: no such file; check wasmManifest"),
        ("component", "error", "component: this is a WebAssembly component"),
        (
            "badoptions",
            "stopped",
            "plugin `badoptions`: plugin-config-data/badoptions.json is not JSON",
        ),
    ] {
        let entry = sim.entry(id);
        assert_eq!(entry["state"], state, "{id}");
        let got = entry["statusMessage"].as_str().unwrap();
        assert!(got.starts_with(status), "{id}: {got}");
    }
    let log = sim.log.join("\n");
    for text in [
        "node_modules/_a_b: its plugin id `_a_b` is that of node_modules/@a/b, which was found first",
        "node_modules/broken: package.json is not a JSON object",
        "typo: node_modules/typo/package.json: wasmCapabilities.rawSokets is not a capability",
    ] {
        assert!(log.contains(text), "{text}\n{log}");
    }
}

#[test]
fn deltas_of_a_restart_are_replayed_in_order_before_live_ones() {
    // Logs the last 20 bytes of each delta; a delta with a long path is its end.
    let body = format!(
        r#"{START} (func (export "delta_handler") (param $p i32) (param $n i32)
            (if (i32.gt_u (local.get $n) (i32.const 400)) (then unreachable))
            (call $debug (i32.add (local.get $p) (i32.sub (local.get $n) (i32.const 12))) (i32.const 7)))"#
    );
    let mut sim = Sim::new();
    sim.install("p", guest(&body));
    sim.boot();
    sim.delta("x.y", 1.25);
    sim.delta(&format!("x.{}", "long".repeat(100)), 0);
    // A flow is handed over on a beat.
    sim.advance_to(0.01);
    assert_eq!(sim.state("p"), "crashed");
    sim.delta("x.y", 2.25);
    sim.delta("x.y", 3.25);
    sim.advance_to(1.5);
    assert_eq!(sim.state("p"), "running");
    sim.delta("x.y", 4.25);
    let lines: String = sim.lines("p").join(" ");
    let order: Vec<_> = ["1.25", "2.25", "3.25", "4.25"].map(|n| lines.find(n)).into();
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{lines}");
}

#[test]
fn a_plugin_that_answers_itself_is_paused_and_told() {
    let body = format!(
        r#"{START} (func (export "delta_handler") (param i32 i32)
            (call $emit (i32.const 100) (i32.const 51))
            (call $emit (i32.const 100) (i32.const 51)))"#
    );
    let mut sim = Sim::new();
    sim.install("echo", guest(&body));
    sim.boot();
    sim.delta("x.y", 1);
    // Twice as many on each beat.
    sim.advance_to(0.1);
    assert_eq!(sim.state("echo"), "running");
    let status = sim.entry("echo")["statusMessage"].as_str().unwrap().to_owned();
    assert!(status.contains("a feedback loop"), "{status}");
}

/// Sends 5000 deltas while it starts.
#[cfg(not(target_family = "wasm"))]
const FLOOD: &str = r#"(func (export "plugin_start") (param i32 i32) (result i32) (local $n i32)
    (loop
        (call $emit (i32.const 100) (i32.const 51))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if 0 (i32.lt_u (local.get $n) (i32.const 5000))))
    (i32.const 0))"#;

/// Story T1 with the real guests: the alarm fires while the neighbours misbehave.
#[cfg(not(target_family = "wasm"))]
#[test]
fn the_anchor_alarm_fires_among_hostile_neighbours() {
    let mut sim = Sim::with_options(&[(
        "anchor",
        r#"{"enabled":true,"configuration":{"radius":40,"position":{"latitude":60,"longitude":20}}}"#,
    )]);
    sim.install("anchor", built("anchor_watch"));
    sim.install("crash", built("signalk_crash_on_delta"));
    sim.install("flood", guest(FLOOD));
    sim.install("logger", built("signalk_speed_logger"));
    sim.install("refuses", built("signalk_fails_to_start"));
    sim.boot();
    assert_eq!(sim.state("anchor"), "running");
    assert_eq!(sim.state("refuses"), "error");
    let status = sim.get("/signalk-host/status");
    let flood = &status["plugins"]["flood"];
    assert_eq!((&flood["deltasOut"], &flood["deltasOutDropped"]), (&json!(2000), &json!(3000)));
    for step in 0..20 {
        sim.advance_to(f64::from(step) / 10.0);
        sim.delta("navigation.position", json!({ "latitude": 60.0, "longitude": 20.0 }));
        sim.delta("navigation.speedOverGround", f64::from(step));
    }
    assert_eq!(sim.value("notifications.navigation.anchor")["state"], "normal");
    assert_ne!(sim.state("crash"), "running");
    sim.delta("navigation.position", json!({ "latitude": 60.01, "longitude": 20.0 }));
    sim.advance_to(2.0);
    let alarm = sim.value("notifications.navigation.anchor");
    assert!(matches!(alarm["state"].as_str(), Some("alarm" | "emergency")), "{alarm}");
    assert_eq!(sim.value("test.speed"), json!({ "speed": 19, "count": 20 }));
}
