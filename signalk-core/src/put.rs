//! What PUT and DELETE do, in the order of server-api.md 2.5: metadata, a plugin that registered for the path,
//! notifications, a device client that published it, else "not supported".

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};
use signalk_bridge::{Handler, HandlerFailure, HandlerReply, PutRequest};
use signalk_model::{Delta, Path, PathMeta, PathValue, Update, Value as ModelValue};

use crate::{
    api::values,
    http::HttpResponse,
    identity::uuid_v4,
    io::{HttpId, StreamId},
    plugins::{FoundPut, Later, PluginPut, Plugins},
    requests::{Listener, Reply, Request, RequestNumber},
    saving::Saving,
    server::Server,
};

/// What shall change.
pub(crate) struct Target {
    /// As given: `vessels.self`.
    pub(crate) context: String,
    /// Dotted.
    pub(crate) path: String,
}

/// How.
pub(crate) enum Change<'a> {
    Put { value: Value, source: Option<&'a str> },
    Delete,
}

/// Who asked, and so where the answer goes.
#[derive(Debug, Clone)]
pub(crate) enum Asker {
    Http(HttpId),
    Stream(StreamId),
    Plugin(PluginPut),
}

impl Asker {
    fn listener(&self) -> Option<Listener> {
        match self {
            Asker::Http(_) => None,
            Asker::Stream(id) => Some(Listener::Stream(*id)),
            Asker::Plugin(asker) => Some(Listener::Plugin(asker.clone())),
        }
    }
}

impl Server {
    /// Begins a request; `id` is the client's own, or one is drawn. `None`: a plugin decides, and its answer is the one
    /// reply that the client gets (plugin ABI 10.3).
    pub(crate) fn request(
        &mut self,
        now: Duration,
        plugins: &mut Plugins,
        target: Target,
        change: Change<'_>,
        id: Option<String>,
        asker: Asker,
    ) -> Option<Request> {
        let id = id.unwrap_or_else(|| uuid_v4(&*self.platform));
        if !self.requests.have_room() {
            return Some(Request::unkept(id, Reply::failed(503, TOO_MANY)));
        }
        let (reply, effect) = self.decide(plugins, &target, change);
        let asked_by = asker.listener();
        let mut request = self.requests.add(now, id.clone(), reply, asked_by);
        let number = request.number;
        match effect {
            Begun::Nothing => {}
            Begun::Meta { path, meta } => match self.changed_meta(&path, &meta) {
                Ok(saved) => self.change_meta(now, number, &path, meta, saved),
                Err(refusal) => {
                    self.requests.update(number, refusal.clone());
                    request.reply = refusal;
                }
            },
            Begun::Notification(delta) => self.handle_delta(now, delta, &self.names.server.clone()),
            Begun::Plugin { found, value } => {
                self.ask_plugin(now, plugins, request, found, &value, asker);
                return None;
            }
            Begun::Forward { to, value } => {
                self.requests.forward(number, to);
                request.forwarded_to = Some(to);
                let message = json!({ "requestId": id, "context": target.context, "put": [{ "path": target.path, "value": value }] });
                self.send(to, message.to_string());
            }
        }
        Some(request)
    }

    /// A PUT of a plugin: it hears of the end only. Metadata is refused before (`put.send`).
    pub(crate) fn request_of_plugin(
        &mut self,
        now: Duration,
        plugins: &mut Plugins,
        asker: PluginPut,
        request: PutRequest,
    ) {
        let value = serde_json::from_str(&request.value).unwrap_or_default();
        let target = Target { context: request.context, path: request.path };
        let change = Change::Put { value, source: request.source.as_deref() };
        let who = Asker::Plugin(asker.clone());
        let begun = self.request(now, plugins, target, change, None, who);
        if let Some(done) = begun.filter(|request| !request.is_pending()) {
            self.tell_plugin(asker, &done);
        }
    }

    /// The end of a plugin's request. It has no address to ask for it by, so nothing of it is kept.
    fn tell_plugin(&mut self, asker: PluginPut, ended: &Request) {
        self.requests.forget(ended.number);
        self.plugin_puts_done.push((asker, ended.to_json().to_string()));
    }

