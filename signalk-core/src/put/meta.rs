//! PUT and DELETE of metadata: laid over what is saved, told to all, written to `baseDeltas.json`.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};
use signalk_model::{Delta, PathMeta, Update};

use crate::{
    requests::{Reply, RequestNumber},
    saving::Saving,
    server::Server,
};

impl Server {
    /// The saved metadata of a path with members laid over it, or why it cannot be kept.
    pub(super) fn changed_meta(
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
    pub(super) fn change_meta(
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

/// `a.b.meta` is (`a.b`, all of it), `a.b.meta.units` is (`a.b`, `units`).
pub(super) fn meta_target(path: &str) -> Option<(&str, Option<&str>)> {
    if let Some(path) = path.strip_suffix(".meta") {
        return Some((path, None));
    }
    let (head, field) = path.rsplit_once('.')?;
    head.strip_suffix(".meta").map(|path| (path, Some(field)))
}

/// The admin UI clears a list by an empty one; it is stored as null.
pub(super) fn without_empty(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.is_empty() => Value::Null,
        value => value.clone(),
    }
}

/// Members whose null is a value of its own: "no zones" must survive the schema's default.
const LISTS: [&str; 1] = ["zones"];

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
