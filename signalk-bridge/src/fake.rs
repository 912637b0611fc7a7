//! A server for tests: a few values, and everything that was done to it.

use std::collections::BTreeMap;

use bytes::Bytes;
use signalk_model::{Context, Delta};
use wasmi_hdk::LogLine;

use crate::{
    BridgeError, ClientDeed, ClientSocketId, PluginId, PutId, PutRequest, Registration, SaveId,
    SignalK, Status, SubscribeRequest, SubscriptionId, Version,
};

/// Remembers what plugins did.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) options: Option<String>,
    pub(crate) disk_is_full: bool,
    /// What is saved is durable later.
    pub(crate) disk_is_slow: bool,
    /// PUTs that nobody has answered.
    pub(crate) puts: Vec<PutId>,
    /// Everything, as one line each, in order.
    pub(crate) trace: Vec<String>,
}

impl Fake {
    pub(crate) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.trace)
    }
}

impl SignalK for Fake {
    fn emit_delta(&mut self, plugin: &PluginId, delta: Delta, version: Version) {
        self.trace.push(format!("{plugin} {version:?} {}", delta.to_json()));
    }
    fn client_socket(
        &mut self,
        plugin: &PluginId,
        id: ClientSocketId,
        deed: ClientDeed,
    ) -> Result<(), String> {
        self.trace.push(format!("{plugin} client {}: {deed:?}", id.0));
        if id.0 == 1 { Ok(()) } else { Err(format!("there is no connection {}", id.0)) }
    }
    fn get_node(&mut self, context: &Context, path: &str) -> Option<String> {
        self.values.get(&format!("{context}.{path}")).cloned()
    }
    fn get_path(&mut self, path: &str) -> Option<String> {
        self.values.get(&path.replace("vessels.self", "vessels.urn:x")).cloned()
    }
    fn get_meta(&mut self, context: &Context, path: &str) -> Option<String> {
        self.values.get(&format!("{context}.{path}.meta")).cloned()
    }
    fn subscribe(
        &mut self,
        plugin: &PluginId,
        id: SubscriptionId,
        request: &SubscribeRequest,
    ) -> Vec<String> {
        let rows = serde_json::to_string(&request.rows).unwrap();
        self.trace.push(format!("{plugin} subscribe {} {} {rows}", id.0, request.context));
        Vec::new()
    }
    fn unsubscribe(&mut self, plugin: &PluginId, id: SubscriptionId) {
        self.trace.push(format!("{plugin} unsubscribe {}", id.0));
    }
    fn read_options(&mut self, _: &PluginId) -> String {
        self.options.clone().unwrap_or_else(|| "{}".to_owned())
    }
    fn save_options(
        &mut self,
        plugin: &PluginId,
        _: Option<SaveId>,
        json: &str,
    ) -> Result<bool, BridgeError> {
        if self.disk_is_full {
            let reason = "plugin-config-data/p.json: no space left; free some".to_owned();
            return Err(BridgeError::NotSaved { plugin: plugin.clone(), reason });
        }
        self.trace.push(format!("{plugin} save {json}"));
        self.options = Some(json.to_owned());
        Ok(self.disk_is_slow)
    }
    fn set_status(&mut self, plugin: &PluginId, status: Status) {
        self.trace.push(format!("{plugin} {status:?}"));
    }
    fn set_fetch_error(&mut self, plugin: &PluginId, text: Option<String>) {
        let status = text.map(Status::Error);
        self.trace.push(
            status.map_or(format!("{plugin} fetches again"), |it| format!("{plugin} {it:?}")),
        );
    }
    fn log(&mut self, plugin: &PluginId, line: LogLine) {
        self.trace.push(format!("{plugin} {}: {}", line.level, line.text));
    }
    fn register(&mut self, plugin: &PluginId, registration: Registration) {
        self.trace.push(format!("{plugin} registers {registration:?}"));
    }
    fn put(&mut self, plugin: &PluginId, id: PutId, request: PutRequest) {
        self.puts.push(id);
        self.trace.push(format!("{plugin} puts {} {request:?}", id.0));
    }
    fn emit_binary(&mut self, plugin: &PluginId, stream: String, data: Bytes) {
        self.trace.push(format!("{plugin} emits {} bytes to {stream}", data.len()));
    }
    fn self_context(&self) -> Context {
        Context::from("vessels.urn:x")
    }
    fn wall_clock_ms(&self) -> i64 {
        1_767_323_045_000
    }
}
