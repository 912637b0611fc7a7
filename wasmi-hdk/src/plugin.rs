//! A plugin that speaks JSON-RPC over its standard streams, as a state machine without I/O.
//!
//! [`Plugin`] = [`Instance`] + [`wasmi_rpc::Peer`]. It never executes the guest itself: it hands
//! out a [`Run`](crate::Run). It does not restart a guest that crashed: `supervisor.rs` says when, and the
//! owner makes a new `Plugin`.
//!
//! The guest is a *command*, whose `_start` reads requests until its standard input ends, or a
//! *reactor*, whose `rpc_poll: () -> i64` is called when input or its timer is due; it answers
//! the nanoseconds until it wants to be polled again, or -1 for "when input comes". Inside
//! `rpc_poll`, reading an empty standard input gives EAGAIN instead of waiting.
//!
//! | File | Question it answers |
//! |---|---|
//! | `input.rs`, `output.rs` | what may happen to a plugin, what is to be done for it |
//! | `drive.rs` | does the guest run now |
//! | `exit.rs` | how did it end, and what are its callers told |

mod drive;
mod exit;
mod input;
mod output;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use wasmi_rpc::{CallError as RpcCallError, ErrorCode, ErrorObject, Peer, PeerConfig, RequestId};

use self::drive::Phase;
pub use self::exit::Exit;
use self::exit::refused;
pub use self::input::{CallId, Input};
pub use self::output::{HostCall, Output};
use crate::error::LoadError;
use crate::instance::{Instance, InstanceConfig, Stats};
use crate::log::{Level, LogLine};
use crate::module::{Module, RPC_POLL, START};
use crate::val::{FuncType, ValType};

/// A plugin that speaks JSON-RPC.
#[derive(Debug)]
pub struct Plugin {
    name: String,
    reactor: bool,
    peer: Peer,
    /// `None` while a [`Run`] is out, and after the end.
    instance: Option<Box<Instance>>,
    phase: Phase,
    /// Bytes went to standard input since the last `rpc_poll` began; for a reactor between two polls.
    unpolled: bool,
    calls: BTreeMap<RequestId, CallId>,
    events: VecDeque<Output>,
    stop_at: Option<Duration>,
    stop_grace: Duration,
    stdin_closed: bool,
    exit: Option<Exit>,
    told: bool,
    stats: Stats,
    tag: u64,
}

impl Plugin {
    /// Starts a plugin. `name` stands in its errors.
    ///
    /// # Errors
    ///
    /// When the guest cannot be started, or is no JSON-RPC plugin.
    pub fn new(name: &str, module: &Module, config: InstanceConfig) -> Result<Self, LoadError> {
        let poll_type = FuncType { params: [].into(), results: [ValType::I64].into() };
        let reactor = module.export_type(RPC_POLL) == Some(&poll_type);
        if !reactor && !module.has_export(START) {
            return Err(LoadError::NoRpcEntry { plugin: name.to_owned() });
        }
        let mut peer = PeerConfig::default();
        peer.max_message = config.limits.message_bytes;
        let stop_grace = config.limits.stop_grace;
        let instance = Instance::new(module, config)?;
        Ok(Self {
            name: name.to_owned(),
            reactor,
            peer: Peer::new(peer),
            stats: instance.stats(),
            instance: Some(Box::new(instance)),
            phase: Phase::New,
            unpolled: false,
            calls: BTreeMap::new(),
            events: VecDeque::new(),
            stop_at: None,
            stop_grace,
            stdin_closed: false,
            exit: None,
            told: false,
            tag: 0,
        })
    }

    /// The name given at start.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A number that each [`Run`] of this plugin carries.
    pub(crate) fn tag(&mut self, tag: u64) {
        self.tag = tag;
    }

    /// What the guest has used so far; while a [`Run`](crate::Run) is out, as it was before.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Messages and faults on the wire so far.
    pub fn counters(&self) -> wasmi_rpc::Counters {
        self.peer.counters()
    }

    /// True when the guest has ended; every call is answered with an error.
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Whether input lies unread while the guest is not waiting for any: it was stopped in its work, to
    /// pay for its fuel or to sleep. More is better kept outside, where it can be bounded.
    pub fn is_behind(&self) -> bool {
        let listens = matches!(self.phase, Phase::Idle { .. } | Phase::Resting { stdin: true, .. });
        !listens && self.instance.as_ref().is_some_and(|instance| instance.stdin_len() > 0)
    }

