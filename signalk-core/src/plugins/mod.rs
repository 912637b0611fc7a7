//! Who is loaded, started, configured. What a plugin may do lives in `signalk-bridge`.
//!
//! `Plugins` is driven with the server in hand (`Host`): it is told what
//! happened, and `Plugins::poll` pushes what is to be done. `registry.rs`:
//! packages; `lifecycle.rs`: start to crash; `routes.rs`: who gets which delta;
//! `options.rs`: the owner's file; `describe.rs`: what its schema says about it;
//! `limits.rs`: what it lets a plugin use; `desk.rs`: what a method call touches;
//! `registrations.rs`: what plugins offer; `calls.rs`: who waits for an answer of one; `exchanges.rs`: clients' bodies in pieces; `sockets.rs`: clients' WebSockets; `reload.rs`: loading anew;
//! `describe_cache.rs`: who is known without being loaded; `inputs.rs`: who looks at deltas before they are in the model; `diagnostics.rs`: what the owner is shown.

mod calls;
mod defaults;
mod delta_buffer;
mod describe;
mod describe_cache;
mod desk;
mod diagnostics;
mod endpoints;
mod exchanges;
mod host;
mod inputs;
mod lifecycle;
mod limits;
mod log_budget;
mod offers;
mod options;
mod plugin;
mod record;
mod registrations;
mod registry;
mod reload;
mod remedy;
mod routes;
mod schema_check;
mod sockets;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use signalk_bridge::{Delivery, HANDLER_PATIENCE, HostInfo, Input, PluginId, Purpose, Ran};
use signalk_model::{Context, Delta, Placement};
use wasmi_hdk::vfs::Quota;
use wasmi_hdk::{Engine, Level, Limits, LogLine};

use self::calls::Calls;
pub(crate) use self::calls::{Asked, Later};
pub(crate) use self::describe::Posted;
use self::describe_cache::Descriptions;
pub(crate) use self::diagnostics::LINES as DIAGNOSTIC_LINES;
use self::exchanges::Exchanges;
pub(crate) use self::exchanges::RequestBody;
pub(crate) use self::host::{Host, OwnSave, PluginPut};
use self::limits::Allowance;
pub(crate) use self::offers::{FoundEndpoint, FoundPut};
use self::plugin::{Plugin, State};
use self::registrations::Registrations;
use self::reload::Reload;
use self::routes::{At, Routes};
use self::sockets::Sockets;
use crate::io::{LogLevel, ModuleFiles};

/// What every plugin may use; its options file may say otherwise (`limits.rs`).
#[derive(Debug, Clone)]
pub(crate) struct PluginSettings {
    /// False: nothing is loaded (`--no-plugins`, `DISABLEPLUGINS`, `interfaces.wasm` in settings.json).
    pub(crate) enabled: bool,
    /// False: with a `security.json` nobody is shown what owners wrote for their plugins.
    pub(crate) shows_options: bool,
    pub(crate) limits: Limits,
    /// Guest time of one call; `None`: what the ABI gives to each kind of call.
    pub(crate) call_time: Option<Duration>,
    /// Deltas that a plugin may send per second.
    pub(crate) deltas_per_second: u32,
    /// Deltas that may wait for a plugin.
    pub(crate) queue: usize,
    pub(crate) host: HostInfo,
}

impl Default for PluginSettings {
    fn default() -> Self {
        let (name, version) = ("signalk-host", env!("CARGO_PKG_VERSION"));
        PluginSettings {
            enabled: true,
            shows_options: true,
            limits: Limits::default(),
            call_time: None,
            deltas_per_second: 2000,
            queue: 1000,
            host: HostInfo { name: name.to_owned(), version: version.to_owned() },
        }
    }
}

impl PluginSettings {
    fn allowance(&self) -> Allowance {
        Allowance {
            limits: self.limits.clone(),
            call_time: self.call_time,
            deltas_per_second: self.deltas_per_second,
            queue: self.queue,
            input_time: limits::INPUT_TIME,
            quota: Quota::default(),
        }
    }
}

/// Bytes of a handler's failure in the log.
const LONGEST_FAILURE: usize = 1000;

