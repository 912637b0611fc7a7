//! A leaf: the values that several sources gave one path, and how the reference shows them
//! (server-api.md 2.2). Which of them may become the value of the leaf is decided by the caller.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::limits::{Room, SOURCES, Share};
use crate::delta::Update;
use crate::json;
use crate::meta::Meta;
use crate::names::{Path, SourceRef};
use crate::source::{Message, Source};
use crate::timestamp::Timestamp;
use crate::value::Value;

/// How far a value gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Placement {
    /// Into the tree and to every stream: the usual case.
    #[default]
    Tree,
    /// To the streams and their cache, not into the v1 tree: values of the v2 APIs.
    CacheOnly,
    /// A source of higher priority is alive: only for streams that ask for all sources.
    Outranked,
}

/// The last value from one source.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) source_ref: Option<SourceRef>,
    pub(crate) source: Option<Arc<Source>>,
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) value: Value,
    pub(crate) placement: Placement,
    /// Whether the tree has shown it: it stays under `values` then.
    shown: bool,
    /// What its value weighs in the budget.
    weight: usize,
    /// Who brought this source.
    provider: SourceRef,
    message: Option<Message>,
}

#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) path: Path,
    pub(crate) meta: Option<Arc<Meta>>,
    /// Metadata came after the value, and is written after it.
    late_meta: bool,
    pub(crate) readings: Vec<Reading>,
    /// The reading that is the value of the leaf; none while everything is outside the tree.
    latest: Option<usize>,
    /// Sticky: a later value that came over neither wire does not clear it.
    message: Option<Message>,
    /// The kind of message changed when `values` was there already, so it is written after it.
    late_message: bool,
}

impl Leaf {
    pub(crate) fn new(path: Path) -> Self {
        Self {
            path,
            meta: None,
            late_meta: false,
            readings: Vec::new(),
            latest: None,
            message: None,
            late_message: false,
        }
    }

    /// Whether the tree shows it.
    pub(crate) fn shown(&self) -> bool {
        self.latest.is_some()
    }

    pub(crate) fn latest(&self) -> Option<&Reading> {
        self.readings.get(self.latest?)
    }

    pub(crate) fn set_meta(&mut self, meta: Arc<Meta>) {
        self.late_meta |= self.meta.is_none() && self.shown();
        self.meta = Some(meta);
    }

    /// Lays members over the metadata. A leaf without any takes them as they are: the reference's
    /// registry would add a description, its tree does not.
    pub(crate) fn merge_meta(&mut self, members: &Map<String, Json>) {
        let merged = match &self.meta {
            Some(meta) => meta.merged(members),
            None => Meta::new(members.clone()),
        };
        self.set_meta(Arc::new(merged));
    }

    /// The place of a source's value, made when it is new; none when there is no room for a value of this weight.
    pub(super) fn seat(
        &mut self,
        source_ref: Option<&SourceRef>,
        weight: usize,
        room: &mut Room<'_>,
        share: &mut Share,
    ) -> Option<usize> {
        let known =
            self.readings.iter().position(|reading| match (&reading.source_ref, source_ref) {
                (Some(known), Some(name)) => known.same(name),
                (known, name) => known.as_ref() == name,
            });
        if let Some(at) = known {
            let reading = self.readings.get_mut(at)?;
            if reading.weight != weight {
                if !room.weigh(share, reading.weight, weight) {
                    return None;
                }
                reading.weight = weight;
            }
            return Some(at);
        }
        let of_this = self.readings.iter().filter(|it| it.provider.same(room.provider)).count();
        if !SOURCES.is_free(self.readings.len(), of_this) || !room.weigh(share, 0, weight) {
            return None;
        }
        if !room.take_place(share) {
            room.weigh(share, weight, 0);
            return None;
        }
        self.readings.push(Reading {
            source_ref: source_ref.cloned(),
            source: None,
            timestamp: None,
            value: Value::Null,
            placement: Placement::Tree,
            shown: false,
            weight,
            provider: room.provider.clone(),
            message: None,
        });
        Some(self.readings.len() - 1)
    }

    /// Gives back the room of all its values.
    pub(super) fn leave(&mut self, room: &mut Room<'_>, share: &mut Share) {
        for reading in std::mem::take(&mut self.readings) {
            room.weigh(share, reading.weight, 0);
            room.give_place(share);
        }
    }

    /// Takes a value from the source of `update`, which is at this place.
    pub(crate) fn set(&mut self, at: usize, update: &Update, value: &Value, placement: Placement) {
        let Some(reading) = self.readings.get_mut(at) else { return };
        reading.value.clone_from(value);
        reading.timestamp.clone_from(&update.timestamp);
        if !same_source(&reading.source, &update.source) {
            reading.source.clone_from(&update.source);
        }
        reading.placement = placement;
        let message = update.source.as_deref().and_then(Source::message);
        if message.is_some() && reading.message.as_ref() != message {
            reading.message = message.cloned();
        }
        if placement != Placement::Tree {
            return;
        }
        reading.shown = true;
        self.latest = Some(at);
        if let Some(message) = message
            && self.message.as_ref() != Some(message)
        {
            let same_kind = matches!(
                (&self.message, message),
                (Some(Message::Pgn(_)), Message::Pgn(_))
                    | (Some(Message::Sentence(_)), Message::Sentence(_))
            );
            self.late_message |= !same_kind && self.several();
            self.message = Some(message.clone());
        }
    }

