//! The arithmetic, free of everything else. Angles are in radians: directions from north clockwise
//! in 0..2π, angles to the bow positive to starboard in -π..π. Speeds are in metres per second.

use std::f64::consts::{PI, TAU};

/// Wind relative to the water, seen from the boat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TrueWind {
    pub(crate) speed: f64,
    pub(crate) angle: f64,
}

/// The wind that remains when the boat's own motion through the water is taken out.
pub(crate) fn true_wind(apparent_speed: f64, apparent_angle: f64, through_water: f64) -> TrueWind {
    let ahead = apparent_speed * apparent_angle.cos() - through_water;
    let abeam = apparent_speed * apparent_angle.sin();
    TrueWind { speed: ahead.hypot(abeam), angle: abeam.atan2(ahead) }
}

/// Where the wind comes from.
pub(crate) fn wind_direction(heading: f64, angle: f64) -> f64 {
    direction(heading + angle)
}

/// Speed towards where the wind comes from; negative on a downwind course.
///
/// DIFFERENCE: the specification 1.8.2 describes `performance.velocityMadeGood` by the apparent
/// wind's angle. That wind turns with the boat's own speed, so a helmsman who followed the figure
/// would be led off the wind. This is what sailors and their instruments call VMG.
pub(crate) fn velocity_made_good(through_water: f64, true_angle: f64) -> f64 {
    through_water * true_angle.cos()
}

/// Motion of the water over the ground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Current {
    pub(crate) set: f64,
    pub(crate) drift: f64,
}

/// What is left of the motion over ground when the motion through the water is taken out. Leeway
/// is not known and counts as current.
pub(crate) fn current(course: f64, over_ground: f64, heading: f64, through_water: f64) -> Current {
    let north = over_ground * course.cos() - through_water * heading.cos();
    let east = over_ground * course.sin() - through_water * heading.sin();
    Current { set: direction(east.atan2(north)), drift: north.hypot(east) }
}

/// A direction in 0..2π.
pub(crate) fn direction(angle: f64) -> f64 {
    let turned = angle.rem_euclid(TAU);
    // rem_euclid of a tiny negative number is the whole turn itself.
    if turned >= TAU { 0.0 } else { turned }
}

/// True heading from a magnetic one; variation is positive to the east.
pub(crate) fn true_heading(magnetic: f64, variation: f64) -> f64 {
    direction(magnetic + variation)
}

/// Whether a measured angle to the bow is one.
pub(crate) fn is_angle(angle: f64) -> bool {
    angle.abs() <= PI + 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPSILON: f64 = 1e-9;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < EPSILON
    }

    #[test]
    fn at_rest_the_true_wind_is_the_apparent_one() {
        let wind = true_wind(7.0, -1.2, 0.0);
        assert!(near(wind.speed, 7.0) && near(wind.angle, -1.2), "{wind:?}");
    }

    #[test]
    fn running_before_the_wind_adds_the_own_speed() {
        let wind = true_wind(4.0, PI, 3.0);
        assert!(near(wind.speed, 7.0) && near(wind.angle.abs(), PI), "{wind:?}");
    }

    #[test]
    fn motoring_in_a_calm_leaves_no_wind() {
        assert!(true_wind(3.0, 0.0, 3.0).speed < EPSILON);
    }

    #[test]
    fn velocity_made_good_is_to_the_true_wind_not_to_the_apparent_one() {
        let wind = true_wind(10.0, PI / 4.0, 5.0);
        let by_apparent = 5.0 * (PI / 4.0).cos();
        assert!(velocity_made_good(5.0, wind.angle) < by_apparent / 2.0);
        let downwind = true_wind(3.0, PI, 5.0);
        assert!(near(velocity_made_good(5.0, downwind.angle), -5.0));
    }

    #[test]
    fn beating_the_true_wind_is_weaker_and_further_aft() {
        // 10 m/s at 45 degrees apparent, 5 m/s through the water: by hand 7.368 m/s at 73.67 degrees.
        let wind = true_wind(10.0, PI / 4.0, 5.0);
        assert!((wind.speed - 7.368_128).abs() < 1e-6, "{wind:?}");
        assert!((wind.angle.to_degrees() - 73.675_04).abs() < 1e-4, "{}", wind.angle.to_degrees());
        assert!((velocity_made_good(5.0, wind.angle) - 1.405_49).abs() < 1e-4);
    }

    #[test]
    fn true_and_apparent_wind_agree_when_the_motion_is_put_back() {
        for step in 0..360 {
            let angle = f64::from(step - 180).to_radians();
            let wind = true_wind(8.0, angle, 3.5);
            let ahead = wind.speed * wind.angle.cos() + 3.5;
            let abeam = wind.speed * wind.angle.sin();
            assert!((ahead.hypot(abeam) - 8.0).abs() < 1e-9);
        }
    }

    #[test]
    fn directions_stay_within_one_turn() {
        assert!(near(wind_direction(TAU - 0.1, 0.3), 0.2));
        assert!(near(wind_direction(0.1, -0.3), TAU - 0.2));
        assert_eq!(direction(-1e-20), 0.0);
        assert!(near(true_heading(0.02, -0.05), TAU - 0.03));
    }

    #[test]
    fn a_current_abeam_is_found_with_set_and_drift() {
        // Heading north at 3 m/s, water moving east at 1 m/s.
        let (course, speed) = (1.0_f64.atan2(3.0), 10.0_f64.sqrt());
        let current = current(course, speed, 0.0, 3.0);
        assert!(near(current.drift, 1.0) && near(current.set, PI / 2.0), "{current:?}");
    }

    #[test]
    fn without_a_current_there_is_no_drift() {
        assert!(current(1.0, 3.0, 1.0, 3.0).drift < EPSILON);
    }
}
