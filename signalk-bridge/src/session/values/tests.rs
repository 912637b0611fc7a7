//! What a block says is what the delta in JSON says: read back by the words of EXTENSIONS.md, without the kit's code.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use signalk_model::{Update, Value};

use super::*;
use crate::session::rows::tests::common;

const OWN: &str = "vessels.urn:mrn:imo:mmsi:230000000";

/// One value as an author sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Got {
    pub(crate) subscription: u32,
    pub(crate) is_own: bool,
    pub(crate) time: Option<f64>,
    /// A delta of one value.
    pub(crate) delta: Json,
}

#[derive(Debug, Clone)]
struct ToldHead {
    flags: u32,
    subscription: u32,
    names: [String; 4],
}

/// A guest that reads blocks by the book.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    heads: BTreeMap<u32, ToldHead>,
    pub(crate) lost: u32,
    pub(crate) forgotten: u32,
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    fn at(&self, at: usize) -> usize {
        self.u32(at).try_into().unwrap()
    }

    fn f64(&self, at: usize) -> f64 {
        f64::from_le_bytes(self.0[at..at + 8].try_into().unwrap())
    }

    /// A text whose offset and length are at `at`.
    fn text(&self, at: usize) -> String {
        let (from, len) = (self.at(at), self.at(at + 4));
        assert!(len == 0 && from == 0 || self.0[from + len] == 0, "a zero ends it");
        String::from_utf8(self.0[from..from + len].to_vec()).unwrap()
    }
}

impl Reader {
    pub(crate) fn read(&mut self, block: &[u8]) -> Vec<Got> {
        let bytes = Bytes(block);
        assert_eq!((bytes.u32(0), bytes.at(8)), (1, block.len()));
        if bytes.u32(4) & 1 == 1 {
            self.heads.clear();
            self.forgotten += 1;
        }
        self.lost += bytes.u32(12);
        let (heads, count, rows, many) = (bytes.at(16), bytes.at(20), bytes.at(24), bytes.at(28));
        assert!(heads % 8 == 0 && rows % 8 == 0 && rows + 32 * many == block.len());
        for at in (0..count).map(|index| heads + 48 * index) {
            let head = ToldHead {
                flags: bytes.u32(at + 4),
                subscription: bytes.u32(at + 8),
                names: [16, 24, 32, 40].map(|place| bytes.text(at + place)),
            };
            let number = bytes.u32(at);
            assert_eq!(number as usize, self.heads.len(), "without a gap");
            assert!(number < MOST_HEADS);
            self.heads.insert(number, head);
        }
        let mut got = Vec::new();
        let mut at = rows;
        while at < block.len() {
            let head = self.heads[&bytes.u32(at)].clone();
            let [context, source, path, _] = &head.names;
            let time = bytes.f64(at + 16);
            let value = match bytes.u32(at + 4) {
                6 => {
                    let mut members = Map::new();
                    let count = bytes.f64(at + 8);
                    while f64::from(u32::try_from(members.len()).unwrap()) < count {
                        at += 32;
                        let member = &self.heads[&bytes.u32(at)];
                        assert_eq!(member.flags, head.flags | 4);
                        assert_eq!(member.names[..3], head.names[..3]);
                        let value = self.scalar(&bytes, at);
                        assert!(members.insert(member.names[3].clone(), value).is_none());
                    }
                    Json::Object(members)
                }
                _ => self.scalar(&bytes, at),
            };
            at += 32;
            let mut update = Map::new();
            if !source.is_empty() {
                update.insert("$source".into(), source.as_str().into());
            }
            let key = if head.flags & 1 == 1 { "meta" } else { "values" };
            update.insert(key.into(), json!([{ "path": path, "value": value }]));
            got.push(Got {
                subscription: head.subscription,
                is_own: head.flags & 2 == 2,
                time: (!time.is_nan()).then_some(time),
                delta: json!({ "context": context, "updates": [update] }),
            });
        }
        got
    }

    fn scalar(&self, bytes: &Bytes<'_>, at: usize) -> Json {
        let number = bytes.f64(at + 8);
        match bytes.u32(at + 4) {
            0 => Json::Null,
            1 => json!(false),
            2 => json!(true),
            3 => signalk_model::json::number(number),
            4 => bytes.text(at + 24).into(),
            5 => serde_json::from_str(&bytes.text(at + 24)).unwrap(),
            kind => panic!("kind {kind}"),
        }
    }
}

