//! How the neighbours of `fleet` move, what they report over AIS, and how often.
//!
//! A neighbour's place is a function of the time, so nothing drifts.

use super::{
    ais::{Message, tenths_of_degrees, tenths_of_knots, whole_degrees},
    fleet::{Kind, NEIGHBOURS, Neighbour},
    geometry::{Place, sin, turn},
};

/// How often static data come, in s.
const STATIC_INTERVAL: u64 = 360;

/// Sends what is due in second `second` of the voyage.
pub(super) fn report(second: u64, start_ms: i64, out: &mut Vec<u8>) {
    for (number, neighbour) in (1u64..).zip(NEIGHBOURS) {
        let Some(since) = second.checked_sub(number) else { continue };
        let channel = if (second + number).is_multiple_of(2) { 'A' } else { 'B' };
        if since.is_multiple_of(neighbour.interval()) {
            neighbour.position_report(second, start_ms, channel, out);
        }
        // Soon after the first report, so that a new display has names, then as seldom as on the air.
        if since.checked_sub(2).is_some_and(|s| s.is_multiple_of(STATIC_INTERVAL)) {
            neighbour.static_report(channel, u32::try_from(second % 10).unwrap_or_default(), out);
        }
    }
}

impl Neighbour {
    /// Seconds between position reports (ITU-R M.1371, table 1).
    fn interval(&self) -> u64 {
        match self.kind {
            Kind::A { .. } if self.speed < 0.1 => 180,
            Kind::A { .. } if self.speed <= 7.2 => 10,
            Kind::A { .. } => 6,
            Kind::B { .. } => 30,
            Kind::Aid { .. } => 180,
            Kind::Aircraft | Kind::Base => 10,
        }
    }

    /// Place and course after `seconds`.
    fn at(&self, seconds: f64) -> (Place, f64) {
        let legs = || self.route.iter().zip(self.route.iter().cycle().skip(1));
        let length: f64 = legs().map(|(a, b)| a.distance(*b)).sum();
        let mut rest = if length > 0.0 { (self.speed * seconds).rem_euclid(length) } else { 0.0 };
        for (a, b) in legs() {
            let leg = a.distance(*b);
            if rest < leg {
                let course = a.bearing(*b);
                return (a.moved(course, rest), course);
            }
            rest -= leg;
        }
        (self.route.first().copied().unwrap_or_default(), 0.0)
    }

    fn position_report(&self, second: u64, start_ms: i64, channel: char, out: &mut Vec<u8>) {
        let seconds = f64::from(u32::try_from(second).unwrap_or(u32::MAX));
        let (place, course) = self.at(seconds);
        let utc =
            (start_ms.div_euclid(1000) + i64::try_from(second).unwrap_or_default()).rem_euclid(60);
        let utc = u32::try_from(utc).unwrap_or(60);
        // What swings at anchor still has a heading; what steers yaws a little.
        let heading = whole_degrees(turn(course + 2.0 * sin(seconds * 7.0)));
        let (sog, cog) = (tenths_of_knots(self.speed), tenths_of_degrees(course));
        let still = self.speed < 0.1;
        let message = match &self.kind {
            Kind::A { status, .. } => Message::new(1, self.mmsi)
                .unsigned(*status, 4)
                .signed(0, 8)
                .unsigned(sog, 10)
                .unsigned(1, 1)
                .position(place.degrees())
                .unsigned(if still { 3600 } else { cog }, 12)
                .unsigned(heading, 9)
                .unsigned(utc, 6)
                .unsigned(0, 2 + 3 + 1 + 19),
            Kind::B { .. } => Message::new(18, self.mmsi)
                .unsigned(0, 8)
                .unsigned(sog, 10)
                .unsigned(0, 1)
                .position(place.degrees())
                .unsigned(if still { 3600 } else { cog }, 12)
                .unsigned(511, 9)
                .unsigned(utc, 6)
                .unsigned(0, 2)
                .unsigned(0b111_0110, 7)
                .unsigned(0, 20),
            Kind::Aid { kind, is_virtual } => Message::new(21, self.mmsi)
                .unsigned(*kind, 5)
                .text(self.name, 20)
                .unsigned(1, 1)
                .position(place.degrees())
                .dimensions(self.size)
                .unsigned(if *is_virtual { 7 } else { 1 }, 4)
                .unsigned(utc, 6)
                .unsigned(0, 1 + 8 + 1)
                .unsigned(u32::from(*is_virtual), 1)
                .unsigned(0, 1 + 1 + 4),
            Kind::Aircraft => Message::new(9, self.mmsi)
                .unsigned(150, 12)
                .unsigned(sog / 10, 10)
                .unsigned(1, 1)
                .position(place.degrees())
                .unsigned(cog, 12)
                .unsigned(utc, 6)
                .unsigned(0, 8 + 1 + 3 + 1 + 1 + 19),
            Kind::Base => {
                self.base_report(start_ms + i64::try_from(second * 1000).unwrap_or_default(), place)
            }
        };
        message.write(channel, 0, out);
    }

