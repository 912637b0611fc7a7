//! Where the bow points and how it turns: HDG, HDM, HDT, HSC, ROT, RSA, RPM.

use signalk_model::Path;

use super::{draft::Draft, fields::Fields, paths::Paths, time::digits, units};

/// HDT: true heading.
pub(super) fn hdt(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    out.number_if(&p.heading_true, f.number(0).map(units::radians));
}

/// HDM: magnetic heading.
pub(super) fn hdm(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    out.number_if(&p.heading_magnetic, f.number(0).map(units::radians));
}

/// HDG: compass heading, deviation, E or W, variation, E or W.
///
/// A compass that reports no deviation is taken to show the magnetic heading.
pub(super) fn hdg(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    let heading = f.number(0);
    let deviation = east(f, 1);
    let variation = east(f, 3);
    if let Some(compass) = heading {
        let magnetic = compass + deviation.unwrap_or(0.0);
        out.number(&p.heading_magnetic, units::radians(magnetic));
        if deviation.is_some() {
            out.number(&p.heading_compass, units::radians(compass));
        }
        out.number_if(
            &p.heading_true,
            variation.map(|v| units::radians(magnetic) + units::radians(v)),
        );
    }
    out.number_if(&p.variation, variation.map(units::radians));
    out.number_if(&p.deviation, deviation.map(units::radians));
}

/// Field `i` in degrees, positive when the next field says east.
fn east(f: &Fields<'_>, i: usize) -> Option<f64> {
    let degrees = f.number(i)?;
    Some(if f.is(i + 1, b'E') { degrees } else { 0.0 - degrees })
}

/// HSC: commanded heading true, T, magnetic, M.
pub(super) fn hsc(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    let (Some(heading_true), Some(heading_magnetic)) = (f.number(0), f.number(2)) else { return };
    out.number(&p.target_heading_true, units::radians(heading_true));
    out.number(&p.target_heading_magnetic, units::radians(heading_magnetic));
}

/// ROT: degrees per minute, negative to port; status.
pub(super) fn rot(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if f.is(1, b'A') {
        out.number(&p.rate_of_turn, units::radians(f.number_or_zero(0)) / 60.0);
    }
}

/// RSA: starboard (or only) rudder, status, port rudder, status.
pub(super) fn rsa(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    if f.is(1, b'A') {
        out.number(&p.rudder, units::radians(f.number_or_zero(0)));
    }
}

/// RPM: E (engine) or S (shaft), its number, revolutions per minute, propeller pitch, status.
pub(super) fn rpm(f: &Fields<'_>, out: &mut Draft) {
    let kind = match f.raw(0) {
        b"S" => "shaft",
        b"E" => "engine",
        _ => return f.count_bad(),
    };
    let Some(number) = digits(f.raw(1)) else { return f.count_bad() };
    let name = Path::from(["propulsion.", kind, "_", &number.to_string(), ".revolutions"].concat());
    out.number(&name, f.number_or_zero(2) / 60.0);
}
