//! Values in binary, for a plugin by exports that has `values_handler`: what a name is was said once, a number stands
//! for it, and one call takes all that came on a beat.
//!
//! The form of a block is in `values/block.rs`; here is what goes into one, and which guest was told what. It is this
//! host's own, for plugins in any language; JSON-RPC plugins get the like in JSON (`rows.rs`).

mod block;

use rustc_hash::FxHashMap;
use serde_json::{Map, Value as Json};
use signalk_model::{Body, Context, Delta, Pattern, Value, json};

use self::block::{Block, Cell, Names};
use super::{Common, Delivery};
use crate::abi::work::Batch;
use crate::handover::{Entry, Head};
use crate::{Handed, Heads, SubscriptionId};

/// Rows and bytes after which a block is full; one entry may go beyond.
const MOST_ROWS: usize = 256;
const MOST_BYTES: usize = 12 << 10;

/// Numbers that one guest keeps: an author may have a table of this size.
const MOST_HEADS: u32 = 8192;

/// Names that one guest does not want and that are remembered.
const MOST_UNWANTED: usize = 1 << 16;

/// Members of an object that become rows; one with more is JSON.
const MOST_MEMBERS: usize = 32;

/// What one guest was told.
#[derive(Debug)]
pub(super) struct Values {
    /// By our number of the head and the subscription, 0 when there is none.
    told: FxHashMap<(u64, u32), Told>,
    /// Numbers that were given.
    given: u32,
    unwanted: usize,
    /// The next block says that what was told before is over.
    forget: bool,
    /// `wasmSubscribe`: the paths that it wants; `None`: all.
    patterns: Option<Vec<Pattern>>,
    /// A delta of which the first entries went out.
    rest: Option<(Delivery, usize)>,
    /// For deltas that were prepared as text, for the module that was there before.
    heads: Heads,
    /// `deltas_in_dropped` when the guest was told last.
    dropped: u64,
}

/// What a guest knows of a head.
#[derive(Debug)]
enum Told {
    /// Nothing: it does not want it.
    Unwanted,
    /// Its number, and those of members of its value.
    Number(u32, Vec<(Box<str>, u32)>),
}

impl Values {
    pub(super) fn new(patterns: Option<&[String]>, own: Context) -> Values {
        let of = |patterns: &[String]| patterns.iter().map(|text| Pattern::new(text)).collect();
        Values {
            told: FxHashMap::default(),
            given: 0,
            unwanted: 0,
            forget: true,
            patterns: patterns.map(of),
            rest: None,
            heads: Heads::apart(own),
            dropped: 0,
        }
    }

    /// Whether there is something to hand over, beat or not.
    pub(super) fn has_begun(&self) -> bool {
        self.rest.is_some()
    }

    /// The next block of at most so many deltas; `None`: nothing waits.
    pub(super) fn next(&mut self, common: &mut Common, most: usize) -> Option<Batch> {
        let (mut block, mut deltas) = (Block::new(), Vec::new());
        while deltas.len() < most && !is_full(&block) {
            let Some((delivery, from)) = self.take(common) else { break };
            match self.write(&delivery, from, &mut block) {
                Some(0) => {
                    common.waiting.push_front(delivery);
                    break;
                }
                Some(next) => {
                    if from == 0 {
                        deltas.push(delivery.clone());
                    }
                    self.rest = Some((delivery, next));
                    break;
                }
                None if from == 0 => deltas.push(delivery),
                None => {}
            }
        }
        if block.rows() == 0 {
            return None;
        }
        let dropped = common.account.counters.deltas_in_dropped;
        let lost = dropped.saturating_sub(std::mem::replace(&mut self.dropped, dropped));
        let forget = std::mem::take(&mut self.forget);
        let bytes = block.finish(forget, u32::try_from(lost).unwrap_or(u32::MAX));
        Some(Batch { bytes, deltas })
    }

    /// The oldest that waits, and where to go on in it. What can be no delta is passed over.
    fn take(&mut self, common: &mut Common) -> Option<(Delivery, usize)> {
        if let Some(rest) = self.rest.take() {
            return Some(rest);
        }
        loop {
            let mut delivery = common.waiting.pop_front()?;
            if let Handed::Text(text) = &delivery.delta {
                let Ok(parsed) = Delta::parse(text.as_bytes()) else { continue };
                delivery.delta = self.heads.whole(&parsed.delta);
            }
            return Some((delivery, 0));
        }
    }

    /// Writes the entries from `from` on; the first one that has no room.
    fn write(&mut self, delivery: &Delivery, from: usize, block: &mut Block) -> Option<usize> {
        let of = delivery.subscription;
        match &delivery.delta {
            Handed::Whole(whole) => (from..)
                .zip(whole.entries().skip(from))
                .find_map(|(at, entry)| (!self.entry(of, entry, block)).then_some(at)),
            Handed::Piece(piece) => (!self.entry(of, piece.entry(), block)).then_some(0),
            Handed::Text(_) => None,
        }
    }

