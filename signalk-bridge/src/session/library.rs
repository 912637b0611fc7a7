//! The life of a plugin that is called by its exports: describe, start, poll, handle, deliver, stop.
//!
//! Clauses: plugin ABI 2.4, 3.1, 7.4, 8.1. How one export is called is
//! `abi/library.rs`; what a host call means is the method table.

use std::collections::VecDeque;
use std::time::Duration;

use wasmi_hdk::{Fault, InstanceConfig, Interface, Level, LogLine, Module, Stdin};

use super::run::{Job, Run};
use super::{
    Common, Delivery, Description, Output, POLL_INTERVAL, Purpose, STOP_DEADLINE, SessionConfig,
};
use crate::abi::adapt::results;
use crate::abi::assemblyscript::AssemblyScript;
use crate::abi::convention::Convention;
use crate::abi::env::{imports, write};
use crate::abi::library::{Library, Outcome};
use crate::abi::queue::{Give, Queued, Rest, Shared, Traits, Until};
use crate::abi::work::{Done, Response, Work};
use crate::abi::{Flavour, LEGACY_COMMAND};
use crate::handler::{HandlerCall, HandlerFailure};
use crate::methods::{self, deltas, log, notifications, options, paths, register, status, streams};
use crate::net::{self, Completed, Fresh, Mail};
use crate::{
    BridgeError, Capability, Crash, Endpoint, FetchHead, Manifest, Registration, Report, SignalK,
    Status,
};

/// Deltas per trip: enough to make the trip cheap, few enough to stop soon.
const BATCH: usize = 64;

/// While deltas keep coming a plugin takes them on this beat, the same for all plugins: one waking of the core and of the
/// pool serves several deltas and every plugin. The first after a pause does not wait. Measured: `benches/README.md`, B7.
const BEAT: Duration = Duration::from_millis(5);

pub(super) struct Exports {
    interface: Interface,
    /// `None` while it is away on a run.
    library: Option<Box<Library>>,
    /// News of the world that came while the library was away.
    mail: Mail,
    /// Handlers that clients wait for, in order.
    handlers: VecDeque<HandlerCall>,
    phase: Phase,
    /// A command that is no plugin: when it has run, that is said.
    is_legacy: bool,
    start: Option<String>,
    enable_debug: bool,
    /// The last text that is read before the plugin is described.
    last_text: &'static str,
    description: Description,
    has_poll: bool,
    has_delta_handler: bool,
    next_poll: Option<Duration>,
    /// Fewer deltas than a batch wait until then.
    next_beat: Duration,
    stop_until: Option<Duration>,
    stdout: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Describing,
    Starting,
    Running,
    Stopping,
}

impl Exports {
    pub(super) fn new(
        module: &Module,
        config: SessionConfig,
        manifest: &Manifest,
        flavour: Flavour,
    ) -> Exports {
        let capabilities = manifest.capabilities;
        let start = start_text(&config.options, config.enable_debug);
        let mut limits = config.limits;
        // Each call has its own deadline; the longest is that of a start.
        let start_time = super::START_DEADLINE.max(config.call_time.unwrap_or_default());
        limits.call_deadline = Some(start_time);
        let mut shared = Shared::new(manifest, config.options);
        shared.traits = Traits {
            padded: flavour == Flavour::AssemblyScript,
            has_new: module.has_export("__new"),
            has_response_handler: module.has_export("responseHandler"),
        };
        let instance = InstanceConfig {
            limits,
            args: Vec::new(),
            env: vec![
                ("PLUGIN_ID".to_owned(), manifest.id.to_string()),
                ("PLUGIN_PACKAGE".to_owned(), manifest.package_name.clone()),
            ],
            stdin: Stdin::Closed,
            fs: config.fs.filter(|_| capabilities.has(Capability::Storage)),
            imports: imports(),
            state: Box::new(shared),
            ..InstanceConfig::new(config.platform)
        };
        let convention = match flavour {
            Flavour::AssemblyScript => {
                Convention::AssemblyScript(AssemblyScript::new(config.http_utf16))
            }
            _ => Convention::Buffer,
        };
        let mut library = Library::new(module, convention, instance, config.call_time);
        library.queue.extend(entries(flavour, module).map(Work::Entry));
        if flavour != Flavour::LegacyCommand {
            library.queue.extend([Work::read("plugin_name"), Work::read("plugin_schema")]);
        }
        let wants_id =
            config.wants_id && flavour != Flavour::LegacyCommand && module.has_export("plugin_id");
        if wants_id {
            library.queue.push_back(Work::read("plugin_id"));
        }
        Exports {
            interface: module.interface().clone(),
            mail: Mail::default(),
            handlers: VecDeque::new(),
            library: Some(Box::new(library)),
            phase: Phase::Describing,
            is_legacy: flavour == Flavour::LegacyCommand,
            start: Some(start),
            enable_debug: config.enable_debug,
            last_text: if wants_id { "plugin_id" } else { "plugin_schema" },
            description: Description { schema: "{}".to_owned(), ..Description::default() },
            has_poll: module.has_export("poll"),
            has_delta_handler: module.has_export("delta_handler")
                && capabilities.has(Capability::DataRead),
            next_poll: None,
            next_beat: Duration::ZERO,
            stop_until: None,
            stdout: Vec::new(),
        }
    }