/// What the same deltas say in JSON, value by value.
pub(crate) fn expected(deltas: &[Delta]) -> Vec<Got> {
    let mut heads = Heads::default();
    let mut got = Vec::new();
    for delta in deltas {
        let pieces = crate::session::rows::tests::pieces(&mut heads, delta);
        let times = delta.updates.iter().flat_map(|update| {
            std::iter::repeat_n(&update.timestamp, update.values.len() + update.meta.len())
        });
        for (piece, time) in pieces.iter().zip(times) {
            let mut delta: Json = serde_json::from_str(piece.json()).unwrap();
            let update = delta["updates"][0].as_object_mut().unwrap();
            update.shift_remove("timestamp");
            update.shift_remove("source");
            let ms = time.as_ref().and_then(signalk_model::Timestamp::unix_ms);
            let is_own = delta["context"] == OWN;
            let time = ms.map(|ms| f64::from(i32::try_from(ms - 1_767_323_000_000).unwrap()));
            let time = time.map(|ms| ms + 1_767_323_000_000.0);
            got.push(Got { subscription: 0, is_own, time, delta });
        }
    }
    got
}

/// Hands over everything, in blocks.
fn blocks(values: &mut Values, common: &mut Common, most: usize) -> Vec<Batch> {
    std::iter::from_fn(|| values.next(common, most)).collect()
}

fn hand_over(deltas: &[Delta], patterns: Option<&[String]>) -> (Vec<Got>, Reader, Vec<Batch>) {
    let (mut common, mut heads) = (common(100_000), Heads::of(OWN.into()));
    for delta in deltas {
        common.take_one(Delivery { subscription: None, delta: heads.whole(delta) });
    }
    let mut values = Values::new(patterns, OWN.into());
    let mut reader = Reader::default();
    let batches = blocks(&mut values, &mut common, 64);
    let got = batches.iter().flat_map(|batch| reader.read(&batch.bytes)).collect();
    (got, reader, batches)
}

fn update(at: u32) -> Update {
    let update = match at % 5 {
        0 => Update::new(),
        source => Update::new().with_source_ref(format!("gps.{source}")),
    };
    match at % 4 {
        0 => update,
        1 => update.with_timestamp("yesterday".into()),
        _ => update.with_timestamp(format!("2026-01-02T03:04:0{}.000Z", at % 7).as_str().into()),
    }
}

fn one(path: &str, value: Json) -> Delta {
    Delta::new(OWN).with_update(Update::new().with_value(path.to_owned(), Value::from_json(value)))
}

#[test]
fn values_say_what_json_says_in_the_same_order() {
    let many: Map<String, Json> = (0..40).map(|at| (at.to_string(), json!(at))).collect();
    let deltas: Vec<Delta> = (0..2000)
        .map(|at| {
            let context = format!("vessels.urn:mrn:imo:mmsi:{}", 230_000_000 + at % 4);
            let value = match at % 11 {
                0 => json!(f64::from(at) / 8.0),
                1 => json!(-i64::from(at)),
                2 => json!({ "latitude": 60.5, "longitude": f64::from(at), "altitude": null }),
                3 => json!(format!("a \"text\"\n\u{e4}{at}")),
                4 => Json::Null,
                5 => json!([true, { "a": "\u{e4}" }]),
                6 => json!({ "state": "alarm", "method": ["sound"], "on": true, "off": false }),
                7 => json!({}),
                8 => json!(many),
                9 => json!(at % 2 == 0),
                _ => json!(""),
            };
            let value = Value::from_json(value);
            let mut update = update(at).with_value(format!("a.b{}", at % 13), value);
            if at.is_multiple_of(13) {
                update = update.with_meta(
                    "a.m",
                    json!({ "units": "m/s", "zones": [{ "lower": at }], "timeout": 1 }),
                );
            }
            let second = Update::new().with_value("", json!({ "name": "Ship", "n": at }));
            Delta::new(context).with_update(update).with_update(second)
        })
        .collect();
    let (got, reader, batches) = hand_over(&deltas, None);
    assert_eq!(got, expected(&deltas));
    assert_eq!((reader.forgotten, reader.lost), (1, 0));
    assert_eq!(batches.iter().map(|batch| batch.deltas.len()).sum::<usize>(), 2000);
}

/// Deltas as they come in: arrays and objects are text that nobody has looked into.
#[test]
fn what_came_in_as_text_is_told_by_its_members_too() {
    let text = format!(
        r#"{{"context":"{OWN}","updates":[{{"source":{{"label":"n","type":"NMEA0183","sentence":"RMC","talker":"GP"}},"$source":"n.GP","timestamp":"2026-01-02T03:04:05.000Z","values":[{{"path":"navigation.position","value":{{"latitude":60.1,"longitude":24.7}}}},{{"path":"a.list","value":[1,{{"a":2}}]}}]}}]}}"#
    );
    let delta = Delta::parse(text.as_bytes()).unwrap().delta;
    let (got, ..) = hand_over(std::slice::from_ref(&delta), None);
    assert_eq!(got, expected(&[delta]));
    assert_eq!(got[0].time, Some(1_767_323_045_000.0));
}

