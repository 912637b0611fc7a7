//! Who a PUT or DELETE is for, in the order of server-api.md 2.5. Nothing is changed here.

use serde_json::{Map, Value};
use signalk_model::{Delta, Path, PathValue, Update, Value as ModelValue};

use super::{
    Change, Target,
    meta::{meta_target, without_empty},
};
use crate::{
    io::StreamId,
    plugins::{FoundPut, Plugins},
    requests::Reply,
    server::Server,
};

/// What follows from it.
pub(super) enum Begun {
    Nothing,
    Meta { path: String, meta: Map<String, Value> },
    Notification(Delta),
    Plugin { found: FoundPut, value: Value },
    Forward { to: StreamId, value: Value },
}

const SEVERAL_SOURCES: &str =
    "there are multiple sources for the given path, but no source was specified in the request";

impl Server {
    pub(super) fn decide(
        &self,
        plugins: &Plugins,
        target: &Target,
        change: Change<'_>,
    ) -> (Reply, Begun) {
        if target.path.parse::<Path>().is_err() {
            return (Reply::failed(400, "invalid path"), Begun::Nothing);
        }
        if let Some(begun) = self.decide_meta(target, &change) {
            return (Reply::pending(), begun);
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

    /// What changes of the own vessel's metadata; `None`: it is not about that, or not in a form that can be kept.
    fn decide_meta(&self, target: &Target, change: &Change<'_>) -> Option<Begun> {
        let own = target.context == "vessels.self" || target.context == *self.self_context;
        if !own || !self.config.base_deltas.may_be_saved() {
            return None;
        }
        let (path, field) = meta_target(&target.path)?;
        let meta = match (change, field) {
            (Change::Put { value, .. }, Some(field)) => {
                Map::from_iter([(field.to_owned(), without_empty(value))])
            }
            (Change::Put { value, .. }, None) => {
                let members = value.as_object()?.iter();
                members.map(|(name, value)| (name.clone(), without_empty(value))).collect()
            }
            (Change::Delete, Some(field)) => Map::from_iter([(field.to_owned(), Value::Null)]),
            (Change::Delete, None) => {
                let members = self.config.base_deltas.meta(path).into_iter();
                members.map(|(name, _)| (name, Value::Null)).collect()
            }
        };
        Some(Begun::Meta { path: path.to_owned(), meta })
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
}
