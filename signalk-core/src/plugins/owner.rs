//! What the owner sees of plugins, and what follows when he changes their options. The pages and routes that ask are
//! `api/plugins.rs`; how it goes with a plugin in detail is `diagnostics.rs`.

use std::time::Duration;

use serde_json::{Map, Value};
use signalk_bridge::Capability;

use super::options::{Ahead, Options};
use super::plugin::{Plugin, State};
use super::routes::At;
use super::{Host, Plugins, Posted};
use crate::io::{LogArea, LogLevel};

impl Plugins {
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

    /// `GET /plugins/:id`.
    pub(crate) fn info(&self, id: &str) -> Option<Value> {
        self.find(id).map(|(_, plugin)| plugin.info())
    }

    /// `GET /plugins/:id/config`.
    pub(crate) fn config(&self, id: &str) -> Option<Value> {
        self.find(id).map(|(_, plugin)| plugin.options.shown(plugin.manifest.enabled_by_default))
    }

    /// The owner had written into the options file by hand when it was saved (`saving/merge.rs`): that holds from now
    /// on. After a save of his own the plugin starts with it, otherwise at its next start.
    pub(crate) fn options_written(
        &mut self,
        now: Duration,
        name: &str,
        text: &str,
        by_owner: bool,
        host: &mut dyn Host,
    ) {
        let named = |plugin: &Plugin| plugin.options.file(&plugin.manifest.id).0 == name;
        let Some(at) = self.plugins.iter().position(named) else { return };
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if let Ok(options) = Options::read_anew(&plugin.manifest.id, text) {
            plugin.options = options;
            if by_owner {
                // What was posted is part of it.
                plugin.ahead = None;
                self.start_anew(at, now, host);
            }
        }
    }

    /// `POST /plugins/:id/config`: the file to save, by name and text. The file is written first (plugin ABI 8.4): a
    /// configuration that the disk refuses changes nothing.
    pub(crate) fn save_config(&mut self, id: &str, body: Map<String, Value>) -> Posted {
        let Some((at, _)) = self.find(id) else { return Posted::NoSuchPlugin };
        if let Some(refusal) = self.refusal(at, &body) {
            return Posted::Refused(refusal);
        }
        let Some(plugin) = self.plugins.get_mut(at) else { return Posted::NoSuchPlugin };
        let current = || Ahead { options: plugin.options.clone(), posts: 0 };
        let ahead = plugin.ahead.get_or_insert_with(current);
        ahead.options.post(body.clone());
        ahead.posts += 1;
        let (name, text) = ahead.options.file(&plugin.manifest.id);
        Posted::Taken { name, text, body }
    }

    /// The disk has taken what was posted, or has not: then its owner reads why in the plugin's diagnostics, too.
    pub(crate) fn config_saved(
        &mut self,
        now: Duration,
        id: &str,
        (body, result): (Map<String, Value>, Result<(), String>),
        host: &mut dyn Host,
    ) {
        let Some((at, _)) = self.find(id) else { return };
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        let Some(ahead) = &mut plugin.ahead else { return };
        ahead.posts = ahead.posts.saturating_sub(1);
        let is_last = ahead.posts == 0;
        match result {
            Ok(()) if is_last => plugin.options = ahead.options.clone(),
            Ok(()) => plugin.options.post(body),
            Err(_) => {}
        }
        if is_last {
            plugin.ahead = None;
        }
        match result {
            Ok(()) => self.start_anew(at, now, host),
            Err(text) => plugin.record.failed(host.unix_ms(), text),
        }
    }

    /// Started, stopped or started anew, as its options say.
    fn start_anew(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        let enabled_here = self.settings.enabled;
        let Some(plugin) = self.plugins.get_mut(at) else { return };
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
    }

    /// Whether a plugin has done what was last asked of it: the reply to a saved configuration waits
    /// for that (plugin ABI 8.4).
    pub(crate) fn is_settled(&self, id: &str) -> bool {
        self.find(id).is_none_or(|(_, plugin)| plugin.is_settled())
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
        let says_so = manifest.capabilities.has(Capability::StaticFiles)
            || manifest.keywords.iter().any(|word| word == "signalk-webapp");
        says_so.then_some(plugin.dir.as_str())
    }
}

impl Plugin {
    /// What the owner may have written into the options file by hand.
    pub(super) fn take_options(&mut self, text: &str, host: &mut dyn Host) {
        let id = self.manifest.id.clone();
        let options = Options::read_anew(&id, text);
        match options {
            Ok(options) if host.options_read(&options.file(&id).0, text) => self.options = options,
            Ok(_) => {}
            Err(complaint) => host.say(LogArea::Loader, LogLevel::Error, &id, complaint),
        }
    }
}