/// All plugins of the server.
pub(crate) struct Plugins {
    engine: Engine,
    settings: PluginSettings,
    /// Option files that no package has claimed yet, by id.
    option_files: BTreeMap<String, String>,
    plugins: Vec<Plugin>,
    ids: BTreeMap<PluginId, At>,
    routes: Routes,
    registrations: Registrations,
    calls: Calls,
    exchanges: Exchanges,
    sockets: Sockets,
    descriptions: Descriptions,
    /// Empty between two deltas: keeps the allocation.
    deliveries: Vec<(At, Delivery)>,
    stopping: bool,
    /// The latest `now`.
    clock: Option<Duration>,
}

impl Plugins {
    /// No plugin is known before the edge has looked. `option_files`: texts by plugin id; `descriptions`: the
    /// text of `plugin-descriptions.json`.
    pub(crate) fn new(
        settings: PluginSettings,
        option_files: BTreeMap<String, String>,
        descriptions: Option<&str>,
        self_context: Context,
    ) -> Plugins {
        Plugins {
            engine: Engine::new(),
            descriptions: Descriptions::read(descriptions, &settings.host.version),
            settings,
            option_files,
            plugins: Vec::new(),
            ids: BTreeMap::new(),
            routes: Routes::new(self_context),
            registrations: Registrations::default(),
            calls: Calls::default(),
            exchanges: Exchanges::default(),
            sockets: Sockets::default(),
            deliveries: Vec::new(),
            stopping: false,
            clock: None,
        }
    }

    /// A module was read, or could not be.
    pub(crate) fn handle_module(
        &mut self,
        now: Duration,
        plugin: &PluginId,
        result: Result<ModuleFiles, String>,
        host: &mut dyn Host,
    ) {
        if let Some(at) = self.ids.get(plugin).copied() {
            self.module_read(at, now, result, host);
        }
    }

    /// The package.json of a plugin that is loaded anew was read, or could not be.
    pub(crate) fn handle_package(
        &mut self,
        now: Duration,
        plugin: &PluginId,
        result: Result<String, String>,
        host: &mut dyn Host,
    ) {
        if let Some(at) = self.ids.get(plugin).copied() {
            self.package_read(at, now, result, host);
        }
    }

    /// A piece of guest work was executed.
    pub(crate) fn handle_ran(
        &mut self,
        now: Duration,
        plugin: &PluginId,
        ran: Ran,
        host: &mut dyn Host,
    ) {
        if let Some(at) = self.ids.get(plugin).copied() {
            self.input(at, now, Input::Ran(ran), host);
        }
    }

    /// A handler of a plugin gave no reply, or garbage: counted, and said in the plugin's own log.
    pub(crate) fn handler_failed(
        &mut self,
        now: Duration,
        id: &PluginId,
        text: &str,
        host: &mut dyn Host,
    ) {
        let Some(at) = self.ids.get(id) else { return };
        let Some(plugin) = self.plugins.get_mut(*at) else { return };
        if plugin.record.handler_failed(now) {
            let cut = text.floor_char_boundary(LONGEST_FAILURE);
            let text = format!("a handler failed: {}", text.get(..cut).unwrap_or_default());
            host.say(LogLevel::Warn, id, text.clone());
            plugin.record.log(host.unix_ms(), LogLine { level: Level::Warn, text });
        }
    }

    /// A PUT of a plugin has come to its end; `reply` is the object that a client gets.
    pub(crate) fn put_answered(
        &mut self,
        now: Duration,
        asker: &PluginPut,
        reply: String,
        host: &mut dyn Host,
    ) {
        let Some(at) = self.ids.get(&asker.plugin).copied() else { return };
        if self.plugins.get(at).is_some_and(|plugin| plugin.life == asker.life) {
            self.input(at, now, Input::PutDone { id: asker.id, reply }, host);
        }
    }

    /// A piece of guest work panicked: its guest does not come back.
    pub(crate) fn run_lost(
        &mut self,
        now: Duration,
        plugin: &PluginId,
        reason: &str,
        host: &mut dyn Host,
    ) {
        if let Some(at) = self.ids.get(plugin).copied() {
            self.lost(at, now, reason, host);
        }
    }

    /// News of the world for one life of a plugin.
    pub(crate) fn handle_report(
        &mut self,
        now: Duration,
        plugin: &PluginId,
        life: u64,
        report: signalk_bridge::Report,
        host: &mut dyn Host,
    ) {
        let Some(at) = self.ids.get(plugin).copied() else { return };
        if self.plugins.get(at).is_some_and(|plugin| plugin.life == life) {
            self.input(at, now, Input::Report(report), host);
        }
    }

