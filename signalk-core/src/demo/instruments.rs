//! What the instruments on board send, and how often: compass, wind, GPS, log, echo sounder, plotter.

use super::{
    boat::{Boat, DRIFT, SET, VARIATION},
    geometry::{sin, turn, whole},
    rng::Rng,
    sentence::{Bearing, Clock, Position, knots, miles, sentence},
};

/// From the transducer up to the surface, in m.
const TRANSDUCER_DEPTH: f64 = 0.6;

macro_rules! say {
    ($out:expr, $($format:tt)*) => { sentence($out, '$', format_args!($($format)*)) };
}

/// The compass.
pub(super) fn five_a_second(boat: &Boat, noise: &mut Rng, out: &mut Vec<u8>) {
    let magnetic = Bearing(boat.heading - VARIATION + noise.noise() * 0.1);
    say!(out, "IIHDG,{magnetic},,,{VARIATION:.1},E");
}

/// The wind vane, and the true wind that it works out.
pub(super) fn two_a_second(boat: &Boat, noise: &mut Rng, out: &mut Vec<u8>) {
    let (angle, speed) = boat.apparent();
    let angle = Bearing(angle + noise.noise() * 0.6);
    let speed = knots((speed + noise.noise() * 0.05).max(0.0));
    say!(out, "WIMWV,{angle},R,{speed:.1},N,A");
    let angle = Bearing(boat.true_angle() + noise.noise() * 0.4);
    let speed = knots(boat.wind_speed);
    say!(out, "WIMWV,{angle},T,{speed:.1},N,A");
}

/// Everything that is not in a hurry.
pub(super) fn every_second(
    boat: &Boat,
    noise: &mut Rng,
    second: u64,
    now_ms: i64,
    out: &mut Vec<u8>,
) {
    gps(boat, noise, second, now_ms, out);
    let stw = knots(boat.speed);
    let (heading, magnetic) = (Bearing(boat.heading), Bearing(boat.heading - VARIATION));
    say!(out, "IIVHW,{heading},T,{magnetic},M,{stw:.2},N,{:.2},K", boat.speed * 3.6);
    say!(out, "IIVLW,{:.3},N,{:.3},N", miles(boat.log), miles(boat.trip));
    say!(out, "IIROT,{:.1},A", boat.rate_of_turn * 60.0);
    say!(out, "IIRSA,{:.1},A,,V", boat.rudder + noise.noise() * 0.2);
    say!(
        out,
        "SDDPT,{:.1},{TRANSDUCER_DEPTH:.1}",
        (boat.depth - TRANSDUCER_DEPTH + noise.noise() * 0.06).max(0.5)
    );
    let (from, speed) = (turn(boat.wind_from), boat.wind_speed);
    let (from, from_magnetic) = (Bearing(from), Bearing(from - VARIATION));
    say!(out, "WIMWD,{from},T,{from_magnetic},M,{:.1},N,{speed:.1},M", knots(speed));
    let made_good = boat.made_good_to_wind();
    say!(out, "IIVPW,{:.2},N,{made_good:.2},M", knots(made_good));
    if second.is_multiple_of(2) {
        say!(out, "YXMTW,{:.1},C", boat.water_temperature);
        let (set, magnetic) = (Bearing(SET), Bearing(SET - VARIATION));
        say!(out, "IIVDR,{set},T,{magnetic},M,{:.2},N", knots(DRIFT));
    }
    plotter(boat, out);
}

fn gps(boat: &Boat, noise: &mut Rng, second: u64, now_ms: i64, out: &mut Vec<u8>) {
    let clock = Clock::at(now_ms);
    let time = &clock.time;
    let fix = boat.place.moved(noise.spread() * 180.0, noise.noise() * 0.8);
    let position = Position(fix.degrees());
    let course = Bearing(boat.course + noise.noise() * 0.5);
    let sog = (boat.speed_over_ground + noise.noise() * 0.03).max(0.0);
    let date = &clock.date;
    say!(out, "GPRMC,{time},A,{position},{:.2},{course},{date},{VARIATION:.1},E,A", knots(sog));
    let altitude = 2.1 + noise.noise() * 0.4;
    say!(out, "GPGGA,{time},{position},1,11,0.9,{altitude:.1},M,17.4,M,,");
    let magnetic = Bearing(boat.course - VARIATION);
    say!(out, "GPVTG,{course},T,{magnetic},M,{:.2},N,{:.2},K,A", knots(sog), sog * 3.6);
    if second.is_multiple_of(5) {
        say!(out, "GPZDA,{time},{},00,00", clock.zda);
        satellites(second, out);
    }
}

/// Eleven satellites that creep over the sky.
fn satellites(second: u64, out: &mut Vec<u8>) {
    const IDS: [u32; 11] = [2, 5, 7, 9, 13, 14, 20, 22, 27, 30, 32];
    let hours = f64::from(u32::try_from(second).unwrap_or(u32::MAX)) / 3600.0;
    let mut seen = IDS.iter().map(|&id| {
        let phase = f64::from(id) * 73.0 + hours * 30.0;
        let elevation = 8 + whole(68.0 * sin(phase / 2.0).abs());
        let azimuth = whole(turn(phase * 1.7)).rem_euclid(360);
        format!(",{id:02},{elevation:02},{azimuth:03},{:02}", 28 + elevation / 4)
    });
    for number in 1..=3 {
        let four: String = seen.by_ref().take(4).collect();
        say!(out, "GPGSV,3,{number},11{four}");
    }
}

/// The chart plotter steers for the next mark.
fn plotter(boat: &Boat, out: &mut Vec<u8>) {
    let (name, mark) = boat.mark();
    let from = boat.last_mark();
    let off = boat.cross_track();
    // The letter says where to steer: left of the track, steer right.
    let side = if off > 0.0 { 'L' } else { 'R' };
    let error = miles(off.abs());
    let bearing = boat.place.bearing(mark);
    let closing = boat.speed_over_ground * super::geometry::cos(boat.course - bearing);
    let (range, to) = (miles(boat.place.distance(mark)), Position(mark.degrees()));
    let bearing = Bearing(bearing);
    say!(out, "GPXTE,A,A,{error:.3},{side},N,A");
    say!(
        out,
        "GPRMB,A,{error:.2},{side},{from},{name},{to},{range:.2},{bearing},{:.1},V,A",
        knots(closing)
    );
}
