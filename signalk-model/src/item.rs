//! One value or one piece of metadata on its way to a receiver: what a subscription delivers as a
//! delta with one update and one entry (server-api.md 3.3). Borrowed while it is routed, owned
//! while it waits for the end of a period.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::delta::{
    Delta, PathMeta, PathValue, Update, write_path_meta, write_path_value, write_update_head,
};
use crate::json;
use crate::names::{Context, Path, SourceRef};
use crate::source::Source;
use crate::timestamp::Timestamp;
use crate::value::Value;

/// One entry of a delta with everything that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item<'a> {
    /// Whose.
    pub context: &'a Context,
    /// The `source` object.
    pub source: Option<&'a Arc<Source>>,
    /// `$source`.
    pub source_ref: Option<&'a SourceRef>,
    /// When it was measured.
    pub timestamp: Option<&'a Timestamp>,
    /// Of which path.
    pub path: &'a Path,
    /// The value or the metadata.
    pub body: Body<'a>,
}

/// What an item says about its path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Body<'a> {
    /// Its value.
    Value(&'a Value),
    /// New members of its metadata.
    Meta(&'a Arc<Map<String, Json>>),
}

impl<'a> Item<'a> {
    /// A value of an update.
    pub fn of_value(context: &'a Context, update: &'a Update, entry: &'a PathValue) -> Self {
        Self::of(context, update, &entry.path, Body::Value(&entry.value))
    }

    /// Metadata of an update.
    pub fn of_meta(context: &'a Context, update: &'a Update, entry: &'a PathMeta) -> Self {
        Self::of(context, update, &entry.path, Body::Meta(&entry.value))
    }

    pub(crate) fn of(
        context: &'a Context,
        update: &'a Update,
        path: &'a Path,
        body: Body<'a>,
    ) -> Self {
        Self {
            context,
            source: update.source.as_ref(),
            source_ref: update.source_ref.as_ref(),
            timestamp: update.timestamp.as_ref(),
            path,
            body,
        }
    }

    /// The value, if it carries one.
    pub fn value(&self) -> Option<&'a Value> {
        match self.body {
            Body::Value(value) => Some(value),
            Body::Meta(_) => None,
        }
    }

    /// Appends the delta as compact JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"context\":");
        json::write_str(out, self.context);
        out.extend_from_slice(b",\"updates\":[");
        write_update_head(
            out,
            self.source.map(|source| &**source),
            self.source_ref,
            self.timestamp,
        );
        if out.last() != Some(&b'{') {
            out.push(b',');
        }
        match self.body {
            Body::Value(value) => {
                out.extend_from_slice(b"\"values\":[");
                write_path_value(out, self.path, value);
            }
            Body::Meta(members) => {
                out.extend_from_slice(b"\"meta\":[");
                write_path_meta(out, self.path, members);
            }
        }
        out.extend_from_slice(b"]}]}");
    }

    /// The delta as text.
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(256);
        self.write_json(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    /// The delta as a value.
    pub fn to_delta(&self) -> Delta {
        let (mut values, mut meta) = (Vec::new(), Vec::new());
        match self.body {
            Body::Value(value) => {
                values.push(PathValue { path: self.path.clone(), value: value.clone() });
            }
            Body::Meta(members) => {
                meta.push(PathMeta { path: self.path.clone(), value: Arc::clone(members) });
            }
        }
        let update = Update {
            source: self.source.cloned(),
            source_ref: self.source_ref.cloned(),
            timestamp: self.timestamp.cloned(),
            values,
            meta,
        };
        Delta { context: Some(self.context.clone()), updates: vec![update] }
    }
}

/// A value that waits for the end of its period.
#[derive(Debug, Clone)]
pub(crate) struct OwnedItem {
    context: Context,
    source: Option<Arc<Source>>,
    pub(crate) source_ref: Option<SourceRef>,
    timestamp: Option<Timestamp>,
    path: Path,
    value: Value,
}

impl OwnedItem {
    pub(crate) fn new(item: &Item<'_>, value: &Value) -> Self {
        Self {
            context: item.context.clone(),
            source: item.source.cloned(),
            source_ref: item.source_ref.cloned(),
            timestamp: item.timestamp.cloned(),
            path: item.path.clone(),
            value: value.clone(),
        }
    }

    pub(crate) fn item(&self) -> Item<'_> {
        Item {
            context: &self.context,
            source: self.source.as_ref(),
            source_ref: self.source_ref.as_ref(),
            timestamp: self.timestamp.as_ref(),
            path: &self.path,
            body: Body::Value(&self.value),
        }
    }
}
