//! The watch itself, free of the server: positions and seconds in, what to say out.

use wasmi_pdk::signalk::Position;

/// What the watch thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No position yet.
    Waiting,
    /// Inside the circle.
    Holding,
    /// Outside.
    Dragging,
    /// Outside when it was seen last, and no position for too long: that the GPS is silent does not make it hold.
    DraggingBlind,
    /// No position for too long.
    Blind,
}

/// Seconds without a position until the watch calls itself blind.
const BLIND_AFTER: u32 = 30;

/// A circle and the last position in or out of it.
#[derive(Debug)]
pub(crate) struct Watch {
    anchor: Option<Position>,
    radius: f64,
    distance: Option<f64>,
    /// By the last position, in this life or before.
    outside: Option<bool>,
    silent_for: u32,
}

impl Watch {
    /// `dragged`: it was outside when the watch ended; only a position says that it is not any more.
    pub(crate) fn new(anchor: Option<Position>, radius: f64, dragged: bool) -> Self {
        Watch { anchor, radius, distance: None, outside: dragged.then_some(true), silent_for: 0 }
    }

    pub(crate) fn anchor(&self) -> Option<Position> {
        self.anchor
    }

    pub(crate) fn distance(&self) -> Option<f64> {
        self.distance
    }

    /// A position of the own vessel. The first one is the anchor's if none was given.
    pub(crate) fn see(&mut self, position: Position) -> Verdict {
        let anchor = *self.anchor.get_or_insert(position);
        let distance = metres_between(anchor, position);
        self.distance = Some(distance);
        self.outside = Some(distance > self.radius);
        self.silent_for = 0;
        self.verdict()
    }

    /// A second has passed.
    pub(crate) fn second(&mut self) -> Verdict {
        self.silent_for = self.silent_for.saturating_add(1);
        self.verdict()
    }

    fn verdict(&self) -> Verdict {
        let blind = self.silent_for >= BLIND_AFTER;
        match self.outside {
            Some(true) if blind => Verdict::DraggingBlind,
            Some(true) => Verdict::Dragging,
            _ if blind => Verdict::Blind,
            None => Verdict::Waiting,
            Some(false) => Verdict::Holding,
        }
    }
}

/// Mean radius of the earth in metres (IUGG).
const EARTH: f64 = 6_371_008.8;

/// Great-circle distance by the haversine formula, exact enough for a few metres.
fn metres_between(a: Position, b: Position) -> f64 {
    let (lat_a, lat_b) = (a.latitude.to_radians(), b.latitude.to_radians());
    let north = ((lat_b - lat_a) / 2.0).sin();
    let east = ((b.longitude - a.longitude).to_radians() / 2.0).sin();
    let half = north * north + lat_a.cos() * lat_b.cos() * east * east;
    2.0 * EARTH * half.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAKA: Position = Position { latitude: 37.0, longitude: 24.5 };

    fn north_of_plaka(metres: f64) -> Position {
        Position { latitude: PLAKA.latitude + (metres / EARTH).to_degrees(), ..PLAKA }
    }

    #[test]
    fn a_minute_of_latitude_is_a_nautical_mile() {
        let b = Position { latitude: 1.0 / 60.0, longitude: 0.0 };
        let distance = metres_between(Position { latitude: 0.0, longitude: 0.0 }, b);
        assert!((distance - 1853.2).abs() < 0.1, "{distance}");
    }

    #[test]
    fn the_date_line_is_no_long_way() {
        let west = Position { latitude: 0.0, longitude: -179.9999 };
        let east = Position { latitude: 0.0, longitude: 179.9999 };
        assert!(metres_between(west, east) < 25.0);
    }

    #[test]
    fn the_first_position_is_the_anchor_when_none_is_given() {
        let mut watch = Watch::new(None, 40.0, false);
        assert_eq!(watch.second(), Verdict::Waiting);
        assert_eq!(watch.see(PLAKA), Verdict::Holding);
        assert_eq!(watch.see(north_of_plaka(39.0)), Verdict::Holding);
        assert_eq!(watch.see(north_of_plaka(41.0)), Verdict::Dragging);
        assert_eq!(watch.see(north_of_plaka(10.0)), Verdict::Holding);
    }

    #[test]
    fn a_given_anchor_stays() {
        let mut watch = Watch::new(Some(PLAKA), 40.0, false);
        assert_eq!(watch.see(north_of_plaka(50.0)), Verdict::Dragging);
        assert_eq!(watch.anchor(), Some(PLAKA));
    }

    #[test]
    fn half_a_minute_without_position_is_blind_until_the_next_one() {
        let mut watch = Watch::new(Some(PLAKA), 40.0, false);
        for _ in 0..29 {
            assert_eq!(watch.second(), Verdict::Waiting);
        }
        assert_eq!(watch.second(), Verdict::Blind);
        assert_eq!(watch.see(PLAKA), Verdict::Holding);
    }

    #[test]
    fn an_anchor_that_drags_drags_until_a_position_says_otherwise() {
        let mut watch = Watch::new(Some(PLAKA), 40.0, false);
        assert_eq!(watch.see(north_of_plaka(50.0)), Verdict::Dragging);
        for _ in 0..29 {
            assert_eq!(watch.second(), Verdict::Dragging);
        }
        assert_eq!(watch.second(), Verdict::DraggingBlind);
        assert_eq!(watch.see(north_of_plaka(60.0)), Verdict::Dragging);
        assert_eq!(watch.see(north_of_plaka(30.0)), Verdict::Holding);
    }

    #[test]
    fn an_anchor_that_dragged_before_a_restart_still_drags() {
        let mut watch = Watch::new(Some(PLAKA), 40.0, true);
        assert_eq!(watch.second(), Verdict::Dragging);
        assert_eq!(watch.see(north_of_plaka(50.0)), Verdict::Dragging);
        assert_eq!(watch.see(PLAKA), Verdict::Holding);
    }
}
