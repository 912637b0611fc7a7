//! The life of a plugin that is called by its exports: describe, start, poll, handle, deliver, stop.
//!
//! Clauses: plugin ABI 2.4, 3.1, 7.4, 8.1. How one export is called is
//! `abi/library.rs`; what a host call means is the method table. Here is what it does when;
//! `library/birth.rs`: what is asked first; `library/calls.rs`: what it asks for;
//! `library/by_name.rs`: methods that it calls by name; `library/exchanges.rs`: streamed bodies; `library/finished.rs`:
//! what a call came to;
//! `library/world.rs`: news from outside.

mod birth;
mod by_name;
mod calls;
mod exchanges;
mod finished;
mod world;

use std::collections::VecDeque;
use std::time::Duration;

use wasmi_hdk::{Interface, Stats};

pub(super) use self::birth::start_text;
use self::calls::{answer, give_text};
use self::exchanges::Letter;
use super::clients::Clients;
use super::run::{Job, Run};
use super::values::Values;
use super::{BATCH, Common, Description, Output, POLL_INTERVAL, STOP_DEADLINE};
use crate::SignalK;
use crate::abi::library::{Library, Outcome};
use crate::abi::queue::{Pending, Rest, Until};
use crate::abi::work::Work;
use crate::handler::{HandlerCall, HandlerFailure};
use crate::net::{Fresh, Mail};

/// Calls of `values_handler` in one trip.
const MOST_BLOCKS: usize = 4;

pub(super) struct Exports {
    interface: Interface,
    /// `None` while it is away on a run.
    library: Option<Box<Library>>,
    /// News of the world that came while the library was away.
    mail: Mail,
    /// The same of exchanges and PUTs: as many as the guest asked for.
    letters: VecDeque<Letter>,
    /// What clients do at its WebSockets.
    pub(super) clients: Clients,
    /// Handlers that clients wait for, in order.
    handlers: VecDeque<HandlerCall>,
    phase: Phase,
    /// A command that is no plugin: when it has run, that is said.
    is_legacy: bool,
    start: Option<String>,
    enable_debug: bool,
    /// The last text that is read before the plugin is described.
    last_text: &'static str,
    description: Description,
    has_poll: bool,
    has_delta_handler: bool,
    has_values_handler: bool,
    /// What the guest was told, if it takes values.
    values: Option<Values>,
    next_poll: Option<Duration>,
    stop_until: Option<Duration>,
    /// Until then the guest waits for a message.
    wait_until: Option<Duration>,
    /// `plugin_stop` has answered 0.
    is_sound: bool,
    /// What `poll` returned last: some plugins count with it, and one line for each value is enough.
    polled: i32,
    /// What the guest had used before this life.
    pub(super) before: Stats,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Describing,
    Starting,
    Running,
    Stopping,
}

impl Exports {
    pub(super) fn stop(&mut self, now: Duration, common: &mut Common) {
        self.stop_until.get_or_insert(now.saturating_add(STOP_DEADLINE));
        for call in std::mem::take(&mut self.handlers) {
            common.handled(call.id, Err(HandlerFailure::NotRunning));
        }
        if let Some(mut library) = self.library.take() {
            self.cancel(&mut library, common);
            self.library = Some(library);
        }
    }

    /// The guest of a life that has ended, if it can be started again as it is.
    pub(super) fn take_sound(&mut self) -> Option<Box<Library>> {
        let mut library = self.library.take().filter(|_| self.is_sound)?;
        let lives = library.guest.instance().is_some_and(|instance| !instance.has_ended());
        (lives && !library.has_work()).then_some(library)
    }

    /// Another configuration, before `plugin_start` is asked for.
    pub(super) fn set_options(&mut self, options: &str) {
        let Some(start) = &mut self.start else { return };
        *start = start_text(options, self.enable_debug);
        if let Some(shared) = self.library.as_mut().and_then(|library| library.shared()) {
            options.clone_into(&mut shared.options);
        }
    }

    /// A handler for a client, in its turn.
    pub(super) fn handle(&mut self, call: HandlerCall, common: &mut Common) {
        if self.phase == Phase::Running && self.stop_until.is_none() {
            self.handlers.push_back(call);
        } else {
            common.handled(call.id, Err(HandlerFailure::NotRunning));
        }
    }

