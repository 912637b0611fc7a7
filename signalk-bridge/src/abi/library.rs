//! The exports of a buffer-ABI plugin, driven: one queue of calls, executed in slices.
//!
//! Clauses: plugin ABI 2.3, 2.6, 3.1, 3.2. A [`Library`] moves as a whole to
//! where guests run and comes back with what it has done, so that one trip
//! carries a batch of deltas. Order and meaning of the calls are the session's
//! (`session/buffer.rs`).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use wasmi_hdk::{CallError, Fault, Instance, InstanceConfig, Module, Platform, Step, Val};

use super::adapt::{arguments, first, results};
use super::imports::write;
use super::queue::{Ask, Shared};
use crate::{Crash, START_DEADLINE};

/// First size of an output buffer, and the largest (plugin ABI 2.6).
const FIRST_BUFFER: u32 = 8 << 10;
const LARGEST_BUFFER: u32 = 16 << 20;
/// Fuel of one `allocate` or `deallocate`.
const ALLOCATION_FUEL: u64 = 10_000_000;

/// One call of the guest.
#[derive(Debug)]
pub(crate) enum Work {
    /// `_start` of a command module.
    Entry,
    /// A text that the guest writes into a buffer; `size` grows until it fits.
    Read { export: &'static str, size: u32 },
    /// `plugin_start` with the configuration text.
    Start(String),
    /// `plugin_stop`.
    Stop,
    /// `poll`.
    Poll,
    /// `delta_handler` with one delta.
    Delta(Arc<str>),
}

impl Work {
    fn export(&self) -> &'static str {
        match self {
            Work::Entry => "_start",
            Work::Read { export, .. } => export,
            Work::Start(_) => "plugin_start",
            Work::Stop => "plugin_stop",
            Work::Poll => "poll",
            Work::Delta(_) => "delta_handler",
        }
    }

    /// Guest time that it may take: plugin ABI W12, unless the owner says otherwise. A start
    /// may take longer than other calls, never less.
    fn deadline(&self, call_time: Option<Duration>) -> Duration {
        match self {
            Work::Entry | Work::Start(_) => START_DEADLINE.max(call_time.unwrap_or_default()),
            Work::Read { .. } | Work::Stop | Work::Poll | Work::Delta(_) => {
                call_time.unwrap_or(Duration::from_secs(5))
            }
        }
    }
}

/// One call that came to its end.
#[derive(Debug)]
pub(crate) enum Done {
    Entry,
    /// `None`: not exported. Complaint: why the text is not all there.
    Read {
        export: &'static str,
        text: Option<String>,
        complaint: Option<String>,
    },
    Started(i32),
    Stopped(i32),
    Polled(i32),
    Delta,
}

/// Why the library came back.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Everything queued is done.
    Idle,
    /// The budget of one trip is used up.
    More,
    /// The guest sleeps, or pays off its fuel.
    Waiting { until: Option<Duration> },
    /// The guest waits for an answer of the core.
    Asks(Ask),
    /// Nothing can be called any more.
    Crashed(Crash),
}

enum Life {
    Unborn(Box<(Module, InstanceConfig)>),
    Living(Box<Instance>),
    /// It could not be born.
    Still,
}

/// What has to be given back to the guest: address and size.
type Buffer = Option<(u32, u32)>;

struct Flight {
    work: Work,
    buffer: Buffer,
    ran: Duration,
    limit: Duration,
}

/// A buffer-ABI guest and what it still has to do.
pub(crate) struct Library {
    life: Life,
    module: Module,
    platform: Arc<dyn Platform>,
    flight: Option<Flight>,
    call_time: Option<Duration>,
    pub(crate) queue: VecDeque<Work>,
    pub(crate) done: Vec<Done>,
    pub(crate) outcome: Outcome,
}

impl Library {
    /// A guest that is born on its first trip.
    pub(crate) fn new(
        module: &Module,
        config: InstanceConfig,
        call_time: Option<Duration>,
    ) -> Library {
        Library {
            call_time,
            platform: config.platform.clone(),
            life: Life::Unborn(Box::new((module.clone(), config))),
            module: module.clone(),
            flight: None,
            queue: VecDeque::new(),
            done: Vec::new(),
            outcome: Outcome::Idle,
        }
    }

    /// The living guest.
    pub(crate) fn instance(&mut self) -> Option<&mut Instance> {
        match &mut self.life {
            Life::Living(instance) => Some(instance),
            _ => None,
        }
    }

