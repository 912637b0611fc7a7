//! A plugin that speaks JSON-RPC over its standard streams, as a state machine without I/O.
//!
//! [`Plugin`] = [`Instance`] + [`wasmi_rpc::Peer`]. It never executes the guest itself: it hands
//! out a [`Run`]. It does not restart a guest that crashed: `supervisor.rs` says when, and the
//! owner makes a new `Plugin`.
//!
//! The guest is a *command*, whose `_start` reads requests until its standard input ends, or a
//! *reactor*, whose `rpc_poll: () -> i64` is called when input or its timer is due; it answers
//! the nanoseconds until it wants to be polled again, or -1 for "when input comes". Inside
//! `rpc_poll`, reading an empty standard input gives EAGAIN instead of waiting.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use wasmi_rpc::{
    CallError as RpcCallError, ErrorCode, ErrorObject, Params, Peer, PeerConfig, RequestId,
    RpcError, RpcResult,
};

use crate::error::{Fault, LoadError};
use crate::instance::{Instance, InstanceConfig, Stats, Step};
use crate::log::{Level, LogLine};
use crate::module::{Module, RPC_POLL, START};
use crate::run::{Ran, Run};
use crate::val::{FuncType, Val, ValType};

/// The name that the owner gives a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What happens to a plugin. After each input, [`Plugin::poll_output`] until it says wait.
#[derive(Debug)]
pub enum Input {
    /// Call a method of the plugin; exactly one [`Output::Answer`] follows.
    Call {
        /// Names the call in the answer. Not one that waits already.
        id: CallId,
        /// The method.
        method: String,
        /// Array, object or nothing.
        params: Params,
        /// When to give up, on the scale of `now`.
        deadline: Option<Duration>,
    },
    /// The answer of a call is no longer wanted: it ends as cancelled, and the plugin is told.
    Cancel(CallId),
    /// Tell the plugin something.
    Notify {
        /// The method.
        method: String,
        /// Array, object or nothing.
        params: Params,
    },
    /// Answer to [`Output::Request`].
    Respond {
        /// The request.
        id: RequestId,
        /// Its result.
        result: RpcResult,
    },
    /// A [`Run`] was executed.
    Ran(Ran),
    /// Results for the host function behind [`Output::HostCall`].
    Resume(Vec<Val>),
    /// End the plugin: its standard input ends, and after `stop_grace` it is ended.
    Stop,
    /// Time has passed.
    Tick,
}

/// What is to be done for a plugin.
#[derive(Debug)]
pub enum Output {
    /// Execute this, anywhere, and bring the result back as [`Input::Ran`].
    Run(Run),
    /// The plugin calls a method of the host; answer with [`Input::Respond`].
    Request {
        /// Names the request.
        id: RequestId,
        /// The method.
        method: String,
        /// Array, object or nothing.
        params: Params,
    },
    /// The plugin no longer wants the answer of its request.
    Cancelled {
        /// The request.
        id: RequestId,
    },
    /// The plugin tells something.
    Notification {
        /// The method.
        method: String,
        /// Array, object or nothing.
        params: Params,
    },
    /// A host function of [`Imports`](crate::Imports) suspended the guest with this payload;
    /// answer with [`Input::Resume`].
    HostCall(HostCall),
    /// The end of a call.
    Answer {
        /// The call.
        id: CallId,
        /// Its result.
        result: RpcResult,
    },
    /// The plugin wrote a line to standard error.
    Log(LogLine),
    /// The plugin broke the protocol; it is counted and not fatal.
    Fault(RpcError),
    /// The plugin has ended; this comes once, after all its answers.
    Stopped(Exit),
    /// Nothing to do until the next input, or this time.
    Wait {
        /// When [`Input::Tick`] is due.
        until: Option<Duration>,
    },
}

/// The payload of a suspended host function.
pub struct HostCall(pub Box<dyn Any + Send>);

impl fmt::Debug for HostCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostCall")
    }
}

/// How a plugin ended.
#[derive(Debug, Clone)]
pub enum Exit {
    /// It was asked to, or its `_start` returned.
    Clean,
    /// It called `proc_exit` with a code other than 0.
    Exited(i32),
    /// It did something that ends a guest.
    Crashed(Fault),
}

/// A plugin that speaks JSON-RPC.
#[derive(Debug)]
pub struct Plugin {
    name: String,
    reactor: bool,
    peer: Peer,
    /// `None` while a [`Run`] is out, and after the end.
    instance: Option<Box<Instance>>,
    phase: Phase,
    /// Bytes went to standard input since the last `rpc_poll` began.
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

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// The first call has not begun.
    New,
    /// A slice is due.
    Ready,
    /// The call rests.
    Resting {
        stdin: bool,
        until: Option<Duration>,
    },
    /// A reactor between two polls.
    Idle {
        due: Option<Duration>,
    },
    Ended,
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

    /// What the guest has used so far; while a [`Run`] is out, as it was before.
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

