//! Who is loaded, started, configured. What a plugin may do lives in `signalk-bridge`.
//!
//! `Plugins` is driven with the server in hand (`Host`): it is told what happened (`news.rs`, `deliver.rs`), and
//! `Plugins::poll` pushes what is to be done.
//!
//! | file | what it is about |
//! |---|---|
//! | `registry.rs`, `describe.rs`, `describe_cache.rs` | packages; names and schemas; who is known without being loaded |
//! | `settings.rs`, `options.rs`, `members.rs`, `limits.rs`, `owner.rs` | what all may use; the owner's file; what in it may be meant otherwise; what it lets one use; what he sees and changes |
//! | `lifecycle.rs`, `loading.rs`, `endings.rs`, `reload.rs` | start and stop; the module becomes a session; how a life ends; loading anew |
//! | `turn.rs`, `desk.rs` | a session's turn; what its calls touch |
//! | `routes.rs`, `deliver.rs`, `inputs.rs` | who gets which delta; the way there; who looks at it before it is in the model |
//! | `registrations.rs`, `offers.rs`, `endpoints.rs`, `calls.rs` | what plugins offer; who waits for an answer of one |
//! | `exchanges.rs`, `sockets.rs` | clients' bodies in pieces; clients' WebSockets |
//! | `record.rs`, `remedy.rs`, `diagnostics.rs` | what is remembered of one, what to do about its errors, what the owner is shown |

mod calls;
mod defaults;
mod deliver;
mod delta_buffer;
mod describe;
mod describe_cache;
mod desk;
mod diagnostics;
mod endings;
mod endpoints;
mod exchanges;
mod host;
mod inputs;
mod lifecycle;
mod limits;
mod loading;
mod log_budget;
mod members;
mod news;
mod offers;
mod options;
mod owner;
mod plugin;
mod record;
mod registrations;
mod registry;
mod reload;
mod remedy;
mod routes;
mod schema_check;
mod settings;
mod sockets;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use signalk_bridge::{Delivery, HANDLER_PATIENCE, PluginId, Purpose};
use signalk_model::Context;
use wasmi_hdk::Engine;

use self::calls::Calls;
pub(crate) use self::calls::{Asked, Later};
pub(crate) use self::describe::Posted;
use self::describe_cache::Descriptions;
pub(crate) use self::diagnostics::LINES as DIAGNOSTIC_LINES;
use self::exchanges::Exchanges;
pub(crate) use self::exchanges::RequestBody;
pub(crate) use self::host::{Host, OwnSave, PluginPut};
pub(crate) use self::offers::{FoundEndpoint, FoundPut};
use self::plugin::Plugin;
use self::registrations::Registrations;
use self::reload::Reload;
use self::routes::{At, Routes};
pub(crate) use self::settings::PluginSettings;
use self::sockets::Sockets;

/// All plugins of the server.
pub(crate) struct Plugins {
    engine: Engine,
    settings: PluginSettings,
    /// Option files that no package has claimed yet, by id.
    option_files: BTreeMap<String, String>,
    plugins: Vec<Plugin>,
    ids: BTreeMap<PluginId, At>,
    /// Folders of packages whose plugin id was taken.
    passed_over: BTreeSet<String>,
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
            passed_over: BTreeSet::new(),
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
