//! The `sources` tree: which sources were heard, and when each sentence or PGN came last
//! (server-api.md 2.4). Cheap per update: a known source costs one lookup and one time.

use std::sync::Arc;

use crate::hash::{NameMap, NameSet};

use super::limits::NODES;
use super::tree::JsMap;
use crate::json;
use crate::names::{SourceRef, segment_allowed};
use crate::source::{Message, Source};
use crate::timestamp::Timestamp;

#[derive(Debug, Default)]
pub(super) struct Sources {
    root: JsMap<Node>,
    /// Where the time of a known source object goes; none for sources whose time the tree does not show.
    known: NameMap<Arc<Source>, Option<usize>>,
    bare: NameSet<SourceRef>,
    /// What found no room, by who brought it: nodes are never given back, so it never will. Where its time goes all the
    /// same.
    refused: NameMap<(SourceRef, Arc<Source>), Option<usize>>,
    refused_bare: NameSet<(SourceRef, SourceRef)>,
    /// One for each [`Node::Time`] of the tree.
    times: Vec<Option<Timestamp>>,
    nodes: Nodes,
}

/// How many nodes the tree has, and who brought them.
#[derive(Debug, Default)]
struct Nodes {
    all: usize,
    of_one: NameMap<SourceRef, usize>,
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
/// A longer source object is not shown.
const MAX_SOURCE_BYTES: usize = 4096;

impl Sources {
    pub(super) fn heard(
        &mut self,
        provider: &SourceRef,
        source: Option<&Arc<Source>>,
        source_ref: Option<&SourceRef>,
        timestamp: Option<&Timestamp>,
    ) {
        if let Some(source) = source {
            let at = match self.known.get(source) {
                Some(at) => *at,
                None => self.meet(provider, source),
            };
            if let Some(time) = at.and_then(|at| self.times.get_mut(at)) {
                *time = timestamp.cloned();
            }
        } else if let Some(source_ref) = source_ref
            && !self.bare.contains(source_ref)
        {
            self.meet_bare(provider, source_ref);
        }
    }

    /// Adds what the source says about itself; returns where its time goes.
    fn meet(&mut self, provider: &SourceRef, source: &Arc<Source>) -> Option<usize> {
        if source.json().len() > MAX_SOURCE_BYTES {
            return None;
        }
        let key = (provider.clone(), Arc::clone(source));
        if let Some(at) = self.refused.get(&key) {
            return *at;
        }
        let (nodes, times) = (&mut self.nodes, &mut self.times);
        let mut grown = Grown { nodes, times, provider, refused: false };
        let at = grow(&mut self.root, source, &mut grown);
        // Another provider may have room for it.
        if grown.refused {
            if self.refused.len() >= MAX_KNOWN {
                self.refused.clear();
            }
            self.refused.insert(key, at);
        } else {
            if self.known.len() >= MAX_KNOWN {
                self.known.clear();
                // Of what another provider found room for, who was refused may give the time.
                self.refused.clear();
            }
            self.known.insert(Arc::clone(source), at);
        }
        at
    }

