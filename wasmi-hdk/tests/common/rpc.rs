//! A plugin and its owner in a world whose clock jumps: nothing sleeps, nothing races.

// Each test file uses some of it.
#![allow(dead_code, unreachable_pub, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmi_hdk::{
    CallId, Engine, ErrorObject, Exit, Input, InstanceConfig, Limits, LoadError, LogLine, Module,
    Output, PerCall, Platform, Plugin, RawValue, RequestId, RpcError, RpcResult,
};

/// A clock that stands until it is set.
#[derive(Default)]
pub struct Clock(AtomicU64);

impl Platform for Clock {
    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
    fn wall_clock(&self) -> Duration {
        Duration::from_secs(1_800_000_000) + self.monotonic()
    }
    fn fill_random(&self, buf: &mut [u8]) {
        buf.fill(7);
    }
}

impl Clock {
    fn set(&self, now: Duration) {
        self.0.store(u64::try_from(now.as_nanos()).expect("not that long"), Ordering::Relaxed);
    }
}

/// A module of `target/guests`.
pub fn guest(name: &str) -> Module {
    load(name).expect("the guest loads")
}

/// A module of `target/guests`, which may be refused.
pub fn load(name: &str) -> Result<Module, LoadError> {
    let path = format!("{}/../target/guests/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{path}: {error}: run `cargo xtask guests`"));
    Module::load(&Engine::new(), name, &bytes, &Limits::default())
}

/// Limits that end a hostile guest soon, also in a debug build.
pub fn strict() -> Limits {
    Limits {
        fuel_per_second: None,
        call_fuel: Some(20_000_000),
        memory_bytes: 16 << 20,
        ..Limits::default()
    }
}

pub enum Either {
    Stateful(Box<Plugin>),
    PerCall(Box<PerCall>),
}

/// One plugin and what it said.
pub struct Conversation {
    pub plugin: Either,
    pub clock: Arc<Clock>,
    pub log: Vec<LogLine>,
    pub faults: Vec<RpcError>,
    pub notifications: Vec<String>,
    pub stopped: Option<Exit>,
    pub answers: BTreeMap<u64, Result<String, ErrorObject>>,
    /// Requests that nobody answers: their ids are kept here.
    pub hold: bool,
    pub held: Vec<RequestId>,
    pub runs: u64,
    next: u64,
}

impl Conversation {
    pub fn with(module: &Module, limits: Limits) -> Self {
        let clock = Arc::new(Clock::default());
        let config = InstanceConfig { limits, ..InstanceConfig::new(clock.clone()) };
        let plugin = Plugin::new(module.name(), module, config).expect("the plugin starts");
        Self::of(Either::Stateful(Box::new(plugin)), clock)
    }

    pub fn new(name: &str) -> Self {
        Self::with(&guest(name), strict())
    }

    pub fn per_call(name: &str, at_once: usize) -> Self {
        let clock = Arc::new(Clock::default());
        let platform = clock.clone();
        let plugin = PerCall::new(name, &guest(name), at_once, move || InstanceConfig {
            limits: strict(),
            ..InstanceConfig::new(platform.clone())
        });
        Self::of(Either::PerCall(Box::new(plugin)), clock)
    }

    fn of(plugin: Either, clock: Arc<Clock>) -> Self {
        Self {
            plugin,
            clock,
            log: Vec::new(),
            faults: Vec::new(),
            notifications: Vec::new(),
            stopped: None,
            answers: BTreeMap::new(),
            hold: false,
            held: Vec::new(),
            runs: 0,
            next: 0,
        }
    }

    pub fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    pub fn input(&mut self, input: Input) {
        let now = self.now();
        match &mut self.plugin {
            Either::Stateful(plugin) => plugin.handle_input(now, input),
            Either::PerCall(plugin) => plugin.handle_input(now, input),
        }
    }

    fn output(&mut self) -> Output {
        let now = self.now();
        match &mut self.plugin {
            Either::Stateful(plugin) => plugin.poll_output(now),
            Either::PerCall(plugin) => plugin.poll_output(now),
        }
    }

    /// Begins a call; the number names it.
    pub fn begin(&mut self, method: &str, params: &str) -> u64 {
        self.begin_within(method, params, None)
    }

    pub fn begin_within(&mut self, method: &str, params: &str, time: Option<Duration>) -> u64 {
        self.next += 1;
        let params = (!params.is_empty())
            .then(|| RawValue::from_string(params.to_owned()).expect("the parameters are JSON"));
        let deadline = time.map(|time| self.now() + time);
        let id = CallId(self.next);
        self.input(Input::Call { id, method: method.to_owned(), params, deadline });
        self.next
    }

    /// Follows the loop rule until the plugin waits; says until when.
    pub fn settle(&mut self) -> Option<Duration> {
        loop {
            match self.output() {
                Output::Run(run) => {
                    self.runs += 1;
                    let ran = run.execute();
                    self.input(Input::Ran(ran));
                }
                Output::Request { id, .. } if self.hold => self.held.push(id),
                Output::Request { id, method, params } => {
                    let result: RpcResult = match method.as_str() {
                        "echo" => Ok(params.unwrap_or_default()),
                        _ => Err(wasmi_hdk::ErrorCode::MethodNotFound.object()),
                    };
                    self.input(Input::Respond { id, result });
                }
                Output::Cancelled { id } => self.held.retain(|held| *held != id),
                Output::Notification { method, .. } => self.notifications.push(method),
                Output::HostCall(_) => panic!("nobody suspends here"),
                Output::Answer { id: CallId(id), result } => {
                    let result = result.map(|value| value.get().to_owned());
                    assert!(self.answers.insert(id, result).is_none(), "answered twice");
                }
                Output::Log(line) => self.log.push(line),
                Output::Fault(error) => self.faults.push(error),
                Output::Stopped(exit) => {
                    assert!(self.stopped.is_none(), "stopped twice");
                    self.stopped = Some(exit);
                }
                Output::Wait { until } => return until,
            }
        }
    }

    /// Lets time jump from event to event until `id` is answered or nothing is left to happen.
    pub fn finish(&mut self, id: u64) -> Result<String, ErrorObject> {
        loop {
            let until = self.settle();
            if let Some(answer) = self.answers.remove(&id) {
                return answer;
            }
            match until {
                Some(until) => {
                    self.clock.set(until.max(self.now()));
                    self.input(Input::Tick);
                }
                None => panic!("never answered; faults {:?}, {:?}", self.faults, self.stopped),
            }
        }
    }

    pub fn call(&mut self, method: &str, params: &str) -> Result<String, ErrorObject> {
        let id = self.begin(method, params);
        self.finish(id)
    }

    pub fn advance(&mut self, time: Duration) {
        self.clock.set(self.now() + time);
        self.input(Input::Tick);
    }

    /// The text of the fault that ended the plugin.
    pub fn crash(&self) -> String {
        match &self.stopped {
            Some(Exit::Crashed(fault)) => fault.to_string(),
            other => panic!("{other:?}"),
        }
    }
}
