//! Angles in degrees and places on a flat sea.
//!
//! Sine, cosine and arc tangent come from `libm`, not from the platform: their last digit differs between C libraries,
//! and a voyage must be the same on each.

/// Metres east and north of [`ORIGIN`]. The sea is small enough to be flat.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Place {
    pub(super) east: f64,
    pub(super) north: f64,
}

/// Latitude and longitude of the origin: the Gulf of Finland, off Helsinki.
const ORIGIN: (f64, f64) = (59.98, 24.85);
const METRES_PER_DEGREE: f64 = 111_200.0;
/// Cosine of the latitude of the origin.
const SHRINK: f64 = 0.500_302;

impl Place {
    pub(super) const fn new(east: f64, north: f64) -> Self {
        Self { east, north }
    }

    /// Latitude and longitude in degrees.
    pub(super) fn degrees(self) -> (f64, f64) {
        (
            ORIGIN.0 + self.north / METRES_PER_DEGREE,
            ORIGIN.1 + self.east / (METRES_PER_DEGREE * SHRINK),
        )
    }

    /// Distance in m.
    pub(super) fn distance(self, to: Self) -> f64 {
        let (east, north) = (to.east - self.east, to.north - self.north);
        (east * east + north * north).sqrt()
    }

    /// Bearing in degrees.
    pub(super) fn bearing(self, to: Self) -> f64 {
        turn(degrees(libm::atan2(to.east - self.east, to.north - self.north)))
    }

    /// The place `metres` away on that course.
    pub(super) fn moved(self, course: f64, metres: f64) -> Self {
        Self { east: self.east + sin(course) * metres, north: self.north + cos(course) * metres }
    }
}

/// Degrees into 0..360.
pub(super) fn turn(angle: f64) -> f64 {
    let angle = angle.rem_euclid(360.0);
    if angle >= 360.0 { 0.0 } else { angle }
}

/// The way from `b` to `a` in degrees, -180..180, positive clockwise.
pub(super) fn difference(a: f64, b: f64) -> f64 {
    let d = turn(a - b);
    if d > 180.0 { d - 360.0 } else { d }
}

pub(super) fn sin(angle: f64) -> f64 {
    libm::sin(angle * (std::f64::consts::PI / 180.0))
}

pub(super) fn cos(angle: f64) -> f64 {
    libm::cos(angle * (std::f64::consts::PI / 180.0))
}

pub(super) fn degrees(radians: f64) -> f64 {
    radians * (180.0 / std::f64::consts::PI)
}

/// Rounded to a whole number; what does not fit saturates.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn whole(number: f64) -> i64 {
    number.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearings_and_moves_are_inverse() {
        let from = Place::new(100.0, -50.0);
        for course in [0.0, 45.0, 123.0, 270.0, 359.0] {
            let to = from.moved(course, 1000.0);
            assert!((from.distance(to) - 1000.0).abs() < 1e-6);
            assert!(difference(from.bearing(to), course).abs() < 1e-6);
        }
    }

    #[test]
    fn differences_take_the_short_way() {
        assert_eq!(
            [difference(10.0, 350.0), difference(350.0, 10.0), difference(180.0, 0.0)],
            [20.0, -20.0, 180.0]
        );
        assert_eq!(turn(-1e-20), 0.0);
    }
}
