//! What a client says. Verbs of one message are handled in the reference's order: updates, subscribe, unsubscribe,
//! accessRequest, login, put, delete, query (server-api.md 3.7, 3.8). What cannot be read is dropped without a word.

use std::{sync::LazyLock, time::Duration};

use memchr::memmem::Finder;
use serde_json::{Map, Value, json};
use signalk_model::{Complaint, Delta, Placement, SourceRef};

use crate::{
    api::{is_too_much, no_access_requests},
    identity::uuid_v4,
    intake::Origin,
    io::StreamId,
    plugins::Plugins,
    put::{Asker, Change, Target},
    requests::{Reply, Request},
    security::{Attempt, LoginAsker},
    server::Server,
};

impl Server {
    /// A text frame of a client.
    pub(crate) fn stream_message(
        &mut self,
        now: Duration,
        id: StreamId,
        text: &[u8],
        plugins: &mut Plugins,
    ) {
        if !self.streams.clients.contains_key(&id) {
            return;
        }
        if is_too_much(text) {
            return self.close_stream(id, 1009, TOO_MUCH);
        }
        // Nobody's delta is not even parsed: what is new in it would stay in the interner, and the rest is looked for
        // below.
        let may_write = self.security.socket(id).may_write();
        if may_write
            && UPDATES.find(text).is_some()
            && self.stream_delta(now, id, text) == Rest::Nothing
        {
            return;
        }
        let Ok(message) = signalk_model::json::parse(text) else { return };
        let Some(members) = message.as_object() else { return };
        if self.security.socket(id).may_read() {
            self.subscribe(id, members);
            self.unsubscribe(id, members);
        }
        if message.get("accessRequest").is_some() {
            let (status, message) = no_access_requests(self.security.is_on());
            let answer = json!({ "state": "COMPLETED", "statusCode": status, "message": message });
            self.send(id, answer.to_string());
        }
        if let Some(login) = message.get("login").and_then(Value::as_object) {
            self.stream_login(now, id, &message, login);
        }
        if let Some(put) = message.get("put").filter(|put| put.is_object()) {
            let source = put.get("source").and_then(Value::as_str);
            let value = put.get("value").cloned().unwrap_or(Value::Null);
            let change = Change::Put { value, source };
            self.stream_request(now, id, &message, put, change, plugins);
        }
        if let Some(delete) = message.get("delete").filter(|delete| delete.is_object()) {
            self.stream_request(now, id, &message, delete, Change::Delete, plugins);
        }
        if let (Some(request), Some(_)) =
            (message.get("requestId").and_then(Value::as_str), message.get("query"))
        {
            let may_read = self.security.socket(id).may_read();
            let to_json = if may_read { Request::to_json } else { Request::to_bare_json };
            let answer = self.requests.of_client(id, request).map(to_json);
            let answer =
                answer.unwrap_or_else(|| json!({ "requestId": request, "statusCode": 404 }));
            self.send(id, answer.to_string());
        }
        let answers = message.get("requestId").is_some() && message.get("state").is_some();
        if answers && self.security.socket(id).may_write() {
            self.answer_request(id, &message);
        }
    }

    /// A delta of somebody who may write, perhaps with other verbs beside it: the parser has seen them.
    fn stream_delta(&mut self, now: Duration, id: StreamId, text: &[u8]) -> Rest {
        let Ok(parsed) = Delta::parse_with(text, &mut self.interner) else {
            return Rest::Something;
        };
        let rest = parsed.complaints.iter().any(|complaint| match complaint {
            Complaint::UnknownMember { member } => VERBS.contains(&member.as_str()),
            // Nobody knows what else there was.
            Complaint::More { .. } => true,
            _ => false,
        });
        let provider = match &self.security.socket(id).id {
            Some(user) => SourceRef::from(format!("{}.{user}", self.names.ws)),
            None => self.names.ws.clone(),
        };
        self.handle_delta_as(now, parsed.delta, &provider, Placement::Tree, Origin::Client(id));
        if rest { Rest::Something } else { Rest::Nothing }
    }

    fn stream_request(
        &mut self,
        now: Duration,
        id: StreamId,
        message: &Value,
        body: &Value,
        change: Change<'_>,
        plugins: &mut Plugins,
    ) {
        let Some(path) = body.get("path").and_then(Value::as_str) else { return };
        let context = message.get("context").and_then(Value::as_str).unwrap_or("vessels.self");
        let request_id = message
            .get("requestId")
            .and_then(Value::as_str)
            .filter(|id| id.len() <= LONGEST_REQUEST_ID);
        if !self.security.socket(id).may_write() {
            let request_id = request_id.map_or_else(|| uuid_v4(&*self.platform), str::to_owned);
            let mut refused = Request::unkept(request_id, Reply::done(403));
            let user = self.security.socket(id).id.as_deref();
            refused.user = self.security.is_on().then(|| user.into());
            return self.send(id, refused.to_json().to_string());
        }
        let target = Target { context: context.to_owned(), path: path.to_owned() };
        let request_id = request_id.map(str::to_owned);
        let asker = Asker::Stream(id);
        if let Some(request) = self.request(now, plugins, target, change, request_id, asker) {
            self.send(id, request.to_json().to_string());
        }
    }
}

impl Server {
    /// With security off nobody answers (server-api.md 3.9).
    fn stream_login(
        &mut self,
        now: Duration,
        id: StreamId,
        message: &Value,
        login: &Map<String, Value>,
    ) {
        if !self.security.is_on() {
            return;
        }
        let text = |name: &str| login.get(name).and_then(Value::as_str).unwrap_or_default();
        let attempt = Attempt {
            user: text("username").into(),
            password: text("password").into(),
            remember: false,
        };
        let request = message.get("requestId").and_then(Value::as_str);
        let request = request.filter(|id| id.len() <= LONGEST_REQUEST_ID).into();
        let peer = self.streams.peer(id);
        self.log_in(now, peer, attempt, LoginAsker::Stream { id, request });
    }
}

/// Prepared once: preparing a search costs as much as searching one delta.
static UPDATES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"updates\""));

/// What a message says besides its delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Nothing,
    Something,
}

/// Why a client is closed that sends so many values that reading them would fill a small computer.
const TOO_MUCH: &str = "a message of more than 250000 JSON values";
/// Members beside `updates` that are read here. The server makes the id of a request that has none (server-api.md 3.8).
const VERBS: [&str; 7] =
    ["subscribe", "unsubscribe", "accessRequest", "login", "put", "delete", "requestId"];

/// A client's own request id is kept for an hour: no more of it than a generous name.
const LONGEST_REQUEST_ID: usize = 200;