    fn ask_plugin(
        &mut self,
        now: Duration,
        plugins: &mut Plugins,
        request: Request,
        found: FoundPut,
        value: &Value,
        asker: Asker,
    ) {
        let handler = Handler::Put { context: found.context, path: found.path };
        let value = signalk_model::json::value_text(value);
        let plugin = found.plugin.clone();
        let then = Box::new(move |later: &mut Later<'_>, reply: HandlerReply| {
            let failed = matches!(reply, Err(HandlerFailure::NotFound { .. }));
            let reply = put_reply(reply);
            if let Some(why) = reply.message.as_ref().filter(|text| failed || is_garbage(text)) {
                later.server.garbage.push((plugin, format!("put {}: {why}", request.id)));
            }
            later.server.put_handled(later.now, request, asker, reply);
        });
        plugins.call_handler(now, &found.plugin, handler, value, self, then);
    }

    /// A plugin decided about a PUT: its client hears of it now. Its request is gone if the client asked again under the same id.
    fn put_handled(&mut self, now: Duration, asked: Request, asker: Asker, reply: Reply) {
        let known = if reply.status == 202 {
            self.requests.wait(now, asked.number, asker.listener())
        } else {
            self.requests.update(asked.number, reply.clone())
        };
        let request = match known {
            Some(request) => request.clone(),
            None => Request::unkept(asked.id, reply),
        };
        match asker {
            Asker::Http(http) => {
                let response = HttpResponse::json(request.reply.status, &request.to_http_json());
                self.respond_plainly(http, response);
            }
            Asker::Stream(client) => self.send(client, request.to_json().to_string()),
            Asker::Plugin(_) if request.is_pending() => {}
            Asker::Plugin(asker) => self.tell_plugin(asker, &request),
        }
    }

    /// A device client answered a forwarded PUT.
    pub(crate) fn answer_request(&mut self, from: StreamId, message: &Value) {
        let Some(id) = message.get("requestId").and_then(Value::as_str) else { return };
        let Some(number) = self.requests.forwarded(from, id) else { return };
        let status = match message.get("statusCode").and_then(Value::as_u64) {
            None => 200,
            Some(code) => status(code).unwrap_or(502),
        };
        let text = message.get("message").and_then(Value::as_str).map(str::to_owned);
        self.finish_request(number, Reply { status, message: text });
    }

    /// A request came to its end: the state is kept and whoever asked is told.
    pub(crate) fn finish_request(&mut self, number: RequestNumber, reply: Reply) {
        let Some(request) = self.requests.update(number, reply).cloned() else { return };
        match request.asked_by.clone() {
            Some(Listener::Stream(client)) => self.send(client, request.to_json().to_string()),
            Some(Listener::Plugin(asker)) if !request.is_pending() => {
                self.tell_plugin(asker, &request);
            }
            Some(Listener::Plugin(_)) | None => {}
        }
    }

    /// Device clients, and plugins that said PENDING, that did not answer in time.
    pub(crate) fn expire_requests(&mut self, now: Duration) {
        while let Some(number) = self.requests.unanswered(now) {
            self.finish_request(number, Reply::failed(504, "Device did not respond in time"));
        }
    }

    fn decide(&self, plugins: &Plugins, target: &Target, change: Change<'_>) -> (Reply, Begun) {
        if target.path.parse::<Path>().is_err() {
            return (Reply::failed(400, "invalid path"), Begun::Nothing);
        }
        let own = target.context == "vessels.self" || target.context == *self.self_context;
        if let Some((path, field)) =
            meta_target(&target.path).filter(|_| own && self.config.base_deltas.may_be_saved())
        {
            let meta = match (&change, field) {
                (Change::Put { value, .. }, Some(field)) => {
                    Some(Map::from_iter([(field.to_owned(), without_empty(value))]))
                }
                (Change::Put { value, .. }, None) => value.as_object().map(|members| {
                    members
                        .iter()
                        .map(|(name, value)| (name.clone(), without_empty(value)))
                        .collect()
                }),
                (Change::Delete, Some(field)) => {
                    Some(Map::from_iter([(field.to_owned(), Value::Null)]))
                }
                (Change::Delete, None) => Some(
                    self.config
                        .base_deltas
                        .meta(path)
                        .into_iter()
                        .map(|(name, _)| (name, Value::Null))
                        .collect(),
                ),
            };
            if let Some(meta) = meta {
                return (Reply::pending(), Begun::Meta { path: path.to_owned(), meta });
            }
        }
        let (value, source) = match change {
            Change::Put { value, source } => (value, source),
            Change::Delete => {
                return (
                    Reply::failed(405, format!("DELETE not supported for {}", target.path)),
                    Begun::Nothing,
                );
            }
        };
        let own = self.self_context.as_str();
        let mut handlers = plugins.put_handlers(&target.context, &target.path, source, own);
        match (handlers.pop(), handlers.is_empty()) {
            (Some(found), true) => (Reply::pending(), Begun::Plugin { found, value }),
            (Some(_), false) => (Reply::failed(400, SEVERAL_SOURCES), Begun::Nothing),
            (None, _) if target.path.starts_with("notifications.") => {
                self.decide_notification(target, value)
            }
            (None, _) => self.decide_device(target, value, source),
        }
    }

    /// The one stream client that published the path, when no plugin takes it.
    fn decide_device(&self, target: &Target, value: Value, source: Option<&str>) -> (Reply, Begun) {
        let context = match target.context.as_str() {
            "vessels.self" => self.self_context.as_str(),
            other => other,
        };
        let mut devices = self.devices.publishers(context, &target.path, source);
        match (devices.next(), devices.next()) {
            (Some(to), None) => (Reply::pending(), Begun::Forward { to, value }),
            (Some(_), Some(_)) => (Reply::failed(400, SEVERAL_SOURCES), Begun::Nothing),
            (None, _) => (
                Reply::failed(405, format!("PUT not supported for {}", target.path)),
                Begun::Nothing,
            ),
        }
    }

    /// `.state` and `.method` of an existing notification can be set.
    fn decide_notification(&self, target: &Target, value: Value) -> (Reply, Begun) {
        let Some((path, key)) = target.path.rsplit_once('.') else {
            return (Reply::done(404), Begun::Nothing);
        };
        let context = if target.context == "vessels.self" {
            &*self.self_context
        } else {
            target.context.as_str()
        };
        let Some(leaf) = self.leaf(context, path) else {
            return (Reply::done(404), Begun::Nothing);
        };
        if !matches!(key, "state" | "method") {
            return (Reply::done(405), Begun::Nothing);
        }
        let Some(mut notification) = leaf.get("value").and_then(Value::as_object).cloned() else {
            return (Reply::done(404), Begun::Nothing);
        };
        notification.insert(key.to_owned(), value);
        let update = Update {
            source_ref: leaf
                .get("$source")
                .and_then(Value::as_str)
                .and_then(|source| source.parse().ok()),
            values: path
                .parse()
                .map(|path| PathValue {
                    path,
                    value: ModelValue::from_json(Value::Object(notification)),
                })
                .into_iter()
                .collect(),
            ..Update::default()
        };
        let delta = Delta { context: context.parse().ok(), updates: vec![update] };
        (Reply::done(200), Begun::Notification(delta))
    }

    /// The saved metadata of a path with members laid over it, or why it cannot be kept.
    fn changed_meta(
        &self,
        path: &str,
        meta: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Reply> {
        let mut saved = self.config.base_deltas.meta(path);
        for (name, value) in meta {
            if value.is_null() && !LISTS.contains(&name.as_str()) {
                saved.shift_remove(name);
            } else {
                saved.insert(name.clone(), value.clone());
            }
        }
        if signalk_model::meta::may_be_kept(&saved) {
            return Ok(saved);
        }
        let most = signalk_model::meta::LONGEST_META;
        Err(Reply::failed(
            413,
            format!("metadata of {path} would be longer than {most} bytes of JSON"),
        ))
    }

    /// Tells everybody and saves; the request ends when the file is durable.
    ///
    /// All of it is told (server-api.md 2.5), so that nobody has to know what came before; null is what was removed.
    fn change_meta(
        &mut self,
        now: Duration,
        number: RequestNumber,
        path: &str,
        meta: Map<String, Value>,
        mut saved: Map<String, Value>,
    ) {
        self.config.base_deltas.set_meta(path, &saved);
        for (name, _) in meta {
            saved.entry(name).or_insert(Value::Null);
        }
        if let Ok(path) = path.parse() {
            let update = Update {
                meta: vec![PathMeta { path, value: Arc::new(saved) }],
                ..Update::default()
            };
            let delta = Delta { context: None, updates: vec![update] };
            self.handle_delta(now, delta, &self.names.defaults.clone());
        }
        self.save(
            "baseDeltas.json".into(),
            self.config.base_deltas.to_text(),
            Saving::Request(number),
        );
    }
}

