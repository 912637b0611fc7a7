//! What rows say is what the deltas in JSON say: read back by the words of the WIT, without the kit's code.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use signalk_model::{Delta, Item, Update};

use super::*;
use crate::handover::Heads;
use crate::{Manifest, Session, SessionConfig};

pub(crate) fn common(queue: usize) -> Common {
    let package =
        br#"{"name":"p","version":"1","keywords":["signalk-wasm-plugin"],"wasmManifest":"p.wasm"}"#;
    let manifest = Manifest::read(package).unwrap().manifest;
    let config = SessionConfig {
        engine: wasmi_hdk::Engine::new(),
        limits: wasmi_hdk::Limits::default(),
        call_time: None,
        platform: std::sync::Arc::new(wasmi_hdk::FixedPlatform::default()),
        fs: None,
        host: crate::HostInfo { name: "test".into(), version: "0".into() },
        options: "{}".into(),
        enable_debug: false,
        deltas_per_second: 1,
        queue,
        rules: crate::Rules::default(),
        wants_id: false,
        purpose: crate::Purpose::Run,
    };
    Session::new(&manifest, crate::Code::Bytes(bytes::Bytes::new()), config).common
}

type ToldHead = (u64, Value, Value, Value, bool);

/// Subscription and delta.
type Got = (u64, Value);

/// A guest that reads rows by the book.
#[derive(Default)]
pub(crate) struct Reader(BTreeMap<u64, (Value, Value, Value, bool)>);

impl Reader {
    /// Subscriptions and deltas, in order.
    pub(crate) fn read(&mut self, params: &str) -> Vec<Got> {
        assert!(!params.contains('\n'));
        let (heads, batches): (Vec<ToldHead>, Vec<Vec<Value>>) =
            serde_json::from_str(params).unwrap();
        for (number, context, source, path, is_meta) in heads {
            self.0.insert(number, (context, source, path, is_meta));
        }
        let mut deltas = Vec::new();
        for batch in batches {
            let (subscription, mut rest) = (batch[0].as_u64().unwrap(), &batch[1..]);
            let mut time = Value::Null;
            while let [first, others @ ..] = rest {
                rest = others;
                let Some(number) = first.as_u64() else {
                    time = first.clone();
                    continue;
                };
                let (context, source, path, is_meta) = &self.0[&number];
                let mut update = serde_json::Map::new();
                for (key, value) in [("$source", source), ("timestamp", &time)] {
                    if !value.is_null() {
                        update.insert(key.into(), value.clone());
                    }
                }
                let key = if *is_meta { "meta" } else { "values" };
                update.insert(key.into(), json!([{ "path": path, "value": rest[0] }]));
                deltas.push((subscription, json!({ "context": context, "updates": [update] })));
                rest = &rest[1..];
            }
        }
        deltas
    }
}

/// As the core makes them of a delta.
pub(crate) fn pieces(heads: &mut Heads, delta: &Delta) -> Vec<Handed> {
    let context = delta.context.clone().unwrap();
    let of = |update: &Update| {
        let values = update.values.iter().map(|entry| Item::of_value(&context, update, entry));
        let meta = update.meta.iter().map(|entry| Item::of_meta(&context, update, entry));
        values.chain(meta).map(|item| heads.piece(&item)).collect::<Vec<_>>()
    };
    delta.updates.iter().flat_map(of).collect()
}

/// Hands over `deltas` by rows and by JSON.
fn both(deltas: &[Delta]) -> (Vec<Got>, Vec<Got>) {
    let (mut heads, mut common) = (Heads::default(), common(100_000));
    let (mut rows, mut reader) = (Rows::default(), Reader::default());
    let (mut by_rows, mut by_json) = (Vec::new(), Vec::new());
    for (delta, id) in deltas.iter().zip([1, 1, 2].into_iter().cycle()) {
        for delta in pieces(&mut heads, delta) {
            by_json.push((id, serde_json::from_str(delta.json()).unwrap()));
            common.take_one(Delivery { subscription: Some(SubscriptionId(id)), delta });
        }
    }
    while let Some((params, count)) = rows.next(&mut common) {
        let read = reader.read(&params);
        assert_eq!(read.len(), count);
        by_rows.extend(read);
    }
    assert!(common.waiting.is_empty());
    (by_rows, by_json)
}

