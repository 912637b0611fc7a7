//! What is heard about one plugin, by its id: from the disk, from its guest, from the world. What follows for its life
//! is `loading.rs` and `endings.rs`; deltas are `deliver.rs`.

use std::time::Duration;

use signalk_bridge::{Input, PluginId, Ran, Report};
use wasmi_hdk::{Level, LogLine};

use super::{Host, OwnSave, PluginPut, Plugins};
use crate::io::{LogArea, LogLevel, ModuleFiles};

/// Bytes of a handler's failure in the log.
const LONGEST_FAILURE: usize = 1000;

impl Plugins {
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
        files: (Result<String, String>, Option<String>),
        host: &mut dyn Host,
    ) {
        if let Some(at) = self.ids.get(plugin).copied() {
            self.package_read(at, now, files, host);
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

    /// News of the world for one life of a plugin.
    pub(crate) fn handle_report(
        &mut self,
        now: Duration,
        plugin: &PluginId,
        life: u64,
        report: Report,
        host: &mut dyn Host,
    ) {
        let Some(at) = self.ids.get(plugin).copied() else { return };
        if self.plugins.get(at).is_some_and(|plugin| plugin.life == life) {
            self.input(at, now, Input::Report(report), host);
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
            host.say(LogArea::Api, LogLevel::Warn, id, text.clone());
            plugin.record.log(host.unix_ms(), LogLine { level: Level::Warn, text });
        }
    }

    /// Frames of its binary streams went nowhere: counted, and why is in its log once in a life. The server's log has
    /// it already.
    pub(crate) fn frames_lost(
        &mut self,
        id: &PluginId,
        count: u64,
        why: Option<String>,
        host: &dyn Host,
    ) {
        let Some(at) = self.ids.get(id) else { return };
        let Some(plugin) = self.plugins.get_mut(*at) else { return };
        plugin.record.frames_lost += count;
        if let Some(text) = why {
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
            host.say(LogArea::Api, LogLevel::Error, &id, text.clone());
            plugin.record.failed(host.unix_ms(), text);
            host.status_changed();
        }
        if let Some(save) = waits.filter(|_| plugin.life == life) {
            self.input(at, now, Input::Report(Report::Saved { save, result }), host);
        }
    }
}
