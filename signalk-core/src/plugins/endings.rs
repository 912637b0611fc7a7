//! How a life ends: stopped, crashed, could not be started; and what ends with it. Whether another follows is the
//! `wasmi_hdk::Supervisor`'s business, and `lifecycle.rs`' to do.

use std::time::Duration;

use serde_json::json;
use signalk_bridge::{Crash, Failure, Purpose, Session, Status};
use signalk_model::{Delta, SourceRef, Update, Value};
use wasmi_hdk::supervisor::{Action, Event};

use super::Plugins;
use super::host::Host;
use super::plugin::{Plugin, State};
use super::remedy;
use super::routes::At;
use crate::io::{Effect, LogArea, LogLevel, Output};

/// What the owner reads when a plugin is given up (plugin ABI 8.2).
const GIVEN_UP: &str = "Plugin repeatedly crashing, automatic restart disabled";

impl Plugins {
    /// It cannot be started: nobody tries again before a person does something.
    pub(super) fn failed(&mut self, at: At, now: Duration, failure: &Failure, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get(at) else { return };
        let text = match plugin.purpose {
            Purpose::Run => plugin.record.why_not_started(failure),
            Purpose::Describe => failure.to_string(),
        };
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

    pub(super) fn stopped(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        if self.reload_after_stop(at, host) {
            return;
        }
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        let ran = plugin.purpose == Purpose::Run;
        plugin.keep_guest();
        Self::life_over(plugin, host);
        // A plugin that was only described keeps what is known about it.
        if ran || plugin.state != State::Error {
            plugin.state = State::Stopped;
        }
        if ran {
            plugin.record.set_status(host.unix_ms(), Some(Status::Ok("Stopped".to_owned())));
            plugin.supervisor.handle(now, Event::Stop);
            host.say(LogArea::Lifecycle, LogLevel::Info, &plugin.manifest.id, "stopped".to_owned());
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

    /// The host itself failed over this guest. As a crash, so that it is stopped, named and started again like any
    /// other; the session still waits for the piece and would do so for ever.
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
    pub(super) fn crashed(&mut self, at: At, now: Duration, crash: &Crash, host: &mut dyn Host) {
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
            host.say(LogArea::Lifecycle, LogLevel::Error, &id, GIVEN_UP.to_owned());
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
        host.say(LogArea::Runtime, LogLevel::Error, &plugin.manifest.id, text.clone());
        plugin.record.error_with(host.unix_ms(), text, remedy);
        host.plugins_changed();
    }

    /// The session is gone, and with it all that the edge keeps for it.
    pub(super) fn life_over(plugin: &mut Plugin, host: &mut dyn Host) {
        plugin.learn();
        let session = plugin.session.take();
        if let Some(stats) = session.as_ref().map(Session::stats) {
            let text = format!(
                "this life used {} fuel in {} slices and {} host calls, and has {} bytes of memory",
                stats.fuel_used, stats.slices, stats.host_calls, stats.memory_bytes
            );
            host.say(LogArea::Runtime, LogLevel::Debug, &plugin.manifest.id, text);
        }
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
