//! Timers: [`sleep`] and the list of who waits for which moment.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Waits for this long, without keeping the plugin or the host busy.
pub fn sleep(duration: Duration) -> Sleep {
    Sleep { duration, until: None }
}

/// The future of [`sleep`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    duration: Duration,
    until: Option<Instant>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        let duration = self.duration;
        let until = *self.until.get_or_insert_with(|| now + duration);
        if now >= until {
            return Poll::Ready(());
        }
        TIMERS.with_borrow_mut(|timers| timers.add(until, cx.waker()));
        WAITING.set(true);
        Poll::Pending
    }
}

thread_local! {
    static TIMERS: RefCell<Timers> = const { RefCell::new(Timers(Vec::new())) };
    /// Whether there are any: asked with each message.
    static WAITING: Cell<bool> = const { Cell::new(false) };
}

/// Wakes who waits for a moment that has come; whether anybody waits. Reads the clock only then.
#[inline]
pub(crate) fn wake_due() -> bool {
    let waits = WAITING.get();
    if waits {
        TIMERS.with_borrow_mut(|timers| {
            timers.wake(Instant::now());
            WAITING.set(!timers.0.is_empty());
        });
    }
    waits
}

/// How long until somebody is to be woken.
#[inline]
pub(crate) fn until_next() -> Option<Duration> {
    if !WAITING.get() {
        return None;
    }
    TIMERS.with_borrow(|timers| {
        let first = timers.0.iter().map(|(at, _)| *at).min()?;
        Some(first.saturating_duration_since(Instant::now()))
    })
}

/// Who waits for which moment. Few wait at a time, so a list will do.
struct Timers(Vec<(Instant, Waker)>);

impl Timers {
    fn add(&mut self, until: Instant, waker: &Waker) {
        if !self.0.iter().any(|(at, known)| *at == until && known.will_wake(waker)) {
            self.0.push((until, waker.clone()));
        }
    }

    /// Wakes who waits for a moment not after `now`.
    fn wake(&mut self, now: Instant) {
        self.0.retain(|(at, waker)| {
            let due = *at <= now;
            if due {
                waker.wake_by_ref();
            }
            !due
        });
    }
}
