//! Where and when, and how surely: RMC, GGA, GNS, GSA, GLL, VTG, ZDA. How a field is read is `fields.rs`.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use signalk_model::{Timestamp, Value};

use super::{
    draft::Draft,
    fields::Fields,
    paths::Paths,
    time::{digits, full_year, moment, moment_today, time_of_day},
    units,
};
use crate::input::calendar::{DAY_MS, days};

/// RMC: time, status, position, speed in knots, course, date, variation, E or W.
///
/// A receiver without a fix says so with empty fields and status V; the values are passed on as the reference does.
pub(super) fn rmc(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if f.len() < 9 {
        return f.count_bad();
    }
    let moment = moment(f, 0, 8, out.now_ms);
    out.moment_ms = Some(moment);
    out.position(&p.position, f.position(2));
    out.number_or_null(&p.course_true, f.number(7).map(units::radians));
    out.number_or_null(&p.speed_over_ground, f.number(6).filter(|&s| s >= 0.0).map(units::knots));
    let variation = f.number(9).and_then(|v| match f.raw(10) {
        b"" => None,
        b"E" => Some(units::radians(v)),
        _ => Some(0.0 - units::radians(v)),
    });
    out.number_or_null(&p.variation, variation);
    out.value(&p.variation_age, Value::Number(seconds(moment)));
    datetime(p, moment, out);
}

/// Time and position, with which both sentences of a fix begin; false: the receiver has none, and nothing to report, or
/// the sentence is too short.
///
/// More than four empty fields: a receiver without a fix.
fn fix(f: &Fields<'_>, p: &Paths, out: &mut Draft) -> bool {
    if f.len() < 9 {
        f.count_bad();
        return false;
    }
    if f.empty_count() > 4 {
        return false;
    }
    out.moment_ms = Some(whole_seconds(moment_today(f, 0, out.now_ms)));
    out.position(&p.position, f.position(1));
    true
}

/// GGA: time, position, quality, satellites, HDOP, altitude, M, geoidal separation, M, age of corrections, their
/// station.
pub(super) fn gga(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if !fix(f, p, out) {
        return;
    }
    let quality = match f.raw(5) {
        b"1" => "GNSS Fix",
        b"2" => "DGNSS fix",
        b"3" => "Precise GNSS",
        b"4" => "RTK fixed integer",
        b"5" => "RTK float",
        b"6" => "Estimated (DR) mode",
        b"7" => "Manual input",
        b"8" => "Simulator mode",
        b"0" | b"" => "no GPS",
        _ => "Error",
    };
    out.text(&p.gnss_quality, quality);
    out.number(&p.gnss_satellites, f.number_or_zero(6));
    out.number(&p.gnss_altitude, f.number_or_zero(8));
    out.number(&p.gnss_hdop, f.number_or_zero(7));
    out.number(&p.gnss_geoid, f.number_or_zero(10));
    out.number(&p.gnss_age, f.number_or_zero(12));
    out.number(&p.gnss_reference, f.number_or_zero(13));
}

/// GNS: time, position, one mode letter per constellation, satellites, HDOP, altitude, geoidal separation, age,
/// station, status.
pub(super) fn gns(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if !fix(f, p, out) {
        return;
    }
    let mut quality = Map::new();
    for (constellation, mode) in
        ["GPS", "GLONASS", "Galileo", "BeiDou", "QZSS"].into_iter().zip(f.raw(5))
    {
        let mode = match mode {
            b'N' => "No Valid Fix",
            b'A' => "Autonomous",
            b'D' => "Differential",
            b'P' => "Precise",
            b'R' => "RTK Integer",
            b'F' => "RTK Float",
            b'E' => "Estimated",
            b'M' => "Manual",
            b'S' => "Simulator",
            _ => {
                f.count_bad();
                continue;
            }
        };
        quality.insert(constellation.to_owned(), Json::from(mode));
    }
    out.value(&p.gnss_quality, Value::Json(Arc::new(Json::Object(quality))));
    out.number(&p.gnss_satellites, f.number_or_zero(6));
    out.number(&p.gnss_altitude, f.number_or_zero(8));
    out.number(&p.gnss_hdop, f.number_or_zero(7));
    out.number(&p.gnss_geoid, f.number_or_zero(9));
    out.number(&p.gnss_age, f.number_or_zero(10));
    out.number(&p.gnss_reference, f.number_or_zero(11));
    let status = match f.raw(12) {
        b"S" => "Safe",
        b"C" => "Caution",
        b"U" => "Unsafe",
        b"V" => "Not Valid",
        _ => return,
    };
    out.text(&p.gnss_status, status);
}

/// GSA: automatic or manual, fix (1 none, 2 in two dimensions, 3 in three), ids of up to twelve satellites, PDOP, HDOP,
/// VDOP. HDOP is that of GGA and GNS, which say it, too. Without a fix PDOP is known to be unavailable.
///
/// DIFFERENCE: the reference has nothing for this sentence; no other says PDOP.
pub(super) fn gsa(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if f.len() < 15 {
        return f.count_bad();
    }
    let pdop = f.number(14).filter(|_| !f.is(1, b'1'));
    out.number_or_null(&p.gnss_pdop, pdop);
}

/// GLL: position, time, status.
pub(super) fn gll(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if f.len() < 6 {
        return f.count_bad();
    }
    if f.is_empty(5) || f.is(5, b'V') {
        return;
    }
    out.moment_ms = Some(whole_seconds(moment_today(f, 4, out.now_ms)));
    out.position(&p.position, f.position(0));
}

/// VTG: course true, T, magnetic, M, speed in knots, N, km/h, K.
pub(super) fn vtg(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if f.len() < 5 {
        return f.count_bad();
    }
    if [0, 2, 4, 6].iter().all(|&i| f.is_empty(i)) {
        return;
    }
    out.number_or_null(&p.course_magnetic, f.number(2).map(units::radians));
    out.number_or_null(&p.course_true, f.number(0).map(units::radians));
    let speed =
        f.number(6).map(units::kilometres_per_hour).or_else(|| f.number(4).map(units::knots));
    out.number(&p.speed_over_ground, speed.unwrap_or(0.0));
}

/// ZDA: time, day, month, year.
pub(super) fn zda(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if (0..4).any(|i| f.is_empty(i)) {
        return;
    }
    let Some(time) = time_of_day(f, 0) else { return };
    let day = digits(f.raw(1)).zip(digits(f.raw(2))).zip(digits(f.raw(3)));
    match day.and_then(|((day, month), year)| days(full_year(year), month, day)) {
        Some(day) => datetime(p, day * DAY_MS + time, out),
        None => f.count_bad(),
    }
}

fn datetime(p: &Paths, moment_ms: i64, out: &mut Draft) {
    out.text(&p.datetime, Timestamp::from_unix_ms(moment_ms).as_str());
}

/// The reference drops the fraction of a second in these sentences.
fn whole_seconds(moment_ms: i64) -> i64 {
    moment_ms - moment_ms.rem_euclid(1000)
}

/// Seconds since the epoch; the dates of sentences end in 2079.
fn seconds(moment_ms: i64) -> f64 {
    f64::from(u32::try_from(moment_ms.div_euclid(1000)).unwrap_or_default())
}
