//! From the wish to run to a session: the module is read, the owner's options become limits, rules and egress. What the
//! session does then is `turn.rs`.

use std::time::Duration;

use bytes::Bytes;
use signalk_bridge::{Cause, Code, Failure, Purpose, Session, SessionConfig};

use super::Plugins;
use super::host::Host;
use super::limits::Allowance;
use super::plugin::{ModuleInfo, Plugin, State};
use super::reload::Reload;
use super::routes::At;
use crate::io::{Effect, LogArea, LogLevel, ModuleFiles, Output};

impl Plugins {
    /// Asks for the module; the session follows in `handle_module`.
    pub(super) fn begin(&mut self, at: At, purpose: Purpose, host: &mut dyn Host) {
        let allowance = self.settings.allowance();
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if purpose == Purpose::Run {
            plugin.state = State::Starting;
            plugin.record.set_status(host.unix_ms(), None);
            let text = match plugin.kept {
                Some(_) => "starting in the memory of the life before",
                None => "starting",
            };
            host.say(LogArea::Lifecycle, LogLevel::Debug, &plugin.manifest.id, text.to_owned());
        }
        let wants_files = purpose == Purpose::Run
            && plugin.manifest.capabilities.has(signalk_bridge::Capability::Storage);
        // What is wrong with the limits is said when the module is there.
        let limits = plugin.options.limits();
        let (allowance, _) = allowance.narrowed_by(&plugin.manifest.id, limits);
        let trust = match purpose {
            Purpose::Run => plugin.options.egress(&plugin.manifest).0.authority_files().to_vec(),
            Purpose::Describe => Vec::new(),
        };
        plugin.reading = Some(purpose);
        if purpose == Purpose::Describe || plugin.reload.is_some() {
            plugin.kept = None;
        }
        let is_born = plugin.kept.is_none();
        host.push(Output::Effect(Effect::ReadModule {
            plugin: plugin.manifest.id.clone(),
            dir: plugin.dir.clone(),
            wasm: plugin.manifest.wasm.clone(),
            want_code: is_born && plugin.reload.as_ref().and_then(Reload::module).is_none(),
            fs: (is_born && wants_files).then_some(allowance.quota),
            trust,
        }));
    }

    /// The module was read, or could not be.
    pub(super) fn module_read(
        &mut self,
        at: At,
        now: Duration,
        result: Result<ModuleFiles, String>,
        host: &mut dyn Host,
    ) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        if plugin.stale_reads > 0 {
            plugin.stale_reads -= 1;
            return;
        }
        // `None`: it was stopped while the disk was slow.
        let Some(purpose) = plugin.reading.take() else { return };
        let files = match result {
            Ok(files) => files,
            // What the disk says has its remedy in it.
            Err(text) => return self.failed(at, now, &Failure::new(Cause::Told, text), host),
        };
        plugin.purpose = purpose;
        let code = match (plugin.kept.take(), plugin.reload.as_ref().and_then(Reload::module)) {
            (Some(kept), _) => Code::Kept(kept),
            (None, Some(before)) => Code::Module(before.clone()),
            (None, None) => {
                let (hash, bytes) = (files.hash, files.wasm.len());
                let known = self.descriptions.get(&plugin.manifest.id, &hash);
                let text = format!("{}: {bytes} bytes, sha256 {hash}", plugin.manifest.wasm);
                host.say(LogArea::Loader, LogLevel::Debug, &plugin.manifest.id, text);
                plugin.module = Some(ModuleInfo { hash, bytes });
                if let (Purpose::Describe, Some(known)) = (purpose, known) {
                    plugin.description = Some(known);
                    return self.stopped(at, now, host);
                }
                Code::Bytes(files.wasm)
            }
        };
        let trusted = (files.authorities, files.complaints);
        let allowance = plugin.begin_life(self.settings.allowance(), trusted, host);
        let config = SessionConfig {
            engine: self.engine.clone(),
            limits: allowance.limits,
            call_time: allowance.call_time,
            platform: host.platform(),
            fs: files.fs,
            host: self.settings.host.clone(),
            options: plugin.options.configuration(),
            enable_debug: plugin.options.enable_debug(),
            deltas_per_second: allowance.deltas_per_second,
            queue: allowance.queue,
            rules: plugin.rules.clone(),
            wants_id: !plugin.options.exists() && !self.option_files.is_empty(),
            purpose,
        };
        plugin.session = Some(Session::new(&plugin.manifest, code, config));
        plugin.dirty = true;
    }
}

impl Plugin {
    /// What the owner's options file lets the next life use and do, with the authorities in files that it names. What
    /// of it cannot be is said.
    fn begin_life(
        &mut self,
        allowance: Allowance,
        (authorities, unread): (Vec<Bytes>, Vec<String>),
        host: &mut dyn Host,
    ) -> Allowance {
        self.life += 1;
        // One that is off is only described, and its owner was told when it was found.
        let told = std::mem::take(&mut self.record.complaints);
        let is_off = !self.enabled();
        let is_told = |complaint: &String| is_off && told.contains(complaint);
        let id = &self.manifest.id;
        let (allowance, complaints) = allowance.narrowed_by(id, self.options.limits());
        for complaint in complaints {
            host.say(LogArea::Loader, LogLevel::Error, id, complaint.clone());
            self.record.complain(host.unix_ms(), complaint);
        }
        self.record.log_budget.per_second = allowance.limits.stderr_lines_per_second;
        let (mut egress, complaints) = self.options.egress(&self.manifest);
        egress.trust_authorities(authorities);
        self.egress = egress.into();
        let (rules, more) = self.options.rules(id);
        self.rules = rules;
        let (old, new): (Vec<_>, Vec<_>) =
            complaints.into_iter().chain(unread).chain(more).partition(is_told);
        self.record.complaints.extend(old);
        for complaint in new {
            host.say(LogArea::Loader, LogLevel::Warn, id, complaint.clone());
            self.record.complaints.push(complaint);
        }
        allowance
    }
}
