//! A new instance for every call, as the Wasmi Plugin Framework does it: the plugin remembers
//! nothing between calls, and calls cannot disturb each other.
//!
//! The same inputs and outputs as a [`Plugin`]. All instances share one module. Requests of
//! the instances are renamed, because each instance counts from one.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use wasmi_rpc::{ErrorCode, Params, RequestId};

use crate::instance::{InstanceConfig, Stats};
use crate::module::Module;
use crate::plugin::{CallId, Exit, Input, Output, Plugin, late};

type Configure = Box<dyn FnMut() -> InstanceConfig + Send>;

/// A plugin without a memory of its own.
pub struct PerCall {
    name: String,
    module: Module,
    configure: Configure,
    at_once: usize,
    live: BTreeMap<CallId, Plugin>,
    waiting: VecDeque<(CallId, String, Params, Option<Duration>)>,
    requests: BTreeMap<u64, (CallId, RequestId)>,
    names: BTreeMap<(CallId, RequestId), u64>,
    next_request: u64,
    events: VecDeque<Output>,
    stats: Stats,
    stopped: Option<bool>,
}

impl PerCall {
    /// `configure` makes the configuration of each instance. No more than `at_once` instances
    /// live at a time; further calls wait.
    pub fn new(
        name: &str,
        module: &Module,
        at_once: usize,
        configure: impl FnMut() -> InstanceConfig + Send + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            module: module.clone(),
            configure: Box::new(configure),
            at_once: at_once.max(1),
            live: BTreeMap::new(),
            waiting: VecDeque::new(),
            requests: BTreeMap::new(),
            names: BTreeMap::new(),
            next_request: 0,
            events: VecDeque::new(),
            stats: Stats::default(),
            stopped: None,
        }
    }

    /// What all instances together have used; memory is that of the living ones.
    pub fn stats(&self) -> Stats {
        let mut stats = self.stats;
        for living in self.live.values().map(Plugin::stats) {
            add(&mut stats, &living);
            stats.memory_bytes = stats.memory_bytes.saturating_add(living.memory_bytes);
        }
        stats
    }

    /// Takes one input. [`Input::Resume`] and [`Input::Notify`] have no meaning here: no
    /// instance outlives its call.
    pub fn handle_input(&mut self, now: Duration, input: Input) {
        match input {
            Input::Call { id, method, params, deadline } => {
                if self.stopped.is_some() {
                    let result = Err(Exit::Clean.error(&self.name));
                    self.events.push_back(Output::Answer { id, result });
                } else {
                    self.waiting.push_back((id, method, params, deadline));
                }
            }
            Input::Cancel(id) => {
                if let Some(at) = self.waiting.iter().position(|(call, ..)| *call == id) {
                    self.waiting.remove(at);
                    let result = Err(ErrorCode::Cancelled.object());
                    self.events.push_back(Output::Answer { id, result });
                } else if let Some(plugin) = self.live.get_mut(&id) {
                    plugin.handle_input(now, Input::Cancel(id));
                }
            }
            Input::Respond { id, result } => {
                let RequestId::Number(number) = id else { return };
                let Some((call, inner)) = self.requests.remove(&number) else { return };
                self.names.remove(&(call, inner.clone()));
                if let Some(plugin) = self.live.get_mut(&call) {
                    plugin.handle_input(now, Input::Respond { id: inner, result });
                }
            }
            Input::Ran(ran) => {
                let tag = CallId(ran.tag);
                if let Some(plugin) = self.live.get_mut(&tag) {
                    plugin.handle_input(now, Input::Ran(ran));
                }
            }
            Input::Stop => {
                self.stopped.get_or_insert(false);
                for (id, ..) in self.waiting.drain(..) {
                    let result = Err(Exit::Clean.error(&self.name));
                    self.events.push_back(Output::Answer { id, result });
                }
                for plugin in self.live.values_mut() {
                    plugin.handle_input(now, Input::Stop);
                }
            }
            Input::Notify { .. } | Input::Resume(_) | Input::Tick => {}
        }
    }

    /// What is to be done now.
    pub fn poll_output(&mut self, now: Duration) -> Output {
        loop {
            self.expire_waiting(now);
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            self.start_waiting(now);
            let mut until = self.waiting.iter().filter_map(|(.., deadline)| *deadline).min();
            let ids: Vec<_> = self.live.keys().copied().collect();
            for id in ids {
                let Some(plugin) = self.live.get_mut(&id) else { continue };
                match plugin.poll_output(now) {
                    Output::Wait { until: at } => {
                        until = [until, at].into_iter().flatten().min();
                    }
                    output => {
                        if let Some(output) = self.pass_on(now, id, output) {
                            return output;
                        }
                        until = Some(now);
                    }
                }
            }
            if until.is_some_and(|until| until <= now) || !self.events.is_empty() {
                continue;
            }
            if self.stopped == Some(false) && self.live.is_empty() {
                self.stopped = Some(true);
                return Output::Stopped(Exit::Clean);
            }
            return Output::Wait { until };
        }
    }

    /// A call whose time is over before an instance was free is over.
    fn expire_waiting(&mut self, now: Duration) {
        let due = |deadline: &Option<Duration>| deadline.is_some_and(|deadline| deadline <= now);
        while let Some(at) = self.waiting.iter().position(|(.., deadline)| due(deadline)) {
            if let Some((id, ..)) = self.waiting.remove(at) {
                let result = Err(late(&self.name));
                self.events.push_back(Output::Answer { id, result });
            }
        }
    }

    fn start_waiting(&mut self, now: Duration) {
        while self.live.len() < self.at_once {
            let Some((id, method, params, deadline)) = self.waiting.pop_front() else { return };
            match Plugin::new(&self.name, &self.module, (self.configure)()) {
                Ok(mut plugin) => {
                    plugin.tag(id.0);
                    plugin.handle_input(now, Input::Call { id, method, params, deadline });
                    self.live.insert(id, plugin);
                }
                Err(error) => {
                    let result = Err(ErrorCode::NotRunning.with(error.to_string()));
                    self.events.push_back(Output::Answer { id, result });
                }
            }
        }
    }

    fn pass_on(&mut self, now: Duration, call: CallId, output: Output) -> Option<Output> {
        match output {
            Output::Request { id, method, params } => {
                self.next_request = self.next_request.wrapping_add(1);
                let name = self.next_request;
                self.requests.insert(name, (call, id.clone()));
                self.names.insert((call, id), name);
                Some(Output::Request { id: RequestId::Number(name), method, params })
            }
            Output::Cancelled { id } => {
                let name = *self.names.get(&(call, id))?;
                Some(Output::Cancelled { id: RequestId::Number(name) })
            }
            Output::Answer { id, result } => {
                self.forget(now, call);
                Some(Output::Answer { id, result })
            }
            Output::Stopped(_) => {
                self.forget(now, call);
                None
            }
            Output::HostCall(_) => {
                let result = Err(ErrorCode::InternalError
                    .with(format!("{}: an instance per call cannot suspend", self.name)));
                self.forget(now, call);
                Some(Output::Answer { id: call, result })
            }
            other => Some(other),
        }
    }

    /// The call is over and its instance with it; what it still wrote to its log is handed on.
    fn forget(&mut self, now: Duration, call: CallId) {
        let Some(mut plugin) = self.live.remove(&call) else { return };
        while let event @ (Output::Log(_) | Output::Notification { .. } | Output::Fault(_)) =
            plugin.poll_output(now)
        {
            self.events.push_back(event);
        }
        add(&mut self.stats, &plugin.stats());
        self.requests.retain(|_, (of, _)| *of != call);
        self.names.retain(|(of, _), _| *of != call);
    }
}

/// Adds what is used once and never given back.
fn add(sum: &mut Stats, stats: &Stats) {
    sum.fuel_used = sum.fuel_used.saturating_add(stats.fuel_used);
    sum.host_calls = sum.host_calls.saturating_add(stats.host_calls);
    sum.slices = sum.slices.saturating_add(stats.slices);
    sum.throttled = sum.throttled.saturating_add(stats.throttled);
    sum.log_lines_dropped = sum.log_lines_dropped.saturating_add(stats.log_lines_dropped);
}

impl fmt::Debug for PerCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerCall")
            .field("name", &self.name)
            .field("live", &self.live.len())
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}