    /// True while a call rests or waits to be made.
    pub(crate) fn has_work(&self) -> bool {
        self.flight.is_some() || !self.queue.is_empty()
    }

    /// The last trip delivered deltas, and nothing else happened.
    pub(crate) fn has_only_taken_deltas(&self) -> bool {
        matches!(self.outcome, Outcome::Idle)
            && self.done.iter().all(|done| matches!(done, Done::Delta))
    }

    /// Answers the [`Ask`] that the guest waits for; `None` is its "nothing there".
    pub(crate) fn answer(&mut self, ask: &Ask, text: Option<&str>) {
        let Some(instance) = self.instance() else { return };
        let answer = text.unwrap_or_default().as_bytes();
        let written = write(&mut instance.memory(), ask.buffer, ask.capacity, answer);
        if let Err(error) = instance.resume(&results(&ask.ty, written)) {
            self.outcome = Outcome::Crashed(error.into());
        }
    }

    /// Executes what is queued until it is done, rests, or has used the budget of one trip.
    pub(crate) fn execute(mut self: Box<Self>) -> Box<Self> {
        self.outcome = match self.drive() {
            Ok(outcome) => outcome,
            Err(crash) => Outcome::Crashed(crash),
        };
        self
    }

    fn drive(&mut self) -> Result<Outcome, Crash> {
        let platform = self.platform.clone();
        let (mut fuel_left, mut slice, mut end) = (0, 0, None);
        if let Some(instance) = self.born()? {
            let limits = instance.limits();
            (fuel_left, slice) = (limits.run_fuel, limits.slice_fuel);
            end = limits.run_time.map(|time| platform.monotonic().saturating_add(time));
        }
        loop {
            if self.flight.is_none() {
                match self.queue.pop_front() {
                    Some(work) => self.begin(work)?,
                    None => return Ok(Outcome::Idle),
                }
            }
            let (Life::Living(instance), Some(flight)) = (&mut self.life, &mut self.flight) else {
                continue; // an export that is not there was skipped
            };
            let (used, began) = (instance.stats().fuel_used, platform.monotonic());
            let step = instance.run(slice);
            let after = platform.monotonic();
            flight.ran = flight.ran.saturating_add(after.saturating_sub(began));
            let used = instance.stats().fuel_used.saturating_sub(used);
            fuel_left = fuel_left.saturating_sub(used.max(1));
            match step {
                Step::Finished(values) => self.finish(&values)?,
                Step::Yielded => flight.overrun(instance)?,
                Step::Waiting { until, .. } => return Ok(Outcome::Waiting { until }),
                Step::HostCall(payload) => {
                    return match payload.downcast::<Ask>() {
                        Ok(ask) => Ok(Outcome::Asks(*ask)),
                        Err(_) => Ok(Outcome::Waiting { until: None }),
                    };
                }
                Step::Failed(fault) => return Err(fault.into()),
            }
            if fuel_left == 0 || end.is_some_and(|end| after >= end) {
                return Ok(if self.has_work() { Outcome::More } else { Outcome::Idle });
            }
        }
    }

    fn born(&mut self) -> Result<Option<&mut Instance>, Crash> {
        if let Life::Unborn(_) = self.life
            && let Life::Unborn(parts) = std::mem::replace(&mut self.life, Life::Still)
        {
            let (module, config) = *parts;
            self.life = Life::Living(Box::new(Instance::new(&module, config)?));
        }
        Ok(self.instance())
    }

    /// Begins one call; an export that the guest does not have is done at once.
    fn begin(&mut self, work: Work) -> Result<(), Crash> {
        let export = work.export();
        let Some(ty) = self.module.export_type(export).cloned() else {
            self.done.push(match work {
                Work::Entry => Done::Entry,
                Work::Read { export, .. } => Done::Read { export, text: None, complaint: None },
                Work::Start(_) => Done::Started(0),
                Work::Stop => Done::Stopped(0),
                Work::Poll => Done::Polled(0),
                Work::Delta(_) => Done::Delta,
            });
            return Ok(());
        };
        let (buffer, values) = match &work {
            Work::Entry | Work::Stop | Work::Poll => (None, vec![]),
            Work::Read { size, .. } => {
                let addr = self.allocate(*size)?;
                (Some((addr, *size)), vec![addr.cast_signed(), size.cast_signed()])
            }
            Work::Start(text) => self.input(text)?,
            Work::Delta(text) => self.input(text)?,
        };
        let Some(instance) = self.instance() else { return Ok(()) };
        instance.begin(export, &arguments(&ty, &values))?;
        let limit = work.deadline(self.call_time);
        self.flight = Some(Flight { work, buffer, ran: Duration::ZERO, limit });
        Ok(())
    }