    fn in_values(&self) -> impl Iterator<Item = (usize, &Reading)> {
        self.readings.iter().enumerate().filter(|(_, reading)| reading.shown)
    }

    /// Whether `values` is shown: from the second source on.
    fn several(&self) -> bool {
        self.in_values().nth(1).is_some()
    }

    /// Writes the members of the leaf without the braces.
    pub(crate) fn write_members(&self, out: &mut Vec<u8>) {
        let Some(reading) = self.latest() else { return };
        if !self.late_meta {
            self.write_meta(out, b"\"meta\":");
            if self.meta.is_some() {
                out.push(b',');
            }
        }
        out.extend_from_slice(b"\"value\":");
        reading.value.write_json(out);
        out.extend_from_slice(b",\"$source\":");
        write_source_ref(out, reading.source_ref.as_ref());
        if let Some(timestamp) = &reading.timestamp {
            out.extend_from_slice(b",\"timestamp\":");
            json::write_str(out, timestamp.as_str());
        }
        if !self.late_message {
            write_message(out, self.message.as_ref());
        }
        if self.several() {
            out.extend_from_slice(b",\"values\":");
            self.write_values(out);
        }
        if self.late_message {
            write_message(out, self.message.as_ref());
        }
        if self.late_meta {
            self.write_meta(out, b",\"meta\":");
        }
    }

    fn write_meta(&self, out: &mut Vec<u8>, key: &[u8]) {
        if let Some(meta) = &self.meta {
            out.extend_from_slice(key);
            out.extend_from_slice(meta.shown_json().as_bytes());
        }
    }

    /// Writes the object `values`.
    pub(crate) fn write_values(&self, out: &mut Vec<u8>) {
        let mut order: Vec<_> = self.in_values().collect();
        let index = |reading: &Reading| reading.source_ref.as_deref().and_then(json::array_index);
        if order.iter().any(|(_, reading)| index(reading).is_some()) {
            order.sort_by_key(|(at, reading)| (index(reading).map_or(u64::MAX, u64::from), *at));
        }
        out.push(b'{');
        for (place, (at, reading)) in order.into_iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            write_source_ref(out, reading.source_ref.as_ref());
            out.push(b':');
            self.write_reading(out, at, reading);
        }
        out.push(b'}');
    }

    fn write_reading(&self, out: &mut Vec<u8>, at: usize, reading: &Reading) {
        // The first reading was moved here from the leaf itself, which names its message before
        // the time; the later ones name it after.
        let moved = self.in_values().next().is_some_and(|(first, _)| first == at);
        out.extend_from_slice(b"{\"value\":");
        reading.value.write_json(out);
        if moved {
            write_message(out, reading.message.as_ref());
        }
        if let Some(timestamp) = &reading.timestamp {
            out.extend_from_slice(b",\"timestamp\":");
            json::write_str(out, timestamp.as_str());
        }
        if !moved {
            write_message(out, reading.message.as_ref());
        }
        out.push(b'}');
    }

    /// One member of the leaf as JSON text, for reads that go deeper than the leaf.
    pub(crate) fn member(&self, key: &str) -> Option<Vec<u8>> {
        let reading = self.latest()?;
        let mut out = Vec::new();
        match (key, &self.message) {
            ("value", _) => reading.value.write_json(&mut out),
            ("$source", _) => write_source_ref(&mut out, reading.source_ref.as_ref()),
            ("timestamp", _) => json::write_str(&mut out, reading.timestamp.as_ref()?.as_str()),
            ("meta", _) => out.extend_from_slice(self.meta.as_ref()?.shown_json().as_bytes()),
            ("values", _) if self.several() => self.write_values(&mut out),
            ("pgn", Some(Message::Pgn(pgn))) => json::write_f64(&mut out, f64::from(*pgn)),
            ("sentence", Some(Message::Sentence(text))) => json::write_str(&mut out, text),
            _ => return None,
        }
        Some(out)
    }
}

fn same_source(a: &Option<Arc<Source>>, b: &Option<Arc<Source>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn write_source_ref(out: &mut Vec<u8>, source_ref: Option<&SourceRef>) {
    json::write_str(out, source_ref.map_or("no_source", |name| name));
}

fn write_message(out: &mut Vec<u8>, message: Option<&Message>) {
    match message {
        None => {}
        Some(Message::Pgn(pgn)) => {
            out.extend_from_slice(b",\"pgn\":");
            json::write_f64(out, f64::from(*pgn));
        }
        Some(Message::Sentence(text)) => {
            out.extend_from_slice(b",\"sentence\":");
            json::write_str(out, text);
        }
    }
}
