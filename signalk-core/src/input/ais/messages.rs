//! One whole AIS message to the values of its vessel, aid to navigation or aircraft (ITU-R M.1371, annex 8).
//!
//! Types 1-5, 9, 11, 18, 19, 21, 24 and 27. A field that says "not available" gives no value. A message that reports a
//! position but has none to report gives nothing at all, as in the reference.
//! DIFFERENCE: fields that a short message does not have are absent; the reference reads zeros.

use serde_json::{Map, Value as Json};
use signalk_model::{Timestamp, Value, json};

use super::{bits::Bits, names};
use crate::input::{
    calendar::{DAY_MS, civil, days},
    nmea0183::{
        draft::{Draft, object},
        paths::Paths,
        units,
    },
};

/// What a message is about: the first part of its context.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Group {
    Vessels,
    Atons,
    Aircraft,
}

impl Group {
    /// Of a message type; `None` when the type is not supported.
    pub(super) fn of(kind: u32) -> Option<Self> {
        match kind {
            1..=3 | 5 | 11 | 18 | 19 | 24 | 27 => Some(Self::Vessels),
            4 | 21 => Some(Self::Atons),
            9 => Some(Self::Aircraft),
            _ => None,
        }
    }
}

/// Writes what message `kind` says, after the identity of its sender; false when it says nothing.
pub(super) fn decode(kind: u32, mmsi: u32, b: &Bits, p: &Paths, out: &mut Draft) -> bool {
    match kind {
        1..=3 => underway(b, p, out),
        4 | 11 => base_station(kind, b, p, out),
        5 => voyage(b, p, out),
        9 => aircraft(b, p, out),
        18 | 19 => class_b(kind, b, p, out),
        21 => aid_to_navigation(b, p, out),
        24 => class_b_static(mmsi, b, p, out),
        27 => long_range(b, p, out),
        _ => None,
    }
    .is_some()
}

/// Messages 1, 2, 3: position report of a class A vessel.
fn underway(b: &Bits, p: &Paths, out: &mut Draft) -> Option<()> {
    let position = position(b, 61)?;
    speed(b, 50, p, out);
    course_and_heading(b, 116, p, out);
    out.number_if(&p.rate_of_turn, b.signed(42, 8).and_then(rate_of_turn));
    if let Some(state) = b.unsigned(38, 4).and_then(names::state) {
        out.text(&p.state, state);
    }
    out.text(&p.ais_class, "A");
    if let Some(indicator) = b.unsigned(143, 2) {
        out.text(&p.special_maneuver, names::special_maneuver(indicator));
    }
    known_position(position, p, out);
    Some(())
}

/// Message 4 (base station) and 11 (answer of a vessel to a request for time).
fn base_station(kind: u32, b: &Bits, p: &Paths, out: &mut Draft) -> Option<()> {
    let position = position(b, 79)?;
    if kind == 4 {
        out.text(&p.ais_class, "BASE");
    }
    known_position(position, p, out);
    Some(())
}

/// Message 5: name, dimensions and voyage of a class A vessel.
fn voyage(b: &Bits, p: &Paths, out: &mut Draft) -> Option<()> {
    name(b, 112, p, out);
    dimensions(b, 240, p, out, |out| {
        if let Some(draught @ 1..) = b.unsigned(294, 8) {
            out.object(&p.draft, [("current", json::number(f64::from(draught) / 10.0))]);
        }
    });
    if let Some(destination) = b.text(302, 20) {
        out.text(&p.destination, destination);
    }
    if let Some(eta) = eta(b, out.now_ms) {
        out.text(&p.eta, eta.as_str());
    }
    callsign(b, 70, p, out);
    out.text(&p.ais_class, "A");
    if let Some(imo @ 1..) = b.unsigned(40, 30) {
        let imo = ["IMO ", &imo.to_string()].concat();
        out.object(&p.root, [("registrations", Json::Object(one("imo", imo.into())))]);
    }
    ship_type(b, 232, p, out);
    Some(())
}

/// Message 9: a search and rescue aircraft; its speed is in whole knots.
fn aircraft(b: &Bits, p: &Paths, out: &mut Draft) -> Option<()> {
    let position = position(b, 61)?;
    let speed = b.unsigned(50, 10).filter(|&s| s != 1023);
    out.number_if(&p.speed_over_ground, speed.map(|s| units::knots(f64::from(s))));
    course(b, 116, p, out);
    known_position(position, p, out);
    Some(())
}

