//! The neighbours: ships on the fairways, ferries, boats, buoys, and how often each reports over AIS.
//!
//! A neighbour's place is a function of the time, so nothing drifts. None of these ships exists.

use super::{
    ais::{Message, tenths_of_degrees, tenths_of_knots, whole_degrees},
    geometry::{Place, sin, turn},
};

/// What a neighbour is, which decides what it sends and how often.
enum Kind {
    /// Class A with its navigational status, IMO number, draught in decimetres and destination.
    A { status: u32, imo: u32, draught: u32, destination: &'static str },
    /// Class B; those with a newer set send message 19 instead of two parts of message 24.
    B { extended: bool },
    /// Aid to navigation: its type, and whether it exists in the chart only.
    Aid { kind: u32, is_virtual: bool },
    /// Search and rescue helicopter.
    Aircraft,
    /// Shore station.
    Base,
}

/// One AIS station.
pub(super) struct Neighbour {
    mmsi: u32,
    name: &'static str,
    callsign: &'static str,
    ship_type: u32,
    /// Bow, stern, port, starboard in m.
    size: [u32; 4],
    kind: Kind,
    /// A closed course; a single place for what lies still.
    route: &'static [Place],
    speed: f64,
}

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

const fn p(east: f64, north: f64) -> Place {
    Place::new(east, north)
}

/// A dozen vessels, three aids to navigation, a helicopter and a shore station.
const NEIGHBOURS: &[Neighbour] = &[
    Neighbour {
        mmsi: 230_990_010,
        name: "AALLOTAR",
        callsign: "OJXA",
        ship_type: 70,
        size: [112, 23, 10, 11],
        kind: Kind::A { status: 0, imo: 9_990_012, draught: 72, destination: "KOTKA" },
        route: &[
            p(-16_000.0, -9_800.0),
            p(18_000.0, -7_200.0),
            p(18_000.0, -8_400.0),
            p(-16_000.0, -11_000.0),
        ],
        speed: 6.4,
    },
    Neighbour {
        mmsi: 209_990_020,
        name: "BALTIC HERON",
        callsign: "5BXB2",
        ship_type: 80,
        size: [190, 35, 16, 16],
        kind: Kind::A { status: 0, imo: 9_990_024, draught: 118, destination: "PRIMORSK" },
        route: &[
            p(15_000.0, -10_600.0),
            p(-18_000.0, -13_200.0),
            p(-18_000.0, -12_000.0),
            p(15_000.0, -9_400.0),
        ],
        speed: 5.7,
    },
    Neighbour {
        mmsi: 276_990_030,
        name: "SUOMENLAHTI STAR",
        callsign: "ESXC",
        ship_type: 60,
        size: [150, 36, 14, 15],
        kind: Kind::A { status: 0, imo: 9_990_036, draught: 68, destination: "TALLINN" },
        route: &[
            p(5_400.0, 14_000.0),
            p(3_600.0, -21_000.0),
            p(4_400.0, -21_000.0),
            p(6_200.0, 14_000.0),
        ],
        speed: 12.9,
    },
    Neighbour {
        mmsi: 230_990_040,
        name: "MERIKOTKA EXPRESS",
        callsign: "OJXD",
        ship_type: 40,
        size: [40, 18, 8, 8],
        kind: Kind::A { status: 0, imo: 9_990_048, draught: 24, destination: "HELSINKI" },
        route: &[
            p(2_400.0, -21_000.0),
            p(5_000.0, 14_000.0),
            p(5_600.0, 14_000.0),
            p(3_000.0, -21_000.0),
        ],
        speed: 16.4,
    },
    Neighbour {
        mmsi: 255_990_050,
        name: "CORDELIA",
        callsign: "CQXE",
        ship_type: 79,
        size: [88, 12, 7, 7],
        kind: Kind::A { status: 1, imo: 9_990_050, draught: 51, destination: "FOR ORDERS" },
        route: &[p(7_800.0, -4_300.0)],
        speed: 0.0,
    },
    Neighbour {
        mmsi: 219_990_060,
        name: "ELSINORE BULKER",
        callsign: "OXXF2",
        ship_type: 70,
        size: [160, 25, 13, 14],
        kind: Kind::A { status: 1, imo: 9_990_062, draught: 96, destination: "HELSINKI" },
        route: &[p(9_100.0, -5_200.0)],
        speed: 0.0,
    },
    Neighbour {
        mmsi: 230_990_070,
        name: "PILOT 417",
        callsign: "OJXG",
        ship_type: 50,
        size: [9, 6, 3, 2],
        kind: Kind::A { status: 0, imo: 0, draught: 12, destination: "HARMAJA" },
        route: &[p(6_900.0, 13_000.0), p(6_300.0, -3_800.0), p(8_400.0, -4_600.0)],
        speed: 9.3,
    },
    Neighbour {
        mmsi: 230_990_080,
        name: "NUOTTA",
        callsign: "OJXH",
        ship_type: 30,
        size: [14, 8, 3, 4],
        kind: Kind::A { status: 7, imo: 0, draught: 28, destination: "FISHING GROUNDS" },
        route: &[p(-12_500.0, -3_000.0), p(-11_000.0, -4_500.0), p(-13_800.0, -5_200.0)],
        speed: 1.6,
    },
    Neighbour {
        mmsi: 230_990_090,
        name: "VINHA",
        callsign: "OJ2091",
        ship_type: 36,
        size: [9, 3, 2, 2],
        kind: Kind::B { extended: false },
        route: &[p(-1_500.0, 1_200.0), p(-6_000.0, -3_500.0), p(-8_000.0, -1_000.0)],
        speed: 2.9,
    },
    Neighbour {
        mmsi: 230_990_100,
        name: "SEITSEMAN VELJESTA",
        callsign: "OJ2100",
        ship_type: 36,
        size: [11, 3, 2, 2],
        kind: Kind::B { extended: true },
        route: &[p(1_800.0, -2_600.0), p(-3_200.0, -7_400.0), p(3_000.0, -6_800.0)],
        speed: 3.2,
    },
    Neighbour {
        mmsi: 230_990_110,
        name: "KOTIRANTA",
        callsign: "OJ2111",
        ship_type: 37,
        size: [6, 3, 2, 1],
        kind: Kind::B { extended: false },
        route: &[
            p(2_500.0, 5_500.0),
            p(-5_500.0, 4_200.0),
            p(-9_500.0, 5_000.0),
            p(-3_000.0, 6_400.0),
        ],
        speed: 8.1,
    },
    Neighbour {
        mmsi: 261_990_120,
        name: "MEWA",
        callsign: "SPX120",
        ship_type: 36,
        size: [12, 4, 2, 2],
        kind: Kind::B { extended: true },
        route: &[p(-15_000.0, -8_000.0), p(9_000.0, -2_000.0), p(4_000.0, 2_400.0)],
        speed: 3.6,
    },
    Neighbour {
        mmsi: 992_309_901,
        name: "HELSINKI LIGHTHOUSE",
        callsign: "",
        ship_type: 0,
        size: [5, 5, 5, 5],
        kind: Kind::Aid { kind: 6, is_virtual: false },
        route: &[p(4_228.0, -3_447.0)],
        speed: 0.0,
    },
    Neighbour {
        mmsi: 992_309_902,
        name: "W MARK",
        callsign: "",
        ship_type: 0,
        size: [0, 0, 0, 0],
        kind: Kind::Aid { kind: 23, is_virtual: false },
        route: &[p(-9_200.0, 1_800.0)],
        speed: 0.0,
    },
    Neighbour {
        mmsi: 992_309_903,
        name: "WRECK NEW DANGER",
        callsign: "",
        ship_type: 0,
        size: [0, 0, 0, 0],
        kind: Kind::Aid { kind: 4, is_virtual: true },
        route: &[p(-4_700.0, -8_800.0)],
        speed: 0.0,
    },
    Neighbour {
        mmsi: 111_230_990,
        name: "RESCUE 1",
        callsign: "",
        ship_type: 0,
        size: [0, 0, 0, 0],
        kind: Kind::Aircraft,
        route: &[p(9_000.0, 12_000.0), p(-14_000.0, -7_000.0), p(-2_000.0, -14_000.0)],
        speed: 61.0,
    },
    Neighbour {
        mmsi: 2_309_900,
        name: "HARMAJA",
        callsign: "",
        ship_type: 0,
        size: [0, 0, 0, 0],
        kind: Kind::Base,
        route: &[p(7_050.0, 13_900.0)],
        speed: 0.0,
    },
];

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
