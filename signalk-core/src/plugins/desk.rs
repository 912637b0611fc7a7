//! `Desk`: the server as one plugin's method calls see it.
//!
//! It implements the bridge's `SignalK` over the lent server and the plugin's
//! own record. Capabilities were checked by the method table.

use std::time::Duration;

use bytes::Bytes;
use signalk_bridge::{
    BridgeError, ClientDeed, ClientSocketId, Delivery, PluginId, PutId, PutRequest, Registration,
    SaveId, SignalK, Status, SubscribeRequest, SubscriptionId, Version,
};
use signalk_model::{Context, Delta, SourceRef, json};
use wasmi_hdk::{Level, LogLine};

use super::host::{Host, OwnSave, PluginPut};
use super::log_budget::Verdict;
use super::options::{Ahead, Options};
use super::record::Record;
use super::registrations::Registrations;
use super::routes::{At, Routes};
use super::sockets::Sockets;
use crate::io::{LogArea, LogLevel};

/// What one plugin's calls touch.
pub(super) struct Desk<'a> {
    pub(super) now: Duration,
    pub(super) at: At,
    pub(super) life: u64,
    pub(super) enabled: bool,
    pub(super) record: &'a mut Record,
    pub(super) options: &'a mut Options,
    pub(super) ahead: &'a mut Option<Ahead>,
    pub(super) routes: &'a mut Routes,
    pub(super) registrations: &'a mut Registrations,
    pub(super) sockets: &'a mut Sockets,
    /// Last values of what was just subscribed.
    pub(super) deliver: &'a mut Vec<Delivery>,
    pub(super) host: &'a mut dyn Host,
}

impl SignalK for Desk<'_> {
    fn emit_delta(&mut self, plugin: &PluginId, delta: Delta, version: Version) {
        let provider = SourceRef::from(plugin.as_str());
        self.host.handle_plugin_delta(self.now, delta, &provider, version);
    }

    fn get_node(&mut self, context: &Context, path: &str) -> Option<String> {
        let (group, identity) = context.split_once('.')?;
        let path = path.split('.').filter(|segment| !segment.is_empty());
        let segments: Vec<&str> = [group, identity].into_iter().chain(path).collect();
        self.host.store().get(&segments).map(|node| node.to_json())
    }

    fn get_path(&mut self, path: &str) -> Option<String> {
        let own = self.self_context();
        let path = match path.strip_prefix("vessels.self") {
            Some(rest) if rest.is_empty() || rest.starts_with('.') => format!("{own}{rest}"),
            _ => path.to_owned(),
        };
        // A context key may hold dots: the longest known one wins.
        let store = self.host.store();
        let context = store
            .contexts()
            .filter(|context| {
                path.strip_prefix(context.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
            .max_by_key(|context| context.len())
            .cloned();
        match context {
            Some(context) => {
                let rest = path.get(context.len()..).unwrap_or_default();
                self.get_node(&context, rest.trim_start_matches('.'))
            }
            None => {
                let segments: Vec<&str> = path.split('.').filter(|s| !s.is_empty()).collect();
                store.get(&segments).map(|node| node.to_json())
            }
        }
    }

    fn get_meta(&mut self, context: &Context, path: &str) -> Option<String> {
        self.host.store().meta().get(context, path).map(|meta| meta.json().to_owned())
    }

    fn subscribe(
        &mut self,
        _: &PluginId,
        id: SubscriptionId,
        request: &SubscribeRequest,
    ) -> Vec<String> {
        let life = (self.at, self.life);
        self.routes.subscribe(life, id, request, self.host.store(), self.deliver)
    }

    fn unsubscribe(&mut self, _: &PluginId, id: SubscriptionId) {
        self.routes.unsubscribe(self.at, id);
    }

    fn read_options(&mut self, _: &PluginId) -> String {
        self.options.configuration()
    }

    fn save_options(
        &mut self,
        plugin: &PluginId,
        id: Option<SaveId>,
        text: &str,
    ) -> Result<bool, BridgeError> {
        let configuration = json::parse(text.as_bytes()).map_err(|error| {
            BridgeError::NotSaved { plugin: plugin.clone(), reason: error.to_string() }
        })?;
        // It comes after what a client has posted a moment ago.
        let ahead = self.ahead.as_mut().map(|ahead| {
            ahead.options.set_configuration(configuration.clone(), self.enabled);
            ahead.options.file(plugin)
        });
        self.options.set_configuration(configuration, self.enabled);
        let (name, text) = ahead.unwrap_or_else(|| self.options.file(plugin));
        let save = OwnSave { plugin: plugin.clone(), life: self.life, id };
        self.host.save_own_options(save, name, text);
        Ok(id.is_some())
    }

    fn set_status(&mut self, plugin: &PluginId, status: Status) {
        let at = self.host.unix_ms();
        match status {
            Status::Ok(text) | Status::Error(text) if text.is_empty() => {
                self.record.set_status(at, None);
            }
            Status::Ok(text) => self.record.set_status(at, Some(Status::Ok(text))),
            Status::Error(text) => {
                if self.record.is_news(self.now, &text) {
                    let text = format!("error: {text}");
                    self.log(plugin, LogLine { level: Level::Warn, text });
                }
                self.record.error(at, text);
            }
        }
        self.host.status_changed();
    }

    fn set_fetch_error(&mut self, _: &PluginId, text: Option<String>) {
        self.record.fetch_error(self.host.unix_ms(), text);
        self.host.status_changed();
    }

    fn log(&mut self, plugin: &PluginId, line: LogLine) {
        let line = match self.record.log_budget.take(self.now) {
            Verdict::Kept => line,
            Verdict::TooMany => {
                let text = format!(
                    "more than {} log lines per second: the others are dropped; write less, or raise `logLinesPerSecond` in \"limits\" of plugin-config-data/{plugin}.json",
                    self.record.log_budget.per_second
                );
                LogLine { level: Level::Warn, text }
            }
            Verdict::Dropped => return,
        };
        let level = match line.level {
            Level::Error => LogLevel::Error,
            Level::Warn => LogLevel::Warn,
            Level::Info => LogLevel::Info,
            // The owner's switch makes them visible without any setting of the process' log.
            Level::Debug | Level::Trace if self.options.enable_debug() => LogLevel::Info,
            Level::Debug | Level::Trace => LogLevel::Debug,
        };
        // The ring keeps everything; what of it the process' log prints is the edge's choice.
        self.host.say(LogArea::Plugin, level, plugin, line.text.clone());
        let at = self.host.unix_ms();
        self.record.log(at, line);
    }

    fn register(&mut self, plugin: &PluginId, registration: Registration) {
        for text in self.registrations.add(self.at, registration) {
            self.log(plugin, LogLine { level: Level::Warn, text });
        }
    }

    fn put(&mut self, plugin: &PluginId, id: PutId, request: PutRequest) {
        let asker = PluginPut { plugin: plugin.clone(), life: self.life, id };
        self.host.put_for_plugin(asker, request);
    }

    fn emit_binary(&mut self, plugin: &PluginId, stream: String, data: Bytes) {
        self.host.emit_binary(self.now, plugin, &stream, data);
    }

    fn client_socket(
        &mut self,
        _: &PluginId,
        id: ClientSocketId,
        deed: ClientDeed,
    ) -> Result<(), String> {
        self.sockets.act(self.at, id, deed, self.host)
    }

    fn self_context(&self) -> Context {
        self.host.store().self_context().clone()
    }

    fn wall_clock_ms(&self) -> i64 {
        self.host.unix_ms()
    }
}
