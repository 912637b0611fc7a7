//! The life of a JSON-RPC plugin: initialize, start, deltas, stop.
//!
//! Here is its loop and its end. `handshake.rs`: how it begins; `calls.rs`: what it asks of the
//! host; `network.rs`: whose answer the world owes; `handlers.rs`: what clients ask of it;
//! `hand_over.rs`: deltas and datagrams on their way to it.

mod calls;
mod hand_over;
mod handlers;
mod handshake;
mod network;

use std::time::Duration;

use serde_json::value::RawValue;
use wasmi_hdk::{
    CallId, ErrorCode, ErrorObject, Exit, Input as PluginInput, InstanceConfig, Module,
    Output as PluginOutput, Params, Plugin, RpcResult, Stdin,
};

use self::handlers::FIRST_HANDLER;
use self::network::World;
use super::clients::Clients;
use super::library::start_text;
use super::rows::Rows;
use super::run::{Job, Run};
use super::{Common, HostInfo, Output, Purpose, START_DEADLINE, STOP_DEADLINE, SessionConfig};
use crate::net::Net;
use crate::{BridgeError, Capability, Cause, Crash, Failure, HandlerCallId, Manifest, SignalK};

const INITIALIZE: CallId = CallId(1);
const START: CallId = CallId(2);
const STOP: CallId = CallId(3);

pub(super) struct Rpc {
    plugin: Plugin,
    world: World,
    phase: Phase,
    host: HostInfo,
    options: String,
    enable_debug: bool,
    /// A run is away.
    out: bool,
    /// Deltas or datagrams were written that the guest has not read: it sleeps, or pays for its fuel. More wait here,
    /// bounded.
    stuffed: bool,
    stop_until: Option<Duration>,
    /// The plugin asked for rows.
    rows: Option<Rows>,
    pub(super) clients: Clients,
    /// Of one message.
    message_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    New,
    Initializing,
    /// The core may still change the options.
    Described,
    Starting,
    Running,
    Stopping,
}

impl Rpc {
    pub(super) fn new(
        module: &Module,
        config: SessionConfig,
        manifest: &Manifest,
        _now: Duration,
    ) -> Result<Rpc, BridgeError> {
        let options = start_text(&config.options, config.enable_debug);
        let mut limits = config.limits;
        limits.call_deadline = config.call_time.or(limits.call_deadline);
        let message_bytes = limits.message_bytes;
        let instance = InstanceConfig {
            limits,
            args: vec![manifest.id.to_string()],
            env: vec![
                ("PLUGIN_ID".to_owned(), manifest.id.to_string()),
                ("PLUGIN_PACKAGE".to_owned(), manifest.package_name.clone()),
            ],
            stdin: Stdin::Open,
            fs: config.fs.filter(|_| manifest.capabilities.has(Capability::Storage)),
            ..InstanceConfig::new(config.platform)
        };
        let plugin = Plugin::new(&manifest.id, module, instance).map_err(|source| {
            BridgeError::Load { plugin: manifest.id.clone(), source: Box::new(source) }
        })?;
        let net = Net::new();
        Ok(Rpc {
            plugin,
            world: World::new(manifest.id.clone(), net),
            phase: Phase::New,
            host: config.host,
            options,
            enable_debug: config.enable_debug,
            out: false,
            stuffed: false,
            stop_until: None,
            rows: None,
            clients: Clients::default(),
            message_bytes,
        })
    }

    pub(super) fn stop(&mut self, now: Duration) {
        if self.stop_until.is_some() {
            return;
        }
        for (id, answer) in self.world.stop() {
            let result = answer.map_err(|error| ErrorObject::from(&error));
            self.plugin.handle_input(now, PluginInput::Respond { id, result });
        }
        self.stop_until = Some(now.saturating_add(STOP_DEADLINE));
        if self.phase == Phase::Running {
            self.call(now, STOP, "stop", None, STOP_DEADLINE);
        } else {
            self.plugin.handle_input(now, PluginInput::Stop);
        }
        self.phase = Phase::Stopping;
    }

    pub(super) fn ran(&mut self, ran: wasmi_hdk::Ran, common: &mut Common, now: Duration) {
        self.out = false;
        self.plugin.handle_input(now, PluginInput::Ran(ran));
        self.stuffed = self.plugin.is_behind();
        common.stats = self.plugin.stats();
    }

