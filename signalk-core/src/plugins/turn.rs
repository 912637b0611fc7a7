//! A session's turn: inputs go in with the server in hand, and what it says is followed. What an end means is
//! `endings.rs`.

use std::time::Duration;

use signalk_bridge::{HandlerFailure, Input, Output as Said, Session};

use super::Plugins;
use super::desk::Desk;
use super::host::Host;
use super::routes::At;
use crate::io::{Effect, Output};

impl Plugins {
    /// Hands an input to the session.
    pub(super) fn input(&mut self, at: At, now: Duration, input: Input, host: &mut dyn Host) {
        self.with_session(at, now, host, |session, desk| session.handle_input(now, input, desk));
        if let Some(plugin) = self.plugins.get_mut(at) {
            plugin.dirty = true;
        }
    }

    /// Lends the session everything that the plugin's calls may touch.
    fn with_session<R>(
        &mut self,
        at: At,
        now: Duration,
        host: &mut dyn Host,
        work: impl FnOnce(&mut Session, &mut Desk<'_>) -> R,
    ) -> Option<R> {
        let plugin = self.plugins.get_mut(at)?;
        let enabled = plugin.enabled();
        let mut deliver = Vec::new();
        let session = plugin.session.as_mut()?;
        let mut desk = Desk {
            now,
            at,
            life: plugin.life,
            enabled,
            record: &mut plugin.record,
            options: &mut plugin.options,
            ahead: &mut plugin.ahead,
            routes: &mut self.routes,
            registrations: &mut self.registrations,
            sockets: &mut self.sockets,
            deliver: &mut deliver,
            host,
        };
        let result = work(session, &mut desk);
        let last_values = std::mem::take(desk.deliver);
        if !last_values.is_empty() {
            session.handle_input(now, Input::Deltas(last_values), &mut desk);
        }
        Some(result)
    }

    /// Polls the session until it waits.
    pub(super) fn drive(&mut self, at: At, now: Duration, host: &mut dyn Host) {
        loop {
            let said = self.with_session(at, now, host, |session, desk| {
                let said = session.poll_output(now, desk);
                desk.record.measured(now, session.counters(), session.stats());
                said
            });
            match said {
                None => return,
                Some(Said::Wait { until }) => {
                    if let Some(plugin) = self.plugins.get_mut(at) {
                        plugin.wake = until;
                    }
                    return;
                }
                Some(said) => self.follow(at, now, said, host),
            }
        }
    }

    fn follow(&mut self, at: At, now: Duration, said: Said, host: &mut dyn Host) {
        let Some(plugin) = self.plugins.get_mut(at) else { return };
        match said {
            Said::Run(run) => {
                let plugin = plugin.manifest.id.clone();
                host.push(Output::Run { plugin, run });
            }
            Said::Effect(effect) => {
                plugin.connected = true;
                let (egress, life) = (plugin.egress.clone(), plugin.life);
                let plugin = plugin.manifest.id.clone();
                host.push(Output::Effect(Effect::Plugin { plugin, life, egress, effect }));
            }
            Said::Exchange { id, wish } => self.exchange_wish(now, id, wish, host),
            Said::Handled { id, reply } => {
                // Whoever asked knows whether it matters that there is no such handler. What nobody waits for any more
                // was counted when it was late, or its client left.
                if let Err(failure) = &reply
                    && self.calls.awaits(id)
                    && !matches!(
                        failure,
                        HandlerFailure::NotRunning | HandlerFailure::NotFound { .. }
                    )
                {
                    let plugin = plugin.manifest.id.clone();
                    self.handler_failed(now, &plugin, &failure.to_string(), host);
                }
                self.handled(id, reply);
            }
            Said::Described(description) => self.described(at, now, description, host),
            Said::Started => self.started(at, now, host),
            Said::Failed(failure) => self.failed(at, now, &failure, host),
            Said::Stopped => self.stopped(at, now, host),
            Said::Crashed(crash) => self.crashed(at, now, &crash, host),
            Said::Wait { .. } => {}
        }
    }
}
