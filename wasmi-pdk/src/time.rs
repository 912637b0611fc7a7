//! Timers: [`sleep`] and the list of who waits for which moment.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Waits for this long, without keeping the plugin or the host busy. A time that no clock reaches,
/// [`Duration::MAX`] for instance, is waited for without end.
pub fn sleep(duration: Duration) -> Sleep {
    Sleep { duration, until: None, timer: None }
}

/// The future of [`sleep`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    duration: Duration,
    /// Known from the first look on; then `None` is never.
    until: Option<Option<Instant>>,
    timer: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        let duration = self.duration;
        let Some(until) = *self.until.get_or_insert_with(|| now.checked_add(duration)) else {
            return Poll::Pending;
        };
        if now >= until {
            return Poll::Ready(());
        }
        let timer = TIMERS.with_borrow_mut(|timers| timers.set(self.timer, until, cx.waker()));
        self.timer = Some(timer);
        WAITING.set(true);
        Poll::Pending
    }
}

impl Drop for Sleep {
    /// A sleep that lost a race leaves nothing behind.
    fn drop(&mut self) {
        let Some(timer) = self.timer else { return };
        // Not there any more when the thread ends, or in use by what drops this: then it goes later.
        let _ = TIMERS.try_with(|timers| {
            let removed = timers.try_borrow_mut().ok().and_then(|mut timers| timers.remove(timer));
            drop(removed);
        });
    }
}

thread_local! {
    static TIMERS: RefCell<Timers> = const { RefCell::new(Timers::new()) };
    /// Whether there are any: asked with each message.
    static WAITING: Cell<bool> = const { Cell::new(false) };
}

/// Wakes who waits for a moment that has come; whether anybody waits. Reads the clock only then.
#[inline]
pub(crate) fn wake_due() -> bool {
    let waits = WAITING.get();
    if waits {
        let due = TIMERS.with_borrow_mut(|timers| timers.take_due(Instant::now()));
        for timer in due {
            timer.waker.wake();
        }
        WAITING.set(TIMERS.with_borrow(|timers| !timers.waiting.is_empty()));
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
        let first = timers.waiting.iter().map(|timer| timer.until).min()?;
        Some(first.saturating_duration_since(Instant::now()))
    })
}

/// Who waits for which moment. Few wait at a time, so a list will do.
struct Timers {
    waiting: Vec<Timer>,
    last: u64,
}

/// One [`Sleep`] that somebody looks at.
struct Timer {
    number: u64,
    until: Instant,
    waker: Waker,
}

impl Timers {
    const fn new() -> Self {
        Timers { waiting: Vec::new(), last: 0 }
    }

    /// Who is to be woken at the moment; `number` names a timer that may be there already.
    fn set(&mut self, number: Option<u64>, until: Instant, waker: &Waker) -> u64 {
        let known = number.and_then(|number| self.find(number));
        if let Some(timer) = known.and_then(|index| self.waiting.get_mut(index)) {
            timer.waker.clone_from(waker);
            return timer.number;
        }
        self.last += 1;
        self.waiting.push(Timer { number: self.last, until, waker: waker.clone() });
        self.last
    }

    fn remove(&mut self, number: u64) -> Option<Timer> {
        self.find(number).map(|index| self.waiting.remove(index))
    }

    fn find(&self, number: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&number, |timer| timer.number).ok()
    }

    /// Those whose moment is not after `now`, the earliest first: a plugin that is run late does
    /// what it missed in order.
    fn take_due(&mut self, now: Instant) -> Vec<Timer> {
        let mut due: Vec<_> = self.waiting.extract_if(.., |timer| timer.until <= now).collect();
        due.sort_by_key(|timer| timer.until);
        due
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    fn look(sleep: Pin<&mut Sleep>) -> bool {
        sleep.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    fn waiting() -> usize {
        TIMERS.with_borrow(|timers| timers.waiting.len())
    }

    #[test]
    fn a_sleep_that_is_dropped_leaves_no_timer_behind() {
        let mut long = pin!(sleep(Duration::from_secs(3600)));
        for _ in 0..100 {
            let mut lost = pin!(sleep(Duration::from_secs(3600)));
            assert!(!look(lost.as_mut()) && !look(lost.as_mut()) && !look(long.as_mut()));
        }
        assert_eq!(waiting(), 1);
        assert!(until_next().is_some_and(|left| left <= Duration::from_secs(3600)));
    }

    #[test]
    fn a_time_that_no_clock_reaches_is_waited_for_without_end() {
        let mut never = pin!(sleep(Duration::MAX));
        assert!(!look(never.as_mut()));
        assert_eq!((waiting(), until_next()), (0, None));
    }

    #[test]
    fn what_is_due_at_once_comes_in_the_order_of_its_moments() {
        let (mut timers, now) = (Timers::new(), Instant::now());
        for seconds in [60, 30, 1, 90] {
            timers.set(None, now + Duration::from_secs(seconds), Waker::noop());
        }
        let due = timers.take_due(now + Duration::from_secs(60));
        assert_eq!(due.iter().map(|timer| timer.number).collect::<Vec<_>>(), [3, 2, 1]);
        assert_eq!(timers.waiting.len(), 1);
    }

    #[test]
    fn who_is_due_is_woken_and_forgotten() {
        let mut soon = pin!(sleep(Duration::from_nanos(1)));
        while !look(soon.as_mut()) {
            wake_due();
        }
        wake_due();
        assert_eq!(waiting(), 0);
    }
}
