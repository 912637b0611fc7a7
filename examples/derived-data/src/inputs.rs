//! What the instruments measured last, and when. A measurement too old counts as none.

use std::time::{Duration, Instant};

use crate::maths;

/// The measurements in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    ApparentSpeed,
    ApparentAngle,
    ThroughWater,
    OverGround,
    Course,
    HeadingTrue,
    HeadingMagnetic,
    Variation,
}

impl Input {
    pub(crate) const ALL: [(Input, &'static str); 8] = [
        (Input::ApparentSpeed, "environment.wind.speedApparent"),
        (Input::ApparentAngle, "environment.wind.angleApparent"),
        (Input::ThroughWater, "navigation.speedThroughWater"),
        (Input::OverGround, "navigation.speedOverGround"),
        (Input::Course, "navigation.courseOverGroundTrue"),
        (Input::HeadingTrue, "navigation.headingTrue"),
        (Input::HeadingMagnetic, "navigation.headingMagnetic"),
        (Input::Variation, "navigation.magneticVariation"),
    ];

    pub(crate) fn of_path(path: &str) -> Option<Input> {
        Input::ALL.iter().find(|(_, known)| *known == path).map(|(input, _)| *input)
    }
}

/// The latest measurement of each kind.
#[derive(Debug)]
pub(crate) struct Inputs {
    latest: [Option<(f64, Instant)>; Input::ALL.len()],
    timeout: Duration,
}

impl Inputs {
    pub(crate) fn new(timeout: Duration) -> Self {
        Inputs { latest: Default::default(), timeout }
    }

    /// `None` (null on the wire) takes the measurement back.
    pub(crate) fn set(&mut self, input: Input, value: Option<f64>, now: Instant) {
        let sane = value.filter(|value| input != Input::ApparentAngle || maths::is_angle(*value));
        self.latest[input as usize] = sane.map(|value| (value, now));
    }

    pub(crate) fn get(&self, input: Input, now: Instant) -> Option<f64> {
        let (value, at) = self.latest[input as usize]?;
        (now.saturating_duration_since(at) <= self.timeout).then_some(value)
    }

    /// The true heading, measured or from the compass. The variation changes with the place, not
    /// with time: an old one serves.
    pub(crate) fn heading(&self, now: Instant) -> Option<f64> {
        self.get(Input::HeadingTrue, now).or_else(|| {
            let (variation, _) = self.latest[Input::Variation as usize]?;
            Some(maths::true_heading(self.get(Input::HeadingMagnetic, now)?, variation))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_ages_and_can_be_taken_back() {
        let start = Instant::now();
        let mut inputs = Inputs::new(Duration::from_secs(10));
        inputs.set(Input::OverGround, Some(3.0), start);
        assert_eq!(inputs.get(Input::OverGround, start + Duration::from_secs(10)), Some(3.0));
        assert_eq!(inputs.get(Input::OverGround, start + Duration::from_secs(11)), None);
        inputs.set(Input::OverGround, None, start);
        assert_eq!(inputs.get(Input::OverGround, start), None);
    }

    #[test]
    fn the_compass_serves_where_no_true_heading_is_measured() {
        let start = Instant::now();
        let mut inputs = Inputs::new(Duration::from_secs(10));
        inputs.set(Input::HeadingMagnetic, Some(1.0), start);
        assert_eq!(inputs.heading(start), None);
        inputs.set(Input::Variation, Some(0.1), start);
        assert_eq!(inputs.heading(start), Some(1.1));
        inputs.set(Input::HeadingTrue, Some(1.2), start);
        assert_eq!(inputs.heading(start), Some(1.2));
    }
}
