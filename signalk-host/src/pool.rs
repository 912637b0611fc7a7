//! A few threads that execute guest code. They know nothing of plugins: a job is an owned piece of work, and its result
//! returns to the core as an input. The core gives out one piece per plugin at a time, so no plugin is on two threads.
//!
//! On a beat every plugin has a job, and most take microseconds: waking a thread for each would cost more than the job.
//! A thread takes jobs until there are none, and is woken only if it sleeps.

use std::{
    any::Any,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use signalk_core::{Input, PluginId, Ran};

/// Guest loops recurse on the native stack through nested calls; 2 MB is a quarter of what the engine may need.
const STACK_BYTES: usize = 8 << 20;

type Job = Box<dyn FnOnce() + Send>;

/// The threads start with the first job: a server without plugins has none.
pub(crate) struct Pool {
    size: usize,
    started: usize,
    line: Arc<Line>,
}

/// Jobs in line, and the threads that wait for them.
#[derive(Default)]
struct Line {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Threads that sleep and were not woken yet.
    idle: usize,
    stopped: bool,
}

impl Pool {
    /// As many threads as the machine has cores.
    pub(crate) fn new() -> Pool {
        let size = thread::available_parallelism().map_or(1, usize::from);
        Pool { size, started: 0, line: Arc::default() }
    }

    /// Runs a job soon. Jobs wait in line when every thread is busy.
    pub(crate) fn run(&mut self, job: impl FnOnce() + Send + 'static) {
        if self.started < self.size {
            self.start_one();
        }
        self.line.push(Box::new(job));
    }

    fn start_one(&mut self) {
        let line = Arc::clone(&self.line);
        let name = format!("plugins-{}", self.started);
        let spawned = thread::Builder::new().name(name).stack_size(STACK_BYTES).spawn(move || {
            while let Some(job) = line.take() {
                if catch_unwind(AssertUnwindSafe(job)).is_err() {
                    tracing::error!(
                        "executing a plugin panicked inside the host: please report this"
                    );
                }
            }
        });
        match spawned {
            Ok(_) => self.started += 1,
            Err(error) => tracing::error!(%error, "cannot start a thread for plugins"),
        }
    }
}

/// What the core gets of a piece of guest work, and whether the guest waits for that. The core waits for each piece
/// that it has given out: one that panics is told, too.
pub(crate) fn executed(plugin: PluginId, work: impl FnOnce() -> Ran) -> (Input, bool) {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(ran) => {
            let urgent = ran.is_urgent();
            (Input::Ran { plugin, ran }, urgent)
        }
        Err(panic) => (Input::RunLost { plugin, reason: words_of(panic.as_ref()) }, true),
    }
}

/// What a panic said.
pub(crate) fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

/// What is in line is still done; then the threads end.
impl Drop for Pool {
    fn drop(&mut self) {
        self.line.lock().stopped = true;
        self.line.ready.notify_all();
    }
}

impl Line {
    /// True when a thread was woken for it.
    fn push(&self, job: Job) -> bool {
        let mut state = self.lock();
        state.jobs.push_back(job);
        // A thread that was woken counts as busy at once: the next job of the same beat does not wake it again.
        let wake = state.idle > 0;
        state.idle -= usize::from(wake);
        drop(state);
        if wake {
            self.ready.notify_one();
        }
        wake
    }

    /// The next job, as soon as there is one; `None`: there will be none.
    fn take(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.stopped {
                return None;
            }
            state.idle += 1;
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_run_that_panics_is_told_to_the_core() {
        let plugin = PluginId::from_package("p");
        let (input, urgent) = executed(plugin, || panic!("planned {}", 1));
        assert!(urgent);
        assert!(matches!(input, Input::RunLost { reason, .. } if reason == "planned 1"));
    }

    #[test]
    fn a_job_that_panics_takes_no_thread_with_it() {
        let mut pool = Pool::new();
        let (done, results) = mpsc::channel();
        for number in 0..20 {
            let done = done.clone();
            pool.run(move || {
                assert!(number % 3 != 0, "planned");
                done.send(number).unwrap();
            });
        }
        drop(done);
        let mut seen: Vec<i32> = results.iter().collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..20).filter(|n| n % 3 != 0).collect::<Vec<_>>());
    }

    #[test]
    fn one_thread_does_what_is_in_line_in_its_order_beat_after_beat() {
        let mut pool = Pool::new();
        pool.size = 1;
        let (done, results) = mpsc::channel();
        for beat in 0..100 {
            for number in 0..10 {
                let done = done.clone();
                pool.run(move || done.send((beat, number)).unwrap());
            }
            // In line: one thread does them in order.
            let seen: Vec<_> = results.iter().take(10).collect();
            assert_eq!(seen, (0..10).map(|number| (beat, number)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn of_a_beat_each_sleeping_thread_is_woken_once() {
        let line = Line::default();
        line.lock().idle = 2;
        let woken: Vec<_> = (0..4).map(|_| line.push(Box::new(|| ()))).collect();
        assert_eq!(woken, [true, true, false, false]);
    }

    #[test]
    fn what_is_in_line_is_done_when_the_pool_goes() {
        let mut pool = Pool::new();
        let (done, results) = mpsc::channel();
        for number in 0..50 {
            let done = done.clone();
            pool.run(move || done.send(number).unwrap());
        }
        drop((pool, done));
        assert_eq!(results.iter().count(), 50);
    }
}
