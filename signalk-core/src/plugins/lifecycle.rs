//! Start, run, stop, crash, start again: what follows from what.
//!
//! Clauses: plugin ABI 8.1, 8.2; requirements R95 to R107. The waits between
//! restarts are `wasmi_hdk::Supervisor`'s; the guest is the `Session`'s.

use std::time::Duration;

use serde_json::json;
use signalk_bridge::{
    Cause, Code, Crash, Failure, HandlerFailure, Input, Output as Said, Purpose, Session,
    SessionConfig, Status,
};
use signalk_model::{Delta, SourceRef, Update, Value};
use wasmi_hdk::supervisor::{Action, Event};

use super::Plugins;
use super::desk::Desk;
use super::host::Host;
use super::plugin::{ModuleInfo, Plugin, State};
use super::reload::Reload;
use super::remedy;
use super::routes::At;
use crate::io::{Effect, LogLevel, ModuleFiles, Output};

/// What the owner reads when a plugin is given up (plugin ABI 8.2).
const GIVEN_UP: &str = "Plugin repeatedly crashing, automatic restart disabled";

impl Plugins {
    /// A person, or the start of the server, wants it to run.
    pub(super) fn start(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if plugin.session.is_some() || plugin.reading.is_some() {
            // Being described, or stopping: afterwards, with its own folder.
            plugin.start_again = true;
            return;
        }
        if plugin.supervisor.handle(now, Event::Start) == Action::Start {
            self.begin(at, Purpose::Run, host);
        }
    }

    /// Asks for the module; the session follows in `handle_module`.
    pub(super) fn begin(&mut self, at: At, purpose: Purpose, host: &mut dyn Host) {
        let allowance = self.settings.allowance();
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if purpose == Purpose::Run {
            plugin.state = State::Starting;
            plugin.record.set_status(host.unix_ms(), None);
        }
        let wants_files = purpose == Purpose::Run
            && plugin.manifest.capabilities.has(signalk_bridge::Capability::Storage);
        // What is wrong with the limits is said when the module is there.
        let limits = plugin.options.limits();
        let (allowance, _) = allowance.narrowed_by(&plugin.manifest.id, limits);
        plugin.reading = Some(purpose);
        host.push(Output::Effect(Effect::ReadModule {
            plugin: plugin.manifest.id.clone(),
            dir: plugin.dir.clone(),
            wasm: plugin.manifest.wasm.clone(),
            want_code: plugin.reload.as_ref().and_then(Reload::module).is_none(),
            fs: wants_files.then_some(allowance.quota),
        }));
    }

    /// A person, or the end of the server, wants it to stop.
    pub(super) fn stop(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        plugin.start_again = false;
        plugin.buffer.discard();
        let was_reading = plugin.forget_reading();
        let reloaded = plugin.reload.is_some();
        self.reload_done(at, Err("stopped before it was complete".to_owned()));
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if was_reading || (reloaded && plugin.session.is_none()) {
            plugin.supervisor.handle(now, Event::Stop);
            self.stopped(at, now, host);
        } else if plugin.session.is_some() {
            plugin.supervisor.handle(now, Event::Stop);
            plugin.stopping = true;
            self.registrations.inputs_changed = true;
            self.input(at, now, Input::Stop, host);
        } else if plugin.state == State::Crashed || plugin.state == State::Error {
            plugin.supervisor.handle(now, Event::Stop);
            self.stopped(at, now, host);
        }
    }