    pub(super) fn poll(
        &mut self,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) -> Output {
        match self.phase {
            Phase::New => self.initialize(common, now),
            Phase::Described => self.start(now),
            _ => {}
        }
        loop {
            if let Some(output) = common.outputs.pop_front() {
                return output;
            }
            if !self.out && self.stop_until.is_some_and(|until| until <= now) {
                return Output::Stopped;
            }
            match self.plugin.poll_output(now) {
                PluginOutput::Run(run) => {
                    self.out = true;
                    return Output::Run(Run(Job::Plugin(run)));
                }
                PluginOutput::Request { id, method, params } => {
                    self.perform(Some(id), (&method, params), common, now, signalk);
                }
                PluginOutput::Notification { method, params } => {
                    self.perform(None, (&method, params), common, now, signalk);
                }
                PluginOutput::Answer { id, result } => {
                    if let Some(output) = self.answered(id, result, common, now, signalk) {
                        return output;
                    }
                }
                PluginOutput::Log(line) => signalk.log(common.id(), line),
                PluginOutput::Fault(error) => common.complain(error.to_string(), now, signalk),
                PluginOutput::Stopped(exit) => return self.ended(exit, common),
                PluginOutput::HostCall(_) => {
                    self.plugin.handle_input(now, PluginInput::Resume(Vec::new()));
                }
                PluginOutput::Cancelled { id } => {
                    self.world.cancel(&id);
                    let result = Err(ErrorCode::Cancelled.object());
                    self.plugin.handle_input(now, PluginInput::Respond { id, result });
                    self.look(common, now, signalk);
                }
                PluginOutput::Wait { until } => {
                    if !self.flush(common, now) {
                        let rests = self.phase == Phase::Running && !self.out;
                        let beat = common.beat().filter(|_| rests && !self.stuffed);
                        let due = [until, beat, self.stop_until];
                        return Output::Wait { until: due.into_iter().flatten().min() };
                    }
                }
            }
        }
    }

    fn call(
        &mut self,
        now: Duration,
        id: CallId,
        method: &str,
        params: Params,
        within: impl Into<Option<Duration>>,
    ) {
        let deadline = within.into().map(|within| now.saturating_add(within));
        let method = method.to_owned();
        self.plugin.handle_input(now, PluginInput::Call { id, method, params, deadline });
    }

    fn answered(
        &mut self,
        id: CallId,
        result: RpcResult,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) -> Option<Output> {
        if let Some(handler) = id.0.checked_sub(FIRST_HANDLER) {
            self.handled(HandlerCallId(handler), result, common, now, signalk);
            return None;
        }
        if id == STOP {
            if let Err(error) = &result
                && error.code() != ErrorCode::MethodNotFound.number()
            {
                common.complain(format!("stop: {}", error.message()), now, signalk);
            }
            self.plugin.handle_input(now, PluginInput::Stop);
            return None;
        }
        if self.plugin.has_ended() || self.phase == Phase::Stopping {
            return None; // how it ended comes next
        }
        let result = match result {
            Err(error) if error.code() == ErrorCode::MethodNotFound.number() => {
                RawValue::from_string("null".to_owned()).map_err(|_| error)
            }
            result => result,
        };
        let call = if id == INITIALIZE { "initialize" } else { "start" };
        let answer = match result {
            Ok(answer) => answer,
            Err(error) if error.code() == ErrorCode::Timeout.number() => {
                let plugin = common.id().clone();
                return Some(Output::Crashed(Crash::NoAnswer {
                    plugin,
                    call,
                    limit: START_DEADLINE,
                }));
            }
            Err(error) => {
                let text = format!("{call}: {}", error.message());
                return Some(Output::Failed(Failure::new(Cause::Refused, text)));
            }
        };
        if id == START {
            self.phase = Phase::Running;
            return Some(Output::Started);
        }
        match self.initialized(&answer, common, now, signalk) {
            Err(text) => Some(Output::Failed(Failure::new(Cause::Module, text))),
            Ok(description) => {
                if common.purpose == Purpose::Describe {
                    self.stop(now);
                } else {
                    self.phase = Phase::Described;
                }
                Some(Output::Described(description))
            }
        }
    }

    fn ended(&mut self, exit: Exit, common: &Common) -> Output {
        let plugin = common.id().clone();
        match exit {
            _ if self.phase == Phase::Stopping => Output::Stopped,
            Exit::Clean => Output::Crashed(Crash::Exited { plugin, code: 0 }),
            Exit::Exited(code) => Output::Crashed(Crash::Exited { plugin, code }),
            Exit::Crashed(fault) => Output::Crashed(fault.into()),
        }
    }
}
