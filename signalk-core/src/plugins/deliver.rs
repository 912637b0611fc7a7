//! Deltas on their way to plugins. Who wants which is `routes.rs`; what waits between two lives is `delta_buffer.rs`.

use std::time::Duration;

use signalk_bridge::Delivery;
use signalk_model::{Delta, Placement};

use super::routes::At;
use super::{Host, Plugins};
use crate::io::{LogArea, LogLevel};

impl Plugins {
    /// A delta that the server let through, whoever sent it.
    pub(crate) fn on_delta(
        &mut self,
        now: Duration,
        delta: &Delta,
        placement: Placement,
        host: &mut dyn Host,
    ) {
        let mut deliveries = std::mem::take(&mut self.deliveries);
        self.routes.route(now, delta, placement, host.store(), |at, delivery| {
            deliveries.push((at, delivery));
        });
        for (at, delivery) in deliveries.drain(..) {
            let Some(plugin) = self.plugins.get_mut(at).filter(|plugin| plugin.takes_deltas())
            else {
                continue;
            };
            if delivery.subscription.is_none() && plugin.sent(delta) {
                let (too_much, text) = plugin.is_echo_too_much(now);
                if let Some(text) = text {
                    host.say(LogArea::Api, LogLevel::Error, &plugin.manifest.id, text.clone());
                    plugin.record.error(host.unix_ms(), text);
                    host.status_changed();
                }
                if too_much {
                    continue;
                }
            }
            self.deliver(at, delivery);
        }
        self.deliveries = deliveries;
    }

    pub(super) fn deliver(&mut self, at: At, delivery: Delivery) {
        match self.plugins.get_mut(at) {
            Some(plugin) if plugin.keeps_deltas() => plugin.keep(delivery),
            Some(plugin) => {
                if let Some(session) = &mut plugin.session {
                    plugin.dirty |= session.deliver(delivery);
                }
            }
            None => {}
        }
    }
}
