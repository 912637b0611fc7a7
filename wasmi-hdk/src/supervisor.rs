//! When a plugin is started again after a crash, and when no more: a pure table.
//!
//! It knows neither guests nor clocks. The owner tells it what happened and when, and does
//! what it answers.

use std::collections::VecDeque;
use std::time::Duration;

/// Waits before the first, second and third restart; the last one holds from then on.
pub const BACK_OFF: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// So many crashes within [`WINDOW`] are too many.
pub const CRASHES: usize = 4;

/// The time within which crashes belong together, and after which of running they are forgotten.
pub const WINDOW: Duration = Duration::from_secs(60);

/// Where a plugin stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not running, by wish.
    Stopped,
    /// Being started.
    Starting,
    /// Running since then.
    Running {
        /// When it was started.
        since: Duration,
    },
    /// Crashed; to be started again.
    BackingOff {
        /// When.
        until: Duration,
    },
    /// Crashed too often; only a person starts it again.
    Disabled,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A person, or the start of the host, wants it to run. Forgets all crashes.
    Start,
    /// It has started.
    Started,
    /// It crashed, or could not be started, or ended unasked.
    Crashed,
    /// A person, or the end of the host, wants it to stop.
    Stop,
    /// Time has passed.
    Tick,
}

/// What the owner does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// Make a new instance; then tell [`Event::Started`] or [`Event::Crashed`].
    Start,
    /// End the instance, if there is one.
    Stop,
    /// Tell the person that it stays off.
    Disable,
}

/// The supervisor of one plugin.
#[derive(Debug, Clone)]
pub struct Supervisor {
    state: State,
    /// Times of the latest crashes, at most [`CRASHES`].
    crashes: VecDeque<Duration>,
    /// Crashes of the series; says how long to wait.
    series: usize,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self { state: State::Stopped, crashes: VecDeque::new(), series: 0 }
    }
}

impl Supervisor {
    /// Of a plugin that is not running.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the plugin stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Crashes of the series so far.
    pub fn crashes(&self) -> usize {
        self.series
    }

    /// When [`Event::Tick`] is due.
    pub fn poll_timeout(&self) -> Option<Duration> {
        match self.state {
            State::BackingOff { until } => Some(until),
            State::Running { since } if self.series > 0 => Some(since.saturating_add(WINDOW)),
            _ => None,
        }
    }

    /// The table.
    pub fn handle(&mut self, now: Duration, event: Event) -> Action {
        let (state, action) = match (event, self.state) {
            (Event::Start, State::Stopped | State::Disabled | State::BackingOff { .. }) => {
                self.forget();
                (State::Starting, Action::Start)
            }
            (Event::Started, State::Starting) => (State::Running { since: now }, Action::None),
            (Event::Crashed, State::Starting) => self.crashed(now),
            (Event::Crashed, State::Running { since }) => {
                if now >= since.saturating_add(WINDOW) {
                    self.forget();
                }
                self.crashed(now)
            }
            (Event::Tick, State::BackingOff { until }) if now >= until => {
                (State::Starting, Action::Start)
            }
            (Event::Tick, State::Running { since }) if now >= since.saturating_add(WINDOW) => {
                self.forget();
                (self.state, Action::None)
            }
            (Event::Stop, State::Starting | State::Running { .. }) => {
                (State::Stopped, Action::Stop)
            }
            (Event::Stop, State::BackingOff { .. }) => (State::Stopped, Action::None),
            (_, state) => (state, Action::None),
        };
        self.state = state;
        action
    }

    fn crashed(&mut self, now: Duration) -> (State, Action) {
        self.series = self.series.saturating_add(1);
        self.crashes.push_back(now);
        while self.crashes.len() > CRASHES {
            self.crashes.pop_front();
        }
        let first = self.crashes.front().copied().unwrap_or(now);
        if self.crashes.len() == CRASHES && now.saturating_sub(first) <= WINDOW {
            return (State::Disabled, Action::Disable);
        }
        let step = self.series.min(BACK_OFF.len()).saturating_sub(1);
        let wait = BACK_OFF.get(step).copied().unwrap_or(WINDOW);
        (State::BackingOff { until: now.saturating_add(wait) }, Action::None)
    }

    fn forget(&mut self) {
        self.series = 0;
        self.crashes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Starts, crashes `after` seconds later; answers the state.
    fn live_and_crash(supervisor: &mut Supervisor, now: &mut Duration, after: u64) -> State {
        if let State::BackingOff { until } = supervisor.state() {
            *now = until;
            assert_eq!(supervisor.handle(*now, Event::Tick), Action::Start);
        }
        supervisor.handle(*now, Event::Started);
        *now += s(after);
        supervisor.handle(*now, Event::Crashed);
        supervisor.state()
    }

    #[test]
    fn three_restarts_with_growing_waits_then_it_stays_off() {
        let (mut supervisor, mut now) = (Supervisor::new(), s(100));
        assert_eq!(supervisor.handle(now, Event::Start), Action::Start);
        for wait in [1, 2, 4] {
            let state = live_and_crash(&mut supervisor, &mut now, 1);
            assert_eq!(state, State::BackingOff { until: now + s(wait) });
        }
        assert_eq!(live_and_crash(&mut supervisor, &mut now, 1), State::Disabled);
        assert_eq!(supervisor.handle(now + s(1000), Event::Tick), Action::None);
        assert_eq!(supervisor.handle(now, Event::Crashed), Action::None);
        assert_eq!(supervisor.handle(now, Event::Start), Action::Start);
    }

    #[test]
    fn crashes_that_are_far_apart_do_not_disable() {
        let (mut supervisor, mut now) = (Supervisor::new(), s(0));
        supervisor.handle(now, Event::Start);
        for _ in 0..10 {
            assert!(matches!(
                live_and_crash(&mut supervisor, &mut now, 25),
                State::BackingOff { .. }
            ));
        }
        assert_eq!(supervisor.crashes(), 10);
    }

    #[test]
    fn a_minute_of_running_forgets_the_series() {
        let (mut supervisor, mut now) = (Supervisor::new(), s(0));
        supervisor.handle(now, Event::Start);
        for _ in 0..3 {
            live_and_crash(&mut supervisor, &mut now, 1);
        }
        let state = live_and_crash(&mut supervisor, &mut now, 60);
        assert_eq!(state, State::BackingOff { until: now + s(1) });
        let until = now + s(1);
        supervisor.handle(until, Event::Tick);
        supervisor.handle(until, Event::Started);
        assert_eq!(supervisor.poll_timeout(), Some(until + s(60)));
        supervisor.handle(until + s(60), Event::Tick);
        assert_eq!((supervisor.crashes(), supervisor.poll_timeout()), (0, None));
    }

    #[test]
    fn a_stop_during_the_wait_is_a_stop() {
        let (mut supervisor, mut now) = (Supervisor::new(), s(0));
        supervisor.handle(now, Event::Start);
        live_and_crash(&mut supervisor, &mut now, 0);
        assert_eq!(supervisor.handle(now, Event::Stop), Action::None);
        assert_eq!(supervisor.handle(now + s(5), Event::Tick), Action::None);
        assert_eq!(supervisor.state(), State::Stopped);
    }

    #[test]
    fn a_plugin_that_cannot_start_counts_as_crashed() {
        let mut supervisor = Supervisor::new();
        supervisor.handle(s(0), Event::Start);
        supervisor.handle(s(0), Event::Crashed);
        assert_eq!(supervisor.state(), State::BackingOff { until: s(1) });
    }
}