/// More names than a guest keeps: it is told to forget, and none is mistaken for another.
#[test]
fn a_guest_forgets_before_its_table_is_full() {
    let delta = |at: u32| {
        let update = update(at).with_value(format!("path.{}", at * 7 % 12_000), at);
        Delta::new(OWN).with_update(update)
    };
    let deltas: Vec<_> = (0..30_000).map(delta).collect();
    let (got, reader, _) = hand_over(&deltas, None);
    assert_eq!(got, expected(&deltas));
    assert!((3..10).contains(&reader.forgotten), "{}", reader.forgotten);
}

/// An object with ever new members is JSON from some time on: it does not fill the table.
#[test]
fn members_without_end_become_json() {
    let delta = |at: u32| one("a.b", json!({ format!("m{at}"): at, "same": 1 }));
    let deltas: Vec<_> = (0..1000).map(delta).collect();
    let (got, reader, _) = hand_over(&deltas, None);
    assert_eq!(got, expected(&deltas));
    assert_eq!((reader.heads.len(), reader.forgotten), (1 + MOST_MEMBERS, 1));
}

/// However much waits, a block stays small, or holds one entry; a delta larger than a block is told in several.
#[test]
fn blocks_are_bounded_and_a_delta_may_be_longer() {
    let update = (0..1000).fold(Update::new(), |update, at: u32| {
        let text = "x".repeat(if at == 500 { 20_000 } else { 40 });
        update.with_value(format!("a.path.of.some.length.{at}"), text)
    });
    let deltas = [one("a.b", json!(1)), Delta::new(OWN).with_update(update), one("a.b", json!(2))];
    let (got, _, batches) = hand_over(&deltas, None);
    assert_eq!(got, expected(&deltas));
    assert!(batches.len() > 5, "{}", batches.len());
    for batch in &batches {
        let is_long = batch.bytes.windows(100).any(|bytes| bytes == [b'x'; 100]);
        assert!(batch.bytes.len() < if is_long { 40_000 } else { 14_000 });
    }
    // A delta belongs to the block in which it begins: what a crash leaves over is not handed over twice.
    let begun: Vec<_> = batches.iter().map(|batch| batch.deltas.len()).collect();
    assert_eq!((begun[0], begun.iter().sum::<usize>()), (2, 3));
}

#[test]
fn unwanted_paths_are_left_out_and_take_no_number() {
    let patterns = ["navigation.speed*".to_owned()];
    let update = Update::new()
        .with_value("navigation.log", 1)
        .with_value("navigation.speedOverGround", 2)
        .with_meta("navigation.speedOverGround", json!({ "units": "m/s" }));
    let deltas = vec![Delta::new(OWN).with_update(update); 3];
    let (got, reader, _) = hand_over(&deltas, Some(&patterns));
    let wanted: Vec<_> = expected(&deltas)
        .into_iter()
        .filter(|got| got.delta.to_string().contains("speedOverGround"))
        .collect();
    assert_eq!((got, reader.heads.len()), (wanted, 3));
}

/// What `deltas.subscribe` brought says of which subscription it is, and is not held against `wasmSubscribe`.
#[test]
fn a_subscription_has_heads_of_its_own() {
    let (mut common, mut heads) = (common(100), Heads::of(OWN.into()));
    let delta = one("a.b", json!({ "x": 1 }));
    for piece in crate::session::rows::tests::pieces(&mut heads, &delta) {
        for id in [3, 4, 3] {
            let (subscription, delta) = (Some(SubscriptionId(id)), piece.clone());
            common.take_one(Delivery { subscription, delta });
        }
    }
    let mut values = Values::new(Some(&["c.d".to_owned()]), OWN.into());
    let mut reader = Reader::default();
    let got = reader.read(&values.next(&mut common, 64).unwrap().bytes);
    assert_eq!(got.iter().map(|got| got.subscription).collect::<Vec<_>>(), [3, 4, 3]);
    assert!(
        got.iter().all(|got| got.delta["updates"][0]["values"][0]["value"] == json!({ "x": 1 }))
    );
    assert_eq!(reader.heads.len(), 4);
}

/// What was kept for a module that took JSON, and what it was too slow for.
#[test]
fn text_becomes_values_and_what_was_lost_is_said() {
    let mut common = common(3);
    let texts = ["nonsense", r#"{"updates":[{"values":[{"path":"a.b","value":7}]}]}"#];
    for text in texts.iter().cycle().take(6) {
        common.take_one(Delivery { subscription: None, delta: (*text).into() });
    }
    let mut values = Values::new(None, OWN.into());
    let mut reader = Reader::default();
    let got = reader.read(&values.next(&mut common, 64).unwrap().bytes);
    assert_eq!((got.len(), got[0].is_own, reader.lost), (2, true, 3));
    assert!(values.next(&mut common, 64).is_none());
    common.take_one(Delivery { subscription: None, delta: texts[1].into() });
    reader.read(&values.next(&mut common, 64).unwrap().bytes);
    assert_eq!(reader.lost, 3, "said once");
}