/// Messages 18 and 19: a class B vessel; 19 carries its static data too.
fn class_b(kind: u32, b: &Bits, p: &Paths, out: &mut Draft) -> Option<()> {
    let position = position(b, 57)?;
    if kind == 19 {
        name(b, 143, p, out);
    }
    speed(b, 46, p, out);
    course_and_heading(b, 112, p, out);
    if kind == 19 {
        dimensions(b, 271, p, out, |_| ());
    }
    out.text(&p.ais_class, "B");
    if kind == 19 {
        ship_type(b, 263, p, out);
    }
    known_position(position, p, out);
    Some(())
}

/// Message 21: a buoy, beacon or light, real or virtual.
fn aid_to_navigation(b: &Bits, p: &Paths, out: &mut Draft) -> Option<()> {
    let position = position(b, 164)?;
    let extension = b.text(272, 14).unwrap_or_default();
    match b.text(43, 20) {
        // The name goes on in the extension only when it fills its own field.
        Some(name) if name.len() == 20 => {
            out.object(&p.root, [("name", [name, extension].concat().into())])
        }
        Some(name) => out.object(&p.root, [("name", name.into())]),
        None => {}
    }
    dimensions(b, 219, p, out, |_| ());
    out.text(&p.ais_class, "ATON");
    let kind = b.unsigned(38, 5)?;
    if let Some(name) = names::aton_type(kind) {
        out.object(&p.aton_type, [("id", kind.into()), ("name", name.into())]);
    }
    if kind != 0 {
        out.value(&p.off_position, Value::Bool(b.flag(259)?));
        out.value(&p.is_virtual, Value::Bool(b.flag(269)?));
    }
    known_position(position, p, out);
    Some(())
}

/// Message 24: static data of a class B vessel, part A (name) or B (the rest).
fn class_b_static(mmsi: u32, b: &Bits, p: &Paths, out: &mut Draft) -> Option<()> {
    match b.unsigned(38, 2)? {
        0 => name(b, 40, p, out),
        1 => {
            // A craft of a mother ship (98xxxxxxx) has her number where others have their size.
            if mmsi / 10_000_000 != 98 {
                dimensions(b, 132, p, out, |_| ());
            }
            callsign(b, 90, p, out);
            ship_type(b, 40, p, out);
        }
        _ => return None,
    }
    Some(())
}

/// Message 27: position report for reception by satellite, coarse.
fn long_range(b: &Bits, p: &Paths, out: &mut Draft) -> Option<()> {
    let longitude = f64::from(b.signed(44, 18)?) / 600.0;
    let latitude = f64::from(b.signed(62, 17)?) / 600.0;
    let position = on_earth(latitude, longitude)?;
    let speed = b.unsigned(79, 6).filter(|&s| s != 63);
    out.number_if(&p.speed_over_ground, speed.map(|s| units::knots(f64::from(s))));
    let course = b.unsigned(85, 9).filter(|&c| c < 360);
    out.number_if(&p.course_true, course.map(|c| units::radians(f64::from(c))));
    if let Some(state) = b.unsigned(40, 4).and_then(names::state) {
        out.text(&p.state, state);
    }
    known_position(position, p, out);
    Some(())
}

/// Longitude from bit `at`, latitude after it, in 1/10000 minutes.
fn position(b: &Bits, at: usize) -> Option<(f64, f64)> {
    let longitude = f64::from(b.signed(at, 28)?) / 600_000.0;
    let latitude = f64::from(b.signed(at + 28, 27)?) / 600_000.0;
    on_earth(latitude, longitude)
}

/// 181 and 91 degrees mean "not available".
fn on_earth(latitude: f64, longitude: f64) -> Option<(f64, f64)> {
    (latitude.abs() <= 90.0 && longitude.abs() <= 180.0).then_some((latitude, longitude))
}

/// A transponder without a fix that reports 0, 0 is not in the Gulf of Guinea.
///
/// DIFFERENCE: the reference takes a zero in one of the two as missing too, and loses the meridian of Greenwich.
fn known_position(position: (f64, f64), p: &Paths, out: &mut Draft) {
    if position != (0.0, 0.0) {
        out.position(&p.position, Some(position));
    }
}