    pub(super) fn stop(&mut self, now: Duration, common: &mut Common) {
        self.stop_until.get_or_insert(now.saturating_add(STOP_DEADLINE));
        for call in std::mem::take(&mut self.handlers) {
            common.handled(call.id, Err(HandlerFailure::NotRunning));
        }
        if let Some(mut library) = self.library.take() {
            self.cancel(&mut library, common);
            self.library = Some(library);
        }
    }

    /// Another configuration, before `plugin_start` is asked for.
    pub(super) fn set_options(&mut self, options: &str) {
        if let Some(start) = &mut self.start {
            *start = start_text(options, self.enable_debug);
        }
    }

    /// A handler for a client, in its turn.
    pub(super) fn handle(&mut self, call: HandlerCall, common: &mut Common) {
        if self.phase == Phase::Running && self.stop_until.is_none() {
            self.handlers.push_back(call);
        } else {
            common.handled(call.id, Err(HandlerFailure::NotRunning));
        }
    }

    /// News of the world.
    pub(super) fn report(&mut self, report: Report, common: &mut Common) {
        self.mail.push(report);
        if let Some(mut library) = self.library.take() {
            self.deliver(&mut library, common);
            self.library = Some(library);
        }
    }

    /// Hands the mail to the guest's network, and goes on with a call that waited for it.
    fn deliver(&mut self, library: &mut Library, common: &mut Common) {
        while let Some(report) = self.mail.pop() {
            let Some(shared) = library.shared() else { continue };
            let all = shared.net.handle_report(report);
            for completed in all {
                self.completed(completed, library, common);
            }
        }
        let responses = library.shared().map(|shared| std::mem::take(&mut shared.responses));
        library.queue.extend(responses.unwrap_or_default().into_iter().map(Work::Response));
        let Some(shared) = library.shared() else { return };
        common.outputs.extend(shared.net.take_effects().into_iter().map(Output::Effect));
        let (datagrams, pieces) = shared.net.take_dropped();
        common.account.counters.datagrams_dropped += datagrams;
        common.account.counters.tcp_dropped += pieces;
    }

    /// The end of a wait.
    fn completed(&mut self, completed: Completed, library: &mut Library, common: &mut Common) {
        let stops = self.stop_until.is_some();
        if let Some(shared) = library.shared()
            && let Some(callback) = shared.awaited.remove(&completed.wait)
        {
            let response = response(callback, completed.outcome, shared, stops);
            shared.responses.extend(response);
            return;
        }
        let Outcome::Rests(Rest { until: Until::World(wait), .. }) = &library.outcome else {
            return;
        };
        if *wait != completed.wait {
            return;
        }
        if let Outcome::Rests(rest) = std::mem::replace(&mut library.outcome, Outcome::More) {
            give_outcome(rest, completed.outcome, library, stops);
        }
        if let Outcome::Crashed(crash) = std::mem::replace(&mut library.outcome, Outcome::More) {
            self.crashed(crash, library, common);
        }
    }

    /// A plugin that stops waits for nothing in the world any more.
    fn cancel(&mut self, library: &mut Library, common: &mut Common) {
        let Some(shared) = library.shared() else { return };
        let cancelled = shared.net.cancel_fetches();
        common.outputs.extend(shared.net.take_effects().into_iter().map(Output::Effect));
        for completed in cancelled {
            self.completed(completed, library, common);
        }
    }

