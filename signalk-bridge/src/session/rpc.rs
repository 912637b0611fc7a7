//! The life of a JSON-RPC plugin: initialize, start, deltas, stop.
//!
//! The handshake is that of `wit/signalk-plugin.wit`, interface
//! plugin-interface. A plugin that does not know `initialize` or `start` is
//! taken as it is: then it has no name, no schema, and nothing to start.

mod network;

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use wasmi_hdk::{
    CallId, ErrorCode, ErrorObject, Exit, Input as PluginInput, InstanceConfig, Module,
    Output as PluginOutput, Params, Plugin, RpcResult, Stdin,
};
use wasmi_rpc::RequestId;

use self::network::{Answer, World};
use super::library::{earlier, start_text};
use super::rows::Rows;
use super::run::{Job, Run};
use super::{
    Common, Description, HostInfo, Output, PROTOCOL_VERSION, Purpose, START_DEADLINE,
    STOP_DEADLINE, SessionConfig,
};
use crate::net::Net;
use crate::{
    BridgeError, Capability, Crash, HANDLER_PATIENCE, Handler, HandlerCall, HandlerCallId,
    HandlerFailure, Manifest, Report, SignalK, methods,
};

const INITIALIZE: CallId = CallId(1);
const START: CallId = CallId(2);
const STOP: CallId = CallId(3);
/// Handler calls are numbered from here.
const FIRST_HANDLER: u64 = 16;

/// Deltas and bytes that are handed over at once.
const MOST: usize = 256;
const MOST_BYTES: usize = 256 << 10;

/// Ways to hand over deltas, as `initialize` offers them: a plugin that chooses none gets JSON.
const HAND_OVER: [&str; 2] = ["json", "rows"];

pub(super) struct Rpc {
    plugin: Plugin,
    world: World,
    phase: Phase,
    host: HostInfo,
    options: String,
    enable_debug: bool,
    /// A run is away.
    out: bool,
    /// Deltas or datagrams were written that the guest has not read: it sleeps, or pays for its fuel. More wait here, bounded.
    stuffed: bool,
    stop_until: Option<Duration>,
    /// The plugin asked for rows.
    rows: Option<Rows>,
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

/// Answer of `initialize`; all but the version may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Initialized {
    protocol_version: Option<String>,
    name: Option<String>,
    schema: Option<Value>,
    hand_over: Option<String>,
    #[serde(default)]
    capabilities: Wanted,
}

