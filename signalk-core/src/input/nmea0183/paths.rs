//! The Signal K paths that sentences write to, made once per parser and shared by every delta.

use signalk_model::Path;

macro_rules! paths {
    ($($name:ident = $text:literal,)*) => {
        /// One shared [`Path`] per place that a sentence writes to.
        pub(in crate::input) struct Paths {
            $(pub(in crate::input) $name: Path,)*
        }

        impl Paths {
            pub(in crate::input) fn new() -> Self {
                Self { $($name: Path::from($text),)* }
            }
        }

    };
}

paths! {
    root = "",
    apparent_angle = "environment.wind.angleApparent",
    apparent_speed = "environment.wind.speedApparent",
    true_angle = "environment.wind.angleTrueWater",
    true_speed = "environment.wind.speedTrue",
    wind_over_ground = "environment.wind.speedOverGround",
    wind_from_true = "environment.wind.directionTrue",
    wind_from_magnetic = "environment.wind.directionMagnetic",
    pressure = "environment.outside.pressure",
    air_temperature = "environment.outside.temperature",
    humidity = "environment.outside.humidity",
    absolute_humidity = "environment.outside.humidityAbsolute",
    dew_point = "environment.outside.dewPointTemperature",
    water_temperature = "environment.water.temperature",
    below_transducer = "environment.depth.belowTransducer",
    below_surface = "environment.depth.belowSurface",
    below_keel = "environment.depth.belowKeel",
    surface_to_transducer = "environment.depth.surfaceToTransducer",
    transducer_to_keel = "environment.depth.transducerToKeel",
    current = "environment.current",
    heading_true = "navigation.headingTrue",
    heading_magnetic = "navigation.headingMagnetic",
    heading_compass = "navigation.headingCompass",
    variation = "navigation.magneticVariation",
    variation_age = "navigation.magneticVariationAgeOfService",
    deviation = "navigation.magneticDeviation",
    rate_of_turn = "navigation.rateOfTurn",
    course_true = "navigation.courseOverGroundTrue",
    course_magnetic = "navigation.courseOverGroundMagnetic",
    speed_over_ground = "navigation.speedOverGround",
    speed_through_water = "navigation.speedThroughWater",
    log = "navigation.log",
    trip_log = "navigation.trip.log",
    position = "navigation.position",
    datetime = "navigation.datetime",
    state = "navigation.state",
    special_maneuver = "navigation.specialManeuver",
    destination = "navigation.destination.commonName",
    eta = "navigation.destination.eta",
    gnss_quality = "navigation.gnss.methodQuality",
    gnss_satellites = "navigation.gnss.satellites",
    gnss_altitude = "navigation.gnss.antennaAltitude",
    gnss_hdop = "navigation.gnss.horizontalDilution",
    gnss_pdop = "navigation.gnss.positionDilution",
    gnss_geoid = "navigation.gnss.geoidalSeparation",
    gnss_age = "navigation.gnss.differentialAge",
    gnss_reference = "navigation.gnss.differentialReference",
    gnss_status = "navigation.gnss.status",
    gnss_in_view = "navigation.gnss.satellitesInView",
    velocity_made_good = "performance.velocityMadeGood",
    rudder = "steering.rudderAngle",
    target_heading_true = "steering.autopilot.target.headingTrue",
    target_heading_magnetic = "steering.autopilot.target.headingMagnetic",
    cross_track = "navigation.courseRhumbline.crossTrackError",
    track_true = "navigation.courseRhumbline.bearingTrackTrue",
    track_magnetic = "navigation.courseRhumbline.bearingTrackMagnetic",
    origin_true = "navigation.courseRhumbline.bearingOriginToDestinationTrue",
    origin_magnetic = "navigation.courseRhumbline.bearingOriginToDestinationMagnetic",
    destination_true = "navigation.courseRhumbline.bearingToDestinationTrue",
    destination_magnetic = "navigation.courseRhumbline.bearingToDestinationMagnetic",
    next_position = "navigation.courseRhumbline.nextPoint.position",
    next_distance = "navigation.courseRhumbline.nextPoint.distance",
    next_bearing_true = "navigation.courseRhumbline.nextPoint.bearingTrue",
    next_bearing_magnetic = "navigation.courseRhumbline.nextPoint.bearingMagnetic",
    next_velocity = "navigation.courseRhumbline.nextPoint.velocityMadeGood",
    next_id = "navigation.courseRhumbline.nextPoint.ID",
    previous_id = "navigation.courseRhumbline.previousPoint.ID",
    great_circle_position = "navigation.courseGreatCircle.nextPoint.position",
    great_circle_distance = "navigation.courseGreatCircle.nextPoint.distance",
    great_circle_true = "navigation.courseGreatCircle.bearingTrackTrue",
    great_circle_magnetic = "navigation.courseGreatCircle.bearingTrackMagnetic",
    arrival_circle = "notifications.arrivalCircleEntered",
    perpendicular_passed = "notifications.perpendicularPassed",
    ais_class = "sensors.ais.class",
    from_bow = "sensors.ais.fromBow",
    from_center = "sensors.ais.fromCenter",
    length = "design.length",
    beam = "design.beam",
    draft = "design.draft",
    ship_type = "design.aisShipType",
    aton_type = "atonType",
    off_position = "offPosition",
    is_virtual = "virtual",
}
