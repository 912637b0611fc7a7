//! Wind and weather: MWV, VWR, VWT, MWD, MDA, MTA.
//!
//! Angles are relative to the bow, negative to port; directions are where the wind comes from.

use super::{draft::Draft, fields::Fields, paths::Paths, units};

/// MWV: angle, R (apparent) or T (true), speed, unit (N, K, M), status.
pub(super) fn mwv(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if !f.is(4, b'A') {
        return;
    }
    let speed = f.number_or_zero(2);
    let speed = match f.raw(3) {
        b"N" => units::knots(speed),
        b"K" => units::kilometres_per_hour(speed),
        _ => speed,
    };
    let angle = units::radians(half_turn(f.number_or_zero(0)));
    let (speed_path, angle_path) = if f.is(1, b'R') {
        (&p.apparent_speed, &p.apparent_angle)
    } else {
        (&p.true_speed, &p.true_angle)
    };
    out.number(speed_path, speed);
    out.number(angle_path, angle);
}

/// VWR: apparent angle, L or R, then the speed in knots, m/s and km/h.
pub(super) fn vwr(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if f.all_empty() || [0, 1, 2, 4, 6].iter().all(|&i| f.is_empty(i)) {
        return;
    }
    let side = match f.raw(1) {
        b"L" => -1.0,
        b"R" => 1.0,
        _ => 0.0,
    };
    out.number(&p.apparent_angle, units::radians(side * f.number_or_zero(0)) + 0.0);
    let speed = if !f.is_empty(2) {
        Some(units::knots(f.number_or_zero(2)))
    } else if !f.is_empty(4) {
        Some(f.number_or_zero(4))
    } else {
        f.number(6).map(units::kilometres_per_hour)
    };
    out.number_if(&p.apparent_speed, speed);
}

/// VWT: true angle, L or R, then the speed in knots, m/s and km/h.
pub(super) fn vwt(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    let Some(angle) = f.number(0) else { return };
    let angle = match f.raw(1) {
        b"L" => -half_turn(angle),
        b"R" => half_turn(angle),
        _ => return,
    };
    let speed = f
        .number(4)
        .or_else(|| f.number(6).map(units::kilometres_per_hour))
        .or_else(|| f.number(2).map(units::knots));
    let Some(speed) = speed else { return };
    out.number(&p.true_speed, speed);
    out.number(&p.true_angle, units::radians(angle));
}

/// MWD: direction true, T, direction magnetic, M, speed in knots, N, speed in m/s, M.
pub(super) fn mwd(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    let from_true = f.number(0).filter(|_| f.is(1, b'T'));
    let from_magnetic = f.number(2).filter(|_| f.is(3, b'M'));
    let metres = f.number(6).filter(|_| f.is(7, b'M'));
    let speed = metres.or_else(|| f.number(4).filter(|_| f.is(5, b'N')).map(units::knots));
    let Some(speed) = speed else { return };
    if from_true.is_none() && from_magnetic.is_none() {
        return;
    }
    out.number_if(&p.wind_from_true, from_true.map(units::radians));
    out.number_if(&p.wind_from_magnetic, from_magnetic.map(units::radians));
    out.number(&p.true_speed, speed);
}

/// MDA: the meteorological composite. A quantity that is given in two units is written twice, the finer one last.
pub(super) fn mda(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    out.number_if(&p.pressure, f.number(0).map(units::inches_of_mercury));
    out.number_if(&p.pressure, f.number(2).map(units::bar));
    out.number_if(&p.air_temperature, f.number(4).map(units::celsius));
    out.number_if(&p.water_temperature, f.number(6).map(units::celsius));
    out.number_if(&p.humidity, f.number(8).map(|percent| percent / 100.0));
    out.number_if(&p.absolute_humidity, f.number(9).map(|percent| percent / 100.0));
    out.number_if(&p.dew_point, f.number(10).map(units::celsius));
    out.number_if(&p.wind_from_true, f.number(12).map(units::radians));
    out.number_if(&p.wind_from_magnetic, f.number(14).map(units::radians));
    out.number_if(&p.wind_over_ground, f.number(16).map(units::knots));
    out.number_if(&p.wind_over_ground, f.number(18));
}

/// MTA: air temperature, C.
pub(super) fn mta(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if f.is(1, b'C') {
        out.number_or_null(&p.air_temperature, f.number(0).map(units::celsius));
    }
}

/// 0..360 degrees clockwise to -180..180.
fn half_turn(degrees: f64) -> f64 {
    if degrees > 180.0 { degrees - 360.0 } else { degrees }
}