    /// The module was read, or could not be.
    pub(super) fn module_read(
        &mut self,
        at: At,
        now: Duration,
        result: Result<ModuleFiles, String>,
        host: &mut dyn Host,
    ) {
        let (engine, info) = (self.engine.clone(), self.settings.host.clone());
        let allowance = self.settings.allowance();
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if plugin.stale_reads > 0 {
            plugin.stale_reads -= 1;
            return;
        }
        // `None`: it was stopped while the disk was slow.
        let Some(purpose) = plugin.reading.take() else { return };
        let files = match result {
            Ok(files) => files,
            // What the disk says has its remedy in it.
            Err(text) => return self.failed(at, now, &Failure::new(Cause::Told, text), host),
        };
        plugin.purpose = purpose;
        let code = match plugin.reload.as_ref().and_then(Reload::module) {
            Some(before) => Code::Module(before.clone()),
            None => {
                let (hash, bytes) = (files.hash, files.wasm.len());
                let known = self.descriptions.get(&plugin.manifest.id, &hash);
                plugin.module = Some(ModuleInfo { hash, bytes });
                if let (Purpose::Describe, Some(known)) = (purpose, known) {
                    plugin.description = Some(known);
                    return self.stopped(at, now, host);
                }
                Code::Bytes(files.wasm)
            }
        };
        plugin.life += 1;
        plugin.record.complaints.clear();
        let id = &plugin.manifest.id;
        let (allowance, complaints) = allowance.narrowed_by(id, plugin.options.limits());
        for complaint in complaints {
            host.say(LogLevel::Error, id, complaint.clone());
            plugin.record.complain(host.unix_ms(), complaint);
        }
        plugin.record.log_budget.per_second = allowance.limits.stderr_lines_per_second;
        let (egress, complaints) = plugin.options.egress(&plugin.manifest);
        plugin.egress = egress.into();
        let (rules, more) = plugin.options.rules(&plugin.manifest.id);
        plugin.rules = rules;
        for complaint in complaints.into_iter().chain(more) {
            host.say(LogLevel::Warn, &plugin.manifest.id, complaint.clone());
            plugin.record.complaints.push(complaint);
        }
        let config = SessionConfig {
            engine,
            limits: allowance.limits,
            call_time: allowance.call_time,
            platform: host.platform(),
            fs: files.fs,
            host: info,
            options: plugin.options.configuration(),
            enable_debug: plugin.options.enable_debug(),
            deltas_per_second: allowance.deltas_per_second,
            queue: allowance.queue,
            rules: plugin.rules.clone(),
            wants_id: !plugin.options.exists() && !self.option_files.is_empty(),
            purpose,
        };
        plugin.session = Some(Session::new(&plugin.manifest, code, config));
        plugin.dirty = true;
    }

    /// Hands an input to the session.
    pub(super) fn input(&mut self, at: At, now: Duration, input: Input, host: &mut dyn Host) {
        self.with_session(at, now, host, |session, desk| session.handle_input(now, input, desk));
        if let Some(plugin) = self.plugins.get_mut(at) {
            plugin.dirty = true;
        }
    }

