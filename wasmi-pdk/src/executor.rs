//! A single-threaded executor that never waits: it runs what can go on and returns.
//! When to run it again is decided in `runtime.rs`.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

use wasmi_rpc::RequestId;

pub(crate) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// The tasks that rest between two runs. Tasks cannot reach it: what they spawn is kept elsewhere
/// until [`Executor::begin`].
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
    /// Used again for the next task in this slot; a late wake-up is only a needless look.
    waker: Waker,
}

/// Slots that were woken, in that order. Shared with wakers, which must be `Send` by their type.
#[derive(Default)]
struct Ready(Mutex<VecDeque<usize>>);

impl Ready {
    fn slots(&self) -> MutexGuard<'_, VecDeque<usize>> {
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
        self.ready.slots().push_back(self.slot);
    }
}

impl Executor {
    /// Polls a new task: most are done then. The others rest.
    pub(crate) fn begin(&mut self, request: Option<RequestId>, task: Task) {
        let index = self.free.pop().unwrap_or_else(|| self.add_slot());
        let slot = &mut self.slots[index];
        slot.request = request;
        slot.task = Some(task);
        self.poll(index);
    }

    fn add_slot(&mut self) -> usize {
        let slot = self.slots.len();
        let waker = Waker::from(Arc::new(Signal { slot, ready: self.ready.clone() }));
        self.slots.push(Slot { task: None, request: None, waker });
        slot
    }

    /// Polls the next woken task; `false` if there is none.
    #[inline]
    pub(crate) fn run_one(&mut self) -> bool {
        let next = self.ready.slots().pop_front();
        if let Some(index) = next {
            self.poll(index);
        }
        next.is_some()
    }

    fn poll(&mut self, index: usize) {
        let Slot { task, request, waker } = &mut self.slots[index];
        if let Some(running) = task
            && running.as_mut().poll(&mut Context::from_waker(waker)).is_ready()
        {
            (*task, *request) = (None, None);
            self.free.push(index);
        }
    }

    /// Takes the resting task that answers this request out, to be dropped by the caller.
    pub(crate) fn take_request(&mut self, id: &RequestId) -> Option<Task> {
        let index = self.slots.iter().position(|slot| slot.request.as_ref() == Some(id))?;
        let slot = &mut self.slots[index];
        slot.request = None;
        self.free.push(index);
        slot.task.take()
    }
}
