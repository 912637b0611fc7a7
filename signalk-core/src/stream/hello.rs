//! A client comes and goes: which addresses are streams, the first message, what it is sent at once (server-api.md 1.2,
//! 3.1, 3.2).

use std::time::Duration;

use serde_json::json;
use signalk_model::SourcePolicy;

use super::client::{Client, Live};
use crate::{
    http::{HttpRequest, HttpResponse, query_value},
    io::{Effect, Output, StreamId},
    server::Server,
    timer::Timer,
};

impl Server {
    /// A client asks for a stream.
    pub(crate) fn stream_opened(&mut self, now: Duration, id: StreamId, request: &HttpRequest) {
        let (target, path) = (request.target.as_str(), request.path());
        match path.strip_suffix('/').unwrap_or(path) {
            "/signalk/v1/stream" => {}
            "/signalk/v1/playback" => return self.refuse_playback(now, id, request),
            _ if self.binary_opened(now, id, request) => return,
            _ => {
                // DIFFERENCE: the reference never answers the upgrade of an unknown path.
                let response = HttpResponse::not_found("GET", path);
                self.outputs.push_back(Output::Effect(Effect::StreamReject { id, response }));
                return;
            }
        }
        let mut client = Client::new(now, request);
        if !self.security.socket(id).may_read() {
            // It may still log in, and then ask for what it wants (server-api.md 3.9). Events can only be asked for
            // now: they begin with the login.
            (client.live, client.events) = (Live::None, false);
        }
        let (live, events) = (client.live, client.events);
        self.streams.insert(id, client);
        self.send(id, self.hello());
        if events {
            self.events_began(now, id);
        }
        let cached = query_value(target, "sendCachedValues").as_deref() != Some("false");
        if live != Live::None && cached {
            let policy = SourcePolicy::from_wire(query_value(target, "sourcePolicy").as_deref());
            self.send_snapshot(id, live, policy);
        }
    }

    /// A client is gone.
    pub(crate) fn stream_closed(&mut self, id: StreamId) {
        self.streams.remove(id);
        self.devices.forget(id);
        self.timers.clear(Timer::Overflow(id));
    }

    /// The first message: who we are and whose data is "self".
    pub(crate) fn hello(&self) -> String {
        let hello = json!({
            "name": "signalk-server",
            "version": self.config.version,
            "self": self.self_context.as_str(),
            "roles": ["master", "main"],
            "timestamp": self.timestamp().as_str(),
            "serverStartId": self.start_id,
        });
        hello.to_string()
    }

    /// There is no history yet: the client is told so and the stream is closed.
    fn refuse_playback(&mut self, now: Duration, id: StreamId, request: &HttpRequest) {
        self.streams.insert(id, Client { live: Live::None, ..Client::new(now, request) });
        let started = request.query("startTime").is_some();
        let text = if started {
            "No history provider"
        } else {
            "startTime is a required query parameter for playback connections"
        };
        self.send(id, serde_json::Value::from(text).to_string());
        self.close_stream(id, 1000, "No history provider");
    }

    /// Closes from our side.
    pub(crate) fn close_stream(&mut self, id: StreamId, code: u16, reason: &str) {
        self.outputs.push_back(Output::Effect(Effect::StreamClose {
            id,
            code,
            reason: reason.to_owned(),
        }));
        self.stream_closed(id);
    }
}
