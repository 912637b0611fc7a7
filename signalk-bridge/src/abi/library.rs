//! The exports of a library guest, driven: one queue of calls, executed in slices.
//!
//! A [`Library`] moves as a whole to where guests run and comes back with what
//! it has done, so that one trip carries a batch of deltas. Order and meaning of
//! the calls are the session's (`session/library.rs`); how texts cross is the
//! convention's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmi_hdk::{Fault, Instance, InstanceConfig, Module, Platform, Step, Val};

use super::adapt::results;
use super::buffer::Held;
use super::convention::{Begun, Convention, Finished};
use super::env::web::give_response;
use super::guest::Guest;
use super::queue::{Give, Rest, Shared};
use super::work::{Done, Work};
use crate::net::Net;
use crate::{Crash, FetchHead, HandlerCallId, Usage};

/// Why the library came back.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Everything queued is done.
    Idle,
    /// The budget of one trip is used up.
    More,
    /// The guest sleeps, or pays off its fuel.
    Waiting { until: Option<Duration> },
    /// The guest waits for an answer of the core or of the world.
    Rests(Rest),
    /// Nothing can be called any more.
    Crashed(Crash),
}

/// A call that has begun.
struct Flight {
    work: Work,
    held: Held,
    ran: Duration,
    limit: Duration,
    /// Fuel of calls by name that were answered at once, since it last waited for the world: a loop of them is no rest.
    answered: u64,
    /// The guest sleeps in a WASI call since then.
    asleep_since: Option<Duration>,
}

/// A library guest and what it still has to do.
pub(crate) struct Library {
    pub(crate) guest: Guest,
    convention: Convention,
    platform: Arc<dyn Platform>,
    flight: Option<Flight>,
    /// Guest time of one call, if the owner says so.
    call_time: Option<Duration>,
    pub(crate) queue: VecDeque<Work>,
    pub(crate) done: Vec<Done>,
    /// Deltas that the guest ended over before it was called.
    pub(crate) deltas_lost: u64,
    /// What a resting call goes on with.
    gift: Option<(Rest, FetchHead, Bytes)>,
    pub(crate) outcome: Outcome,
    /// Since the session last took it over.
    pub(crate) usage: Usage,
    /// The last trip delivered deltas, and nothing came of it that the core must hear of now.
    pub(crate) is_quiet: bool,
}

impl Library {
    /// A guest that is born on its first trip.
    pub(crate) fn new(
        module: &Module,
        convention: Convention,
        config: InstanceConfig,
        call_time: Option<Duration>,
    ) -> Library {
        Library {
            platform: config.platform.clone(),
            guest: Guest::new(module, config),
            convention,
            flight: None,
            call_time,
            queue: VecDeque::new(),
            done: Vec::new(),
            deltas_lost: 0,
            gift: None,
            outcome: Outcome::Idle,
            usage: Usage::default(),
            is_quiet: false,
        }
    }

    /// A sound guest begins another life: what was asked of it and by it in the one before is forgotten.
    pub(crate) fn live_again(&mut self, mut shared: Shared) {
        self.queue.clear();
        self.done.clear();
        (self.flight, self.gift, self.outcome) = (None, None, Outcome::Idle);
        (self.deltas_lost, self.usage, self.is_quiet) = (0, Usage::default(), false);
        if let Some(old) = self.shared() {
            shared.net = Net::after(&old.net);
            *old = shared;
        }
    }

    /// True while a call rests or waits to be made.
    pub(crate) fn has_work(&self) -> bool {
        self.flight.is_some() || !self.queue.is_empty()
    }

    /// What the guest is at, if anything.
    pub(crate) fn at_work(&self) -> Option<&Work> {
        self.flight.as_ref().map(|flight| &flight.work)
    }

    /// The shared state of a living guest.
    pub(crate) fn shared(&mut self) -> Option<&mut Shared> {
        self.guest.state()
    }

    /// Charges the guest for what the server did for it.
    pub(crate) fn charge(&mut self, fuel: u64) {
        if let Some(instance) = self.guest.instance() {
            instance.charge(fuel);
        }
    }

