//! Depth, water and speed through it: DBT, DBS, DBK, DPT, MTW, VHW, VLW, VPW, VDR.

use signalk_model::{Path, json};

use super::{draft::Draft, fields::Fields, paths::Paths, units};

/// DBT: depth below the transducer in feet, f, metres, M, fathoms, F.
pub(super) fn dbt(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    let depth = f.number(2).or_else(|| f.number(0).map(units::feet));
    out.number_or_null(&p.below_transducer, depth);
}

/// DBS and DBK: depth below the surface or the keel, fields as in DBT, of which only metres count.
pub(super) fn depth_in_metres(f: &Fields<'_>, path: &Path, out: &mut Draft) {
    out.number_or_null(path, f.number(2));
}

/// DPT: depth below the transducer, offset (positive: up to the surface, negative: down to the keel), range.
pub(super) fn dpt(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    let depth = f.number(0);
    out.number_or_null(&p.below_transducer, depth);
    let Some(offset) = f.number(1) else { return };
    if offset > 0.0 {
        out.number(&p.surface_to_transducer, offset);
        out.number_if(&p.below_surface, depth.map(|d| d + offset));
    } else if offset < 0.0 {
        out.number(&p.transducer_to_keel, -offset);
        out.number_if(&p.below_keel, depth.map(|d| d + offset));
    }
}

/// MTW: water temperature; always taken as degrees Celsius, as the sentence knows no other unit.
pub(super) fn mtw(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    out.number_or_null(&p.water_temperature, f.number(0).map(units::celsius));
}

/// VHW: heading true, T, magnetic, M, speed through water in knots, N, km/h, K.
pub(super) fn vhw(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    out.number_if(&p.heading_true, f.number(0).map(units::radians));
    out.number_if(&p.heading_magnetic, f.number(2).map(units::radians));
    out.number_if(&p.speed_through_water, f.number(4).map(units::knots));
}

/// VLW: total and trip distance through the water, both in nautical miles.
pub(super) fn vlw(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    out.number_if(&p.log, f.number(0).map(units::nautical_miles));
    out.number_if(&p.trip_log, f.number(2).map(units::nautical_miles));
}

/// VPW: speed parallel to the wind in knots, N, m/s, M; negative downwind.
pub(super) fn vpw(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    let speed = f.number(2).or_else(|| f.number(0).map(units::knots));
    out.number_if(&p.velocity_made_good, speed);
}

/// VDR: set of the current true, T, magnetic, M, drift in knots, N.
pub(super) fn vdr(f: &Fields<'_>, p: &Paths, out: &mut Draft) {
    out.object(
        &p.current,
        [
            ("setTrue", json::number(units::radians(f.number_or_zero(0)))),
            ("setMagnetic", json::number(units::radians(f.number_or_zero(2)))),
            ("drift", json::number(units::knots(f.number_or_zero(4)))),
        ],
    );
}
