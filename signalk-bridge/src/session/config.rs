//! What a session is given: the code, what it may use, what it is for. Where that comes from is
//! `signalk-core/src/plugins/loading.rs`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmi_hdk::{Engine, Limits, Module, Platform};

#[cfg(doc)]
use super::Description;
use super::Kept;

/// What a session is given besides the manifest.
pub struct SessionConfig {
    /// The process' engine.
    pub engine: Engine,
    /// What the guest may use.
    pub limits: Limits,
    /// Guest time of one call; `None`: what the ABI gives to each kind of call.
    pub call_time: Option<Duration>,
    /// Clocks and random.
    pub platform: Arc<dyn Platform>,
    /// Files; dropped when the plugin has no `storage`.
    pub fs: Option<Box<dyn wasmi_hdk::vfs::Fs>>,
    /// Told in `initialize`.
    pub host: HostInfo,
    /// The `configuration` object as compact JSON text.
    pub options: String,
    /// Added last to what `plugin_start` gets.
    pub enable_debug: bool,
    /// Deltas that the plugin may send per second.
    pub deltas_per_second: u32,
    /// Deltas that may wait for the plugin; the oldest are dropped.
    pub queue: usize,
    /// What the owner decided about it.
    pub rules: crate::Rules,
    /// Ask the plugin for its own id ([`Description::id`]).
    pub wants_id: bool,
    /// What the session is for.
    pub purpose: Purpose,
}

/// Who we are.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct HostInfo {
    /// Product.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Why a plugin is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To read name and schema; then it ends.
    Describe,
    /// To run until it is stopped.
    Run,
}

/// Where the code comes from.
#[derive(Debug)]
pub enum Code {
    /// The file.
    Bytes(Bytes),
    /// Loaded before.
    Module(Module),
    /// None is needed: the guest has stopped and is started again.
    Kept(Kept),
}