/// What the plugin cannot do without.
#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    required: Vec<String>,
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

    /// News of the world.
    pub(super) fn report(
        &mut self,
        report: Report,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        let answers = self.world.report(report);
        count_late(&answers, common);
        self.answer(answers, common, now, signalk);
        self.look(common, now, signalk);
    }

    /// Gives answers that were waited for.
    fn answer(
        &mut self,
        answers: Vec<(RequestId, Answer)>,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        for (id, answer) in answers {
            let result = answer.map_err(|error| {
                common.complain(error.to_string(), now, signalk);
                ErrorObject::from(&error)
            });
            self.plugin.handle_input(now, PluginInput::Respond { id, result });
        }
    }

    /// What the network wants of the edge and of the log.
    fn look(&mut self, common: &mut Common, now: Duration, signalk: &mut dyn SignalK) {
        common.outputs.extend(self.world.effects().map(Output::Effect));
        for text in self.world.net.take_troubles() {
            common.complain(format!("plugin `{}`: {text}", common.id()), now, signalk);
        }
        let (datagrams, pieces) = self.world.net.take_dropped();
        common.account.counters.datagrams_dropped += datagrams;
        common.account.counters.tcp_dropped += pieces;
    }

    /// One call of the host by name, through the one choke point; `id`: who wants an answer.
    fn perform(
        &mut self,
        id: Option<RequestId>,
        call: (&str, Params),
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        let (method, params) = call;
        let params = params.as_ref().map_or("", |params| params.get());
        let net = &mut self.world.net;
        let reply = methods::call(method, params, &mut common.account, net, signalk, now);
        let answer = match (id, reply) {
            (Some(id), Ok(reply)) => {
                let answer = self.world.begin(id.clone(), reply);
                answer.map(|answer| (id, answer))
            }
            (Some(id), Err(error)) => Some((id, Err(error))),
            (None, Ok(reply)) => {
                self.world.forget(reply);
                None
            }
            // A failure has nobody to go to but the log.
            (None, Err(error)) => {
                common.complain(error.to_string(), now, signalk);
                None
            }
        };
        let mut answers = self.world.settle();
        count_late(&answers, common);
        answers.extend(answer);
        self.answer(answers, common, now, signalk);
        self.look(common, now, signalk);
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
                        return Output::Wait {
                            until: earlier(earlier(until, beat), self.stop_until),
                        };
                    }
                }
            }
        }
    }

    fn initialize(&mut self, common: &Common, now: Duration) {
        let manifest = &common.manifest;
        let granted: Vec<_> = manifest.capabilities.iter().map(Capability::key).collect();
        let options = RawValue::from_string(self.options.clone()).ok();
        let params = to_raw_value(&json!({
            "protocolVersion": PROTOCOL_VERSION,
            "host": self.host,
            "capabilities": { "granted": granted },
            "handOver": HAND_OVER,
            "plugin": { "id": manifest.id, "package": manifest.package_name, "version": manifest.version },
            "options": options,
        }));
        self.phase = Phase::Initializing;
        self.call(now, INITIALIZE, "initialize", params.ok(), START_DEADLINE);
    }

    /// Another configuration, before `start`.
    pub(super) fn set_options(&mut self, options: &str) {
        self.options = start_text(options, self.enable_debug);
    }

    fn start(&mut self, now: Duration) {
        let options = RawValue::from_string(self.options.clone()).ok();
        let params = to_raw_value(&json!({ "options": options })).ok();
        self.phase = Phase::Starting;
        self.call(now, START, "start", params, START_DEADLINE);
    }

    /// A handler for a client, as a request.
    pub(super) fn handle(&mut self, call: HandlerCall, common: &mut Common, now: Duration) {
        if self.phase != Phase::Running {
            return common.handled(call.id, Err(HandlerFailure::NotRunning));
        }
        let id = CallId(FIRST_HANDLER.saturating_add(call.id.0));
        let params = handler_params(&call);
        self.call(now, id, call.handler.method(), params, HANDLER_PATIENCE);
    }

    fn call(
        &mut self,
        now: Duration,
        id: CallId,
        method: &str,
        params: Params,
        deadline: Duration,
    ) {
        let deadline = Some(now.saturating_add(deadline));
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
            let reply = result.map(|answer| answer.get().to_owned());
            common.handled(HandlerCallId(handler), reply.map_err(|error| failure(&error)));
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
            Err(error) => return Some(Output::Failed(format!("{call}: {}", error.message()))),
        };
        if id == START {
            self.phase = Phase::Running;
            return Some(Output::Started);
        }
        match self.initialized(&answer, common, now, signalk) {
            Err(text) => Some(Output::Failed(text)),
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

    fn initialized(
        &mut self,
        answer: &RawValue,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) -> Result<Description, String> {
        let id = common.id().clone();
        let answer: Option<Initialized> = serde_json::from_str(answer.get()).map_err(|error| {
            format!("plugin `{id}`: initialize: the answer is not understood: {error}")
        })?;
        let answer = answer.unwrap_or_default();
        let major = |version: &str| version.split('.').next().unwrap_or_default().to_owned();
        if let Some(version) = &answer.protocol_version
            && major(version) != major(PROTOCOL_VERSION)
        {
            return Err(format!(
                "plugin `{id}`: speaks protocol version {version}, this host speaks {PROTOCOL_VERSION}; use a plugin or a host of the same major version"
            ));
        }
        match answer.hand_over.as_deref() {
            Some("rows") => self.rows = Some(Rows::default()),
            None | Some("json") => {}
            Some(other) => {
                let text = format!(
                    "initialize: handOver `{other}` is not among {HAND_OVER:?}; JSON is used"
                );
                common.complain(text, now, signalk);
            }
        }
        for key in &answer.capabilities.required {
            let held = Capability::from_key(key).map(|capability| {
                (common.account.capabilities().has(capability), capability.remedy())
            });
            match held {
                Some((true, _)) => {}
                Some((false, remedy)) => {
                    return Err(format!(
                        "plugin `{id}`: cannot run without the capability `{key}`; add {remedy} to wasmCapabilities in its package.json"
                    ));
                }
                None => {
                    return Err(format!(
                        "plugin `{id}`: asks for the capability `{key}`, which this host does not have"
                    ));
                }
            }
        }
        let schema = match answer.schema {
            None | Some(Value::Null) => "{}".to_owned(),
            Some(schema @ Value::Object(_)) => schema.to_string(),
            Some(_) => {
                common.complain(
                    "the schema is no JSON object; {} is shown".to_owned(),
                    now,
                    signalk,
                );
                "{}".to_owned()
            }
        };
        let name = answer.name.filter(|name| !name.is_empty());
        Ok(Description { name, schema, id: None, is_json_rpc: true })
    }

    /// Hands over datagrams at once and deltas on the beat when the guest rests; they queue up meanwhile, and so come in
    /// batches.
    fn flush(&mut self, common: &mut Common, now: Duration) -> bool {
        if self.out || self.stuffed || !matches!(self.phase, Phase::Starting | Phase::Running) {
            return false;
        }
        // A plugin may look for its device before it is started.
        for text in self.world.datagrams() {
            let params = RawValue::from_string(text).ok();
            let method = "udp.received".to_owned();
            self.plugin.handle_input(now, PluginInput::Notify { method, params });
            self.stuffed = true;
        }
        if self.phase == Phase::Running && common.is_beat(now) {
            self.hand_over(common, now);
        }
        self.stuffed
    }

    /// Deltas in the form that the plugin asked for, oldest first.
    fn hand_over(&mut self, common: &mut Common, now: Duration) {
        let (mut count, mut bytes) = (0, 0);
        while count < MOST && bytes < MOST_BYTES {
            let rows = self.rows.as_mut().and_then(|rows| rows.next(common));
            let (method, (params, some)) = match rows {
                Some(rows) => ("rows", rows),
                None => match next_deltas(common, MOST - count) {
                    Some(deltas) => ("deltas", deltas),
                    None if common.waiting.pop_front().is_some() => continue,
                    None => break,
                },
            };
            count += some;
            bytes += params.len();
            let (method, params) = (method.to_owned(), RawValue::from_string(params).ok());
            self.plugin.handle_input(now, PluginInput::Notify { method, params });
        }
        common.account.counters.deltas_in += u64::try_from(count).unwrap_or(u64::MAX);
        self.stuffed |= count > 0;
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

/// The params of the next `deltas`, of one subscription, and how many deltas they hold; `None`: the oldest is of no
/// subscription, or none waits.
fn next_deltas(common: &mut Common, most: usize) -> Option<(String, usize)> {
    let id = common.waiting.front()?.subscription?;
    let mut text = format!(r#"{{"subscription":{},"deltas":["#, id.0);
    let mut count = 0;
    while count < most && text.len() < MOST_BYTES {
        let Some(next) = common.waiting.front().filter(|next| next.subscription == Some(id)) else {
            break;
        };
        if count > 0 {
            text.push(',');
        }
        text.push_str(next.delta.json());
        common.waiting.pop_front();
        count += 1;
    }
    text.push_str("]}");
    Some((text, count))
}

/// A call that fails at once is counted by the table of methods, one that fails later here.
fn count_late(answers: &[(RequestId, Answer)], common: &mut Common) {
    let failed = answers.iter().filter(|(_, answer)| answer.is_err()).count();
    common.account.counters.host_call_errors += u64::try_from(failed).unwrap_or(u64::MAX);
}

/// What the request of a handler carries besides the handler's own JSON.
fn handler_params(call: &HandlerCall) -> Params {
    let request = if call.request.is_empty() { "{}" } else { &*call.request };
    let quoted = |text: &str| Value::from(text).to_string();
    let text = match &call.handler {
        Handler::Http { handler, .. } => {
            format!(r#"{{"handler":{},"request":{request}}}"#, quoted(handler))
        }
        Handler::Put { context, path } => {
            let (context, path) = (quoted(context), quoted(path));
            format!(r#"{{"context":{context},"path":{path},"value":{request}}}"#)
        }
        _ => request.to_owned(),
    };
    RawValue::from_string(text).ok()
}

/// What a client reads about a handler that answered with an error.
fn failure(error: &ErrorObject) -> HandlerFailure {
    match error.code() {
        code if code == ErrorCode::MethodNotFound.number() => {
            HandlerFailure::NotFound { handler: error.message().to_owned() }
        }
        code if code == ErrorCode::Timeout.number() => {
            HandlerFailure::Timeout { limit: HANDLER_PATIENCE }
        }
        code if code == ErrorCode::NotRunning.number() => HandlerFailure::NotRunning,
        _ => HandlerFailure::Failed(error.message().to_owned()),
    }
}
