//! What comes from outside may cost only so much memory and so many steps: floods of names, rows and values. Counted,
//! never timed. The numbers stand beside the code that has them, with their reasons.

#![allow(clippy::unwrap_used, missing_docs)]

use std::time::Duration;

use signalk_model::{
    Context, Delta, Placement, SourcePolicy, SourceRef, Store, Subscribe, SubscriptionSet,
    Unsubscribe, Update,
};

const OWN: &str = "vessels.urn:own";

struct Boat {
    store: Store,
}

impl Boat {
    fn new() -> Boat {
        Boat { store: Store::new("urn:own") }
    }

    /// One value of a provider; whether it was taken.
    fn value(&mut self, provider: &str, context: &str, path: &str) -> bool {
        let update = Update::new().with_source_ref(provider).with_value(path, 1);
        self.take(provider, context, update)
    }

    fn take(&mut self, provider: &str, context: &str, update: Update) -> bool {
        let delta = Delta::new(Context::from(context)).with_update(update);
        let provider = SourceRef::from(provider);
        self.store.apply_from(Duration::ZERO, &delta, Placement::Tree, &provider).is_empty()
    }

    fn cached(&self) -> usize {
        self.store.cached(|_| true, SourcePolicy::All).len()
    }
}

#[test]
fn a_flood_of_contexts_leaves_room_for_other_receivers_and_for_the_own_vessel() {
    let mut boat = Boat::new();
    let taken = (0..6000).filter(|at| boat.value("bad", &format!("vessels.x{at}"), "a.b")).count();
    assert_eq!(taken, 5000);
    assert!(boat.value("bad", "vessels.x0", "a.b"));
    assert!(boat.value("ais", "vessels.urn:mrn:imo:mmsi:230000001", "navigation.speedOverGround"));
    assert!(boat.value("bad", OWN, "navigation.speedOverGround"));
    let more = (0..9000).filter(|at| boat.value("worse", &format!("vessels.y{at}"), "a.b")).count();
    assert_eq!(taken + 1 + more, 10_000);
    assert!(boat.value("gps", OWN, "navigation.courseOverGroundTrue"));
    // What fell silent gives its place back.
    assert_eq!(boat.store.prune(Duration::from_secs(1)).len(), 10_000);
    assert!(boat.value("bad", "vessels.x6000", "a.b"));
}

#[test]
fn a_flood_of_paths_ends_at_the_providers_part_and_known_paths_go_on() {
    let mut boat = Boat::new();
    let taken = (0..25_000).filter(|at| boat.value("bad", OWN, &format!("a.b{at}"))).count();
    assert_eq!(taken, 20_000);
    assert!(boat.value("bad", OWN, "a.b0"));
    assert!(boat.value("gps", OWN, "navigation.speedOverGround"));
    let taken = (0..2000).filter(|at| boat.value("bad", "vessels.x", &format!("a.b{at}"))).count();
    assert_eq!(taken, 1000);
}

/// Three that flood fill the own vessel; who comes later has its places all the same: an instrument, an alarm.
#[test]
fn however_full_the_own_vessel_is_a_provider_is_sure_of_some_places() {
    let mut boat = Boat::new();
    for bad in ["bad", "worse", "worst"] {
        for at in 0..20_000 {
            boat.value(bad, OWN, &format!("{bad}.b{at}"));
        }
    }
    assert!(!boat.value("bad", OWN, "notifications.mine"));
    assert!(boat.value("zones", OWN, "notifications.environment.depth.belowKeel"));
    let taken = (0..3000).filter(|at| boat.value("gps", OWN, &format!("gps.b{at}"))).count();
    assert_eq!(taken, 2000);
}

