//! How does a thread without a runtime wait for a future?

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Runs a future to its end on this thread. `park` is called when there is nothing to do until
/// a waker is called: it may sleep a little, or turn an event loop.
pub fn block_on<F: Future>(future: F, mut park: impl FnMut(&Woken)) -> F::Output {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        while !woken.take() {
            park(&woken);
        }
    }
}

/// Says whether a future that [`block_on`] runs has been woken.
#[derive(Debug, Default)]
pub struct Woken(std::sync::atomic::AtomicBool);

impl Woken {
    /// True when the future wants to be polled.
    pub fn is_set(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Acquire)
    }

    fn take(&self) -> bool {
        self.0.swap(false, std::sync::atomic::Ordering::AcqRel)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, std::sync::atomic::Ordering::Release);
    }
}