    /// A delta that the server let through, whoever sent it.
    pub(crate) fn on_delta(
        &mut self,
        now: Duration,
        delta: &Delta,
        placement: Placement,
        host: &mut dyn Host,
    ) {
        let mut deliveries = std::mem::take(&mut self.deliveries);
        self.routes.route(now, delta, placement, host.store(), |at, delivery| {
            deliveries.push((at, delivery));
        });
        for (at, delivery) in deliveries.drain(..) {
            let Some(plugin) = self.plugins.get_mut(at).filter(|plugin| plugin.takes_deltas())
            else {
                continue;
            };
            if delivery.subscription.is_none() && plugin.sent(delta) {
                let (too_much, text) = plugin.is_echo_too_much(now);
                if let Some(text) = text {
                    host.say(LogLevel::Error, &plugin.manifest.id, text.clone());
                    plugin.record.error(host.unix_ms(), text);
                    host.status_changed();
                }
                if too_much {
                    continue;
                }
            }
            self.deliver(at, delivery);
        }
        self.deliveries = deliveries;
    }

    fn deliver(&mut self, at: At, delivery: Delivery) {
        match self.plugins.get_mut(at) {
            Some(plugin) if plugin.keeps_deltas() => plugin.keep(delivery),
            Some(plugin) => {
                if let Some(session) = &mut plugin.session {
                    plugin.dirty |= session.deliver(delivery);
                }
            }
            None => {}
        }
    }

    /// Does everything that is due and pushes what the edge is to do.
    pub(crate) fn poll(&mut self, now: Duration, host: &mut dyn Host) {
        self.clock = Some(now);
        if self.routes.poll_timeout().is_some_and(|due| due <= now) {
            let mut deliveries = Vec::new();
            self.routes.handle_timeout(now, |at, delivery| deliveries.push((at, delivery)));
            for (at, delivery) in deliveries {
                self.deliver(at, delivery);
            }
        }
        for id in self.late_handlers(now) {
            let text = format!("no reply within {HANDLER_PATIENCE:?}");
            self.handler_failed(now, &id, &text, host);
        }
        self.expire_calls(now, host);
        for at in 0..self.plugins.len() {
            self.supervise(at, now, host);
            self.expire_reload(at, now);
            let Some(plugin) = self.plugins.get_mut(at) else { continue };
            let due = plugin.wake.is_some_and(|wake| wake <= now);
            if std::mem::take(&mut plugin.dirty) || due {
                self.drive(at, now, host);
            }
        }
        self.save_descriptions(host);
    }