#[test]
fn a_flood_of_sources_and_of_root_members_is_bounded() {
    let mut boat = Boat::new();
    let mut source = |provider: &str, source: String| {
        boat.take(provider, OWN, Update::new().with_source_ref(&*source).with_value("a.b", 1))
    };
    let mut flood =
        |provider: &str| (0..200).filter(|at| source(provider, format!("{provider}.{at}"))).count();
    // One alone has no more than its part; with others the path is full; and each is sure of a few.
    let taken = ["bad", "worse", "gps"].map(&mut flood);
    assert_eq!(taken, [40, 10, 5]);
    assert_eq!(flood("bad"), 40, "those that it has");
    assert!(boat.value("s51", OWN, "a.c"));

    let mut boat = Boat::new();
    let root = |key: String| {
        Update::new().with_source_ref("ais").with_value("", serde_json::json!({ key: 1 }))
    };
    let taken = (0..300).filter(|at| boat.take("ais", "vessels.x", root(format!("k{at}")))).count();
    assert_eq!((taken, boat.cached()), (80, 80));
    assert!(boat.take("ais", "vessels.x", root("k0".into())));
    assert!(!boat.take("ais", OWN, root("x".repeat(20_000))));
    // Keys that came in one value are told as one.
    let both = serde_json::json!({ "k0": 2, "k1": 2 });
    assert!(boat.take(
        "ais",
        "vessels.x",
        Update::new().with_source_ref("ais").with_value("", both)
    ));
    assert_eq!(boat.cached(), 79);
    let name =
        Update::new().with_source_ref("other").with_value("", serde_json::json!({ "name": "x" }));
    assert!(boat.take("other", "vessels.x", name));
}

#[test]
fn large_values_share_a_budget_and_small_ones_always_pass() {
    let mut boat = Boat::new();
    let large = |path: String, bytes: usize| {
        Update::new().with_source_ref("p").with_value(&*path, "x".repeat(bytes))
    };
    let taken = (0..80).filter(|at| boat.take("p", OWN, large(format!("a{at}"), 1 << 20))).count();
    assert_eq!(taken, 64);
    assert!(!boat.take("p", OWN, large("a0".into(), 2 << 20)));
    assert!(boat.take("p", OWN, large("a0".into(), 1000)), "smaller than before");
    assert!(boat.take("p", OWN, large("a1".into(), 1 << 20)), "as large as before");
    assert!(boat.value("gps", OWN, "navigation.speedOverGround"));
    assert!(boat.take("p", "vessels.x", large("a".into(), 1 << 20)), "others have their own");
}

#[test]
fn what_has_no_place_is_taken_out_of_the_delta() {
    let mut store = Store::new("urn:own");
    let fill = (0..40)
        .map(|at| Update::new().with_source_ref(format!("s{at}").as_str()).with_value("a.b", 1));
    let delta = fill.fold(Delta::new(Context::from(OWN)), Delta::with_update);
    let provider = SourceRef::from("p");
    store.apply_from(Duration::ZERO, &delta, Placement::Tree, &provider);
    let late = Update::new()
        .with_source_ref("late")
        .with_value("a.c", 1)
        .with_value("a.b", 1)
        .with_value("a.d", 1);
    let only = Update::new().with_source_ref("late").with_value("a.b", 2);
    let mut delta = Delta::new(Context::from(OWN)).with_update(only).with_update(late);
    let left_out = store.apply_from(Duration::ZERO, &delta, Placement::Tree, &provider);
    assert_eq!((left_out.count(&delta), left_out.is_empty()), (2, false));
    left_out.take_from(&mut delta);
    assert_eq!(
        delta.to_json(),
        r#"{"context":"vessels.urn:own","updates":[{"$source":"late","values":[{"path":"a.c","value":1},{"path":"a.d","value":1}]}]}"#
    );
    assert!(left_out.to_string().contains("50 sources of a path"), "{left_out}");
}

#[test]
fn a_deleted_resource_leaves_nothing_behind() {
    let mut boat = Boat::new();
    let tell = |boat: &mut Boat, value: Option<&str>, at: usize| {
        let path = format!("resources.notes.{at}");
        let update = Update::new().with_source_ref("files").with_value(&*path, value);
        let delta = Delta::new(Context::from(OWN)).with_update(update);
        boat.store.apply_as(Duration::ZERO, &delta, Placement::CacheOnly);
    };
    // More than one provider may hold at a time.
    for at in 0..21_000 {
        tell(&mut boat, Some("a note"), at);
        tell(&mut boat, None, at);
    }
    assert_eq!(boat.cached(), 0);
    tell(&mut boat, Some("a note"), 7);
    assert_eq!(boat.cached(), 1);
    tell(&mut boat, None, 8);
    assert_eq!(boat.cached(), 1);
}