fn speed(b: &Bits, at: usize, p: &Paths, out: &mut Draft) {
    let speed = b.unsigned(at, 10).filter(|&s| s != 1023);
    out.number_if(&p.speed_over_ground, speed.map(|s| units::knots(f64::from(s) / 10.0)));
}

fn course_and_heading(b: &Bits, at: usize, p: &Paths, out: &mut Draft) {
    course(b, at, p, out);
    let heading = b.unsigned(at + 12, 9).filter(|&h| h <= 360);
    out.number_if(&p.heading_true, heading.map(|h| units::radians(f64::from(h))));
}

fn course(b: &Bits, at: usize, p: &Paths, out: &mut Draft) {
    let course = b.unsigned(at, 12).filter(|&c| c < 3600);
    out.number_if(&p.course_true, course.map(|c| units::radians(f64::from(c) / 10.0)));
}

/// The field is 4.733 times the root of the rate in degrees per minute; 127 and -127 only say "more than 10", -128
/// nothing.
fn rate_of_turn(field: i32) -> Option<f64> {
    if field.abs() >= 127 {
        return None;
    }
    let root = f64::from(field) / 4.733;
    Some(units::radians(root * root.abs()) / 60.0)
}

fn name(b: &Bits, at: usize, p: &Paths, out: &mut Draft) {
    if let Some(name) = b.text(at, 20) {
        out.object(&p.root, [("name", name.into())]);
    }
}

fn callsign(b: &Bits, at: usize, p: &Paths, out: &mut Draft) {
    if let Some(callsign) = b.text(at, 7) {
        out.object(&p.root, [("communication", Json::Object(one("callsignVhf", callsign.into())))]);
    }
}

fn ship_type(b: &Bits, at: usize, p: &Paths, out: &mut Draft) {
    let Some(id) = b.unsigned(at, 8) else { return };
    if let Some(name) = names::ship_type(id) {
        out.object(&p.ship_type, [("id", id.into()), ("name", name.into())]);
    }
}

/// Distances from the antenna to bow, stern, port and starboard, in m. `draft` is written between them, as the
/// reference does.
fn dimensions(b: &Bits, at: usize, p: &Paths, out: &mut Draft, draft: impl FnOnce(&mut Draft)) {
    let side = |start, len| b.unsigned(start, len).map_or(0.0, f64::from);
    let (bow, stern) = (side(at, 9), side(at + 9, 9));
    let (port, starboard) = (side(at + 18, 6), side(at + 24, 6));
    if bow + stern > 0.0 {
        out.object(&p.length, [("overall", json::number(bow + stern))]);
    }
    if port + starboard > 0.0 {
        out.number(&p.beam, port + starboard);
    }
    draft(out);
    if bow > 0.0 {
        out.number(&p.from_bow, bow);
    }
    if starboard > 0.0 {
        out.number(&p.from_center, (port - starboard) / 2.0);
    }
}

/// Month, day, hour and minute of arrival; the year is the one that makes it the next such moment.
fn eta(b: &Bits, now_ms: i64) -> Option<Timestamp> {
    let (month, day) = (i64::from(b.unsigned(274, 4)?), i64::from(b.unsigned(278, 5)?));
    let (hour, minute) = (i64::from(b.unsigned(283, 5)?), i64::from(b.unsigned(288, 6)?));
    if hour > 23 || minute > 59 {
        return None;
    }
    let (year, _, _) = civil(now_ms.div_euclid(DAY_MS));
    let moment = |year| days(year, month, day).map(|d| d * DAY_MS + (hour * 60 + minute) * 60_000);
    let eta = moment(year).filter(|&ms| ms >= now_ms).or_else(|| moment(year + 1))?;
    Some(Timestamp::from_unix_ms(eta))
}

fn one(name: &str, value: Json) -> Map<String, Json> {
    Map::from_iter([(name.to_owned(), value)])
}

/// `{"mmsi":"244670316"}`: the identity that every message starts with.
pub(super) fn identity(mmsi: &str) -> Value {
    object([("mmsi", mmsi.into())])
}