    /// Copies a text in: what to give back, and the two arguments.
    fn input(&mut self, text: &str) -> Result<(Buffer, Vec<i32>), Crash> {
        let too_long = |_| Crash::Text(format!("a text of {} bytes is too long", text.len()));
        let len = u32::try_from(text.len()).map_err(too_long)?;
        // `allocate(0)` panics in TinyGo guests.
        let size = len.max(1);
        let addr = self.allocate(size)?;
        if let Some(instance) = self.instance() {
            instance.memory().write(addr, text.as_bytes()).map_err(|fault| {
                Crash::Text(format!("`allocate({size})` gave memory that is not there: {fault}"))
            })?;
        }
        Ok((Some((addr, size)), vec![addr.cast_signed(), len.cast_signed()]))
    }

    fn allocate(&mut self, size: u32) -> Result<u32, Crash> {
        let addr = self.nested("allocate", &[size.cast_signed()])?;
        if addr == 0 {
            return Err(Crash::Text(format!("`allocate({size})` returned 0: out of memory")));
        }
        Ok(addr.cast_unsigned())
    }

    fn give_back(&mut self, buffer: Buffer) -> Result<(), Crash> {
        if let Some((addr, size)) = buffer
            && self.module.has_export("deallocate")
        {
            self.nested("deallocate", &[addr.cast_signed(), size.cast_signed()])?;
        }
        Ok(())
    }

    fn nested(&mut self, export: &str, values: &[i32]) -> Result<i32, Crash> {
        let no_export = || CallError::NoExport {
            plugin: self.module.name().to_owned(),
            export: export.to_owned(),
        };
        let args: Vec<Val> =
            arguments(self.module.export_type(export).ok_or_else(no_export)?, values);
        match &mut self.life {
            Life::Living(instance) => {
                Ok(first(&instance.call_now(export, &args, ALLOCATION_FUEL)?))
            }
            _ => Ok(0),
        }
    }

    /// Takes the result of the call in flight.
    fn finish(&mut self, values: &[Val]) -> Result<(), Crash> {
        let Some(Flight { work, buffer, .. }) = self.flight.take() else { return Ok(()) };
        let code = first(values);
        let done = match work {
            Work::Entry => Done::Entry,
            Work::Start(_) => Done::Started(code),
            Work::Stop => Done::Stopped(code),
            Work::Poll => Done::Polled(code),
            Work::Delta(_) => Done::Delta,
            Work::Read { export, size } => match self.read(export, size, code, buffer) {
                Ok(done) => done,
                Err(again) => {
                    self.queue.push_front(again);
                    return self.give_back(buffer);
                }
            },
        };
        self.done.push(done);
        self.give_back(buffer)
    }

    /// Reads a text that the guest wrote, or says how to ask again: guests cut
    /// to the buffer's size, so a full buffer is probably not all of it.
    fn read(
        &mut self,
        export: &'static str,
        size: u32,
        written: i32,
        buffer: Buffer,
    ) -> Result<Done, Work> {
        let wanted = u32::try_from(written).unwrap_or(0);
        if wanted >= size && size < LARGEST_BUFFER {
            let size = wanted.saturating_add(1).max(size.saturating_mul(2)).min(LARGEST_BUFFER);
            return Err(Work::Read { export, size });
        }
        let mut complaint = None;
        let len = if wanted > size {
            complaint = Some(format!("`{export}` needs {wanted} bytes, the limit is {size}"));
            0
        } else {
            wanted
        };
        let text = match (buffer, self.instance()) {
            (Some((addr, _)), Some(instance)) => match instance.memory().read(addr, len) {
                Ok(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Err(fault) => {
                    complaint = Some(format!("`{export}`: {fault}"));
                    String::new()
                }
            },
            _ => String::new(),
        };
        Ok(Done::Read { export, text: Some(text), complaint })
    }
}

impl Work {
    /// A text that the guest writes, as first asked for.
    pub(crate) fn read(export: &'static str) -> Work {
        Work::Read { export, size: FIRST_BUFFER }
    }
}

impl Flight {
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
            .field("module", &self.module.name())
            .field("queue", &self.queue.len())
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// The shared queue of a living guest.
pub(crate) fn shared(library: &mut Library) -> Option<&mut Shared> {
    library.instance()?.state()
}