fn update(at: u32) -> Update {
    let update = Update::new();
    let update = if at.is_multiple_of(5) {
        update
    } else {
        update.with_source_ref(format!("gps.{}", at % 3))
    };
    match at % 4 {
        0 => update,
        _ => update.with_timestamp(format!("2026-01-02T03:04:0{}.000Z", at % 7).as_str().into()),
    }
}

#[test]
fn rows_say_what_json_says_in_the_same_order() {
    let deltas: Vec<Delta> = (0..2000)
        .map(|at| {
            let context = format!("vessels.urn:mrn:imo:mmsi:{}", 230_000_000 + at % 4);
            let value = match at % 7 {
                0 => json!(f64::from(at) / 8.0),
                1 => json!(-i64::from(at)),
                2 => json!({ "latitude": 60.5, "longitude": f64::from(at) }),
                3 => json!(format!("a \"text\"\n{at}")),
                4 => Value::Null,
                5 => json!([true, { "a": "\u{e4}" }]),
                _ => json!(1e-7),
            };
            let update = update(at)
                .with_value(format!("a.b{}", at % 11), signalk_model::Value::from_json(value));
            let meta = json!({ "units": "m/s", "zones": [{ "lower": at }] });
            let update = if at.is_multiple_of(13) { update.with_meta("a.m", meta) } else { update };
            Delta::new(context).with_update(update)
        })
        .collect();
    let (by_rows, by_json) = both(&deltas);
    assert_eq!(by_rows, by_json);
}

/// More names than a guest keeps: it is told anew, and none is mistaken for another.
#[test]
fn numbers_are_given_again_before_they_are_too_many() {
    let delta = |at: u32| {
        let update = update(at).with_value(format!("path.{}", at * 7 % 6000), at);
        Delta::new("vessels.urn:mrn:imo:mmsi:230000000").with_update(update)
    };
    let (by_rows, by_json) = both(&(0..20_000).map(delta).collect::<Vec<_>>());
    assert_eq!(by_rows, by_json);
}

/// The one thing that is not handed over by rows: an author reads `$source`.
#[test]
fn the_object_source_is_left_out() {
    let text = r#"{"context":"vessels.x","updates":[{"source":{"label":"n","type":"NMEA0183","sentence":"RMC","talker":"GP"},"$source":"n.GP","timestamp":"2026-01-02T03:04:05.000Z","values":[{"path":"a.b","value":1.5}]}]}"#;
    let delta = Delta::parse(text.as_bytes()).unwrap().delta;
    let (by_rows, mut by_json) = both(&[delta]);
    assert_ne!(by_rows, by_json);
    let update = &mut by_json[0].1["updates"][0];
    assert_eq!(update.as_object_mut().unwrap().remove("source").unwrap()["sentence"], "RMC");
    assert_eq!(by_rows, by_json);
}

/// However many rows wait, a message stays below what a guest reads at once, or holds one row.
#[test]
fn messages_are_bounded() {
    let (mut heads, mut common, mut rows) = (Heads::default(), common(1000), Rows::default());
    let update = (0..1000).fold(Update::new(), |update, at: u32| {
        let text = "x".repeat(if at == 500 { 20_000 } else { 40 });
        update.with_value(format!("a.path.of.some.length.{at}"), text)
    });
    for delta in pieces(&mut heads, &Delta::new("vessels.x").with_update(update)) {
        common.take_one(Delivery { subscription: Some(SubscriptionId(1)), delta });
    }
    let mut total = 0;
    while let Some((params, count)) = rows.next(&mut common) {
        assert!(
            count <= MOST_ROWS
                && (params.len() < (16 << 10) || params.contains(&"x".repeat(20_000)))
        );
        total += count;
    }
    assert_eq!(total, 1000);
}

#[test]
fn what_is_no_piece_is_left_to_json() {
    let mut common = common(2);
    let id = Some(SubscriptionId(1));
    common.take_one(Delivery { subscription: id, delta: "1".into() });
    assert!(Rows::default().next(&mut common).is_none());
    // The bound holds, and the oldest goes.
    common.take(vec![Delivery { subscription: id, delta: "2".into() }; 2]);
    assert_eq!((common.waiting.len(), common.account.counters.deltas_in_dropped), (2, 1));
}
