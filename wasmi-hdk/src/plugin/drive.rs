//! Does the guest run now, and what does it mean that it stopped?
//!
//! A guest that rests costs nothing: it runs when input has come that it waits for, or its
//! time has.

use std::time::Duration;

use super::{Exit, HostCall, Output, Plugin};
use crate::error::Fault;
use crate::instance::{Instance, Step};
use crate::module::{RPC_POLL, START};
use crate::run::{Ran, Run};
use crate::val::Val;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Phase {
    /// The first call has not begun.
    New,
    /// A slice is due.
    Ready,
    /// The call rests.
    Resting {
        stdin: bool,
        until: Option<Duration>,
    },
    /// A reactor between two polls.
    Idle {
        due: Option<Duration>,
    },
    Ended,
}

impl Plugin {
    pub(super) fn ran(&mut self, now: Duration, ran: Ran) {
        let Ran { mut instance, step, .. } = ran;
        let stdout = instance.take_stdout();
        if !stdout.is_empty() {
            self.peer.handle_input(now, &stdout);
        }
        for line in instance.take_log() {
            self.events.push_back(Output::Log(line));
        }
        self.stats = instance.stats();
        let exit = match step {
            Step::Yielded => {
                self.phase = Phase::Ready;
                None
            }
            Step::Waiting { stdin, until } => {
                self.phase = Phase::Resting { stdin, until };
                None
            }
            Step::HostCall(payload) => {
                self.phase = Phase::Resting { stdin: false, until: None };
                self.events.push_back(Output::HostCall(HostCall(payload)));
                None
            }
            Step::Finished(values) if self.reactor => {
                let again = match values.first() {
                    Some(Val::I64(nanos)) => u64::try_from(*nanos).ok(),
                    _ => None,
                };
                let due = again.map(|nanos| now.saturating_add(Duration::from_nanos(nanos)));
                self.phase = Phase::Idle { due };
                // What came while it ran, and was read by the same poll, is no reason for another.
                self.unpolled &= instance.stdin_ready();
                (self.stdin_closed && !self.unpolled).then_some(Exit::Clean)
            }
            Step::Finished(_) | Step::Failed(Fault::Exit { code: 0, .. }) => Some(Exit::Clean),
            Step::Failed(Fault::Exit { code, .. }) => Some(Exit::Exited(code)),
            Step::Failed(fault) => Some(Exit::Crashed(fault)),
        };
        match exit {
            Some(exit) => self.end(now, instance, exit),
            None => self.instance = Some(instance),
        }
    }

    /// Sends what is to be sent and decides whether the guest runs.
    pub(super) fn work(&mut self, now: Duration, mut instance: Box<Instance>) -> Option<Output> {
        let bytes = self.peer.take_unsent();
        if !bytes.is_empty() {
            let (waiting, limit) = (instance.stdin_len(), instance.limits().stdin_bytes);
            if waiting > 0 && waiting.saturating_add(bytes.len()) > limit {
                let fault = unread(&self.name, &instance, waiting.saturating_add(bytes.len()));
                self.end(now, instance, Exit::Crashed(fault));
                return None;
            }
            instance.write_stdin(&bytes);
            self.peer.reuse(bytes);
            self.unpolled = true;
        }
        if let Some(stop_at) = self.stop_at {
            if !self.stdin_closed {
                self.stdin_closed = true;
                self.unpolled = true;
                instance.close_stdin();
            }
            if now >= stop_at {
                self.end(now, instance, Exit::Clean);
                return None;
            }
        }
        let due = match self.phase {
            Phase::New => {
                let export = if self.reactor { RPC_POLL } else { START };
                return self.begin(now, instance, export);
            }
            Phase::Ready => true,
            Phase::Resting { stdin, until } => {
                // Asked of the guest's input itself: a guest that has read what came waits again.
                (stdin && instance.stdin_ready()) || until.is_some_and(|until| until <= now)
            }
            Phase::Idle { due } => {
                if self.unpolled || due.is_some_and(|due| due <= now) {
                    return self.begin(now, instance, RPC_POLL);
                }
                false
            }
            Phase::Ended => return None,
        };
        if due {
            self.phase = Phase::Ready;
            return Some(Output::Run(Run::new(instance).with_tag(self.tag)));
        }
        self.instance = Some(instance);
        None
    }

    fn begin(
        &mut self,
        now: Duration,
        mut instance: Box<Instance>,
        export: &str,
    ) -> Option<Output> {
        self.unpolled = false;
        match instance.begin(export, &[]) {
            Ok(()) => {
                self.phase = Phase::Ready;
                Some(Output::Run(Run::new(instance).with_tag(self.tag)))
            }
            Err(error) => {
                let fault = Fault::Trap {
                    plugin: self.name.clone(),
                    call: export.to_owned(),
                    reason: error.to_string(),
                    panic: None,
                };
                self.end(now, instance, Exit::Crashed(fault));
                None
            }
        }
    }

    pub(super) fn next_time(&self) -> Option<Duration> {
        if self.exit.is_some() {
            return None;
        }
        let guest = match self.phase {
            Phase::Resting { until, .. } | Phase::Idle { due: until }
                if self.instance.is_some() =>
            {
                until
            }
            _ => None,
        };
        [guest, self.peer.poll_timeout(), self.stop_at.filter(|_| self.instance.is_some())]
            .into_iter()
            .flatten()
            .min()
    }
}

/// A guest that lets its input lie, be it that every byte of it is an answer to its own garbage.
fn unread(name: &str, instance: &Instance, waiting: usize) -> Fault {
    let size = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    Fault::Unread {
        plugin: name.to_owned(),
        call: instance.call().to_owned(),
        waiting: size(waiting),
        limit: size(instance.limits().stdin_bytes),
    }
}
