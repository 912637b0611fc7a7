//! Start, run, stop, start again: what follows from what.
//!
//! Clauses: plugin ABI 8.1, 8.2; requirements R95 to R107. The waits between restarts are `wasmi_hdk::Supervisor`'s,
//! the guest is the `Session`'s. How it is loaded is `loading.rs`; how a life ends `endings.rs`.

use std::time::Duration;

use signalk_bridge::{Input, Purpose, Session};
use wasmi_hdk::supervisor::{Action, Event};

use super::Plugins;
use super::host::Host;
use super::plugin::State;
use super::routes::{At, Form};
use crate::io::{LogArea, LogLevel};

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

    /// A person, or the end of the server, wants it to stop.
    pub(super) fn stop(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        plugin.start_again = false;
        plugin.kept = None;
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
            let text = "stopping".to_owned();
            host.say(LogArea::Lifecycle, LogLevel::Debug, &plugin.manifest.id, text);
            self.registrations.inputs_changed = true;
            self.input(at, now, Input::Stop, host);
        } else if plugin.state == State::Crashed || plugin.state == State::Error {
            plugin.supervisor.handle(now, Event::Stop);
            self.stopped(at, now, host);
        }
    }

    pub(super) fn started(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        plugin.state = State::Running;
        plugin.supervisor.handle(now, Event::Started);
        plugin.record.started(host.unix_ms());
        self.routes.keep_only(at, plugin.life);
        self.registrations.started(at);
        let session = plugin.session.as_ref();
        let form = if session.is_some_and(Session::has_values_handler) {
            Some(Form::Values)
        } else {
            session.is_some_and(Session::has_delta_handler).then_some(Form::Text)
        };
        match form {
            Some(form) => {
                let patterns = plugin.manifest.subscribe.as_deref();
                self.routes.handle_all(at, plugin.life, form, patterns);
            }
            None => self.routes.handle_none(at),
        }
        let replay = plugin.replay();
        host.say(LogArea::Lifecycle, LogLevel::Info, &plugin.manifest.id, "started".to_owned());
        host.plugins_changed();
        self.reload_worked(at);
        if let Some(input) = replay {
            self.input(at, now, input, host);
        }
    }

    /// A start that had to wait for the end.
    pub(super) fn after_end(&mut self, at: At, now: Duration, host: &mut dyn Host) {
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
}