    pub(super) fn poll(&mut self, common: &mut Common, now: Duration) -> Output {
        if self.wait_until.is_some_and(|until| until <= now)
            && let Some(mut library) = self.library.take()
        {
            self.wait_until = None;
            self.heard(&mut library, common, Some(0));
            self.library = Some(library);
        }
        let Some(library) = &mut self.library else {
            return Output::Wait { until: None };
        };
        if self.stop_until.is_some_and(|until| until <= now) {
            return Output::Stopped;
        }
        match library.outcome {
            Outcome::Waiting { until } if until.is_none_or(|until| until > now) => {
                return Output::Wait {
                    until: [until, self.stop_until].into_iter().flatten().min(),
                };
            }
            Outcome::Rests(_) => {
                return Output::Wait {
                    until: [self.wait_until, self.stop_until].into_iter().flatten().min(),
                };
            }
            _ => {}
        }
        if !library.has_work() {
            if self.stop_until.is_some() && self.phase == Phase::Running {
                self.phase = Phase::Stopping;
                library.queue.push_back(Work::Stop);
            } else if self.phase == Phase::Running {
                self.next_work(common, now);
            }
        }
        match self.library.take() {
            Some(mut library) if library.has_work() => {
                let budget = common.account.budget(now);
                if let Some(shared) = library.shared() {
                    shared.budget = budget;
                }
                Output::Run(Run(Job::Library(library)))
            }
            library => {
                self.library = library;
                let due = [self.next_poll, common.beat(), self.stop_until];
                Output::Wait { until: due.into_iter().flatten().min() }
            }
        }
    }

    /// A poll that is due, sockets with news, handlers that clients wait for, a batch of deltas.
    fn next_work(&mut self, common: &mut Common, now: Duration) {
        let Some(library) = &mut self.library else { return };
        if let Some(due) = self.next_poll.filter(|due| *due <= now) {
            library.queue.push_back(Work::Poll);
            let mut next = due.saturating_add(POLL_INTERVAL);
            while next <= now {
                next = next.saturating_add(POLL_INTERVAL);
                common.account.counters.polls_missed += 1;
            }
            self.next_poll = Some(next);
        }
        let fresh = library.shared().map(|shared| shared.net.take_fresh()).unwrap_or_default();
        for fresh in fresh {
            let (export, socket) = match fresh {
                Fresh::Udp(socket) => ("on_datagram", socket.0),
                Fresh::Tcp(socket) => ("on_tcp_data", socket.0),
                Fresh::WebSocket(socket) => ("on_ws_message", socket.0),
                Fresh::Listener(listener) => ("on_tcp_accept", listener.0),
            };
            if self.interface.has_export(export) {
                library.queue.push_back(Work::Woken { export, socket });
            }
        }
        let events = self.clients.take().into_iter();
        library.queue.extend(events.map(|(method, params)| Work::event(method, &params)));
        for call in self.handlers.drain(..) {
            let call = exchanges::opened(call, library);
            let exports = call.handler.exports();
            let found = exports.iter().find(|export| self.interface.has_export(export));
            let export = found.or(exports.first()).map_or("", String::as_str).into();
            library.queue.push_back(Work::handle(call, export));
        }
        if let Some(values) = &mut self.values {
            if values.has_begun() || common.is_beat(now) {
                let mut room = BATCH;
                for _ in 0..MOST_BLOCKS {
                    let Some(batch) = values.next(common, room) else { break };
                    room = room.saturating_sub(batch.deltas.len());
                    library.queue.push_back(Work::Values(batch));
                }
            }
        } else if self.has_delta_handler {
            if common.is_beat(now) {
                // Few enough to stop soon.
                for delivery in (0..BATCH).map_while(|_| common.waiting.pop_front()) {
                    library.queue.push_back(Work::Delta(delivery.delta.into_json()));
                }
            }
        } else {
            common.waiting.clear();
        }
    }

    pub(super) fn ran(
        &mut self,
        mut library: Box<Library>,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        self.drain(&mut library, common, now, signalk);
        for done in std::mem::take(&mut library.done) {
            self.done(done, &mut library, common, now, signalk);
        }
        self.wait_until = match &library.outcome {
            Outcome::Rests(Rest { until: Until::Message { within, .. }, .. }) => {
                Some(now.saturating_add(*within))
            }
            _ => None,
        };
        match std::mem::replace(&mut library.outcome, Outcome::More) {
            Outcome::Rests(rest)
                if matches!(rest.until, Until::SelfPath(_) | Until::RootPath(_)) =>
            {
                let answer = answer(&rest.until, common, now, signalk);
                library.charge(common.account.take_owed());
                give_text(&rest, answer.as_deref(), &mut library);
                if let Outcome::Crashed(crash) =
                    std::mem::replace(&mut library.outcome, Outcome::More)
                {
                    self.crashed(crash, &mut library, common);
                }
            }
            Outcome::Rests(Rest {
                until: Until::Call(Pending::Asked { method, params }),
                give,
                ty,
            }) => {
                let call = (&*method, &*params);
                self.call(call, (give, ty), &mut library, common, now, signalk);
            }
            Outcome::Crashed(crash) => self.crashed(crash, &mut library, common),
            outcome => library.outcome = outcome,
        }
        self.deliver(&mut library, common);
        // What `plugin_stop` itself asks for has until the deadline.
        if self.stop_until.is_some() && self.phase != Phase::Stopping {
            self.cancel(&mut library, common);
        }
        self.library = Some(library);
    }
}
