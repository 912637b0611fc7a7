//! Delta input handlers of running plugins: who has one, and what their owners are told. Which delta goes to whom, and
//! what becomes of it, is `intake/`.

use std::time::Duration;

use signalk_bridge::{HandlerCallId, Input, PluginId};
use signalk_model::{ContextSelector, Pattern};
use wasmi_hdk::{Level, LogLine};

use super::Plugins;
use super::host::Host;
use super::plugin::State;
use super::routes::At;
use crate::intake::{InputHandler, Note};
use crate::io::{LogArea, LogLevel};

/// What the handler of one plugin did, over all its lives.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InputCounters {
    /// Deltas that it was asked about and answered.
    pub(super) handed: u64,
    pub(super) changed: u64,
    pub(super) dropped: u64,
    /// Deltas that passed unchanged because it was late, fell, or answered garbage.
    pub(super) skipped: u64,
    /// Times that it was late or answered garbage.
    pub(super) failures: u64,
}

impl Plugins {
    /// Whether [`Plugins::input_handlers`] says something else than before.
    pub(crate) fn take_inputs_changed(&mut self) -> bool {
        std::mem::take(&mut self.registrations.inputs_changed)
    }

    /// The handlers of plugins that run.
    pub(crate) fn input_handlers(&self) -> Vec<InputHandler> {
        let handler = |(at, (context, paths)): (usize, (&str, &[String]))| {
            let plugin = self.plugins.get(at)?;
            let runs = plugin.state == State::Running && !plugin.stopping;
            if !runs || plugin.inputs_off == Some(plugin.life) || paths.is_empty() {
                return None;
            }
            let id = &plugin.manifest.id;
            let (allowance, _) = self.settings.allowance().narrowed_by(id, plugin.options.limits());
            Some(InputHandler {
                plugin: id.clone(),
                package: plugin.manifest.package_name.clone(),
                rules: plugin.rules.clone(),
                life: plugin.life,
                order: plugin.options.input_order(),
                budget: allowance.input_time,
                contexts: ContextSelector::named(context),
                paths: paths.iter().map(|text| Pattern::new(text)).collect(),
            })
        };
        self.registrations.inputs().filter_map(handler).collect()
    }

    /// All the fuel that a plugin has used.
    pub(crate) fn fuel_used(&self, id: &PluginId) -> u64 {
        let plugin = self.ids.get(id).and_then(|at| self.plugins.get(*at));
        plugin.map_or(0, |plugin| plugin.record.fuel_used())
    }

    /// What a handler adds to a delta counts as what its plugin sends; in words, when that is too much.
    pub(crate) fn charge_added(&mut self, now: Duration, id: &PluginId) -> Result<(), String> {
        let plugin = self.ids.get(id).and_then(|at| self.plugins.get_mut(*at));
        let Some(plugin) = plugin else { return Ok(()) };
        // Its books are looked at when it is driven.
        plugin.dirty = true;
        let Some(session) = &mut plugin.session else { return Ok(()) };
        session.charge_added(now).map_err(|error| error.to_string())
    }

    /// Nobody waits for the reply of a handler any more; its continuation is not called.
    pub(crate) fn give_up_call(&mut self, now: Duration, id: HandlerCallId, host: &mut dyn Host) {
        if let Some(at) = self.forget_call(id) {
            self.input(at, now, Input::Cancel(id), host);
        }
    }

    /// Something is to be remembered about a handler, and perhaps its owner told.
    pub(crate) fn input_noted(&mut self, now: Duration, note: Note, host: &mut dyn Host) {
        let Some(at) = self.ids.get(&note.plugin).copied() else { return };
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        let inputs = &mut plugin.record.inputs;
        inputs.handed += note.handed;
        inputs.changed += note.changed;
        inputs.dropped += note.dropped;
        inputs.skipped += note.skipped;
        inputs.failures += u64::from(note.failure.is_some());
        if let Some(why) = note.too_much {
            self.added_too_much(now, &note.plugin, at, why, host);
        }
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if let Some(text) = note.taken_off {
            plugin.inputs_off = Some(plugin.life);
            self.registrations.inputs_changed = true;
            host.say(LogArea::Api, LogLevel::Error, &note.plugin, text.clone());
            plugin.record.error(host.unix_ms(), text);
            host.status_changed();
        } else if let Some(why) = note.failure {
            self.handler_failed(now, &note.plugin, &format!("deltas.input: {why}"), host);
        }
    }

    /// What a handler adds and has no budget for is dropped, which the session counts; said in the plugin's log.
    fn added_too_much(
        &mut self,
        now: Duration,
        id: &PluginId,
        at: At,
        why: String,
        host: &mut dyn Host,
    ) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if !plugin.record.added_too_much(now) {
            return;
        }
        host.say(LogArea::Api, LogLevel::Warn, id, why.clone());
        plugin.record.log(host.unix_ms(), LogLine { level: Level::Warn, text: why });
    }
}
