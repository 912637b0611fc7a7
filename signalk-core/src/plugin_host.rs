//! What the server is for its plugins: `plugins::Host` over the server's own state. Which plugin may do what, and who
//! is started, is `plugins` and `signalk-bridge`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use signalk_bridge::{PluginId, PutRequest, StreamHead, Version};
use signalk_model::{Delta, Placement, SourceRef, Store};

use crate::{
    guest::Platform,
    intake::Origin,
    io::{HttpId, Output},
    plugins::{Host, OwnSave, PluginPut},
    saving::Saving,
    server::Server,
};

impl Host for Server {
    fn store(&self) -> &Store {
        &self.store
    }

    fn platform(&self) -> Arc<dyn Platform> {
        Arc::clone(&self.platform)
    }

    fn handle_plugin_delta(
        &mut self,
        now: Duration,
        delta: Delta,
        provider: &SourceRef,
        version: Version,
    ) {
        let placement = match version {
            Version::V1 => Placement::Tree,
            Version::V2 => Placement::CacheOnly,
        };
        self.handle_delta_as(now, delta, provider, placement, Origin::Plugin);
    }

    fn handle_server_delta(&mut self, now: Duration, delta: Delta, provider: &SourceRef) {
        self.handle_delta(now, delta, provider);
    }

    fn emit_binary(&mut self, now: Duration, plugin: &PluginId, stream: &str, data: Bytes) {
        self.plugin_frame(now, plugin, stream, data);
    }

    fn begin_answer(&mut self, id: HttpId, head: StreamHead) {
        self.begin_stream(id, head);
    }

    fn end_binary(&mut self, plugin: &PluginId) {
        self.end_binary_streams(plugin);
    }

    fn save_quietly(&mut self, name: String, text: String) {
        self.save(name, text, Saving::Quiet);
    }

    fn put_for_plugin(&mut self, asker: PluginPut, request: PutRequest) {
        self.plugin_puts.push_back((asker, request));
    }

    fn save_own_options(&mut self, save: OwnSave, name: String, text: String) {
        self.save(name, text, Saving::OwnOptions(save));
    }

    fn options_read(&mut self, name: &str, text: &str) -> bool {
        self.saves.read(name, text)
    }

    fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    fn plugins_changed(&mut self) {
        self.plugins_changed = true;
        self.plugin_status_changed = true;
    }

    fn status_changed(&mut self) {
        self.plugin_status_changed = true;
    }
}
