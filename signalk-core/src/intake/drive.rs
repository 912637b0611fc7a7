//! Asking the plugins about held deltas, giving up who is late, following the answers.

use std::time::Duration;

use signalk_bridge::{Handler, HandlerFailure, HandlerReply, Verdict, verdicts};
use signalk_model::{Delta, SourceRef};

use super::{Held, Intake, Note, Origin, Waiting};
use crate::{
    plugins::{Later, Plugins},
    server::Server,
};

/// Does what is due. Whether there was anything: then there may be more.
pub(crate) fn drive(now: Duration, server: &mut Server, plugins: &mut Plugins) -> bool {
    let changed = plugins.take_inputs_changed();
    if changed {
        server.intake.set(now, plugins.input_handlers());
    } else if server.intake.is_idle() {
        return false;
    }
    server.intake.expire(now, plugins);
    let mut any = server.let_released_in(now);
    while let Some((at, request)) = server.intake.next_batch(now) {
        ask(now, at, request, server, plugins);
        any = true;
    }
    any |= server.let_released_in(now);
    for call in std::mem::take(&mut server.intake.given_up) {
        plugins.give_up_call(now, call, server);
        any = true;
    }
    for note in std::mem::take(&mut server.intake.notes) {
        any |= note.taken_off.is_some();
        plugins.input_noted(now, note, server);
    }
    any
}

fn ask(now: Duration, at: usize, request: String, server: &mut Server, plugins: &mut Plugins) {
    let Some(stage) = server.intake.stages.get(at) else { return };
    let (plugin, number) = (stage.handler.plugin.clone(), server.intake.last_flight);
    let then = Box::new(move |later: &mut Later<'_>, reply: HandlerReply| {
        later.server.inputs_answered(later.now, number, reply, later.plugins);
    });
    let fuel = plugins.fuel_used(&plugin);
    let call = plugins.call_handler(now, &plugin, Handler::DeltaInput, request, server, then);
    if let Some(stage) = server.intake.stages.get_mut(at) {
        stage.handed(call, fuel);
    }
}

impl Intake {
    /// Who is late answers too late.
    fn expire(&mut self, now: Duration, plugins: &Plugins) {
        for at in (0..self.stages.len()).rev() {
            let Some(stage) = self.stages.get(at).filter(|stage| stage.deadline().is_some()) else {
                continue;
            };
            let used = plugins.fuel_used(&stage.handler.plugin);
            if let Some(why) = stage.is_late(now, used) {
                // A plugin that waits for the world, in another call, has not even seen the batch: that is no failure.
                let why = Some(why).filter(|_| stage.has_begun(used));
                self.pass_all(now, at, why);
            }
        }
    }

    /// The next question to a plugin: its stage and the params; the flight is `last_flight`.
    pub(super) fn next_batch(&mut self, now: Duration) -> Option<(usize, String)> {
        for at in 0..self.stages.len() {
            while let Some(waiting) =
                self.stages.get_mut(at).and_then(|stage| stage.pop_unwanted(&self.self_context))
            {
                self.put(now, at + 1, waiting);
            }
            let number = self.last_flight + 1;
            let stage = self.stages.get_mut(at)?;
            if let Some(request) = stage.take_batch(number, &self.self_context) {
                self.last_flight = number;
                return Some((at, request));
            }
        }
        None
    }
}

impl Server {
    /// A plugin answered, or will not.
    pub(super) fn inputs_answered(
        &mut self,
        now: Duration,
        number: u64,
        reply: HandlerReply,
        plugins: &mut Plugins,
    ) {
        let stages = self.intake.stages.iter_mut().enumerate();
        // `None`: it was late, and its deltas have passed.
        let Some((at, flight)) =
            stages.filter_map(|(at, stage)| Some((at, stage.land(number)?))).next()
        else {
            return;
        };
        let Some(handler) = self.intake.stages.get(at).map(|stage| stage.handler.clone()) else {
            return;
        };
        let asked = flight.deltas.iter().filter(|(_, asked)| *asked);
        let asked: Vec<&Delta> = asked.map(|(waiting, _)| &waiting.held.delta).collect();
        let mut note = Note::new(&handler.plugin);
        note.handed = u64::try_from(asked.len()).unwrap_or(u64::MAX);
        let (verdicts, mut failure) = match reply {
            Ok(text) => {
                match verdicts(&handler.plugin, &handler.package, &handler.rules, &asked, &text) {
                    Ok(verdicts) => (verdicts, None),
                    Err(why) => (Vec::new(), Some(why)),
                }
            }
            // It has ended: what came of that is told elsewhere.
            Err(HandlerFailure::NotRunning) => (Vec::new(), None),
            Err(failure) => (Vec::new(), Some(failure.to_string())),
        };
        let mut verdicts = verdicts.into_iter();
        for (waiting, was_asked) in flight.deltas {
            match if was_asked { verdicts.next() } else { Some(Verdict::Pass) } {
                Some(Verdict::Pass) => self.intake.put(now, at + 1, waiting),
                Some(Verdict::Drop) => {
                    self.intake.busy.release(&waiting.keys);
                    note.dropped += 1;
                }
                Some(Verdict::Change { kept, added }) => {
                    note.changed += 1;
                    let provider = SourceRef::from(handler.plugin.as_str());
                    self.change(now, at, waiting, kept);
                    let charged = match added.is_empty() {
                        true => Ok(()),
                        false => plugins.charge_added(now, &handler.plugin),
                    };
                    // No failure of the handler: what it does with others' deltas is sound.
                    match charged {
                        Ok(()) => self.add(now, at, added, provider),
                        Err(why) => note.too_much = Some(why),
                    }
                }
                Some(Verdict::Garbage(why)) => {
                    failure.get_or_insert(why);
                    note.skipped += 1;
                    self.intake.put(now, at + 1, waiting);
                }
                None => {
                    note.skipped += 1;
                    self.intake.put(now, at + 1, waiting);
                }
            }
        }
        if let Some(stage) = self.intake.stages.get_mut(at) {
            match failure {
                Some(why) => stage.failed(why, &mut note),
                None => stage.worked(),
            }
        }
        self.intake.notes.push(note);
    }

    /// The delta goes on with other values; without any it is gone.
    fn change(&mut self, now: Duration, at: usize, mut waiting: Waiting, mut kept: Delta) {
        self.check(&mut kept, &waiting.held.provider.clone());
        if kept.is_empty() {
            return self.intake.busy.release(&waiting.keys);
        }
        waiting.text = kept.to_json();
        waiting.held.delta = kept;
        self.intake.put(now, at + 1, waiting);
    }

    /// What the plugin says besides goes on behind it, to later handlers only.
    fn add(&mut self, now: Duration, at: usize, mut delta: Delta, provider: SourceRef) {
        self.check(&mut delta, &provider);
        if delta.is_empty() {
            return;
        }
        let (text, placement) = (delta.to_json(), signalk_model::Placement::Tree);
        let held = Held { delta, provider, placement, origin: Origin::Plugin };
        self.intake.put(now, at + 1, Waiting { held, keys: Vec::new(), text, since: now });
    }
}
