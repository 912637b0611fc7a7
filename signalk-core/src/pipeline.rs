//! A delta's way through the server (server-api.md 7): normalise, protect the own vessel, store, fan out. The steps
//! themselves are `signalk_model`'s and `stream`'s; source priorities and notification management are not here yet.

use std::time::Duration;

use signalk_model::{Delta, Placement, SourceRef};

use crate::{
    io::{LogLevel, StreamId},
    server::Server,
};

impl Server {
    /// A delta of a connection, a plugin or the server itself.
    pub(crate) fn handle_delta(&mut self, now: Duration, delta: Delta, provider: &SourceRef) {
        self.handle_delta_as(now, delta, provider, Placement::Tree, None);
    }

    /// A delta, where it goes, and the stream client that sent it.
    pub(crate) fn handle_delta_as(
        &mut self,
        now: Duration,
        mut delta: Delta,
        provider: &SourceRef,
        placement: Placement,
        from: Option<StreamId>,
    ) {
        let timestamp = self.timestamp();
        let complaints = delta.normalise(&self.self_context, provider, &timestamp);
        let refused = delta.protect_self(&self.self_context);
        for complaint in complaints.iter().chain(&refused) {
            self.log_line(LogLevel::Debug, provider.to_string(), complaint.to_string());
        }
        if delta.is_empty() {
            return;
        }
        self.providers.count(provider);
        if let Some(client) = from {
            for update in &delta.updates {
                if let Some(source) = &update.source_ref {
                    update
                        .values
                        .iter()
                        .for_each(|entry| self.devices.published(&entry.path, source, client));
                }
            }
        }
        self.store.apply_as(now, &delta, placement);
        self.fan_out(now, &delta, placement);
        self.accepted.push((delta, placement));
    }

    /// What the configuration says about the own vessel, as `$source` `defaults`.
    pub(crate) fn apply_base_deltas(&mut self, now: Duration) {
        let provider = self.names.defaults.clone();
        for delta in self.config.base_deltas.deltas().to_vec() {
            match Delta::parse(delta.to_string().as_bytes()) {
                Ok(parsed) => {
                    let mut delta = parsed.delta;
                    for update in &mut delta.updates {
                        update.source_ref = Some(provider.clone());
                        update.source = None;
                    }
                    self.handle_delta(now, delta, &provider);
                }
                Err(error) => self.log_line(
                    LogLevel::Warn,
                    "core".into(),
                    format!("baseDeltas.json: {error}"),
                ),
            }
        }
    }
}