    pub(super) fn poll(&mut self, common: &mut Common, now: Duration) -> Output {
        let Some(library) = &mut self.library else {
            return Output::Wait { until: None };
        };
        if self.stop_until.is_some_and(|until| until <= now) {
            return Output::Stopped;
        }
        match library.outcome {
            Outcome::Waiting { until } if until.is_none_or(|until| until > now) => {
                return Output::Wait { until: earlier(until, self.stop_until) };
            }
            Outcome::Rests(_) => return Output::Wait { until: self.stop_until },
            _ => {}
        }
        if !library.has_work() {
            if self.stop_until.is_some() && self.phase == Phase::Running {
                self.phase = Phase::Stopping;
                library.queue.push_back(Work::Stop);
            } else if self.phase == Phase::Running {
                self.next_work(common, now);
            }
        }
        match self.library.take() {
            Some(library) if library.has_work() => Output::Run(Run(Job::Library(library))),
            library => {
                self.library = library;
                let beat = (!common.waiting.is_empty()).then_some(self.next_beat);
                Output::Wait { until: earlier(earlier(self.next_poll, beat), self.stop_until) }
            }
        }
    }

    /// A poll that is due, sockets with news, handlers that clients wait for, a batch of deltas.
    fn next_work(&mut self, common: &mut Common, now: Duration) {
        let Some(library) = &mut self.library else { return };
        if let Some(due) = self.next_poll.filter(|due| *due <= now) {
            library.queue.push_back(Work::Poll);
            let mut next = due.saturating_add(POLL_INTERVAL);
            while next <= now {
                next = next.saturating_add(POLL_INTERVAL);
                common.account.counters.polls_missed += 1;
            }
            self.next_poll = Some(next);
        }
        let fresh = library.shared().map(|shared| shared.net.take_fresh()).unwrap_or_default();
        for fresh in fresh {
            let (export, socket) = match fresh {
                Fresh::Udp(socket) => ("on_datagram", socket.0),
                Fresh::Tcp(socket) => ("on_tcp_data", socket.0),
                // Existing plugins have no way to open one.
                Fresh::WebSocket(_) => continue,
            };
            if self.interface.has_export(export) {
                library.queue.push_back(Work::Woken { export, socket });
            }
        }
        for call in self.handlers.drain(..) {
            let exports = call.handler.exports();
            let found = exports.iter().find(|export| self.interface.has_export(export));
            let export = found.or(exports.first()).map_or("", String::as_str).into();
            library.queue.push_back(Work::handle(call, export));
        }
        if self.has_delta_handler {
            if common.waiting.is_empty() || (now < self.next_beat && common.waiting.len() < BATCH) {
                return;
            }
            self.next_beat = beat_after(now);
            for Delivery { json, .. } in common.waiting.drain(..common.waiting.len().min(BATCH)) {
                library.queue.push_back(Work::Delta(json));
            }
        } else {
            common.waiting.clear();
        }
    }

    pub(super) fn ran(
        &mut self,
        mut library: Box<Library>,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        self.drain(&mut library, common, now, signalk);
        for done in std::mem::take(&mut library.done) {
            self.done(done, &mut library, common, now, signalk);
        }
        match std::mem::replace(&mut library.outcome, Outcome::More) {
            Outcome::Rests(rest) if !matches!(rest.until, Until::World(_)) => {
                let answer = answer(&rest.until, common, now, signalk);
                give_text(&rest, answer.as_deref(), &mut library);
                if let Outcome::Crashed(crash) =
                    std::mem::replace(&mut library.outcome, Outcome::More)
                {
                    self.crashed(crash, &mut library, common);
                }
            }
            Outcome::Crashed(crash) => self.crashed(crash, &mut library, common),
            outcome => library.outcome = outcome,
        }
        self.deliver(&mut library, common);
        // What `plugin_stop` itself asks for has until the deadline.
        if self.stop_until.is_some() && self.phase != Phase::Stopping {
            self.cancel(&mut library, common);
        }
        self.library = Some(library);
    }

