//! `Core`: takes an input, lets the part that it concerns change its state, and hands out what that part queued.

use std::{sync::Arc, time::Duration};

use crate::{
    api,
    config::Config,
    guest::Platform,
    io::{Effect, Input, LogLevel, Output, Report},
    plugins::Plugins,
    server::{PRUNE_EVERY, Server},
    timer::Timer,
};

/// The whole server. See the crate's documentation for how it is driven.
pub struct Core {
    server: Server,
    plugins: Plugins,
    stopping: Stopping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopping {
    No,
    /// Plugins stop and files are written.
    Begun,
    Done,
}

impl Core {
    /// A server that has not started anything yet: it does with the first call of [`Core::poll_output`].
    pub fn new(config: Config, platform: Arc<dyn Platform>) -> Core {
        let plugins = Plugins::new();
        Core { server: Server::new(config, platform), plugins, stopping: Stopping::No }
    }

    /// The configuration as it is now.
    pub fn config(&self) -> &Config {
        &self.server.config
    }

    /// Something happened. Poll afterwards until [`Output::Wait`].
    pub fn handle_input(&mut self, now: Duration, input: Input) {
        self.server.start(now);
        match input {
            Input::Http { id, request } => api::respond(now, id, &request, &mut self.server, &mut self.plugins),
            Input::StreamOpened { id, target, headers } => self.server.stream_opened(now, id, &target, &headers),
            Input::StreamMessage { id, text } => self.server.stream_message(now, id, &text),
            Input::StreamClosed { id } => self.server.stream_closed(id),
            Input::StreamQueue { id, bytes } => self.server.stream_queue(now, id, bytes),
            Input::Connection { id, event } => self.server.connection_event(now, id, event),
            Input::Report(Report::Saved { ticket, result }) => self.server.saved(ticket, result),
            Input::Packages { found, complaints } => {
                complaints.into_iter().for_each(|text| self.server.log_line(LogLevel::Warn, "core".into(), text));
                if self.server.config.plugins_enabled {
                    self.plugins.found(now, found, &mut self.server);
                }
            }
            Input::Report(Report::Module { plugin, result }) => self.plugins.module(now, &plugin, result, &mut self.server),
            Input::Ran { plugin, ran } => self.plugins.ran(now, &plugin, ran, &mut self.server),
            Input::Tick => {}
            Input::Shutdown => {
                self.stopping = Stopping::Begun;
                self.plugins.shutdown(now, &mut self.server);
            }
        }
        self.run_timers(now);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self, now: Duration) -> Output {
        self.server.start(now);
        loop {
            if let Some(output) = self.server.outputs.pop_front() {
                return output;
            }
            let for_plugins = std::mem::take(&mut self.server.for_plugins);
            if !for_plugins.is_empty() {
                self.plugins.deltas(now, for_plugins, &mut self.server);
            }
            match self.plugins.poll_output(now, &mut self.server) {
                // What the plugin caused first, in order.
                Some(output) => self.server.outputs.push_back(output),
                None if self.server.outputs.is_empty() && self.server.for_plugins.is_empty() => break,
                None => {}
            }
        }
        if self.stopping == Stopping::Begun && self.plugins.stopped() && !self.server.is_saving() {
            self.stopping = Stopping::Done;
            self.server.timers.clear_all();
            return Output::Effect(Effect::Stopped);
        }
        let deadlines = [self.server.next_deadline(), self.plugins.next_deadline()];
        Output::Wait { until: deadlines.into_iter().flatten().min() }
    }

    fn run_timers(&mut self, now: Duration) {
        while let Some(timer) = self.server.timers.take_due(now) {
            match timer {
                Timer::Demo(id) => self.server.sail(now, id),
                Timer::Reconnect(id) => self.server.reconnect(now, id),
                Timer::Overflow(id) => self.server.stream_overflowed(id),
                Timer::Statistics => self.server.send_statistics(now),
                Timer::Prune => {
                    self.server.prune(now);
                    self.server.timers.set(Timer::Prune, now + PRUNE_EVERY);
                }
            }
        }
        self.server.run_subscription_timers(now);
        self.server.expire_requests(now);
        if self.plugins.next_deadline().is_some_and(|due| due <= now) {
            self.plugins.tick(now, &mut self.server);
        }
    }
}