    /// `a.b.c` becomes nested objects; a suffix with other characters than those of a name stays
    /// one key.
    fn meet_bare(&mut self, provider: &SourceRef, source_ref: &SourceRef) {
        let key = (provider.clone(), source_ref.clone());
        if self.refused_bare.contains(&key) {
            return;
        }
        if self.bare.len() >= MAX_KNOWN {
            self.bare.clear();
        }
        let (label, suffix) = match source_ref.split_once('.') {
            Some((label, suffix)) => (label, Some(suffix)),
            None => (&**source_ref, None),
        };
        if !source_ref.split('.').all(segment_allowed) {
            self.bare.insert(source_ref.clone());
            return;
        }
        let (nodes, times) = (&mut self.nodes, &mut self.times);
        let mut grown = Grown { nodes, times, provider, refused: false };
        let nested = suffix.and_then(|suffix| suffix.split('.').next()).is_none_or(is_plain);
        let rest: Vec<&str> = match suffix {
            None => Vec::new(),
            Some(suffix) if nested => suffix.split('.').collect(),
            Some(suffix) => vec![suffix],
        };
        let mut here = &mut self.root;
        for part in std::iter::once(label).chain(rest) {
            let Some(below) = grown.object(here, part, JsMap::default) else { break };
            here = below;
        }
        if grown.refused {
            if self.refused_bare.len() >= MAX_KNOWN {
                self.refused_bare.clear();
            }
            self.refused_bare.insert(key);
        } else {
            self.bare.insert(source_ref.clone());
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

/// The tree while it grows: each new node is counted, and refused when there are too many.
struct Grown<'a> {
    nodes: &'a mut Nodes,
    times: &'a mut Vec<Option<Timestamp>>,
    provider: &'a SourceRef,
    /// One found no place.
    refused: bool,
}

impl Grown<'_> {
    fn has_room(&mut self, members: &JsMap<Node>, key: &str) -> bool {
        if members.contains_key(key) {
            return true;
        }
        let of_this = self.nodes.of_one.get(self.provider).copied().unwrap_or_default();
        if !NODES.is_free(self.nodes.all, of_this) {
            self.refused = true;
            return false;
        }
        self.nodes.all += 1;
        self.nodes.of_one.insert(self.provider.clone(), of_this + 1);
        true
    }

    /// The members of an object, made when it is missing.
    fn object<'n>(
        &mut self,
        members: &'n mut JsMap<Node>,
        key: &str,
        make: impl FnOnce() -> JsMap<Node>,
    ) -> Option<&'n mut JsMap<Node>> {
        if !self.has_room(members, key) {
            return None;
        }
        members.get_or_insert_with(key, || Node::Object(make())).object()
    }

    fn json(&mut self, members: &mut JsMap<Node>, key: &str, value: &serde_json::Value) {
        if self.has_room(members, key) {
            members.insert(key, Node::Json(value.clone()));
        }
    }

    /// Where the time of this member goes: as many places as there are such members, however many source objects name
    /// one.
    fn time(&mut self, members: &mut JsMap<Node>, key: &str) -> Option<usize> {
        if let Some(Node::Time(at)) = members.get(key) {
            return Some(*at);
        }
        if !self.has_room(members, key) {
            return None;
        }
        let at = self.times.len();
        self.times.push(None);
        members.insert(key, Node::Time(at));
        Some(at)
    }
}

/// Adds what the source says about itself; returns where its time goes.
fn grow(root: &mut JsMap<Node>, source: &Source, grown: &mut Grown<'_>) -> Option<usize> {
    let label = source.label().filter(|label| segment_allowed(label))?;
    let entry = grown.object(root, label, || {
        let mut members = JsMap::default();
        members.insert("label", Node::Json(label.into()));
        if let Some(kind) = source.kind() {
            members.insert("type", Node::Json(kind.into()));
        }
        members
    })?;
    let src = source.src().filter(|src| segment_allowed(src));
    if let Some(src) = src {
        meet_nmea2000(entry, source, &src, grown)
    } else if source.kind() == Some("NMEA0183")
        || matches!(source.message(), Some(Message::Sentence(_)))
    {
        meet_nmea0183(entry, source, grown)
    } else {
        grown.time(entry, "timestamp")
    }
}

fn meet_nmea2000(
    entry: &mut JsMap<Node>,
    source: &Source,
    src: &str,
    grown: &mut Grown<'_>,
) -> Option<usize> {
    let device = grown.object(entry, src, || {
        let mut n2k = JsMap::default();
        n2k.insert("pgns", Node::empty());
        let mut device = JsMap::default();
        device.insert("n2k", Node::Object(n2k));
        device
    })?;
    let n2k = device.get_mut("n2k")?.object()?;
    let own = ["pgn", "label", "instance", "type", "pgns"];
    for (key, value) in source.members() {
        if !own.contains(&&**key) && segment_allowed(key) {
            grown.json(n2k, key, value);
        }
    }
    let Some(Message::Pgn(pgn)) = source.message() else { return None };
    grown.time(n2k.get_mut("pgns")?.object()?, &pgn.to_string())
}

