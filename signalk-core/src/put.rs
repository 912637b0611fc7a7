//! What PUT and DELETE do, in the order of server-api.md 2.5: metadata, a plugin that registered for the path,
//! notifications, a device client that published it, else "not supported".
//!
//! Here: from the request to its end. Who it is for is `put/decide.rs`, metadata `put/meta.rs`, what a plugin's answer
//! means `put/answer.rs`; which requests are open, and for how long, `requests.rs`.

mod answer;
mod decide;
mod meta;

use std::time::Duration;

use serde_json::{Value, json};
use signalk_bridge::{Handler, HandlerReply, PutRequest};

use self::{
    answer::{Answered, status},
    decide::Begun,
};
use crate::{
    http::HttpResponse,
    identity::uuid_v4,
    io::{HttpId, StreamId},
    plugins::{FoundPut, Later, PluginPut, Plugins},
    requests::{Listener, Reply, Request, RequestNumber},
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
    /// And the user's name.
    Http(HttpId, Option<std::sync::Arc<str>>),
    Stream(StreamId),
    Plugin(PluginPut),
}

impl Asker {
    fn listener(&self) -> Option<Listener> {
        match self {
            Asker::Http(..) => None,
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
        request.user = self.user_behind(&asker);
        self.requests.said_by(number, request.user.clone());
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

    /// Replies name it while security is on.
    fn user_behind(&self, asker: &Asker) -> Option<Value> {
        let user = match asker {
            Asker::Http(_, user) => user.as_deref(),
            Asker::Stream(id) => self.security.socket(*id).id.as_deref(),
            Asker::Plugin(_) => return None,
        };
        self.security.is_on().then(|| user.into())
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
            let Answered { reply, complaint } = reply.into();
            if let Some(why) = complaint {
                later.server.garbage.push((plugin, format!("put {}: {why}", request.id)));
            }
            later.server.put_handled(later.now, request, asker, reply);
        });
        plugins.call_handler(now, &found.plugin, handler, value, self, then);
    }

    /// A plugin decided about a PUT: its client hears of it now. Its request is gone if the client asked again under
    /// the same id.
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
            Asker::Http(http, _) => {
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
            let text = match self.requests.is_forwarded(number) {
                true => "Device did not respond in time",
                false => "The plugin that said PENDING gave no answer in time",
            };
            self.finish_request(number, Reply::failed(504, text));
        }
    }
}

/// All that are kept still wait to be answered.
const TOO_MANY: &str = "10000 requests wait for their answers: try again when some have one";
