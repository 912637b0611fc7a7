//! Packages that the edge found: which are plugins, whose id is whose.
//!
//! Clauses: plugin ABI 1.1, 1.4. The first package of a name or id wins; the
//! others, and everything that was not understood, are said by name, once.

use std::time::Duration;

use signalk_bridge::{Manifest, ManifestError};

use super::Plugins;
use super::host::Host;
use super::options::Options;
use super::plugin::Plugin;
use crate::io::{FoundPackage, LogArea, LogLevel};

impl Plugins {
    /// The edge has looked for packages; called again, only new ones are added.
    pub(crate) fn handle_packages(
        &mut self,
        now: Duration,
        found: Vec<FoundPackage>,
        complaints: Vec<String>,
        host: &mut dyn Host,
    ) {
        for complaint in complaints {
            host.say(LogArea::Loader, LogLevel::Warn, "plugins", complaint);
        }
        let known = self.plugins.len();
        for package in found {
            self.add(package, host);
        }
        if self.settings.enabled && !self.stopping {
            // Those that run come first: a description can wait.
            let new = known..self.plugins.len();
            let enabled = |at: &usize| self.plugins.get(*at).is_some_and(Plugin::enabled);
            let (run, describe): (Vec<_>, Vec<_>) = new.partition(enabled);
            run.into_iter().for_each(|at| self.start(at, now, host));
            describe.into_iter().for_each(|at| self.describe(at, host));
        }
        host.plugins_changed();
        self.poll(now, host);
    }

    fn add(&mut self, package: FoundPackage, host: &mut dyn Host) {
        let FoundPackage { dir, package_json } = package;
        let reading = match Manifest::read(package_json.as_bytes()) {
            Ok(reading) => reading,
            Err(ManifestError::NotAPlugin { .. }) => return,
            Err(error) => {
                return host.say(
                    LogArea::Loader,
                    LogLevel::Warn,
                    "plugins",
                    format!("{dir}: {error}"),
                );
            }
        };
        let (mut manifest, complaints) = (reading.manifest, reading.complaints);
        self.settings.apply(&mut manifest);
        let id = manifest.id.clone();
        if let Some(first) = self.ids.get(&id).and_then(|at| self.plugins.get(*at)) {
            if first.dir != dir && self.passed_over.insert(dir.clone()) {
                let text = format!(
                    "{dir} ({}): its plugin id `{id}` is that of {} ({}), which was found first; this one is not loaded: remove one of them",
                    version(&manifest.version),
                    first.dir,
                    version(&first.manifest.version)
                );
                host.say(LogArea::Loader, LogLevel::Warn, "plugins", text);
            }
            return;
        }
        let complaints: Vec<String> =
            complaints.iter().map(|complaint| format!("{dir}/package.json: {complaint}")).collect();
        for complaint in &complaints {
            host.say(LogArea::Loader, LogLevel::Warn, &id, complaint.clone());
        }
        let text = self.option_files.remove(id.as_str());
        let (options, complaint) = Options::read(&id, text.as_deref());
        let mut plugin = Plugin::new(manifest, dir, options);
        plugin.complaints = complaints;
        if let Some(complaint) = complaint {
            host.say(LogArea::Loader, LogLevel::Error, &id, complaint.clone());
            plugin.record.error(host.unix_ms(), complaint);
        }
        if !plugin.enabled() {
            // One that runs hears of it at its start, each time.
            for complaint in plugin.options.misread(&id) {
                host.say(LogArea::Loader, LogLevel::Warn, &id, complaint.clone());
                plugin.record.complaints.push(complaint);
            }
        }
        self.ids.insert(id, self.plugins.len());
        self.plugins.push(plugin);
    }
}

/// As a person names it.
fn version(text: &str) -> String {
    if text.is_empty() { "no version".to_owned() } else { format!("version {text}") }
}
