//! How a unit is shown to people: `displayUnits` of metadata under the default preset of the
//! reference ("Nautical (Metric)"). Values themselves stay in SI units everywhere. Other presets
//! and users' own are not here.

/// `displayUnits` as JSON text for a unit, as REST answers have it: the unit alone decides.
///
/// ```
/// let shown = signalk_model::units::display_units("m/s").unwrap();
/// assert!(shown.contains(r#""targetUnit":"kn""#));
/// assert_eq!(signalk_model::units::display_units("furlong"), None);
/// ```
pub fn display_units(units: &str) -> Option<&'static str> {
    DISPLAY.iter().find(|(unit, _)| *unit == units).map(|(_, text)| *text)
}

/// `displayUnits` as JSON text for a path, as metadata on streams has it: depths and lengths are
/// told apart from distances.
pub fn display_units_of(path: &str, units: &str) -> Option<&'static str> {
    if units == "m" {
        if DEPTHS.contains(&path) {
            return Some(DEPTH);
        }
        if LENGTHS.contains(&path) {
            return Some(LENGTH);
        }
    }
    display_units(units)
}

macro_rules! shown {
    ($category:literal, $target:literal, $to:literal, $back:literal, $symbol:literal, $format:literal) => {
        concat!(
            r#"{"category":""#,
            $category,
            r#"","targetUnit":""#,
            $target,
            r#"","formula":""#,
            $to,
            r#"","inverseFormula":""#,
            $back,
            r#"","symbol":""#,
            $symbol,
            r#"","displayFormat":""#,
            $format,
            r#""}"#
        )
    };
    ($category:literal, $unit:literal, $format:literal) => {
        shown!($category, $unit, "value", "value", $unit, $format)
    };
}

const DEPTH: &str = shown!("depth", "m", "0.0");
const LENGTH: &str = shown!("length", "m", "0.0");

const DEPTHS: [&str; 5] = [
    "environment.depth.belowKeel",
    "environment.depth.belowTransducer",
    "environment.depth.belowSurface",
    "environment.depth.transducerToKeel",
    "environment.depth.surfaceToTransducer",
];

const LENGTHS: [&str; 12] = [
    "design.length.overall",
    "design.length.hull",
    "design.length.waterline",
    "design.beam",
    "design.draft.minimum",
    "design.draft.maximum",
    "design.draft.canoe",
    "design.airHeight",
    "design.rigging.mast.height",
    "environment.heave",
    "navigation.anchor.maxRadius",
    "navigation.anchor.currentRadius",
];

/// Formulas as the reference's unit definitions give them; [open/unitprefs/get-active.json].
#[rustfmt::skip]
static DISPLAY: &[(&str, &str)] = &[
    ("m/s", shown!("speed", "kn", "value * 1.94384", "value * 0.514444", "kn", "0.0")),
    ("K", shown!("temperature", "C", "value - 273.15", "value + 273.15", "°C", "0.0")),
    ("Pa", shown!("pressure", "mbar", "value * 0.01", "value * 100", "mbar", "0")),
    ("m", shown!("distance", "naut-mile", "value * 0.0005399568034557236", "value / 0.0005399568034557236", "nmi", "0.0")),
    ("rad", shown!("angle", "degree", "value * 57.29577951308231", "value / 57.29577951308231", "°", "0.0")),
    ("deg", shown!("angleDegrees", "deg", "0.0")),
    ("rad/s", shown!("angularVelocity", "deg/s", "value * 57.2958", "value * 0.0174533", "°/s", "0.0")),
    ("m3", shown!("volume", "liter", "value * 1000", "value / 1000", "liter", "0.0")),
    ("V", shown!("voltage", "V", "0.00")),
    ("A", shown!("current", "A", "0.00")),
    ("W", shown!("power", "W", "0.00")),
    ("ratio", shown!("percentage", "percent", "value * 100", "value * 0.01", "%", "0")),
    ("Hz", shown!("frequency", "rpm", "value * 60", "value * 0.0166667", "rpm", "0.0")),
    ("s", shown!("time", "hour", "value * 0.0002777777777777778", "value / 0.0002777777777777778", "hour", "0.0")),
    ("C", shown!("charge", "Ah", "value * 0.0002777777777777778", "value / 0.0002777777777777778", "Ah", "0.0")),
    ("m3/s", shown!("volumeRate", "L/h", "value * 3600000", "value * 0.000000277778", "L/h", "0.0")),
    ("J", shown!("energy", "J", "0.0")),
    ("kg", shown!("mass", "kg", "0.0")),
    ("m2", shown!("area", "m2", "0.0")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_json() {
        for (unit, text) in DISPLAY {
            assert!(crate::json::parse(text.as_bytes()).is_ok(), "{unit}");
        }
        assert_eq!(display_units_of("environment.depth.belowKeel", "m"), Some(DEPTH));
        assert_eq!(display_units_of("design.beam", "m"), Some(LENGTH));
        assert_eq!(display_units_of("navigation.log", "m"), display_units("m"));
    }
}
