//! A plugin is loaded anew without a restart of the server: changed module, changed package.json.
//!
//! Clauses: plugin ABI 8.3; requirement R97. The order is: stop, read package.json and the options file
//! (the owner may have written into it by hand), load, describe, start; subscriptions stay, deltas wait and are
//! replayed. When the new module cannot be loaded or started, the one from before runs again and the client is told.

use std::time::Duration;

use signalk_bridge::{HandlerFailure, Input, Manifest, Purpose};
use wasmi_hdk::{Module, supervisor::Action, supervisor::Event};

use super::calls::Then;
use super::host::Host;
use super::plugin::{Plugin, State};
use super::routes::At;
use super::{PluginSettings, Plugins};
use crate::io::{Effect, LogArea, LogLevel, Output};

/// A client waits no longer; the reload goes on.
const PATIENCE: Duration = Duration::from_secs(60);

/// A reload on its way.
pub(super) struct Reload {
    answers: Vec<Then>,
    until: Duration,
    /// What ran before, until it is known that the new module does.
    before: Option<Module>,
    phase: Phase,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// The old life ends.
    Stopping,
    /// package.json is being read.
    Package,
    /// The new module is loaded and started.
    Loading,
    /// It failed, so, and the old one is started again.
    Back(String),
}

impl Plugins {
    /// `POST /plugins/:id/reload`; `None`: there is no such plugin. `then` is called later, never from here.
    pub(crate) fn reload(
        &mut self,
        now: Duration,
        id: &str,
        host: &mut dyn Host,
        then: Then,
    ) -> Option<()> {
        let (at, _) = self.find(id)?;
        let off = match (self.settings.enabled, self.stopping) {
            (false, _) => Some("plugins are switched off (--no-plugins or DISABLEPLUGINS)"),
            (_, true) => Some("the server is stopping"),
            _ => None,
        };
        if let Some(why) = off {
            self.calls.end_now(then, Err(HandlerFailure::Failed(why.to_owned())));
            return Some(());
        }
        let plugin = self.plugins.get_mut(at)?;
        if let Some(reload) = &mut plugin.reload {
            reload.answers.push(then);
            return Some(());
        }
        Self::forgive(plugin, now, host);
        let before = plugin.session.as_ref().filter(|_| plugin.state == State::Running);
        plugin.reload = Some(Reload {
            answers: vec![then],
            until: now.saturating_add(PATIENCE),
            before: before.and_then(|session| session.module().cloned()),
            phase: Phase::Stopping,
        });
        plugin.start_again = false;
        plugin.supervisor.handle(now, Event::Stop);
        plugin.forget_reading();
        if plugin.session.is_some() {
            self.input(at, now, Input::Stop, host);
        } else {
            self.read_package(at, host);
        }
        self.poll(now, host);
        Some(())
    }

    /// The old life has ended: deltas that it did not take wait for the new one.
    pub(super) fn reload_after_stop(&mut self, at: At, host: &mut dyn Host) -> bool {
        let Some(plugin) = self.plugins.get_mut(at) else { return false };
        if !plugin.reload.as_ref().is_some_and(|reload| reload.phase == Phase::Stopping) {
            return false;
        }
        for delivery in plugin.session.as_mut().map(|s| s.take_waiting()).unwrap_or_default() {
            plugin.buffer.push(delivery);
        }
        Self::life_over(plugin, host);
        self.end_offers(at, host);
        self.read_package(at, host);
        true
    }

    fn read_package(&mut self, at: At, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if let Some(reload) = &mut plugin.reload {
            reload.phase = Phase::Package;
        }
        if plugin.enabled() {
            plugin.state = State::Starting;
        }
        let (plugin, dir) = (plugin.manifest.id.clone(), plugin.dir.clone());
        host.push(Output::Effect(Effect::ReadPackage { plugin, dir }));
        host.plugins_changed();
    }