    /// What did not reach the guest is kept for its next life.
    fn crashed(&mut self, crash: Crash, library: &mut Library, common: &mut Common) {
        if let Some(Work::Handle { call, .. }) = library.at_work() {
            common.handled(call.id, Err(failure(&crash)));
        }
        for work in std::mem::take(&mut library.queue).into_iter().rev() {
            match work {
                Work::Delta(json) => {
                    common.waiting.push_front(Delivery { subscription: None, json });
                }
                Work::Handle { call, .. } => {
                    common.handled(call.id, Err(HandlerFailure::NotRunning));
                }
                _ => {}
            }
        }
        // A plugin that traps in `plugin_stop` has stopped all the same.
        common.end(match self.phase {
            Phase::Stopping => Output::Stopped,
            // It never came to life: starting again would not help (plugin ABI 2.3).
            _ if matches!(crash, Crash::Load(_)) => Output::Failed(crash.to_string()),
            _ if matches!(library.at_work(), Some(Work::Entry(_))) => {
                let legacy = if self.is_legacy { LEGACY_COMMAND } else { "" };
                Output::Failed(format!("{crash}; {legacy}").trim_end_matches("; ").to_owned())
            }
            _ => Output::Crashed(crash),
        });
    }

    fn done(
        &mut self,
        done: Done,
        library: &mut Library,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        match done {
            Done::Entry if self.is_legacy => {
                common.end(Output::Failed(LEGACY_COMMAND.to_owned()));
            }
            Done::Entry | Done::Response | Done::Woken => {}
            Done::Refused(why) => common.complain(why, now, signalk),
            Done::NotStarted(why) => {
                common.end(Output::Failed(format!("`plugin_start`: {why}")));
            }
            Done::Read { export, text, complaint } => {
                if let Some(complaint) = complaint {
                    common.complain(complaint, now, signalk);
                }
                self.read(export, text, library, common, now, signalk);
            }
            Done::Handled { id, reply } => common.handled(id, reply),
            Done::Started(0) => {
                self.phase = Phase::Running;
                self.next_poll = self.has_poll.then(|| now.saturating_add(POLL_INTERVAL));
                common.outputs.push_back(Output::Started);
            }
            Done::Started(code) => {
                common.end(Output::Failed(format!("Plugin start() returned error code: {code}")));
            }
            Done::Stopped(code) => {
                if code != 0 {
                    let text = format!("plugin_stop() returned error code: {code}");
                    common.complain(text, now, signalk);
                }
                common.end(Output::Stopped);
            }
            Done::Polled(0) => {}
            Done::Polled(code) => {
                common.complain(format!("poll() returned error code: {code}"), now, signalk);
            }
            Done::Delta => common.account.counters.deltas_in += 1,
        }
    }

    /// A text about the plugin: name, schema, its own id if wanted, endpoints, in this order.
    fn read(
        &mut self,
        export: &str,
        text: Option<String>,
        library: &mut Library,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        match export {
            "plugin_name" => self.description.name = text.filter(|text| !text.is_empty()),
            "plugin_schema" => {
                self.schema(text.as_deref().unwrap_or_default(), common, now, signalk);
            }
            "plugin_id" => self.description.id = text.filter(|text| !text.is_empty()),
            _ => {
                let (endpoints, complaints) = Endpoint::read(text.as_deref().unwrap_or_default());
                for complaint in complaints {
                    common.complain(complaint, now, signalk);
                }
                if !endpoints.is_empty() {
                    offer(endpoints, common, now, signalk);
                }
                self.phase = Phase::Starting;
                library.queue.extend(self.start.take().map(Work::Start));
            }
        }
        if export == self.last_text {
            common.outputs.push_back(Output::Described(self.description.clone()));
            match common.purpose {
                Purpose::Run => library.queue.push_back(Work::read("http_endpoints")),
                Purpose::Describe => common.end(Output::Stopped),
            }
        }
    }

