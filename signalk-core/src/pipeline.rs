//! A delta's way through the server (server-api.md 7): normalise, protect the own vessel, let plugins look at it, give
//! notifications their ids, store, fan out, look into zones. The steps themselves are `signalk_model`'s, `intake`'s,
//! `notifications`', `stream`'s and `zones`'; source priorities are not here yet.

use std::time::Duration;

use signalk_model::{Delta, LeftOut, Placement, SourceRef};

use crate::{
    identity,
    intake::{Held, Origin},
    io::LogLevel,
    server::Server,
};

impl Server {
    /// A delta of the server itself.
    pub(crate) fn handle_delta(&mut self, now: Duration, delta: Delta, provider: &SourceRef) {
        self.handle_delta_as(now, delta, provider, Placement::Tree, Origin::Server);
    }

    /// A delta, where it goes, and who sent it.
    pub(crate) fn handle_delta_as(
        &mut self,
        now: Duration,
        mut delta: Delta,
        provider: &SourceRef,
        placement: Placement,
        origin: Origin,
    ) {
        self.check(&mut delta, provider);
        if delta.is_empty() {
            return;
        }
        if let (Origin::Client(client), Some(context)) = (origin, &delta.context) {
            for update in &delta.updates {
                if let Some(source) = &update.source_ref {
                    for entry in &update.values {
                        self.devices.published(context, &entry.path, source, client);
                    }
                }
            }
        }
        if self.intake.is_idle() || origin == Origin::Server {
            return self.let_in(now, delta, provider, placement);
        }
        let held = Held { delta, provider: provider.clone(), placement, origin };
        if let Some(held) = self.intake.offer(now, held) {
            return self.let_in(now, held.delta, provider, placement);
        }
        self.let_released_in(now);
    }

    /// The rules for every delta that comes in, and for what a handler made of one.
    pub(crate) fn check(&mut self, delta: &mut Delta, provider: &SourceRef) {
        let timestamp = self.timestamp();
        let complaints = delta.normalise(&self.self_context, provider, &timestamp);
        let refused = delta.protect_self(&self.self_context);
        for complaint in complaints.iter().chain(&refused) {
            self.log_line(LogLevel::Debug, provider.to_string(), complaint.to_string());
        }
    }

    /// Whatever the handlers have done with, in its order. Whether there was any.
    pub(crate) fn let_released_in(&mut self, now: Duration) -> bool {
        let mut any = false;
        while let Some(held) = self.intake.pop_released() {
            self.let_in(now, held.delta, &held.provider, held.placement);
            any = true;
        }
        any
    }

    /// A delta that was checked and that no handler waits for.
    fn let_in(
        &mut self,
        now: Duration,
        mut delta: Delta,
        provider: &SourceRef,
        placement: Placement,
    ) {
        self.providers.count(provider);
        if self.config.settings.manages_notifications() {
            self.notifications.manage(&mut delta, &*self.platform);
        }
        let left_out = self.store.apply_from(now, &delta, placement, provider);
        if !left_out.is_empty() {
            self.leave_out(&mut delta, &left_out, provider);
            if delta.is_empty() {
                return;
            }
        }
        self.fan_out(now, &delta, placement);
        let raised = self.follow_zones(&delta);
        self.accepted.push((delta, placement));
        for notification in raised {
            let provider = self.names.zones.clone();
            self.handle_delta(now, notification, &provider);
        }
    }

    /// The model is full for this provider: nobody is told of what it did not take. Said once, counted always.
    fn leave_out(&mut self, delta: &mut Delta, left_out: &LeftOut, provider: &SourceRef) {
        if self.providers.count_left_out(provider, left_out.count(delta)) {
            let text =
                format!("delta of {}: {left_out}", delta.context.as_deref().unwrap_or_default());
            self.log_line(LogLevel::Warn, provider.to_string(), text);
        }
        left_out.take_from(delta);
    }

    /// The base deltas have new values: told to everybody. Another identity waits for the next start.
    pub(crate) fn vessel_changed(&mut self, now: Duration) {
        self.apply_base_deltas(now);
        self.broadcast(&self.vessel_info());
        let identity = identity::configured_id(&self.config);
        if identity.is_none_or(|id| self.self_context.strip_prefix("vessels.") != Some(&id)) {
            self.need_restart(vec!["mmsi"]);
        }
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