    /// The package.json was read, or could not be: then the old one holds.
    pub(super) fn package_read(
        &mut self,
        at: At,
        now: Duration,
        (result, options): (Result<String, String>, Option<String>),
        host: &mut dyn Host,
    ) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        let Some(reload) = plugin.reload.as_mut().filter(|r| r.phase == Phase::Package) else {
            return;
        };
        reload.phase = Phase::Loading;
        let settings = &self.settings;
        if let Err(complaint) = result.and_then(|text| plugin.take_package(&text, settings)) {
            host.say(LogArea::Loader, LogLevel::Warn, &plugin.manifest.id, complaint);
        }
        if let Some(text) = options {
            plugin.take_options(&text, host);
        }
        for complaint in &plugin.complaints {
            host.say(LogArea::Loader, LogLevel::Warn, &plugin.manifest.id, complaint.clone());
        }
        self.load(at, now, host);
    }

    fn load(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if !plugin.enabled() {
            self.begin(at, Purpose::Describe, host);
        } else if plugin.supervisor.handle(now, Event::Start) == Action::Start {
            self.begin(at, Purpose::Run, host);
        }
    }

    /// The new module failed. True: the one from before gets its turn.
    pub(super) fn reload_falls_back(
        &mut self,
        at: At,
        now: Duration,
        text: &str,
        host: &mut dyn Host,
    ) -> bool {
        let Some(plugin) = self.plugins.get_mut(at) else { return false };
        let Some(reload) = &mut plugin.reload else { return false };
        match &reload.phase {
            Phase::Loading if reload.before.is_some() => {
                reload.phase = Phase::Back(text.to_owned());
                plugin.supervisor.handle(now, Event::Stop);
                self.ended(at, text.to_owned(), None, host);
                self.load(at, now, host);
                true
            }
            Phase::Back(first) => {
                let text =
                    format!("{first}; the module from before could not be started either: {text}");
                self.reload_done(at, Err(text));
                false
            }
            _ => {
                self.reload_done(at, Err(text.to_owned()));
                false
            }
        }
    }

    /// It runs again, or is described.
    pub(super) fn reload_worked(&mut self, at: At) {
        let Some(plugin) = self.plugins.get(at) else { return };
        let result = match plugin.reload.as_ref().map(|reload| &reload.phase) {
            Some(Phase::Back(why)) => Err(format!("{why}; the module from before runs again")),
            _ => Ok(()),
        };
        self.reload_done(at, result);
    }

    /// Tells whoever waits.
    pub(super) fn reload_done(&mut self, at: At, result: Result<(), String>) {
        let Some(reload) = self.plugins.get_mut(at).and_then(|plugin| plugin.reload.take()) else {
            return;
        };
        for then in reload.answers {
            let reply = result.clone().map(|()| String::new()).map_err(HandlerFailure::Failed);
            self.calls.end_now(then, reply);
        }
    }

    /// Clients do not wait for ever.
    pub(super) fn expire_reload(&mut self, at: At, now: Duration) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        let Some(reload) = plugin.reload.as_mut().filter(|reload| reload.until <= now) else {
            return;
        };
        for then in std::mem::take(&mut reload.answers) {
            let text = format!(
                "not complete after {} s and still going on; see the plugin's diagnostics",
                PATIENCE.as_secs()
            );
            self.calls.end_now(then, Err(HandlerFailure::Failed(text)));
        }
    }
}

impl Reload {
    /// When somebody has waited long enough.
    pub(super) fn deadline(&self) -> Option<Duration> {
        (!self.answers.is_empty()).then_some(self.until)
    }

    /// The module that takes the place of the file's, if it is its turn.
    pub(super) fn module(&self) -> Option<&Module> {
        self.before.as_ref().filter(|_| matches!(self.phase, Phase::Back(_)))
    }
}

impl Plugin {
    /// Takes over a changed package.json of the same plugin.
    fn take_package(&mut self, text: &str, settings: &PluginSettings) -> Result<(), String> {
        let place = format!("{}/package.json", self.dir);
        let reading = Manifest::read(text.as_bytes())
            .map_err(|error| format!("{place}: {error}; what it said before holds"))?;
        if reading.manifest.id != self.manifest.id {
            return Err(format!(
                "{place}: names another plugin now, `{}`; restart the server to load it",
                reading.manifest.id
            ));
        }
        self.complaints =
            reading.complaints.iter().map(|complaint| format!("{place}: {complaint}")).collect();
        self.manifest = reading.manifest;
        settings.apply(&mut self.manifest);
        Ok(())
    }
}
