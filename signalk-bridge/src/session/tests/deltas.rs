//! Deltas for `delta_handler`: in batches, on the beat, bounded, and kept when the guest is gone.

use super::*;

#[test]
fn a_batch_of_deltas_is_one_trip() {
    let mut drive =
        Drive::wat(&format!("{START} (func (export \"delta_handler\") (param i32 i32))"));
    let before = drive.runs;
    drive.deltas(None, &["{}"; 64]);
    assert_eq!((drive.runs - before, drive.session.counters().deltas_in), (1, 64));
}

#[test]
fn a_flow_of_deltas_is_taken_on_the_beat_and_the_first_after_a_pause_at_once() {
    let mut drive =
        Drive::wat(&format!("{START} (func (export \"delta_handler\") (param i32 i32))"));
    let taken = |drive: &Drive| drive.session.counters().deltas_in;
    drive.at(101);
    drive.deltas(None, &["{}"]);
    assert_eq!(taken(&drive), 1);
    drive.deltas(None, &["{}"; 3]);
    assert_eq!((drive.poll(), taken(&drive)), (Some(Duration::from_millis(105)), 1));
    drive.at(105);
    assert_eq!(taken(&drive), 4);
    drive.deltas(None, &["{}"; 64]);
    assert_eq!(taken(&drive), 68, "a full batch does not wait");
    drive.at(500);
    drive.deltas(None, &["{}"]);
    assert_eq!(taken(&drive), 69);
}

#[test]
fn over_its_bound_the_queue_drops_the_oldest() {
    let mut drive = Drive::wat(START);
    let deltas = vec![Delivery { subscription: None, delta: "{}".into() }; 1001];
    drive.session.handle_input(Duration::ZERO, Input::Deltas(deltas), &mut drive.server);
    assert_eq!(drive.session.counters().deltas_in_dropped, 1);
}

#[test]
fn deltas_that_a_crash_kept_from_the_guest_are_there_for_its_next_life() {
    let mut drive = Drive::wat(&format!(
        "{START} (func (export \"delta_handler\") (param i32 i32) unreachable)"
    ));
    drive.deltas(None, &["1", "2", "3"]);
    let kept: Vec<_> =
        drive.session.take_waiting().iter().map(|d| d.delta.json().to_owned()).collect();
    assert_eq!(kept, ["2", "3"]);
}
