//! The queues alone: what is held, what overtakes what, what passes. Whole plugins: `plugins/tests/inputs.rs`.

use signalk_bridge::PluginId;
use signalk_model::{ContextSelector, Pattern};

use super::*;

const MS: Duration = Duration::from_millis(1);

fn intake() -> Intake {
    Intake::new("vessels.own".into())
}

fn handler(plugin: &str, order: i64, path: &str) -> InputHandler {
    InputHandler {
        plugin: PluginId::from_package(plugin),
        package: plugin.to_owned(),
        rules: signalk_bridge::Rules::default(),
        life: 1,
        order,
        budget: 20 * MS,
        contexts: ContextSelector::named("vessels.self"),
        paths: vec![Pattern::new(path)],
    }
}

/// A delta of the own vessel with one value at each path.
fn held(source: &str, paths: &[&str], value: usize) -> Held {
    let values = paths.iter().map(|path| format!(r#"{{"path":"{path}","value":{value}}}"#));
    let values = values.collect::<Vec<_>>().join(",");
    let text = format!(
        r#"{{"context":"vessels.own","updates":[{{"$source":"{source}","values":[{values}]}}]}}"#
    );
    let delta = Delta::parse(text.as_bytes()).unwrap().delta;
    Held { delta, provider: source.into(), placement: Placement::Tree, origin: Origin::Connection }
}

fn value(held: &Held) -> usize {
    let number = held.delta.updates[0].values[0].value.as_f64().unwrap();
    (0..5000).find(|n| f64::from(*n) == number).unwrap() as usize
}

fn released(intake: &mut Intake) -> Vec<usize> {
    std::iter::from_fn(|| intake.pop_released()).map(|held| value(&held)).collect()
}

#[test]
fn without_a_handler_nothing_is_held() {
    let mut intake = intake();
    assert!(intake.is_idle());
    assert!(intake.offer(MS, held("gps", &["a.b"], 1)).is_some());
    intake.set(MS, vec![handler("p", 0, "x.*")]);
    assert!(!intake.is_idle());
    assert!(intake.offer(MS, held("gps", &["a.b"], 1)).is_some());
    assert_eq!((intake.next_batch(MS), intake.next_deadline()), (None, None));
}

#[test]
fn values_of_one_source_and_path_do_not_overtake_each_other() {
    let mut intake = intake();
    intake.set(MS, vec![handler("p", 0, "a.*")]);
    assert!(intake.offer(MS, held("gps", &["a.b", "x.y"], 1)).is_none());
    assert!(intake.offer(MS, held("gps", &["x.y"], 2)).is_none());
    assert!(intake.offer(MS, held("gps", &["x.z"], 3)).is_some());
    assert!(intake.offer(MS, held("log", &["x.y"], 4)).is_some());
    let (at, request) = intake.next_batch(MS).unwrap();
    // The plugin is asked about what it wants only; the other keeps its place.
    assert_eq!((at, request.matches("vessels.own").count()), (0, 1));
    assert_eq!((released(&mut intake), intake.next_deadline()), (vec![], Some(21 * MS)));
    intake.pass_all(MS, 0, None);
    assert_eq!(released(&mut intake), [1, 2]);
    assert!(intake.busy.is_empty() && intake.offer(MS, held("gps", &["x.y"], 5)).is_some());
}

#[test]
fn the_budget_begins_when_the_oldest_delta_of_a_batch_came() {
    let mut intake = intake();
    intake.set(MS, vec![handler("p", 0, "*")]);
    assert!(intake.offer(MS, held("gps", &["a"], 1)).is_none());
    intake.next_batch(2 * MS).unwrap();
    assert!(intake.offer(9 * MS, held("gps", &["a"], 2)).is_none());
    assert_eq!((intake.next_batch(9 * MS), intake.next_deadline()), (None, Some(21 * MS)));
    let flight = intake.stages[0].land(1).unwrap();
    assert_eq!(flight.deltas.len(), 1);
    intake.next_batch(15 * MS).unwrap();
    assert_eq!(intake.next_deadline(), Some(29 * MS));
}

#[test]
fn nobody_is_asked_about_its_own_deltas() {
    let mut intake = intake();
    intake.set(MS, vec![handler("p", 0, "*")]);
    let own = |source: &str| Held { origin: Origin::Plugin, ..held(source, &["a"], 1) };
    assert!(intake.offer(MS, own("p")).is_some());
    assert!(intake.offer(MS, own("q")).is_none());
    // A connection that happens to have the plugin's name is no plugin.
    assert!(intake.offer(MS, held("p", &["a"], 1)).is_none());
}

#[test]
fn a_flood_passes_in_its_order_and_is_the_handlers_failure() {
    let mut intake = intake();
    intake.set(MS, vec![handler("p", 0, "*"), handler("q", 1, "*")]);
    for n in 0..3000 {
        assert!(intake.offer(MS, held("gps", &["a"], n)).is_none());
        if n == 10 {
            intake.next_batch(MS).unwrap();
        }
    }
    intake.pass_all(MS, 1, None);
    intake.pass_all(MS, 0, None);
    intake.pass_all(MS, 1, None);
    assert_eq!(released(&mut intake), (0..3000).collect::<Vec<_>>());
    let failures: Vec<_> = intake.notes.iter().filter_map(|n| n.failure.as_ref()).collect();
    assert!(failures[0].contains("1000 deltas of"), "{failures:?}");
    assert!(intake.busy.is_empty());
}

#[test]
fn few_large_deltas_are_a_flood_too() {
    let mut intake = intake();
    intake.set(MS, vec![handler("p", 0, "*")]);
    let large = "x".repeat(1 << 20);
    for n in 0..9 {
        let mut held = held("gps", &["a", "b"], n);
        held.delta.updates[0].values[1].value = large.as_str().into();
        assert!(intake.offer(MS, held).is_none());
    }
    let bytes: usize = intake.released.iter().map(|waiting| waiting.text.len()).sum();
    assert!(bytes >= 4 << 20, "{bytes}");
    intake.pass_all(MS, 0, None);
    assert_eq!(released(&mut intake), (0..9).collect::<Vec<_>>());
}

#[test]
fn handlers_come_and_go_and_the_order_stays() {
    let mut intake = intake();
    let (p, q, r) = (handler("p", 5, "*"), handler("q", 5, "*"), handler("r", -1, "*"));
    intake.set(MS, vec![q.clone(), p.clone(), r.clone()]);
    let names = |intake: &Intake| {
        intake.stages.iter().map(|s| s.handler.plugin.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&intake), ["r", "p", "q"]);
    let offer =
        |intake: &mut Intake, n| assert!(intake.offer(MS, held("gps", &["a"], n)).is_none());
    offer(&mut intake, 1);
    intake.pass_all(MS, 0, None);
    intake.pass_all(MS, 1, None);
    offer(&mut intake, 2);
    intake.pass_all(MS, 0, None);
    offer(&mut intake, 3);
    intake.next_batch(MS).unwrap();
    offer(&mut intake, 4);
    // q has 1, p has 2, r has 3 in hand and 4 waiting; r and q end.
    intake.set(MS, vec![p.clone()]);
    assert_eq!((names(&intake), released(&mut intake)), (vec!["p".to_owned()], vec![1]));
    // Another life is another handler.
    intake.set(MS, vec![InputHandler { life: 2, ..p.clone() }, r.clone()]);
    assert_eq!(released(&mut intake), [2, 3, 4]);
    offer(&mut intake, 5);
    // Another order: nobody knows any more who was first.
    intake.set(MS, vec![InputHandler { life: 2, order: -9, ..p }, r]);
    assert_eq!((names(&intake), released(&mut intake)), (vec!["p".into(), "r".into()], vec![5]));
}
