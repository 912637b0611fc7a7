//! A single-threaded executor that never waits: it runs what can go on and returns.
//! When to run it again is decided in `runtime.rs`.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use wasmi_rpc::RequestId;

pub(crate) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// The tasks that rest between two runs.
#[derive(Default)]
pub(crate) struct Executor {
    slots: Vec<Slot>,
    free: Vec<usize>,
    ready: Arc<Ready>,
}

struct Slot {
    task: Option<Task>,
    /// The request that the task answers, so that it can be cancelled.
    request: Option<RequestId>,
    /// Lent out while the task is polled. Used again for the next task in this slot; a late wake-up
    /// is only a needless look.
    waker: Option<Waker>,
}

/// Slots that were woken. Shared with wakers, which must be `Send` by their type.
#[derive(Default)]
struct Ready(Mutex<Vec<usize>>);

impl Ready {
    fn slots(&self) -> MutexGuard<'_, Vec<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Signal {
    slot: usize,
    ready: Arc<Ready>,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ready.slots().push(self.slot);
    }
}

impl Executor {
    /// Takes a slot for a task that is to be polled for the first time. The task goes out and
    /// comes back through [`Executor::rest`], because polling it may reach the executor again.
    pub(crate) fn claim(&mut self, request: Option<RequestId>) -> (usize, Waker) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { task: None, request: None, waker: None });
            self.slots.len() - 1
        });
        self.slots[index].request = request;
        (index, self.lend_waker(index))
    }

    fn lend_waker(&mut self, index: usize) -> Waker {
        self.slots[index].waker.take().unwrap_or_else(|| {
            Waker::from(Arc::new(Signal { slot: index, ready: self.ready.clone() }))
        })
    }

    /// The next woken task.
    pub(crate) fn next_ready(&mut self) -> Option<(usize, Task, Waker)> {
        loop {
            let index = {
                let mut ready = self.ready.slots();
                if ready.is_empty() {
                    return None;
                }
                // In the order of the wake-ups; the list is short.
                ready.remove(0)
            };
            if let Some(task) = self.slots[index].task.take() {
                return Some((index, task, self.lend_waker(index)));
            }
        }
    }

    /// Puts waker and unfinished task back; frees the slot of a finished one.
    pub(crate) fn rest(&mut self, index: usize, task: Option<Task>, waker: Waker) {
        self.slots[index].waker = Some(waker);
        self.settle(index, task);
    }

    fn settle(&mut self, index: usize, task: Option<Task>) {
        let slot = &mut self.slots[index];
        if task.is_none() {
            slot.request = None;
            self.free.push(index);
        }
        slot.task = task;
    }

    /// Takes the resting task that answers this request out, to be dropped by the caller.
    pub(crate) fn take_request(&mut self, id: &RequestId) -> Option<Task> {
        let index = self.slots.iter().position(|slot| slot.request.as_ref() == Some(id))?;
        let task = self.slots[index].task.take()?;
        self.settle(index, None);
        Some(task)
    }
}

/// Polls a task once; gives it back if it is not finished.
pub(crate) fn poll_once(mut task: Task, waker: &Waker) -> Option<Task> {
    match task.as_mut().poll(&mut Context::from_waker(waker)) {
        Poll::Ready(()) => None,
        Poll::Pending => Some(task),
    }
}