fn rows(count: usize, path: impl Fn(usize) -> String) -> Subscribe {
    let rows: Vec<String> = (0..count).map(|at| format!(r#"{{"path":"{}"}}"#, path(at))).collect();
    let text = format!(r#"{{"context":"vessels.self","subscribe":[{}]}}"#, rows.join(","));
    Subscribe::parse(text.as_bytes()).unwrap()
}

#[test]
fn the_rows_of_a_client_are_bounded_and_it_is_told() {
    let store = Store::new("urn:own");
    let mut set = SubscriptionSet::new(store.self_context().clone());
    let many = rows(1000, |at| format!("a{at}"));
    assert_eq!(set.subscribe(1, &many, &store, |_| {}).rows, 0);
    assert_eq!(set.subscribe(1, &many, &store, |_| {}).rows, 0, "the same again");
    assert_eq!(set.rows_of(&1).count(), 1000);
    let refused = set.subscribe(1, &rows(5, |at| format!("b{at}")), &store, |_| {});
    assert_eq!((refused.rows, set.rows_of(&1).count()), (5, 1000));
    let warning = refused.warnings().next().unwrap();
    assert!(warning.contains("5 rows") && warning.contains("unsubscribe"), "{warning}");
    assert_eq!(set.subscribe(2, &many, &store, |_| {}).rows, 0, "another client");
    let wild = set.subscribe(3, &rows(250, |at| format!("a{at}.*")), &store, |_| {});
    assert_eq!((wild.rows, set.rows_of(&3).count()), (50, 200));
    // Room again.
    let text =
        br#"{"context":"vessels.self","unsubscribe":[{"path":"a0"},{"path":"a1"},{"path":"no"}]}"#;
    let gone = signalk_model::json::parse(text).unwrap();
    let gone = Unsubscribe::from_json(gone.as_object().unwrap()).unwrap();
    assert_eq!(set.unsubscribe(&1, &gone), 2);
    assert_eq!(set.subscribe(1, &rows(5, |at| format!("b{at}")), &store, |_| {}).rows, 3);
    for id in 1..=3 {
        assert!(set.remove(&id) > 0 && set.rows_of(&id).count() == 0);
    }
    assert!(set.is_empty());
}

/// Each announcer keeps every path and looks at every value: one per client and context.
#[test]
fn asking_again_for_new_paths_does_not_ask_twice() {
    let mut store = Store::new("urn:own");
    let mut set = SubscriptionSet::new(store.self_context().clone());
    let ask = |context: usize| {
        let text =
            format!(r#"{{"context":"vessels.{context}","announceNewPaths":true,"subscribe":[]}}"#);
        Subscribe::parse(text.as_bytes()).unwrap()
    };
    for _ in 0..1000 {
        assert!(!set.subscribe(1, &ask(0), &store, |_| {}).announcement);
    }
    let refused: Vec<bool> =
        (1..6).map(|at| set.subscribe(1, &ask(at), &store, |_| {}).announcement).collect();
    assert_eq!(refused, [false, false, false, true, true]);
    assert!(!set.subscribe(2, &ask(0), &store, |_| {}).announcement, "another client");

    let update = Update::new().with_source_ref("x").with_value("a.b", 1);
    let delta = Delta::new(Context::from("vessels.0")).with_update(update);
    store.apply(Duration::ZERO, &delta);
    let mut got = Vec::new();
    for _ in 0..2 {
        set.route(Duration::ZERO, &delta, Placement::Tree, &store, |_, to| got.extend(to.to_vec()));
    }
    got.sort_unstable();
    assert_eq!(got, [1, 2]);
}