    fn schema(
        &mut self,
        text: &str,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        if text.trim().is_empty() {
            return;
        }
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(schema @ serde_json::Value::Object(_)) => {
                self.description.schema = schema.to_string();
            }
            Ok(_) => common.complain(
                "the schema is no JSON object; {} is shown".to_owned(),
                now,
                signalk,
            ),
            Err(error) => {
                let text = format!("the schema is not JSON ({error}); {{}} is shown");
                common.complain(text, now, signalk);
            }
        }
    }

    /// Hands what the guest queued to the method table, and its output to the log.
    fn drain(
        &mut self,
        library: &mut Library,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        let Some(instance) = library.guest.instance() else { return };
        common.stats = instance.stats();
        common.usage.take(&mut library.usage);
        let mut lines: VecDeque<LogLine> = instance.take_log().into();
        self.stdout.extend(instance.take_stdout());
        while let Some(end) = self.stdout.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.stdout.drain(..=end).collect();
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            lines.push_back(LogLine { level: Level::Debug, text });
        }
        for line in lines {
            signalk.log(common.id(), line);
        }
        let Some(shared) = library.shared() else { return };
        let calls = shared.drain();
        let denied = std::mem::take(&mut shared.denied);
        common.account.counters.host_calls += denied;
        common.account.counters.host_call_errors += denied;
        common.account.counters.guest_faults += std::mem::take(&mut shared.guest_faults);
        let overflown = std::mem::take(&mut shared.overflown);
        common.outputs.extend(shared.net.take_effects().into_iter().map(Output::Effect));
        for trouble in shared.net.take_troubles() {
            common.complain(trouble, now, signalk);
        }
        if overflown > 0 {
            common.account.counters.deltas_out_dropped += overflown;
            let text =
                format!("{overflown} host calls in one slice were dropped: too many at once");
            common.complain(text, now, signalk);
        }
        for call in calls {
            if let Err(error) = perform(call, common, now, signalk) {
                common.account.counters.host_call_errors += 1;
                common.complain(error.to_string(), now, signalk);
            }
        }
    }
}

/// The first beat after `now`.
fn beat_after(now: Duration) -> Duration {
    let beat = BEAT.as_nanos();
    let into = u64::try_from(now.as_nanos() % beat).unwrap_or(0);
    now.saturating_add(BEAT).saturating_sub(Duration::from_nanos(into))
}

/// One queued call, through the one choke point.
fn perform(
    call: Queued,
    common: &mut Common,
    now: Duration,
    signalk: &mut dyn SignalK,
) -> Result<(), BridgeError> {
    let name = match &call {
        Queued::Delta { .. } => "deltas.emit",
        Queued::Status(Status::Ok(_)) => "status.set",
        Queued::Status(Status::Error(_)) => "status.error",
        Queued::Notification { .. } => "notifications.raise",
        Queued::SaveOptions(_) => "options.save",
        Queued::Register(registration) => register::method(registration),
        Queued::Binary { .. } => "streams.emit",
        Queued::Log(_) | Queued::Diagnostic(_) => "log",
    };
    let caller = &mut methods::admit(name, &mut common.account, signalk, now)?;
    match call {
        Queued::Delta { json, version } => return deltas::send(caller, &json, version),
        Queued::Status(Status::Ok(message)) => status::set(caller, status::Message { message })?,
        Queued::Status(Status::Error(message)) => {
            status::error(caller, status::Message { message })?;
        }
        Queued::Notification { path, value } => return notifications::send(caller, &path, value),
        Queued::SaveOptions(text) => return options::save_text(caller, &text),
        Queued::Register(registration) => register::register(caller, registration),
        Queued::Binary { stream, data } => streams::send(caller, stream, data),
        Queued::Log(line) => log::line(caller, line),
        Queued::Diagnostic(text) => log::line(caller, LogLine { level: Level::Warn, text }),
    }
    Ok(())
}

/// The endpoints of `http_endpoints`. Plugins that never declared them must keep working (plugin
/// ABI 1.3, W17): allowed and said.
fn offer(endpoints: Vec<Endpoint>, common: &mut Common, now: Duration, signalk: &mut dyn SignalK) {
    if !common.account.capabilities().has(Capability::HttpEndpoints) {
        let text = "has http_endpoints without the capability; add \"httpEndpoints\": true to wasmCapabilities: a later version may refuse them";
        common.complain(text.to_owned(), now, signalk);
    }
    signalk.register(common.id(), Registration::Http(endpoints));
}

/// What the core knows at once.
fn answer(
    until: &Until,
    common: &mut Common,
    now: Duration,
    signalk: &mut dyn SignalK,
) -> Option<String> {
    let mut caller = methods::admit("paths.get", &mut common.account, signalk, now).ok()?;
    let text = match until {
        Until::SelfPath(path) => paths::get_self(&mut caller, path),
        Until::RootPath(path) => paths::get_from_root(&mut caller, path),
        Until::World(_) => None,
    };
    text.filter(|text| text != "null")
}

