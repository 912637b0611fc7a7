//! A few threads that execute guest code. They know nothing of plugins: a job is an owned piece of work, and its result
//! returns to the core as an input. The core gives out one piece per plugin at a time, so no plugin is on two threads.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
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
    jobs: mpsc::Sender<Job>,
    source: Arc<Mutex<mpsc::Receiver<Job>>>,
}

impl Pool {
    /// As many threads as the machine has cores.
    pub(crate) fn new() -> Pool {
        let size = thread::available_parallelism().map_or(1, usize::from);
        let (jobs, source) = mpsc::channel();
        Pool { size, started: 0, jobs, source: Arc::new(Mutex::new(source)) }
    }

    /// Runs a job soon. Jobs wait in line when every thread is busy.
    pub(crate) fn run(&mut self, job: impl FnOnce() + Send + 'static) {
        if self.started < self.size {
            self.start_one();
        }
        if self.jobs.send(Box::new(job)).is_err() {
            tracing::error!("no thread executes plugins");
        }
    }

    fn start_one(&mut self) {
        let source = Arc::clone(&self.source);
        let name = format!("plugins-{}", self.started);
        let spawned = thread::Builder::new().name(name).stack_size(STACK_BYTES).spawn(move || {
            loop {
                // The lock is held while waiting: the next idle thread waits for the lock instead.
                let job = source.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(job) = job else { return };
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

/// What the core gets of a piece of guest work, and whether the guest waits for that. The core waits for each piece that it has
/// given out: one that panics is told, too.
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

#[cfg(test)]
mod tests {
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
}
