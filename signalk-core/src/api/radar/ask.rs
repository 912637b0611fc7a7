//! One question to the plugin that has a radar: the JSON that it is given (byte for byte as plugin ABI 11.3 has it),
//! what its answer means, and what the client reads.

use serde_json::{Map, Value, json};
use signalk_bridge::{Handler, HandlerFailure, HandlerReply, PluginId, RadarHandler};
use signalk_model::json as js;

use super::uncached;
use crate::{
    api::{
        provider::{bad_answer, error_text, no_answer},
        values,
    },
    http::HttpResponse,
    plugins::Later,
    resources::{Client, completed, failed, only_error},
};

/// One question.
pub(super) struct Ask {
    handler: RadarHandler,
    /// For people who read why there is no answer.
    name: &'static str,
    /// Besides the radar's id.
    members: Map<String, Value>,
    meaning: Meaning,
    /// Asked instead when the plugin does not know this one.
    older: Option<Box<Ask>>,
}

/// What an answer means.
pub(super) enum Meaning {
    /// The description of the radar.
    Info,
    /// An object that is handed on.
    Object,
    /// The member `controls` of the state.
    Controls,
    /// The value of this control.
    Control(String),
    /// `{"success", "error"?}`; what to say when it gives no reason.
    Success(&'static str),
    /// `true`; what to say about anything else.
    True(&'static str),
    /// `{"success", "targetId"?, "error"?}`.
    Target,
    /// `true`: the target is not followed any more.
    Cancelled,
}

impl Ask {
    pub(super) fn new(handler: RadarHandler, name: &'static str, meaning: Meaning) -> Ask {
        Ask { handler, name, members: Map::new(), meaning, older: None }
    }

    pub(super) fn with(mut self, member: &str, value: impl Into<Value>) -> Ask {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    pub(super) fn or(self, older: Ask) -> Ask {
        Ask { older: Some(Box::new(older)), ..self }
    }

    /// Asks; the client gets the answer.
    pub(super) fn put(self, later: &mut Later<'_>, client: Client, radar: &str, plugin: PluginId) {
        let request = request(radar, self.members);
        let (radar, asked) = (radar.to_owned(), plugin.clone());
        let (name, meaning, older) = (self.name, self.meaning, self.older);
        let then = Box::new(move |later: &mut Later<'_>, reply: HandlerReply| {
            let response = match (reply, older) {
                (Err(HandlerFailure::NotFound { .. }), Some(older)) => {
                    return older.put(later, client, &radar, plugin);
                }
                (Err(failure), _) => no_answer(name, &failure),
                (Ok(text), _) => match meaning.of(&text, &radar) {
                    Ok(response) => response,
                    Err(Garbage) => {
                        bad_answer(later.server, &plugin, name, "the JSON that was asked for")
                    }
                },
            };
            respond(later, &client, response);
        });
        let handler = Handler::Radar(self.handler);
        later.plugins.call_handler(later.now, &asked, handler, request, later.server, then);
    }
}

/// An answer that cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Garbage;

impl Meaning {
    fn of(&self, text: &str, radar: &str) -> Result<HttpResponse, Garbage> {
        let shown = |value: &Value| HttpResponse::json_text(200, js::value_text(value));
        Ok(match self {
            Meaning::Info => {
                read_object(text)?.map_or_else(|| not_found(radar), |info| shown(&info))
            }
            Meaning::Object => {
                read_object(text)?.map_or_else(|| radar_not_found(radar), |object| shown(&object))
            }
            Meaning::Controls => {
                let state = read_object(text)?;
                let controls = state.as_ref().and_then(|state| state.get("controls"));
                controls.map_or_else(|| radar_not_found(radar), shown)
            }
            Meaning::Control(id) => match read(text)? {
                Value::Null => failed(404, &format!("Control {id} not found")),
                Value::Object(members) if only_error(&members).is_some() => {
                    failed(404, &format!("Control {id} not found"))
                }
                value => shown(&value),
            },
            Meaning::Success(fails) => match success(text)? {
                Ok(_) => completed(200, "OK"),
                Err(why) => failed(400, why.as_deref().unwrap_or(fails)),
            },
            Meaning::True(_) if is_true(text) => completed(200, "OK"),
            Meaning::True(fails) => failed(400, fails),
            Meaning::Target => match success(text)? {
                Ok(members) => acquired(members.get("targetId")),
                Err(why) => failed(400, why.as_deref().unwrap_or("Failed to acquire target")),
            },
            Meaning::Cancelled if is_true(text) => completed(200, "OK"),
            Meaning::Cancelled => failed(404, "Target not found or already cancelled"),
        })
    }
}

fn acquired(target: Option<&Value>) -> HttpResponse {
    let mut body = json!({ "state": "COMPLETED", "statusCode": 201, "message": "OK" });
    if let (Some(target), Some(members)) = (target, body.as_object_mut()) {
        members.insert("targetId".to_owned(), target.clone());
    }
    HttpResponse::json(201, &body)
}

/// The text of a request about a radar.
pub(super) fn request(radar: &str, members: Map<String, Value>) -> String {
    let mut request = Map::from_iter([("radarId".to_owned(), radar.into())]);
    request.extend(members);
    js::value_text(&Value::Object(request))
}

/// Nothing at all is null.
fn read(text: &str) -> Result<Value, Garbage> {
    match text.trim() {
        "" => Ok(Value::Null),
        text => values(text).map_err(|_| Garbage),
    }
}

/// `None`: the plugin has nothing to say about it.
pub(super) fn read_object(text: &str) -> Result<Option<Value>, Garbage> {
    match read(text)? {
        Value::Null => Ok(None),
        Value::Object(members) if only_error(&members).is_some() => Ok(None),
        object @ Value::Object(_) => Ok(Some(object)),
        _ => Err(Garbage),
    }
}

/// The members of a success, or the reason of a failure, if it gives one.
fn success(text: &str) -> Result<Result<Map<String, Value>, Option<String>>, Garbage> {
    match read(text)? {
        Value::Object(members) if members.get("success") == Some(&Value::Bool(true)) => {
            Ok(Ok(members))
        }
        Value::Object(members) => Ok(Err(error_text(&members))),
        _ => Ok(Err(None)),
    }
}

/// Anything but JSON's `true` is a failure.
fn is_true(text: &str) -> bool {
    read(text) == Ok(Value::Bool(true))
}

/// In the words of the reference for the radar itself and for its shortcuts.
pub(super) fn not_found(_: &str) -> HttpResponse {
    failed(404, "Resource not found.")
}

/// In its words for everything below.
pub(super) fn radar_not_found(radar: &str) -> HttpResponse {
    failed(404, &format!("Radar {radar} not found"))
}

pub(super) fn respond(later: &mut Later<'_>, client: &Client, response: HttpResponse) {
    later.server.respond(client.id, &client.request, uncached(response));
}
