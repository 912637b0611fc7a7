//! What every plugin may use. What its own options file says is laid over it in `limits.rs`.

use std::collections::BTreeSet;
use std::time::Duration;

use signalk_bridge::{HostInfo, Manifest};
use wasmi_hdk::Limits;
use wasmi_hdk::vfs::Quota;

use super::limits::{self, Allowance};

/// What every plugin may use; its options file may say otherwise (`limits.rs`).
#[derive(Debug, Clone)]
pub(crate) struct PluginSettings {
    /// False: nothing is loaded (`--no-plugins`, `DISABLEPLUGINS`, `interfaces.wasm` in settings.json).
    pub(crate) enabled: bool,
    /// Plugins, by id or package name, that are enabled while no options file says otherwise (`--enable-plugins`,
    /// `DEFAULTENABLEDPLUGINS`).
    pub(crate) enabled_by_default: BTreeSet<String>,
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
            enabled_by_default: BTreeSet::new(),
            limits: Limits::default(),
            call_time: None,
            deltas_per_second: 2000,
            queue: 1000,
            host: HostInfo { name: name.to_owned(), version: version.to_owned() },
        }
    }
}

impl PluginSettings {
    /// The package as this server takes it: the owner's list enables as its author's word does (plugin ABI W27).
    pub(super) fn apply(&self, manifest: &mut Manifest) {
        let list = &self.enabled_by_default;
        manifest.enabled_by_default |=
            list.contains(manifest.id.as_str()) || list.contains(&manifest.package_name);
    }

    pub(super) fn allowance(&self) -> Allowance {
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