/// Goes on with a text, `None` being "nothing there".
fn give_text(rest: &Rest, text: Option<&str>, library: &mut Library) {
    let (Give::Text { buffer, capacity }, Some(instance)) = (rest.give, library.guest.instance())
    else {
        return library.resume(&results(&rest.ty, 0));
    };
    let text = text.unwrap_or_default().as_bytes();
    let padded = instance.state::<Shared>().is_some_and(|shared| shared.traits.padded);
    let written = write(&mut instance.memory(), buffer, capacity, text, padded);
    library.resume(&results(&rest.ty, written));
}

/// Goes on with what the world said.
fn give_outcome(rest: Rest, outcome: net::Outcome, library: &mut Library, stops: bool) {
    let number = match (rest.give, outcome) {
        (Give::Body, net::Outcome::Answer(_, body)) => return library.resume_with(rest.ty, body),
        (Give::Body, outcome) => {
            if let (net::Outcome::Failed(text), Some(shared), false) =
                (outcome, library.shared(), stops)
            {
                shared.fetch_failed(&text);
            }
            0
        }
        (_, net::Outcome::Number(number)) => number,
        (_, net::Outcome::Answer(..) | net::Outcome::Head(_) | net::Outcome::Piece(_)) => 0,
        (_, net::Outcome::Failed(text)) => {
            if let Some(shared) = library.shared() {
                shared.say_once(text);
            }
            -1
        }
    };
    library.resume(&results(&rest.ty, number));
}

/// The answer to a request that nobody rests for; a guest that stops hears of none.
fn response(
    callback: i32,
    outcome: net::Outcome,
    shared: &mut Shared,
    stops: bool,
) -> Option<Response> {
    let (head, body) = match outcome {
        _ if stops => return None,
        net::Outcome::Answer(head, body) => (head, body),
        net::Outcome::Failed(text) => {
            shared.fetch_failed(&text);
            Default::default()
        }
        net::Outcome::Number(_) | net::Outcome::Head(_) | net::Outcome::Piece(_) => {
            Default::default()
        }
    };
    let FetchHead { status, redirected, .. } = head;
    Some(Response { callback, status: status.into(), redirected, body })
}

/// What is called once before everything else, in this order (plugin ABI 2.3).
fn entries(flavour: Flavour, module: &Module) -> impl Iterator<Item = &'static str> {
    let names: &[&str] = match flavour {
        Flavour::BufferCommand | Flavour::LegacyCommand => &["_start"],
        Flavour::BufferReactor => &["_initialize"],
        Flavour::AssemblyScript => &["_initialize", "_start"],
        Flavour::BufferLibrary | Flavour::JsonRpc => &[],
    };
    names.iter().copied().filter(|name| module.has_export(name)).collect::<Vec<_>>().into_iter()
}

/// What a client reads about a handler that ended the plugin.
fn failure(crash: &Crash) -> HandlerFailure {
    match crash {
        Crash::Fault(fault) => match **fault {
            Fault::Deadline { limit, .. } => HandlerFailure::Timeout { limit },
            _ => HandlerFailure::Crashed { text: crash.to_string() },
        },
        _ => HandlerFailure::Crashed { text: crash.to_string() },
    }
}

/// The configuration with `enableDebug` last, compact (plugin ABI 1.5).
pub(super) fn start_text(options: &str, enable_debug: bool) -> String {
    let mut options = match signalk_model::json::parse(options.as_bytes()) {
        Ok(serde_json::Value::Object(options)) => options,
        _ => serde_json::Map::new(),
    };
    options.shift_remove("enableDebug");
    options.insert("enableDebug".to_owned(), enable_debug.into());
    signalk_model::json::value_text(&serde_json::Value::Object(options))
}

pub(super) fn earlier(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::start_text;

    #[test]
    fn the_configuration_is_compact_with_enable_debug_last() {
        let text =
            start_text(r#"{ "enableDebug": true, "b": 1000.0, "a": [1, {"x": null}] }"#, false);
        assert_eq!(text, r#"{"b":1000,"a":[1,{"x":null}],"enableDebug":false}"#);
        assert_eq!(start_text("null", true), r#"{"enableDebug":true}"#);
    }
}