    /// Writes one entry if it is wanted; false: there is no room for it.
    fn entry(&mut self, of: Option<SubscriptionId>, entry: Entry<'_>, block: &mut Block) -> bool {
        if is_full(block) {
            return false;
        }
        let room = u32::try_from(MOST_MEMBERS).unwrap_or(u32::MAX) + 1;
        if self.given + room > MOST_HEADS || self.unwanted > MOST_UNWANTED {
            if block.rows() > 0 {
                return false;
            }
            (self.given, self.unwanted, self.forget) = (0, 0, true);
            self.told.clear();
        }
        let subscription = of.map_or(0, |id| u32::try_from(id.0).unwrap_or(u32::MAX));
        let Entry { head, time, body } = entry;
        let known = self.told.entry((head.number(), subscription)).or_insert_with(|| {
            let wants = subscription != 0
                || self.patterns.as_ref().is_none_or(|patterns| {
                    let (_, _, path) = head.names();
                    patterns.iter().any(|pattern| pattern.matches(path))
                });
            if !wants {
                self.unwanted += 1;
                return Told::Unwanted;
            }
            Told::Number(tell(&mut self.given, head, subscription, None, block), Vec::new())
        });
        let Told::Number(number, members) = known else { return true };
        let mut teller = Teller { given: &mut self.given, head, subscription, time, block };
        match body {
            Body::Value(value) => teller.value(*number, members, value),
            Body::Meta(map) => teller.object(*number, members, map),
        }
        true
    }
}

fn is_full(block: &Block) -> bool {
    block.rows() >= MOST_ROWS || block.len() >= MOST_BYTES
}

/// Gives a number, and says what it stands for.
fn tell(
    given: &mut u32,
    head: &Head,
    subscription: u32,
    member: Option<&str>,
    block: &mut Block,
) -> u32 {
    let number = *given;
    *given += 1;
    let (context, source, path) = head.names();
    block.head(&Names {
        number,
        subscription,
        context,
        source: source.map_or("", |source| source),
        path,
        member,
        is_meta: head.is_meta(),
        is_own: head.is_own(),
    });
    number
}

/// Writes the rows of one entry.
struct Teller<'a> {
    given: &'a mut u32,
    head: &'a Head,
    subscription: u32,
    time: f64,
    block: &'a mut Block,
}

impl Teller<'_> {
    fn value(&mut self, number: u32, members: &mut Vec<(Box<str>, u32)>, value: &Value) {
        let cell = match value {
            Value::Null => Cell::Null,
            Value::Bool(value) => Cell::Bool(*value),
            Value::Number(value) if value.is_finite() => Cell::Number(*value),
            Value::Number(_) => Cell::Null,
            Value::String(text) => Cell::Text(text),
            Value::Json(_) | Value::Raw(_) => match value.as_object() {
                Some(map) => return self.object(number, members, map),
                None => Cell::Json(self.block.text(|out| value.write_json(out))),
            },
        };
        self.block.row(number, self.time, cell);
    }

    /// The members of an object, if they are not too many.
    fn object(&mut self, number: u32, members: &mut Vec<(Box<str>, u32)>, map: &Map<String, Json>) {
        if !fits(members, map) {
            let cell = Cell::Json(self.block.text(|out| json::write_map(out, map)));
            return self.block.row(number, self.time, cell);
        }
        let len = u32::try_from(map.len()).unwrap_or(u32::MAX);
        self.block.row(number, self.time, Cell::Members(len));
        for (at, (key, value)) in map.iter().enumerate() {
            let number = self.member(at, key, members);
            let cell = match value {
                Json::Null => Cell::Null,
                Json::Bool(value) => Cell::Bool(*value),
                Json::Number(value) => value.as_f64().map_or(Cell::Null, Cell::Number),
                Json::String(text) => Cell::Text(text),
                Json::Array(_) | Json::Object(_) => {
                    Cell::Json(self.block.text(|out| json::write_value(out, value)))
                }
            };
            self.block.row(number, self.time, cell);
        }
    }

    /// The number of a member, which mostly stands where it stood last time.
    fn member(&mut self, at: usize, key: &str, members: &mut Vec<(Box<str>, u32)>) -> u32 {
        let at_its_place = members.get(at).filter(|(name, _)| **name == *key);
        if let Some((_, number)) =
            at_its_place.or_else(|| members.iter().find(|(name, _)| **name == *key))
        {
            return *number;
        }
        let number = tell(self.given, self.head, self.subscription, Some(key), self.block);
        members.push((key.into(), number));
        number
    }
}

/// Whether an object's members are few enough, with those that were told before.
fn fits(members: &[(Box<str>, u32)], map: &Map<String, Json>) -> bool {
    let is_new = |key: &&String| !members.iter().any(|(name, _)| **name == ***key);
    members.len() + map.len() <= MOST_MEMBERS
        || (map.len() <= MOST_MEMBERS
            && members.len() + map.keys().filter(is_new).count() <= MOST_MEMBERS)
}

#[cfg(test)]
pub(super) mod tests;
