//! What PUT and DELETE do, in the order of server-api.md 2.5: metadata, notifications, a device client that published the
//! path, else "not supported". Who asked, and how the answer travels, is the caller's.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};
use signalk_model::{Delta, PathMeta, PathValue, Update, Value as ModelValue};

use crate::{
    identity::uuid_v4,
    io::StreamId,
    requests::{Reply, Request},
    server::{Saving, Server},
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

impl Server {
    /// Begins a request; `id` is the client's own, or one is drawn.
    pub(crate) fn request(
        &mut self,
        now: Duration,
        target: Target,
        change: Change<'_>,
        id: Option<String>,
        asked_by: Option<StreamId>,
    ) -> Request {
        let id = id.unwrap_or_else(|| uuid_v4(&*self.platform));
        let (reply, effect) = self.decide(&target, change);
        let mut request = self.requests.add(now, id.clone(), reply, asked_by);
        match effect {
            Begun::Nothing => {}
            Begun::Meta { path, meta } => self.change_meta(now, &id, &path, meta),
            Begun::Notification(delta) => self.handle_delta(now, delta, &self.names.server.clone()),
            Begun::Forward { to, value } => {
                self.requests.forward(&id, to);
                request.forwarded_to = Some(to);
                let message = json!({ "requestId": id, "context": target.context, "put": [{ "path": target.path, "value": value }] });
                self.send(to, message.to_string());
            }
        }
        request
    }

    /// A device client answered a forwarded PUT.
    pub(crate) fn answer_request(&mut self, from: StreamId, message: &Value) {
        let Some(id) = message.get("requestId").and_then(Value::as_str) else { return };
        if self.requests.get(id).and_then(|request| request.forwarded_to) != Some(from) {
            return;
        }
        let status = message
            .get("statusCode")
            .and_then(Value::as_u64)
            .and_then(|status| u16::try_from(status).ok());
        let text = message.get("message").and_then(Value::as_str).map(str::to_owned);
        self.finish_request(id, Reply { status: status.unwrap_or(200), message: text });
    }

    /// A request came to its end: the state is kept and whoever asked over a stream is told.
    pub(crate) fn finish_request(&mut self, id: &str, reply: Reply) {
        let Some(request) = self.requests.update(id, reply) else { return };
        if let (Some(client), text) = (request.asked_by, request.to_json().to_string()) {
            self.send(client, text);
        }
    }

    /// Device clients that did not answer in time.
    pub(crate) fn expire_requests(&mut self, now: Duration) {
        for id in self.requests.unanswered(now) {
            self.finish_request(&id, Reply::failed(504, "Device did not respond in time"));
        }
    }

    fn decide(&self, target: &Target, change: Change<'_>) -> (Reply, Begun) {
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
        if target.path.starts_with("notifications.") {
            return self.decide_notification(target, value);
        }
        let mut devices = self.devices.publishers(&target.path, source);
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

    /// Merges into the saved meta, tells everybody, saves; the request ends when the file is durable.
    fn change_meta(&mut self, now: Duration, id: &str, path: &str, meta: Map<String, Value>) {
        let mut saved = self.config.base_deltas.meta(path);
        for (name, value) in &meta {
            if value.is_null() && !LISTS.contains(&name.as_str()) {
                saved.shift_remove(name);
            } else {
                saved.insert(name.clone(), value.clone());
            }
        }
        self.config.base_deltas.set_meta(path, &saved);
        if let Ok(path) = path.parse() {
            let update = Update {
                meta: vec![PathMeta { path, value: Arc::new(meta) }],
                ..Update::default()
            };
            let delta = Delta { context: None, updates: vec![update] };
            self.handle_delta(now, delta, &self.names.defaults.clone());
        }
        self.save(
            "baseDeltas.json".into(),
            self.config.base_deltas.to_text(),
            Saving::Request(id.to_owned()),
        );
    }
}

enum Begun {
    Nothing,
    Meta { path: String, meta: Map<String, Value> },
    Notification(Delta),
    Forward { to: StreamId, value: Value },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_targets() {
        assert_eq!(meta_target("a.b.meta"), Some(("a.b", None)));
        assert_eq!(meta_target("a.b.meta.units"), Some(("a.b", Some("units"))));
        assert_eq!(meta_target("a.b.units"), None);
        assert_eq!(meta_target("meta"), None);
    }
}