    fn base_report(&self, now_ms: i64, place: Place) -> Message {
        use crate::input::calendar::{DAY_MS, civil};
        let (year, month, day) = civil(now_ms.div_euclid(DAY_MS));
        let second = now_ms.rem_euclid(DAY_MS) / 1000;
        let small = |n: i64| u32::try_from(n).unwrap_or_default();
        Message::new(4, self.mmsi)
            .unsigned(small(year), 14)
            .unsigned(small(month), 4)
            .unsigned(small(day), 5)
            .unsigned(small(second / 3600), 5)
            .unsigned(small(second / 60 % 60), 6)
            .unsigned(small(second % 60), 6)
            .unsigned(1, 1)
            .position(place.degrees())
            .unsigned(1, 4)
            .unsigned(0, 10 + 1 + 19)
    }

    fn static_report(&self, channel: char, sequence: u32, out: &mut Vec<u8>) {
        match &self.kind {
            Kind::A { imo, draught, destination, .. } => Message::new(5, self.mmsi)
                .unsigned(0, 2)
                .unsigned(*imo, 30)
                .text(self.callsign, 7)
                .text(self.name, 20)
                .unsigned(self.ship_type, 8)
                .dimensions(self.size)
                .unsigned(1, 4)
                .unsigned(6, 4)
                .unsigned(21, 5)
                .unsigned(17, 5)
                .unsigned(30, 6)
                .unsigned(*draught, 8)
                .text(destination, 20)
                .unsigned(0, 2)
                .write(channel, sequence, out),
            Kind::B { extended: true } => {
                let (place, course) = self.at(0.0);
                Message::new(19, self.mmsi)
                    .unsigned(0, 8)
                    .unsigned(tenths_of_knots(self.speed), 10)
                    .unsigned(0, 1)
                    .position(place.degrees())
                    .unsigned(tenths_of_degrees(course), 12)
                    .unsigned(511, 9)
                    .unsigned(60, 6)
                    .unsigned(0, 4)
                    .text(self.name, 20)
                    .unsigned(self.ship_type, 8)
                    .dimensions(self.size)
                    .unsigned(1, 4)
                    .unsigned(0, 1 + 1 + 1 + 4)
                    .write(channel, sequence, out);
            }
            Kind::B { extended: false } => {
                Message::new(24, self.mmsi)
                    .unsigned(0, 2)
                    .text(self.name, 20)
                    .unsigned(0, 8)
                    .write(channel, 0, out);
                Message::new(24, self.mmsi)
                    .unsigned(1, 2)
                    .unsigned(self.ship_type, 8)
                    .text("SIM", 7)
                    .text(self.callsign, 7)
                    .dimensions(self.size)
                    .unsigned(0, 6)
                    .write(channel, 0, out);
            }
            Kind::Aid { .. } | Kind::Aircraft | Kind::Base => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ships_go_round_their_course_at_their_speed() {
        for neighbour in NEIGHBOURS {
            let (mut last, _) = neighbour.at(0.0);
            for second in 1..7200u32 {
                let (place, course) = neighbour.at(f64::from(second));
                let gone = last.distance(place);
                assert!(gone <= neighbour.speed + 1e-6, "{} jumps {gone} m", neighbour.name);
                assert!((0.0..360.0).contains(&course));
                last = place;
            }
        }
    }
}