fn meet_nmea0183(entry: &mut JsMap<Node>, source: &Source, grown: &mut Grown<'_>) -> Option<usize> {
    let talker = source.talker().filter(|talker| segment_allowed(talker)).unwrap_or("II");
    let talker = grown.object(entry, talker, || {
        let mut members = JsMap::default();
        members.insert("talker", Node::Json(talker.into()));
        members.insert("sentences", Node::empty());
        members
    })?;
    let sentences = talker.get_mut("sentences")?.object()?;
    match source.message() {
        Some(Message::Sentence(sentence)) if segment_allowed(sentence) => {
            grown.time(sentences, sentence)
        }
        _ => None,
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(sources: &mut Sources, text: &str, time: &str) {
        hear_from("one", sources, text, time);
    }

    fn hear_from(provider: &str, sources: &mut Sources, text: &str, time: &str) {
        let source = Arc::new(Source::parse(text.as_bytes()).unwrap().unwrap());
        let provider = SourceRef::from(provider);
        sources.heard(&provider, Some(&source), None, Some(&Timestamp::from(time)));
    }

    fn json(sources: &Sources) -> String {
        let mut text = Vec::new();
        sources.write_json(&mut text);
        String::from_utf8(text).unwrap()
    }

    /// A gateway that counts in its source object has a new one with each update.
    #[test]
    fn source_objects_that_differ_in_a_counter_share_one_time() {
        let mut sources = Sources::default();
        for at in 0..2 * MAX_KNOWN {
            let text = format!(r#"{{"label":"g","type":"x","seq":{at}}}"#);
            hear(&mut sources, &text, &format!("t{at}"));
        }
        assert_eq!((sources.times.len(), sources.nodes.all), (1, 2));
        let last = 2 * MAX_KNOWN - 1;
        assert_eq!(
            json(&sources),
            format!(r#"{{"g":{{"label":"g","type":"x","timestamp":"t{last}"}}}}"#)
        );
    }

    #[test]
    fn a_flood_of_labels_does_not_grow_the_tree_for_ever() {
        let mut sources = Sources::default();
        const MANY: usize = 20_000;
        for at in 0..MANY {
            hear(
                &mut sources,
                &format!(r#"{{"label":"g{at}","type":"NMEA0183","talker":"GP","sentence":"RMC"}}"#),
                "t",
            );
            let bare = SourceRef::from(format!("b{at}.c"));
            sources.heard(&SourceRef::from("one"), None, Some(&bare), None);
        }
        assert!(sources.times.len() < MANY && sources.root.iter().count() < MANY);
        // What is known still gets its time.
        hear(
            &mut sources,
            r#"{"label":"g0","type":"NMEA0183","talker":"GP","sentence":"RMC"}"#,
            "later",
        );
        assert!(json(&sources).contains(r#""RMC":"later""#));
        let long = format!(r#"{{"label":"g0","src":"1","x":"{}"}}"#, "x".repeat(MAX_SOURCE_BYTES));
        let before = json(&sources).len();
        hear(&mut sources, &long, "t");
        assert_eq!(json(&sources).len(), before);
    }

    #[test]
    fn whatever_labels_others_make_up_a_provider_has_its_places_in_the_tree() {
        let gps = r#"{"label":"gps","type":"NMEA0183","talker":"GP","sentence":"RMC"}"#;
        let mut sources = Sources::default();
        for bad in ["bad", "worse", "worst"] {
            for at in 0..20_000 {
                hear_from(bad, &mut sources, &format!(r#"{{"label":"{bad}{at}"}}"#), "t");
            }
            // It names the boat's own source, too, when there is no room for it any more.
            hear_from(bad, &mut sources, gps, "t");
        }
        assert!(sources.nodes.all < 21_500, "{}", sources.nodes.all);
        assert!(!json(&sources).contains(r#""gps""#));
        // Who was refused is not walked again for each of its deltas, and takes nothing from others.
        let key = Arc::new(Source::parse(gps.as_bytes()).unwrap().unwrap());
        assert!(sources.refused.contains_key(&(SourceRef::from("worst"), key)));
        assert!(sources.refused.len() <= MAX_KNOWN && sources.known.len() <= MAX_KNOWN);
        hear_from("gps", &mut sources, gps, "now");
        sources.heard(&SourceRef::from("log"), None, Some(&SourceRef::from("log.XX")), None);
        let json = json(&sources);
        assert!(json.contains(r#""RMC":"now""#) && json.contains(r#""log":{"XX":{}}"#));
    }
}