    /// Lends the session everything that the plugin's calls may touch.
    fn with_session<R>(
        &mut self,
        at: At,
        now: Duration,
        host: &mut dyn Host,
        work: impl FnOnce(&mut Session, &mut Desk<'_>) -> R,
    ) -> Option<R> {
        let plugin = self.plugins.get_mut(at)?;
        let enabled = plugin.enabled();
        let mut deliver = Vec::new();
        let session = plugin.session.as_mut()?;
        let mut desk = Desk {
            now,
            at,
            life: plugin.life,
            enabled,
            record: &mut plugin.record,
            options: &mut plugin.options,
            routes: &mut self.routes,
            registrations: &mut self.registrations,
            sockets: &mut self.sockets,
            deliver: &mut deliver,
            host,
        };
        let result = work(session, &mut desk);
        let last_values = std::mem::take(desk.deliver);
        if !last_values.is_empty() {
            session.handle_input(now, Input::Deltas(last_values), &mut desk);
        }
        Some(result)
    }

    /// Polls the session until it waits.
    pub(super) fn drive(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        loop {
            let said = self.with_session(at, now, host, |session, desk| {
                let said = session.poll_output(now, desk);
                desk.record.measured(now, session.counters(), session.stats());
                said
            });
            match said {
                None => return,
                Some(Said::Wait { until }) => {
                    if let Some(plugin) = self.plugins.get_mut(at) {
                        plugin.wake = until;
                    }
                    return;
                }
                Some(said) => self.follow(at, now, said, host),
            }
        }
    }

    fn follow(&mut self, at: At, now: Duration, said: Said, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        match said {
            Said::Run(run) => {
                let plugin = plugin.manifest.id.clone();
                host.push(Output::Run { plugin, run });
            }
            Said::Effect(effect) => {
                plugin.connected = true;
                let (egress, life) = (plugin.egress.clone(), plugin.life);
                let plugin = plugin.manifest.id.clone();
                host.push(Output::Effect(Effect::Plugin { plugin, life, egress, effect }));
            }
            Said::Exchange { id, wish } => self.exchange_wish(now, id, wish, host),
            Said::Handled { id, reply } => {
                // Whoever asked knows whether it matters that there is no such handler. What nobody waits for any more was
                // counted when it was late, or its client left.
                if let Err(failure) = &reply
                    && self.calls.awaits(id)
                    && !matches!(
                        failure,
                        HandlerFailure::NotRunning | HandlerFailure::NotFound { .. }
                    )
                {
                    let plugin = plugin.manifest.id.clone();
                    self.handler_failed(now, &plugin, &failure.to_string(), host);
                }
                self.handled(id, reply);
            }
            Said::Described(description) => self.described(at, now, description, host),
            Said::Started => self.started(at, now, host),
            Said::Failed(failure) => self.failed(at, now, &failure, host),
            Said::Stopped => self.stopped(at, now, host),
            Said::Crashed(crash) => self.crashed(at, now, &crash, host),
            Said::Wait { .. } => {}
        }
    }

    fn started(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        plugin.state = State::Running;
        plugin.supervisor.handle(now, Event::Started);
        if plugin.record.status.is_none() {
            plugin.record.set_status(host.unix_ms(), Some(Status::Ok("Started".to_owned())));
        }
        self.routes.keep_only(at, plugin.life);
        self.registrations.started(at);
        if plugin.session.as_ref().is_some_and(Session::has_delta_handler) {
            self.routes.handle_all(at, plugin.manifest.subscribe.as_deref());
        } else {
            self.routes.handle_none(at);
        }
        let replay = plugin.replay();
        host.say(LogLevel::Info, &plugin.manifest.id, "started".to_owned());
        host.plugins_changed();
        self.reload_worked(at);
        if let Some(input) = replay {
            self.input(at, now, input, host);
        }
    }

    /// It cannot be started: nobody tries again before a person does something.
    fn failed(&mut self, at: At, now: Duration, failure: &Failure, host: &mut dyn Host) {
        let text = failure.to_string();
        if self.reload_after_stop(at, host) || self.reload_falls_back(at, now, &text, host) {
            return;
        }
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        let remedy = remedy::of_failure(&plugin.manifest.id, failure);
        plugin.supervisor.handle(now, Event::Stop);
        plugin.buffer.discard();
        plugin.state = State::Error;
        self.ended(at, text, remedy, host);
        self.routes.remove(at);
        self.after_end(at, now, host);
    }

    fn stopped(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        if self.reload_after_stop(at, host) {
            return;
        }
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        let ran = plugin.purpose == Purpose::Run;
        Self::life_over(plugin, host);
        // A plugin that was only described keeps what is known about it.
        if ran || plugin.state != State::Error {
            plugin.state = State::Stopped;
        }
        if ran {
            plugin.record.set_status(host.unix_ms(), Some(Status::Ok("Stopped".to_owned())));
            plugin.supervisor.handle(now, Event::Stop);
            host.say(LogLevel::Info, &plugin.manifest.id, "stopped".to_owned());
        }
        self.end_offers(at, host);
        self.routes.remove(at);
        host.plugins_changed();
        match ran {
            true => self.reload_done(at, Err("it stopped by itself".to_owned())),
            false => self.reload_worked(at),
        }
        self.after_end(at, now, host);
    }

    /// The host itself failed over this guest. As a crash, so that it is stopped, named and started again like any other; the
    /// session still waits for the piece and would do so for ever.
    pub(super) fn lost(&mut self, at: At, now: Duration, reason: &str, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at).filter(|plugin| plugin.session.is_some())
        else {
            return;
        };
        if plugin.stopping {
            return self.stopped(at, now, host);
        }
        let id = &plugin.manifest.id;
        let text = format!(
            "plugin `{id}`: the host panicked while it executed this plugin: {reason}; this is a fault of the server, please report it"
        );
        self.crashed(at, now, &Crash::Text(text), host);
        if let Some(plugin) = self.plugins.get_mut(at) {
            plugin.dirty = true;
        }
    }