    /// Charges the guest for a call by name; what is answered at once counts towards the fuel of the export's call.
    pub(crate) fn charge_call(&mut self, fuel: u64, is_answered: bool) -> Result<(), Crash> {
        let (Some(instance), Some(flight)) = (self.guest.instance(), &mut self.flight) else {
            return Ok(());
        };
        instance.charge(fuel);
        flight.answered = if is_answered { flight.answered.saturating_add(fuel) } else { 0 };
        let Some(limit) = instance.limits().call_fuel.filter(|limit| flight.answered > *limit)
        else {
            return Ok(());
        };
        instance.end();
        Err(Crash::from(Fault::OutOfFuel {
            plugin: instance.name().to_owned(),
            call: flight.work.export().to_owned(),
            used: flight.answered,
            limit,
        }))
    }

    /// Goes on after a [`Rest`], with its results; the next trip carries on.
    pub(crate) fn resume(&mut self, results: &[Val]) {
        let Some(instance) = self.guest.instance() else { return };
        self.outcome = match instance.resume(results) {
            Ok(()) => Outcome::More,
            Err(error) => Outcome::Crashed(error.into()),
        };
    }

    /// Goes on after a [`Rest`] with an answer by HTTP, which the next trip hands to the guest.
    pub(crate) fn resume_with(&mut self, rest: Rest, head: FetchHead, body: Bytes) {
        self.gift = Some((rest, head, body));
        self.outcome = Outcome::More;
    }

    /// Bytes of a streamed exchange moved: its handler has its time for the next ones.
    pub(crate) fn moved(&mut self, exchange: HandlerCallId) {
        if let Some(flight) = &mut self.flight
            && matches!(&flight.work, Work::Handle { call, .. } if call.id == exchange)
        {
            flight.ran = Duration::ZERO;
        }
    }

    /// Executes what is queued until it is done, rests, or has used the budget of one trip.
    pub(crate) fn execute(mut self: Box<Self>) -> Box<Self> {
        self.outcome = match self.drive() {
            Ok(outcome) => outcome,
            Err(crash) => Outcome::Crashed(crash),
        };
        self.is_quiet = matches!(self.outcome, Outcome::Idle)
            && self.done.iter().all(|done| matches!(done, Done::Deltas(_)))
            && self.shared().is_none_or(|shared| shared.is_quiet());
        self
    }

    fn drive(&mut self) -> Result<Outcome, Crash> {
        self.guest.be_born()?;
        let mut spent = self.guest.fuel_used();
        let platform = self.platform.clone();
        let Some(limits) = self.guest.instance().map(|instance| instance.limits().clone()) else {
            return Ok(Outcome::Idle);
        };
        self.hand_over()?;
        self.woken()?;
        let mut fuel_left = limits.run_fuel;
        let end = limits.run_time.map(|time| platform.monotonic().saturating_add(time));
        loop {
            let began = platform.monotonic();
            if self.flight.is_none() {
                match self.queue.pop_front().or_else(|| self.convention.idle_work(&self.guest)) {
                    Some(work) => self.begin(work)?,
                    None => return Ok(Outcome::Idle),
                }
            }
            let place = self.flight.as_ref().map(|flight| self.usage.place(flight.work.export()));
            let stepped = self.step(began, limits.slice_fuel);
            // What copying in and out took is the guest's too: it is the guest's allocator.
            let used = self.guest.fuel_used().saturating_sub(spent);
            spent = spent.saturating_add(used);
            if let Some(place) = place {
                self.usage.burned(place, used);
            }
            if let Some(outcome) = stepped? {
                return Ok(outcome);
            }
            fuel_left = fuel_left.saturating_sub(used.max(1));
            if fuel_left == 0 || end.is_some_and(|end| platform.monotonic() >= end) {
                return Ok(if self.has_work() { Outcome::More } else { Outcome::Idle });
            }
        }
    }

    /// Hands the guest what its resting call waited for.
    fn hand_over(&mut self) -> Result<(), Crash> {
        let Some((Rest { give, ty, .. }, head, body)) = self.gift.take() else { return Ok(()) };
        let object = match give {
            Give::Response { .. } => 0,
            _ => self.convention.object(&mut self.guest, &body)?,
        };
        let Some(instance) = self.guest.instance() else { return Ok(()) };
        let number = match give {
            Give::Response { buffer, capacity } => {
                give_response(instance, (buffer, capacity), head, &body)
            }
            _ => object,
        };
        Ok(instance.resume(&results(&ty, number))?)
    }

