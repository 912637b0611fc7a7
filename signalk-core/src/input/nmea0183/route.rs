//! Following a route: XTE, RMB, APB, BWC, BWR, BOD.
//!
//! A cross-track error is positive when the boat has to steer to port to get back (Signal K 1.8.2,
//! `navigation.courseRhumbline.crossTrackError`, as the reference reads it).

use std::sync::Arc;

use serde_json::{Value as Json, json};
use signalk_model::{Path, Value};

use super::{draft::Draft, fields::Fields, paths::Paths, time::moment_today, units};

/// XTE: two receiver states, error, L or R, unit.
pub(super) fn xte(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if f.len() < 5 {
        return f.count_bad();
    }
    if f.is(0, b'V') || f.is(1, b'V') || (f.is_empty(2) && f.is_empty(3)) {
        return;
    }
    out.number(&p.cross_track, cross_track(f, 2));
}

/// RMB: state, cross-track error (nm), L or R, origin, destination, its position, distance (nm), bearing, closing speed
/// (kn), arrival.
pub(super) fn rmb(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if f.len() < 13 {
        return f.count_bad();
    }
    out.position(&p.next_position, f.position(5));
    out.number(&p.next_bearing_true, units::radians(f.number_or_zero(10)));
    out.number(&p.next_velocity, units::knots(f.number_or_zero(11).max(0.0)));
    out.number(&p.next_distance, units::nautical_miles(f.number_or_zero(9)));
    let error = units::nautical_miles(f.number_or_zero(1));
    out.number(&p.cross_track, if f.is(2, b'L') { error } else { 0.0 - error });
    if let Some(id) = f.text(4) {
        out.text(&p.next_id, id);
    }
    if let Some(id) = f.text(3) {
        out.text(&p.previous_id, id);
    }
}

/// APB: two receiver states, cross-track error, L or R, unit, arrival circle, perpendicular, bearing origin to
/// destination, M or T, destination, bearing to it, M or T, heading to steer, M or T.
pub(super) fn apb(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if f.len() < 14 {
        return f.count_bad();
    }
    if f.is(0, b'V') || f.is(1, b'V') || (0..4).any(|i| f.is_empty(i)) {
        return;
    }
    out.number(&p.cross_track, cross_track(f, 2));
    let magnetic = f.is(8, b'M');
    let origin = units::radians(f.number_or_zero(7));
    out.number(pick(magnetic, &p.track_magnetic, &p.track_true), origin);
    out.number(pick(magnetic, &p.origin_magnetic, &p.origin_true), origin);
    let magnetic = f.is(11, b'M');
    let bearing = units::radians(f.number_or_zero(10));
    out.number(pick(magnetic, &p.destination_magnetic, &p.destination_true), bearing);
    out.number(pick(magnetic, &p.next_bearing_magnetic, &p.next_bearing_true), bearing);
    out.text(&p.next_id, f.text(9).unwrap_or_default());
    let magnetic = f.is(13, b'M');
    let steer = units::radians(f.number_or_zero(12));
    out.number(pick(magnetic, &p.target_heading_magnetic, &p.target_heading_true), steer);
    out.value(&p.arrival_circle, alarm(f.is(5, b'A'), "WP arrival circle entered!"));
    out.value(&p.perpendicular_passed, alarm(f.is(6, b'A'), "Perpendicular passed!"));
}

/// BWC: time, position of the waypoint, bearing true, T, magnetic, M, distance, unit, waypoint; along the great circle.
pub(super) fn bwc(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if f.len() < 11 {
        return f.count_bad();
    }
    if !f.is_empty(0) {
        out.moment_ms = Some(moment_today(f, 0, out.now_ms));
    }
    out.position(&p.great_circle_position, f.position(1));
    out.number_if(&p.great_circle_distance, f.number(9).map(|d| distance(d, f.raw(10))));
    out.number_if(&p.great_circle_true, f.number(5).filter(|_| f.is(6, b'T')).map(units::radians));
    out.number_if(
        &p.great_circle_magnetic,
        f.number(7).filter(|_| f.is(8, b'M')).map(units::radians),
    );
}

/// BWR: as BWC, along the rhumb line. Without a waypoint everything is null.
pub(super) fn bwr(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if f.len() < 11 {
        return f.count_bad();
    }
    let position = f.position(1);
    if position.is_some() {
        out.moment_ms = Some(moment_today(f, 0, out.now_ms));
    }
    let known = |number: f64| position.map(|_| number);
    out.number_or_null(&p.track_true, known(units::radians(f.number_or_zero(5))));
    out.number_or_null(&p.track_magnetic, known(units::radians(f.number_or_zero(7))));
    out.number_or_null(&p.next_distance, known(distance(f.number_or_zero(9), f.raw(10))));
    out.position(&p.next_position, position);
}

/// BOD: bearing from origin to destination twice, T and M in any order; destination, origin.
pub(super) fn bod(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    let (Some(first), Some(second), Some(destination), Some(origin)) =
        (f.number(0), f.number(2), f.text(4), f.text(5))
    else {
        return;
    };
    let (bearing_true, magnetic) = if f.is(1, b'T') { (first, second) } else { (second, first) };
    out.number(&p.track_true, units::radians(bearing_true));
    out.number(&p.track_magnetic, units::radians(magnetic));
    out.text(&p.next_id, destination);
    out.text(&p.previous_id, origin);
}

/// Error in field `i`, side in the next, unit in the one after it; in m.
fn cross_track(f: &Fields<'_>, i: usize) -> f64 {
    let error = distance(f.number_or_zero(i), f.raw(i + 2));
    if f.is(i + 1, b'L') { error } else { 0.0 - error }
}

fn distance(distance: f64, unit: &[u8]) -> f64 {
    if unit == b"N" { units::nautical_miles(distance) } else { distance * 1000.0 }
}

fn pick<'p>(magnetic: bool, if_magnetic: &'p Path, if_true: &'p Path) -> &'p Path {
    if magnetic { if_magnetic } else { if_true }
}

fn alarm(raised: bool, message: &str) -> Value {
    if !raised {
        return Value::Null;
    }
    let notification: Json =
        json!({"method": ["sound", "visual"], "state": "alarm", "message": message});
    Value::Json(Arc::new(notification))
}