    /// When [`Plugins::poll`] is due without an input.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let plugins = self.plugins.iter();
        let waits = plugins.flat_map(|plugin| {
            let reload = plugin.reload.as_ref().and_then(Reload::deadline);
            [plugin.wake, plugin.supervisor.poll_timeout(), reload]
        });
        waits.chain([self.routes.poll_timeout(), self.calls.next_deadline()]).flatten().min()
    }

    /// Stops every plugin in good order.
    pub(crate) fn shutdown(&mut self, now: Duration, host: &mut dyn Host) {
        self.stopping = true;
        for at in 0..self.plugins.len() {
            self.stop(at, now, host);
        }
        self.poll(now, host);
    }

    /// Whether no plugin lives any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.plugins.iter().all(|plugin| plugin.session.is_none())
    }

    /// `GET /plugins`, sorted by name.
    pub(crate) fn list_json(&self) -> Value {
        let mut plugins: Vec<&Plugin> = self.plugins.iter().collect();
        plugins.sort_by_key(|plugin| plugin.name());
        plugins.iter().map(|plugin| plugin.list_entry(&self.settings)).collect()
    }

    /// What plugins say about themselves, as rows of PROVIDERSTATUS.
    pub(crate) fn status_rows(&self) -> Vec<Value> {
        let rows = self.plugins.iter().map(|plugin| plugin.record.status_row(&plugin.manifest.id));
        rows.flatten().collect()
    }

    /// What the disk made of options that a plugin saved itself.
    pub(crate) fn own_options_saved(
        &mut self,
        now: Duration,
        save: OwnSave,
        result: Result<(), String>,
        host: &mut dyn Host,
    ) {
        let OwnSave { plugin: id, life, id: waits } = save;
        let Some(at) = self.ids.get(&id).copied() else { return };
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if let Err(text) = &result {
            plugin.record.saves_failed += 1;
            let text = format!(
                "plugin `{id}`: `options.save`: {text}; it goes on with these options until it is stopped: make room, and save them again"
            );
            host.say(LogLevel::Error, &id, text.clone());
            plugin.record.failed(host.unix_ms(), text);
            host.status_changed();
        }
        if let Some(save) = waits.filter(|_| plugin.life == life) {
            self.input(
                at,
                now,
                Input::Report(signalk_bridge::Report::Saved { save, result }),
                host,
            );
        }
    }

    /// Whether this package is a plugin that its owner has switched off.
    pub(crate) fn is_disabled(&self, package: &str) -> bool {
        let mut all = self.plugins.iter();
        all.any(|plugin| plugin.manifest.package_name == package && !plugin.enabled())
    }

    /// The folder of an enabled plugin that offers files below its own address.
    pub(crate) fn static_folder(&self, id: &str) -> Option<&str> {
        let (_, plugin) = self.find(id).filter(|(_, plugin)| plugin.enabled())?;
        let manifest = &plugin.manifest;
        let says_so = manifest.capabilities.has(signalk_bridge::Capability::StaticFiles)
            || manifest.keywords.iter().any(|word| word == "signalk-webapp");
        says_so.then_some(plugin.dir.as_str())
    }

    /// `GET /plugins/:id`.
    pub(crate) fn info(&self, id: &str) -> Option<Value> {
        self.find(id).map(|(_, plugin)| plugin.info())
    }

    /// `GET /plugins/:id/config`.
    pub(crate) fn config(&self, id: &str) -> Option<Value> {
        self.find(id).map(|(_, plugin)| plugin.options.shown(plugin.manifest.enabled_by_default))
    }

    /// `POST /plugins/:id/config`: the file to save, by name and text; the plugin
    /// is started, stopped or started anew as the new options say.
    pub(crate) fn save_config(
        &mut self,
        now: Duration,
        id: &str,
        body: Map<String, Value>,
        host: &mut dyn Host,
    ) -> Posted {
        let Some((at, _)) = self.find(id) else { return Posted::NoSuchPlugin };
        if let Some(refusal) = self.refusal(at, &body) {
            return Posted::Refused(refusal);
        }
        let enabled_here = self.settings.enabled;
        let Some(plugin) = self.plugins.get_mut(at) else { return Posted::NoSuchPlugin };
        plugin.options.post(body);
        let (name, text) = plugin.options.file(&plugin.manifest.id);
        Self::forgive(plugin, now, host);
        let (wanted, state) = (plugin.enabled() && enabled_here, plugin.state);
        if matches!(state, State::Running | State::Starting | State::Crashed | State::Error) {
            self.stop(at, now, host);
        }
        if wanted {
            self.start(at, now, host);
        }
        host.plugins_changed();
        self.poll(now, host);
        Posted::Taken { name, text }
    }

    /// Whether a plugin has done what was last asked of it: the reply to a saved configuration waits
    /// for that (plugin ABI 8.4).
    pub(crate) fn is_settled(&self, id: &str) -> bool {
        self.find(id).is_none_or(|(_, plugin)| plugin.is_settled())
    }

    /// By id, or by package name as an alias.
    fn find(&self, id: &str) -> Option<(At, &Plugin)> {
        let at = self.ids.get(id).or_else(|| self.ids.get(&PluginId::from_package(id)))?;
        self.plugins.get(*at).map(|plugin| (*at, plugin))
    }

    /// Reads name and schema of a plugin that is not to run.
    fn describe(&mut self, at: At, host: &mut dyn Host) {
        self.begin(at, Purpose::Describe, host);
    }

    /// One file for all, when nobody is about to be described.
    fn save_descriptions(&mut self, host: &mut dyn Host) {
        let busy = |plugin: &Plugin| {
            plugin.reading.is_some()
                || (plugin.session.is_some() && plugin.purpose == Purpose::Describe)
        };
        if self.plugins.iter().any(busy) {
            return;
        }
        let installed = |id: &str| self.ids.contains_key(id);
        if let Some(text) = self.descriptions.take_changed(&self.settings.host.version, installed) {
            host.save_quietly(describe_cache::FILE.to_owned(), text);
        }
    }
}
