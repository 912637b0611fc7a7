//! Properties that hold for any delta: writing and reading are inverse, the store remembers only
//! the last value, patterns match what their naive twin matches, garbage never panics.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use signalk_model::{
    Delta, Interner, Pattern, Placement, Source, SourcePolicy, SourceRef, Store, Subscribe,
    SubscriptionSet, Timestamp, Update, Value, json,
};

const CONTEXTS: [&str; 4] =
    ["vessels.urn:own", "vessels.urn:mrn:imo:mmsi:1", "atons.urn:a", "shore.basestations.urn:b"];
const PATHS: [&str; 9] = [
    "navigation.speedOverGround",
    "navigation.position",
    "a.b",
    "a.b.c",
    "a",
    "electrical.batteries.10.voltage",
    "electrical.batteries.9.voltage",
    "name.first",
    "notifications.mob",
];

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let scalar = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(json::number),
        (-1000i32..1000).prop_map(|it| json::number(f64::from(it))),
        ".{0,6}".prop_map(serde_json::Value::from),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::vec(("[a-z0-9]{0,3}", inner), 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_value() -> impl Strategy<Value = Value> {
    any_json().prop_map(Value::from_json)
}

fn any_update() -> impl Strategy<Value = Update> {
    let source = prop_oneof![
        Just(Source::nmea0183("gps0", "GP", "RMC")),
        Just(Source::nmea0183("gps0", "GP", "GLL")),
        Just(Source::nmea2000("can0", 129_026, "36")),
    ];
    let origin = prop_oneof![
        source.prop_map(|source| Update::new().with_source(Arc::new(source))),
        prop::sample::select(vec!["x", "7", "plugin-x", "a.b", "a.ö.c"])
            .prop_map(|name| Update::new().with_source_ref(name)),
        Just(Update::new()),
    ];
    let root =
        prop::collection::vec(("[a-c]|name|communication", any_json()), 0..3).prop_map(|members| {
            Value::from_json(serde_json::Value::Object(members.into_iter().collect()))
        });
    let entry = prop_oneof![
        4 => (prop::sample::select(PATHS.to_vec()), any_value()),
        1 => (Just(""), root),
    ];
    let meta = (prop::sample::select(PATHS.to_vec()), "[a-z]{1,3}", any_json());
    let timestamp = prop::option::of((0i64..4_000_000_000_000).prop_map(Timestamp::from_unix_ms));
    let values = prop::collection::vec(entry, 1..4);
    (origin, timestamp, values, prop::collection::vec(meta, 0..2)).prop_map(
        |(mut update, timestamp, values, metas)| {
            update.timestamp = timestamp;
            for (path, value) in values {
                update.push(path, value);
            }
            metas.into_iter().fold(update, |update, (path, key, value)| {
                update.with_meta(path, serde_json::json!({ key: value }))
            })
        },
    )
}

fn any_delta() -> impl Strategy<Value = Delta> {
    let context = prop::option::of(prop::sample::select(CONTEXTS.to_vec()));
    (context, prop::collection::vec(any_update(), 1..3))
        .prop_map(|(context, updates)| Delta { context: context.map(Into::into), updates })
}

fn normalised(mut delta: Delta, store: &Store) -> Delta {
    let now = Timestamp::from("2026-01-01T00:00:00.000Z");
    delta.normalise(store.self_context(), &SourceRef::from("p"), &now);
    delta
}

/// A pattern as a regular expression would read it, by plain recursion.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|at| naive(rest, &text[at..])),
        Some((first, rest)) => {
            text.split_first().is_some_and(|(c, text)| c == first && naive(rest, text))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_as_the_same(delta in any_delta()) {
        let text = delta.to_json();
        let parsed = Delta::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(&parsed.complaints, &[]);
        prop_assert_eq!(&parsed.delta, &delta);
        prop_assert_eq!(parsed.delta.to_json(), text);
    }

    #[test]
    fn the_store_remembers_the_last_values_only(deltas in prop::collection::vec(any_delta(), 1..12)) {
        let mut store = Store::new("urn:own");
        for delta in &deltas {
            store.apply(Duration::ZERO, &normalised(delta.clone(), &store));
            store.get(&[]).unwrap().to_json();
        }
        let once = store.get(&[]).unwrap().to_json();
        prop_assert!(json::parse(once.as_bytes()).is_ok(), "{}", once);

        // Nothing depends on what was read in between.
        let mut unread = Store::new("urn:own");
        for delta in &deltas {
            unread.apply(Duration::ZERO, &normalised(delta.clone(), &unread));
        }
        prop_assert_eq!(unread.get(&[]).unwrap().to_json(), once);

        // Replaying the cached values, oldest first, gives every source the same last value.
        let replayed: Vec<Delta> =
            store.cached(|_| true, SourcePolicy::All).iter().map(|item| item.to_delta()).collect();
        let mut copy = Store::new("urn:own");
        replayed.iter().for_each(|delta| copy.apply(Duration::ZERO, delta));
        let again = copy.cached(|_| true, SourcePolicy::All);
        let text = |items: &[String]| { let mut items = items.to_vec(); items.sort(); items };
        let first: Vec<_> = replayed.iter().filter(|delta| !delta.updates[0].values[0].path.is_root()).map(Delta::to_json).collect();
        let second: Vec<_> = again.iter().filter(|item| !item.path.is_root()).map(|item| item.to_json()).collect();
        prop_assert_eq!(text(&first), text(&second));
    }

    #[test]
    fn every_place_that_is_written_can_be_read(deltas in prop::collection::vec(any_delta(), 1..6)) {
        let mut store = Store::new("urn:own");
        for delta in &deltas {
            store.apply(Duration::ZERO, &normalised(delta.clone(), &store));
        }
        let whole = json::parse(store.get(&[]).unwrap().to_json().as_bytes()).unwrap();
        walk(&store, &whole, &mut Vec::new());
    }

    #[test]
    fn a_pattern_matches_what_its_naive_twin_matches(pattern in "[ab.*]{0,8}", text in "[ab.]{0,10}") {
        let expected = naive(
            &pattern.chars().collect::<Vec<_>>(),
            &text.chars().collect::<Vec<_>>(),
        );
        prop_assert_eq!(Pattern::new(&pattern).matches(&text), expected);
    }

    #[test]
    fn a_delta_reaches_those_whose_rows_match(
        rows in prop::collection::vec((prop::sample::select(vec!["*", "vessels.*", "vessels.self", "atons.urn:a", "nobody"]), "[ab.*]{0,4}|navigation\\.\\*|\\*voltage"), 0..8),
        deltas in prop::collection::vec(any_delta(), 1..6),
        gone in 0usize..8,
    ) {
        let mut store = Store::new("urn:own");
        let mut set = SubscriptionSet::new(store.self_context().clone());
        for (id, (context, path)) in rows.iter().enumerate() {
            let message = serde_json::json!({"context": context, "subscribe": [{"path": path}]});
            let request = Subscribe::from_json(message.as_object().unwrap()).unwrap();
            let _ = set.subscribe(id, &request, &store, |_| {});
        }
        for (at, delta) in deltas.iter().enumerate() {
            if at == 2 {
                set.remove(&gone);
            }
            let delta = normalised(delta.clone(), &store);
            store.apply(Duration::ZERO, &delta);
            let mut got = Vec::new();
            set.route(Duration::ZERO, &delta, Placement::Tree, &store, |item, to| {
                if !item.path.is_root() && item.value().is_some() && PATHS.contains(&&**item.path) {
                    got.extend(to.iter().map(|id| (*id, item.path.to_string(), item.to_json())));
                }
            });
            let context = delta.context.as_deref().unwrap();
            let mut expected = Vec::new();
            for update in &delta.updates {
                for entry in update.values.iter().filter(|entry| !entry.path.is_root()) {
                    let item = signalk_model::Item::of_value(delta.context.as_ref().unwrap(), update, entry).to_json();
                    for (id, (pattern, path)) in rows.iter().enumerate() {
                        let here = Pattern::new(pattern).matches(context)
                            || (*pattern == "vessels.self" && context == "vessels.urn:own");
                        if here && Pattern::new(path).matches(&entry.path) && !(at >= 2 && id == gone) {
                            expected.push((id, entry.path.to_string(), item.clone()));
                        }
                    }
                }
            }
            if delta.updates.iter().flat_map(|update| &update.values).any(|entry| entry.path.is_root()) {
                // Root values may be flattened into one of the paths; those come on top, even twice the same.
                let mut rest = got.iter();
                prop_assert!(expected.iter().all(|entry| rest.any(|it| it == entry)), "{got:?} lacks some of {expected:?}");
            } else {
                prop_assert_eq!(got, expected);
            }
        }
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Delta::parse(&bytes);
        let _ = Subscribe::parse(&bytes);
    }

    #[test]
    fn damaged_deltas_never_panic(delta in any_delta(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = delta.to_json().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let mut interner = Interner::new();
        let mut store = Store::new("urn:own");
        if let Ok(parsed) = Delta::parse_with(&bytes, &mut interner) {
            store.apply(Duration::ZERO, &normalised(parsed.delta, &store));
        }
        bytes.truncate(at);
        let _ = Delta::parse(&bytes);
        prop_assert!(json::parse(store.get(&[]).unwrap().to_json().as_bytes()).is_ok());
    }

    #[test]
    fn any_text_of_json_gives_a_value_that_is_written_back(value in any_json()) {
        let text = json::value_text(&value);
        prop_assert_eq!(json::parse(text.as_bytes()).unwrap(), value);
    }

    #[test]
    fn a_time_survives_its_text(ms in -60_000_000_000_000i64..250_000_000_000_000) {
        prop_assert_eq!(Timestamp::from_unix_ms(ms).unix_ms(), Some(ms));
    }
}

/// Reads every member of a JSON object by its path and compares.
fn walk(store: &Store, value: &serde_json::Value, path: &mut Vec<String>) {
    let Some(members) = value.as_object() else { return };
    for (key, member) in members {
        // `self` stands for this vessel, `meta` of a context for all its metadata.
        if key == "self" {
            continue;
        }
        path.push(key.clone());
        let segments: Vec<_> = path.iter().map(String::as_str).collect();
        let node = store.get(&segments).unwrap_or_else(|| panic!("{path:?} cannot be read"));
        assert_eq!(node.to_json(), json::value_text(member), "{path:?}");
        walk(store, member, path);
        path.pop();
    }
}
