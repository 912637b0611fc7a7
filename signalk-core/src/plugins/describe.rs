//! A plugin has said who it is: its configuration is completed, looked at, and taken over from older times.
//!
//! Clauses: plugin ABI 1.4, 1.5, 8.4; R115. What a schema says is `defaults.rs`
//! and `schema_check.rs`.

use std::time::Duration;

use serde_json::{Map, Value};
use signalk_bridge::{Description, Input, Purpose};
use wasmi_hdk::{Level, LogLine};

use super::Plugins;
use super::defaults::fill_in;
use super::host::Host;
use super::options::Options;
use super::plugin::Plugin;
use super::routes::At;
use super::schema_check::{Checked, check};
use crate::io::{LogArea, LogLevel};

/// What became of a posted configuration.
pub(crate) enum Posted {
    /// There is no such plugin.
    NoSuchPlugin,
    /// It does not fit, in words; nothing has changed.
    Refused(String),
    /// To be saved: name and text of the file, and what was posted. Nothing has changed before
    /// [`Plugins::config_saved`].
    Taken { name: String, text: String, body: Map<String, Value> },
}

impl Plugins {
    /// The session waits with the start until this is done.
    pub(super) fn described(
        &mut self,
        at: At,
        now: Duration,
        mut description: Description,
        host: &mut dyn Host,
    ) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if description.schema.len() > LARGEST {
            let text = format!(
                "plugin `{}`: its schema has {} bytes, the limit is {LARGEST}: it is shown without a form; tell its author",
                plugin.manifest.id,
                description.schema.len()
            );
            description.schema = "{}".to_owned();
            host.say(LogArea::Loader, LogLevel::Warn, &plugin.manifest.id, text.clone());
            plugin.record.complain(host.unix_ms(), text);
        }
        if let Some(schema) = description.ui_schema.take_if(|schema| schema.len() > LARGEST) {
            let text = format!(
                "plugin `{}`: its uiSchema has {} bytes, the limit is {LARGEST}: its form is drawn without it; tell its author",
                plugin.manifest.id,
                schema.len()
            );
            host.say(LogArea::Loader, LogLevel::Warn, &plugin.manifest.id, text.clone());
            plugin.record.complain(host.unix_ms(), text);
        }
        if let Some(name) = &mut description.name {
            name.truncate(name.floor_char_boundary(LONGEST_NAME));
        }
        if let Some(module) = &plugin.module {
            self.descriptions.put(&plugin.manifest.id, &module.hash, &description);
        }
        plugin.description = Some(description);
        plugin.learn();
        self.take_over_options(at, now, host);
        self.create_options(at, host);
        if let Some(plugin) = self.plugins.get_mut(at)
            && plugin.purpose == Purpose::Run
        {
            plugin.look_at_configuration(host);
            let options = plugin.start_options();
            self.input(at, now, Input::Options(options), host);
        }
        host.plugins_changed();
    }

    /// Early hosts named the file by what `plugin_id` says. Once: afterwards there is a file.
    fn take_over_options(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get(at).filter(|plugin| plugin.has_no_options()) else {
            return;
        };
        let old = plugin.description.as_ref().and_then(|description| description.id.as_deref());
        let Some(old) = old.filter(|old| !self.ids.contains_key(*old)) else { return };
        let Some(text) = self.option_files.get(old) else { return };
        let id = plugin.manifest.id.clone();
        let (options, None) = Options::read(&id, Some(text)) else { return };
        let said = format!(
            "its configuration was taken over from plugin-config-data/{old}.json, which stays as it is"
        );
        let (name, text) = options.file(&id);
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        plugin.options = options;
        let (enabled, purpose) = (plugin.enabled(), plugin.purpose);
        // Described for its own sake: it starts when that is over.
        plugin.start_again |= enabled && purpose == Purpose::Describe && self.settings.enabled;
        host.save_quietly(name, text);
        host.say(LogArea::Loader, LogLevel::Info, &id, said);
        if !enabled && purpose == Purpose::Run {
            self.stop(at, now, host);
        }
    }

    /// A plugin that runs without a file, because its package enables it: from its first start on a file says so, and
    /// an update that no longer enables it changes nothing (plugin ABI 1.5). One that is only described gets none.
    fn create_options(&mut self, at: At, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        let wanted = plugin.purpose == Purpose::Run && plugin.enabled() && plugin.has_no_options();
        if wanted && plugin.options.write_down() {
            let (name, text) = plugin.options.file(&plugin.manifest.id);
            host.save_quietly(name, text);
        }
    }

    /// `POST /plugins/:id/config`, first half: whether the configuration is taken.
    ///
    /// Plugins of the existing ABIs have schemas that nobody ever held anything against: what does
    /// not fit is said at the start, and they run. A plugin by JSON-RPC may rely on its schema, so
    /// its misfits are refused, and those of a plugin whose owner is `strict`; a disabled plugin keeps whatever it is
    /// given.
    pub(super) fn refusal(&self, at: At, body: &Map<String, Value>) -> Option<String> {
        let plugin = self.plugins.get(at)?;
        let mut options = plugin.options.clone();
        options.post(body.clone());
        let strict = plugin.description.as_ref().is_some_and(|it| it.is_json_rpc)
            || options.rules(&plugin.manifest.id).0.strict;
        if !strict || !options.enabled(plugin.manifest.enabled_by_default) {
            return None;
        }
        match plugin.checked(&options) {
            Some(Checked::Misfits(misfits)) => Some(format!(
                "Configuration of plugin {} is not saved, it does not fit the plugin's schema: {}",
                plugin.manifest.id,
                misfits.join("; ")
            )),
            _ => None,
        }
    }
}

impl Plugin {
    /// There is no options file, and none is on its way.
    fn has_no_options(&self) -> bool {
        !self.options.exists() && self.ahead.is_none()
    }

    /// What `plugin_start` gets: what was saved, and behind it the defaults of the schema.
    fn start_options(&self) -> String {
        let mut members = self.options.configuration_members();
        if let Some(schema) = self.schema() {
            fill_in(&schema, &mut members);
        }
        signalk_model::json::value_text(&Value::Object(members))
    }

    fn schema(&self) -> Option<Value> {
        let schema = &self.description.as_ref()?.schema;
        serde_json::from_str(schema).ok().filter(|_| schema != "{}")
    }

    /// `None`: there is nothing to look at.
    fn checked(&self, options: &Options) -> Option<Checked> {
        let mut members = options.has_configuration().then(|| options.configuration_members())?;
        let schema = self.schema()?;
        fill_in(&schema, &mut members);
        Some(check(&schema, &Value::Object(members)))
    }

    fn look_at_configuration(&mut self, host: &mut dyn Host) {
        let said = match self.checked(&self.options) {
            Some(Checked::Misfits(misfits)) => format!(
                "its configuration does not fit its schema: {}; it runs all the same: look through its settings and save them",
                misfits.join("; ")
            ),
            Some(Checked::Unusable(why)) => {
                format!(
                    "its configuration is not checked, because its schema cannot be used: {why}"
                )
            }
            Some(Checked::Fits) | None => return,
        };
        let at = host.unix_ms();
        host.say(LogArea::Loader, LogLevel::Warn, &self.manifest.id, said.clone());
        self.record.log(at, LogLine { level: Level::Warn, text: said });
    }
}

/// Bytes of a schema: it is part of every list of plugins, so of every change that is told.
const LARGEST: usize = 256 << 10;
/// Bytes of a name, for the same reason.
const LONGEST_NAME: usize = 200;
