//! `SignalK`: what the server does for a plugin, at once, on the core's own turn.
//!
//! `signalk-core` implements it over its store; the tests of this crate over
//! a small fake. No method here checks a capability: the table did.

use bytes::Bytes;
use signalk_model::{Context, Delta};
use wasmi_hdk::LogLine;

use crate::{BridgeError, ClientDeed, ClientSocketId, PluginId, Registration, SaveId};

/// The server as the method table sees it.
pub trait SignalK {
    /// Takes a delta of the plugin, already attributed to it.
    fn emit_delta(&mut self, plugin: &PluginId, delta: Delta, version: Version);
    /// The node at a dotted path below a context, as JSON text; `None` where nothing is.
    fn get_node(&mut self, context: &Context, path: &str) -> Option<String>;
    /// The node at a path from the root of the full model (`vessels.self.navigation`), as JSON text.
    fn get_path(&mut self, path: &str) -> Option<String>;
    /// Metadata of a path as JSON text, runtime metadata merged in.
    fn get_meta(&mut self, context: &Context, path: &str) -> Option<String>;
    /// Starts delivering to the plugin; returns warnings about rows.
    fn subscribe(
        &mut self,
        plugin: &PluginId,
        id: SubscriptionId,
        request: &SubscribeRequest,
    ) -> Vec<String>;
    /// Ends one subscription.
    fn unsubscribe(&mut self, plugin: &PluginId, id: SubscriptionId);
    /// The `configuration` object as compact JSON text, `{}` when there is none.
    fn read_options(&mut self, plugin: &PluginId) -> String;
    /// Replaces the `configuration` object; `json` is a JSON object. True: who waits by this number hears of the disk
    /// ([`Report::Saved`](crate::Report::Saved)), unless the session ends before; false: it is durable already, or
    /// nobody waits.
    ///
    /// # Errors
    /// [`BridgeError::NotSaved`].
    fn save_options(
        &mut self,
        plugin: &PluginId,
        save: Option<SaveId>,
        json: &str,
    ) -> Result<bool, BridgeError>;
    /// What the owner reads beside the plugin's name.
    fn set_status(&mut self, plugin: &PluginId, status: Status);
    /// A request of a plugin that is not told why has failed: its owner reads it as an error until another one works
    /// (`None`), or the plugin says something itself.
    fn set_fetch_error(&mut self, plugin: &PluginId, text: Option<String>);
    /// One line of the plugin's log.
    fn log(&mut self, plugin: &PluginId, line: LogLine);
    /// The plugin offers something from now on, until its life ends.
    fn register(&mut self, plugin: &PluginId, registration: Registration);
    /// Asks for a change in the plugin's name, after the call: exactly one
    /// [`Input::PutDone`](crate::Input::PutDone) of this id follows, unless the session ends before.
    fn put(&mut self, plugin: &PluginId, id: PutId, request: PutRequest);
    /// A frame for whoever listens to a binary stream.
    fn emit_binary(&mut self, plugin: &PluginId, stream: String, data: Bytes);
    /// The plugin does something with a client's WebSocket.
    ///
    /// # Errors
    /// In words: it is not there (any more), or the client does not keep up.
    fn client_socket(
        &mut self,
        plugin: &PluginId,
        id: ClientSocketId,
        deed: ClientDeed,
    ) -> Result<(), String>;
    /// The own vessel.
    fn self_context(&self) -> Context;
    /// Milliseconds since the Unix epoch.
    fn wall_clock_ms(&self) -> i64;
}

/// Where a delta goes (plugin ABI 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Full model and all v1 streams.
    V1,
    /// Event only, not in the full model.
    V2,
}

/// One subscription of one plugin; numbers are the plugin's own, from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct SubscriptionId(pub u64);

/// One PUT of one plugin; numbers are the plugin's own, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PutId(pub u64);

/// What `put.send` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutRequest {
    /// `vessels.self`, or another.
    pub context: String,
    /// Dotted, not yet known to be a path.
    pub path: String,
    /// Whose, when several offer the path.
    pub source: Option<String>,
    /// JSON.
    pub value: String,
}

/// What `deltas.subscribe` asks for, in the words of the streaming protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscribeRequest {
    /// As given; `vessels.self` when left out.
    pub context: String,
    /// At least one.
    pub rows: Vec<SubscribeRow>,
}

/// One row of a subscription.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscribeRow {
    /// `*` is any run of characters.
    pub path: String,
    /// `instant` or `fixed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<u32>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_period: Option<u32>,
}

/// What a plugin says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// `""` removes it.
    Ok(String),
    /// Shown as an error; does not change the state.
    Error(String),
}