    fn ran(&mut self, now: Duration, ran: Ran) {
        let Ran { mut instance, step, .. } = ran;
        let stdout = instance.take_stdout();
        if !stdout.is_empty() {
            self.peer.handle_input(now, &stdout);
        }
        for line in instance.take_log() {
            self.events.push_back(Output::Log(line));
        }
        self.stats = instance.stats();
        let exit = match step {
            Step::Yielded => {
                self.phase = Phase::Ready;
                None
            }
            Step::Waiting { stdin, until } => {
                self.phase = Phase::Resting { stdin, until };
                None
            }
            Step::HostCall(payload) => {
                self.phase = Phase::Resting { stdin: false, until: None };
                self.events.push_back(Output::HostCall(HostCall(payload)));
                None
            }
            Step::Finished(values) if self.reactor => {
                let again = match values.first() {
                    Some(Val::I64(nanos)) => u64::try_from(*nanos).ok(),
                    _ => None,
                };
                let due = again.map(|nanos| now.saturating_add(Duration::from_nanos(nanos)));
                self.phase = Phase::Idle { due };
                (self.stdin_closed && !self.unpolled).then_some(Exit::Clean)
            }
            Step::Finished(_) | Step::Failed(Fault::Exit { code: 0, .. }) => Some(Exit::Clean),
            Step::Failed(Fault::Exit { code, .. }) => Some(Exit::Exited(code)),
            Step::Failed(fault) => Some(Exit::Crashed(fault)),
        };
        match exit {
            Some(exit) => self.end(now, instance, exit),
            None => self.instance = Some(instance),
        }
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
            RpcCallError::Timeout => {
                let text = format!("{}: no answer before the deadline of the call", self.name);
                ErrorCode::Timeout.with(text)
            }
            RpcCallError::Cancelled => ErrorCode::Cancelled.object(),
            _ => match &self.exit {
                Some(exit) => exit.error(&self.name),
                None => ErrorCode::NotRunning.with(format!("{}: not running", self.name)),
            },
        }
    }

    /// Sends what is to be sent and decides whether the guest runs.
    fn work(&mut self, now: Duration, mut instance: Box<Instance>) -> Option<Output> {
        let bytes = self.peer.take_unsent();
        if !bytes.is_empty() {
            instance.write_stdin(&bytes);
            self.peer.reuse(bytes);
            self.unpolled = true;
        }
        if let Some(stop_at) = self.stop_at {
            if !self.stdin_closed {
                self.stdin_closed = true;
                self.unpolled = true;
                instance.close_stdin();
            }
            if now >= stop_at {
                self.end(now, instance, Exit::Clean);
                return None;
            }
        }
        let due = match self.phase {
            Phase::New => {
                let export = if self.reactor { RPC_POLL } else { START };
                return self.begin(now, instance, export);
            }
            Phase::Ready => true,
            Phase::Resting { stdin, until } => {
                (stdin && self.unpolled) || until.is_some_and(|until| until <= now)
            }
            Phase::Idle { due } => {
                if self.unpolled || due.is_some_and(|due| due <= now) {
                    return self.begin(now, instance, RPC_POLL);
                }
                false
            }
            Phase::Ended => return None,
        };
        if due {
            if !self.reactor {
                self.unpolled = false;
            }
            self.phase = Phase::Ready;
            return Some(Output::Run(Run::new(instance).with_tag(self.tag)));
        }
        self.instance = Some(instance);
        None
    }

    fn begin(
        &mut self,
        now: Duration,
        mut instance: Box<Instance>,
        export: &str,
    ) -> Option<Output> {
        self.unpolled = false;
        match instance.begin(export, &[]) {
            Ok(()) => {
                self.phase = Phase::Ready;
                Some(Output::Run(Run::new(instance).with_tag(self.tag)))
            }
            Err(error) => {
                let fault = Fault::Trap {
                    plugin: self.name.clone(),
                    call: export.to_owned(),
                    reason: error.to_string(),
                    panic: None,
                };
                self.end(now, instance, Exit::Crashed(fault));
                None
            }
        }
    }

    fn next_time(&self) -> Option<Duration> {
        if self.exit.is_some() {
            return None;
        }
        let guest = match self.phase {
            Phase::Resting { until, .. } | Phase::Idle { due: until }
                if self.instance.is_some() =>
            {
                until
            }
            _ => None,
        };
        [guest, self.peer.poll_timeout(), self.stop_at.filter(|_| self.instance.is_some())]
            .into_iter()
            .flatten()
            .min()
    }
}

impl Exit {
    /// What a caller is told whose call cannot be answered any more.
    pub fn error(&self, name: &str) -> ErrorObject {
        match self {
            Exit::Clean => ErrorCode::NotRunning.with(format!("{name}: the plugin is not running")),
            Exit::Exited(code) => {
                ErrorCode::Exited.with(format!("{name}: the plugin exited with code {code}"))
            }
            Exit::Crashed(fault) => {
                let code = match fault {
                    Fault::OutOfFuel { .. } => ErrorCode::OutOfFuel,
                    Fault::Deadline { .. } => ErrorCode::Timeout,
                    Fault::Host { .. } | Fault::MissingImport { .. } => ErrorCode::GuestFault,
                    _ => ErrorCode::Trap,
                };
                code.with(fault.to_string())
            }
        }
    }
}

/// A call that never went out.
fn refused(name: &str, error: &RpcError) -> ErrorObject {
    let code = match error {
        RpcError::TooLarge { .. } => ErrorCode::RequestTooLarge,
        RpcError::Busy { .. } => ErrorCode::Busy,
        RpcError::BadParams { .. } => ErrorCode::InvalidParams,
        RpcError::Closed => ErrorCode::NotRunning,
        _ => ErrorCode::InternalError,
    };
    code.with(format!("{name}: {error}"))
}
