//! The life of a plugin that is called by its exports: describe, start, poll, handle, deliver, stop.
//!
//! Clauses: plugin ABI 2.4, 3.1, 7.4, 8.1. How one export is called is
//! `abi/library.rs`; what a host call means is the method table. Here is what it does when;
//! `library/calls.rs`: what it asks for; `library/finished.rs`: what a call came to;
//! `library/world.rs`: news from outside.

mod calls;
mod finished;
mod world;

use std::collections::VecDeque;
use std::time::Duration;

use wasmi_hdk::wasi::StdoutTo;
use wasmi_hdk::{InstanceConfig, Interface, Module, START_SECTION, Stdin};

use self::calls::{answer, give_text};
use super::run::{Job, Run};
use super::{BATCH, Common, Description, Output, POLL_INTERVAL, STOP_DEADLINE, SessionConfig};
use crate::abi::Flavour;
use crate::abi::assemblyscript::AssemblyScript;
use crate::abi::convention::Convention;
use crate::abi::env::imports;
use crate::abi::library::{Library, Outcome};
use crate::abi::queue::{Rest, Shared, Traits, Until};
use crate::abi::work::Work;
use crate::handler::{DELTA_INPUT, HandlerCall, HandlerCallId, HandlerFailure};
use crate::net::{Fresh, Mail};
use crate::{Capability, Manifest, SignalK};

/// This host's own: how a form for the schema is drawn. Asked for only where it is exported.
const UI_SCHEMA: &str = "plugin_ui_schema";

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
    stop_until: Option<Duration>,
    /// Until then the guest waits for a message.
    wait_until: Option<Duration>,
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
            has_input_handler: module.has_export(DELTA_INPUT),
        };
        let instance = InstanceConfig {
            limits,
            args: Vec::new(),
            env: vec![
                ("PLUGIN_ID".to_owned(), manifest.id.to_string()),
                ("PLUGIN_PACKAGE".to_owned(), manifest.package_name.clone()),
            ],
            stdin: Stdin::Closed,
            stdout: StdoutTo::Log,
            fs: config.fs.filter(|_| capabilities.has(Capability::Storage)),
            imports: imports(),
            state: Box::new(shared),
            ..InstanceConfig::new(config.platform)
        };
        let convention = match flavour {
            Flavour::AssemblyScript => {
                Convention::AssemblyScript(AssemblyScript::new(config.rules.http_utf16))
            }
            _ => Convention::Buffer,
        };
        let mut library = Library::new(module, convention, instance, config.call_time);
        library.queue.extend(entries(flavour, module).map(Work::Entry));
        if flavour != Flavour::LegacyCommand {
            library.queue.extend([Work::read("plugin_name"), Work::read("plugin_schema")]);
        }
        if flavour != Flavour::LegacyCommand && module.has_export(UI_SCHEMA) {
            library.queue.push_back(Work::read(UI_SCHEMA));
        }
        // An old compiler's class numbers are learned from any text (plugin ABI 2.5); here there is no other.
        let teaches = flavour == Flavour::AssemblyScript
            && !["plugin_name", "plugin_schema"].iter().any(|name| module.has_export(name));
        let wants_id = (config.wants_id || teaches)
            && flavour != Flavour::LegacyCommand
            && module.has_export("plugin_id");
        if wants_id {
            library.queue.push_back(Work::read("plugin_id"));
        }
        let last_text = match library.queue.back() {
            Some(Work::Read { export, .. }) => export,
            _ => "",
        };
        Exports {
            interface: module.interface().clone(),
            mail: Mail::default(),
            handlers: VecDeque::new(),
            library: Some(Box::new(library)),
            phase: Phase::Describing,
            is_legacy: flavour == Flavour::LegacyCommand,
            start: Some(start),
            enable_debug: config.enable_debug,
            last_text,
            description: Description { schema: "{}".to_owned(), ..Description::default() },
            has_poll: module.has_export("poll"),
            has_delta_handler: module.has_export("delta_handler")
                && capabilities.has(Capability::DataRead),
            next_poll: None,
            stop_until: None,
            wait_until: None,
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
        let Some(start) = &mut self.start else { return };
        *start = start_text(options, self.enable_debug);
        if let Some(shared) = self.library.as_mut().and_then(|library| library.shared()) {
            options.clone_into(&mut shared.options);
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

    /// Nobody wants a reply any more: what has not begun does not begin.
    pub(super) fn forget(&mut self, id: HandlerCallId) {
        self.handlers.retain(|call| call.id != id);
    }

    pub(super) fn poll(&mut self, common: &mut Common, now: Duration) -> Output {
        if self.wait_until.is_some_and(|until| until <= now)
            && let Some(mut library) = self.library.take()
        {
            self.wait_until = None;
            self.heard(&mut library, common, Some(0));
            self.library = Some(library);
        }
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
            Outcome::Rests(_) => {
                return Output::Wait { until: earlier(self.wait_until, self.stop_until) };
            }
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
                let next = earlier(self.next_poll, common.beat());
                Output::Wait { until: earlier(next, self.stop_until) }
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
                Fresh::WebSocket(socket) => ("on_ws_message", socket.0),
                Fresh::Listener(listener) => ("on_tcp_accept", listener.0),
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
            if common.is_beat(now) {
                // Few enough to stop soon.
                for delivery in (0..BATCH).map_while(|_| common.waiting.pop_front()) {
                    library.queue.push_back(Work::Delta(delivery.delta.into_json()));
                }
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
        self.wait_until = match &library.outcome {
            Outcome::Rests(Rest { until: Until::Message { within, .. }, .. }) => {
                Some(now.saturating_add(*within))
            }
            _ => None,
        };
        match std::mem::replace(&mut library.outcome, Outcome::More) {
            Outcome::Rests(rest)
                if matches!(rest.until, Until::SelfPath(_) | Until::RootPath(_)) =>
            {
                let answer = answer(&rest.until, common, now, signalk);
                library.charge(common.account.take_owed());
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
}

/// What is called once before everything else, in this order (plugin ABI 2.3). The start section is
/// one of them, so that it has the time of a start and waits for what it asks.
fn entries(flavour: Flavour, module: &Module) -> impl Iterator<Item = &'static str> {
    // A legacy command is refused after its first entry, before which it runs by itself.
    let starts = module.has_start_section() && flavour != Flavour::LegacyCommand;
    let names: &[&str] = match flavour {
        Flavour::BufferCommand | Flavour::LegacyCommand => &["_start"],
        Flavour::BufferReactor => &["_initialize"],
        Flavour::AssemblyScript => &["_initialize", "_start"],
        Flavour::BufferLibrary | Flavour::JsonRpc => &[],
    };
    let named = names.iter().copied().filter(|name| module.has_export(name));
    starts.then_some(START_SECTION).into_iter().chain(named).collect::<Vec<_>>().into_iter()
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
