//! What is handed to a plugin: a delta as text, or one value of a subscription, prepared once and shared by all plugins
//! that get it.
//!
//! A [`Piece`] knows its value in both forms that JSON-RPC plugins take (`wit/signalk-plugin.wit`, delta-handler): as a
//! delta in JSON, and as a row whose context, source and path are named by a number, its [`Head`]. Each form is written
//! when the first plugin needs it. Which plugin was told which head is `session/rows.rs`. A [`Whole`] is a delta with
//! the head of each of its values, for plugins that take values in binary (`session/values`).

mod whole;

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value as Json};
use signalk_model::hash::NameMap;
use signalk_model::{Body, Context, Item, Path, Source, SourceRef, Timestamp, Value, json};

pub(crate) use self::whole::Entry;
pub use self::whole::Whole;

/// One delta on its way to a plugin.
#[derive(Debug, Clone)]
pub enum Handed {
    /// Compact JSON.
    Text(Arc<str>),
    /// One value of a subscription.
    Piece(Arc<Piece>),
    /// All values of a delta.
    Whole(Arc<Whole>),
}

impl Handed {
    /// The delta as compact JSON.
    pub fn json(&self) -> &str {
        match self {
            Handed::Text(text) => text,
            Handed::Piece(piece) => piece.json(),
            Handed::Whole(whole) => whole.json(),
        }
    }

    /// Whether both are values of the same context, source and path.
    pub(crate) fn has_head_of(&self, other: &Handed) -> bool {
        match (self, other) {
            (Handed::Piece(one), Handed::Piece(other)) => one.head.number == other.head.number,
            _ => false,
        }
    }

    /// About how many bytes of text it is, without writing them.
    pub fn weight(&self) -> usize {
        match self {
            Handed::Text(text) => text.len(),
            Handed::Piece(piece) => piece.weight(),
            Handed::Whole(whole) => whole.weight(),
        }
    }

    /// The same, shared where it can be.
    pub(crate) fn into_json(self) -> Arc<str> {
        match self {
            Handed::Text(text) => text,
            Handed::Piece(piece) => piece.json().into(),
            Handed::Whole(whole) => whole.json().into(),
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
    is_own: bool,
}

impl Head {
    /// Never given twice.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Whose, from which source, of which path.
    pub(crate) fn names(&self) -> (&Context, Option<&SourceRef>, &Path) {
        (&self.context, self.source_ref.as_ref(), &self.path)
    }

    /// It is the metadata of the path.
    pub(crate) fn is_meta(&self) -> bool {
        self.is_meta
    }

    /// It is about the own vessel.
    pub(crate) fn is_own(&self) -> bool {
        self.is_own
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

    /// The same, for plugins that take values in binary.
    pub(crate) fn entry(&self) -> Entry<'_> {
        let body = match &self.content {
            Content::Value(value) => Body::Value(value),
            Content::Meta(members) => Body::Meta(members),
        };
        Entry { head: &self.head, time: whole::unix_ms(self.timestamp()), body }
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
    own: Option<Context>,
}

type Key = (Context, Option<SourceRef>, Path, bool);

impl Heads {
    /// Of a server whose own vessel this is.
    pub fn of(own: Context) -> Heads {
        Heads { own: Some(own), ..Heads::default() }
    }

    /// For one guest, whose heads are never mistaken for those of the server.
    pub(crate) fn apart(own: Context) -> Heads {
        Heads { next: 1 << 63, ..Heads::of(own) }
    }

    /// Prepares one value for whoever wants it.
    pub fn piece(&mut self, item: &Item<'_>) -> Handed {
        let content = match item.body {
            Body::Value(value) => Content::Value(value.clone()),
            Body::Meta(members) => Content::Meta(Arc::clone(members)),
        };
        Handed::Piece(Arc::new(Piece {
            head: self.head(item),
            source: item.source.cloned(),
            timestamp: item.timestamp.cloned(),
            content,
            json: OnceLock::new(),
            row: OnceLock::new(),
        }))
    }

    fn head(&mut self, item: &Item<'_>) -> Arc<Head> {
        if self.known.len() >= MOST_HEADS {
            self.known.clear();
        }
        let is_meta = matches!(item.body, Body::Meta(_));
        let key = (item.context.clone(), item.source_ref.cloned(), item.path.clone(), is_meta);
        let head = self.known.entry(key).or_insert_with_key(|(context, source_ref, path, _)| {
            self.next += 1;
            Arc::new(Head {
                number: self.next,
                context: context.clone(),
                source_ref: source_ref.clone(),
                path: path.clone(),
                is_meta,
                is_own: self.own.as_ref() == Some(context),
            })
        });
        Arc::clone(head)
    }
}