    /// Charges the guest for work that a call of it caused on the host's side; it pays when it runs
    /// next. Nothing happens while a [`Run`](crate::Run) is out: a guest's calls come when it is back.
    pub fn charge(&mut self, fuel: u64) {
        if let Some(instance) = &mut self.instance {
            instance.charge(fuel);
        }
    }

    /// Takes one input.
    pub fn handle_input(&mut self, now: Duration, input: Input) {
        match input {
            Input::Call { id, method, params, deadline } => {
                if let Some(exit) = &self.exit {
                    let error = exit.error(&self.name);
                    self.events.push_back(Output::Answer { id, result: Err(error) });
                    return;
                }
                match self.peer.call(now, &method, params, deadline) {
                    Ok(request) => {
                        self.calls.insert(request, id);
                    }
                    Err(error) => {
                        let error = refused(&self.name, &error);
                        self.events.push_back(Output::Answer { id, result: Err(error) });
                    }
                }
            }
            Input::Cancel(id) => {
                let found = self.calls.iter().find(|(_, call)| **call == id);
                if let Some(request) = found.map(|(request, _)| request.clone()) {
                    self.peer.cancel(&request);
                }
            }
            Input::Notify { method, params } => {
                if let Err(error) = self.peer.notify(&method, params) {
                    self.events.push_back(Output::Fault(error));
                }
            }
            Input::Respond { id, result } => {
                if let Err(error) = self.peer.respond(id, result) {
                    self.events.push_back(Output::Fault(error));
                }
            }
            Input::Ran(ran) => self.ran(now, ran),
            Input::Resume(values) => {
                if let Some(instance) = &mut self.instance {
                    match instance.resume(&values) {
                        Ok(()) => self.phase = Phase::Ready,
                        Err(error) => self.log(Level::Error, error.to_string()),
                    }
                }
            }
            Input::Stop => {
                self.stop_at.get_or_insert(now.saturating_add(self.stop_grace));
            }
            Input::Tick => {}
        }
    }

    fn log(&mut self, level: Level, text: String) {
        self.events.push_back(Output::Log(LogLine { level, text }));
    }

    fn end(&mut self, now: Duration, mut instance: Box<Instance>, exit: Exit) {
        instance.end();
        for line in instance.take_log() {
            self.events.push_back(Output::Log(line));
        }
        self.phase = Phase::Ended;
        self.exit = Some(exit);
        self.peer.handle_eof(now);
    }

    /// What is to be done now. Never blocks, never runs the guest.
    pub fn poll_output(&mut self, now: Duration) -> Output {
        if self.peer.poll_timeout().is_some_and(|at| at <= now) {
            self.peer.handle_timeout(now);
        }
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            match self.peer.poll_event() {
                Some(event) => {
                    if let Some(output) = self.convert(event) {
                        return output;
                    }
                }
                None => break,
            }
        }
        if let Some(instance) = self.instance.take() {
            match self.work(now, instance) {
                Some(output) => return output,
                None if self.exit.is_some() => return self.poll_output(now),
                None => {}
            }
        }
        match &self.exit {
            Some(exit) if !self.told => {
                self.told = true;
                Output::Stopped(exit.clone())
            }
            _ => Output::Wait { until: self.next_time() },
        }
    }

    fn convert(&mut self, event: wasmi_rpc::Output) -> Option<Output> {
        Some(match event {
            wasmi_rpc::Output::Request { id, method, params } => {
                Output::Request { id, method, params }
            }
            wasmi_rpc::Output::Notification { method, params } => {
                Output::Notification { method, params }
            }
            wasmi_rpc::Output::Cancelled { id } => Output::Cancelled { id },
            wasmi_rpc::Output::Fault(error) => Output::Fault(error),
            wasmi_rpc::Output::Answered { id, result } => {
                let call = self.calls.remove(&id)?;
                Output::Answer { id: call, result: result.map_err(|error| self.error(error)) }
            }
            // Bytes are taken when the guest can have them.
            _ => return None,
        })
    }

    fn error(&self, error: RpcCallError) -> ErrorObject {
        match error {
            RpcCallError::Remote(error) => error,
            RpcCallError::Timeout => late(&self.name),
            RpcCallError::Cancelled => ErrorCode::Cancelled.object(),
            _ => match &self.exit {
                Some(exit) => exit.error(&self.name),
                None => ErrorCode::NotRunning.with(format!("{}: not running", self.name)),
            },
        }
    }
}

/// The answer of a call whose deadline is past.
pub(crate) fn late(name: &str) -> ErrorObject {
    ErrorCode::Timeout.with(format!("{name}: no answer before the deadline of the call"))
}
