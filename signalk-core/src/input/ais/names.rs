//! The texts that Signal K uses for the numbers of AIS: states, ship types, kinds of aids to navigation.
//!
//! Texts as the reference server sends them, spelling included: clients compare them.

/// Navigational status (messages 1-3 and 27); the reserved ones have no text.
pub(super) fn state(status: u32) -> Option<&'static str> {
    Some(match status {
        0 => "motoring",
        1 => "anchored",
        2 => "not under command",
        3 => "restricted manouverability",
        4 => "constrained by draft",
        5 => "moored",
        6 => "aground",
        7 => "fishing",
        8 => "sailing",
        9 => "hazardous material high speed",
        10 => "hazardous material wing in ground",
        14 => "ais-sart",
        15 => "default",
        _ => return None,
    })
}

/// Special manoeuvre indicator (messages 1-3).
pub(super) fn special_maneuver(indicator: u32) -> &'static str {
    match indicator {
        1 => "not engaged",
        2 => "engaged",
        3 => "reserved",
        _ => "not available",
    }
}

/// Type of ship and cargo; `None` for the unassigned numbers.
pub(crate) fn ship_type(id: u32) -> Option<String> {
    let single = match id {
        21 => "Wing In Ground hazard cat A",
        29 => "Wing In Ground (no other information)",
        30 => "Fishing",
        31 => "Towing",
        32 => "Towing exceeds 200m or wider than 25m",
        33 => "Engaged in dredging or underwater operations",
        34 => "Engaged in diving operations",
        35 => "Engaged in military operations",
        36 => "Sailing",
        37 => "Pleasure",
        50 => "Pilot vessel",
        51 => "SAR",
        52 => "Tug",
        53 => "Port tender",
        54 => "Anti-pollution",
        55 => "Law enforcement",
        56 => "Spare",
        57 => "Spare #2",
        58 => "Medical",
        59 => "RR Resolution No.18",
        61 => "Passenger ship hazard cat A",
        _ => "",
    };
    if !single.is_empty() {
        return Some(single.to_owned());
    }
    let kind = match id / 10 {
        2 => "Wing In Ground",
        4 => "High speed craft",
        6 => "Passenger ship",
        7 => "Cargo ship",
        8 => "Tanker",
        9 => "Other",
        _ => return None,
    };
    let cargo = match id % 10 {
        1 => " carrying dangerous goods",
        2 => " hazard cat B",
        3 => " hazard cat C",
        4 => " hazard cat D",
        9 => " (no additional information)",
        _ => "",
    };
    Some([kind, cargo].concat())
}

/// Kind of aid to navigation (message 21); 0 is "not specified". RACON (2) has no text in the reference.
pub(super) fn aton_type(id: u32) -> Option<&'static str> {
    Some(match id {
        1 => "Reference Point",
        3 => "Fixed Structure Off Shore",
        4 => "Emergency Wreck Marking Buoy",
        5 => "Light, Without Sectors",
        6 => "Light, With Sectors",
        7 => "Leading Light Front",
        8 => "Leading Light Rear",
        9 => "Beacon, Cardinal N",
        10 => "Beacon, Cardinal E",
        11 => "Beacon, Cardinal S",
        12 => "Beacon, Cardinal W",
        13 => "Beacon, Port Hand",
        14 => "Beacon, Starboard Hand",
        15 => "Beacon, Preferred Channel Port Hand",
        16 => "Beacon, Preferred Channel Starboard Hand",
        17 => "Beacon, Isolated Danger",
        18 => "Beacon, Safe Water",
        19 => "Beacon, Special Mark",
        20 => "Cardinal Mark N",
        21 => "Cardinal Mark E",
        22 => "Cardinal Mark S",
        23 => "Cardinal Mark W",
        24 => "Port Hand Mark",
        25 => "Starboard Hand Mark",
        26 => "Preferred Channel Port Hand",
        27 => "Preferred Channel Starboard Hand",
        28 => "Isolated danger",
        29 => "Safe Water",
        30 => "Special Mark",
        31 => "Light Vessel/LANBY/Rigs",
        _ => return None,
    })
}
