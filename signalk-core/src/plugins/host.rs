//! `Host`: what the plugins need of the server, lent to them for each call.
//!
//! The server implements it; so do the tests of this folder, over a small fake.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use signalk_bridge::{PluginId, PutId, PutRequest, SaveId, StreamHead, Version};
use signalk_model::{Delta, SourceRef, Store};

use crate::guest::Platform;
use crate::io::{Effect, HttpId, LogArea, LogLevel, Output};

/// A plugin that waits for the end of its own PUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PluginPut {
    pub(crate) plugin: PluginId,
    /// Which life: numbers count anew in each.
    pub(crate) life: u64,
    pub(crate) id: PutId,
}

/// A plugin that saves its own options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnSave {
    pub(crate) plugin: PluginId,
    /// Which life: numbers count anew in each.
    pub(crate) life: u64,
    /// `None`: it does not wait.
    pub(crate) id: Option<SaveId>,
}

/// The server without its plugins.
pub(crate) trait Host {
    /// The full model.
    fn store(&self) -> &Store;
    /// Clocks and random for guests.
    fn platform(&self) -> Arc<dyn Platform>;
    /// Takes a delta; it may come back later by [`super::Plugins::on_delta`], never during this call.
    fn handle_plugin_delta(
        &mut self,
        now: Duration,
        delta: Delta,
        provider: &SourceRef,
        version: Version,
    );
    /// Takes a delta of the server itself about a plugin.
    fn handle_server_delta(&mut self, now: Duration, delta: Delta, provider: &SourceRef);
    /// A frame of a plugin for the clients of a binary stream.
    fn emit_binary(&mut self, now: Duration, plugin: &PluginId, stream: &str, data: Bytes);
    /// A plugin wants something changed; [`super::Plugins::put_answered`] follows.
    fn put_for_plugin(&mut self, asker: PluginPut, request: PutRequest);
    /// The plugin's life is over: nothing more comes on its binary streams.
    fn end_binary(&mut self, plugin: &PluginId);
    /// A plugin's streamed answer to a client begins.
    fn begin_answer(&mut self, id: HttpId, head: StreamHead);
    /// Saves a file of the configuration directory.
    fn save_quietly(&mut self, name: String, text: String);
    /// Saves the options file of a plugin that wants it; [`super::Plugins::own_options_saved`] follows.
    fn save_own_options(&mut self, save: OwnSave, name: String, text: String);
    /// Takes note of what stands in an options file. False while a save of it is on its way: then what is in memory is
    /// newer.
    fn options_read(&mut self, name: &str, text: &str) -> bool;
    /// Hands an output to the edge.
    fn push(&mut self, output: Output);
    /// The list of plugins looks different now (server event `PLUGINS_CHANGED`).
    fn plugins_changed(&mut self) {}
    /// What a plugin says about itself is another now (server event `PROVIDERSTATUS`).
    fn status_changed(&mut self) {}

    /// Milliseconds since the Unix epoch.
    fn unix_ms(&self) -> i64 {
        i64::try_from(self.platform().wall_clock().as_millis()).unwrap_or(i64::MAX)
    }

    /// A line about a plugin for the log of the process, which writes the target before the text: texts that begin with
    /// the plugin, as errors do, are given without it.
    fn say(&mut self, area: LogArea, level: LogLevel, target: &str, text: String) {
        let named = [format!("{target}: "), format!("plugin `{target}`: ")];
        let rest = named.iter().find_map(|name| text.strip_prefix(name.as_str()));
        let text = rest.map_or(text.clone(), str::to_owned);
        let target = target.to_owned();
        self.push(Output::Effect(Effect::Log { level, area, target, text }));
    }
}
