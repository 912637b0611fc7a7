//! The `sources` tree: which sources were heard, and when each sentence or PGN came last
//! (server-api.md 2.4). Cheap per update: a known source costs one lookup and one time.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::tree::JsMap;
use crate::json;
use crate::names::{SourceRef, segment_allowed};
use crate::source::{Message, Source};
use crate::timestamp::Timestamp;

#[derive(Debug, Default)]
pub(super) struct Sources {
    root: JsMap<Node>,
    /// Where the time of a known source object goes; none for sources without one.
    known: FxHashMap<Arc<Source>, usize>,
    bare: rustc_hash::FxHashSet<SourceRef>,
    times: Vec<Option<Timestamp>>,
}

#[derive(Debug)]
enum Node {
    Object(JsMap<Node>),
    Json(serde_json::Value),
    /// Index in `times`.
    Time(usize),
}

impl Node {
    fn object(&mut self) -> Option<&mut JsMap<Node>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    fn empty() -> Self {
        Self::Object(JsMap::default())
    }
}

/// Source objects come from outside: beyond this number the lookup starts anew, the tree stays.
const MAX_KNOWN: usize = 4096;

impl Sources {
    pub(super) fn heard(
        &mut self,
        source: Option<&Arc<Source>>,
        source_ref: Option<&SourceRef>,
        timestamp: Option<&Timestamp>,
    ) {
        if let Some(source) = source {
            let at = match self.known.get(source) {
                Some(at) => *at,
                None => self.meet(source),
            };
            if let Some(time) = self.times.get_mut(at) {
                *time = timestamp.cloned();
            }
        } else if let Some(source_ref) = source_ref
            && !self.bare.contains(source_ref)
        {
            self.meet_bare(source_ref);
        }
    }

    /// Adds what the source says about itself; returns where its time goes.
    fn meet(&mut self, source: &Arc<Source>) -> usize {
        let at = self.times.len();
        self.times.push(None);
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        self.known.insert(Arc::clone(source), at);
        let Some(label) = source.label().filter(|label| segment_allowed(label)) else { return at };
        let entry = self.root.get_or_insert_with(label, || {
            let mut members = JsMap::default();
            members.insert("label", Node::Json(label.into()));
            if let Some(kind) = source.kind() {
                members.insert("type", Node::Json(kind.into()));
            }
            Node::Object(members)
        });
        let Some(entry) = entry.object() else { return at };
        let src = source.src().filter(|src| segment_allowed(src));
        if let Some(src) = src {
            meet_nmea2000(entry, source, &src, at);
        } else if source.kind() == Some("NMEA0183")
            || matches!(source.message(), Some(Message::Sentence(_)))
        {
            meet_nmea0183(entry, source, at);
        } else {
            entry.insert("timestamp", Node::Time(at));
        }
        at
    }

    /// `a.b.c` becomes nested objects; a suffix with other characters than those of a name stays
    /// one key.
    fn meet_bare(&mut self, source_ref: &SourceRef) {
        if self.bare.len() >= MAX_KNOWN {
            self.bare.clear();
        }
        self.bare.insert(source_ref.clone());
        let (label, suffix) = match source_ref.split_once('.') {
            Some((label, suffix)) => (label, Some(suffix)),
            None => (&**source_ref, None),
        };
        if !source_ref.split('.').all(segment_allowed) {
            return;
        }
        let mut here = self.root.get_or_insert_with(label, Node::empty);
        let nested = suffix.and_then(|suffix| suffix.split('.').next()).is_none_or(is_plain);
        let rest: Vec<&str> = match suffix {
            None => Vec::new(),
            Some(suffix) if nested => suffix.split('.').collect(),
            Some(suffix) => vec![suffix],
        };
        for part in rest {
            let Some(members) = here.object() else { return };
            here = members.get_or_insert_with(part, Node::empty);
        }
    }

    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        self.write_members(&self.root, out);
    }

    fn write_members(&self, members: &JsMap<Node>, out: &mut Vec<u8>) {
        out.push(b'{');
        let mut first = true;
        for (key, node) in members.iter() {
            if let Node::Time(at) = node
                && self.time(*at).is_none()
            {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            json::write_key(out, key);
            self.write_node(node, out);
        }
        out.push(b'}');
    }

    fn write_node(&self, node: &Node, out: &mut Vec<u8>) {
        match node {
            Node::Object(members) => self.write_members(members, out),
            Node::Json(value) => json::write_value(out, value),
            Node::Time(at) => {
                json::write_str(out, self.time(*at).map_or("", Timestamp::as_str));
            }
        }
    }

    fn time(&self, at: usize) -> Option<&Timestamp> {
        self.times.get(at)?.as_ref()
    }
}

fn meet_nmea2000(entry: &mut JsMap<Node>, source: &Source, src: &str, at: usize) {
    let device = entry.get_or_insert_with(src, || {
        let mut n2k = JsMap::default();
        n2k.insert("pgns", Node::empty());
        let mut device = JsMap::default();
        device.insert("n2k", Node::Object(n2k));
        Node::Object(device)
    });
    let Some(n2k) = device.object().and_then(|device| device.get_mut("n2k")?.object()) else {
        return;
    };
    let own = ["pgn", "label", "instance", "type", "pgns"];
    for (key, value) in source.members() {
        if !own.contains(&&**key) && segment_allowed(key) {
            n2k.insert(key, Node::Json(value.clone()));
        }
    }
    if let (Some(Message::Pgn(pgn)), Some(pgns)) =
        (source.message(), n2k.get_mut("pgns").and_then(Node::object))
    {
        pgns.insert(&pgn.to_string(), Node::Time(at));
    }
}

fn meet_nmea0183(entry: &mut JsMap<Node>, source: &Source, at: usize) {
    let talker = source.talker().filter(|talker| segment_allowed(talker)).unwrap_or("II");
    let talker = entry.get_or_insert_with(talker, || {
        let mut members = JsMap::default();
        members.insert("talker", Node::Json(talker.into()));
        members.insert("sentences", Node::empty());
        Node::Object(members)
    });
    let sentences = talker.object().and_then(|talker| talker.get_mut("sentences")?.object());
    if let (Some(sentences), Some(Message::Sentence(sentence))) = (sentences, source.message())
        && segment_allowed(sentence)
    {
        sentences.insert(sentence, Node::Time(at));
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}