enum Begun {
    Nothing,
    Meta { path: String, meta: Map<String, Value> },
    Notification(Delta),
    Plugin { found: FoundPut, value: Value },
    Forward { to: StreamId, value: Value },
}

/// Of an answer that is none.
fn is_garbage(message: &str) -> bool {
    message.starts_with(GARBAGE)
}

const GARBAGE: &str = "Handler error: the answer ";

/// What a plugin's answer means (plugin ABI 10.3).
fn put_reply(reply: HandlerReply) -> Reply {
    let error = |text: &dyn std::fmt::Display| Reply::failed(500, format!("Handler error: {text}"));
    let text = match reply {
        Ok(text) => text,
        Err(HandlerFailure::NotFound { .. }) => {
            return Reply::failed(501, "Handler not implemented");
        }
        Err(failure @ HandlerFailure::Timeout { .. }) => {
            return Reply::failed(504, failure.to_string());
        }
        Err(failure) => return error(&failure),
    };
    let answer = match values(&text) {
        Ok(Value::Object(answer)) => answer,
        Ok(_) => return error(&"the answer is no JSON object"),
        Err(problem) => return error(&format_args!("the answer is no JSON: {problem}")),
    };
    let given = answer.get("statusCode").and_then(Value::as_u64);
    let given = given.and_then(status);
    let message = answer.get("message").and_then(Value::as_str).map(str::to_owned);
    let code = match answer.get("state").and_then(Value::as_str) {
        Some("PENDING") => 202,
        // A pending status is no end.
        Some("COMPLETED") => given.filter(|code| *code != 202).unwrap_or(200),
        Some("SUCCESS") => 200,
        Some("FAILURE") => 502,
        Some("FAILED") => given.filter(|code| *code != 202).unwrap_or(502),
        _ => return error(&"the answer has no `state` COMPLETED or PENDING"),
    };
    Reply { status: code, message }
}