    /// A crash while running, or while starting: the next life comes after a while.
    ///
    /// A decision: the diagram of plugin ABI 8.1 has a trap in `plugin_start` end in `error`. What keeps a start from
    /// working often passes (a device that is not up yet), so it is tried again like any crash; DESIGN.md.
    fn crashed(&mut self, at: At, now: Duration, crash: &Crash, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        let text = crash.to_string();
        plugin.record.crashed(crash);
        if self.reload_after_stop(at, host) || self.reload_falls_back(at, now, &text, host) {
            return;
        }
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        let remedy = remedy::of_crash(&plugin.manifest.id, crash);
        for delivery in plugin.session.as_mut().map(Session::take_waiting).unwrap_or_default() {
            plugin.buffer.push(delivery);
        }
        if plugin.purpose == Purpose::Describe {
            plugin.state = State::Error;
            return self.failed(at, now, &crash.clone().into(), host);
        }
        plugin.state = State::Crashed;
        let action = plugin.supervisor.handle(now, Event::Crashed);
        self.ended(at, text, Some(remedy), host);
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if action == Action::Disable {
            plugin.state = State::Error;
            plugin.buffer.discard();
            plugin.alarmed = true;
            let given_up = Some(Status::Error(GIVEN_UP.to_owned()));
            plugin.record.set_status(host.unix_ms(), given_up);
            let message = match &plugin.record.last_error {
                Some(error) => format!("{GIVEN_UP}: {}", error.text),
                None => GIVEN_UP.to_owned(),
            };
            let id = plugin.manifest.id.clone();
            self.routes.remove(at);
            host.say(LogLevel::Error, &id, GIVEN_UP.to_owned());
            notify(&id, "alert", &["visual"], &message, now, host);
        }
        self.after_end(at, now, host);
    }

    /// The session is over and left an error behind.
    pub(super) fn ended(
        &mut self,
        at: At,
        text: String,
        remedy: Option<String>,
        host: &mut dyn Host,
    ) {
        self.end_offers(at, host);
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        Self::life_over(plugin, host);
        host.say(LogLevel::Error, &plugin.manifest.id, text.clone());
        plugin.record.error_with(host.unix_ms(), text, remedy);
        host.plugins_changed();
    }

    /// The session is gone, and with it all that the edge keeps for it.
    pub(super) fn life_over(plugin: &mut Plugin, host: &mut dyn Host) {
        plugin.learn();
        let session = plugin.session.take();
        plugin.stopping = false;
        plugin.wake = None;
        plugin.record.life_ended(session.as_ref().map(Session::usage));
        if std::mem::take(&mut plugin.connected) {
            let (id, life) = (plugin.manifest.id.clone(), plugin.life);
            host.push(Output::Effect(Effect::PluginEnded { plugin: id, life }));
        }
    }

    /// What the plugin offered to clients, and what they wait for, ends with its life (plugin ABI W19).
    pub(super) fn end_offers(&mut self, at: At, host: &mut dyn Host) {
        self.registrations.remove(at);
        self.end_calls(at);
        self.end_sockets(at, host);
        if let Some(plugin) = self.plugins.get(at) {
            host.end_binary(&plugin.manifest.id);
        }
    }

    /// A start that had to wait for the end.
    fn after_end(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if std::mem::take(&mut plugin.start_again) && !self.stopping {
            self.start(at, now, host);
        }
    }

    /// Restarts that are due.
    pub(super) fn supervise(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if plugin.supervisor.poll_timeout().is_some_and(|due| due <= now)
            && plugin.supervisor.handle(now, Event::Tick) == Action::Start
        {
            plugin.record.restarts += 1;
            self.begin(at, Purpose::Run, host);
        }
    }

    /// The owner did something about a plugin that was given up.
    pub(super) fn forgive(plugin: &mut Plugin, now: Duration, host: &mut dyn Host) {
        if std::mem::take(&mut plugin.alarmed) {
            let id = plugin.manifest.id.clone();
            notify(&id, "normal", &[], "", now, host);
        }
    }
}

/// A notification of the server about a plugin.
fn notify(
    id: &str,
    state: &str,
    method: &[&str],
    message: &str,
    now: Duration,
    host: &mut dyn Host,
) {
    let path = format!("notifications.plugins.{}", id.replace('.', "_"));
    let value = json!({ "state": state, "method": method, "message": message });
    let update = Update::new().with_value(path.as_str(), Value::from_json(value));
    let delta = Delta::for_self().with_update(update);
    host.handle_server_delta(now, delta, &SourceRef::from("plugins"));
}
