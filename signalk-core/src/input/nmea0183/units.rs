//! Units of NMEA 0183 to the SI units of Signal K.
//!
//! The divisors are those of the reference's `@signalk/nmea0183-utilities`: they are rounded (a nautical mile comes out
//! as 1852.0000016 m), but a client that compares two servers sees the same digits.

/// Degrees to radians.
pub(in crate::input) fn radians(degrees: f64) -> f64 {
    degrees / 57.295_779_5
}

/// Knots to m/s.
pub(in crate::input) fn knots(knots: f64) -> f64 {
    knots / 1.943_844
}

/// km/h to m/s.
pub(in crate::input) fn kilometres_per_hour(speed: f64) -> f64 {
    speed / 3.6
}

/// Nautical miles to m.
pub(in crate::input) fn nautical_miles(miles: f64) -> f64 {
    miles * 1000.0 / 0.539_956_803
}

/// Feet to m.
pub(in crate::input) fn feet(feet: f64) -> f64 {
    feet * 0.3048
}

/// Degrees Celsius to K.
pub(in crate::input) fn celsius(degrees: f64) -> f64 {
    degrees + 273.15
}

/// Inches of mercury to Pa.
pub(in crate::input) fn inches_of_mercury(inches: f64) -> f64 {
    inches * 3_386.388_666_67
}

/// Bar to Pa.
pub(in crate::input) fn bar(bar: f64) -> f64 {
    bar * 1000.0 * 100.0
}
