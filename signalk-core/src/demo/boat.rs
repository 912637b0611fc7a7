//! The own boat: an eleven-metre sloop that sails round three marks, tacking and gybing, and the wind and water around
//! her.
//!
//! One call to [`Boat::step`] is a tenth of a second. Speeds in m/s, angles in degrees.

use super::{
    geometry::{Place, cos, degrees, difference, sin, turn},
    rng::Rng,
};

/// Length of a step in s.
pub(super) const STEP: f64 = 0.1;
/// East of north; Helsinki in the 2020s.
pub(super) const VARIATION: f64 = 9.8;
/// Direction and speed of the current.
pub(super) const SET: f64 = 72.0;
pub(super) const DRIFT: f64 = 0.21;

/// The marks, rounded in this order for ever.
const MARKS: [(&str, Place); 3] = [
    ("SW MARK", Place::new(-7000.0, -6500.0)),
    ("W MARK", Place::new(-9200.0, 1800.0)),
    ("HOME", Place::new(400.0, 500.0)),
];
/// Where the first leg starts.
const START: Place = Place::new(0.0, 0.0);
const ROUNDING_DISTANCE: f64 = 150.0;
/// Closest angle to the wind, and the deepest before gybing pays.
const CLOSE_HAULED: f64 = 43.0;
const DOWNWIND: f64 = 155.0;
/// How far off the straight line a tack goes, and how soon the next one may follow.
const CORRIDOR: f64 = 650.0;
const TACK_PAUSE: f64 = 90.0;

/// Everything that the instruments of the boat can measure.
#[derive(Debug, Clone)]
pub(super) struct Boat {
    rng: Rng,
    /// Seconds since the start.
    time: f64,
    pub(super) place: Place,
    pub(super) heading: f64,
    pub(super) rate_of_turn: f64,
    pub(super) rudder: f64,
    pub(super) speed: f64,
    pub(super) course: f64,
    pub(super) speed_over_ground: f64,
    /// Where the true wind comes from, and its speed over the water.
    pub(super) wind_from: f64,
    pub(super) wind_speed: f64,
    gust: f64,
    veer: f64,
    /// +1: wind from starboard, -1: from port.
    tack: f64,
    last_tack: f64,
    mark: usize,
    leg_start: Place,
    pub(super) log: f64,
    pub(super) trip: f64,
    pub(super) depth: f64,
    pub(super) water_temperature: f64,
}

impl Boat {
    pub(super) fn new(seed: u64) -> Self {
        let mut boat = Self {
            rng: Rng::new(seed),
            time: 0.0,
            place: START,
            heading: 182.0,
            rate_of_turn: 0.0,
            rudder: 0.0,
            speed: 2.8,
            course: 182.0,
            speed_over_ground: 2.8,
            wind_from: 225.0,
            wind_speed: 6.8,
            gust: 0.0,
            veer: 0.0,
            tack: 1.0,
            last_tack: 0.0,
            mark: 0,
            leg_start: START,
            log: 1_482.6 * 1852.0,
            trip: 0.0,
            depth: 30.0,
            water_temperature: 16.4,
        };
        boat.step();
        boat
    }

    /// Sails for a tenth of a second.
    pub(super) fn step(&mut self) {
        self.time += STEP;
        self.blow();
        self.steer();
        self.sail();
        self.sound();
    }

    /// The wind swings over minutes and gusts over seconds.
    fn blow(&mut self) {
        let t = self.time;
        self.gust += (-self.gust / 20.0) * STEP + self.rng.noise() * 0.085;
        self.veer += (-self.veer / 40.0) * STEP + self.rng.noise() * 0.22;
        self.wind_from =
            turn(225.0 + 7.0 * sin(t * 360.0 / 1380.0) + 3.0 * sin(t * 360.0 / 410.0) + self.veer);
        self.wind_speed = (6.8 + 1.1 * sin(t * 360.0 / 900.0) + self.gust).max(2.0);
    }

    fn steer(&mut self) {
        if self.place.distance(self.mark().1) < ROUNDING_DISTANCE {
            self.leg_start = self.mark().1;
            self.mark = (self.mark + 1) % MARKS.len();
        }
        let bearing = self.place.bearing(self.mark().1);
        let angle = difference(self.wind_from, bearing);
        let wanted = if angle.abs() < CLOSE_HAULED {
            self.zigzag(CLOSE_HAULED)
        } else if angle.abs() > DOWNWIND {
            self.zigzag(DOWNWIND)
        } else {
            self.tack = angle.signum();
            // Steer against the current, not at the mark.
            let sideways = DRIFT * sin(difference(SET, bearing));
            turn(bearing - degrees(libm::asin((sideways / self.speed.max(1.0)).clamp(-0.5, 0.5))))
        };
        let error = difference(wanted, self.heading);
        let waves = 1.1 * sin(self.time * 360.0 / 6.3) + 0.5 * sin(self.time * 360.0 / 2.7);
        let rate = (error * 0.3).clamp(-7.0, 7.0) + waves * 0.8 + self.rng.noise() * 0.4;
        self.rate_of_turn += (rate - self.rate_of_turn) * (STEP / 0.6);
        self.rudder = (self.rate_of_turn * 1.9 - 2.5 * self.tack).clamp(-30.0, 30.0);
        self.heading = turn(self.heading + self.rate_of_turn * STEP);
    }