    /// One slice of the call in flight, whose turn began then; why the trip ends, if it does.
    fn step(&mut self, began: Duration, slice: u64) -> Result<Option<Outcome>, Crash> {
        let (Some(instance), Some(flight)) = (self.guest.instance(), &mut self.flight) else {
            return Ok(None); // an export that is not there was skipped
        };
        if let Some(until) = instance.throttled_until() {
            // Who pays for fuel is slow; it is not asleep, and the call's time does not go on.
            return Ok(Some(Outcome::Waiting { until: Some(until) }));
        }
        let step = instance.run(slice);
        let after = self.platform.monotonic();
        flight.ran = flight.ran.saturating_add(after.saturating_sub(began));
        match step {
            Step::Finished(values) => self.finish(&values)?,
            Step::Yielded => flight.overrun(instance)?,
            Step::Waiting { until, .. } => {
                let late = flight.asleep(after);
                let until = Some(until.map_or(late, |until| until.min(late)));
                return Ok(Some(Outcome::Waiting { until }));
            }
            Step::HostCall(payload) => {
                return Ok(Some(match payload.downcast::<Rest>() {
                    Ok(rest) => Outcome::Rests(*rest),
                    Err(_) => Outcome::Waiting { until: None },
                }));
            }
            Step::Failed(Fault::Exit { code: 0, .. }) if !instance.has_ended() => {
                self.finish(&[])?;
            }
            Step::Failed(fault) => return Err(fault.into()),
        }
        Ok(None)
    }

    /// Begins one call; an export that the guest does not have is done at once.
    fn begin(&mut self, work: Work) -> Result<(), Crash> {
        if let (Work::Response(response), Some(shared)) = (&work, self.guest.state::<Shared>()) {
            shared.handed_over(response.sent);
        }
        let Some(ty) = self.guest.interface().export_type(work.export()).cloned() else {
            self.done.push(work.skipped());
            return Ok(());
        };
        let begun = match self.convention.begin(&mut self.guest, &work, &ty) {
            Ok(Begun::Called(held, args)) => self.guest.enter(work.export(), &args).map(|()| held),
            Ok(Begun::Refused(why)) => {
                self.done.push(work.refused(why));
                return Ok(());
            }
            Err(crash) => Err(crash),
        };
        match begun {
            Ok(held) => self.flight = Some(Flight::new(work, held, self.call_time)),
            Err(crash) => {
                // The guest ended over it: the same delta would end its next life too. Of everything else somebody
                // has to be told what became of it.
                self.deltas_lost += work.deltas();
                self.flight = Some(Flight::new(work, Held::default(), self.call_time));
                return Err(crash);
            }
        }
        Ok(())
    }

    /// Counts the time that the guest was asleep towards the call's (plugin ABI 4.11); waiting for
    /// the network is a [`Rest`] and is not counted.
    fn woken(&mut self) -> Result<(), Crash> {
        let (Some(instance), Some(flight)) = (self.guest.instance(), &mut self.flight) else {
            return Ok(());
        };
        let Some(since) = flight.asleep_since.take() else { return Ok(()) };
        let slept = self.platform.monotonic().saturating_sub(since);
        flight.ran = flight.ran.saturating_add(slept);
        flight.overrun(instance)
    }

    /// Takes the result of the call in flight.
    fn finish(&mut self, values: &[Val]) -> Result<(), Crash> {
        let Some(Flight { work, held, .. }) = self.flight.take() else { return Ok(()) };
        self.usage.finished(work.export());
        match self.convention.finish(&mut self.guest, work, held, values)? {
            Finished::Done(done) => self.done.push(done),
            Finished::Again(work) => self.queue.push_front(work),
        }
        Ok(())
    }
}

impl Flight {
    fn new(work: Work, held: Held, call_time: Option<Duration>) -> Flight {
        let limit = work.deadline(call_time);
        Flight { work, held, ran: Duration::ZERO, limit, answered: 0, asleep_since: None }
    }

    /// The guest sleeps from now on; the time at which the call will have taken too long.
    fn asleep(&mut self, now: Duration) -> Duration {
        self.asleep_since = Some(now);
        // One more than the limit, because what is just used up is not yet overrun.
        now.saturating_add(self.limit.saturating_sub(self.ran))
            .saturating_add(Duration::from_nanos(1))
    }

    fn overrun(&self, instance: &mut Instance) -> Result<(), Crash> {
        if self.ran <= self.limit {
            return Ok(());
        }
        instance.end();
        Err(Crash::from(Fault::Deadline {
            plugin: instance.name().to_owned(),
            call: self.work.export().to_owned(),
            ran: self.ran,
            limit: self.limit,
        }))
    }
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library")
            .field("module", &self.guest.interface().name())
            .field("queue", &self.queue.len())
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}
