//! A piece of guest work as an owned value, which an edge executes wherever it likes.
//!
//! The core never executes a guest inside its own step: it hands a [`Run`] out, a thread pool
//! or an event loop calls [`Run::execute`], and the [`Ran`] comes back as an input.

use crate::instance::{Instance, Step};

/// Some slices of one guest's work. Owned and `Send`.
#[derive(Debug)]
pub struct Run {
    instance: Box<Instance>,
    tag: u64,
}

/// What came of a [`Run`].
#[derive(Debug)]
pub struct Ran {
    /// The instance, back from its work.
    pub instance: Box<Instance>,
    /// How far it came. [`Step::Yielded`]: the budget of the run is used, the call is not done.
    pub step: Step,
    /// Fuel that this run used.
    pub fuel: u64,
    /// As given by [`Run::with_tag`], else 0.
    pub tag: u64,
}

impl Run {
    /// Work for an instance that has begun a call.
    pub fn new(instance: Box<Instance>) -> Self {
        Self { instance, tag: 0 }
    }

    /// The same work with a number of the owner's, which the [`Ran`] brings back.
    #[must_use]
    pub fn with_tag(self, tag: u64) -> Self {
        Self { tag, ..self }
    }

    /// The plugin whose work this is.
    pub fn name(&self) -> &str {
        self.instance.name()
    }

    /// Runs slices of `slice_fuel` until the call stops by itself, or `run_fuel` or `run_time`
    /// is used up.
    pub fn execute(self) -> Ran {
        let mut instance = self.instance;
        let (slice, budget) = (instance.limits().slice_fuel, instance.limits().run_fuel);
        let clock = instance.limits().run_time.map(|time| {
            let platform = instance.platform().clone();
            let end = platform.monotonic().saturating_add(time);
            (platform, end)
        });
        let before = instance.stats().fuel_used;
        loop {
            let step = instance.run(slice);
            let fuel = instance.stats().fuel_used.saturating_sub(before);
            let over = fuel >= budget
                || clock.as_ref().is_some_and(|(platform, end)| platform.monotonic() >= *end);
            if over || !matches!(step, Step::Yielded) {
                return Ran { instance, step, fuel, tag: self.tag };
            }
        }
    }
}