    /// The heading at `angle` to the wind; goes about at the border of the corridor.
    fn zigzag(&mut self, angle: f64) -> f64 {
        let off = self.cross_track();
        let leg = self.leg_start.bearing(self.mark().1);
        let heading = turn(self.wind_from - self.tack * angle);
        let outwards = off.signum() == difference(heading, leg).signum();
        if off.abs() > CORRIDOR && outwards && self.time - self.last_tack > TACK_PAUSE {
            self.tack = -self.tack;
            self.last_tack = self.time;
        }
        turn(self.wind_from - self.tack * angle)
    }

    fn sail(&mut self) {
        let angle = self.true_angle();
        let target = polar(angle.abs(), self.wind_speed);
        // Turning through the wind costs speed; so does the rudder.
        let target = target * (1.0 - self.rate_of_turn.abs() * 0.02);
        self.speed += (target - self.speed) * (STEP / 9.0) + self.rng.noise() * 0.006;
        self.speed = self.speed.max(0.2);
        let leeway = 4.5 * sin(angle).abs() * if angle.abs() < 90.0 { 1.0 } else { 0.3 };
        let water = turn(self.heading - angle.signum() * leeway);
        let north = self.speed * cos(water) + DRIFT * cos(SET);
        let east = self.speed * sin(water) + DRIFT * sin(SET);
        self.place = Place::new(self.place.east + east * STEP, self.place.north + north * STEP);
        self.course = turn(degrees(libm::atan2(east, north)));
        self.speed_over_ground = (east * east + north * north).sqrt();
        self.log += self.speed * STEP;
        self.trip += self.speed * STEP;
    }

    fn sound(&mut self) {
        let Place { east, north } = self.place;
        let bottom = 31.0
            + 11.0 * sin(east / 17.0)
            + 7.5 * cos(north / 11.0)
            + 2.5 * sin((east + north) / 2.3);
        self.depth += (bottom.max(7.0) - self.depth) * (STEP / 1.5);
        self.water_temperature = 16.4 + 0.7 * sin(east / 90.0) + 0.3 * cos(north / 60.0);
    }

    /// Name and place of the mark that is next.
    pub(super) fn mark(&self) -> (&'static str, Place) {
        MARKS[self.mark % MARKS.len()]
    }

    /// Name of the mark that was last.
    pub(super) fn last_mark(&self) -> &'static str {
        MARKS[(self.mark + MARKS.len() - 1) % MARKS.len()].0
    }

    /// How far right of the leg, in m.
    pub(super) fn cross_track(&self) -> f64 {
        let leg = self.leg_start.bearing(self.mark().1);
        let angle = difference(self.leg_start.bearing(self.place), leg);
        self.leg_start.distance(self.place) * sin(angle)
    }

    /// Where the true wind comes from, seen from the bow: -180..180, positive from starboard.
    pub(super) fn true_angle(&self) -> f64 {
        difference(self.wind_from, self.heading)
    }

    /// Angle and speed of the wind that is felt on board.
    pub(super) fn apparent(&self) -> (f64, f64) {
        let angle = self.true_angle();
        let ahead = self.wind_speed * cos(angle) + self.speed;
        let aside = self.wind_speed * sin(angle);
        (degrees(libm::atan2(aside, ahead)), (ahead * ahead + aside * aside).sqrt())
    }

    /// Speed against the wind, negative downwind.
    pub(super) fn made_good_to_wind(&self) -> f64 {
        self.speed * cos(self.true_angle())
    }
}

/// Speed through the water at that true wind angle and speed: a share of the wind that the hull caps.
fn polar(angle: f64, wind: f64) -> f64 {
    const SHARES: [(f64, f64); 10] = [
        (0.0, 0.0),
        (28.0, 0.16),
        (36.0, 0.45),
        (43.0, 0.57),
        (52.0, 0.64),
        (75.0, 0.72),
        (110.0, 0.76),
        (135.0, 0.68),
        (155.0, 0.55),
        (180.0, 0.45),
    ];
    let mut share = 0.45;
    for pair in SHARES.windows(2) {
        if let [(a, x), (b, y)] = *pair
            && (a..=b).contains(&angle)
        {
            share = x + (y - x) * (angle - a) / (b - a);
            break;
        }
    }
    let free = share * wind;
    free / (1.0 + (free / 5.2) * (free / 5.2)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn she_rounds_the_marks_and_tacks_on_the_way() {
        let mut boat = Boat::new(1);
        let (mut tacks, mut marks, mut tack, mut mark) = (0, 0, boat.tack, boat.mark);
        for _ in 0..4 * 36_000 {
            boat.step();
            if boat.tack != tack {
                (tacks, tack) = (tacks + 1, boat.tack);
            }
            if boat.mark != mark {
                (marks, mark) = (marks + 1, boat.mark);
            }
            assert!((0.2..4.8).contains(&boat.speed), "{}", boat.speed);
            assert!((5.0..60.0).contains(&boat.depth), "{}", boat.depth);
        }
        assert!((6..60).contains(&tacks) && marks >= 3, "{tacks} tacks, {marks} marks");
    }

    #[test]
    fn no_boat_sails_against_the_wind() {
        assert_eq!(polar(0.0, 8.0), 0.0);
        assert!(polar(100.0, 8.0) > polar(45.0, 8.0) && polar(100.0, 8.0) > polar(180.0, 8.0));
        assert!(polar(110.0, 40.0) < 5.2);
    }
}
