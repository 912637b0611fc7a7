//! True wind, velocity made good and current from what the instruments measure.
//! The arithmetic is in `maths.rs`, what is measured in `inputs.rs`.

mod inputs;
mod maths;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use serde_json::json;
use wasmi_pdk::Result;
use wasmi_pdk::signalk::{self, Delta, SignalK, Subscription};

use inputs::{Input, Inputs};

#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Options {
    true_wind: bool,
    wind_direction: bool,
    velocity_made_good: bool,
    current: bool,
    /// Seconds.
    timeout: f64,
    /// Milliseconds.
    min_period: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            true_wind: true,
            wind_direction: true,
            velocity_made_good: true,
            current: true,
            timeout: 10.0,
            min_period: 0,
        }
    }
}

struct DerivedData;

impl signalk::Plugin for DerivedData {
    const NAME: &'static str = "Derived data";
    const SCHEMA: &'static str = include_str!("../schema.json");
    type Options = Options;

    async fn start(sk: SignalK, options: Options) -> Result<Self> {
        let rows = Input::ALL.map(|(_, path)| Subscription {
            path: path.to_owned(),
            min_period: Some(options.min_period).filter(|millis| *millis > 0),
            period: None,
        });
        let timeout = Duration::try_from_secs_f64(options.timeout)?;
        let inputs = RefCell::new(Inputs::new(timeout));
        let out = sk.clone();
        sk.subscribe(&rows, move |delta| {
            let derived = derive(&options, &mut inputs.borrow_mut(), delta, Instant::now());
            if !derived.is_empty() {
                out.emit(&derived);
            }
        })
        .await?;
        sk.set_status("Subscribed to wind, speed, heading and course");
        Ok(DerivedData)
    }
}

/// Takes the measurements of a delta in; what can be said anew.
fn derive(options: &Options, inputs: &mut Inputs, delta: &Delta, now: Instant) -> Delta {
    let mut changed = Vec::new();
    for (path, value) in delta.values() {
        if let Some(input) = Input::of_path(path) {
            inputs.set(input, value.as_f64(), now);
            changed.push(input);
        }
    }
    let is_new = |parts: &[Input]| parts.iter().any(|part| changed.contains(part));
    let mut derived = Delta::new();

    const WIND: [Input; 3] = [Input::ApparentSpeed, Input::ApparentAngle, Input::ThroughWater];
    const HEADING: [Input; 2] = [Input::HeadingTrue, Input::HeadingMagnetic];
    let [speed, angle, through_water] = WIND.map(|input| inputs.get(input, now));
    let heading = inputs.heading(now);
    if let (Some(speed), Some(angle), Some(through_water)) = (speed, angle, through_water) {
        let wind = maths::true_wind(speed, angle, through_water);
        if options.true_wind && is_new(&WIND) {
            derived = derived
                .value("environment.wind.speedTrue", wind.speed)
                .value("environment.wind.angleTrueWater", wind.angle);
        }
        if let Some(heading) = heading
            && options.wind_direction
            && (is_new(&WIND) || is_new(&HEADING))
        {
            let direction = maths::wind_direction(heading, wind.angle);
            derived = derived.value("environment.wind.directionTrue", direction);
        }
        if options.velocity_made_good && is_new(&WIND) {
            let made_good = maths::velocity_made_good(through_water, wind.angle);
            derived = derived.value("performance.velocityMadeGood", made_good);
        }
    }

    const GROUND: [Input; 3] = [Input::Course, Input::OverGround, Input::ThroughWater];
    let [course, over_ground, _] = GROUND.map(|input| inputs.get(input, now));
    if let (Some(course), Some(over_ground), Some(heading), Some(through_water)) =
        (course, over_ground, heading, through_water)
        && options.current
        && (is_new(&GROUND) || is_new(&HEADING))
    {
        let current = maths::current(course, over_ground, heading, through_water);
        let value = json!({ "setTrue": current.set, "drift": current.drift });
        derived = derived.value("environment.current", value);
    }
    derived
}

wasmi_pdk::plugin!(signalk::serve::<DerivedData>());

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> Inputs {
        Inputs::new(Duration::from_secs(10))
    }

    #[test]
    fn nothing_is_said_before_enough_is_known() {
        let (mut inputs, now) = (inputs(), Instant::now());
        let delta = Delta::new().value("environment.wind.speedApparent", 5.0);
        assert!(derive(&Options::default(), &mut inputs, &delta, now).is_empty());
    }

    #[test]
    fn only_what_the_news_touch_is_said_anew() {
        let (mut inputs, now) = (inputs(), Instant::now());
        let all = Delta::new()
            .value("environment.wind.speedApparent", 5.0)
            .value("environment.wind.angleApparent", 0.0)
            .value("navigation.speedThroughWater", 2.0)
            .value("navigation.headingTrue", 1.0)
            .value("navigation.courseOverGroundTrue", 1.0)
            .value("navigation.speedOverGround", 2.5);
        let paths = |delta: &Delta| delta.values().map(|(p, _)| p.to_owned()).collect::<Vec<_>>();
        let first = derive(&Options::default(), &mut inputs, &all, now);
        assert_eq!(
            paths(&first),
            [
                "environment.wind.speedTrue",
                "environment.wind.angleTrueWater",
                "environment.wind.directionTrue",
                "performance.velocityMadeGood",
                "environment.current"
            ]
        );
        assert_eq!(first.number("environment.wind.speedTrue"), Some(3.0));
        let turned = Delta::new().value("navigation.headingTrue", 1.1);
        let second = derive(&Options::default(), &mut inputs, &turned, now);
        assert_eq!(paths(&second), ["environment.wind.directionTrue", "environment.current"]);
    }

    #[test]
    fn each_result_can_be_switched_off_and_the_schema_knows_each_switch() {
        let off: Options = serde_json::from_value(json!({
            "trueWind": false, "windDirection": false, "velocityMadeGood": false, "current": false
        }))
        .unwrap();
        let (mut inputs, now) = (inputs(), Instant::now());
        let delta = Delta::new()
            .value("environment.wind.speedApparent", 5.0)
            .value("environment.wind.angleApparent", 0.0)
            .value("navigation.speedThroughWater", 2.0);
        assert!(derive(&off, &mut inputs, &delta, now).is_empty());
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../schema.json")).unwrap();
        for switch in
            ["trueWind", "windDirection", "velocityMadeGood", "current", "timeout", "minPeriod"]
        {
            assert!(schema["properties"][switch].is_object(), "{switch}");
        }
    }
}
