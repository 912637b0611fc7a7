//! `Core`: takes an input, lets the part that it concerns change its state, and hands out what that part queued.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::json;
use signalk_bridge::{Handler, HandlerReply, RadarHandler, WebSocketMessage};

use crate::{
    api,
    config::Config,
    guest::Platform,
    http::{HttpRequest, HttpResponse},
    intake,
    io::{Effect, Input, Output, Report, StreamId},
    plugins::{Later, PluginSettings, Plugins},
    resources::Turn,
    saving::SavedPost,
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
        let server = Server::new(config, platform);
        let settings = PluginSettings {
            enabled: server.config.plugins_enabled
                && server.config.settings.interface("wasm") != Some(false),
            enabled_by_default: server.config.plugins_enabled_by_default.clone(),
            limits: server.config.plugin_limits.clone(),
            call_time: server.config.plugin_call_time,
            ..PluginSettings::default()
        };
        let plugins = Plugins::new(
            settings,
            server.config.plugin_options.clone(),
            server.config.plugin_descriptions.as_deref(),
            server.self_context.clone(),
        );
        Core { server, plugins, stopping: Stopping::No }
    }

    /// The configuration as it is now.
    pub fn config(&self) -> &Config {
        &self.server.config
    }

    /// Something happened. Poll afterwards until [`Output::Wait`].
    pub fn handle_input(&mut self, now: Duration, input: Input) {
        self.server.start(now);
        match input {
            Input::Http { id, request } => {
                api::respond(now, id, &request, &mut self.server, &mut self.plugins)
            }
            Input::HttpHead { id, request } => {
                api::respond_to_head(now, id, &request, &mut self.server, &mut self.plugins);
            }
            Input::HttpBody { id, news } => {
                self.plugins.exchange_news(now, id, news, &mut self.server);
            }
            Input::HttpGone { id } => self.plugins.client_gone(now, id, &mut self.server),
            Input::StreamOpened { id, request } => self.stream_opened(now, id, &request),
            Input::StreamMessage { id, text } => {
                self.stream_message(now, id, text, false);
            }
            Input::StreamBinary { id, data } => self.stream_message(now, id, data, true),
            Input::StreamClosed { id, close } => {
                self.server.security.forget_socket(id);
                if !self.plugins.socket_closed(now, id, close, &mut self.server)
                    && !self.server.binary.close(id)
                {
                    self.server.stream_closed(id);
                }
            }
            Input::StreamQueue { id, bytes } => {
                if !self.plugins.socket_queue(now, id, bytes, &mut self.server)
                    && !self.server.binary.queue(id, bytes)
                {
                    self.server.stream_queue(now, id, bytes);
                }
            }
            Input::Connection { id, event } => self.server.connection_event(now, id, event),
            Input::Report(Report::Saved { ticket, result }) => {
                self.server.saved(ticket, result);
                for (name, text, by_owner) in std::mem::take(&mut self.server.foreign_options) {
                    self.plugins.options_written(now, &name, &text, by_owner, &mut self.server);
                }
                for post in std::mem::take(&mut self.server.posted_options) {
                    let SavedPost { id, plugin, body, result } = post;
                    if result.is_ok() {
                        self.server.saved_options.push((id, plugin.clone()));
                    }
                    self.plugins.config_saved(now, &plugin, (body, result), &mut self.server);
                }
                for (save, result) in std::mem::take(&mut self.server.own_saves) {
                    self.plugins.own_options_saved(now, save, result, &mut self.server);
                }
            }
            Input::Packages { found, complaints } => {
                for text in self.server.webapps.add(&found) {
                    self.server.log_line(crate::io::LogLevel::Warn, "webapps".into(), text);
                }
                self.plugins.handle_packages(now, found, complaints, &mut self.server);
            }
            Input::Report(Report::Module { plugin, result }) => {
                self.plugins.handle_module(now, &plugin, result, &mut self.server)
            }
            Input::Report(Report::Package { plugin, result, options }) => {
                let files = (result, options);
                self.plugins.handle_package(now, &plugin, files, &mut self.server);
            }
            Input::Ran { plugin, ran } => {
                self.plugins.handle_ran(now, &plugin, ran, &mut self.server)
            }
            Input::RunLost { plugin, reason } => {
                self.plugins.run_lost(now, &plugin, &reason, &mut self.server);
            }
            Input::PluginReport { plugin, life, report } => {
                self.plugins.handle_report(now, &plugin, life, report, &mut self.server);
            }
            Input::Report(Report::Storage { ticket, result }) => {
                let (server, plugins) = (&mut self.server, &mut self.plugins);
                Turn { now, server, plugins }.storage_done(ticket, result);
            }
            Input::Report(Report::PasswordChecked { ticket, is_right }) => {
                self.server.password_checked(now, ticket, is_right);
            }
            Input::Tick => {}
            Input::Shutdown => {
                self.stopping = Stopping::Begun;
                self.plugins.shutdown(now, &mut self.server);
            }
        }
        self.run_timers(now);
    }

    /// Whoever asks is known before anything is opened; what it may do is asked for each message.
    fn stream_opened(&mut self, now: Duration, id: StreamId, request: &HttpRequest) {
        let caller = match api::admit_socket(request, &self.server, &self.plugins) {
            Ok(caller) => caller,
            Err(response) => {
                let rejection = Effect::StreamReject { id, response };
                return self.server.outputs.push_back(Output::Effect(rejection));
            }
        };
        let user = caller.id.clone();
        self.server.security.socket_is(id, caller);
        if !self.plugins.socket_opened(now, id, (request, user.as_deref()), &mut self.server) {
            self.know_plugin_status();
            self.server.stream_opened(now, id, request);
        }
    }

    /// Who came with a token that has ended is shown out (server-api.md 3.9).
    fn close_overdue(&mut self, now: Duration) {
        let overdue = self.server.security.overdue_sockets(self.server.unix_seconds());
        for (id, why) in overdue {
            let why = why.to_string();
            if !self.plugins.socket_refused(now, id, &why, &mut self.server)
                && !self.server.binary_refused(id, &why)
            {
                self.server.close_stream(id, 1008, &why);
            }
        }
        for id in self.server.streams.open_for(now, LOGIN_WITHIN) {
            if self.server.security.socket(id).is_unknown() {
                self.server.close_stream(id, 1008, "nobody has logged in on this stream");
            }
        }
    }

    /// To a plugin, if it is its client's; of the others also bytes are JSON.
    fn stream_message(&mut self, now: Duration, id: StreamId, bytes: Bytes, is_binary: bool) {
        if self.plugins.has_socket(id) {
            let message = match str::from_utf8(&bytes) {
                Ok(text) if !is_binary => WebSocketMessage::Text(text.to_owned()),
                _ => WebSocketMessage::Binary(bytes),
            };
            self.plugins.socket_message(now, id, message, &mut self.server);
        } else if bytes.len() > MOST_OF_NOBODY && self.server.security.socket(id).is_unknown() {
            if self.server.streams.has(id) {
                self.server.close_stream(id, 1008, "a long message before a login");
            }
        } else {
            self.server.stream_message(now, id, &bytes, &mut self.plugins);
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self, now: Duration) -> Output {
        self.server.start(now);
        loop {
            if let Some(output) = self.server.outputs.pop_front() {
                if let Output::Effect(
                    Effect::StreamClose { id, .. } | Effect::StreamReject { id, .. },
                ) = &output
                {
                    self.server.security.forget_socket(*id);
                }
                return output;
            }
            self.hand_to_plugins(now);
            self.ask_for_radars(now);
            self.plugins.poll(now, &mut self.server);
            let went_on = self.go_on(now) | self.put_for_plugins(now);
            let went_on = intake::drive(now, &mut self.server, &mut self.plugins) || went_on;
            self.answer_saved_options();
            if std::mem::take(&mut self.server.plugins_changed) {
                self.tell_plugins_changed();
            } else if self.server.may_tell_plugin_status(now) {
                self.know_plugin_status();
                self.server.broadcast_status();
            }
            let asks = went_on || self.server.binary.radars.want_answers();
            if self.server.outputs.is_empty() && self.server.accepted.is_empty() && !asks {
                break;
            }
        }
        if self.stopping == Stopping::Begun && self.plugins.is_stopped() && !self.server.is_saving()
        {
            self.stopping = Stopping::Done;
            self.server.timers.clear_all();
            return Output::Effect(Effect::Stopped);
        }
        let deadlines = [
            self.server.next_deadline(),
            self.plugins.next_deadline(),
            self.server.intake.next_deadline(),
        ];
        Output::Wait { until: deadlines.into_iter().flatten().min() }
    }

    fn run_timers(&mut self, now: Duration) {
        while let Some(timer) = self.server.timers.take_due(now) {
            match timer {
                Timer::Demo(id) => self.server.sail(now, id),
                Timer::Reconnect(id) => self.server.reconnect(now, id),
                Timer::Overflow(id) => self.server.stream_overflowed(id),
                Timer::Statistics => self.server.send_statistics(now),
                // What changed is looked for after each input.
                Timer::PluginStatus => {}
                Timer::Prune => {
                    self.server.prune(now);
                    self.close_overdue(now);
                    self.server.timers.set(Timer::Prune, now + PRUNE_EVERY);
                }
            }
        }
        self.server.run_subscription_timers(now);
        self.server.expire_requests(now);
    }

    /// Deltas that the server let through, also those that plugins sent meanwhile: those wait for the next round.
    fn hand_to_plugins(&mut self, now: Duration) {
        if self.server.accepted.is_empty() {
            return;
        }
        let mut accepted = std::mem::take(&mut self.server.accepted);
        for (delta, placement) in accepted.drain(..) {
            self.plugins.on_delta(now, &delta, placement, &mut self.server);
        }
        if self.server.accepted.is_empty() {
            // Keeps the allocation for the next input.
            self.server.accepted = accepted;
        }
    }

    /// Plugins that emit a radar's frames have to say that it is theirs.
    fn ask_for_radars(&mut self, now: Duration) {
        for plugin in self.server.binary.radars.take_wanted() {
            let asked = plugin.clone();
            let then = Box::new(move |later: &mut Later<'_>, reply: HandlerReply| {
                // What went wrong is in the log by the frames that are lost for it.
                let _ = later.server.radars_told(later.now, &plugin, reply);
            });
            let (handler, request) = (Handler::Radar(RadarHandler::Radars), String::new());
            self.plugins.call_handler(now, &asked, handler, request, &mut self.server, then);
        }
    }

    /// Routes that waited for a plugin's answer. Whether there were any: they may have asked again.
    fn go_on(&mut self, now: Duration) -> bool {
        let ended = self.plugins.take_ended_calls();
        let any = !ended.is_empty();
        for (then, reply) in ended {
            let (server, plugins) = (&mut self.server, &mut self.plugins);
            then(&mut Later { now, server, plugins }, reply);
        }
        for (plugin, text) in std::mem::take(&mut self.server.garbage) {
            self.plugins.handler_failed(now, &plugin, &text, &mut self.server);
        }
        for (plugin, count, why) in std::mem::take(&mut self.server.lost_frames) {
            self.plugins.frames_lost(&plugin, count, why, &self.server);
        }
        any
    }

    /// PUTs that plugins ask for, and the ends of those. Whether there were any.
    fn put_for_plugins(&mut self, now: Duration) -> bool {
        let mut any = false;
        // Not those that are asked for meanwhile: a plugin that puts to itself gets its turn like any other.
        for _ in 0..self.server.plugin_puts.len() {
            let Some((asker, request)) = self.server.plugin_puts.pop_front() else { break };
            self.server.request_of_plugin(now, &mut self.plugins, asker, request);
            any = true;
        }
        for (asker, reply) in std::mem::take(&mut self.server.plugin_puts_done) {
            self.plugins.put_answered(now, &asker, reply, &mut self.server);
            any = true;
        }
        any
    }

    /// The reply to a saved configuration waits for the plugin's start, whether it succeeds or not.
    fn answer_saved_options(&mut self) {
        if self.server.saved_options.is_empty() {
            return;
        }
        let (settled, waiting) = std::mem::take(&mut self.server.saved_options)
            .into_iter()
            .partition(|(_, plugin)| self.plugins.is_settled(plugin));
        self.server.saved_options = waiting;
        for (id, plugin) in settled {
            let text = json!(format!("Saved configuration for plugin {plugin}"));
            self.server.respond(id, &HttpRequest::default(), HttpResponse::json(200, &text));
        }
    }

    fn tell_plugins_changed(&mut self) {
        self.know_plugin_status();
        if self.server.has_listeners() {
            let list = self.plugins.list_json();
            self.server.broadcast(
                &json!({ "type": "PLUGINS_CHANGED", "from": "signalk-server", "data": list }),
            );
        }
        self.server.broadcast_status();
    }

    /// What plugins say about themselves, as of now.
    fn know_plugin_status(&mut self) {
        if std::mem::take(&mut self.server.plugin_status_changed) {
            self.server.plugin_status = self.plugins.status_rows();
        }
    }
}

/// How long somebody may keep a stream without saying who it is, where that opens nothing to it.
const LOGIN_WITHIN: Duration = Duration::from_secs(60);
/// Bytes of one message of such a one: a login.
const MOST_OF_NOBODY: usize = 16 << 10;
