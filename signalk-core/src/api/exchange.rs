//! Endpoints of plugins whose bodies are streamed: how an exchange begins, how its answer begins, how it ends.
//!
//! The pieces between go from the edge to the plugin and back without this file: `plugins/exchanges.rs`.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use signalk_bridge::{HandlerFailure, HandlerReply, PluginId, StreamHead};

use super::endpoints::response;
use super::own_headers::clean;
use super::{Answer, Call};
use crate::{
    http::HttpResponse,
    io::{Effect, HttpId, LogArea, LogLevel, Output},
    plugins::{Asked, FoundEndpoint, Host as _, Later, RequestBody},
    server::Server,
};

/// How a client is told that has lost its place (`plugins/exchanges.rs`).
const TOO_LITTLE: &str =
    "less than 1 KiB in a second for two minutes, and another client wants the place";

/// The same of a plugin by exports.
const DRIPS: &str = "less than 1 KiB in a second for 10s";

/// Hands a request to an endpoint that takes its body in pieces.
pub(super) fn begin(
    call: &mut Call<'_>,
    found: FoundEndpoint,
    request: String,
    body: RequestBody,
) -> Answer {
    if let Err(text) = call.plugins.room_for_stream(call.now, &found.plugin, call.server) {
        let mut busy = HttpResponse::json(503, &serde_json::json!({ "error": text }));
        busy.headers.push((Cow::Borrowed("retry-after"), "1".to_owned()));
        return busy.into();
    }
    let (http, plugin) = (call.id, found.plugin.clone());
    let what = format!("{} {}", call.request.method, call.request.path());
    let then = Box::new(move |later: &mut Later<'_>, reply: HandlerReply| {
        end(later, http, reply, (&plugin, &what));
    });
    let asked = Asked { http, body: Some(body) };
    call.plugins.call_endpoint(call.now, found, request, asked, call.server, then);
    Answer::Later
}

/// The handler has ended.
fn end(
    later: &mut Later<'_>,
    http: HttpId,
    reply: HandlerReply,
    (plugin, what): (&PluginId, &str),
) {
    let ended = later.plugins.exchange_over(http);
    if !ended.answering {
        let answer = match reply {
            Err(HandlerFailure::Timeout { .. }) if ended.displaced => {
                let text = format!("the client sent {TOO_LITTLE}");
                HttpResponse::json(408, &serde_json::json!({ "error": text }))
            }
            Err(HandlerFailure::Timeout { .. }) if ended.dripped => {
                let text = format!("the client sent {DRIPS}");
                HttpResponse::json(408, &serde_json::json!({ "error": text }))
            }
            Err(HandlerFailure::Timeout { limit }) if ended.client_rests => {
                let text = format!("the client sent nothing for {:?}", in_seconds(limit));
                HttpResponse::json(408, &serde_json::json!({ "error": text }))
            }
            reply => response(later, plugin, reply),
        };
        return later.server.respond_plainly(http, answer);
    }
    let complete = reply.map(|_| ()).map_err(|failure| match failure {
        HandlerFailure::Timeout { .. } if ended.displaced => {
            format!("the client took {TOO_LITTLE}")
        }
        HandlerFailure::Timeout { .. } if ended.dripped => format!("the client took {DRIPS}"),
        HandlerFailure::Timeout { limit } if ended.client_rests => {
            format!("the client took nothing for {:?}", in_seconds(limit))
        }
        HandlerFailure::Timeout { limit } => format!("the plugin wrote nothing for {limit:?}"),
        other => other.to_string(),
    });
    if let Err(text) = &complete {
        let text = format!("{what}: the answer is broken off: {text}");
        later.server.say(LogArea::Api, LogLevel::Warn, plugin, text);
    }
    let effect = Effect::HttpEnd { id: http, complete: complete.is_ok() };
    later.server.outputs.push_back(Output::Effect(effect));
}

/// Rounded up: what of its patience a client had used before is not worth telling.
fn in_seconds(limit: Duration) -> Duration {
    Duration::from_secs(limit.as_secs() + u64::from(limit.subsec_nanos() > 0))
}

impl Server {
    /// A streamed answer begins.
    pub(crate) fn begin_stream(&mut self, id: HttpId, head: StreamHead) {
        let StreamHead { status, headers, length } = head;
        let mut headers = clean(headers.into_iter());
        if !headers.iter().any(|(name, _)| name == "content-type") {
            headers.push(("content-type".to_owned(), "application/octet-stream".to_owned()));
        }
        let headers = headers.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect();
        let mut response = HttpResponse { status, headers, body: Bytes::new() };
        self.allow_everybody(&mut response);
        let effect = Effect::HttpRespondStream { id, response, length };
        self.outputs.push_back(Output::Effect(effect));
    }
}