/// A status that may be the answer to a request: those below 200 are not (RFC 9110 15.2).
fn status(code: u64) -> Option<u16> {
    u16::try_from(code).ok().filter(|code| (200..600).contains(code))
}

/// `a.b.meta` is (`a.b`, all of it), `a.b.meta.units` is (`a.b`, `units`).
fn meta_target(path: &str) -> Option<(&str, Option<&str>)> {
    if let Some(path) = path.strip_suffix(".meta") {
        return Some((path, None));
    }
    let (head, field) = path.rsplit_once('.')?;
    head.strip_suffix(".meta").map(|path| (path, Some(field)))
}

/// The admin UI clears a list by an empty one; it is stored as null.
fn without_empty(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.is_empty() => Value::Null,
        value => value.clone(),
    }
}

/// Members whose null is a value of its own: "no zones" must survive the schema's default.
const LISTS: [&str; 1] = ["zones"];

const SEVERAL_SOURCES: &str =
    "there are multiple sources for the given path, but no source was specified in the request";

/// All that are kept still wait to be answered.
const TOO_MANY: &str = "10000 requests wait for their answers: try again when some have one";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugins_answer_is_one_reply() {
        for (answer, status, message) in [
            (r#"{"state":"COMPLETED","statusCode":200}"#, 200, None),
            (
                r#"{"state":"COMPLETED","statusCode":400,"message":"too long"}"#,
                400,
                Some("too long"),
            ),
            (r#"{"state":"PENDING","statusCode":202}"#, 202, None),
            (r#"{"state":"SUCCESS"}"#, 200, None),
            (r#"{"state":"FAILURE"}"#, 502, None),
            (r#"{"state":"FAILED","statusCode":409}"#, 409, None),
            (r#"{"state":"FAILED"}"#, 502, None),
            ("{}", 500, Some("Handler error: the answer has no `state` COMPLETED or PENDING")),
            ("[]", 500, Some("Handler error: the answer is no JSON object")),
        ] {
            let reply = put_reply(Ok(answer.to_owned()));
            assert_eq!((reply.status, reply.message.as_deref()), (status, message), "{answer}");
        }
        let missing = put_reply(Err(HandlerFailure::NotFound { handler: "x".into() }));
        assert_eq!(
            (missing.status, missing.message.as_deref()),
            (501, Some("Handler not implemented"))
        );
        assert_eq!(put_reply(Ok(String::new())).status, 500);
    }

    #[test]
    fn meta_targets() {
        assert_eq!(meta_target("a.b.meta"), Some(("a.b", None)));
        assert_eq!(meta_target("a.b.meta.units"), Some(("a.b", Some("units"))));
        assert_eq!(meta_target("a.b.units"), None);
        assert_eq!(meta_target("meta"), None);
    }
}
