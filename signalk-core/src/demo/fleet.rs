//! Who is around: the table of neighbours. None of these ships exists; how they move and speak is `traffic`'s.

use super::geometry::Place;

/// What a neighbour is, which decides what it sends and how often.
pub(super) enum Kind {
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
    pub(super) mmsi: u32,
    pub(super) name: &'static str,
    pub(super) callsign: &'static str,
    pub(super) ship_type: u32,
    /// Bow, stern, port, starboard in m.
    pub(super) size: [u32; 4],
    pub(super) kind: Kind,
    /// A closed course; a single place for what lies still.
    pub(super) route: &'static [Place],
    pub(super) speed: f64,
}

const fn p(east: f64, north: f64) -> Place {
    Place::new(east, north)
}

/// A dozen vessels, three aids to navigation, a helicopter and a shore station.
pub(super) const NEIGHBOURS: &[Neighbour] = &[
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
