//! What is handed to a plugin: a delta as text, or one value of a subscription, prepared once and shared by all plugins
//! that get it.
//!
//! A [`Piece`] knows its value in both forms that JSON-RPC plugins take (`wit/signalk-plugin.wit`, delta-handler): as a
//! delta in JSON, and as a row whose context, source and path are named by a number, its [`Head`]. Each form is written
//! when the first plugin needs it. Which plugin was told which head is `session/rows.rs`.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value as Json};
use signalk_model::hash::NameMap;
use signalk_model::{Body, Context, Item, Path, Source, SourceRef, Timestamp, Value, json};

/// One delta on its way to a plugin.
#[derive(Debug, Clone)]
pub enum Handed {
    /// Compact JSON.
    Text(Arc<str>),
    /// One value of a subscription.
    Piece(Arc<Piece>),
}

impl Handed {
    /// The delta as compact JSON.
    pub fn json(&self) -> &str {
        match self {
            Handed::Text(text) => text,
            Handed::Piece(piece) => piece.json(),
        }
    }

    /// About how many bytes of text it is, without writing them.
    pub fn weight(&self) -> usize {
        match self {
            Handed::Text(text) => text.len(),
            Handed::Piece(piece) => piece.weight(),
        }
    }

    /// The same, shared where it can be.
    pub(crate) fn into_json(self) -> Arc<str> {
        match self {
            Handed::Text(text) => text,
            Handed::Piece(piece) => piece.json().into(),
        }
    }
}

impl<T: Into<Arc<str>>> From<T> for Handed {
    fn from(text: T) -> Self {
        Handed::Text(text.into())
    }
}

/// What stays the same from one value of a path to the next.
#[derive(Debug)]
pub struct Head {
    number: u64,
    context: Context,
    source_ref: Option<SourceRef>,
    path: Path,
    is_meta: bool,
}

impl Head {
    /// Never given twice.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Appends `,"context","$source","path",is_meta`.
    pub(crate) fn write(&self, out: &mut String) {
        let source = self.source_ref.as_deref().map_or(Json::Null, Json::from);
        for member in [Json::from(&*self.context), source, Json::from(&*self.path)] {
            out.push(',');
            out.push_str(&member.to_string());
        }
        out.push_str(if self.is_meta { ",true" } else { ",false" });
    }
}

/// One value or one piece of metadata.
#[derive(Debug)]
pub struct Piece {
    head: Arc<Head>,
    source: Option<Arc<Source>>,
    timestamp: Option<Timestamp>,
    content: Content,
    json: OnceLock<String>,
    row: OnceLock<String>,
}

#[derive(Debug)]
enum Content {
    Value(Value),
    Meta(Arc<Map<String, Json>>),
}

impl Piece {
    /// A delta with one update and one value, as compact JSON.
    pub fn json(&self) -> &str {
        self.json.get_or_init(|| {
            let item = Item {
                context: &self.head.context,
                source: self.source.as_ref(),
                source_ref: self.head.source_ref.as_ref(),
                timestamp: self.timestamp.as_ref(),
                path: &self.head.path,
                body: match &self.content {
                    Content::Value(value) => Body::Value(value),
                    Content::Meta(members) => Body::Meta(members),
                },
            };
            item.to_json()
        })
    }

    fn weight(&self) -> usize {
        match &self.content {
            Content::Value(value) => value.text_bytes(),
            Content::Meta(_) => self.row().len(),
        }
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    pub(crate) fn timestamp(&self) -> Option<&Timestamp> {
        self.timestamp.as_ref()
    }

    /// The value, or the members of the metadata, as compact JSON.
    pub(crate) fn row(&self) -> &str {
        self.row.get_or_init(|| {
            let mut out = Vec::with_capacity(24);
            match &self.content {
                Content::Value(value) => value.write_json(&mut out),
                Content::Meta(members) => json::write_map(&mut out, members),
            }
            String::from_utf8(out).unwrap_or_else(|_| "null".to_owned())
        })
    }
}

/// Beyond this many heads they are numbered anew: paths and sources come from outside.
const MOST_HEADS: usize = 50_000;

/// Makes pieces, and finds the head of each.
#[derive(Debug, Default)]
pub struct Heads {
    known: NameMap<Key, Arc<Head>>,
    next: u64,
}

type Key = (Context, Option<SourceRef>, Path, bool);

impl Heads {
    /// Prepares one value for whoever wants it.
    pub fn piece(&mut self, item: &Item<'_>) -> Handed {
        let (content, is_meta) = match item.body {
            Body::Value(value) => (Content::Value(value.clone()), false),
            Body::Meta(members) => (Content::Meta(Arc::clone(members)), true),
        };
        if self.known.len() >= MOST_HEADS {
            self.known.clear();
        }
        let key = (item.context.clone(), item.source_ref.cloned(), item.path.clone(), is_meta);
        let head = self.known.entry(key).or_insert_with_key(|(context, source_ref, path, _)| {
            self.next += 1;
            Arc::new(Head {
                number: self.next,
                context: context.clone(),
                source_ref: source_ref.clone(),
                path: path.clone(),
                is_meta,
            })
        });
        Handed::Piece(Arc::new(Piece {
            head: Arc::clone(head),
            source: item.source.cloned(),
            timestamp: item.timestamp.cloned(),
            content,
            json: OnceLock::new(),
            row: OnceLock::new(),
        }))
    }
}
